//! What an SES event says, and what that means for one message.

use std::{collections::HashMap, fmt};

use domain::{
    Timestamp,
    bounce::{Evidence, Fate, Source, Term, Words},
    cause::{Cause, Class},
    chunk::Outcome,
    email::EmailAddress,
    subject::Subject,
    suppression::SuppressionReason,
    webhook::EventKind,
};
use inbound::Diagnosis;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{evidence::of_diagnosis, mailer::ses::tag};

/// How SES calls that a message waits. `replies` says so, too, of a report of it.
pub(crate) const DELAYED: &str = "DeliveryDelay";

/// An SES event, as far as it matters here. Unknown fields and types are none of our business.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SesEvent {
    #[serde(alias = "notificationType")]
    pub(super) event_type: String,
    pub(super) mail: SesMail,
    bounce: Option<SesBounce>,
    delivery: Option<SesMoment>,
    complaint: Option<SesComplaint>,
    reject: Option<SesReject>,
    delivery_delay: Option<SesDelay>,
    /// Not SES's: when somebody objected.
    objection: Option<SesMoment>,
    /// Not SES's: whoever reads the mail that comes in knows it already.
    #[serde(default)]
    evidence: Option<Evidence>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SesMail {
    pub(super) message_id: Option<String>,
    #[serde(default)]
    pub(super) tags: HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesBounce {
    #[serde(default)]
    bounce_type: String,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    bounce_sub_type: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    bounced_recipients: Vec<SesRecipient>,
    #[serde(default, rename = "reportingMTA", deserialize_with = "if_readable")]
    reporting_mta: Option<String>,
}

/// Of whom it is said, and what. Personal data: `Debug` shows nothing of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesRecipient {
    email_address: Option<String>,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

impl fmt::Debug for SesRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SesRecipient(***)")
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesComplaint {
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    complaint_feedback_type: Option<String>,
}

/// That a message waits at SES, which tries again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesDelay {
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    delay_type: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    delayed_recipients: Vec<SesRecipient>,
    #[serde(default, rename = "reportingMTA", deserialize_with = "if_readable")]
    reporting_mta: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SesReject {
    #[serde(default, deserialize_with = "if_readable")]
    reason: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SesMoment {
    #[serde(default)]
    timestamp: Option<String>,
}

/// What is only evidence keeps no event from being read.
fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(from: D) -> Result<T, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).unwrap_or_default())
}

/// What an event means for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    pub(super) outcome: Outcome,
    pub(super) suppress: Option<SuppressionReason>,
}

impl SesEvent {
    pub(super) fn news(&self) -> Option<News> {
        let (outcome, suppress) = match self.event_type.as_str() {
            // Put off, and tried again: it was sent, and nobody knows more.
            "Send" | DELAYED => (Outcome::Sent, None),
            "Delivery" => (Outcome::Delivered, None),
            // Not SES's: whoever reads the mail that comes in says so in the form of SES's events.
            "Reply" => (Outcome::Replied, None),
            "Complaint" if self.complaint.as_ref().is_some_and(|complaint| !complaint.complains()) => return None,
            "Complaint" => (Outcome::Complained, Some(SuppressionReason::Complained)),
            // It arrived, and whoever is away says so: neither a bounce nor an answer.
            "Bounce" if self.bounce.as_ref().is_some_and(SesBounce::is_absence) => (Outcome::Delivered, None),
            "Bounce" if self.bounce.as_ref().is_some_and(|bounce| bounce.class() == Class::Hard) => {
                (Outcome::Bounced, Some(SuppressionReason::HardBounced))
            }
            // Returned for now: it was sent, and the address stays.
            "Bounce" => (Outcome::Bounced, None),
            // Amazon SES found a virus after it had taken the message: it came back, as one that a receiver would not have.
            "Reject" => (Outcome::Bounced, None),
            "Rendering Failure" => (Outcome::Failed, None),
            _ => return None,
        };
        Some(News { outcome, suppress })
    }

