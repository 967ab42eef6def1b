//! Mails about abuse: to whoever reported it, and to the owners of the workspace it is about.

use domain::{
    abuse::{AbuseKind, CaseOutcome},
    id::CaseId,
};

/// What became of a report, and what whoever reads it may do.
#[derive(Clone, Copy)]
pub enum AbuseMail<'a> {
    /// To whoever reported it: it is registered.
    Received {
        /// The number of the case.
        id: CaseId,
        /// What is reported.
        kind: AbuseKind,
    },
    /// To the same: it was looked at.
    Answered {
        /// The number of the case.
        id: CaseId,
        /// What was done.
        outcome: CaseOutcome,
    },
    /// To the owners: this must not happen again.
    Warned(AboutAbuse<'a>),
    /// To the owners: nothing is sent any more.
    Suspended(AboutAbuse<'a>),
    /// To the owners: it may send again.
    Released(AboutAbuse<'a>),
}

/// Why, and whom to ask.
#[derive(Clone, Copy)]
pub struct AboutAbuse<'a> {
    /// In whose words: staff's; where there are none the product itself decided, by how campaigns go.
    pub note: Option<&'a str>,
    /// What was reported, if it was.
    pub kind: Option<AbuseKind>,
    /// Who answers questions.
    pub contact: &'a str,
}

impl AbuseMail<'_> {
    pub(super) const fn template(&self) -> &'static str {
        match self {
            Self::Received { .. } => "abuse_received",
            Self::Answered { .. } => "abuse_answered",
            Self::Warned(_) => "abuse_warned",
            Self::Suspended(_) => "abuse_suspended",
            Self::Released(_) => "abuse_released",
        }
    }
}
