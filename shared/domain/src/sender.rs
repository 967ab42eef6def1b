//! The Sender: who every message says it comes from (A62), and by which channels they go.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Place,
    email::EmailAddress,
    id::{ChannelId, ID_BYTES},
    pace::Limits,
    policy::retention::TIME_ZONE,
    subject::Subject,
};

/// The legal identity and contact that every message carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderIdentity {
    /// Registered name.
    pub company: String,
    /// Legal form: SAS, SARL, GmbH…
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_form: Option<String>,
    /// SIREN or the country's equivalent.
    pub registration_number: String,
    /// Postal address, on one or several lines.
    pub address: String,
    /// Country.
    pub country: String,
    /// Where a person can write to exercise any right.
    pub contact_email: EmailAddress,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Website, https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The name in `From`.
    pub from_name: String,
    /// The address in `From`.
    pub from_email: EmailAddress,
    /// Where answers go, when not to `from_email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<EmailAddress>,
}

/// How the connection to a relay is protected. There is no third way (A50).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelaySecurity {
    /// TLS from the first byte, usually on port 465.
    Tls,
    /// STARTTLS before anything else, usually on port 587.
    Starttls,
}

/// Where access tokens for a relay come from (RFC 6749 §6).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSource {
    /// The provider's token endpoint, https.
    pub token_url: String,
    /// Who asks, as the provider knows them.
    pub client_id: String,
}

/// What carries the messages of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Transport {
    /// Amazon SES, by the operator's account.
    Ses,
    /// The Sender's own relay. The password is sealed: `secret` is ciphertext (A77).
    Smtp {
        /// Host name, as its certificate says.
        host: String,
        /// TCP port.
        port: u16,
        /// TLS from the start, or STARTTLS.
        security: RelaySecurity,
        /// Account at the relay.
        username: String,
        /// The password under the workspace's data key, base64, or what access tokens are asked for with; empty once it
        /// was given up.
        secret: String,
        /// Where access tokens come from, when the relay takes one in place of a password (XOAUTH2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        oauth: Option<TokenSource>,
    },
}

impl Transport {
    /// Whether it is a relay whose password was given up when the workspace was closed.
    #[must_use]
    pub fn lacks_password(&self) -> bool {
        matches!(self, Self::Smtp { secret, .. } if secret.is_empty())
    }

    /// Its name in the API.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ses => "ses",
            Self::Smtp { .. } => "smtp",
        }
    }
}

/// One way that messages leave by: a mailbox, with what carries its messages and how many it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its identifier.
    pub id: ChannelId,
    /// What its Sender calls it.
    pub name: String,
    /// What carries its messages.
    pub transport: Transport,
    /// The name in `From`, when not the identity's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// The address in `From`, when not the identity's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_email: Option<EmailAddress>,
    /// How many messages it takes.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Since when its ramp counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_since: Option<Timestamp>,
    /// Since when it is there.
    pub created_at: Timestamp,
}

/// Channels of one Sender, at most.
pub const MOST_CHANNELS: usize = 16;

/// Who sends, and by which channels: one at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredSender")]
pub struct Sender {
    /// Who sends.
    pub identity: SenderIdentity,
    /// By which channels, oldest first.
    pub channels: Vec<Channel>,
}

/// A Sender as it was stored by any version.
#[derive(Deserialize)]
struct StoredSender {
    identity: SenderIdentity,
    #[serde(default)]
    channels: Vec<Channel>,
    /// The only one there was before there could be several.
    channel: Option<Transport>,
}

impl TryFrom<StoredSender> for Sender {
    type Error = &'static str;

    fn try_from(stored: StoredSender) -> Result<Self, Self::Error> {
        let StoredSender { identity, mut channels, channel } = stored;
        if channels.is_empty() {
            let transport = channel.ok_or("a Sender without a channel")?;
            channels.push(Channel::first(ChannelId::from_bytes([0; ID_BYTES]), transport, Timestamp::UNIX_EPOCH));
        }
        Ok(Self { identity, channels })
    }
}

impl Channel {
    /// The first one of a Sender, which has nothing of its own but what carries its messages.
    #[must_use]
    pub fn first(id: ChannelId, transport: Transport, created_at: Timestamp) -> Self {
        let (from_name, from_email, limits) = (None, None, Limits::default());
        Self { id, name: "1".into(), transport, from_name, from_email, limits, ramp_since: None, created_at }
    }

    /// How many messages it takes at `now`.
    #[must_use]
    pub fn limits_at(&self, zone: &TimeZone, now: Timestamp) -> Limits {
        self.limits.at(self.ramp_since.unwrap_or(self.created_at), zone, now)
    }
}

impl Sender {
    /// A channel.
    #[must_use]
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// Those of these channels that are there; all of them for a campaign that names none.
    #[must_use]
    pub fn among(&self, named: &[ChannelId]) -> Vec<&Channel> {
        self.channels.iter().filter(|channel| named.is_empty() || named.contains(&channel.id)).collect()
    }