    /// What endpoints are told of it. That a message was accepted they were told when it was handed over, unless
    /// nobody noted that it was.
    pub(super) fn told(&self, unheard_of: bool) -> Option<(EventKind, Option<&'static str>)> {
        Some(match self.event_type.as_str() {
            "Send" if unheard_of => (EventKind::Sent, None),
            "Delivery" => (EventKind::Delivered, None),
            DELAYED => (EventKind::Delayed, None),
            "Reply" => (EventKind::Replied, None),
            "Complaint" if self.news().is_none() => return None,
            "Complaint" => (EventKind::Complained, None),
            "Bounce" if self.news()?.outcome != Outcome::Bounced => return None,
            "Bounce" if self.news()?.suppress.is_some() => (EventKind::Bounced, Some("permanent")),
            "Bounce" => (EventKind::Bounced, Some("transient")),
            "Reject" | "Rendering Failure" => (EventKind::Failed, None),
            _ => return None,
        })
    }

    /// When it happened, as the provider says; an event that comes twice says the same.
    pub(super) fn happened_at(&self) -> Option<Timestamp> {
        let moments = [&self.delivery, &self.objection].into_iter().flatten().map(|moment| &moment.timestamp);
        let moments = moments.chain(self.complaint.iter().map(|complaint| &complaint.timestamp));
        let moments = moments.chain(self.bounce.iter().map(|bounce| &bounce.timestamp));
        let moments = moments.chain(self.delivery_delay.iter().map(|delay| &delay.timestamp));
        moments.flatten().find_map(|timestamp| timestamp.parse().ok())
    }

    /// What a message came back for, or waits for; nothing of one that did neither.
    pub(super) fn evidence(&self, now: Timestamp) -> Option<Evidence> {
        if self.evidence.is_some() {
            return self.evidence.clone();
        }
        let known = |fate| Evidence::new(fate, Source::Ses, self.happened_at().unwrap_or(now));
        if self.event_type == DELAYED {
            return self.delivery_delay.as_ref().map(|delay| delay.evidence(known(Fate::Delayed)));
        }
        match (self.news()?.outcome, &self.bounce, &self.complaint, &self.reject) {
            (Outcome::Bounced, Some(bounce), ..) => Some(bounce.evidence(known(Fate::Bounced))),
            (Outcome::Complained, _, Some(complaint), _) => {
                let report = complaint.complaint_feedback_type.as_deref().and_then(Term::new);
                Some(Evidence { report, ..known(Fate::Complained) })
            }
            (Outcome::Bounced, _, _, Some(reject)) => Some(Evidence {
                class: Some(Class::Block),
                cause: Some(Cause::Content),
                said: reject.reason.as_deref().and_then(|reason| Words::new(reason, None)),
                ..known(Fate::Bounced)
            }),
            _ => None,
        }
    }

    pub(super) fn subject(&self) -> Option<Subject> {
        Subject::from_hex(self.mail.tags.get(tag::SUBJECT)?.first()?)
    }

    pub(super) fn tag<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.mail.tags.get(name)?.first()?.parse().ok()
    }
}

impl SesComplaint {
    /// Some reports say the opposite, or speak of a signature (RFC 5965, RFC 6591).
    fn complains(&self) -> bool {
        !matches!(self.complaint_feedback_type.as_deref(), Some("not-spam" | "auth-failure"))
    }
}

impl SesBounce {
    fn is_permanent(&self) -> bool {
        self.bounce_type == "Permanent"
    }

    /// What comes of an automatic answer: SES calls it a bounce for now, and has no receiver's words for it.
    fn is_absence(&self) -> bool {
        let general = self.bounce_type == "Transient" && self.subtype() == "General";
        general && self.bounced_recipients.iter().all(|person| person.diagnostic_code.is_none())
    }

    fn subtype(&self) -> &str {
        self.bounce_sub_type.as_deref().unwrap_or_default()
    }

    /// The receiver's words and codes.
    fn found(&self) -> Diagnosis {
        SesRecipient::found(self.bounced_recipients.first())
    }

