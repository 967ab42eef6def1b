//! That messages were delivered, of all the people of a chunk at once.
//!
//! Each of them has an event of its own, and they come in batches: one transaction for those of a chunk instead of one for each keeps what it
//! costs to know of every delivery in proportion.

use std::collections::HashMap;

use domain::{
    Timestamp,
    chunk::{Got, Outcome, Results},
    id::{CampaignId, WorkspaceId},
    sequence::FIRST,
};
use storage::{StoreError, WorkspaceScope};

use super::SesEvent;
use crate::{App, mailer::ses::tag};

/// People of a chunk from which on it pays to read the chunk for them together.
const SEVERAL: usize = 2;

/// A chunk at one step.
type Chunk = (WorkspaceId, CampaignId, u32, u8);

impl App {
    /// Puts down the deliveries of a batch, chunk by chunk. What cannot be put down now is left to each event.
    pub async fn note_delivered(&self, events: &[SesEvent], now: Timestamp) {
        for (chunk, people) in by_chunk(events).into_iter().filter(|(_, people)| people.len() >= SEVERAL) {
            if let Err(error) = self.join_delivered(chunk, &people, now).await {
                tracing::warn!(campaign = %chunk.1, %error, "deliveries are put down one by one");
            }
        }
    }

    async fn join_delivered(
        &self,
        (workspace, campaign, chunk, step): Chunk,
        people: &[(usize, Got)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let at = (campaign, chunk, step);
        let known =
            |settled: &super::Settled| people.iter().all(|(index, _)| settled.knows(at, *index, Outcome::Delivered));
        if known(&*self.settled.lock().await) {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(workspace);
        let outreach = self.db.outreach(&scope);
        let Some(record) = outreach.chunk(campaign, chunk, step).await? else { return Ok(()) };
        let mut news = Results::pending(record.subjects.len());
        // Of whom nobody noted that their message left, the event itself has more to say.
        let heard_of = |index: usize| record.results.get(index).is_some_and(Outcome::was_taken);
        for (index, got) in people.iter().filter(|(index, _)| heard_of(*index)) {
            news.join(*index, Outcome::Delivered);
            news.note(*index, *got);
        }
        let joined = outreach.settle(campaign, (chunk, step), (&record.subjects, &news), None, now).await?;
        self.settled.lock().await.remember(at, joined);
        Ok(())
    }
}

/// Whose messages were delivered, by chunk, and what of the step they had.
fn by_chunk(events: &[SesEvent]) -> HashMap<Chunk, Vec<(usize, Got)>> {
    let mut chunks: HashMap<Chunk, Vec<(usize, Got)>> = HashMap::new();
    for event in events.iter().filter(|event| event.news().is_some_and(|news| news.outcome == Outcome::Delivered)) {
        let chunk = event.tag::<WorkspaceId>(tag::WORKSPACE).zip(event.tag::<CampaignId>(tag::CAMPAIGN));
        let place = event.tag::<u32>(tag::CHUNK).zip(event.tag::<usize>(tag::INDEX));
        if let (Some((workspace, campaign)), Some((chunk, index))) = (chunk, place) {
            let step = event.tag::<u8>(tag::STEP).unwrap_or(FIRST);
            let got = event.tag::<Got>(tag::VARIANT).unwrap_or_default();
            chunks.entry((workspace, campaign, chunk, step)).or_default().push((index, got));
        }
    }
    chunks
}
