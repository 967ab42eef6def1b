//! Whom a Sender must not write to, kept as a keyed hash and a date and nothing else (A61).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::subject::Subject;

/// Why an address is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressionReason {
    /// One click, a reply, a call: the person objected (art. 21).
    OptedOut,
    /// The person asked the Sender or the product to erase the record (art. 17).
    Erased,
    /// The receiver reported our message as spam (RFC 5965): the same as an objection.
    Complained,
    /// The address does not exist.
    HardBounced,
    /// So many messages in a row came back that nobody reads the mailbox.
    SoftBounced,
}

impl SuppressionReason {
    /// Whether it says something of the address, and nothing of what the person wants.
    #[must_use]
    pub const fn is_of_address(self) -> bool {
        matches!(self, Self::HardBounced | Self::SoftBounced)
    }
}

/// One suppressed person of one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppression {
    /// The person's keyed hash.
    pub subject: Subject,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when, to the second.
    pub since: Timestamp,
    /// Of somebody who was erased and had objected before: when they did.
    pub objected: Option<Timestamp>,
}

impl Suppression {
    /// One that stands for this reason alone.
    pub fn new(subject: Subject, reason: SuppressionReason, since: Timestamp) -> Suppression {
        Suppression { subject, reason, since, objected: None }
    }
}
