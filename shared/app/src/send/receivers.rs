//! How many messages receiving domains may have now by the channels of a group: whoever is at one that has had enough waits,
//! unclaimed.

use std::collections::HashSet;

use domain::{
    id::ChannelId,
    receivers::{DayAndHour, Receiver, Receivers},
};
use storage::{StoreError, WorkspaceScope};

use super::{Work, job::Job, prepare::Ready, routes::ATTEMPTS};
use crate::{App, Failure};

/// A message that a receiving domain may have by a channel, and that was not handed over so far.
#[derive(Clone, Copy)]
pub(super) struct Granted {
    /// The place of the channel among the routes.
    route: usize,
    receiver: Receiver,
    from: DayAndHour,
}

impl App {
    /// Those of a group whose receiving domain may have their message now. The others wait.
    pub(super) async fn within_receivers(
        &self,
        job: &mut Job<'_>,
        mut ready: Vec<Ready>,
        work: &mut Work,
    ) -> Result<Vec<Ready>, Failure> {
        for (route, channel, limits) in job.routes.capped_by_domain() {
            let (workspace, pepper) = (job.scope.workspace(), self.pepper().await?);
            let theirs = ready.iter().filter(|person| person.route == route);
            let receiver = |person: &Ready| Receiver::of(&person.prospect.email, workspace, pepper);
            let wanted: Vec<(usize, Receiver)> =
                theirs.filter_map(|person| Some((person.index, receiver(person)?))).collect();
            if wanted.is_empty() {
                continue;
            }
            let receivers: Vec<Receiver> = wanted.iter().map(|(_, receiver)| *receiver).collect();
            let (zone, now) = (job.routes.zone.clone(), job.now);
            let take = |had: &mut Receivers| had.take(&receivers, &limits, &zone, now);
            let taken = self.change_receivers(&job.scope, channel, take).await?;
            let mut waiting = HashSet::new();
            for ((index, receiver), may) in wanted.into_iter().zip(taken.may) {
                if may {
                    job.routes.granted.insert(index, Granted { route, receiver, from: taken.from });
                } else {
                    waiting.insert(index);
                }
            }
            ready.retain(|person| !waiting.contains(&person.index));
            if let Some(until) = taken.again {
                work.wait(until);
            }
        }
        Ok(ready)
    }

    /// Gives back what was granted and not handed over. If that cannot be done, a domain has had less than it might.
    pub(super) async fn give_back_receivers(&self, job: &mut Job<'_>) {
        for (route, channel, _) in job.routes.capped_by_domain() {
            let theirs = job.routes.granted.values().filter(|granted| granted.route == route);
            let unused: Vec<(Receiver, DayAndHour)> = theirs.map(|granted| (granted.receiver, granted.from)).collect();
            if unused.is_empty() {
                continue;
            }
            let give_back = |had: &mut Receivers| had.give_back(&unused);
            if let Err(failure) = self.change_receivers(&job.scope, channel, give_back).await {
                let cause = failure.cause.as_deref();
                tracing::warn!(%channel, unused = unused.len(), cause, "what domains were granted and did not get is lost");
            }
        }
    }

    async fn change_receivers<T>(
        &self,
        scope: &WorkspaceScope,
        channel: ChannelId,
        change: impl Fn(&mut Receivers) -> T,
    ) -> Result<T, Failure> {
        let outreach = self.db.outreach(scope);
        for attempt in 0..ATTEMPTS {
            let seen = outreach.receivers(channel).await?;
            let mut had = seen.receivers.clone();
            let changed = change(&mut had);
            if had == seen.receivers {
                return Ok(changed);
            }
            match outreach.put_receivers(channel, seen.version, &had).await {
                Ok(()) => return Ok(changed),
                Err(StoreError::Conflict) => self.step_aside(attempt).await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::unavailable("dynamodb", Some("what receiving domains had keeps changing")))
    }
}
