//! What follows for a chunk from what became of its people: its next step in time, or the end of all steps at once.

use std::ops::RangeInclusive;

use domain::{
    Timestamp,
    campaign::{CampaignStatus, Content, Progress},
    chunk::{ChunkRecord, Outcome, Results},
    policy::Refusal,
    sequence::{Earlier, FIRST, goes_on},
    subject::Subject,
};
use jiff::tz::TimeZone;
use storage::WorkspaceScope;

use super::claim::join_journal;
use crate::{App, Failure, queues::ChunkMessage};

/// A chunk as it is found at one step.
pub(super) struct Found {
    /// Its people.
    pub(super) people: Vec<Subject>,
    /// What became of them in the steps before.
    pub(super) earlier: Vec<Results>,
    /// In this step.
    pub(super) results: Results,
    /// When the next step is due, if that was noted.
    pub(super) due: Option<Timestamp>,
    /// Since when those who are left are put off by their channel, because of who they are.
    pub(super) put_off: Option<Timestamp>,
    /// When the first of them was written to in this step, if others waited then.
    pub(super) begun: Option<Timestamp>,
    /// How often a message about it was put back in this step.
    pub(super) round: u32,
}

impl Found {
    /// `None` for a chunk whose step before is not through. It was noted as due before that was written down, and
    /// will be again.
    pub(super) fn of(message: &ChunkMessage, so_far: Vec<ChunkRecord>) -> Result<Option<Self>, Failure> {
        let mut people = message.people()?;
        if people.is_empty() {
            people = so_far.first().map(|record| record.subjects.clone()).unwrap_or_default();
        }
        let before = usize::from(message.step.saturating_sub(FIRST));
        let mut so_far = so_far.into_iter();
        let earlier: Vec<Results> = so_far.by_ref().take(before).map(|record| record.results).collect();
        if people.is_empty() || earlier.len() < before || !earlier.iter().all(Results::settled) {
            return Ok(None);
        }
        let (results, due, put_off, begun, round) = match so_far.next() {
            Some(record) => (record.results, record.due, record.put_off, record.begun, record.round),
            None => (Results::pending(people.len()), None, None, None, 0),
        };
        Ok(Some(Self { people, earlier, results, due, put_off, begun, round }))
    }

    /// Whether nothing is left to do at this step, one of so many.
    pub(super) fn is_through(&self, steps: u8, step: u8) -> bool {
        self.results.settled() && (self.due.is_some() || step >= steps)
    }

    /// When the next step is due if this one is through at `now` with these results: `None` when there is none, or
    /// nobody left to get it.
    /// Working days are those of the Sender's country, in the workspace's time zone where the campaign's window names none.
    pub(super) fn next(
        &self,
        results: &Results,
        (content, country, zone): (&Content, &str, &TimeZone),
        step: u8,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let delay = content.step(step.checked_add(1)?)?.delay?;
        goes_on(&self.with(results)).then(|| delay.after(now, &content.zone(zone), country))
    }

    fn with(&self, results: &Results) -> Vec<Results> {
        self.earlier.iter().chain([results]).cloned().collect()
    }
}

impl App {
    /// What follows from a step that is through. It may be asked again: a run that died in between may not have.
    pub(super) async fn after_step(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        found: Found,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<(), Failure> {
        // Of a campaign that waits for nothing `fan-out` sees the end.
        if !progress.waits {
            return Ok(());
        }
        let rest = message.step + 1..=progress.steps;
        if progress.status == CampaignStatus::Cancelled {
            return self.end_rest(scope, message, &found, rest, Outcome::Refused(Refusal::Cancelled), now).await;
        }
        let outreach = self.db.outreach(scope);
        if rest.is_empty() || !goes_on(&found.with(&found.results)) {
            // Each of them has a reason of their own.
            self.end_rest(scope, message, &found, rest, Outcome::Refused(Refusal::EarlierUnknown), now).await?;
            if let Some(progress) = outreach.progress(message.campaign).await? {
                self.complete_if_done(scope, &progress, now).await?;
            }
        } else if found.due.is_none()
            && let Some(campaign) = outreach.campaign(message.campaign).await?
        {
            let accounts = self.db.accounts(scope);
            let (sender, workspace) = futures::try_join!(accounts.sender(), accounts.workspace())?;
            let chosen = workspace.and_then(|workspace| workspace.time_zone);
            let zone = sender.as_ref().map_or(TimeZone::UTC, |sender| sender.zone(chosen.as_deref()));
            let country = sender.as_ref().map_or("", |sender| sender.identity.country.as_str());
            let next = found.next(&found.results, (&campaign.content, country, &zone), message.step, now);
            let people = (found.people.as_slice(), &found.results);
            outreach.settle(message.campaign, (message.chunk, message.step), people, next, now).await?;
        }
        Ok(())
    }

    /// Nobody else of this chunk is written to in these steps, for a reason of their own or as `end` says. Who was
    /// claimed by a run that died may have been.
    pub(super) async fn end_rest(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        found: &Found,
        steps: RangeInclusive<u8>,
        end: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        let mut so_far = found.earlier.clone();
        if *steps.start() > message.step {
            so_far.push(found.results.clone());
        }
        for step in steps {
            let begun = step == message.step;
            let mut results = if begun { found.results.clone() } else { Results::pending(found.people.len()) };
            let open = results.open();
            let subjects: Vec<Subject> = open.iter().filter_map(|index| found.people.get(*index).copied()).collect();
            let claims = outreach.claims(message.campaign, step, &subjects).await?;
            for claim in claims.iter().flatten() {
                join_journal(&mut results, &claim.journal);
            }
            let earlier = Earlier::new(&so_far);
            for (index, claim) in open.into_iter().zip(claims) {
                let refused = match earlier.stops(index) {
                    _ if earlier.is_elsewhere(index) => Outcome::Postponed,
                    stop => stop.map_or(end, Outcome::Refused),
                };
                results.join(index, if claim.is_some() { Outcome::Unknown } else { refused });
                results.note(index, claim.map(|claim| claim.got).unwrap_or_default());
            }
            let people = (found.people.as_slice(), &results);
            so_far.push(outreach.settle(message.campaign, (message.chunk, step), people, None, now).await?);
        }
        Ok(())
    }
}