    /// What it says of the address. That it is for good is SES's word, unless the receiver's blame whoever sent: an address
    /// that is never written to again for our own bad name would be a guess.
    fn class(&self) -> Class {
        let said = self.bounced_recipients.first().is_some_and(|person| person.diagnostic_code.is_some());
        match (self.is_permanent(), self.found().class) {
            (_, Class::Block) if said => Class::Block,
            (true, _) => Class::Hard,
            (false, _) => Class::Soft,
        }
    }

    /// The receiver's words say why, else the code, else what SES calls it.
    fn evidence(&self, known: Evidence) -> Evidence {
        let (found, subtype) = (self.found(), self.subtype());
        let about = SesRecipient::address(self.bounced_recipients.first());
        Evidence {
            class: Some(self.class()),
            cause: Some(found.cause).filter(|cause| *cause != Cause::Unknown).or_else(|| cause_of(subtype)),
            report: Term::new(&format!("{}/{subtype}", self.bounce_type)),
            reporter: self.reporting_mta.as_deref().and_then(Term::server),
            ..of_diagnosis(&found, about.as_ref(), known)
        }
    }
}

impl SesRecipient {
    /// What was said of the one recipient.
    fn found(person: Option<&Self>) -> Diagnosis {
        let said = |of: fn(&Self) -> &Option<String>| person.and_then(|person| of(person).as_deref());
        let words = said(|person| &person.diagnostic_code).unwrap_or_default();
        inbound::judge(said(|person| &person.status), words.trim_start_matches("smtp; "))
    }

    fn address(person: Option<&Self>) -> Option<EmailAddress> {
        EmailAddress::parse(person?.email_address.as_deref()?).ok()
    }
}

impl SesDelay {
    /// The receiver's words say why, else what SES calls it. It is tried again, so nothing is said for good.
    fn evidence(&self, known: Evidence) -> Evidence {
        let person = self.delayed_recipients.first();
        let (found, kind) = (SesRecipient::found(person), self.delay_type.as_deref().unwrap_or_default());
        Evidence {
            class: Some(found.class.min(Class::Soft)),
            cause: Some(found.cause).filter(|cause| *cause != Cause::Unknown).or_else(|| cause_of_delay(kind)),
            report: Term::new(kind),
            reporter: self.reporting_mta.as_deref().and_then(Term::server),
            ..of_diagnosis(&found, SesRecipient::address(person).as_ref(), known)
        }
    }
}

/// What SES means by the type of a delay.
fn cause_of_delay(kind: &str) -> Option<Cause> {
    Some(match kind {
        "MailboxFull" => Cause::MailboxFull,
        "SpamDetected" => Cause::Spam,
        "IPFailure" => Cause::Reputation,
        "TransientCommunicationFailure" => Cause::Network,
        "RecipientServerError" | "InternalFailure" => Cause::System,
        "General" => Cause::TooMany,
        _ => Cause::Unknown,
    })
}

