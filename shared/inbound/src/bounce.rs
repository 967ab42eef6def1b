//! From a report to failures: who did not get a message, and why.

use domain::email::EmailAddress;

use crate::diagnosis::{Clues, diagnose};
use crate::dsn::{self, Action, Group};
use crate::evidence::{Evidence, Source};
use crate::limits;
use crate::mail::Mail;
use crate::report::{Report, share};
use crate::{Kind, address, auto_reply, sender};
use domain::cause::{Cause, Class};

/// A recipient who did not get a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The address that failed.
    pub address: EmailAddress,
    /// What that means for the next message.
    pub class: Class,
    /// Why it failed.
    pub cause: Cause,
    /// What this rests on.
    pub evidence: Evidence,
}

impl Failure {
    /// Whether nothing sent to the address will ever arrive.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.class == Class::Hard
    }
}

/// What the mail says of failures in the fields of RFC 3464; `None` when it has none.
pub(crate) fn read_notification(mail: &Mail, report: &Report<'_>) -> Option<Kind> {
    let mut groups: Vec<Group> = mail.delivery.iter().flat_map(|text| dsn::groups(text)).collect();
    if groups.is_empty() && dsn::is_within(report.text) {
        groups = dsn::groups(report.text);
    }
    if groups.is_empty() && !mail.nested_delivery.is_empty() && report.passes_on(mail) {
        groups = mail.nested_delivery.iter().flat_map(|text| dsn::groups(text)).collect();
    }
    (!groups.is_empty()).then(|| notified(mail, report, &groups))
}

/// What the mail says of failures in words; `None` when it does not.
pub(crate) fn read_text(mail: &Mail, report: &Report<'_>) -> Option<Kind> {
    report.is_one(mail).then(|| told(mail, report))
}

/// Whether an address that is said to have failed wrote the mail itself, and nothing else in it says that a machine did:
/// the mailbox is there, and somebody writes about a report or copies one.
pub(crate) fn is_by_whoever_failed(mail: &Mail, kind: &Kind) -> bool {
    let (Kind::Bounce(failures) | Kind::Delay(failures)) = kind else { return false };
    let by_machine = !mail.delivery.is_empty()
        || mail.content_type().starts_with("multipart/report")
        || mail.headers.has("x-failed-recipients")
        || sender::is_automatic(mail)
        || sender::is_daemon(mail)
        || auto_reply::is_marked(mail);
    let author = || mail.header("from").and_then(address::first);
    !by_machine
        && author().is_some_and(|author| {
            let is_theirs = |address: &EmailAddress| address.canonical() == author.canonical();
            failures.iter().any(|failure| {
                is_theirs(&failure.address) || failure.evidence.original_recipient.as_ref().is_some_and(is_theirs)
            })
        })
}

/// A report with the fields of RFC 3464.
fn notified(mail: &Mail, report: &Report<'_>, groups: &[Group]) -> Kind {
    let open: Vec<&Group> = groups.iter().filter(|group| group.action() != Action::Done).collect();
    let Some(first) = open.first() else { return Kind::Other };
    let mut known: Vec<(EmailAddress, &Group)> = Vec::new();
    for group in &open {
        let Some(address) = group.recipient() else { continue };
        if known.iter().all(|(other, _)| other.canonical() != address.canonical()) {
            known.push((address, group));
        }
    }
    if known.is_empty() {
        // A command or a local name failed. Whom that served is said elsewhere.
        known = report.recipients(mail).into_iter().map(|address| (address, *first)).collect();
    }
    let addresses: Vec<EmailAddress> = known.iter().map(|(address, _)| address.clone()).collect();
    // Whoever forwards mail may name another address; a header then has the one that was written to.
    let only = if addresses.len() == 1 { mail.header("x-failed-recipients").and_then(address::first) } else { None };
    let searched = limits::searched(addresses.len());
    let (shares, common) = share(report.text, &addresses);
    let failures = known.into_iter().zip(shares).map(|((address, group), own)| {
        let action = group.action();
        let clues = Clues {
            status: group.status(),
            said: limits::cut(group.diagnostic(), searched),
            around: limits::cut(if own.is_empty() { &common } else { &own }, searched),
            delayed: action == Action::Delayed,
        };
        let original = group.original_recipient().or_else(|| only.clone()).filter(|original| *original != address);
        failure(address, &clues, Source::DeliveryStatus, Some(action), original)
    });
    let failures = failures.collect();
    if open.iter().all(|group| group.action() == Action::Delayed) {
        Kind::Delay(failures)
    } else {
        Kind::Bounce(failures)
    }
}

