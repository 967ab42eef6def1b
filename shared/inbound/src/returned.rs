//! The message that came back, or its headers: whom it was sent to, and what it can be recognised by.

use std::fmt;

use domain::email::EmailAddress;

use crate::address;
use crate::fields::{Fields, split};

/// What a returned message can be recognised by. Nothing of it can be trusted: whoever bounces may write anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Original {
    /// `Message-ID`, without its angle brackets.
    pub message_id: Option<String>,
    /// Whom its `To` names first.
    pub recipient: Option<EmailAddress>,
    /// Its `Subject`.
    pub subject: Option<String>,
    /// The link or address of its `List-Unsubscribe`, with whatever token that carries.
    pub list_unsubscribe: Option<String>,
}

impl fmt::Debug for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Original")
            .field("message_id", &self.message_id)
            .field("recipient", &self.recipient)
            .finish_non_exhaustive()
    }
}

/// How much of a header is kept.
const VALUE: usize = 998;

impl Original {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name| fields.get(name).map(|value| crate::limits::cut(value, VALUE).to_owned());
        Self {
            message_id: text("message-id").map(|id| id.trim_matches(['<', '>', ' ']).to_owned()),
            recipient: fields.get("to").and_then(address::first),
            subject: text("subject"),
            list_unsubscribe: text("list-unsubscribe"),
        }
    }
}

/// Whom a returned message was for: what its envelope says, else its `To`.
pub(crate) fn recipients(fields: &Fields) -> Vec<EmailAddress> {
    let names = ["x-failed-recipients", "x-envelope-to", "envelope-to", "x-rcpt-to", "to"];
    let of = |name: &&str| fields.all(name).flat_map(address::find).map(|found| found.address).collect::<Vec<_>>();
    names.iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Who sent a returned message.
pub(crate) fn senders(fields: &Fields) -> Vec<EmailAddress> {
    let names = ["return-path", "from", "sender", "x-envelope-from"];
    names.iter().flat_map(|name| fields.all(name)).flat_map(address::find).map(|found| found.address).collect()
}

/// Cuts a report's text into what it says and the message that came back with it.
pub(crate) fn cut(text: &str) -> (&str, Option<Fields>) {
    let mut offset = 0;
    let mut fresh = true;
    for line in text.split_inclusive('\n') {
        let rest = &text[offset..];
        if offset > 0 && announces(line) {
            let after = &rest[line.len()..];
            return (&text[..offset], Some(Fields::parse(after)).filter(|fields| !fields.is_empty()));
        }
        if fresh && let Some(fields) = headers(rest) {
            return (&text[..offset], Some(fields));
        }
        fresh = line.trim().is_empty() || line.trim_start().starts_with("--");
        offset += line.len();
    }
    (text, None)
}

/// Words with which a line announces the message that came back.
const ANNOUNCED: &[&str] = &[
    "original message",
    "original mail",
    "copy of the message",
    "copy of your message",
    "copy of the original",
    "copy of the first",
    "message headers follow",
    "message header follow",
    "message follows",
    "headers follow",
    "unsent message",
    "returned message",
    "returned mail",
    "undelivered message",
    "offending message",
    "rejected message",
    "header of the original",
    "headers of the original",
    "original headers",
    "message header",
    "text of the message",
    "start of message",
    "message d'origine",
    "message original",
    "copie du message",
    "message initial",
    "kopie der nachricht",
    "ursprungliche nachricht",
    "originalnachricht",
    "mensaje original",
    "messaggio originale",
    "mensagem original",
    "元のメール",
    "исходное сообщение",
];

/// Whether a line is such an announcement: it stands out, or what it announces follows.
fn announces(line: &str) -> bool {
    let line = line.trim();
    if line.is_empty() || line.len() > 120 {
        return false;
    }
    let stands_out = line.starts_with(['-', '=', '*', '#', '_', '+', '['])
        || line.ends_with([':', '-', '=', '*'])
        || ["follow", "follows", "follow.", "follows.", "following.", "below."].iter().any(|end| line.ends_with(end));
    if !stands_out {
        return false;
    }
    let line = crate::fold::fold(line);
    let line = line.trim_start_matches(['-', '=', '#', '+', '[', ' ']);
    ANNOUNCED.iter().any(|words| line.contains(words))
        && !["was received", "recipient", "transcript"].iter().any(|other| line.contains(other))
}

/// The header fields at the head of `text`, if they are those of a message: three at least, and among them
/// what every message has.
fn headers(text: &str) -> Option<Fields> {
    let first = text.lines().next()?;
    split(first)?;
    let mut fields = Fields::default();
    for line in text.lines() {
        // A list of fields may be broken by one odd line (`From ` of a mailbox file); the second one ends it.
        if !fields.push_line(line) {
            break;
        }
    }
    let has = |name| fields.has(name);
    let report = has("final-recipient") || has("reporting-mta") || has("diagnostic-code") || has("action");
    let known =
        ["from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version", "content-type"];
    let count = known.iter().filter(|name| fields.has(name)).count();
    let message = has("received") || has("return-path") || has("message-id") || has("from") && has("subject");
    (!report && message && count >= 3).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_ends_where_the_message_begins() {
        let headers =
            "Return-Path: <sales@example.org>\nFrom: sales@example.org\nTo: ada@example.com\nSubject: Hello\n";
        for announced in [
            "--- Below this line is a copy of the message.\n\n",
            "------ This is a copy of the message, including all the headers. ------\n\n",
            "----- Original message -----\n\n",
            "Message headers follow.\n\n",
            "   ----- Unsent message follows -----\n",
            "-------- Message d'origine --------\n",
            "\n",
        ] {
            let text = format!("It failed.\n\n{announced}{headers}\nText");
            let (report, fields) = cut(&text);
            assert!(!report.contains("Return-Path"), "{announced}");
            assert_eq!(fields.map(|fields| recipients(&fields).len()), Some(1), "{announced}");
        }
    }

    #[test]
    fn what_only_looks_like_a_message_stays() {
        for text in [
            "The original message was received at Thu, 6 Nov 2025\nfrom localhost\n\n550 no",
            "Your message\n\n  To:      ada@example.com\n  Subject: Hello\n  Sent:    today\n\ndid not reach",
            "Reporting-MTA: dns; a\nArrival-Date: x\n\nFinal-Recipient: rfc822; ada@example.com\nAction: failed\nStatus: 5.1.1\n",
            "A transcript of the attempts to send the message follows.\nada@example.com: 550 no",
        ] {
            assert_eq!(cut(text).0, text);
        }
    }
}
