//! The copy of an identity document: asked for on a recorded doubt alone, used for the check alone, gone with
//! the decision (A48).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::retention::{Class, Policy, is_due};

/// Largest copy, in bytes. A function is handed six megabytes at most, in base64 and with what is around it.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// What a copy may be, told by its first bytes: what a sender calls it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// PDF.
    Pdf,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
}

impl Document {
    /// What these bytes are; `None` for anything else.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let known: [(&[u8], Self); 3] =
            [(b"%PDF-", Self::Pdf), (b"\xff\xd8\xff", Self::Jpeg), (b"\x89PNG\r\n\x1a\n", Self::Png)];
        known.into_iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, document)| document)
    }

    /// Its media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }
}

/// A reasonable doubt about who asks, and the check that it led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// Why, as the person was told.
    pub reason: String,
    /// When the copy that is there was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Timestamp>,
    /// What was done.
    pub check: Check,
}

/// What is kept of a check once the request is closed: dates, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// When the copy was asked for.
    pub asked_at: Timestamp,
    /// Each time that somebody looked at one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looked_at: Vec<Timestamp>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// The end of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Whether the person is who they say.
    pub accepted: bool,
}

impl Doubt {
    /// A doubt that is recorded at `now`.
    #[must_use]
    pub const fn new(reason: String, now: Timestamp) -> Self {
        Self { reason, copy: None, check: Check { asked_at: now, looked_at: Vec::new(), decision: None } }
    }

    /// Whether a copy may still be sent, and looked at.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.check.decision.is_none()
    }

    /// Until when a copy can be sent.
    #[must_use]
    pub fn asked_until(&self) -> Timestamp {
        expiry(self.check.asked_at)
    }

    /// When the copy that is there at `now` was received. Once its time is over there is none, whether or not
    /// the purge has come by.
    #[must_use]
    pub fn copy_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.copy.filter(|received| self.is_open() && !is_due(expiry(*received), now))
    }

    /// Whether it is this copy, by the moment it was received, that somebody is to look at and decide on.
    #[must_use]
    pub fn waits_for(&self, received: Timestamp) -> bool {
        self.is_open() && self.copy == Some(received)
    }

    /// The same, with a copy that takes the place of any before it.
    #[must_use]
    pub fn received(&self, at: Timestamp) -> Self {
        Self { copy: Some(at), ..self.clone() }
    }

    /// The same, without a copy.
    #[must_use]
    pub fn without_copy(&self) -> Self {
        Self { copy: None, ..self.clone() }
    }

    /// The same, looked at.
    #[must_use]
    pub fn looked(mut self, at: Timestamp) -> Self {
        self.check.looked_at.push(at);
        self
    }

    /// Whether somebody has looked at the last copy: nobody is believed for what nobody has seen.
    #[must_use]
    pub fn is_looked_at(&self) -> bool {
        self.copy.is_some_and(|received| self.check.looked_at.last().is_some_and(|looked| *looked >= received))
    }

    /// The same, decided: from here on there is no copy.
    #[must_use]
    pub fn decided(&self, accepted: bool, at: Timestamp) -> Self {
        let check = Check { decision: Some(Decision { at, accepted }), ..self.check.clone() };
        Self { copy: None, check, ..self.clone() }
    }
}

/// When a copy that was received at `received` is due at the latest.
#[must_use]
pub fn expiry(received: Timestamp) -> Timestamp {
    Policy::current().expiry(Class::IdentityCopy, received)
}

/// Since when a copy has to go that lies there at `now`: since its time is over, or at once where no open
/// doubt waits for it any more.
#[must_use]
pub fn due_since(waited_for: bool, received: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let end = expiry(received);
    if is_due(end, now) { Some(end) } else { (!waited_for).then_some(now) }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a48_a_copy_is_what_its_first_bytes_say() {
        for (bytes, document) in [
            (&b"%PDF-1.7\n"[..], Some(Document::Pdf)),
            (b"\xff\xd8\xff\xe0\0\x10JFIF", Some(Document::Jpeg)),
            (b"\x89PNG\r\n\x1a\n\0", Some(Document::Png)),
            (b"GIF89a", None),
            (b"\x89PNG\n\x1a\n", None),
            (b" %PDF-1.7", None),
            (b"%PDF", None),
            (b"<svg/onload=alert(1)>", None),
            (b"PK\x03\x04", None),
            (b"", None),
        ] {
            assert_eq!(Document::of(bytes), document, "{bytes:?}");
        }
    }

    #[test]
    fn a48_a_copy_goes_with_the_decision_or_after_thirty_days_and_not_a_second_earlier() {
        let received = at("2026-10-01T10:00:00+02:00");
        let doubt = Doubt::new("why".into(), received).received(received);
        let due = |doubt: &Doubt, now| due_since(doubt.waits_for(received), received, now);
        let end = at("2026-10-31T10:00:00+01:00");
        assert_eq!((due(&doubt, end - 1.second()), due(&doubt, end)), (None, Some(end)));
        assert_eq!((doubt.copy_at(end - 1.second()), doubt.copy_at(end)), (Some(received), None));
        // Decided, replaced, given up, or of a request that is closed: at once.
        let now = received + 1.hour();
        for accepted in [true, false] {
            let decided = doubt.decided(accepted, now);
            assert_eq!((decided.copy, decided.copy_at(now), decided.is_open()), (None, None, false));
            assert_eq!(due(&decided, now), Some(now));
        }
        assert_eq!(due(&doubt.received(now), now), Some(now));
        assert_eq!(due(&doubt.without_copy(), now), Some(now));
        assert_eq!(due_since(false, received, end), Some(end));
    }

    #[test]
    fn a48_nobody_is_believed_for_a_copy_that_nobody_looked_at() {
        let (first, second) = (at("2026-10-01T10:00:00Z"), at("2026-10-02T10:00:00Z"));
        let doubt = Doubt::new("why".into(), first);
        assert!(!doubt.is_looked_at());
        let looked = doubt.received(first).looked(first);
        assert!(looked.is_looked_at());
        assert!(!looked.received(second).is_looked_at(), "another copy came since");
        assert!(looked.received(second).looked(second).is_looked_at());
        assert_eq!(looked.decided(true, second).check.looked_at, [first]);
    }
}
