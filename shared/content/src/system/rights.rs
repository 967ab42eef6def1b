//! Mails about requests of people about their rights.

use domain::{
    email::EmailAddress,
    id::RequestId,
    rights::{Outcome, RequestKind},
};
use jiff::Timestamp;

use crate::rights::Holder;

/// What happened to a request, and what whoever reads it may do.
#[derive(Clone, Copy)]
pub enum RightsMail<'a> {
    /// To whoever reads the mailbox: confirm that the request is yours.
    Proof {
        /// What is asked.
        kind: RequestKind,
        /// The one-time token, as base64url.
        token: &'a str,
        /// How long it works, in hours.
        hours: u16,
    },
    /// To the person: who holds them, what was done, what follows.
    Answer {
        /// What was asked.
        kind: RequestKind,
        /// Who holds them.
        holders: &'a [Holder<'a>],
        /// By when the Senders answer, where they have to.
        due: Option<Timestamp>,
        /// The one-time token that opens the data, and how long it works, in hours.
        access: Option<(&'a str, u16)>,
        /// The request whose certificate of erasure follows.
        certificate: Option<RequestId>,
    },
    /// To the Sender: a person asks.
    Task {
        /// What is asked.
        kind: RequestKind,
        /// Who asks.
        person: &'a EmailAddress,
        /// The request.
        id: RequestId,
        /// By when it is answered.
        due: Timestamp,
        /// The product has done it.
        done: bool,
    },
    /// To whoever has to answer.
    Reminder {
        /// What is asked.
        kind: RequestKind,
        /// The request.
        id: RequestId,
        /// By when it is answered.
        due: Timestamp,
    },
    /// To the operator: nobody has answered in time.
    Overdue {
        /// What is asked.
        kind: RequestKind,
        /// The request.
        id: RequestId,
        /// Who had to answer.
        company: &'a str,
        /// By when.
        due: Timestamp,
    },
    /// To the Sender: it has not answered in time.
    Late {
        /// What is asked.
        kind: RequestKind,
        /// The request.
        id: RequestId,
        /// By when it had to be answered.
        due: Timestamp,
    },
    /// To the person: it takes longer.
    Extended {
        /// What was asked.
        kind: RequestKind,
        /// Who answers.
        company: &'a str,
        /// Why, in their words.
        reason: &'a str,
        /// Until when.
        until: Timestamp,
    },
    /// To the person: it was answered.
    Handled {
        /// What was asked.
        kind: RequestKind,
        /// By whom.
        company: &'a str,
        /// How.
        outcome: Outcome,
        /// In their words.
        reason: Option<&'a str>,
        /// Of a member who asked for their data: the token that it is read with, as base64url, and for how many hours.
        access: Option<(&'a str, u16)>,
        /// Of a member who was erased: the request whose certificate there is.
        certificate: Option<RequestId>,
    },
    /// To the person, before it ends: the restriction they asked for (art. 18(3)).
    Lifted {
        /// Who ends it.
        company: &'a str,
        /// Why, in their words.
        reason: &'a str,
    },
    /// To the person: why a copy of an identity document is needed, and what becomes of it.
    Identity {
        /// What was asked.
        kind: RequestKind,
        /// Why there is a doubt, in the operator's words.
        reason: &'a str,
        /// The token that it is sent with, as base64url.
        token: &'a str,
        /// Until when it can be sent.
        until: Timestamp,
    },
    /// To a member and to the operator: a member's own request.
    Registered {
        /// What is asked.
        kind: RequestKind,
        /// The request.
        id: RequestId,
        /// By when it is answered.
        due: Timestamp,
    },
}

impl<'a> RightsMail<'a> {
    pub(super) const fn template(&self) -> &'static str {
        match self {
            Self::Proof { .. } => "rights_proof",
            Self::Answer { .. } => "rights_answer",
            Self::Task { .. } => "rights_task",
            Self::Reminder { .. } => "rights_reminder",
            Self::Overdue { .. } => "rights_overdue",
            Self::Late { .. } => "rights_late",
            Self::Extended { .. } => "rights_extended",
            Self::Handled { .. } => "rights_handled",
            Self::Lifted { .. } => "rights_lifted",
            Self::Identity { .. } => "rights_identity",
            Self::Registered { .. } => "rights_registered",
        }
    }

    /// The token it carries.
    pub(super) const fn token(&self) -> Option<&'a str> {
        match *self {
            Self::Proof { token, .. }
            | Self::Identity { token, .. }
            | Self::Answer { access: Some((token, _)), .. }
            | Self::Handled { access: Some((token, _)), .. } => Some(token),
            _ => None,
        }
    }
}
