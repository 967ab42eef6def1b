//! Somebody objected: it counts for the message after which they did, and the Sender's own systems are told.
//!
//! The objection itself is written before, and holds whatever becomes of this. Whoever writes it says so on the feedback queue; the purge
//! says so of everybody whose record it deletes for it, because a click on a link is one write, unless somebody wants to hear of it.

use domain::{
    Timestamp,
    chunk::Outcome,
    id::WorkspaceId,
    subject::Subject,
    webhook::{Event, EventKind},
};
use serde_json::{Value, json};
use storage::WorkspaceScope;

use crate::{App, Failure, mailer::ses::tag};

/// Not SES's: somebody objected.
pub(crate) const OBJECTED: &str = "Objected";

/// That somebody objected, in the form of SES's events.
pub(crate) fn objected(workspace: WorkspaceId, subject: Subject, at: Timestamp) -> Value {
    let tags = json!({ tag::WORKSPACE: [workspace], tag::SUBJECT: [subject.hex()] });
    json!({ "eventType": OBJECTED, "mail": { "tags": tags }, "objection": { "timestamp": at } })
}

impl App {
    /// Has an objection counted and told.
    pub(crate) async fn report_objection(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        at: Timestamp,
    ) -> Result<(), Failure> {
        self.enqueue(&self.config.feedback_queue_url, &objected(workspace, subject, at), 0).await
    }

    /// Tells endpoints of an objection, and counts it for the latest message that the person may have got before it. Once, however often it
    /// is heard of; of somebody who was never written to there is nothing to say.
    pub(crate) async fn note_objection(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        // As the suppression has it: the event is the same, whoever tells of it.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let outreach = self.db.outreach(scope);
        let mut deliveries = outreach.deliveries_of(subject).await?;
        if deliveries.iter().any(|delivery| delivery.objected) {
            return Ok(());
        }
        deliveries.retain(|delivery| delivery.at <= at);
        deliveries.sort_unstable_by_key(|delivery| std::cmp::Reverse((delivery.at, delivery.campaign, delivery.step)));
        for delivery in deliveries {
            let chunk = outreach.chunk(delivery.campaign, delivery.chunk, delivery.step).await?;
            let outcome = chunk.and_then(|chunk| chunk.results.get(delivery.index)).unwrap_or(Outcome::Pending);
            // A claim of which nothing left is no message.
            if matches!(outcome, Outcome::Refused(_) | Outcome::Failed | Outcome::PutOff | Outcome::Postponed) {
                continue;
            }
            let (kind, place) = (EventKind::OptedOut, (delivery.campaign, delivery.chunk, delivery.step));
            let event = || Event::of_places(scope.workspace(), kind, place, &[delivery.index], at);
            self.tell_webhooks(scope, kind, now, event).await?;
            outreach.note_objection(subject, &delivery).await?;
            return Ok(());
        }
        Ok(())
    }
}
