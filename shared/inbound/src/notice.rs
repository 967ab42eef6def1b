//! Amazon SES writes what became of a message as JSON, which SNS may send as a mail.

use serde_json::Value;

use crate::Kind;
use crate::bounce::failure;
use crate::complaint::{Complaint, FeedbackType};
use crate::diagnosis::Clues;
use crate::evidence::Source;
use crate::limits;
use crate::mail::Mail;
use domain::email::EmailAddress;

/// What the mail is, if it is such a notice; `None` when it is none.
pub(crate) fn read(mail: &Mail) -> Option<Kind> {
    let text = mail.text.trim_start().strip_prefix('{').map(|_| mail.text.trim_start())?;
    // A footer stands behind the object, and lines that were too long for a mail are folded within it.
    let unfolded = text.replace(['\r', '\n'], "");
    let notice: Value = serde_json::Deserializer::from_str(&unfolded).into_iter().next()?.ok()?;
    let kind = notice.get("notificationType").or_else(|| notice.get("eventType"))?.as_str()?;
    match kind {
        "Bounce" => Some(bounce(notice.get("bounce")?)),
        "Complaint" => Some(complaint(notice.get("complaint")?)),
        _ => Some(Kind::Other),
    }
}

fn bounce(bounce: &Value) -> Kind {
    let people = bounce.get("bouncedRecipients").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let failures = people.iter().take(limits::RECIPIENTS).filter_map(|person| {
        let address = address(person)?;
        let text = |name| person.get(name).and_then(Value::as_str);
        let said = text("diagnosticCode").map_or("", |said| said.trim_start_matches("smtp; "));
        Some(failure(address, &Clues { status: text("status"), said, ..Clues::default() }, Source::Notice, None, None))
    });
    Kind::Bounce(failures.collect())
}

fn complaint(complaint: &Value) -> Kind {
    let people = complaint.get("complainedRecipients").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let feedback = complaint.get("complaintFeedbackType").and_then(Value::as_str);
    Kind::Complaint(Complaint {
        feedback: feedback.map_or(FeedbackType::Abuse, FeedbackType::parse),
        recipients: people.iter().take(limits::RECIPIENTS).filter_map(address).collect(),
    })
}

fn address(person: &Value) -> Option<EmailAddress> {
    crate::address::first(person.get("emailAddress")?.as_str()?)
}
