//! Event publishing: the JSON that SES writes, and what wraps it on its way to a queue.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::simulator::{Bounce, Outcome};
use super::{Accepted, mime};
use crate::backends::front;
use crate::template::{ACCOUNT, Envelope, MailEvents, REGION};

/// One event of a message.
pub(super) fn event(message: &Accepted, outcome: &Outcome, now: Timestamp) -> Value {
    let timestamp = stamp(now);
    let feedback_id = || format!("{}-000000", message.id);
    let mut event = json!({ "eventType": outcome.kind(), "mail": mail(message, now) });
    let (name, detail) = match outcome {
        Outcome::Send => ("send", json!({})),
        Outcome::Reject => ("reject", json!({ "reason": "Bad content" })),
        Outcome::Delivery(recipients) => (
            "delivery",
            json!({
                "timestamp": timestamp,
                "processingTimeMillis": 42,
                "recipients": recipients,
                "smtpResponse": "250 2.6.0 Message received",
                "reportingMTA": format!("a1-1.smtp-out.{REGION}.amazonses.com"),
            }),
        ),
        Outcome::Bounce(recipients, why) => {
            let (subtype, status, diagnostic) = match why {
                Bounce::NoMailbox => ("General", "5.1.1", "smtp; 550 5.1.1 user unknown"),
                Bounce::Suppressed => (
                    "Suppressed",
                    "5.1.1",
                    "Amazon SES has suppressed sending to this address because it has a recent history of bouncing.",
                ),
                Bounce::OnAccountList => (
                    "OnAccountSuppressionList",
                    "5.1.1",
                    "Amazon SES did not send the message to this address because it is on the suppression list.",
                ),
            };
            let bounced: Vec<Value> = recipients
                .iter()
                .map(|address| {
                    json!({
                        "emailAddress": address, "action": "failed", "status": status, "diagnosticCode": diagnostic,
                    })
                })
                .collect();
            let detail = json!({
                "feedbackId": feedback_id(),
                "bounceType": "Permanent",
                "bounceSubType": subtype,
                "bouncedRecipients": bounced,
                "timestamp": timestamp,
                "reportingMTA": format!("dns; a1-1.smtp-out.{REGION}.amazonses.com"),
            });
            ("bounce", detail)
        }
        Outcome::Complaint(recipients) => {
            let complained: Vec<Value> = recipients.iter().map(|address| json!({ "emailAddress": address })).collect();
            let detail = json!({
                "feedbackId": feedback_id(),
                "complaintSubType": null,
                "complainedRecipients": complained,
                "timestamp": timestamp,
                "userAgent": "Amazon SES Mailbox Simulator",
                "complaintFeedbackType": "abuse",
                "arrivalDate": timestamp,
            });
            ("complaint", detail)
        }
    };
    event[name] = detail;
    event
}

fn mail(message: &Accepted, now: Timestamp) -> Value {
    let headers: Vec<Value> =
        mime::headers(&message.raw).into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let header = |name: &str| mime::header(&message.raw, name).unwrap_or_default();
    let mut tags = Map::new();
    for (name, value) in &message.tags {
        tags.insert(name.clone(), json!([value]));
    }
    let own = [
        ("ses:operation", "SendEmail".to_owned()),
        ("ses:configuration-set", message.configuration_set.clone().unwrap_or_default()),
        ("ses:source-ip", "127.0.0.1".to_owned()),
        ("ses:from-domain", message.from.rsplit('@').next().unwrap_or_default().to_owned()),
        ("ses:caller-identity", message.caller.clone()),
    ];
    for (name, value) in own {
        tags.insert(name.to_owned(), json!([value]));
    }
    json!({
        "timestamp": stamp(now),
        "source": message.from,
        "sourceArn": format!("arn:aws:ses:{REGION}:{ACCOUNT}:identity/{}", message.from),
        "sendingAccountId": ACCOUNT,
        "messageId": message.id,
        "destination": message.recipients,
        "headersTruncated": false,
        "headers": headers,
        "commonHeaders": {
            "from": [header("From")],
            "to": [header("To")],
            "date": header("Date"),
            "messageId": message.id,
            "subject": header("Subject"),
        },
        "tags": tags,
    })
}

/// Which queues want an event, and in which envelope.
pub(super) fn routes(
    destinations: &[MailEvents],
    fallback: Option<&str>,
    set: &str,
    kind: &str,
) -> Vec<(String, Envelope)> {
    let of_set: Vec<&MailEvents> =
        destinations.iter().filter(|destination| destination.configuration_set == set).collect();
    if of_set.is_empty() {
        let fallback = fallback.map(|queue| (queue.to_owned(), Envelope::Raw));
        return fallback.into_iter().collect();
    }
    of_set
        .into_iter()
        .filter(|destination| destination.types.iter().any(|wanted| wanted.eq_ignore_ascii_case(kind)))
        .map(|destination| (destination.queue_arn.clone(), destination.envelope))
        .collect()
}

/// The body of the SQS message that carries an event.
pub(super) fn wrap(event: &Value, kind: &str, set: &str, envelope: Envelope, now: Timestamp) -> String {
    let wrapped = match envelope {
        Envelope::Raw => return event.to_string(),
        Envelope::Sns => json!({
            "Type": "Notification",
            "MessageId": front::request_id(),
            "TopicArn": format!("arn:aws:sns:{REGION}:{ACCOUNT}:{set}"),
            "Subject": "Amazon SES Email Event Notification",
            "Message": event.to_string(),
            "Timestamp": stamp(now),
            "SignatureVersion": "1",
        }),
        Envelope::EventBridge => {
            let detail_type = match kind {
                "Send" => "Email Sent",
                "Delivery" => "Email Delivered",
                "Bounce" => "Email Bounced",
                "Complaint" => "Email Complaint Received",
                _ => "Email Rejected",
            };
            json!({
                "version": "0",
                "id": front::request_id(),
                "detail-type": detail_type,
                "source": "aws.ses",
                "account": ACCOUNT,
                "time": now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                "region": REGION,
                "resources": [format!("arn:aws:ses:{REGION}:{ACCOUNT}:configuration-set/{set}")],
                "detail": event,
            })
        }
    };
    wrapped.to_string()
}

/// SES writes milliseconds, always three digits.
pub(super) fn stamp(time: Timestamp) -> String {
    format!("{}.{:03}Z", time.strftime("%Y-%m-%dT%H:%M:%S"), time.subsec_millisecond())
}
