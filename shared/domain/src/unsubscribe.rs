//! Unsubscribe tokens: stateless, opaque, 59 characters at most, good for as long as their key version.
//!
//! Layout, base64url without padding: version (1 byte), language (1), whose messages to whom (26 or 16),
//! MAC (16). A token names nobody: a person is a keyed hash in it. RFC 8058 asks that it be hard to forge.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{
    id::WorkspaceId,
    locale::Locale,
    news::Reader,
    subject::{Pepper, Subject},
};

const HEAD: usize = 2;
const MAC: usize = 16;

/// Bytes that say whom a Sender must not write to any more.
const OF_SENDER: usize = 26;

/// Bytes that say who wants no news of the operator's any more.
const OF_OPERATOR: usize = 16;

/// What a verified token of a Sender's message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptOutClaim {
    /// The Sender's workspace that the person wants to hear no more from.
    pub workspace: WorkspaceId,
    /// The person.
    pub subject: Subject,
    /// The language the message was written in.
    pub locale: Locale,
    /// Whether a system of the Sender's wanted to hear of objections when the message left.
    pub told: bool,
}

impl OptOutClaim {
    const PURPOSE: &str = "unsubscribe";

    /// The token for a message's unsubscribe link.
    pub fn sign(&self, pepper: &Pepper) -> String {
        seal(
            Self::PURPOSE,
            language(self.locale, self.told),
            &[self.workspace.as_bytes().as_slice(), self.subject.as_bytes()],
            pepper,
        )
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        let ((locale, told), body) = open::<OF_SENDER>(Self::PURPOSE, token, pepper)?;
        let (workspace, subject) = (*body.first_chunk()?, *body.last_chunk()?);
        let (workspace, subject) = (WorkspaceId::from_bytes(workspace), Subject::from_bytes(subject));
        Some(Self { workspace, subject, locale, told })
    }
}

/// What a verified token of the operator's news says (A14).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewsClaim {
    /// Who wants no more of it.
    pub reader: Reader,
    /// The language it was written in.
    pub locale: Locale,
}

impl NewsClaim {
    const PURPOSE: &str = "unsubscribe-news";

    /// The token for the unsubscribe link of news.
    pub fn sign(&self, pepper: &Pepper) -> String {
        seal(Self::PURPOSE, language(self.locale, false), &[self.reader.as_bytes()], pepper)
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        let ((locale, _), body) = open::<OF_OPERATOR>(Self::PURPOSE, token, pepper)?;
        Some(Self { reader: Reader::from_bytes(body), locale })
    }
}

/// Whose messages a token is there to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A Sender's.
    Senders,
    /// The operator's own.
    Operators,
}

/// Whose messages a token claims to stop and in which language, verified or not: a forged one is answered like a
/// true one. `None` for what is no token at all.
pub fn peek(token: &str) -> Option<(Whose, Locale)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let whose = match bytes.len().checked_sub(HEAD + MAC)? {
        OF_SENDER => Whose::Senders,
        OF_OPERATOR => Whose::Operators,
        _ => return None,
    };
    Some((whose, read_language(bytes[1])?.0))
}

pub(crate) fn seal(purpose: &str, language: u8, body: &[&[u8]], pepper: &Pepper) -> String {
    let language = [language];
    let parts: Vec<&[u8]> = std::iter::once(language.as_slice()).chain(body.iter().copied()).collect();
    URL_SAFE_NO_PAD.encode(sealed(purpose, &parts, pepper))
}

pub(crate) fn open<const BODY: usize>(
    purpose: &str,
    token: &str,
    pepper: &Pepper,
) -> Option<((Locale, bool), [u8; BODY])> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == HEAD + BODY + MAC)?;
    let (language, body) = unsealed(purpose, &bytes, pepper)?.split_first()?;
    Some((read_language(*language)?, *body.first_chunk()?))
}

