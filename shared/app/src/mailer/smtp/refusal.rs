//! What a refusal of a relay's is about: the message, whom it is for, or everybody whose messages go there.
//!
//! Before a recipient is named nothing can be about one. After that a 5xx is the person's, and so is a 4xx, which is offered to them
//! again, unless the words or the codes say that it is about the sender or the relay itself (RFC 5321 §4.2, RFC 3463).

use std::error::Error;

use domain::{
    bounce::Source,
    cause::{Cause, Class},
    hindrance::Reason,
};
use inbound::Diagnosis;
use lettre::transport::smtp::Error as SmtpError;

use super::{line::Command, status};
use crate::{evidence::Refused, mailer::Handed};

/// What a relay's answer to a command of a message means. It certainly does not have the message.
pub(super) fn of(error: &SmtpError, command: Command) -> Handed {
    let code = status(error);
    tracing::info!(status = code, command = command.as_str(), "the relay did not accept a message");
    // The connection broke before the final dot.
    if code == 0 {
        return Handed::Hindered(Reason::Unreachable);
    }
    // What was refused tells of whom it is said, as relays put it in mails that come back.
    judge(code, &format!("{} (in reply to {} command)", said(error), command.as_str()), command)
}

/// What the relay said, with its code before it.
pub(super) fn said(error: &SmtpError) -> String {
    let words = error.source().map(ToString::to_string).unwrap_or_default();
    format!("{} {words}", status(error))
}

fn judge(code: u16, said: &str, command: Command) -> Handed {
    let found = inbound::judge(None, said);
    if let Some(reason) = of_channel(code, &found, command) {
        return Handed::Hindered(reason);
    }
    let refused = Box::new(Refused { by: Source::Relay, report: None, found });
    if (400..500).contains(&code) { Handed::PutOff(refused) } else { Handed::Rejected(Some(refused)) }
}

/// Why it is about everybody whose messages go there; `None` when it is not.
fn of_channel(code: u16, found: &Diagnosis, command: Command) -> Option<Reason> {
    let permanent = code >= 500;
    match code {
        _ if is_quota(found) => return Some(Reason::ChannelQuota),
        421 => return Some(Reason::ChannelBusy),
        530 | 534 | 535 | 538 => return Some(Reason::Credentials),
        _ => {}
    }
    match (command, found.cause) {
        // Over its own quota, the sender has nowhere to keep what it sends.
        (Command::Mail, Cause::MailboxFull) if permanent => Some(Reason::ChannelQuota),
        (Command::Mail, _) if permanent => Some(Reason::SenderRefused),
        (Command::Mail, _) => Some(Reason::ChannelBusy),
        // It would say so of anybody else.
        (_, Cause::SenderRefused | Cause::RelayDenied) if permanent => Some(Reason::SenderRefused),
        _ if is(found, "4.7.0") && !greylists(found) => Some(Reason::ChannelBusy),
        _ => None,
    }
}

/// Whether the account has had what it may send. How fast a mailbox receives is about whoever has it.
pub(super) fn is_quota(found: &Diagnosis) -> bool {
    let of_mailbox = found.status.is_some_and(|status| status.to_string().get(1..4) == Some(".2."))
        || found.words.is_some_and(|words| words.contains("receiv"));
    (found.cause == Cause::TooMany && found.class == Class::Block && !of_mailbox) || is(found, "5.4.5")
}

fn is(found: &Diagnosis, status: &str) -> bool {
    found.status.is_some_and(|found| found.to_string() == status)
}

fn greylists(found: &Diagnosis) -> bool {
    let said = found.said.as_ref().map(|said| said.expose().to_ascii_lowercase()).unwrap_or_default();
    said.contains("greylist") || said.contains("graylist") || said.contains("grey list")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made of an answer: a reason, or what becomes of one message.
    fn of(said: &str, command: Command) -> String {
        let code = said.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
        match judge(code, &format!("{said} (in reply to {} command)", command.as_str()), command) {
            Handed::Hindered(reason) => format!("{reason:?}"),
            Handed::PutOff(_) => "put off".to_owned(),
            Handed::Rejected(Some(refused)) => format!("refused: {}", refused.found.class),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_said_of_the_sender_or_the_relay_is_nobodys_fault() {
        use Command::{Content, Data, Mail, Rcpt};
        for (said, command, expected) in [
            ("550 5.7.1 Sender address rejected: not owned by user", Mail, "SenderRefused"),
            ("553 5.7.1 <a@example.com>: Sender address rejected", Mail, "SenderRefused"),
            ("550 5.1.1 User unknown", Mail, "SenderRefused"),
            ("550 No", Mail, "SenderRefused"),
            ("552 5.2.2 Over quota", Mail, "ChannelQuota"),
            ("550 5.4.5 Daily user sending quota exceeded", Mail, "ChannelQuota"),
            ("550 5.4.5 Daily user sending quota exceeded", Data, "ChannelQuota"),
            (
                "554 5.7.0 Your message could not be sent. The limit on the number of allowed outgoing messages was exceeded. Sending limit",
                Content,
                "ChannelQuota",
            ),
            ("550 5.7.1 Daily limit exceeded", Rcpt, "ChannelQuota"),
            ("450 4.7.1 Error: too many messages from this account", Rcpt, "ChannelQuota"),
            ("451 4.3.0 Temporary lookup failure", Mail, "ChannelBusy"),
            ("452 4.3.1 Insufficient system storage", Mail, "ChannelBusy"),
            ("421 4.3.2 Closing", Mail, "ChannelBusy"),
            ("421 4.4.2 Timeout", Rcpt, "ChannelBusy"),
            ("421 Service not available", Content, "ChannelBusy"),
            ("451 4.7.0 Temporary server error. Please try again later. PRX4", Rcpt, "ChannelBusy"),
            ("530 5.7.0 Authentication required", Mail, "Credentials"),
            ("535 5.7.8 Authentication failed", Rcpt, "Credentials"),
            ("554 5.7.1 <b@example.org>: Relay access denied", Rcpt, "SenderRefused"),
        ] {
            assert_eq!(of(said, command), expected, "{said} at {}", command.as_str());
        }
    }

    #[test]
    fn what_is_said_of_a_person_or_a_message_is_theirs() {
        use Command::{Content, Rcpt};
        for (said, command, expected) in [
            ("550 5.1.1 No such user here", Rcpt, "refused: hard"),
            ("552 5.2.2 Mailbox full", Rcpt, "refused: soft"),
            ("550 5.7.1 Recipient address rejected: Access denied", Rcpt, "refused: block"),
            ("554 5.7.1 Message detected as spam", Content, "refused: block"),
            ("552 5.3.4 Message too big", Content, "refused: soft"),
            ("450 4.2.1 Mailbox busy, try again later", Rcpt, "put off"),
            ("450 4.2.1 The user you are trying to contact is receiving mail too quickly", Rcpt, "put off"),
            ("451 4.7.1 Greylisting in action, please come back later", Content, "put off"),
            ("451 4.7.0 Greylisted", Rcpt, "put off"),
            ("450 4.1.1 Recipient address rejected: unverified address", Rcpt, "put off"),
            ("451 Try again later", Content, "put off"),
        ] {
            assert_eq!(of(said, command), expected, "{said} at {}", command.as_str());
        }
    }
}
