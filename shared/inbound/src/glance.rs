//! What a few headers of a mail say of whose it is, before anybody reads the mail itself: a mailbox holds letters that are
//! none of our business.

use domain::email::EmailAddress;

use crate::{address, fields::Fields, limits, mail::Mail};

/// The headers that are looked at, and no others.
pub const HEADERS: [&str; 5] = ["From", "In-Reply-To", "References", "Content-Type", "X-Failed-Recipients"];

/// Messages that one mail may be an answer to, at most: threads are long, and the latest stand last.
const NAMES: usize = 32;

/// What they say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glance {
    /// The address in `From`.
    pub from: Option<EmailAddress>,
    /// The messages it is an answer to, without brackets: the latest first.
    pub answers: Vec<String>,
    /// Who did not get a message, as far as a header says so.
    pub failed: Vec<EmailAddress>,
    /// Whether it is a report about a message (RFC 6522): its second part says of whom.
    pub is_report: bool,
}

/// Looks at the headers of a mail.
#[must_use]
pub fn read(headers: &[u8]) -> Glance {
    let Some(mail) = Mail::parse(headers) else { return Glance::default() };
    let names = |header| mail.header(header).map(bracketed).unwrap_or_default();
    let mut answers = names("in-reply-to");
    let mut references = names("references");
    references.reverse();
    answers.extend(references);
    answers.truncate(NAMES);
    let kind = mail.content_type();
    let reports = ["report-type=delivery-status", "report-type=feedback-report"];
    Glance {
        from: mail.header("from").and_then(address::first),
        answers,
        failed: mail.header("x-failed-recipients").map(everybody).unwrap_or_default(),
        is_report: kind.starts_with("multipart/report") && reports.iter().any(|report| kind.contains(report)),
    }
}

/// Whom the second part of a report is about: the fields of RFC 3464 and of RFC 5965 that name somebody.
#[must_use]
pub fn read_report(part: &[u8]) -> Vec<EmailAddress> {
    let text = String::from_utf8_lossy(part);
    let mut named = Vec::new();
    // Each recipient has a group of fields of their own.
    for group in limits::text(&text).split("\n\n").flat_map(|group| group.split("\r\n\r\n")) {
        let fields = Fields::parse(group);
        for name in ["original-recipient", "final-recipient", "original-rcpt-to"] {
            named.extend(fields.get(name).and_then(address::of_field));
        }
    }
    distinct(named)
}

fn everybody(text: &str) -> Vec<EmailAddress> {
    distinct(address::find(limits::cut(text, limits::LINE)).into_iter().map(|found| found.address).collect())
}

fn distinct(mut addresses: Vec<EmailAddress>) -> Vec<EmailAddress> {
    let mut seen = std::collections::HashSet::new();
    addresses.retain(|address| seen.insert(address.expose().to_owned()));
    addresses.truncate(limits::RECIPIENTS);
    addresses
}

/// What stands between angle brackets; others write names without.
fn bracketed(text: &str) -> Vec<String> {
    let names = text.split(['<', '>', ',', ' ', '\t']).map(str::trim).filter(|name| name.contains('@'));
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exposed(addresses: &[EmailAddress]) -> Vec<&str> {
        addresses.iter().map(EmailAddress::expose).collect()
    }

    #[test]
    fn headers_say_who_answers_what() {
        let headers = "From: =?utf-8?q?Zo=C3=A9?= <zoe@firm.test>\r\nIn-Reply-To: <3@a.test>\r\n\
            References: <1@a.test>\r\n <2@a.test> <3@a.test>\r\nContent-Type: text/plain\r\n\r\n";
        let glance = read(headers.as_bytes());
        assert_eq!(glance.from.unwrap().expose(), "zoe@firm.test");
        assert_eq!(glance.answers, ["3@a.test", "3@a.test", "2@a.test", "1@a.test"]);
        assert!(glance.failed.is_empty() && !glance.is_report);
        assert_eq!(read(b""), Glance::default());
        let long: String = (0..1_000).map(|n| format!("<{n}@a.test> ")).collect();
        assert_eq!(read(format!("References: {long}\r\n\r\n").as_bytes()).answers.len(), NAMES);
    }

    #[test]
    fn a_report_is_told_from_a_letter_and_says_of_whom_it_is() {
        for (kind, is_report) in [
            ("multipart/report; report-type=delivery-status; boundary=b", true),
            ("multipart/report; boundary=\"x\";\r\n report-type=\"Feedback-Report\"", true),
            ("multipart/report; report-type=disposition-notification; boundary=b", false),
            ("multipart/mixed; boundary=b", false),
        ] {
            let headers = format!("From: MAILER-DAEMON@mx.test\r\nContent-Type: {kind}\r\n\r\n");
            assert_eq!(read(headers.as_bytes()).is_report, is_report, "{kind}");
        }
        let failed = read(b"X-Failed-Recipients: ada@firm.test,\r\n bob@firm.test\r\n\r\n").failed;
        assert_eq!(exposed(&failed), ["ada@firm.test", "bob@firm.test"]);
        let status = "Reporting-MTA: dns; mx.test\r\n\r\nOriginal-Recipient: rfc822;ada@firm.test\r\n\
            Final-Recipient: rfc822; a.lovelace@elsewhere.test\r\nAction: failed\r\n\r\nFinal-Recipient: rfc822; bob@firm.test\r\n";
        let expected = ["ada@firm.test", "a.lovelace@elsewhere.test", "bob@firm.test"];
        assert_eq!(exposed(&read_report(status.as_bytes())), expected);
        assert_eq!(exposed(&read_report(status.replace("\r\n", "\n").as_bytes())), expected);
        let complaint = "Feedback-Type: abuse\r\nOriginal-Rcpt-To: <ada@firm.test>\r\n";
        assert_eq!(exposed(&read_report(complaint.as_bytes())), ["ada@firm.test"]);
    }

    proptest! {
        #[test]
        fn nothing_panics_and_all_of_it_is_bounded(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert!(read(&bytes).answers.len() <= NAMES);
            prop_assert!(read_report(&bytes).len() <= limits::RECIPIENTS);
        }
    }
}
