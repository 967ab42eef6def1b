//! By which channel each of a chunk's people is written to, and how many it takes now.
//!
//! Caps are asked for once for all people of a chunk, before any of them is claimed, and what was not used is given back.

use std::collections::{HashMap, VecDeque};

use domain::{
    SignedDuration, Timestamp,
    hindrance::Hindrance,
    id::ChannelId,
    pace::{Limits, Taken},
    receivers::DomainLimits,
    sender::{Sender, SenderIdentity, channel_of},
    sequence::FIRST,
    subject::Subject,
};
use jiff::tz::TimeZone;
use storage::{StoreError, WorkspaceScope};

use super::{NO_CHANNEL, Work, hindered::Approach, job::Job, receivers::Granted};
use crate::{App, Failure, chance, mailer::Mailer};

/// Times that others may take from a channel between our look and our taking.
pub(super) const ATTEMPTS: u32 = 12;

/// A channel, open unless it cannot be used.
pub(super) struct Route {
    pub(super) id: ChannelId,
    /// Who its messages come from.
    pub(super) identity: SenderIdentity,
    /// `None` when it cannot be used.
    pub(super) mailer: Option<Mailer>,
    limits: Limits,
    allowance: Option<Allowance>,
    /// What stood in its way, where this chunk is the one that tries it again. One message is enough for that.
    pub(super) trial: Option<Hindrance>,
    /// Until when it takes nothing from anybody.
    closed: Option<Timestamp>,
    /// That has lasted for so long that somebody has to do something about it.
    unusable: bool,
}

impl Route {
    /// Nobody else of this chunk is written to by it: it is looked at again later.
    pub(super) fn close(&mut self, hindrance: &Hindrance, chunk: u32, now: Timestamp) {
        // Not all of those who wait come at once, so that most come after one has tried.
        self.closed = Some(hindrance.until() + SPREAD * i32::try_from(chunk % 60).unwrap_or(0));
        self.unusable = hindrance.is_unusable(now);
    }

    /// The same for a moment: it takes messages, and this was one of those things.
    pub(super) fn close_for_a_moment(&mut self, now: Timestamp) {
        self.closed = Some(now + MOMENT);
    }
}

/// Between one chunk and the next of those that wait for the same channel.
const SPREAD: SignedDuration = SignedDuration::from_secs(1);

/// A channel that takes messages, and then does not, is left alone for so long.
const MOMENT: SignedDuration = SignedDuration::from_mins(1);

/// What a channel takes of this chunk.
#[derive(Clone, Copy)]
struct Allowance {
    /// What was granted, and when to come again for more.
    taken: Taken,
    /// How much of it was not used so far.
    left: u32,
}

/// The channels that a chunk's people have.
pub(super) struct Routes {
    open: Vec<Route>,
    /// The place of each person's among them.
    of: HashMap<usize, usize>,
    /// What receiving domains may have, by place in the chunk.
    pub(super) granted: HashMap<usize, Granted>,
    pub(super) zone: TimeZone,
}

impl Routes {
    /// One of them.
    pub(super) fn get(&self, at: usize) -> Option<&Route> {
        self.open.get(at)
    }

    /// Whether any of them goes through SES.
    pub(super) fn any_by_ses(&self) -> bool {
        self.open.iter().any(|route| matches!(route.mailer, Some(Mailer::Ses)))
    }

    /// Nobody is written to through SES before `until`.
    pub(super) fn close_ses(&mut self, until: Timestamp) {
        for route in self.open.iter_mut().filter(|route| matches!(route.mailer, Some(Mailer::Ses))) {
            route.closed = Some(until);
        }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.open.len()
    }

    /// One of them, to be changed.
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Route> {
        self.open.get_mut(at)
    }

    /// Those that somebody has to do something about before anything leaves by them.
    pub(super) fn unusable(&self) -> Vec<ChannelId> {
        self.open.iter().filter(|route| route.unusable).map(|route| route.id).collect()
    }

    /// Messages worth having under way at once.
    pub(super) fn concurrency(&self) -> usize {
        self.open.iter().filter_map(|route| Some(route.mailer.as_ref()?.concurrency())).max().unwrap_or(1)
    }

    /// Those that receiving domains have caps by: the place, which channel it is, and the caps.
    pub(super) fn capped_by_domain(&self) -> Vec<(usize, ChannelId, DomainLimits)> {
        let routes = self.open.iter().enumerate();
        routes.filter_map(|(at, route)| Some((at, route.id, route.limits.recipient_domain?))).collect()
    }

    /// The message of somebody was handed over, or may have been.
    pub(super) fn used(&mut self, at: usize, index: usize) {
        self.granted.remove(&index);
        if let Some(allowance) = self.open.get_mut(at).and_then(|route| route.allowance.as_mut()) {
            allowance.left = allowance.left.saturating_sub(1);
        }
    }
}

