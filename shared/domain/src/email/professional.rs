//! Which addresses belong to somebody at work (A68, A70).
//!
//! Prospecting without prior consent is only lawful towards professionals, so an address at a
//! freemail provider is refused, and so is one at a disposable-mailbox service. Both lists are data
//! (`data/*.txt`, one domain a line), and a list is never complete: this is the floor, not a proof.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use super::EmailAddress;

/// Why an address is not a professional one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NotProfessional {
    /// A provider of personal mailboxes: free ones, and those that come with a home connection.
    #[error("the address is at a provider of personal mailboxes")]
    Freemail,
    /// A service of throw-away mailboxes.
    #[error("the address is at a service of disposable mailboxes")]
    Disposable,
}

const FREEMAIL: &str = include_str!("../../data/freemail.txt");
const DISPOSABLE: &str = include_str!("../../data/disposable.txt");

/// Refuses addresses at freemail and disposable providers; sub-domains of theirs too.
///
/// # Errors
/// [`NotProfessional`] says which of the two.
pub fn professional(address: &EmailAddress) -> Result<(), NotProfessional> {
    let known = known();
    let mut domain = address.domain();
    loop {
        if let Some(kind) = known.get(domain) {
            return Err(*kind);
        }
        // A list holds no bare top-level domain: stop at two labels.
        match parent(domain) {
            Some(above) if parent(above).is_some() => domain = above,
            _ => return Ok(()),
        }
    }
}

fn parent(domain: &str) -> Option<&str> {
    let dot = domain.bytes().position(|b| b == b'.')?;
    domain.get(dot + 1..)
}

type Known = HashMap<&'static str, NotProfessional, BuildHasherDefault<Fnv>>;

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let disposable = entries(DISPOSABLE).map(|domain| (domain, NotProfessional::Disposable));
        let freemail = entries(FREEMAIL).map(|domain| (domain, NotProfessional::Freemail));
        disposable.chain(freemail).collect()
    })
}

/// FNV-1a: an import asks twice a row. What is in the map is ours, so nobody can make it collide.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &b in bytes {
            self.0 = (self.0 ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// The domains of a list: `#` starts a comment, blank lines group.
fn entries(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.lines().map(|line| line.split('#').next().unwrap_or("").trim()).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str) -> Result<(), NotProfessional> {
        professional(&EmailAddress::parse(text).expect(text))
    }

    #[test]
    fn a68_freemail_is_refused_wherever_it_comes_from() {
        for text in [
            "a@gmail.com",
            "a@GMAIL.COM",
            "a@orange.fr",
            "a@wanadoo.fr",
            "a@free.fr",
            "a@laposte.net",
            "a@sfr.fr",
            "a@hotmail.fr",
            "a@yahoo.co.uk",
            "a@gmx.de",
            "a@web.de",
            "a@libero.it",
            "a@bluewin.ch",
            "a@skynet.be",
            "a@proton.me",
            "a@mail.ru",
            "a@qq.com",
            "a@icloud.com",
            "a@eu.yahoo.com",
        ] {
            assert_eq!(verdict(text), Err(NotProfessional::Freemail), "{text}");
        }
    }

    #[test]
    fn a70_disposable_mailboxes_are_refused_with_their_subdomains() {
        for text in
            ["a@mailinator.com", "a@box.mailinator.com", "a@yopmail.com", "a@guerrillamail.com", "a@jetable.org"]
        {
            assert_eq!(verdict(text), Err(NotProfessional::Disposable), "{text}");
        }
    }

    #[test]
    fn companies_are_accepted_even_with_a_look_alike_name() {
        for text in ["a@example.com", "a@notgmail.com", "a@gmail.com.example.org", "info@orange.com", "a@free.test"] {
            assert_eq!(verdict(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn the_lists_are_long_clean_and_disjoint() {
        let freemail: Vec<_> = entries(FREEMAIL).collect();
        let disposable: Vec<_> = entries(DISPOSABLE).collect();
        assert!(freemail.len() >= 400, "{}", freemail.len());
        assert!(disposable.len() >= 400, "{}", disposable.len());
        let mut all: Vec<_> = freemail.iter().chain(&disposable).collect();
        all.sort_unstable();
        for pair in all.windows(2) {
            assert_ne!(pair[0], pair[1], "twice in the lists");
        }
        for domain in all {
            let address = EmailAddress::parse(&format!("a@{domain}"));
            assert_eq!(address.as_ref().map(EmailAddress::domain), Ok(*domain), "{domain}");
        }
    }
}
