//! Complaints: somebody called a message spam, and their mailbox provider passed that on.

use domain::email::EmailAddress;

use crate::address;
use crate::fields::{Fields, split};
use crate::fold::fold;
use crate::limits;
use crate::mail::Mail;
use crate::report::Report;
use crate::wording::Wording;

/// What a feedback report is about: the registry of RFC 5965 §7.3, with RFC 6430 and RFC 6591.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FeedbackType {
    /// Unsolicited mail: what a *spam* button says.
    Abuse,
    /// Phishing or another fraud.
    Fraud,
    /// A virus was found.
    Virus,
    /// The person asks for no more mail.
    OptOut,
    /// It was in the spam folder, and the person says that it is none (RFC 6430).
    NotSpam,
    /// SPF, DKIM or DMARC failed (RFC 6591). No person says anything.
    AuthFailure,
    /// Another word, or none.
    Other,
}

impl FeedbackType {
    pub(crate) fn parse(value: &str) -> Self {
        match value.trim().to_ascii_lowercase().as_str() {
            "abuse" => Self::Abuse,
            "fraud" => Self::Fraud,
            "virus" => Self::Virus,
            "opt-out" | "opt-out-list" | "unsubscribe" => Self::OptOut,
            "not-spam" => Self::NotSpam,
            "auth-failure" | "dmarc" => Self::AuthFailure,
            _ => Self::Other,
        }
    }

    /// The word for it; none for what the registry does not have.
    #[must_use]
    pub fn as_str(&self) -> Option<&'static str> {
        Some(match self {
            Self::Abuse => "abuse",
            Self::Fraud => "fraud",
            Self::Virus => "virus",
            Self::OptOut => "opt-out",
            Self::NotSpam => "not-spam",
            Self::AuthFailure => "auth-failure",
            Self::Other => return None,
        })
    }
}

/// A complaint, as a feedback loop reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What it is about.
    pub feedback: FeedbackType,
    /// Who complains, where the report names them. Most loops do not: the message that came back tells.
    pub recipients: Vec<EmailAddress>,
}

impl Complaint {
    /// Whether a person objects to a message, which a report of *not spam* or of a failed signature is not.
    #[must_use]
    pub fn is_objection(&self) -> bool {
        !matches!(self.feedback, FeedbackType::NotSpam | FeedbackType::AuthFailure)
    }
}

/// The complaint that a mail is; `None` when it is none.
pub(crate) fn read(mail: &Mail, report: &Report<'_>) -> Option<Complaint> {
    let fields = match mail.feedback.first() {
        Some(part) => Fields::parse(part),
        None => within(report.text)?,
    };
    let feedback = fields.get("feedback-type").map_or(FeedbackType::Other, FeedbackType::parse);
    let names = ["original-rcpt-to", "removal-recipient", "original-recipient"];
    let mut recipients: Vec<EmailAddress> =
        names.iter().flat_map(|name| fields.all(name)).filter_map(address::of_field).collect();
    recipients.dedup();
    recipients.truncate(limits::RECIPIENTS);
    Some(Complaint { feedback, recipients })
}

/// The fields of a report that stand in a text.
fn within(text: &str) -> Option<Fields> {
    let start = text
        .lines()
        .position(|line| split(line).is_some_and(|(name, _)| name.eq_ignore_ascii_case("feedback-type")))?;
    // Other fields may stand before it, up to an empty line.
    let lines: Vec<&str> = text.lines().collect();
    let first = lines[..start].iter().rposition(|line| line.trim().is_empty()).map_or(0, |empty| empty + 1);
    let mut fields = Fields::default();
    for line in lines.iter().skip(first).take_while(|line| !line.trim().is_empty()) {
        fields.push_line(line);
    }
    Some(fields)
}

/// Headers that only feedback loops write, and one that a loop writes into the message that it sends back.
const LOOPS: &[&str] = &["x-rp-fbl", "x-fbl-report", "x-aol-fbl", "x-xarf", "x-arf"];
const RETURNED: &str = "x-hmxmroriginalrecipient";

/// Subjects of loops that do not write RFC 5965, as [`fold`] leaves them.
const SUBJECTS: &[&str] = &[
    "complaint about message from",
    "complaint from",
    "abuse report",
    "spam report",
    "spam complaint",
    "abuse complaint",
    "email feedback report",
    "feedback report",
    "feedback loop",
    "client tos notification",
    "email abuse",
    "fbl report",
    "plainte pour spam",
    "signalement de spam",
    "signalement spam",
    "spam-beschwerde",
    "[spamcop (",
];

/// What the text of a report says, of any loop.
const TEXTS: &[&str] = &[
    "this is an email abuse report",
    "this is a * abuse report",
    "this is a spam report",
    "abuse report for an email message",
    "marked your message as spam",
    "marked as spam by",
    "has complained about",
];

/// A complaint of a loop that sends no fields: the message comes back, and headers or words say why.
pub(crate) fn read_loose(mail: &Mail, report: &Report<'_>) -> Option<Complaint> {
    let returned = mail.returned.as_ref().or(report.returned.as_ref());
    let marked = LOOPS.iter().any(|name| mail.headers.has(name)) || returned.is_some_and(|fields| fields.has(RETURNED));
    let typed = mail.content_type().contains("report-type=feedback-report");
    let subject = fold(mail.header("subject").unwrap_or_default());
    let answered = subject.starts_with("re:");
    let says_so = || {
        let says = Wording::new(&subject).has(SUBJECTS) || Wording::new(limits::cut(report.text, 2048)).has(TEXTS);
        says && returned.is_some() && !answered
    };
    if !marked && !typed && !says_so() {
        return None;
    }
    let named = returned.and_then(|fields| fields.get(RETURNED)).and_then(address::first);
    Some(Complaint { feedback: FeedbackType::Abuse, recipients: named.into_iter().collect() })
}
