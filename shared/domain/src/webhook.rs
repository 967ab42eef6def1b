//! Webhooks: what the product tells a Sender's own systems, how it is signed, and when it is tried again.
//!
//! An event names a place in a chunk and never a person: who stands there is looked up when it is delivered, so that
//! a correction of the place, an erasure, reaches what is kept and what waits. Signed as Standard Webhooks says.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    bounce::Evidence,
    id::{CampaignId, EventId, ID_BYTES, ImportId, WorkspaceId},
};

macro_rules! kinds {
    (
        chosen { $($(#[$doc:meta])* $name:ident = $code:literal,)+ }
        $(#[$own:meta])* $test:ident = $sent:literal,
    ) => {
        /// What happened. A code is for good: programs of others read it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum EventKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
            $(#[$own])* #[serde(rename = $sent)] $test,
        }

        /// What happens that an endpoint may choose to be told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub enum Choice {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Choice {
            /// The codes of all of them.
            pub const CODES: &'static [&'static str] = &[$($code,)+];
        }

        impl From<Choice> for EventKind {
            fn from(choice: Choice) -> Self {
                match choice { $(Choice::$name => Self::$name,)+ }
            }
        }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+ Self::$test];

            /// `<what>.<done>`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ Self::$test => $sent }
            }
        }
    };
}

kinds! {
    chosen {
        /// Messages were accepted by the channel: once for a chunk.
        Sent = "message.sent",
        /// The recipient's server took a message.
        Delivered = "message.delivered",
        /// The recipient's server puts a message off; it is tried again.
        Delayed = "message.delayed",
        /// A message came back.
        Bounced = "message.bounced",
        /// A message was reported as spam.
        Complained = "message.complained",
        /// A message was answered by a person.
        Replied = "message.replied",
        /// A person followed a link of a message, and had agreed that this is recorded: once for a message.
        Clicked = "message.clicked",
        /// A person opened a message, and had agreed that this is recorded: once for a message.
        Opened = "message.opened",
        /// The channel refused a message, at once or after it had accepted it, or put it off for a day: nobody has it.
        Failed = "message.failed",
        /// Nobody can tell whether the channel took a message. It is not sent again; when SES says that it has it, `message.sent` follows.
        Unknown = "message.unknown",
        /// A person objected to more messages.
        OptedOut = "prospect.opted_out",
        /// A campaign began to send.
        CampaignLaunched = "campaign.launched",
        /// A campaign was halted, by a member or because of what came back.
        CampaignPaused = "campaign.paused",
        /// A campaign goes on.
        CampaignResumed = "campaign.resumed",
        /// A campaign was ended for good.
        CampaignCancelled = "campaign.cancelled",
        /// Everybody in a campaign has an outcome.
        CampaignCompleted = "campaign.completed",
        /// A file was read to its end, or could not be.
        ImportFinished = "import.finished",
        /// A mailbox could not be read for a day: nobody looks into it from here on.
        MailboxDisabled = "mailbox.disabled",
    }
    /// A member tries the endpoint. It comes whatever was chosen.
    Test = "webhook.test",
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The same for the same event, however often it is heard of.
    pub id: EventId,
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Which campaign it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<CampaignId>,
    /// Which step of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u8>,
    /// Which chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// Which places in the chunk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<u8>,
    /// Which import it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportId>,
    /// A word of ours: why, or how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What is known of a message that came back, without anybody's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

impl Event {
    /// That something happened, without a campaign.
    #[must_use]
    pub fn new(workspace: WorkspaceId, kind: EventKind, at: Timestamp) -> Self {
        let event = Self {
            id: EventId::from_bytes([0; ID_BYTES]),
            kind,
            at,
            campaign: None,
            step: None,
            chunk: None,
            places: Vec::new(),
            import: None,
            because: None,
            evidence: None,
        };
        event.named(workspace)
    }

    /// The same, about a campaign.
    #[must_use]
    pub fn of_campaign(workspace: WorkspaceId, kind: EventKind, campaign: CampaignId, at: Timestamp) -> Self {
        Self { campaign: Some(campaign), ..Self::new(workspace, kind, at) }.named(workspace)
    }

    /// The same, about people in a chunk at a step.
    #[must_use]
    pub fn of_places(
        workspace: WorkspaceId,
        kind: EventKind,
        (campaign, chunk, step): (CampaignId, u32, u8),
        places: &[usize],
        at: Timestamp,
    ) -> Self {
        let places = places.iter().filter_map(|place| u8::try_from(*place).ok()).collect();
        let event = Self::of_campaign(workspace, kind, campaign, at);
        Self { chunk: Some(chunk), step: Some(step), places, ..event }.named(workspace)
    }

    /// That an import ended.
    #[must_use]
    pub fn of_import(workspace: WorkspaceId, import: ImportId, at: Timestamp) -> Self {
        Self { import: Some(import), ..Self::new(workspace, EventKind::ImportFinished, at) }.named(workspace)
    }

    /// With what is known of a message that came back. What others wrote of it an endpoint is not told.
    #[must_use]
    pub fn with_evidence(self, evidence: Option<Evidence>) -> Self {
        Self { evidence: evidence.map(Evidence::without_words), ..self }
    }

    /// With a word about why or how.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { because: Some(why.to_owned()), ..self }
    }

    /// Another attempt of the same member is another event.
    #[must_use]
    pub fn with_id(self, id: EventId) -> Self {
        Self { id, ..self }
    }

    /// Names it by what it says, so that the same event is one, however often it is heard of.
    fn named(self, workspace: WorkspaceId) -> Self {
        let mut hash = Sha256::new();
        hash.update(workspace.as_bytes());
        hash.update(self.kind.code());
        hash.update(self.at.as_millisecond().to_be_bytes());
        if let Some(campaign) = &self.campaign {
            hash.update(campaign.as_bytes());
        }
        if let Some(import) = &self.import {
            hash.update(import.as_bytes());
        }
        if let (Some(chunk), Some(step)) = (self.chunk, self.step) {
            hash.update(chunk.to_be_bytes());
            hash.update([step]);
            hash.update(&self.places);
        }
        let digest: [u8; 32] = hash.finalize().into();
        let [a, b, c, d, ..] = digest;
        Self { id: EventId::new(self.at, [a, b, c, d]), ..self }
    }
}