/// The version of the key, what is said, and a MAC over both.
pub(crate) fn sealed(purpose: &str, parts: &[&[u8]], pepper: &Pepper) -> Vec<u8> {
    let version = pepper.current_version();
    let mut bytes = vec![version];
    bytes.extend(parts.iter().copied().flatten());
    let mac = pepper.mac(purpose, version, &bytes).expect("the current version exists");
    bytes.extend_from_slice(&mac);
    bytes
}

/// What is said, if we sealed it: compared in constant time.
pub(crate) fn unsealed<'b>(purpose: &str, bytes: &'b [u8], pepper: &Pepper) -> Option<&'b [u8]> {
    let (signed, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC)?)?;
    let (version, said) = signed.split_first()?;
    let expected = pepper.mac(purpose, *version, signed)?;
    bool::from(expected.ct_eq(mac)).then_some(said)
}

/// A language; in capitals where somebody is told.
pub(crate) const fn language(locale: Locale, told: bool) -> u8 {
    match (locale, told) {
        (Locale::Fr, false) => b'f',
        (Locale::En, false) => b'e',
        (Locale::Fr, true) => b'F',
        (Locale::En, true) => b'E',
    }
}

const fn read_language(byte: u8) -> Option<(Locale, bool)> {
    Some(match byte {
        b'f' => (Locale::Fr, false),
        b'e' => (Locale::En, false),
        b'F' => (Locale::Fr, true),
        b'E' => (Locale::En, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"v1":"0123456789abcdef0123456789abcdef"}"#;
    const TWO: &str = r#"{"v1":"0123456789abcdef0123456789abcdef","v2":"fedcba9876543210fedcba9876543210"}"#;

    fn claim() -> OptOutClaim {
        OptOutClaim {
            workspace: WorkspaceId::from_bytes([3; 10]),
            subject: Subject::from_bytes([9; 16]),
            locale: Locale::En,
            told: false,
        }
    }

    fn of_news() -> NewsClaim {
        NewsClaim { reader: Reader::from_bytes([9; 16]), locale: Locale::Fr }
    }

    #[test]
    fn a_token_reads_back_is_short_and_survives_a_key_rotation() {
        let (old, new) = (Pepper::from_json(ONE).unwrap(), Pepper::from_json(TWO).unwrap());
        let (token, news) = (claim().sign(&old), of_news().sign(&old));
        assert!(token.len() <= 72 && news.len() <= 72, "{} {}", token.len(), news.len());
        for pepper in [&old, &new] {
            assert_eq!(OptOutClaim::verify(&token, pepper), Some(claim()));
            assert_eq!(NewsClaim::verify(&news, pepper), Some(of_news()));
        }
        assert_eq!(peek(&token), Some((Whose::Senders, Locale::En)));
        for (locale, told) in [(Locale::Fr, true), (Locale::En, true), (Locale::Fr, false)] {
            let claim = OptOutClaim { locale, told, ..claim() };
            let signed = claim.sign(&new);
            assert_eq!(
                (OptOutClaim::verify(&signed, &new), peek(&signed)),
                (Some(claim), Some((Whose::Senders, locale)))
            );
            assert_eq!(signed.len(), token.len());
        }
        assert_eq!(peek(&news), Some((Whose::Operators, Locale::Fr)));
    }

    #[test]
    fn a_token_changed_in_any_byte_means_nobody() {
        let pepper = Pepper::from_json(TWO).unwrap();
        for token in [claim().sign(&pepper), of_news().sign(&pepper)] {
            let token = URL_SAFE_NO_PAD.decode(token).unwrap();
            for at in 0..token.len() {
                let mut forged = token.clone();
                forged[at] ^= 1;
                let forged = URL_SAFE_NO_PAD.encode(&forged);
                assert_eq!(OptOutClaim::verify(&forged, &pepper), None, "byte {at}");
                assert_eq!(NewsClaim::verify(&forged, &pepper), None, "byte {at}");
            }
        }
        for bad in ["", "a", "é", &"A".repeat(46), &"A".repeat(59), &"A".repeat(500)] {
            assert_eq!(OptOutClaim::verify(bad, &pepper), None);
            assert_eq!(NewsClaim::verify(bad, &pepper), None);
        }
    }
}
