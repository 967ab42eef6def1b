//! Handing messages over, and what is known of each afterwards.
//!
//! What a channel says of itself, or of the sender, uses up nobody: its people wait ([`super::hindered`]). What it says of a person is
//! theirs: refused for good they have an outcome, put off they are offered it again, in a chunk of their own ([`super::late`]).

use std::sync::atomic::{AtomicIsize, Ordering};

use domain::{
    bounce::{Evidence, Fate},
    campaign::Halt,
    cause::Class,
    chunk::{Got, Outcome},
    hindrance::{Reason, offered_again},
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};
use futures::{StreamExt, stream};

use super::{Work, claim::Permitted, job::Job, late::Postponed};
use crate::{
    App, Deadline, Failure, evidence,
    mailer::{About, Handed, Outgoing},
    queues::ChunkMessage,
};

/// What came of handing one message over.
struct Delivered {
    index: usize,
    route: usize,
    got: Got,
    subject: Subject,
    handed: Handed,
    /// What the channel said when it refused it.
    said: Option<Evidence>,
}

/// So many messages in a row that a channel refuses for what is in them, or for who wrote them: nobody else of it is written to.
const TOO_MANY: isize = 10;

/// So many more of a channel that took one.
const TOOK_ONE: isize = isize::MIN / 2;

/// When none is taken and so many are put off, it is the channel that puts them off.
const ALL_PUT_OFF: usize = 5;

/// What a channel did with the messages of a group.
#[derive(Clone, Copy, Default)]
struct Did {
    accepted: usize,
    refused: usize,
    put_off: usize,
    hindered: Option<Reason>,
}

impl Did {
    fn of(delivered: &[Delivered], route: usize) -> Self {
        let mut did = Self::default();
        for one in delivered.iter().filter(|one| one.route == route) {
            match &one.handed {
                Handed::Accepted(_) => did.accepted += 1,
                Handed::Rejected(_) => did.refused += 1,
                Handed::PutOff(_) => did.put_off += 1,
                Handed::Hindered(reason) => did.hindered = did.hindered.max(Some(*reason)),
                Handed::Later | Handed::QuotaUsed | Handed::Paused | Handed::Unknown => {}
            }
        }
        did
    }

    /// Whether it puts off everybody.
    const fn puts_all_off(self) -> bool {
        self.accepted + self.refused == 0 && self.put_off >= ALL_PUT_OFF
    }

    /// What stands in its way.
    fn trouble(self, refused_in_a_row: isize) -> Option<Reason> {
        let busy = self.puts_all_off().then_some(Reason::ChannelBusy);
        let refuses = refused_in_a_row >= TOO_MANY;
        refuses.then_some(Reason::MessagesRefused).or(self.hindered).or(busy)
    }

    /// Whether it answered for somebody in particular, so that it works on the whole.
    const fn works(self) -> bool {
        self.accepted + self.refused > 0
    }
}

impl App {
    /// Claims and writes to the people at `group`: their places, and those of their routes.
    pub(super) async fn work_group(
        &self,
        job: &mut Job<'_>,
        group: &[(usize, usize)],
        work: &mut Work,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let ready = self.prepare(job, group, work).await?;
        let ready = self.within_receivers(job, ready, work).await?;
        let permitted = self.permitted(job, ready, work).await?;
        if permitted.is_empty() {
            return Ok(());
        }
        let (at_once, this) = (job.routes.concurrency(), &*job);
        let in_a_row: Vec<AtomicIsize> = (0..job.routes.len()).map(|_| AtomicIsize::new(0)).collect();
        let handed: Vec<Delivered> = stream::iter(permitted)
            .map(|person| self.deliver(this, person, &in_a_row, deadline))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let did: Vec<Did> = (0..job.routes.len()).map(|route| Did::of(&handed, route)).collect();
        let (mut free, mut uninformed, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bounced, mut put_off) = (Vec::new(), Vec::new());
        for Delivered { index, route, got, subject, handed, said } in handed {
            if matches!(handed, Handed::Accepted(_) | Handed::Rejected(_) | Handed::Unknown) {
                job.routes.used(route, index);
                work.results.note(index, got);
            }
            match handed {
                Handed::Accepted(name) => {
                    work.results.join(index, Outcome::Sent);
                    names.push((index, name));
                }
                Handed::Unknown => {
                    work.results.join(index, Outcome::Unknown);
                    uninformed.push((subject, None));
                }
                Handed::QuotaUsed => {
                    free.push(subject);
                    work.stopped = true;
                    work.wait_for_quota(job.now);
                }
                Handed::Paused => {
                    free.push(subject);
                    work.halt = Some(Halt::SendingPaused);
                }
                Handed::Later => {
                    free.push(subject);
                    work.again = true;
                }
                Handed::Hindered(_) => free.push(subject),
                Handed::PutOff(_) if did.get(route).is_some_and(|did| did.puts_all_off()) => free.push(subject),
                Handed::PutOff(_) => put_off.push(((index, route), subject, got, said)),
                Handed::Rejected(_) => match said {
                    // A relay that knows that the address is bad says what a mail that comes back would have said.
                    Some(said) if said.class == Some(Class::Hard) => {
                        work.results.join(index, Outcome::Bounced);
                        bounced.push((index, subject, Evidence { fate: Fate::Bounced, ..said }));
                    }
                    said => {
                        work.results.join(index, Outcome::Failed);
                        uninformed.push((subject, said));
                    }
                },
            }
        }
        let outreach = self.db.outreach(&job.scope);
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        // Before the next claim says that these were sent. Without its name a message is not threaded, no more.
        if job.campaign.content.is_replied_to(step)
            && let Err(error) = outreach.note_names(campaign, (chunk, step), &names, job.now).await
        {
            tracing::warn!(%campaign, chunk, step, %error, "names of messages are lost");
        }
        for subject in free {
            outreach.release(campaign, step, subject, &job.nonce).await?;
        }
        for ((index, route), subject, got, said) in put_off {
            let since = job.found.put_off.unwrap_or(job.now);
            let Some(until) = offered_again(since, job.now) else {
                job.routes.used(route, index);
                work.results.note(index, got);
                work.results.join(index, Outcome::PutOff);
                uninformed.push((subject, said));
                continue;
            };
            outreach.release(campaign, step, subject, &job.nonce).await?;
            match self.postpone(job, (index, subject), until, Some(since)).await? {
                Postponed::Yes => work.results.join(index, Outcome::Postponed),
                Postponed::Waits => {
                    work.put_off = Some(since);
                    work.wait(until);
                }
                Postponed::Claimed => work.again = true,
            }
        }
        for (index, subject, said) in bounced {
            let suppression = Suppression::new(subject, SuppressionReason::HardBounced, job.now);
            self.db.suppressions(&job.scope).record(&suppression).await?;
            outreach.note_evidence(campaign, (chunk, step), subject, &said).await?;
            uninformed.push((subject, None));
            work.bounced.push((index, said));
        }
        for (subject, said) in uninformed {
            outreach.mark_uninformed(campaign, step, subject, said.as_ref()).await?;
        }
        for (route, (did, in_a_row)) in did.into_iter().zip(&in_a_row).enumerate() {
            self.mind_channel(job, route, did, in_a_row.load(Ordering::Relaxed)).await?;
        }
        Ok(())
    }

