//! What a message that left is called: the `Message-ID` that a later step replies to.
//!
//! Amazon SES puts a name of its own in place of ours and says which in its answer; a relay keeps ours, which
//! anybody can work out who knows the domain it was sent from. Both are kept small: a chunk's fifty names are two
//! write units, and are kept only where a later step replies.

use crate::{id::CampaignId, subject::Subject};

/// Bytes of a name of SES's: `0102018f2d5c1e1a-…-000000`, five groups of a UUID between two of its own.
const SES: usize = 27;

/// Hexadecimal digits in the groups of such a name.
const GROUPS: [usize; 7] = [16, 8, 4, 4, 4, 12, 6];

/// The name of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageName {
    /// Given by SES.
    Ses([u8; SES]),
    /// Our own, from an address of this domain.
    Ours(String),
    /// Given by SES in another form than is known here.
    Other(String),
}

impl MessageName {
    /// The name that SES answered with.
    pub fn given_by_ses(id: &str) -> Self {
        let digits: String = id.split('-').collect();
        let usual = id.split('-').map(str::len).eq(GROUPS);
        let mut bytes = [0; SES];
        // Upper case would not come back as it was.
        let lower = !id.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(&digits, &mut bytes) {
            Ok(()) if usual && lower => Self::Ses(bytes),
            _ => Self::Other(id.to_owned()),
        }
    }

    /// The `Message-ID`, without brackets, of the message of this step to this person. `region` is SES's.
    pub fn message_id(&self, subject: Subject, campaign: CampaignId, step: u8, region: &str) -> String {
        match self {
            Self::Ours(domain) => ours(subject, campaign, step, domain),
            Self::Other(id) => format!("{id}@{}", ses_domain(region)),
            Self::Ses(bytes) => {
                let digits = hex::encode(bytes);
                let mut rest = digits.as_str();
                let groups: Vec<&str> = GROUPS
                    .iter()
                    .map(|length| {
                        let (group, after) = rest.split_at(*length);
                        rest = after;
                        group
                    })
                    .collect();
                format!("{}@{}", groups.join("-"), ses_domain(region))
            }
        }
    }
}

/// The name we give a message.
pub fn ours(subject: Subject, campaign: CampaignId, step: u8, domain: &str) -> String {
    format!("{}.{campaign}.{step}@{domain}", subject.hex())
}

/// What [`ours`] names, for whoever knows such a name; it says nothing yet of whether there was such a message.
pub fn read_ours(name: &str) -> Option<(Subject, CampaignId, u8)> {
    let (local, _) = name.split_once('@')?;
    let mut parts = local.split('.');
    let read = (Subject::from_hex(parts.next()?)?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(read)
}

/// What SES writes after the @: <https://docs.aws.amazon.com/ses/latest/dg/header-fields.html>.
fn ses_domain(region: &str) -> String {
    match region {
        "us-east-1" => "email.amazonses.com".to_owned(),
        region => format!("{region}.amazonses.com"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_as_it_was() {
        let (subject, campaign) = (Subject::from_bytes([0xab; 16]), CampaignId::from_bytes([1; 10]));
        let usual = "0102018f2d5c1e1a-6a1f5b0b-1f9b-4a9e-9a7b-0b9a0b0a0b0a-000000";
        for (id, packed) in [
            (usual, true),
            (&usual.to_uppercase(), false),
            ("0102018f2d5c1e1a6a1f5b0b-1f9b-4a9e-9a7b-0b9a0b0a0b0a-000000", false),
            ("something-else", false),
        ] {
            let name = MessageName::given_by_ses(id);
            assert_eq!(matches!(name, MessageName::Ses(_)), packed, "{id}");
            let whole = name.message_id(subject, campaign, 1, "eu-west-3");
            assert_eq!(whole, format!("{id}@eu-west-3.amazonses.com"));
        }
        let ours = MessageName::Ours("firm.test".into()).message_id(subject, campaign, 2, "eu-west-3");
        assert_eq!(ours, format!("{}.{campaign}.2@firm.test", "ab".repeat(16)));
        assert_eq!(read_ours(&ours), Some((subject, campaign, 2)));
        for other in ["", "a@b", usual, &ours.replace(".2@", ".2.3@"), &ours.replace("cmp_", "imp_"), &ours[2..]] {
            assert_eq!(read_ours(other), None, "{other}");
        }
    }
}
