//! May this message go to this person? The only place that can answer yes.
//!
//! Two questions, because they are asked at two moments. [`screen`] looks at the record and can be
//! asked early. [`may_send`] wants the claim and an opt-out list that was read *after* the claim, and
//! only it can make a [`SendPermit`], which the mailer takes by value: one permit, one hand-off.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    chunk::Claim,
    email,
    policy::retention,
    prospect::{Prospect, ProspectState},
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};

/// Why a person is not written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Objected, by one click or otherwise (A59, A60).
    OptedOut,
    /// Reported a message of this Sender's as spam.
    Complained,
    /// The address bounced for good.
    HardBounced,
    /// Message after message came back.
    SoftBounced,
    /// The record is gone.
    Erased,
    /// Art. 18: frozen.
    Restricted,
    /// Kept as long as it may be (A73): the purge is about to delete it.
    RetentionOver,
    /// A private or throw-away mailbox, not a professional one (A68).
    NotProfessional,
    /// The template needs something that is not known of this person.
    MissingValue,
    /// The address cannot be written in a way this channel accepts.
    AddressUnsupported,
    /// The campaign was cancelled first.
    Cancelled,
    /// The Sender's account is closed.
    AccountClosed,
    /// Answered an earlier step, or any message of the Sender's since the campaign was launched.
    Replied,
    /// Somebody else of the same company answered the campaign, which was to stop then.
    CompanyReplied,
    /// An earlier step came back.
    Bounced,
    /// The channel did not take an earlier step.
    EarlierFailed,
    /// Nobody knows whether an earlier step arrived.
    EarlierUnknown,
}

impl Refusal {
    /// Every reason, with the letter that stands for it in a chunk's results.
    pub const ALL: [(Refusal, u8); 17] = [
        (Refusal::OptedOut, b'o'),
        (Refusal::Complained, b'p'),
        (Refusal::HardBounced, b'h'),
        (Refusal::SoftBounced, b'q'),
        (Refusal::Erased, b'e'),
        (Refusal::Restricted, b'r'),
        (Refusal::RetentionOver, b't'),
        (Refusal::NotProfessional, b'n'),
        (Refusal::MissingValue, b'm'),
        (Refusal::AddressUnsupported, b'a'),
        (Refusal::Cancelled, b'c'),
        (Refusal::AccountClosed, b'w'),
        (Refusal::Replied, b'y'),
        (Refusal::CompanyReplied, b'k'),
        (Refusal::Bounced, b'b'),
        (Refusal::EarlierFailed, b'f'),
        (Refusal::EarlierUnknown, b'u'),
    ];

    /// The name the API gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Refusal::OptedOut => "opted_out",
            Refusal::Complained => "complained",
            Refusal::HardBounced => "hard_bounced",
            Refusal::SoftBounced => "soft_bounced",
            Refusal::Erased => "erased",
            Refusal::Restricted => "restricted",
            Refusal::RetentionOver => "retention_over",
            Refusal::NotProfessional => "not_professional",
            Refusal::MissingValue => "missing_value",
            Refusal::AddressUnsupported => "address_unsupported",
            Refusal::Cancelled => "cancelled",
            Refusal::AccountClosed => "account_closed",
            Refusal::Replied => "replied",
            Refusal::CompanyReplied => "company_replied",
            Refusal::Bounced => "bounced",
            Refusal::EarlierFailed => "earlier_step_failed",
            Refusal::EarlierUnknown => "earlier_step_unknown",
        }
    }
}

impl From<SuppressionReason> for Refusal {
    fn from(reason: SuppressionReason) -> Self {
        match reason {
            SuppressionReason::OptedOut => Refusal::OptedOut,
            SuppressionReason::Erased => Refusal::Erased,
            SuppressionReason::Complained => Refusal::Complained,
            SuppressionReason::HardBounced => Refusal::HardBounced,
            SuppressionReason::SoftBounced => Refusal::SoftBounced,
        }
    }
}

/// The workspace's own choices that a decision depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Months a prospect is kept, 36 at most (A72).
    pub retention_months: u8,
}

/// A person whom nothing in the record speaks against. Not yet a permission.
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared {
    subject: Subject,
}

/// The permission to hand one message for one person to a channel, once.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit that is not used is a message that is not sent"]
pub struct SendPermit {
    subject: Subject,
}

impl SendPermit {
    /// Who may be written to.
    pub const fn subject(&self) -> Subject {
        self.subject
    }
}

/// Looks at the record: does anything in it speak against writing to this person at `now`?
pub fn screen(prospect: Option<&Prospect>, rules: Rules, now: Timestamp) -> Result<Cleared, Refusal> {
    let prospect = prospect.ok_or(Refusal::Erased)?;
    if prospect.state == ProspectState::Restricted {
        return Err(Refusal::Restricted);
    }
    let collected = prospect.source.collected_on;
    if now >= retention::prospect_expiry(collected, prospect.own_contact(), rules.retention_months) {
        return Err(Refusal::RetentionOver);
    }
    email::professional(&prospect.email).map_err(|_| Refusal::NotProfessional)?;
    Ok(Cleared { subject: prospect.subject })
}

/// The opt-outs of a set of people, as read strongly consistently after they were claimed.
#[derive(Debug, Clone, Default)]
pub struct OptOutsAfterClaim(Vec<Suppression>);

impl OptOutsAfterClaim {
    /// What the read returned.
    pub fn read(found: Vec<Suppression>) -> Self {
        Self(found)
    }

