//! Handing messages over, and what is known of each afterwards.

use domain::{
    bounce::Evidence,
    campaign::Halt,
    cause::Class,
    chunk::{Got, Outcome},
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};
use futures::{StreamExt, stream};

use super::{TRIES, Work, claim::Permitted, job::Job};
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
        let handed: Vec<Delivered> = stream::iter(permitted)
            .map(|person| self.deliver(this, person, deadline))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let (mut again, mut free, mut uninformed, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
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
                Handed::Later if job.message.tries < TRIES => again.push(subject),
                Handed::Rejected(_) | Handed::Later => {
                    work.results.join(index, Outcome::Failed);
                    uninformed.push((subject, said));
                }
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
        work.again |= !again.is_empty();
        for subject in again.into_iter().chain(free) {
            outreach.release(campaign, step, subject, &job.nonce).await?;
        }
        for (subject, said) in uninformed {
            // A relay that knows that the address is bad says what a mail that comes back would have said.
            if said.as_ref().is_some_and(|said| said.class == Some(Class::Hard)) {
                let bounced = Suppression::new(subject, SuppressionReason::HardBounced, job.now);
                self.db.suppressions(&job.scope).record(&bounced).await?;
            }
            outreach.mark_uninformed(campaign, step, subject, said.as_ref()).await?;
        }
        Ok(())
    }

    /// Hands one message over, waiting a little when the channel throttles.
    async fn deliver(&self, job: &Job<'_>, person: Permitted, deadline: Deadline) -> Delivered {
        let Permitted { index, route: at, got, prospect, bytes, permit } = person;
        let subject = permit.subject();
        let delivered = |handed| {
            let said = match &handed {
                Handed::Rejected(Some(refused)) => Some(evidence::of_refusal(refused, &prospect.email, job.now)),
                _ => None,
            };
            Delivered { index, route: at, got, subject, handed, said }
        };
        let Some(route) = job.routes.get(at) else { return delivered(Handed::Later) };
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let (workspace, delivery) = (job.scope.workspace(), job.delivery);
        let about = About { workspace, campaign, chunk, step, index, subject, got, delivery };
        let message = Outgoing { from: &route.identity.from_email, to: &prospect.email, bytes, about: Some(about) };
        delivered(route.mailer.hand_over(self, permit, &message, deadline).await)
    }
}
