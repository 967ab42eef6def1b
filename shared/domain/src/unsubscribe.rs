//! The unsubscribe token: stateless, opaque, 59 characters, good for as long as its key version.
//!
//! Layout, base64url without padding: version (1 byte), language (1), workspace (10), subject (16),
//! MAC (16). It names nobody: the subject is a keyed hash. RFC 8058 asks that it be hard to forge.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq;

use crate::{
    id::WorkspaceId,
    locale::Locale,
    subject::{Pepper, Subject},
};

const PURPOSE: &str = "unsubscribe";
const SIGNED: usize = 28;
const LENGTH: usize = SIGNED + 16;

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptOutClaim {
    /// The Sender's workspace that the person wants to hear no more from.
    pub workspace: WorkspaceId,
    /// The person.
    pub subject: Subject,
    /// The language the message was written in.
    pub locale: Locale,
}

impl OptOutClaim {
    /// The token for a message's unsubscribe link.
    pub fn sign(&self, pepper: &Pepper) -> String {
        let version = pepper.current_version();
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(version);
        bytes.push(match self.locale {
            Locale::Fr => b'f',
            Locale::En => b'e',
        });
        bytes.extend_from_slice(self.workspace.as_bytes());
        bytes.extend_from_slice(self.subject.as_bytes());
        let mac = pepper.mac(PURPOSE, version, &bytes).expect("the current version exists");
        bytes.extend_from_slice(&mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|b| b.len() == LENGTH)?;
        let (signed, mac) = bytes.split_at(SIGNED);
        let expected = pepper.mac(PURPOSE, signed[0], signed)?;
        if !bool::from(expected.ct_eq(mac)) {
            return None;
        }
        let mut workspace = [0; 10];
        workspace.copy_from_slice(&signed[2..12]);
        let mut subject = [0; 16];
        subject.copy_from_slice(&signed[12..28]);
        Some(Self {
            workspace: WorkspaceId::from_bytes(workspace),
            subject: Subject::from_bytes(subject),
            locale: locale_of(signed[1])?,
        })
    }

    /// The language a token claims, verified or not: a forged one is answered like a true one.
    pub fn peek_locale(token: &str) -> Option<Locale> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|b| b.len() == LENGTH)?;
        locale_of(bytes[1])
    }
}

fn locale_of(byte: u8) -> Option<Locale> {
    match byte {
        b'f' => Some(Locale::Fr),
        b'e' => Some(Locale::En),
        _ => None,
    }
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
        }
    }

    #[test]
    fn a_token_reads_back_is_short_and_survives_a_key_rotation() {
        let old = Pepper::from_json(ONE).unwrap();
        let token = claim().sign(&old);
        assert!(token.len() <= 72, "{}", token.len());
        assert_eq!(OptOutClaim::verify(&token, &old), Some(claim()));
        assert_eq!(OptOutClaim::verify(&token, &Pepper::from_json(TWO).unwrap()), Some(claim()));
    }

    #[test]
    fn a_token_changed_in_any_byte_means_nobody() {
        let pepper = Pepper::from_json(TWO).unwrap();
        let token = URL_SAFE_NO_PAD.decode(claim().sign(&pepper)).unwrap();
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 1;
            assert_eq!(OptOutClaim::verify(&URL_SAFE_NO_PAD.encode(&forged), &pepper), None, "byte {at}");
        }
        for bad in ["", "a", "é", &"A".repeat(59), &"A".repeat(500)] {
            assert_eq!(OptOutClaim::verify(bad, &pepper), None);
        }
    }
}
