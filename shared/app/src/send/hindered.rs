//! What stands in the way of channels: who tries one again, what comes of it, and whether a campaign has anybody who does not wait for it.
//!
//! It is kept with what the channel has had of late. A channel that works is only looked at, once for a chunk; it is written to when it
//! stops working, when somebody tries it again, and when it works again.

use domain::{
    Timestamp,
    campaign::Progress,
    chunk::{ChunkRecord, origin},
    hindrance::{Hindrance, Reason},
    id::ChannelId,
    sender::channel_of,
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

impl App {
    /// Comes to a channel. Of those who wait for one, the first after its time tries it.
    pub(super) async fn approach(
        &self,
        scope: &WorkspaceScope,
        channel: ChannelId,
        now: Timestamp,
    ) -> Result<Approach, Failure> {
        let outreach = self.db.outreach(scope);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.pace(channel).await?;
            let Some(hindrance) = seen.hindrance else { return Ok(Approach::Open(None)) };
            if hindrance.holds(now).is_some() {
                return Ok(Approach::Waits(hindrance));
            }
            let tried = hindrance.tried(now);
            match outreach.put_hindrance(channel, seen, Some(tried)).await {
                Ok(()) => return Ok(Approach::Open(Some(tried))),
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("what stands in the way of a channel keeps changing")))
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
        let outreach = self.db.outreach(scope);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.pace(channel).await?;
            let next = match seen.hindrance {
                // Another chunk has found out already, or tries it.
                Some(theirs) if seen.hindrance != trial && theirs.holds(now).is_some() => return Ok(theirs),
                Some(known) => known.again(reason, now),
                None => Hindrance::new(reason, now),
            };
            match outreach.put_hindrance(channel, seen, Some(next)).await {
                Ok(()) => {
                    tracing::warn!(%channel, ?reason, until = %next.until(), "a channel cannot be used");
                    return Ok(next);
                }
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("what stands in the way of a channel keeps changing")))
    }

    /// Nothing stands in the way of a channel any more: it took a message, or somebody says that it will.
    pub(crate) async fn unhinder(&self, scope: &WorkspaceScope, channel: ChannelId) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.pace(channel).await?;
            if seen.hindrance.is_none() {
                return Ok(());
            }
            match outreach.put_hindrance(channel, seen, None).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("what stands in the way of a channel keeps changing")))
    }

    /// Whether somebody of a campaign is still to be written to by another channel than those that cannot be used.
    pub(super) async fn others_go_on(
        &self,
        scope: &WorkspaceScope,
        progress: &Progress,
        unusable: &[ChannelId],
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let outreach = self.db.outreach(scope);
        let Some(sender) = self.db.accounts(scope).sender().await? else { return Ok(false) };
        let channels: Vec<ChannelId> = sender.among(&progress.channels).into_iter().map(|channel| channel.id).collect();
        let mut works = Vec::new();
        for channel in channels.iter().filter(|channel| !unusable.contains(channel)) {
            let hindrance = outreach.pace(*channel).await?.hindrance;
            if !hindrance.is_some_and(|hindrance| hindrance.is_unusable(now)) {
                works.push(*channel);
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
            let next_is_due = record.results.settled() && record.due.is_some() && step < progress.steps;
            let open = record.results.open();
            let mut here = record.subjects.iter().enumerate();
            here.any(|(index, person)| {
                let gets = open.contains(&index) || (next_is_due && record.results.may_go_on(index));
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
