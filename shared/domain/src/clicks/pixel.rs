//! The image by which it is noted that somebody opened a message, where they agreed to that: which message it is in.
//!
//! Layout, base64url without padding: version (1 byte), workspace (10), campaign (10), person (16), step (1), MAC (16).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    id::{CampaignId, ID_BYTES, WorkspaceId},
    subject::{Pepper, Subject},
    unsubscribe::{sealed, unsealed},
};

const BODY: usize = ID_BYTES * 2 + 16 + 1;

/// What a verified image says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pixel {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// The campaign.
    pub campaign: CampaignId,
    /// Its step.
    pub step: u8,
    /// Whose message it is in.
    pub subject: Subject,
}

impl Pixel {
    const PURPOSE: &str = "open";

    /// The token of its address.
    pub fn sign(&self, pepper: &Pepper) -> String {
        let (workspace, campaign) = (self.workspace.as_bytes(), self.campaign.as_bytes());
        let parts: [&[u8]; 4] = [workspace, campaign, self.subject.as_bytes(), &[self.step]];
        URL_SAFE_NO_PAD.encode(sealed(Self::PURPOSE, &parts, pepper))
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        if token.len() != (1 + BODY + 16) * 4 / 3 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let body = unsealed(Self::PURPOSE, &bytes, pepper)?;
        let (workspace, rest) = body.split_first_chunk()?;
        let (campaign, rest) = rest.split_first_chunk()?;
        let (subject, [step]) = rest.split_first_chunk()? else { return None };
        Some(Self {
            workspace: WorkspaceId::from_bytes(*workspace),
            campaign: CampaignId::from_bytes(*campaign),
            step: *step,
            subject: Subject::from_bytes(*subject),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{clicks::SignedLink, locale::Locale, unsubscribe::OptOutClaim};

    const ONE: &str = r#"{"v1":"0123456789abcdef0123456789abcdef"}"#;
    const TWO: &str = r#"{"v1":"0123456789abcdef0123456789abcdef","v2":"fedcba9876543210fedcba9876543210"}"#;

    fn pixel() -> Pixel {
        Pixel {
            workspace: WorkspaceId::from_bytes([1; 10]),
            campaign: CampaignId::from_bytes([2; 10]),
            step: 3,
            subject: Subject::from_bytes([4; 16]),
        }
    }

    #[test]
    fn a65_an_image_reads_back_survives_a_key_rotation_and_is_nothing_else() {
        let (old, new) = (Pepper::from_json(ONE).unwrap(), Pepper::from_json(TWO).unwrap());
        let token = pixel().sign(&old);
        for pepper in [&old, &new] {
            assert_eq!(Pixel::verify(&token, pepper), Some(pixel()));
        }
        assert_eq!(Pixel::verify(&pixel().sign(&new), &old), None, "a key it does not have");
        assert_eq!(SignedLink::verify(&token, &new), None);
        assert_eq!(OptOutClaim::verify(&token, &new), None);
        let stop =
            OptOutClaim { workspace: pixel().workspace, subject: pixel().subject, locale: Locale::En, told: false };
        assert_eq!(Pixel::verify(&stop.sign(&new), &new), None);
    }

    proptest! {
        #[test]
        fn no_token_that_we_did_not_sign_is_an_image(token in "[A-Za-z0-9_-]{0,100}", at in 0usize..54, bit in 0u8..8) {
            let pepper = Pepper::from_json(TWO).unwrap();
            prop_assert_eq!(Pixel::verify(&token, &pepper), None);
            let mut forged = URL_SAFE_NO_PAD.decode(pixel().sign(&pepper)).unwrap();
            let place = at % forged.len();
            forged[place] ^= 1 << bit;
            prop_assert_eq!(Pixel::verify(&URL_SAFE_NO_PAD.encode(&forged), &pepper), None);
        }
    }
}