/// A report in words alone.
fn told(mail: &Mail, report: &Report<'_>) -> Kind {
    let mut addresses = report.recipients(mail);
    addresses.truncate(limits::RECIPIENTS);
    let searched = limits::searched(addresses.len());
    let source = source(mail, report, &addresses);
    let delayed = report.is_delay(mail);
    let (shares, common) = share(report.text, &addresses);
    let failures = addresses.into_iter().zip(shares).map(|(address, own)| {
        let (said, around) = (limits::cut(&own, searched), limits::cut(&common, searched));
        let clues = Clues { status: None, said, around, delayed };
        failure(address, &clues, source, None, None)
    });
    let failures = failures.collect();
    if delayed { Kind::Delay(failures) } else { Kind::Bounce(failures) }
}

fn source(mail: &Mail, report: &Report<'_>, addresses: &[EmailAddress]) -> Source {
    if mail.headers.has("x-failed-recipients") {
        return Source::FailedRecipients;
    }
    let named = addresses.first().is_some_and(|address| report.text.contains(address.expose()));
    if named { Source::Text } else { Source::Returned }
}

/// What the clues say of a recipient.
pub(crate) fn failure(
    address: EmailAddress,
    clues: &Clues<'_>,
    source: Source,
    action: Option<Action>,
    original_recipient: Option<EmailAddress>,
) -> Failure {
    let found = diagnose(clues);
    let evidence = Evidence {
        source,
        action,
        status: found.status,
        reply: found.code,
        words: found.words,
        said: found.said,
        original_recipient,
    };
    Failure { address, class: found.class, cause: found.cause, evidence }
}

#[cfg(test)]
mod tests {
    use crate::read;

    #[test]
    fn whoever_writes_has_a_mailbox() {
        const FAILED: &str = "<bob@firm.test>: 550 5.1.1 User unknown";
        const FIELDS: &str = "Final-Recipient: rfc822; bob@firm.test\nAction: failed\nStatus: 5.1.1";
        let typed = "\nContent-Type: multipart/report; report-type=delivery-status; boundary=b";
        let words = format!("{FAILED}\n\nis what I got from you. Please call me.");
        let stop = format!("{FAILED}\n\nSTOP");
        let fields = format!("{FIELDS}\n\nis what I got from you.");
        let part = format!("--b\n\nIt failed.\n\n--b\nContent-Type: message/delivery-status\n\n{FIELDS}\n\n--b--");
        for (from, headers, body, expected) in [
            ("Bob <bob@firm.test>", "", &words, "reply"),
            ("Bob <Bob@Firm.test>", "", &words, "reply"),
            ("Bob <bob@firm.test>", "\nAuto-Submitted: no", &words, "reply"),
            ("Bob <bob@firm.test>", "", &stop, "reply"),
            ("Bob <bob@firm.test>", "", &fields, "reply"),
            // Somebody or something else says so, or a machine does.
            ("Ada <ada@firm.test>", "", &words, "bounce"),
            ("Mail Delivery System <bob@firm.test>", "", &words, "bounce"),
            ("Bob <bob@firm.test>", "\nReturn-Path: <>", &words, "bounce"),
            ("Bob <bob@firm.test>", "\nAuto-Submitted: auto-replied", &words, "bounce"),
            ("Bob <bob@firm.test>", "\nX-Failed-Recipients: bob@firm.test", &words, "bounce"),
            ("Bob <bob@firm.test>", typed, &part, "bounce"),
        ] {
            let raw = format!(
                "From: {from}\nTo: r@in.example.com\nSubject: Undelivered Mail Returned to Sender{headers}\n\n{body}\n"
            );
            let found = read(raw.as_bytes());
            assert_eq!(found.kind.as_str(), expected, "{from} {headers} {body}");
            assert_eq!(found.is_opt_out_reply(), *body == stop, "{from} {headers} {body}");
        }
    }
}
