//! The address that answers to a message go to: stateless, opaque, good for as long as its key version.
//!
//! The local part is `r` and, in base32 without padding, version (1 byte), workspace (10), subject (16) and MAC (10);
//! an address that a channel's check goes to has another letter and something else in place of the subject. 61 characters of the 64 that RFC 5321 §4.5.3.1.1 allows, in one case, because some mail systems
//! fold it. It names nobody: the subject is a keyed hash.

use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq;

use crate::{
    id::WorkspaceId,
    subject::{Pepper, Subject},
};

const PURPOSE: &str = "reply address";
const PREFIX: char = 'r';
const SIGNED: usize = 27;
const MAC: usize = 10;

/// Whose answer comes in at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyAddress {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// The person who was written to.
    pub subject: Subject,
}

impl ReplyAddress {
    /// The part of the address before the `@`.
    pub fn local_part(&self, pepper: &Pepper) -> String {
        sign(PREFIX, PURPOSE, self.workspace, self.subject.as_bytes(), pepper)
    }

    /// Reads a local part back; `None` for whatever we did not make.
    pub fn verify(local_part: &str, pepper: &Pepper) -> Option<Self> {
        let (workspace, subject) = open(PREFIX, PURPOSE, local_part, pepper)?;
        Some(Self { workspace, subject: Subject::from_bytes(subject) })
    }
}

/// The local part that says this of a workspace.
pub(crate) fn sign(prefix: char, purpose: &str, workspace: WorkspaceId, what: &[u8; 16], pepper: &Pepper) -> String {
    let version = pepper.current_version();
    let mut bytes = Vec::with_capacity(SIGNED + MAC);
    bytes.push(version);
    bytes.extend_from_slice(workspace.as_bytes());
    bytes.extend_from_slice(what);
    let mac = pepper.mac(purpose, version, &bytes).expect("the current version exists");
    bytes.extend_from_slice(&mac[..MAC]);
    format!("{prefix}{}", BASE32_NOPAD.encode(&bytes).to_ascii_lowercase())
}

/// What [`sign`] made for the same purpose.
pub(crate) fn open(prefix: char, purpose: &str, local_part: &str, pepper: &Pepper) -> Option<(WorkspaceId, [u8; 16])> {
    let text = local_part.to_ascii_uppercase();
    let text = text.strip_prefix(prefix.to_ascii_uppercase())?;
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| bytes.len() == SIGNED + MAC)?;
    let (signed, mac) = bytes.split_at(SIGNED);
    let expected = pepper.mac(purpose, signed[0], signed)?;
    if !bool::from(expected[..MAC].ct_eq(mac)) {
        return None;
    }
    let (workspace, what) = signed[1..].split_at(10);
    Some((WorkspaceId::from_bytes(workspace.try_into().ok()?), what.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"v1":"0123456789abcdef0123456789abcdef"}"#;
    const TWO: &str = r#"{"v1":"0123456789abcdef0123456789abcdef","v2":"fedcba9876543210fedcba9876543210"}"#;

    fn address() -> ReplyAddress {
        ReplyAddress { workspace: WorkspaceId::from_bytes([3; 10]), subject: Subject::from_bytes([9; 16]) }
    }

    #[test]
    fn an_address_fits_reads_back_in_any_case_and_survives_a_key_rotation() {
        let (old, new) = (Pepper::from_json(ONE).unwrap(), Pepper::from_json(TWO).unwrap());
        let local = address().local_part(&old);
        assert!(local.len() <= 64 && local.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{local}");
        for pepper in [&old, &new] {
            assert_eq!(ReplyAddress::verify(&local, pepper), Some(address()));
            assert_eq!(ReplyAddress::verify(&local.to_ascii_uppercase(), pepper), Some(address()));
        }
    }

    #[test]
    fn an_address_changed_in_any_place_means_nobody() {
        let pepper = Pepper::from_json(TWO).unwrap();
        let local = address().local_part(&pepper);
        for at in 0..local.len() {
            let mut forged = local.clone().into_bytes();
            forged[at] = if forged[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(ReplyAddress::verify(&String::from_utf8(forged).unwrap(), &pepper), None, "place {at}");
        }
        for bad in ["", "r", "é", "raaaa", &"r".repeat(61), &"a".repeat(61), &"r".repeat(10_000)] {
            assert_eq!(ReplyAddress::verify(bad, &pepper), None, "{bad}");
        }
    }
}