    /// Opens or closes a channel by what it did with the messages of a group.
    async fn mind_channel(&self, job: &mut Job<'_>, at: usize, did: Did, in_a_row: isize) -> Result<(), Failure> {
        let Some(route) = job.routes.get(at) else { return Ok(()) };
        let (channel, trial) = (route.id, route.trial);
        let trouble = did.trouble(in_a_row);
        let hindered = match trouble {
            // It takes some: nobody else need know.
            Some(reason) if did.works() && reason != Reason::MessagesRefused => None,
            Some(reason) => Some(self.hinder(&job.scope, channel, trial, reason, job.now).await?),
            None => None,
        };
        if hindered.is_none() && trial.is_some() && did.works() {
            self.unhinder(&job.scope, channel).await?;
        }
        let (chunk, now) = (job.message.chunk, job.now);
        let Some(route) = job.routes.get_mut(at) else { return Ok(()) };
        if did.works() {
            route.trial = None;
        }
        match hindered {
            Some(hindrance) => route.close(&hindrance, chunk, now),
            None if trouble.is_some() => route.close_for_a_moment(now),
            None => {}
        }
        Ok(())
    }

    /// Hands one message over, unless its channel has refused too many in a row.
    async fn deliver(
        &self,
        job: &Job<'_>,
        person: Permitted,
        in_a_row: &[AtomicIsize],
        deadline: Deadline,
    ) -> Delivered {
        let Permitted { index, route: at, got, prospect, bytes, permit } = person;
        let subject = permit.subject();
        let delivered = |handed| {
            let said = match &handed {
                Handed::Rejected(Some(refused)) | Handed::PutOff(refused) => {
                    Some(evidence::of_refusal(refused, &prospect.email, job.now))
                }
                _ => None,
            };
            Delivered { index, route: at, got, subject, handed, said }
        };
        let Some((route, mailer)) = job.routes.get(at).and_then(|route| Some((route, route.mailer.as_ref()?))) else {
            return delivered(Handed::Later);
        };
        let Some(in_a_row) = in_a_row.get(at) else { return delivered(Handed::Later) };
        if in_a_row.load(Ordering::Relaxed) >= TOO_MANY {
            return delivered(Handed::Hindered(Reason::MessagesRefused));
        }
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let (workspace, delivery) = (job.scope.workspace(), job.delivery);
        let about = About { workspace, campaign, chunk, step, index, subject, got, delivery };
        let message = Outgoing { from: &route.identity.from_email, to: &prospect.email, bytes, about: Some(about) };
        let handed = mailer.hand_over(self, permit, &message, deadline).await;
        match &handed {
            Handed::Rejected(Some(refused)) if refused.found.class == Class::Block => {
                in_a_row.fetch_add(1, Ordering::Relaxed);
            }
            Handed::Accepted(_) => in_a_row.store(TOOK_ONE, Ordering::Relaxed),
            _ => {}
        }
        delivered(handed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_that_takes_some_works_and_one_that_refuses_all_does_not() {
        let did = |accepted, refused, put_off, hindered| Did { accepted, refused, put_off, hindered };
        let unreachable = Some(Reason::Unreachable);
        for (did, in_a_row, trouble, works) in [
            (did(25, 0, 0, None), 0, None, true),
            (did(24, 0, 0, unreachable), 0, unreachable, true),
            (did(0, 0, 0, unreachable), 0, unreachable, false),
            (did(0, 3, 0, None), 3, None, true),
            (did(0, 10, 0, Some(Reason::MessagesRefused)), 10, Some(Reason::MessagesRefused), true),
            (did(1, 10, 0, None), TOOK_ONE + 10, None, true),
            (did(0, 0, 4, None), 0, None, false),
            (did(0, 0, 5, None), 0, Some(Reason::ChannelBusy), false),
            (did(1, 0, 20, None), 0, None, true),
            (did(0, 1, 20, None), 0, None, true),
        ] {
            assert_eq!((did.trouble(in_a_row), did.works()), (trouble, works));
        }
    }
}
