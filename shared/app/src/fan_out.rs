//! From a launched campaign to chunks on the queue.
//!
//! A stretch of the audience is planned, written down, and only then put on the queue: whatever dies
//! in between, the next run sends the very same chunks again, and a chunk's number always means the
//! same people. The claims make a chunk that comes twice harmless.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Timestamp,
    calendar::Place,
    campaign::{CampaignStatus, Content, Progress},
    chunk::{CHUNK, ChunkRecord},
    id::ChannelId,
    prospect::Prospect,
    sender::channel_of,
    subject::{SHARDS, Subject},
    webhook::{Event, EventKind},
};
use futures::{StreamExt, TryStreamExt, stream};
use storage::{
    StoreError, WorkspaceScope,
    outreach::{Cursor, Plan, plan::PLAN},
};

use crate::{
    App, Deadline, Failure,
    queues::{Awaited, ChannelMessage, ChunkMessage, FanOutMessage, FanOutTask},
};

/// Prospects read in one page: sixteen shards take turns to fill a stretch.
const PAGE: u32 = 900;

/// Pages read for one stretch, at most: an audience of few among many must not run out of time.
const PAGES: usize = 96;

/// How often it is looked whether a command was carried out, together for longer than whoever carries it out may take.
const LOOKS: u16 = 12;

/// Seconds between two such looks at most.
const LOOK: u16 = 10;

/// Glances at the first of them, and the time between two.
const GLANCES: usize = 5;
const GLANCE: Duration = Duration::from_millis(60);

/// Campaigns read in one page, and the calls in flight that tell where each stands.
const CAMPAIGNS: u32 = 100;
const IN_FLIGHT: usize = 16;

/// Whose people share chunks: time zones, where they matter, and a channel.
type Together = (Option<&'static [&'static str]>, Option<ChannelId>);

/// A person and whether this Sender has informed them before.
type Planned = (Subject, bool);

