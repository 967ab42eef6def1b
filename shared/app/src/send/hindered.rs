//! What stands in the way of channels: who tries one again, what comes of it, and whether a campaign has anybody who does not wait for it.
//!
//! It is kept with what the channel has had of late. A channel that works is only looked at, once for a chunk; it is written to when it
//! stops working, when somebody tries it again, and when it works again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    SignedDuration, Timestamp,
    campaign::{Halt, Progress},
    chunk::{ChunkRecord, origin},
    hindrance::{Hindrance, Reason},
    id::{CampaignId, ChannelId},
    sender::{Channel, Transport, channel_of},
    sequence::FIRST,
};
use storage::{StoreError, WorkspaceScope};

use super::routes::ATTEMPTS;
use crate::{App, Failure};

/// What whoever comes to a channel finds.
pub(super) enum Approach {
    /// It may be used: as far as is known it works, or else this is who tries it again.
    Open(Option<Hindrance>),
    /// It is not tried now.
    Waits(Hindrance),
}

/// What to do about what stands in the way of a channel, and the answer that goes with it.
enum Next<T> {
    Leave(T),
    Write(Option<Hindrance>, T),
}

/// Channels by which nobody is written to before somebody does something about it.
pub(super) struct Closed {
    /// These.
    pub(super) channels: Vec<ChannelId>,
    /// And all that go through SES.
    pub(super) ses: bool,
}

impl Closed {
    fn has(&self, channel: &Channel) -> bool {
        self.channels.contains(&channel.id) || (self.ses && matches!(channel.transport, Transport::Ses))
    }
}

/// Campaigns of which somebody was found, within the last minute, who goes by a channel that works, and whether those of SES work: each
/// chunk that waits for another one would look through all chunks for them. So a pause may come a minute late.
#[derive(Debug, Default)]
pub(crate) struct GoingOn(Mutex<HashMap<(CampaignId, bool), Timestamp>>);

impl GoingOn {
    /// How long it is believed.
    const GOOD_FOR: SignedDuration = SignedDuration::from_secs(60);
    /// Campaigns remembered, at most.
    const MOST: usize = 1_000;

    fn is_known(&self, campaign: CampaignId, closed: &Closed, now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(campaign, closed.ses)).is_some_and(|found| now.duration_since(*found).abs() < Self::GOOD_FOR)
    }

    fn note(&self, campaign: CampaignId, closed: &Closed, now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MOST {
            known.clear();
        }
        known.insert((campaign, closed.ses), now);
    }
}

impl App {
    /// Comes to a channel. Of those who wait for one, the first after its time tries it.
    pub(super) async fn approach(
        &self,
        scope: &WorkspaceScope,
        channel: ChannelId,
        now: Timestamp,
    ) -> Result<Approach, Failure> {
        let next = |known: Option<Hindrance>| match known {
            None => Next::Leave(Approach::Open(None)),
            Some(hindrance) if hindrance.holds(now).is_some() => Next::Leave(Approach::Waits(hindrance)),
            Some(hindrance) => {
                let tried = Some(hindrance.tried(now));
                Next::Write(tried, Approach::Open(tried))
            }
        };
        Ok(self.change_hindrance(scope, channel, next).await?.0)
    }

    /// Notes that a channel cannot be used. `trial` is what whoever tried it had noted.
    pub(super) async fn hinder(
        &self,
        scope: &WorkspaceScope,
        channel: ChannelId,
        trial: Option<Hindrance>,
        reason: Reason,
        now: Timestamp,
    ) -> Result<Hindrance, Failure> {
        let next = |known: Option<Hindrance>| match known {
            // Another chunk has found out already, or tries it.
            Some(theirs) if known != trial && theirs.holds(now).is_some() => Next::Leave(theirs),
            _ => {
                let next = known.map_or_else(|| Hindrance::new(reason, now), |known| known.again(reason, now));
                Next::Write(Some(next), next)
            }
        };
        let (hindrance, written) = self.change_hindrance(scope, channel, next).await?;
        if written {
            tracing::warn!(%channel, ?reason, until = %hindrance.until(), "a channel cannot be used");
        }
        Ok(hindrance)
    }