/// What every secret starts with.
pub const SECRET_PREFIX: &str = "whsec_";

/// A secret as it is shown, once.
#[must_use]
pub fn secret_text(key: &[u8; 32]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(key))
}

/// The signature of a message by a secret: `v1,…` (Standard Webhooks 1.0). `None` for what is no secret.
#[must_use]
pub fn signature(secret: &str, id: &str, second: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{second}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

/// Pauses between the attempts at one delivery, in seconds: 27 hours and a half in all.
const PAUSES: [i64; 9] = [5, 60, 300, 1_800, 7_200, 18_000, 21_600, 21_600, 28_800];

/// An endpoint that took nothing for so long, and failed at a delivery to its last attempt, is disabled.
pub const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// When a delivery that failed so often is tried again; `None` when that was the last attempt. `chance` moves it by a tenth
/// at most, so that what failed together does not come together.
#[must_use]
pub fn next_attempt(failed: u8, now: Timestamp, chance: u8) -> Option<Timestamp> {
    let pause = PAUSES.get(usize::from(failed.checked_sub(1)?))?;
    let more = pause * 100 * i64::from(chance) / 255;
    Some(now + SignedDuration::from_millis(pause * 1_000 + more))
}

/// How long an endpoint is left alone that took nothing in so many runs on end: so that it holds nobody up.
#[must_use]
pub fn left_alone(runs: u32) -> SignedDuration {
    SignedDuration::from_secs((5_i64 << runs.saturating_sub(1).min(8)).min(900))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_read_back() {
        let codes: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), EventKind::ALL.len());
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
    }

    /// The example of the specification's own libraries.
    #[test]
    fn it_signs_as_standard_webhooks_says() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a", 0, ""), None);
    }

    #[test]
    fn the_same_event_has_the_same_name_and_another_has_another() {
        let (ws, cmp) = (WorkspaceId::from_bytes([1; 10]), CampaignId::from_bytes([2; 10]));
        let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        let of = |kind, places: &[usize], at| Event::of_places(ws, kind, (cmp, 3, 1), places, at).id;
        let first = of(EventKind::Bounced, &[4], now);
        assert_eq!(first, of(EventKind::Bounced, &[4], now));
        let later = now + SignedDuration::from_millis(1);
        let others = [
            of(EventKind::Delivered, &[4], now),
            of(EventKind::Bounced, &[5], now),
            of(EventKind::Bounced, &[4], later),
            Event::of_campaign(ws, EventKind::Bounced, cmp, now).id,
            Event::new(ws, EventKind::Bounced, now).id,
        ];
        assert!(others.iter().all(|other| *other != first), "{others:?}");
        assert_eq!(first.made_at(), now);
    }

    #[test]
    fn a_delivery_is_tried_for_more_than_a_day_and_then_no_more() {
        let begin: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
        for chance in [0, 255] {
            let (mut now, mut failed) = (begin, 1);
            while let Some(next) = next_attempt(failed, now, chance) {
                assert!(next > now);
                (now, failed) = (next, failed + 1);
            }
            assert_eq!(failed, 10, "attempts");
            let hours = now.duration_since(begin).as_secs() / 3_600;
            assert!((27..=30).contains(&hours), "{hours}");
        }
        assert_eq!(next_attempt(0, begin, 0), None);
    }

    #[test]
    fn an_endpoint_that_takes_nothing_is_left_alone_for_longer_and_longer() {
        let seconds: Vec<i64> = [1, 2, 5, 9, 1_000].map(|runs| left_alone(runs).as_secs()).into();
        assert_eq!(seconds, [5, 10, 80, 900, 900]);
    }
}
