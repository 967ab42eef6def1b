//! Mails after a breach: to whoever is affected, and to whoever has to tell the authority.

use domain::id::IncidentId;
use jiff::Timestamp;

/// What happened, and what whoever reads it may do. An exercise says that it is one.
#[derive(Clone, Copy)]
pub enum BreachMail<'a> {
    /// To a member whose account is affected (art. 34 GDPR).
    Member(Told<'a>),
    /// To the owners of a Sender whose prospects are (art. 33(2)).
    Sender(Told<'a>),
    /// To the operator: the authority has to be told.
    Reminder(Due),
    /// To the operator: it was not, and the 72 hours are over.
    Overdue(Due),
}

/// What the affected are told (art. 34(2)), in their language.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// An exercise.
    pub drill: bool,
    /// What happened.
    pub nature: &'a str,
    /// What may follow from it.
    pub consequences: &'a str,
    /// What was done, and what they can do.
    pub measures: &'a str,
    /// Who answers questions.
    pub contact: &'a str,
    /// When it was known.
    pub discovered_at: Timestamp,
}

/// What the operator still has to do.
#[derive(Clone, Copy)]
pub struct Due {
    /// An exercise.
    pub drill: bool,
    /// The incident.
    pub id: IncidentId,
    /// By when.
    pub due: Timestamp,
}

impl BreachMail<'_> {
    pub(super) const fn template(&self) -> &'static str {
        match self {
            Self::Member(_) => "breach_member",
            Self::Sender(_) => "breach_sender",
            Self::Reminder(_) => "breach_reminder",
            Self::Overdue(_) => "breach_overdue",
        }
    }

    pub(super) const fn is_drill(&self) -> bool {
        match self {
            Self::Member(told) | Self::Sender(told) => told.drill,
            Self::Reminder(due) | Self::Overdue(due) => due.drill,
        }
    }
}
