//! How many messages a domain sends in a day, and from how many on receivers hold it to their rules for bulk mail.
//!
//! Gmail counts what personal mailboxes get of a domain, from about 5,000 a day on and for good; Microsoft does from 5,000 on;
//! Yahoo names no number. Nobody here has a private mailbox, and where a company's mail is hosted is not looked up, so all that leaves
//! counts as if one of them had it.

use crate::{id::ChannelId, pace::Limits, sender::Sender};

/// Messages a day from which on a domain is a bulk sender.
pub const BULK: u64 = 5_000;

/// The most that a campaign to so many people sends in one day from `domain`, by these channels of the Sender's or by all: people
/// are spread evenly over channels, and none takes more than its caps. Caps by the hour count for all hours of the day,
/// because people are in many time zones; ramps count with what they lead up to.
#[must_use]
pub fn most_a_day(sender: &Sender, named: &[ChannelId], domain: &str, people: u64) -> u64 {
    let channels = sender.among(named);
    let share = people.div_ceil(u64::try_from(channels.len()).unwrap_or(1).max(1));
    let from = |channel: &&crate::sender::Channel| {
        sender.identity_by(channel).from_email.domain().eq_ignore_ascii_case(domain)
    };
    channels.into_iter().filter(from).fold(0, |sum, channel| sum.saturating_add(share.min(cap(&channel.limits))))
}

/// People with whom a domain is a bulk sender at the latest, if it ever is one by these channels.
#[must_use]
pub fn enough(sender: &Sender, named: &[ChannelId]) -> u64 {
    BULK.saturating_mul(u64::try_from(sender.among(named).len()).unwrap_or(1).max(1))
}

/// What a channel takes in a day.
fn cap(limits: &Limits) -> u64 {
    let day = limits.per_day.map(u64::from);
    let hours = limits.per_hour.map(|cap| u64::from(cap) * 24);
    let gaps = limits.gap_seconds.map(|gap| 86_400 / u64::from(gap.max(1)));
    [day, hours, gaps].into_iter().flatten().min().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(channels: &[(&str, &str)]) -> Sender {
        let channels: Vec<_> = (1_u8..)
            .zip(channels)
            .map(|(number, (from, limits))| {
                let limits: serde_json::Value = serde_json::from_str(limits).unwrap();
                serde_json::json!({
                    "id": ChannelId::from_bytes([number; 10]), "name": "c", "transport": {"kind": "ses"}, "from_email": from,
                    "limits": limits, "created_at": "2026-11-26T09:00:00Z",
                })
            })
            .collect();
        let identity = serde_json::json!({
            "company": "Firm", "registration_number": "1", "address": "1 street", "country": "FR",
            "contact_email": "a@firm.test", "from_name": "Ada", "from_email": "ada@firm.test",
        });
        serde_json::from_value(serde_json::json!({"identity": identity, "channels": channels})).unwrap()
    }

    #[test]
    fn people_are_spread_over_channels_and_caps_hold() {
        for (channels, people, expected) in [
            (&[("ada@firm.test", "{}")][..], 4_999, 4_999),
            (&[("ada@firm.test", "{}")], 5_000, 5_000),
            (&[("ada@firm.test", r#"{"per_day": 400}"#)], 1_000_000, 400),
            (&[("ada@firm.test", r#"{"per_hour": 100}"#)], 1_000_000, 2_400),
            (&[("ada@firm.test", r#"{"gap_seconds": 30, "per_day": 4000}"#)], 1_000_000, 2_880),
            // Half of them leave from another domain.
            (&[("ada@firm.test", "{}"), ("ada@other.test", "{}")], 9_999, 5_000),
            (&[("ada@firm.test", "{}"), ("bob@FIRM.test", r#"{"per_day": 10}"#)], 1_000, 510),
            (&[("ada@other.test", "{}")], 9_999, 0),
        ] {
            assert_eq!(most_a_day(&sender(channels), &[], "firm.test", people), expected, "{channels:?} {people}");
        }
        let two = sender(&[("ada@firm.test", "{}"), ("ada@other.test", "{}")]);
        assert_eq!(most_a_day(&two, &[], "firm.test", enough(&two, &[])), BULK);
        assert_eq!(most_a_day(&two, &[], "firm.test", u64::MAX), u64::MAX.div_ceil(2));
    }
}
