//! What is known of a message that came back: from what a mail, Amazon SES or a relay said of it, and as the API shows it.

use domain::{
    Timestamp,
    bounce::{Evidence, Fate, Source, Term, Words},
    cause::{Cause, Class},
    email::EmailAddress,
};
use inbound::{Complaint, Diagnosis, Failure, Said};
use serde::Serialize;

/// What a channel said when it refused a message for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which channel.
    pub(crate) by: Source,
    /// What it calls that.
    pub(crate) report: Option<Term>,
    /// What it means.
    pub(crate) found: Diagnosis,
}

/// Of a message that a channel refused.
pub(crate) fn of_refusal(refused: &Refused, to: &EmailAddress, at: Timestamp) -> Evidence {
    let Refused { by, report, found } = refused;
    Evidence { report: report.clone(), ..of_diagnosis(found, Some(to), Evidence::new(Fate::Failed, *by, at)) }
}

/// Of a message that came back as a mail, or waits and a mail says so.
pub(crate) fn of_failure(failure: &Failure, fate: Fate, at: Timestamp) -> Evidence {
    let known = &failure.evidence;
    Evidence {
        class: Some(failure.class),
        cause: Some(failure.cause),
        reply: known.reply,
        status: known.status.and_then(|status| Term::new(&status.to_string())),
        report: known.action.and_then(|action| Term::new(action.as_str())),
        said: known.said.as_ref().and_then(|said| Words::new(said.expose(), Some(&failure.address))),
        ..Evidence::new(fate, Source::Dsn, at)
    }
}

/// Of a complaint that came as a mail.
pub(crate) fn of_complaint(complaint: &Complaint, at: Timestamp) -> Evidence {
    let report = complaint.feedback.as_str().and_then(Term::new);
    Evidence { report, ..Evidence::new(Fate::Complained, Source::Arf, at) }
}

/// What was said by a server, judged as in a mail that came back.
pub(crate) fn of_diagnosis(found: &Diagnosis, about: Option<&EmailAddress>, known: Evidence) -> Evidence {
    Evidence {
        class: Some(found.class),
        cause: Some(found.cause),
        reply: found.code,
        status: found.status.and_then(|status| Term::new(&status.to_string())),
        said: found.said.as_ref().map(Said::expose).and_then(|said| Words::new(said, about)),
        ..known
    }
}

/// What nobody's words are in: an endpoint is told it.
#[derive(Debug, Serialize)]
pub(crate) struct Codes<'a> {
    source: Source,
    class: Option<Class>,
    cause: Option<Cause>,
    reply: Option<u16>,
    status: Option<&'a Term>,
    report: Option<&'a Term>,
}

impl<'a> From<&'a Evidence> for Codes<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        let Evidence { source, class, cause, reply, status, report, .. } = evidence;
        let (status, report) = (status.as_ref(), report.as_ref());
        Self { source: *source, class: *class, cause: *cause, reply: *reply, status, report }
    }
}

/// All of it, for whoever may read the person.
#[derive(Debug, Serialize)]
pub(crate) struct EvidenceView {
    fate: Fate,
    at: Timestamp,
    source: Source,
    class: Option<Class>,
    cause: Option<Cause>,
    reply: Option<u16>,
    status: Option<Term>,
    report: Option<Term>,
    reporter: Option<Term>,
    said: Option<Words>,
}

impl From<Evidence> for EvidenceView {
    fn from(evidence: Evidence) -> Self {
        let Evidence { fate, source, at, class, cause, reply, status, report, reporter, said } = evidence;
        Self { fate, at, source, class, cause, reply, status, report, reporter, said }
    }
}