    /// Who the messages of one of its channels come from.
    #[must_use]
    pub fn identity_by(&self, channel: &Channel) -> SenderIdentity {
        let mut identity = self.identity.clone();
        if let Some(name) = &channel.from_name {
            identity.from_name.clone_from(name);
        }
        if let Some(email) = &channel.from_email {
            identity.from_email = email.clone();
        }
        identity
    }

    /// The time zone of the workspace, which the days of its channels are counted in: the one that it has `chosen`, or
    /// else that of most people in the Sender's country.
    #[must_use]
    pub fn zone(&self, chosen: Option<&str>) -> TimeZone {
        let of_country = || {
            let place = Place::of(Some(&self.identity.country), &self.identity.from_email);
            place.map_or_else(|| TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC), |place| place.zone())
        };
        chosen.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(of_country)
    }
}

/// The channel that somebody's messages go by: always the same one as long as it is among them, so that no thread
/// changes its sender, and evenly spread. One that goes moves only those who had it (rendezvous hashing).
pub fn channel_of(person: Subject, channels: impl IntoIterator<Item = ChannelId>) -> Option<ChannelId> {
    channels.into_iter().max_by_key(|channel| (weight(person, *channel), *channel))
}

/// A number that is as good as random, and the same for the same two. The person's half is a keyed hash already.
fn weight(person: Subject, channel: ChannelId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *person.as_bytes();
    let start = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    channel.as_bytes().iter().fold(start, |mixed, byte| mix(mixed ^ u64::from(*byte)))
}

/// The finaliser of splitmix64: every bit of the result depends on every bit of the input.
const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(count: u8) -> Vec<ChannelId> {
        (0..count).map(|n| ChannelId::from_bytes([n; ID_BYTES])).collect()
    }

    fn person(number: u32) -> Subject {
        let mut bytes = [7; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        Subject::from_bytes(bytes)
    }

    #[test]
    fn people_are_spread_evenly_over_the_channels() {
        for count in 1..=8u8 {
            let mut found = vec![0u32; count.into()];
            for number in 0..10_000 {
                let id = channel_of(person(number), ids(count)).unwrap();
                found[usize::from(id.as_bytes()[0])] += 1;
            }
            let mean = 10_000 / u32::from(count);
            assert!(found.iter().all(|n| n.abs_diff(mean) < mean / 10), "{found:?}");
        }
        assert_eq!(channel_of(person(1), []), None);
    }

    proptest! {
        #[test]
        fn somebody_keeps_their_channel_whatever_goes_and_in_any_order(
            bytes: [u8; 16], count in 2u8..16, gone: prop::sample::Index, order in Just(()).prop_perturb(|(), rng| rng)
        ) {
            let (person, mut channels) = (Subject::from_bytes(bytes), ids(count));
            let before = channel_of(person, channels.clone()).unwrap();
            let mut order = order;
            channels.sort_by_cached_key(|_| order.next_u32());
            prop_assert_eq!(channel_of(person, channels.clone()), Some(before));
            let gone = channels.remove(gone.index(channels.len()));
            let after = channel_of(person, channels).unwrap();
            prop_assert!(after == before || gone == before, "moved without need");
        }
    }

    const IDENTITY: &str = r#"{"company":"Exemple SAS","registration_number":"1","address":"1 rue","country":"FI",
        "contact_email":"c@firm.test","from_name":"Zoé","from_email":"zoe@firm.test"}"#;

    #[test]
    fn what_was_stored_with_one_channel_still_reads() {
        let stored = format!(r#"{{"identity":{IDENTITY},"channel":{{"kind":"ses"}}}}"#);
        let sender: Sender = serde_json::from_str(&stored).unwrap();
        assert_eq!(sender.channels.len(), 1);
        assert_eq!(sender.channels[0].transport, Transport::Ses);
        let again: Sender = serde_json::from_str(&serde_json::to_string(&sender).unwrap()).unwrap();
        assert_eq!(again, sender);
        assert!(serde_json::from_str::<Sender>(&format!(r#"{{"identity":{IDENTITY}}}"#)).is_err());
    }

    #[test]
    fn a_channel_may_write_in_a_name_of_its_own() {
        let mut sender: Sender =
            serde_json::from_str(&format!(r#"{{"identity":{IDENTITY},"channel":{{"kind":"ses"}}}}"#)).unwrap();
        assert_eq!(sender.identity_by(&sender.channels[0]), sender.identity);
        sender.channels[0].from_name = Some("Ada".into());
        sender.channels[0].from_email = Some("ada@other.test".parse().unwrap());
        let identity = sender.identity_by(&sender.channels[0]);
        assert_eq!((identity.from_name.as_str(), identity.from_email.domain()), ("Ada", "other.test"));
        assert_eq!(identity.contact_email, sender.identity.contact_email);
        assert_eq!(sender.zone(None).iana_name(), Some("Europe/Helsinki"));
        assert_eq!(sender.zone(Some("Asia/Tokyo")).iana_name(), Some("Asia/Tokyo"));
    }
}