    /// Nothing stands in the way of a channel any more: it took a message, or somebody says that it will.
    pub(crate) async fn unhinder(&self, scope: &WorkspaceScope, channel: ChannelId) -> Result<(), Failure> {
        let next = |known: Option<Hindrance>| if known.is_none() { Next::Leave(()) } else { Next::Write(None, ()) };
        self.change_hindrance(scope, channel, next).await?;
        Ok(())
    }

    /// Changes what stands in the way of a channel, by what does when it is read and whoever else changes it meanwhile. Gives the answer that
    /// goes with it, and whether it was written.
    async fn change_hindrance<T>(
        &self,
        scope: &WorkspaceScope,
        channel: ChannelId,
        next: impl Fn(Option<Hindrance>) -> Next<T>,
    ) -> Result<(T, bool), Failure> {
        let outreach = self.db.outreach(scope);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.pace(channel).await?;
            let (hindrance, answer) = match next(seen.hindrance) {
                Next::Leave(answer) => return Ok((answer, false)),
                Next::Write(hindrance, answer) => (hindrance, answer),
            };
            match outreach.put_hindrance(channel, seen, hindrance).await {
                Ok(()) => return Ok((answer, true)),
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("what stands in the way of a channel keeps changing")))
    }

    /// What stands in the way of everybody who is left of a campaign; `None` where somebody goes by a channel that works.
    pub(super) async fn what_halts(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        closed: &Closed,
        now: Timestamp,
    ) -> Result<Option<Halt>, Failure> {
        let halt = match closed {
            Closed { ses: true, .. } => Halt::SendingPaused,
            Closed { channels, .. } if channels.is_empty() => return Ok(None),
            Closed { .. } => Halt::ChannelUnusable,
        };
        if self.going_on.is_known(progress.campaign, closed, now) {
            return Ok(None);
        }
        let go_on = self.others_go_on(scope, progress, closed, now).await?;
        if go_on {
            self.going_on.note(progress.campaign, closed, now);
        }
        Ok((!go_on).then_some(halt))
    }

    /// Whether somebody of a campaign is still to be written to by another channel than those that cannot be used.
    async fn others_go_on(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        closed: &Closed,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let outreach = self.db.outreach(scope);
        let Some(sender) = self.db.accounts(scope).sender().await? else { return Ok(false) };
        let named = sender.among(&progress.channels);
        let channels: Vec<ChannelId> = named.iter().map(|channel| channel.id).collect();
        let mut works = Vec::new();
        for channel in named.iter().filter(|channel| !closed.has(channel)) {
            let hindrance = outreach.pace(channel.id).await?.hindrance;
            if !hindrance.is_some_and(|hindrance| hindrance.is_unusable(now)) {
                works.push(channel.id);
            }
        }
        if works.is_empty() {
            return Ok(false);
        }
        if !progress.planned {
            return Ok(true);
        }
        let (mut after, mut people): (Option<String>, usize) = (None, 0);
        let mut last: Option<((u32, u8), ChunkRecord)> = None;
        let waits = |step: u8, record: &ChunkRecord| {
            // Of a step that is not through whoever has theirs goes on once the others are, or are left behind.
            let has_next = step < progress.steps && (record.due.is_some() || !record.results.settled());
            let open = record.results.open();
            let mut here = record.subjects.iter().enumerate();
            here.any(|(index, person)| {
                let gets = open.contains(&index) || (has_next && record.results.may_go_on(index));
                let channel = channel_of(*person, channels.iter().copied());
                gets && channel.is_some_and(|channel| works.contains(&channel))
            })
        };
        loop {
            let (chunks, next) = outreach.chunks(progress.campaign, after.as_deref(), None).await?;
            for (at, record) in chunks {
                if at.1 == FIRST && origin(at.0).is_none() {
                    people += record.subjects.len();
                }
                // Steps of a chunk follow one another: the last of them says where it stands.
                if last
                    .replace((at, record))
                    .is_some_and(|(before, record)| before.0 != at.0 && waits(before.1, &record))
                {
                    return Ok(true);
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let of_last = last.is_some_and(|(at, record)| waits(at.1, &record));
        // Whoever is in no record yet was not come to.
        Ok(of_last || (people as u64) < progress.audience)
    }
}
