//! Prefixed identifiers: `ws_…`, `mem_…`, `imp_…`, `cmp_…` and others.
//!
//! Ten bytes in hexadecimal: four of the second they were made in and two of the moment within it, so that they
//! sort by age, and four of chance. They are names, not secrets: what protects a record is the workspace in its key.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Bytes of an identifier, without its prefix.
pub const ID_BYTES: usize = 10;

/// The text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an id as the API gives it, which begins with `{0}`")]
pub struct BadId(pub &'static str);

macro_rules! prefixed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; ID_BYTES]);

        impl $name {
            /// A new identifier from the time it is made at, in steps of 15 microseconds, and four bytes of chance.
            pub fn new(now: Timestamp, chance: [u8; 4]) -> Self {
                let mut bytes = [0; ID_BYTES];
                let seconds = u32::try_from(now.as_second()).unwrap_or(0);
                let within = u16::try_from(i64::from(now.subsec_nanosecond()) * 65_536 / 1_000_000_000).unwrap_or(0);
                bytes[..4].copy_from_slice(&seconds.to_be_bytes());
                bytes[4..6].copy_from_slice(&within.to_be_bytes());
                bytes[6..].copy_from_slice(&chance);
                Self(bytes)
            }

            /// When it was made, to the second.
            pub fn made_at(&self) -> Timestamp {
                let [a, b, c, d, ..] = self.0;
                Timestamp::from_second(u32::from_be_bytes([a, b, c, d]).into()).unwrap_or(Timestamp::UNIX_EPOCH)
            }

            /// The identifier of these bytes, as stored in a token.
            pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
                Self(bytes)
            }

            /// The bytes without the prefix.
            pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let bad = BadId($prefix);
                let digits = text.strip_prefix($prefix).ok_or_else(|| bad.clone())?;
                let mut bytes = [0; ID_BYTES];
                if digits.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(bad);
                }
                hex::decode_to_slice(digits, &mut bytes).map_err(|_| bad)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

prefixed_id!(
    /// A Sender's account: everything it owns hangs on this.
    WorkspaceId,
    "ws_"
);
prefixed_id!(
    /// A person who signs in to a workspace.
    MemberId,
    "mem_"
);
prefixed_id!(
    /// A family of refresh tokens: one sign-in on one device.
    SessionId,
    "ses_"
);
prefixed_id!(
    /// Somebody asked to join a workspace.
    InvitationId,
    "inv_"
);
prefixed_id!(
    /// A key that a program uses the API with.
    ApiKeyId,
    "key_"
);
prefixed_id!(
    /// One uploaded file of prospects.
    ImportId,
    "imp_"
);
prefixed_id!(
    /// One campaign.
    CampaignId,
    "cmp_"
);
prefixed_id!(
    /// One way that a Sender's messages leave by.
    ChannelId,
    "chn_"
);
prefixed_id!(
    /// One entry of the audit trail.
    AuditId,
    "aud_"
);
prefixed_id!(
    /// A request of a person about their rights.
    RequestId,
    "req_"
);
prefixed_id!(
    /// An access of staff to one workspace.
    GrantId,
    "grt_"
);
prefixed_id!(
    /// A breach, or an exercise of one.
    IncidentId,
    "inc_"
);
prefixed_id!(
    /// A case of abuse.
    CaseId,
    "abu_"
);
prefixed_id!(
    /// An endpoint of a Sender's that is told what happens.
    WebhookId,
    "whk_"
);
prefixed_id!(
    /// Something that such an endpoint is told.
    EventId,
    "evt_"
);
prefixed_id!(
    /// A Sender's own mailbox that is read for answers.
    MailboxId,
    "mbx_"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back_and_sort_by_age() {
        let early = CampaignId::new("2026-01-01T00:00:00.999Z".parse().unwrap(), [0xff; 4]);
        let late = CampaignId::new("2026-01-01T00:00:01Z".parse().unwrap(), [0; 4]);
        let later = CampaignId::new("2026-01-01T00:00:01.001Z".parse().unwrap(), [0; 4]);
        assert!(late < later && later.made_at() == late.made_at());
        assert!(early < late && early.to_string() < late.to_string());
        assert_eq!(late.made_at(), "2026-01-01T00:00:01Z".parse().unwrap());
        assert_eq!(early.to_string().parse::<CampaignId>(), Ok(early));
    }

    #[test]
    fn another_prefix_another_length_or_capitals_are_refused() {
        let id = CampaignId::from_bytes([0xab; 10]).to_string();
        for bad in ["", "cmp_", "cmp_12", &id.replace("cmp_", "imp_"), &id.to_uppercase(), &format!("{id}0")] {
            assert!(bad.parse::<CampaignId>().is_err(), "{bad}");
        }
    }
}