impl App {
    /// Opens the channels of these people, each with a place in the chunk, among those of the campaign.
    pub(super) async fn routes(
        &self,
        scope: &WorkspaceScope,
        (sender, zone): (&Sender, TimeZone),
        named: &[ChannelId],
        (chunk, people): (u32, impl Iterator<Item = (usize, Subject)>),
        now: Timestamp,
    ) -> Result<Routes, Failure> {
        let channels = sender.among(named);
        let mut routes = Routes { open: Vec::new(), of: HashMap::new(), granted: HashMap::new(), zone };
        for (index, person) in people {
            let id = channel_of(person, channels.iter().map(|channel| channel.id));
            let channel = id
                .and_then(|id| sender.channel(id))
                .ok_or_else(|| Failure::refused(NO_CHANNEL, "None of the campaign's channels is there any more."))?;
            let known = routes.open.iter().position(|route| route.id == channel.id);
            routes.of.insert(index, known.unwrap_or(routes.open.len()));
            if known.is_some() {
                continue;
            }
            let (identity, limits) = (sender.identity_by(channel), channel.limits_at(&routes.zone, now));
            let (id, closed) = (channel.id, None);
            let mut route =
                Route { id, identity, mailer: None, limits, allowance: None, trial: None, closed, unusable: false };
            match self.approach(scope, id, now).await? {
                Approach::Waits(hindrance) => route.close(&hindrance, chunk, now),
                Approach::Open(trial) => match self.mailer(scope, channel).await? {
                    Ok(mailer) => (route.mailer, route.trial) = (Some(mailer), trial),
                    Err(reason) => {
                        let hindrance = self.hinder(scope, id, trial, reason, now).await?;
                        route.close(&hindrance, chunk, now);
                    }
                },
            }
            routes.open.push(route);
        }
        Ok(routes)
    }

    /// The next people to write to and the places of their channels, at most `most`. Whose channel takes no more now
    /// waits.
    pub(super) async fn next_group(
        &self,
        job: &mut Job<'_>,
        todo: &mut VecDeque<usize>,
        most: usize,
        work: &mut Work,
    ) -> Result<Vec<(usize, usize)>, Failure> {
        let mut group = Vec::with_capacity(most);
        let mut picked = vec![0; job.routes.open.len()];
        // Those who wait do not stand in the way of others, who may have another channel; nor for good, because somebody
        // before them may turn out not to be written to.
        let mut waiting = VecDeque::new();
        while group.len() < most
            && let Some(index) = todo.pop_front()
        {
            let Some(&at) = job.routes.of.get(&index) else { continue };
            let Some(route) = job.routes.get(at) else { continue };
            if let Some(until) = route.closed {
                work.wait(until);
                continue;
            }
            if route.trial.is_some() && picked[at] > 0 {
                waiting.push_back(index);
                continue;
            }
            let left = self.allowance(job, at, todo).await?;
            if left.is_some_and(|allowance| allowance.left <= picked[at]) {
                waiting.push_back(index);
                continue;
            }
            picked[at] += 1;
            group.push((index, at));
        }
        if group.is_empty() {
            for index in waiting {
                let allowance = job.routes.of.get(&index).and_then(|at| job.routes.get(*at)?.allowance);
                if let Some(until) = allowance.and_then(|allowance| allowance.taken.again) {
                    work.wait(until);
                }
            }
        } else {
            todo.append(&mut waiting);
        }
        Ok(group)
    }

    /// What a channel takes of this chunk; `None` for one without limits. Asked for when somebody first needs it, for them
    /// and those who come after.
    async fn allowance(
        &self,
        job: &mut Job<'_>,
        at: usize,
        after: &VecDeque<usize>,
    ) -> Result<Option<Allowance>, Failure> {
        let Some(route) = job.routes.open.get(at) else { return Ok(None) };
        if !route.limits.paces() || route.allowance.is_some() {
            return Ok(route.allowance);
        }
        let others = after.iter().filter(|index| job.routes.of.get(*index) == Some(&at)).count();
        let wanted = u32::try_from(others + 1).unwrap_or(u32::MAX);
        let (id, limits, zone) = (route.id, route.limits, job.routes.zone.clone());
        let outreach = self.db.outreach(&job.scope);
        let lot = (u32::from_be_bytes(chance()), job.message.step > FIRST);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.pace(id).await?;
            let mut pace = seen.pace;
            let taken = pace.take(wanted, &limits, &zone, lot, job.now);
            match outreach.put_pace(id, seen, pace).await {
                Ok(()) => {
                    let allowance = Some(Allowance { taken, left: taken.now });
                    if let Some(route) = job.routes.open.get_mut(at) {
                        route.allowance = allowance;
                    }
                    return Ok(allowance);
                }
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("a channel's pace keeps changing")))
    }

    /// Gives back what this chunk was granted and did not use. If that cannot be done, the channel has sent less than it
    /// might.
    pub(super) async fn give_back_rest(&self, job: &mut Job<'_>) {
        let outreach = self.db.outreach(&job.scope);
        for route in &job.routes.open {
            let Some(Allowance { taken, left }) = route.allowance.filter(|allowance| allowance.left > 0) else {
                continue;
            };
            for attempt in 0..ATTEMPTS {
                let Ok(seen) = outreach.pace(route.id).await else { break };
                let mut pace = seen.pace;
                pace.give_back(&taken, left);
                match outreach.put_pace(route.id, seen, pace).await {
                    Err(StoreError::Conflict) => self.step_aside(attempt).await,
                    Err(error) => {
                        tracing::warn!(channel = %route.id, left, %error, "what a channel was not needed for is lost");
                        break;
                    }
                    Ok(()) => break,
                }
            }
        }
    }

    /// Lets others go first for a moment, whose length is chance.
    pub(super) async fn step_aside(&self, attempt: u32) {
        let [most] = chance::<1>();
        let pause = u64::from(most) * u64::from(attempt + 1) / 8 + 5;
        tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
    }
}