impl App {
    /// Handles one message of the fan-out's queue.
    pub async fn fan_out(&self, message: &FanOutMessage, now: Timestamp, deadline: Deadline) -> Result<(), Failure> {
        if self.waits_for_replay(&self.config.fan_out_queue_url, message).await? {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(message.workspace);
        let outreach = self.db.outreach(&scope);
        let Some(mut progress) = outreach.progress(message.campaign).await? else { return Ok(()) };
        // Whoever carries the command out is a moment behind its message.
        for _ in 0..GLANCES {
            if message.awaits.is_none_or(|awaited| awaited.looks > 0 || progress.epoch >= awaited.epoch) {
                break;
            }
            tokio::time::sleep(GLANCE).await;
            let Some(seen) = outreach.progress(message.campaign).await? else { return Ok(()) };
            progress = seen;
        }
        if let Some(awaited) = message.awaits
            && progress.epoch != awaited.epoch
        {
            return self.look_again(message, awaited, &progress).await;
        }
        match message.task {
            FanOutTask::Advance => self.advance(&scope, &progress, now, deadline).await,
            FanOutTask::Resume => {
                self.requeue_open(&scope, &progress).await?;
                self.advance(&scope, &progress, now, deadline).await
            }
            FanOutTask::Finish { looks } => self.finish(&scope, &progress, looks, now).await,
        }
    }

    /// Has those who wait for a channel look again at once, in every campaign that goes by it: for a higher cap, for a relay
    /// that was corrected, or for another channel where it was deleted. What stood in its way counts no more.
    pub async fn changed_channel(&self, message: &ChannelMessage) -> Result<(), Failure> {
        if self.waits_for_replay(&self.config.fan_out_queue_url, message).await? {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(message.workspace);
        self.unhinder(&scope, message.channel).await?;
        let outreach = self.db.outreach(&scope);
        let mut after: Option<String> = None;
        loop {
            let (campaigns, next) = outreach.campaigns(after.as_deref(), CAMPAIGNS).await?;
            let progress = stream::iter(campaigns).map(|campaign| outreach.progress(campaign.id));
            let progress: Vec<_> = progress.buffered(IN_FLIGHT).try_collect().await?;
            let goes = |progress: &Progress| {
                progress.status == CampaignStatus::Sending && progress.channels.contains(&message.channel)
            };
            for progress in progress.into_iter().flatten().filter(goes) {
                self.ask_fan_out(&scope, &progress, FanOutTask::Resume, 0).await?;
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// The command is not carried out yet, or never was; or another one came after it, which has a message of its own where
    /// something follows from it.
    async fn look_again(&self, message: &FanOutMessage, awaited: Awaited, progress: &Progress) -> Result<(), Failure> {
        if progress.epoch > awaited.epoch || awaited.looks >= LOOKS {
            return Ok(());
        }
        let looks = awaited.looks + 1;
        let again = FanOutMessage { awaits: Some(Awaited { looks, ..awaited }), ..message.clone() };
        self.enqueue(&self.config.fan_out_queue_url, &again, looks.min(LOOK)).await
    }

    async fn advance(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        // A cancelled campaign is planned to its end as well: everybody gets an outcome.
        if !matches!(progress.status, CampaignStatus::Sending | CampaignStatus::Cancelled) {
            return Ok(());
        }
        if progress.planned {
            return self.ask_fan_out(scope, progress, FanOutTask::Finish { looks: 0 }, 5).await;
        }
        let outreach = self.db.outreach(scope);
        let campaign =
            outreach.campaign(progress.campaign).await?.ok_or_else(|| Failure::internal("a campaign without text"))?;
        let launched_at = progress.launched_at.ok_or_else(|| Failure::internal("a campaign without a launch"))?;
        let mut plan = match outreach.plan(progress.campaign).await? {
            Some(plan) => {
                // Whether the run that wrote it got to send it, nobody knows.
                self.enqueue_plan(scope, progress, &plan).await?;
                plan
            }
            None => Plan::begin(SHARDS),
        };
        while !plan.complete() {
            if deadline.left() < Duration::from_secs(20) {
                return self.ask_fan_out(scope, progress, FanOutTask::Advance, 0).await;
            }
            let next = self.stretch(scope, &plan, (&campaign.content, &progress.channels), launched_at).await?;
            match outreach.put_plan(progress.campaign, &next, now).await {
                // Another run of the same message is ahead of us, and will go on; unless it was us, and the answer was lost.
                Err(StoreError::Conflict) if outreach.plan(progress.campaign).await?.as_ref() != Some(&next) => {
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                result => result?,
            }
            self.enqueue_plan(scope, progress, &next).await?;
            outreach.record_planned(progress.campaign, next.audience(), false).await?;
            plan = next;
            // A pause in the meantime stops the planning; a resume takes it up from the plan.
            let status = outreach.progress(progress.campaign).await?.map(|p| p.status);
            if status == Some(CampaignStatus::Paused) {
                return Ok(());
            }
        }
        outreach.record_planned(progress.campaign, plan.audience(), true).await?;
        self.ask_fan_out(scope, progress, FanOutTask::Finish { looks: 0 }, 5).await
    }

    /// The stretch after `before`: pages of every shard in turn, until it is full or all are read.
    async fn stretch(
        &self,
        scope: &WorkspaceScope,
        before: &Plan,
        (content, channels): (&Content, &[ChannelId]),
        launched_at: Timestamp,
    ) -> Result<Plan, Failure> {
        let (prospects, outreach) = (self.db.prospects(scope), self.db.outreach(scope));
        let mut cursors = before.cursors.clone();
        // With a window, people of one zone share chunks, which then leave together when it opens; and people of one
        // channel do, which is then asked once for all of them.
        let mut people: BTreeMap<Together, Vec<Vec<Planned>>> = BTreeMap::new();
        let (mut planned, mut pages) = (0, 0);
        'full: loop {
            let mut open = false;
            for shard in 0..SHARDS {
                let cursor = &mut cursors[usize::from(shard)];
                let after = match cursor {
                    Cursor::Start => None,
                    Cursor::After(sk) => Subject::from_hex(sk),
                    Cursor::Done => continue,
                };
                if planned + PAGE as usize > PLAN || pages >= PAGES {
                    break 'full;
                }
                open = true;
                let page = prospects.page(shard, after, Some(PAGE)).await?;
                pages += 1;
                *cursor = page.next.map_or(Cursor::Done, |last| Cursor::After(last.hex()));
                // Who was entered after the launch was not in what the Sender saw before it.
                let chosen: Vec<&Prospect> = page
                    .prospects
                    .iter()
                    .filter(|p| p.created_at <= launched_at && content.audience.includes(p))
                    .collect();
                let (Some(first), Some(last)) = (chosen.first(), chosen.last()) else { continue };
                let contacted = outreach.contacted(shard, first.subject, last.subject).await?;
                planned += chosen.len();
                for person in chosen {
                    let zone = content.window.as_ref().and_then(|_| zone_of(person));
                    let channel = channel_of(person.subject, channels.iter().copied());
                    let shards = people.entry((zone, channel)).or_insert_with(|| vec![Vec::new(); SHARDS.into()]);
                    shards[usize::from(shard)].push((person.subject, contacted.contains(&person.subject)));
                }
            }
            if !open {
                break;
            }
        }
        let (subjects, informed) = arrange(people.into_values().collect()).into_iter().unzip();
        Ok(Plan {
            version: before.version + 1,
            first_chunk: before.next_chunk(),
            audience_before: before.audience(),
            subjects,
            informed,
            cursors,
        })
    }

    async fn enqueue_plan(&self, scope: &WorkspaceScope, progress: &Progress, plan: &Plan) -> Result<(), Failure> {
        let messages: Vec<ChunkMessage> = plan
            .chunks()
            .map(|(chunk, people, informed)| {
                ChunkMessage::first(scope.workspace(), progress.campaign, chunk, people, informed)
            })
            .collect();
        self.enqueue_all(&self.config.send_queue_url, &messages).await
    }

    /// Puts the chunks on the queue again that were put down with people still pending, or before it was noted when
    /// their next step is due. Of a cancelled campaign all that have a step left.
    async fn requeue_open(&self, scope: &WorkspaceScope, progress: &Progress) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        let mut after: Option<String> = None;
        let mut last: Option<((u32, u8), ChunkRecord)> = None;
        loop {
            let (chunks, next) = outreach.chunks(progress.campaign, after.as_deref(), None).await?;
            let mut messages = Vec::new();
            // Steps of a chunk follow one another: the last of them says where it stands.
            for found in chunks {
                if let Some((at, record)) = last.take().filter(|(at, _)| at.0 != found.0.0) {
                    messages.extend(open(scope, progress, at, &record));
                }
                last = Some(found);
            }
            if next.is_none()
                && let Some((at, record)) = &last
            {
                messages.extend(open(scope, progress, *at, record));
            }
            self.enqueue_all(&self.config.send_queue_url, &messages).await?;
            match next {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }

    /// Completes the campaign when nobody is pending, or looks again later. Every resume asks for looks of its own, and a queue
    /// delivers some twice: those that another one is ahead of end here, or they would become more and more.
    async fn finish(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        looks: u32,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if progress.status != CampaignStatus::Sending || self.complete_if_done(scope, progress, now).await?.is_some() {
            return Ok(());
        }
        // It may take weeks. Whoever sends the last message sees the end.
        if progress.waits || progress.looks > looks {
            return Ok(());
        }
        let next = looks + 1;
        let delay = 5 * next.min(60);
        let task = FanOutTask::Finish { looks: next };
        // Before it is noted: whoever dies in between looks again, and nobody ends for one that is not there.
        self.ask_fan_out(scope, progress, task, u16::try_from(delay).unwrap_or(300)).await?;
        Ok(self.db.outreach(scope).note_look(progress, next).await?)
    }

    /// Moves a campaign that is sending to completed if everybody has an outcome; `None` if not.
    pub(crate) async fn complete_if_done(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<Option<Progress>, Failure> {
        let outreach = self.db.outreach(scope);
        let done = progress.planned
            && progress.status == CampaignStatus::Sending
            && outreach.tallies(progress.campaign).await?.total().counts(progress.messages()).pending == 0;
        if !done {
            return Ok(None);
        }
        match outreach.transition(progress, progress.moved(CampaignStatus::Completed, now), None).await {
            Ok(completed) => {
                let (workspace, kind) = (scope.workspace(), EventKind::CampaignCompleted);
                let event = || Event::of_campaign(workspace, kind, progress.campaign, now);
                self.try_tell_webhooks(scope, kind, now, event).await;
                Ok(Some(completed))
            }
            // Somebody else was first, with this or with a pause: what is stored counts.
            Err(StoreError::Conflict) => Ok(outreach.progress(progress.campaign).await?),
            Err(error) => Err(error.into()),
        }
    }

    async fn ask_fan_out(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        task: FanOutTask,
        delay_seconds: u16,
    ) -> Result<(), Failure> {
        let message = FanOutMessage { workspace: scope.workspace(), campaign: progress.campaign, task, awaits: None };
        self.enqueue(&self.config.fan_out_queue_url, &message, delay_seconds).await
    }

    /// Asks for what follows once the campaign is where `moved` says. That is asked before it is moved, so that
    /// whoever dies in between leaves either nothing or a campaign that goes on.
    pub(crate) async fn ask_to_follow(
        &self,
        scope: &WorkspaceScope,
        moved: &Progress,
        task: FanOutTask,
    ) -> Result<(), Failure> {
        let awaits = Some(Awaited { epoch: moved.epoch, looks: 0 });
        let message = FanOutMessage { workspace: scope.workspace(), campaign: moved.campaign, task, awaits };
        self.enqueue(&self.config.fan_out_queue_url, &message, 0).await
    }
}

/// The message about a chunk that is not at its end and waits for nothing.
fn open(
    scope: &WorkspaceScope,
    progress: &Progress,
    (chunk, step): (u32, u8),
    record: &ChunkRecord,
) -> Option<ChunkMessage> {
    let left = step < progress.steps && (record.due.is_none() || progress.status == CampaignStatus::Cancelled);
    let message = || ChunkMessage::again(scope.workspace(), progress.campaign, chunk, step).of_round(record.round);
    (!record.results.settled() || left).then(message)
}

/// The time zones that somebody's messages are timed in; `None` for the campaign's own.
fn zone_of(person: &Prospect) -> Option<&'static [&'static str]> {
    Place::of(person.details.country.as_deref(), &person.email).map(|place| place.zones())
}

/// Puts people, by zone and channel, and by shard, in an order that, cut every [`CHUNK`], gives chunks of neighbours (their opt-outs
/// are then one range query), with the shards taking turns (so that their claims heat all partitions alike).
/// What is left of each shard, less than a chunk, goes together at the end, zone by zone and channel by channel.
fn arrange(zones: Vec<Vec<Vec<Planned>>>) -> Vec<Planned> {
    let mut ordered = Vec::with_capacity(zones.iter().flatten().map(Vec::len).sum());
    for shards in &zones {
        let rounds = shards.iter().map(|s| s.len() / CHUNK).max().unwrap_or(0);
        for round in 0..rounds {
            for shard in shards {
                let full = &shard[..shard.len() / CHUNK * CHUNK];
                ordered.extend(full.chunks(CHUNK).nth(round).into_iter().flatten().copied());
            }
        }
    }
    for shard in zones.iter().flatten() {
        ordered.extend_from_slice(&shard[shard.len() / CHUNK * CHUNK..]);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn arranging_loses_nobody_and_keeps_neighbours_together() {
        let mut zones = vec![vec![Vec::new(); 16]; 2];
        for n in 0..1234u16 {
            let (shard, zone) = (usize::from(n % 7), usize::from(n % 5 == 0));
            let mut bytes = [0; 16];
            bytes[0] = u8::try_from(shard).unwrap() << 4;
            bytes[1..3].copy_from_slice(&n.to_be_bytes());
            zones[zone][shard].push((Subject::from_bytes(bytes), n % 3 == 0));
        }
        let all: BTreeSet<_> = zones.iter().flatten().flatten().copied().collect();
        let first: BTreeSet<_> = zones[0].iter().flatten().copied().collect();
        let ordered = arrange(zones);
        let both =
            |chunk: &&[Planned]| chunk.iter().any(|p| first.contains(p)) && !chunk.iter().all(|p| first.contains(p));
        assert_eq!(ordered.chunks(CHUNK).filter(both).count(), 1, "chunks of several zones");
        assert_eq!(ordered.iter().copied().collect::<BTreeSet<_>>(), all);
        assert_eq!(ordered.len(), all.len());
        let mixed = ordered.chunks(CHUNK).filter(|c| c.iter().any(|p| p.0.shard() != c[0].0.shard())).count();
        assert!(mixed <= 2 * 7, "{mixed} chunks span shards");
        assert_ne!(ordered[0].0.shard(), ordered[CHUNK].0.shard());
    }
}