    fn of(&self, subject: Subject) -> Option<&Suppression> {
        self.0.iter().find(|s| s.subject == subject)
    }
}

/// What became of people in the steps before, and of their companies, as read strongly consistently after they were
/// claimed.
#[derive(Debug, Clone, Default)]
pub struct StopsAfterClaim(Vec<(Subject, Refusal)>);

impl StopsAfterClaim {
    /// Who has to be left out, and why.
    pub const fn read(stops: Vec<(Subject, Refusal)>) -> Self {
        Self(stops)
    }

    fn of(&self, subject: Subject) -> Option<Refusal> {
        self.0.iter().find(|(stopped, _)| *stopped == subject).map(|(_, reason)| *reason)
    }
}

/// The one source of a [`SendPermit`]: a cleared person, claimed by us, who had neither objected nor ended the
/// sequence when both were read after that claim (A59, A60).
pub fn may_send(
    cleared: Cleared,
    claim: &Claim,
    opt_outs: &OptOutsAfterClaim,
    stops: &StopsAfterClaim,
) -> Result<SendPermit, Refusal> {
    debug_assert_eq!(claim.subject(), cleared.subject, "a claim is for one person");
    let objected = opt_outs.of(cleared.subject).map(|suppression| suppression.reason.into());
    match objected.or_else(|| stops.of(cleared.subject)) {
        Some(refusal) => Err(refusal),
        None => Ok(SendPermit { subject: cleared.subject }),
    }
}

/// Whether a permit still holds, by opt-outs that were read again: a channel may be slow.
pub fn still_may_send(permit: SendPermit, opt_outs: &OptOutsAfterClaim) -> Result<SendPermit, Refusal> {
    match opt_outs.of(permit.subject) {
        Some(suppression) => Err(suppression.reason.into()),
        None => Ok(permit),
    }
}

/// The permit for a member's test to their own address: no prospect is written to.
pub const fn test_to_oneself(member: Subject) -> SendPermit {
    SendPermit { subject: member }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        email::EmailAddress,
        prospect::{Details, LawfulBasis, Source, SourceKind},
    };

    const RULES: Rules = Rules { retention_months: 36 };

    fn person(state: ProspectState, email: &str) -> Prospect {
        let at = "2026-01-01T12:00:00Z".parse().unwrap();
        let source =
            Source { kind: SourceKind::Form, detail: "site".into(), collected_on: "2026-01-01".parse().unwrap() };
        Prospect {
            subject: Subject::from_bytes([7; 16]),
            email: EmailAddress::parse(email).unwrap(),
            details: Details::default(),
            source,
            lawful_basis: LawfulBasis::LegitimateInterest,
            state,
            restricted_by: None,
            edited: Default::default(),
            import: None,
            created_at: at,
            updated_at: at,
            last_contact_at: None,
            away_until: None,
            last_click_at: None,
            click_consent: None,
        }
    }

    #[test]
    fn a41_who_is_frozen_gone_private_or_too_old_is_not_cleared() {
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        let active = person(ProspectState::Active, "ada@firm.test");
        assert!(screen(Some(&active), RULES, now).is_ok());
        assert_eq!(screen(None, RULES, now), Err(Refusal::Erased));
        let frozen = person(ProspectState::Restricted, "ada@firm.test");
        assert_eq!(screen(Some(&frozen), RULES, now), Err(Refusal::Restricted));
        let private = person(ProspectState::Active, "ada@gmail.com");
        assert_eq!(screen(Some(&private), RULES, now), Err(Refusal::NotProfessional));
        let late = "2029-02-01T00:00:00Z".parse().unwrap();
        assert_eq!(screen(Some(&active), RULES, late), Err(Refusal::RetentionOver));
    }

    #[test]
    fn a60_whoever_objected_before_the_claim_gets_no_permit() {
        let now = "2026-02-01T00:00:00Z".parse().unwrap();
        let cleared = || screen(Some(&person(ProspectState::Active, "ada@firm.test")), RULES, now).unwrap();
        let subject = Subject::from_bytes([7; 16]);
        let claim = Claim::won(subject);
        let first = StopsAfterClaim::default();
        assert!(may_send(cleared(), &claim, &OptOutsAfterClaim::default(), &first).is_ok());
        for reason in [SuppressionReason::OptedOut, SuppressionReason::Complained, SuppressionReason::Erased] {
            let found = |subject| OptOutsAfterClaim::read(vec![Suppression::new(subject, reason, now)]);
            assert_eq!(may_send(cleared(), &claim, &found(subject), &first), Err(reason.into()));
            let permit = || may_send(cleared(), &claim, &OptOutsAfterClaim::default(), &first).unwrap();
            assert_eq!(still_may_send(permit(), &found(subject)), Err(reason.into()));
            assert_eq!(still_may_send(permit(), &found(Subject::from_bytes([8; 16]))), Ok(permit()));
            let somebody_else = Subject::from_bytes([8; 16]);
            assert!(may_send(cleared(), &claim, &found(somebody_else), &first).is_ok());
        }
        let nobody = OptOutsAfterClaim::default;
        let stops = |subject| StopsAfterClaim::read(vec![(subject, Refusal::Replied)]);
        assert_eq!(may_send(cleared(), &claim, &nobody(), &stops(subject)), Err(Refusal::Replied));
        assert!(may_send(cleared(), &claim, &nobody(), &stops(Subject::from_bytes([8; 16]))).is_ok());
    }
}
