//! When in a dialogue a server refused. A person's address is only judged when it is named: what is refused before
//! speaks of the sender, what is refused after speaks of the message.

use crate::wording::Wording;
use domain::cause::Cause;

/// The part of a dialogue (RFC 5321 §3.3) that a refusal answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Greeting, `EHLO`, `MAIL FROM`: no recipient was named.
    Sender,
    /// The message: every recipient had passed.
    Message,
}

/// How Postfix and Exim name the phases, as `fold` leaves them.
const PHASES: &[(Phase, &[&str])] = &[
    (Phase::Message, &["in reply to end of data", "in reply to data", "after end of data", "after data"]),
    (
        Phase::Sender,
        &[
            "in reply to mail from",
            "in reply to helo",
            "in reply to ehlo",
            "after mail from",
            "after initial connection",
            "after helo",
            "after ehlo",
        ],
    ),
];

impl Phase {
    /// The phase that a text names.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let wording = Wording::new(text);
        PHASES.iter().find(|(_, words)| wording.has(words)).map(|(phase, _)| *phase)
    }

    /// What a cause is in this phase.
    pub(crate) fn correct(self, cause: Cause) -> Cause {
        match (self, cause) {
            (Self::Sender, Cause::UnknownUser | Cause::UnknownHost | Cause::Moved | Cause::Disabled) => {
                Cause::SenderRefused
            }
            // Who filters and then says *unknown user*, as some carriers do for a person's own filter, does not mean
            // the address.
            (Self::Message, Cause::UnknownUser) => Cause::Policy,
            _ => cause,
        }
    }
}
