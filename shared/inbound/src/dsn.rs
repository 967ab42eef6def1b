//! Delivery status notifications (RFC 3464): what they say of each recipient.

use domain::email::EmailAddress;

use crate::address;
use crate::fields::{Fields, split};
use crate::limits;

/// What a server did with a message for one recipient (RFC 3464 §2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It gave up.
    Failed,
    /// It goes on trying.
    Delayed,
    /// It delivered, relayed or expanded it: nothing is wrong.
    Done,
}

impl Action {
    fn parse(value: &str) -> Self {
        let word = value.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "delayed" => Self::Delayed,
            "delivered" | "relayed" | "expanded" => Self::Done,
            _ => Self::Failed,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Done => "delivered",
        }
    }
}

/// The fields about one recipient.
#[derive(Default)]
pub(crate) struct Group(Fields);

impl Group {
    pub(crate) fn action(&self) -> Action {
        match self.0.get("action") {
            Some(action) => Action::parse(action),
            None if self.status().is_some_and(|status| status.starts_with('2')) => Action::Done,
            None => Action::Failed,
        }
    }

    pub(crate) fn status(&self) -> Option<&str> {
        self.0.get("status")
    }

    /// What the remote server said, without the type before it.
    pub(crate) fn diagnostic(&self) -> &str {
        let value = self.0.get("diagnostic-code").unwrap_or_default();
        match value.split_once(';') {
            Some((kind, said)) if kind.len() <= 32 && !kind.trim().contains(' ') => said.trim(),
            _ => value,
        }
    }

    /// Who did not get it: the address that failed, else the one it was sent to.
    pub(crate) fn recipient(&self) -> Option<EmailAddress> {
        let last = self.0.get("final-recipient").and_then(address::of_field);
        last.or_else(|| self.original_recipient())
    }

    /// The address that the message was sent to, before anybody forwarded it.
    pub(crate) fn original_recipient(&self) -> Option<EmailAddress> {
        self.0.get("original-recipient").and_then(address::of_field)
    }
}

/// The fields of which a group has one at most: a second one belongs to the next recipient.
const ONCE: &[&str] = &["final-recipient", "action", "status", "diagnostic-code"];

/// The groups about recipients in a report. What is about the message as a whole is left out.
pub(crate) fn groups(report: &str) -> Vec<Group> {
    let mut groups = vec![Group::default()];
    for line in report.lines() {
        let open = groups.last_mut().filter(|_| !line.trim().is_empty());
        let Some(Group(fields)) = open else {
            groups.push(Group::default());
            continue;
        };
        let name = split(line).map(|(name, _)| name.trim().to_ascii_lowercase());
        let again = name.is_some_and(|name| ONCE.contains(&name.as_str()) && fields.has(&name));
        if again {
            groups.push(Group::default());
        }
        if let Some(Group(fields)) = groups.last_mut() {
            fields.push_line(line);
        }
    }
    groups.retain(|Group(fields)| {
        fields.has("final-recipient")
            || fields.has("original-recipient") && (fields.has("action") || fields.has("status"))
    });
    groups.truncate(limits::RECIPIENTS);
    groups
}

/// Whether a text has the fields of a report in it: some servers send them so.
pub(crate) fn is_within(text: &str) -> bool {
    let names = |line: &str| split(line).map(|(name, _)| name.to_ascii_lowercase());
    let mut names = text.lines().filter_map(names);
    let has = |name: &str| name == "final-recipient" || name == "original-recipient";
    names.clone().any(|name| has(&name))
        && names.any(|name| name == "action" || name == "status" || name == "diagnostic-code")
}