/// What SES means by the subtype of a bounce.
fn cause_of(subtype: &str) -> Option<Cause> {
    Some(match subtype {
        "NoEmail" => Cause::UnknownUser,
        "MailboxFull" => Cause::MailboxFull,
        "MessageTooLarge" => Cause::TooLarge,
        "ContentRejected" | "AttachmentRejected" => Cause::Content,
        _ => Cause::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(json: &str) -> Option<News> {
        serde_json::from_str::<SesEvent>(json).unwrap().news()
    }

    #[test]
    fn events_mean_what_they_should() {
        let of = |kind: &str, more: &str| news(&format!(r#"{{"eventType":"{kind}","mail":{{"tags":{{}}}}{more}}}"#));
        let permanent = r#","bounce":{"bounceType":"Permanent","new":1}"#;
        let transient = r#","bounce":{"bounceType":"Transient"}"#;
        let expect = |outcome, suppress| Some(News { outcome, suppress });
        assert_eq!(of("Send", ""), expect(Outcome::Sent, None));
        assert_eq!(of("Delivery", ""), expect(Outcome::Delivered, None));
        assert_eq!(of("DeliveryDelay", r#","deliveryDelay":{"delayType":"MailboxFull"}"#), expect(Outcome::Sent, None));
        assert_eq!(of("Bounce", permanent), expect(Outcome::Bounced, Some(SuppressionReason::HardBounced)));
        assert_eq!(of("Bounce", transient), expect(Outcome::Bounced, None));
        let listed = r#","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"diagnosticCode":"smtp; 550 5.7.1 listed at a blocklist"}]}"#;
        assert_eq!(of("Bounce", listed), expect(Outcome::Bounced, None), "the sender is to blame");
        let absence = r#","bounce":{"bounceType":"Transient","bounceSubType":"General","bouncedRecipients":[{}]}"#;
        assert_eq!(of("Bounce", absence), expect(Outcome::Delivered, None));
        let greylisted = r#","bounce":{"bounceType":"Transient","bounceSubType":"General","bouncedRecipients":[{"diagnosticCode":"smtp; 451 4.7.1 later"}]}"#;
        assert_eq!(of("Bounce", greylisted), expect(Outcome::Bounced, None));
        assert_eq!(of("Complaint", ""), expect(Outcome::Complained, Some(SuppressionReason::Complained)));
        let complaint = |kind: &str| format!(r#","complaint":{{"complaintFeedbackType":"{kind}"}}"#);
        for (kind, complains) in
            [("abuse", true), ("fraud", true), ("other", true), ("not-spam", false), ("auth-failure", false)]
        {
            assert_eq!(of("Complaint", &complaint(kind)).is_some(), complains, "{kind}");
        }
        assert_eq!(of("Reply", r#","bounce":{}"#), expect(Outcome::Replied, None));
        assert_eq!(of("Reject", ""), expect(Outcome::Bounced, None));
        assert_eq!(of("Rendering Failure", ""), expect(Outcome::Failed, None));
        assert_eq!(of("Open", ""), None);
        assert_eq!(of("SomethingNew", ""), None);
    }

    #[test]
    fn a_legacy_notification_is_read_too() {
        let event = r#"{"notificationType":"Complaint","mail":{"messageId":"x"},"complaint":{}}"#;
        assert_eq!(news(event).map(|n| n.outcome), Some(Outcome::Complained));
    }

    #[test]
    fn a_bounce_says_why_and_what_that_rests_on() {
        let event = |bounce: &str| format!(r#"{{"eventType":"Bounce","mail":{{}},"bounce":{{{bounce}}}}}"#);
        let of = |bounce: &str| {
            let event: SesEvent = serde_json::from_str(&event(bounce)).unwrap();
            event.evidence(Timestamp::UNIX_EPOCH).unwrap()
        };
        let whole = of(r#""bounceType":"Permanent","bounceSubType":"General","timestamp":"2026-11-26T10:00:00.000Z",
            "reportingMTA":"dns; a1.example.org","bouncedRecipients":[{"emailAddress":"ada@example.com","action":"failed",
            "status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 <ada@example.com> user unknown: ada"}]"#);
        let expected = Evidence {
            class: Some(Class::Hard),
            cause: Some(Cause::UnknownUser),
            reply: Some(550),
            status: Term::new("5.1.1"),
            report: Term::new("Permanent/General"),
            reporter: Term::new("a1.example.org"),
            said: Words::new("550 5.1.1 <***> user unknown: ***", None),
            ..Evidence::new(Fate::Bounced, Source::Ses, "2026-11-26T10:00:00Z".parse().unwrap())
        };
        assert_eq!(whole, expected);
        let judged = |bounce: &str| (of(bounce).class.unwrap(), of(bounce).cause.unwrap());
        for (bounce, expected) in [
            (r#""bounceType":"Transient","bounceSubType":"MailboxFull""#, (Class::Soft, Cause::MailboxFull)),
            (r#""bounceType":"Undetermined","bounceSubType":"Undetermined""#, (Class::Soft, Cause::Unknown)),
            (r#""bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList""#, (Class::Hard, Cause::Unknown)),
            (
                r#""bounceType":"Transient","bouncedRecipients":[{"diagnosticCode":"smtp; 554 5.7.1 detected as spam"}]"#,
                (Class::Block, Cause::Spam),
            ),
            // SES says that it may pass: nobody is called gone because of it.
            (
                r#""bounceType":"Transient","bouncedRecipients":[{"diagnosticCode":"550 5.1.1 user unknown"}]"#,
                (Class::Soft, Cause::UnknownUser),
            ),
            (r#""bounceType":"Transient","bouncedRecipients":"none","bounceSubType":7"#, (Class::Soft, Cause::Unknown)),
        ] {
            assert_eq!(judged(bounce), expected, "{bounce}");
        }
    }

    #[test]
    fn a_delay_says_why_and_nothing_for_good() {
        let of = |delay: &str| {
            let event = format!(r#"{{"eventType":"DeliveryDelay","mail":{{}},"deliveryDelay":{{{delay}}}}}"#);
            serde_json::from_str::<SesEvent>(&event).unwrap().evidence(Timestamp::UNIX_EPOCH).unwrap()
        };
        let whole = of(
            r#""timestamp":"2026-11-26T10:00:00.000Z","delayType":"MailboxFull","expirationTime":"2026-11-27T10:00:00.000Z",
            "reportingMTA":"a1.example.org","delayedRecipients":[{"emailAddress":"ada@example.com","status":"4.2.2",
            "diagnosticCode":"smtp; 452 4.2.2 <ada@example.com>: mailbox full"}]"#,
        );
        let expected = Evidence {
            class: Some(Class::Soft),
            cause: Some(Cause::MailboxFull),
            reply: Some(452),
            status: Term::new("4.2.2"),
            report: Term::new("MailboxFull"),
            reporter: Term::new("a1.example.org"),
            said: Words::new("452 4.2.2 <***>: mailbox full", None),
            ..Evidence::new(Fate::Delayed, Source::Ses, "2026-11-26T10:00:00Z".parse().unwrap())
        };
        assert_eq!(whole, expected);
        for (delay, class, cause) in [
            (r#""delayType":"TransientCommunicationFailure""#, Class::Soft, Cause::Network),
            (r#""delayType":"SomethingNew","delayedRecipients":7"#, Class::Soft, Cause::Unknown),
            (r#""delayedRecipients":[{"diagnosticCode":"550 5.1.1 user unknown"}]"#, Class::Soft, Cause::UnknownUser),
        ] {
            let found = of(delay);
            assert_eq!((found.fate, found.class, found.cause), (Fate::Delayed, Some(class), Some(cause)), "{delay}");
        }
    }

    #[test]
    fn a_complaint_and_a_reject_have_evidence_and_other_news_has_none() {
        let of = |event: &str| serde_json::from_str::<SesEvent>(event).unwrap().evidence(Timestamp::UNIX_EPOCH);
        let at = Timestamp::UNIX_EPOCH;
        let complaint = r#"{"eventType":"Complaint","mail":{},"complaint":{"complaintFeedbackType":"abuse"}}"#;
        let report = Term::new("abuse");
        assert_eq!(of(complaint), Some(Evidence { report, ..Evidence::new(Fate::Complained, Source::Ses, at) }));
        let reject = of(r#"{"eventType":"Reject","mail":{},"reject":{"reason":"Bad content"}}"#).unwrap();
        assert_eq!((reject.fate, reject.cause), (Fate::Bounced, Some(Cause::Content)));
        for kind in ["Send", "Delivery", "Reply"] {
            assert_eq!(of(&format!(r#"{{"eventType":"{kind}","mail":{{}},"delivery":{{}}}}"#)), None, "{kind}");
        }
        let told = r#"{"eventType":"Bounce","mail":{},"bounce":{"bounceType":"Permanent"},
            "evidence":{"fate":"bounced","source":"dsn","at":"1970-01-01T00:00:00Z"}}"#;
        assert_eq!(of(told), Some(Evidence::new(Fate::Bounced, Source::Dsn, at)));
    }
}
