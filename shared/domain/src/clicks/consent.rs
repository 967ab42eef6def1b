//! That a person agreed to have their clicks recorded, and perhaps whether they open messages (art. 7 GDPR): when, and how,
//! as their Sender can show.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::Recorded;
use crate::{
    id::WorkspaceId,
    locale::Locale,
    policy::retention::TIME_ZONE,
    subject::{Pepper, Subject},
    unsubscribe::{language, open, seal},
};

/// A consent, given and perhaps withdrawn since. That it was withdrawn is kept, so that a list from before does not bring
/// it back.
#[derive(Clone, PartialEq, Eq)]
pub struct ClickConsent {
    /// The day on which it was given.
    pub given_on: Date,
    /// How, in the Sender's words: the wording that was agreed to, and where.
    pub how: String,
    /// Whether it is also one to having it recorded whether they open messages. A consent to the one is none to the other.
    pub opens: bool,
    /// Since when it does not hold any more.
    pub withdrawn_at: Option<Timestamp>,
}

impl fmt::Debug for ClickConsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClickConsent(***)")
    }
}

/// Why what is said to be a consent is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotConsent {
    /// It was given on a day that has not come.
    #[error("the day on which the person agreed; it cannot lie in the future")]
    ToCome,
    /// It was given before the person withdrew theirs, or on that day.
    #[error("the person withdrew their consent since: only one that they gave on a later day counts")]
    Withdrawn,
}

impl ClickConsent {
    /// Whether it holds.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.withdrawn_at.is_none()
    }

    /// What it lets be recorded.
    #[must_use]
    pub const fn lets(&self) -> Recorded {
        Recorded { clicks: self.holds(), opens: self.holds() && self.opens }
    }

    /// The same, withdrawn now if it was not before.
    #[must_use]
    pub fn withdrawn(self, now: Timestamp) -> Self {
        Self { withdrawn_at: self.withdrawn_at.or(Some(now)), ..self }
    }

    /// Whether it counts, said today, of a person with this consent on record.
    ///
    /// # Errors
    /// See [`NotConsent`].
    pub fn counts(&self, held: Option<&Self>, now: Timestamp) -> Result<(), NotConsent> {
        if self.given_on > day_of(now) {
            return Err(NotConsent::ToCome);
        }
        match held.and_then(|held| held.withdrawn_at) {
            Some(withdrawn) if self.given_on <= day_of(withdrawn) => Err(NotConsent::Withdrawn),
            _ => Ok(()),
        }
    }

    /// Whether it says more than what is on record: an import that is sent again says nothing new.
    #[must_use]
    pub fn is_newer(&self, held: Option<&Self>, now: Timestamp) -> bool {
        self.counts(held, now).is_ok() && held.is_none_or(|held| held.given_on < self.given_on)
    }
}

/// The day that it is where the policy counts its days.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC).to_datetime(at).date()
}

/// What the link says with which a person withdraws it: who, and to whom it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConsentClaim {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// The person.
    pub subject: Subject,
    /// The language the message was written in.
    pub locale: Locale,
}

impl ConsentClaim {
    const PURPOSE: &str = "withdraw-clicks";

    /// The token of the link.
    pub fn sign(&self, pepper: &Pepper) -> String {
        seal(Self::PURPOSE, language(self.locale, false), &[self.workspace.as_bytes(), self.subject.as_bytes()], pepper)
    }

    /// Verifies a token; `None` for whatever we did not sign.
    pub fn verify(token: &str, pepper: &Pepper) -> Option<Self> {
        let ((locale, _), body) = open::<26>(Self::PURPOSE, token, pepper)?;
        let (workspace, subject) = (*body.first_chunk()?, *body.last_chunk()?);
        Some(Self { workspace: WorkspaceId::from_bytes(workspace), subject: Subject::from_bytes(subject), locale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unsubscribe::OptOutClaim;

    fn given(on: &str) -> ClickConsent {
        ClickConsent { given_on: on.parse().unwrap(), how: "Case cochée".into(), opens: false, withdrawn_at: None }
    }

    #[test]
    fn a45_what_was_given_before_a_withdrawal_does_not_come_back() {
        // In Paris it is the 11th already.
        let withdrawn = given("2027-03-01").withdrawn("2027-03-10T23:30:00Z".parse().unwrap());
        let now = "2027-03-20T10:00:00Z".parse().unwrap();
        assert!(!withdrawn.holds());
        for (on, held, expected) in [
            ("2027-03-20", None, Ok(())),
            ("2027-03-21", None, Err(NotConsent::ToCome)),
            ("2027-03-01", Some(&withdrawn), Err(NotConsent::Withdrawn)),
            ("2027-03-11", Some(&withdrawn), Err(NotConsent::Withdrawn)),
            ("2027-03-12", Some(&withdrawn), Ok(())),
            ("2026-01-01", Some(&given("2027-03-01")), Ok(())),
        ] {
            assert_eq!(given(on).counts(held, now), expected, "{on}");
        }
        assert!(given("2027-03-12").is_newer(Some(&withdrawn), now));
        assert!(!given("2027-03-11").is_newer(Some(&withdrawn), now));
        assert!(!given("2027-03-01").is_newer(Some(&given("2027-03-01")), now), "the same list again");
        let again = withdrawn.clone().withdrawn(now);
        assert_eq!(again, withdrawn, "the first time counts");
    }

    #[test]
    fn a45_the_link_to_withdraw_is_signed_and_is_no_other_link() {
        let pepper = Pepper::from_json(r#"{"v1":"0123456789abcdef0123456789abcdef"}"#).unwrap();
        let (workspace, subject) = (WorkspaceId::from_bytes([3; 10]), Subject::from_bytes([9; 16]));
        let claim = ConsentClaim { workspace, subject, locale: Locale::En };
        assert_eq!(ConsentClaim::verify(&claim.sign(&pepper), &pepper), Some(claim));
        let opt_out = OptOutClaim { workspace, subject, locale: Locale::En, told: false };
        assert_eq!(ConsentClaim::verify(&opt_out.sign(&pepper), &pepper), None);
        assert_eq!(OptOutClaim::verify(&claim.sign(&pepper), &pepper), None);
        assert_eq!(format!("{:?}", given("2027-03-01")), "ClickConsent(***)");
    }
}
