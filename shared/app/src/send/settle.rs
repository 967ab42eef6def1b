//! Writing down and telling what came of a chunk, and putting it where it is found again.

use domain::{
    Timestamp,
    bounce::Evidence,
    campaign::{CampaignStatus, Progress},
    chunk::{Outcome, Results},
    webhook::{Event, EventKind},
};
use storage::WorkspaceScope;

use super::after::Found;
use crate::{App, Failure, campaigns::why_failed, queues::ChunkMessage};

/// What endpoints are told of as soon as it is known. What came back at once has words of its own.
const TOLD: [(Outcome, EventKind); 4] = [
    (Outcome::Sent, EventKind::Sent),
    (Outcome::Failed, EventKind::Failed),
    (Outcome::PutOff, EventKind::Failed),
    (Outcome::Unknown, EventKind::Unknown),
];

impl App {
    /// Tells endpoints what became of people in this run: once for all who share an outcome, before it is written down, so that a
    /// run that dies in between has told what it did.
    pub(super) async fn tell_outcomes(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        (before, after): (&Results, &Results),
        now: Timestamp,
    ) {
        let at = (message.campaign, message.chunk, message.step);
        for (outcome, kind) in TOLD {
            let new = before.iter().zip(after.iter()).enumerate().filter(|(_, (was, is))| *is == outcome && was != is);
            let places: Vec<usize> = new.map(|(index, _)| index).collect();
            if places.is_empty() {
                continue;
            }
            let event = || {
                let event = Event::of_places(scope.workspace(), kind, at, &places, now);
                match why_failed(outcome) {
                    Some(why) => event.because(why),
                    None => event,
                }
            };
            self.try_tell_webhooks(scope, kind, now, event).await;
        }
    }

    /// Tells endpoints of whom their channel refused because the address is bad, each with what it said.
    pub(super) async fn tell_bounced(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        bounced: &[(usize, Evidence)],
        now: Timestamp,
    ) {
        let (workspace, kind) = (scope.workspace(), EventKind::Bounced);
        let at = (message.campaign, message.chunk, message.step);
        for (index, said) in bounced {
            let event = || {
                let event = Event::of_places(workspace, kind, at, &[*index], now);
                event.with_evidence(Some(said.clone())).because("permanent")
            };
            self.try_tell_webhooks(scope, kind, now, event).await;
        }
    }

    /// `None` when the campaign is paused: the chunk is then put down for the resume to find.
    pub(super) async fn unless_paused(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        found: &Found,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Option<Progress>, Failure> {
        if progress.status != CampaignStatus::Paused {
            return Ok(Some(progress));
        }
        let outreach = self.db.outreach(scope);
        let people = (found.people.as_slice(), &found.results);
        outreach.settle(message.campaign, (message.chunk, message.step), people, None, now).await?;
        // A resume that came between the two reads may have looked for such chunks already.
        let again = outreach.progress(message.campaign).await?;
        Ok(again.filter(|progress| progress.status != CampaignStatus::Paused))
    }

    /// Puts the chunk on the queue for a time that is near. Waiting is no try.
    pub(super) async fn come_again(
        &self,
        message: &ChunkMessage,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let seconds = until.duration_since(now).as_secs_f64().ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 900")]
        let delay = seconds.clamp(1.0, 900.0) as u16;
        self.put_on(message, delay).await
    }

    /// Puts the chunk on the queue again: in two seconds at first, or where somebody of it was done with, and a quarter of an hour
    /// later at most.
    pub(super) async fn put_back(
        &self,
        message: &ChunkMessage,
        results: &Results,
        moved_on: bool,
    ) -> Result<(), Failure> {
        let tries = if moved_on { 0 } else { message.tries };
        let delay = delay_after(tries);
        tracing::info!(campaign = %message.campaign, chunk = message.chunk, open = results.open().len(), delay, "put back");
        self.put_on(&message.after(tries.saturating_add(1)), delay).await
    }

    /// Puts the message of the next round on the queue, so that copies of this one are known for what they are. In this order: whoever dies
    /// in between leaves a copy, and nobody is forgotten. The chunk has been put down.
    async fn put_on(&self, message: &ChunkMessage, delay: u16) -> Result<(), Failure> {
        let round = message.round.unwrap_or(0).saturating_add(1);
        self.enqueue(&self.config.send_queue_url, &message.of_round(round), delay).await?;
        let scope = WorkspaceScope::internal(message.workspace);
        let outreach = self.db.outreach(&scope);
        if let Err(error) = outreach.note_round(message.campaign, (message.chunk, message.step), round).await {
            tracing::warn!(campaign = %message.campaign, chunk = message.chunk, %error, "copies of a message are not known");
        }
        Ok(())
    }
}

/// Seconds until a chunk is looked at again after so many tries: two at first, a quarter of an hour at most.
pub(super) fn delay_after(tries: u8) -> u16 {
    (1u16 << tries.min(9)).saturating_mul(2).min(900)
}
