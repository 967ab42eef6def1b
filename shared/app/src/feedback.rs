//! What the provider says later about a message: it settles what was unknown, and stops what must stop.
//!
//! SES events come late, twice and in any order; outcomes are joined, so the order does not matter.
//! A complaint is an objection (RFC 5965); a permanent bounce means the address does not exist.

use domain::{
    Timestamp,
    chunk::{Outcome, Results},
    id::{CampaignId, WorkspaceId},
    suppression::{Suppression, SuppressionReason},
};
use serde::Deserialize;
use storage::WorkspaceScope;

use crate::{App, Failure, mailer::ses::tag};

/// An SES event, as far as it matters here. Unknown fields and types are none of our business.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SesEvent {
    #[serde(alias = "notificationType")]
    event_type: String,
    mail: SesMail,
    bounce: Option<SesBounce>,
}

#[derive(Debug, Deserialize)]
struct SesMail {
    #[serde(default)]
    tags: std::collections::HashMap<String, Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SesBounce {
    bounce_type: String,
}

/// What an event means for one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct News {
    outcome: Outcome,
    suppress: Option<SuppressionReason>,
}

impl SesEvent {
    fn news(&self) -> Option<News> {
        let (outcome, suppress) = match self.event_type.as_str() {
            "Send" | "Delivery" => (Outcome::Sent, None),
            "Complaint" => (Outcome::Complained, Some(SuppressionReason::Complained)),
            "Bounce" if self.bounce.as_ref().is_some_and(|b| b.bounce_type == "Permanent") => {
                (Outcome::Bounced, Some(SuppressionReason::HardBounced))
            }
            // Returned for now: it was sent, and the address stays.
            "Bounce" => (Outcome::Bounced, None),
            "Reject" | "Rendering Failure" => (Outcome::Failed, None),
            _ => return None,
        };
        Some(News { outcome, suppress })
    }

    fn tag<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.mail.tags.get(name)?.first()?.parse().ok()
    }
}

impl App {
    /// Takes one event in. Events about mail that is not a campaign's mean nothing here.
    pub async fn feedback(&self, event: &SesEvent, now: Timestamp) -> Result<(), Failure> {
        let (Some(news), Some(workspace), Some(campaign), Some(chunk), Some(index)) = (
            event.news(),
            event.tag::<WorkspaceId>(tag::WORKSPACE),
            event.tag::<CampaignId>(tag::CAMPAIGN),
            event.tag::<u32>(tag::CHUNK),
            event.tag::<usize>(tag::INDEX),
        ) else {
            return Ok(());
        };
        let scope = WorkspaceScope::internal(workspace);
        let outreach = self.db.outreach(&scope);
        // Before the sender has put its results down there is nothing to join; the queue tries again.
        let record = outreach.chunk(campaign, chunk).await?;
        let Some(record) = record else {
            // Gone with its campaign, or not yet there: only the progress can tell.
            return match outreach.progress(campaign).await? {
                Some(_) => Err(Failure::internal("an event ahead of its chunk")),
                None => Ok(()),
            };
        };
        let Some(subject) = record.subjects.get(index).copied() else { return Ok(()) };
        if let Some(reason) = news.suppress {
            let suppression = Suppression { subject, reason, since: now };
            self.db.suppressions(&scope).put_if_absent(&suppression).await?;
        }
        let mut results = Results::pending(record.subjects.len());
        results.join(index, news.outcome);
        outreach.settle(campaign, chunk, &record.subjects, &results, now).await?;
        Ok(())
    }
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
        assert_eq!(of("Delivery", ""), expect(Outcome::Sent, None));
        assert_eq!(of("Bounce", permanent), expect(Outcome::Bounced, Some(SuppressionReason::HardBounced)));
        assert_eq!(of("Bounce", transient), expect(Outcome::Bounced, None));
        assert_eq!(of("Complaint", ""), expect(Outcome::Complained, Some(SuppressionReason::Complained)));
        assert_eq!(of("Reject", ""), expect(Outcome::Failed, None));
        assert_eq!(of("Open", ""), None);
        assert_eq!(of("SomethingNew", ""), None);
    }

    #[test]
    fn a_legacy_notification_is_read_too() {
        let event = r#"{"notificationType":"Complaint","mail":{"messageId":"x"},"complaint":{}}"#;
        assert_eq!(news(event).map(|n| n.outcome), Some(Outcome::Complained));
    }
}
