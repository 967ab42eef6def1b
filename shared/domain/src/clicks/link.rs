//! A signed link: whose message it is in, which of its links it is, and where it leads.
//!
//! The target is in the link, so that it leads there whatever else is down; the MAC covers workspace, message and target,
//! so that nobody can make one that leads elsewhere. Layout, base64url without padding: version (1 byte), workspace (10),
//! campaign (10), person (16), step (1), place (1), target, MAC (16).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    id::{CampaignId, ID_BYTES, WorkspaceId},
    subject::{Pepper, Subject},
    unsubscribe::{sealed, unsealed},
};

/// Links of a message that are signed; those after them lead where they lead.
pub const MOST_LINKS: u8 = 64;

/// Longest target, in bytes: signed, it is still an address that every browser and mail program takes.
const LONGEST: usize = 1_400;

const HEAD: usize = ID_BYTES * 2 + 16 + 2;

/// What a verified link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedLink {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// The campaign.
    pub campaign: CampaignId,
    /// Its step.
    pub step: u8,
    /// Whose message it is in.
    pub subject: Subject,
    /// Which of its links, from 1.
    pub place: u8,
    /// Where it leads: https, and nothing but visible ASCII.
    pub target: String,
}

impl SignedLink {
    const PURPOSE: &str = "click";

    /// The token of the link. `None` for a target that is not to be followed: that link stays as it is.
    pub fn sign(&self, pepper: &Pepper) -> Option<String> {
        if !is_followed(&self.target) {
            return None;
        }
        let (workspace, campaign) = (self.workspace.as_bytes(), self.campaign.as_bytes());
        let place = [self.step, self.place];
        let parts: [&[u8]; 5] = [workspace, campaign, self.subject.as_bytes(), &place, self.target.as_bytes()];
        Some(URL_SAFE_NO_PAD.encode(sealed(Self::PURPOSE, &parts, pepper)))
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        // Nothing longer is decoded: four letters are three bytes.
        if token.len() > (1 + HEAD + LONGEST + 16).div_ceil(3) * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let body = unsealed(Self::PURPOSE, &bytes, pepper)?;
        let (workspace, rest) = body.split_first_chunk()?;
        let (campaign, rest) = rest.split_first_chunk()?;
        let (subject, rest) = rest.split_first_chunk()?;
        let ([step, place], target) = rest.split_first_chunk()?;
        let target = std::str::from_utf8(target).ok().filter(|target| is_followed(target))?.to_owned();
        Some(Self {
            workspace: WorkspaceId::from_bytes(*workspace),
            campaign: CampaignId::from_bytes(*campaign),
            step: *step,
            subject: Subject::from_bytes(*subject),
            place: *place,
            target,
        })
    }
}

/// Whether a link to this address may be signed: https, with a site, in visible ASCII, and not too long. Whatever else a
/// message links to stays as its Sender wrote it.
#[must_use]
pub fn is_followed(address: &str) -> bool {
    let begins = address.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let site = address.get(8..).and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    let plain = address.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>'));
    begins && plain && !site.is_empty() && !site.contains('@') && address.len() <= LONGEST
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ONE: &str = r#"{"v1":"0123456789abcdef0123456789abcdef"}"#;
    const TWO: &str = r#"{"v1":"0123456789abcdef0123456789abcdef","v2":"fedcba9876543210fedcba9876543210"}"#;

    fn link(target: &str) -> SignedLink {
        SignedLink {
            workspace: WorkspaceId::from_bytes([1; 10]),
            campaign: CampaignId::from_bytes([2; 10]),
            step: 3,
            subject: Subject::from_bytes([4; 16]),
            place: 5,
            target: target.to_owned(),
        }
    }

    #[test]
    fn a65_a_link_reads_back_survives_a_key_rotation_and_is_not_too_long() {
        let (old, new) = (Pepper::from_json(ONE).unwrap(), Pepper::from_json(TWO).unwrap());
        for target in [
            "https://example.com",
            "HTTPS://example.com/a?b=c&d=%C3%A9#e",
            &format!("https://a.test/{}", "x".repeat(1_385)),
        ] {
            let token = link(target).sign(&old).unwrap_or_else(|| panic!("{target}"));
            assert!(token.len() < 2_000, "{}", token.len());
            for pepper in [&old, &new] {
                assert_eq!(SignedLink::verify(&token, pepper), Some(link(target)));
            }
            assert_eq!(SignedLink::verify(&link(target).sign(&new).unwrap(), &old), None, "a key it does not have");
        }
    }

    #[test]
    fn a65_only_https_addresses_in_plain_letters_are_followed() {
        let pepper = Pepper::from_json(ONE).unwrap();
        for (target, followed) in [
            ("https://example.com/", true),
            ("http://example.com/", false),
            ("javascript:alert(1)", false),
            ("//example.com/", false),
            ("https:/example.com", false),
            ("https://", false),
            ("https:///path", false),
            ("https://example.com@evil.test/", false),
            ("https:\\\\evil.test", false),
            ("https://example.com/\r\nLocation: https://evil.test", false),
            ("https://example.com/a b", false),
            ("https://exämple.test/", false),
            ("mailto:a@example.com", false),
            ("", false),
        ] {
            assert_eq!(is_followed(target), followed, "{target:?}");
            assert_eq!(link(target).sign(&pepper).is_some(), followed, "{target:?}");
        }
        assert!(!is_followed(&format!("https://a.test/{}", "x".repeat(1_400))));
    }

    #[test]
    fn a65_a_link_changed_in_any_byte_leads_nowhere() {
        let pepper = Pepper::from_json(TWO).unwrap();
        let token = URL_SAFE_NO_PAD.decode(link("https://example.com/page").sign(&pepper).unwrap()).unwrap();
        for at in 0..token.len() {
            let mut forged = token.clone();
            forged[at] ^= 1;
            assert_eq!(SignedLink::verify(&URL_SAFE_NO_PAD.encode(&forged), &pepper), None, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn no_token_that_we_did_not_sign_leads_anywhere(token in "[A-Za-z0-9_-]{0,200}") {
            let pepper = Pepper::from_json(TWO).unwrap();
            prop_assert_eq!(SignedLink::verify(&token, &pepper), None);
        }

        #[test]
        fn whatever_is_followed_reads_back(path in "[!-~]{0,100}", step: u8, place: u8) {
            let pepper = Pepper::from_json(TWO).unwrap();
            let link = SignedLink { step, place, ..link(&format!("https://example.com/{path}")) };
            if let Some(token) = link.sign(&pepper) {
                prop_assert_eq!(SignedLink::verify(&token, &pepper), Some(link));
            }
        }
    }
}
