//! What a mail that came in is: a bounce and of whom, a complaint, an automatic answer, a reply.
//!
//! [`read`] takes the bytes of one mail. Structure comes first: the fields of a delivery status notification
//! (RFC 3464) or of a feedback report (RFC 5965), and headers that say what a mail is (RFC 3834). Where
//! there is none, the text is read: mail systems write for people, in a few hundred wordings.
//!
//! Whoever bounces may write anything, so a failure is [`Class::Hard`] only if something says that the address
//! or its domain is bad; never because nothing better was found.
//!
//! Pure: no clock, no network, no file. What is read of a mail is bounded.

mod absence;
mod address;
mod auto_reply;
mod bounce;
mod complaint;
mod diagnosis;
mod dsn;
mod evidence;
mod fields;
mod fold;
pub mod glance;
mod html;
mod limits;
mod mail;
mod notice;
pub mod own;
mod phase;
mod quote;
mod reply;
mod report;
mod returned;
mod sender;
mod smtp;
mod status;
mod subject;
mod wish;
mod wording;

pub use auto_reply::AutoReply;
pub use bounce::Failure;
pub use complaint::{Complaint, FeedbackType};
pub use diagnosis::{Diagnosis, judge};
pub use domain::cause::{Cause, Class};
pub use dsn::Action;
pub use evidence::{Evidence, Said, Source};
pub use limits::MAX_READ;
pub use reply::Reply;
pub use returned::Original;
pub use status::Status;

use domain::email::EmailAddress;
use jiff::civil::Date;
use mail::Mail;
use report::Report;

/// What a mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A message did not arrive.
    Bounce(Vec<Failure>),
    /// A message is late: it is still being tried.
    Delay(Vec<Failure>),
    /// Somebody called a message spam.
    Complaint(Complaint),
    /// A machine answered.
    AutoReply(AutoReply),
    /// Somebody answered.
    Reply(Reply),
    /// Nothing of these.
    Other,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Bounce(_) => "bounce",
            Self::Delay(_) => "delay",
            Self::Complaint(_) => "complaint",
            Self::AutoReply(_) => "auto_reply",
            Self::Reply(_) => "reply",
            Self::Other => "other",
        }
    }
}

/// A mail, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// What it is.
    pub kind: Kind,
    /// The message it is about, as far as it came back.
    pub original: Original,
    /// The address in `From`, where nothing says that a machine wrote it, or that it went to many.
    pub author: Option<EmailAddress>,
}

impl Inbound {
    /// Whether somebody answered with a wish for no more mail. What a machine answers is none.
    #[must_use]
    pub fn is_opt_out_reply(&self) -> bool {
        matches!(self.kind, Kind::Reply(reply) if reply.is_opt_out)
    }
}

/// Reads one mail. Bytes that are no mail are [`Kind::Other`].
#[must_use]
pub fn read(raw: &[u8]) -> Inbound {
    read_on(raw, None)
}

/// The same of a mail that came in on a day: where it does not say when it was sent, "until Monday" is counted from that day.
#[must_use]
pub fn read_on(raw: &[u8], received: Option<Date>) -> Inbound {
    let Some(mail) = Mail::parse(raw) else {
        return Inbound { kind: Kind::Other, original: Original::default(), author: None };
    };
    let mail = Mail { received, ..mail };
    let report = Report::of(&mail);
    let original = mail.returned.as_ref().or(report.returned.as_ref()).map(Original::of).unwrap_or_default();
    let kind = kind(&mail, &report);
    let from = || mail.header("from").and_then(address::first);
    let author = sender::may_be_a_person(&mail).then(from).flatten();
    Inbound { kind, original, author }
}

/// From the sure to the vague. A receipt (RFC 8098) says that a message was shown or deleted: it is no answer.
fn kind(mail: &Mail, report: &Report<'_>) -> Kind {
    None.or_else(|| complaint::read(mail, report).map(Kind::Complaint))
        .or_else(|| bounce::read_notification(mail, report))
        .or_else(|| notice::read(mail))
        .or_else(|| (mail.disposition && !report.refuses(mail)).then_some(Kind::Other))
        .or_else(|| complaint::read_loose(mail, report).map(Kind::Complaint))
        .or_else(|| bounce::read_text(mail, report))
        .or_else(|| auto_reply::read(mail).map(Kind::AutoReply))
        .or_else(|| reply::read(mail).map(Kind::Reply))
        .map(|kind| if bounce::is_by_whoever_failed(mail, &kind) { Kind::Reply(reply::of(mail)) } else { kind })
        .unwrap_or(Kind::Other)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
