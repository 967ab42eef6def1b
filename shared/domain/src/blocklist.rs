//! Blocklists that are asked through DNS (RFC 5782).

use std::net::{IpAddr, Ipv4Addr};

use crate::dns;

/// A list that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocklist {
    /// Of addresses.
    Ip(String),
    /// Of domains.
    Domain(String),
}

impl Blocklist {
    /// `ip:<zone>` or `domain:<zone>`; `None` for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (kind, zone) = text.trim().split_once(':')?;
        let zone = zone.trim().trim_end_matches('.').to_ascii_lowercase();
        if zone.is_empty() {
            return None;
        }
        match kind {
            "ip" => Some(Self::Ip(zone)),
            "domain" => Some(Self::Domain(zone)),
            _ => None,
        }
    }

    /// Its zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        match self {
            Self::Ip(zone) | Self::Domain(zone) => zone,
        }
    }

    /// What it is asked about, and the name that is looked up for it.
    #[must_use]
    pub fn questions(&self, domain: &str, addresses: &[IpAddr]) -> Vec<(String, String)> {
        match self {
            Self::Domain(zone) => vec![(domain.to_owned(), format!("{domain}.{zone}"))],
            Self::Ip(zone) => {
                addresses.iter().map(|ip| (ip.to_string(), format!("{}.{zone}", backwards(*ip)))).collect()
            }
        }
    }
}

/// An address with its parts in reverse order, as lists have it (§2.1, §2.4).
fn backwards(address: IpAddr) -> String {
    let name = dns::reverse(address);
    let parts = name.strip_suffix(".in-addr.arpa").or_else(|| name.strip_suffix(".ip6.arpa"));
    parts.unwrap_or(&name).to_owned()
}

/// Whether an answer is an entry: an address of 127.0.0.0/8. 127.0.0.1 is what resolvers make up, and 127.255.255.0/24
/// is how lists say that they do not answer this resolver.
#[must_use]
pub fn is_entry(answer: IpAddr) -> bool {
    matches!(answer, IpAddr::V4(v4) if v4.is_loopback() && v4 != Ipv4Addr::LOCALHOST && v4.octets()[..3] != [127, 255, 255])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_of_addresses_or_of_domains() {
        assert_eq!(Blocklist::read(" ip:Zen.Example. "), Some(Blocklist::Ip("zen.example".into())));
        assert_eq!(Blocklist::read("domain:dbl.example"), Some(Blocklist::Domain("dbl.example".into())));
        for wrong in ["", "zen.example", "ip:", "ip: .", "mail:zen.example"] {
            assert_eq!(Blocklist::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_are_asked_for_backwards_and_domains_as_they_are() {
        let addresses = ["192.0.2.7".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let names = |list: &str| {
            let questions = Blocklist::read(list).unwrap().questions("example.com", &addresses);
            questions.into_iter().map(|(_, name)| name).collect::<Vec<_>>()
        };
        assert_eq!(names("domain:dbl.example"), ["example.com.dbl.example"]);
        let six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.zen.example";
        assert_eq!(names("ip:zen.example"), ["7.2.0.192.zen.example", six]);
    }

    #[test]
    fn only_an_address_that_lists_give_is_an_entry() {
        for (answer, entry) in [
            ("127.0.0.2", true),
            ("127.0.1.4", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("192.0.2.1", false),
            ("::1", false),
        ] {
            assert_eq!(is_entry(answer.parse().unwrap()), entry, "{answer}");
        }
    }
}
