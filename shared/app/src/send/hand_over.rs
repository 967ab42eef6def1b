//! Handing messages over, and what is known of each afterwards.
//!
//! What a channel says of itself, or of the sender, uses up nobody: its people wait ([`super::hindered`]). So does what it says of messages,
//! when it says so of all. What it says of a person is theirs: refused for good they have an outcome, put off
//! they are offered it again, in a chunk of their own ([`super::late`]).

use std::{
    sync::atomic::{AtomicIsize, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use domain::{
    bounce::{Evidence, Fate},
    cause::Class,
    chunk::{Got, Outcome},
    health::window::Day,
    hindrance::{Reason, offered_again},
    message_name::MessageName,
    pace::Because,
    policy::{
        Refusal, SendPermit,
        may_send::{OptOutsAfterClaim, still_may_send},
    },
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};
use futures::{StreamExt, stream};
use tokio::sync::Mutex;

use super::{
    RESERVE, Work,
    claim::Permitted,
    did::{Did, TOO_MANY, TOO_SILENT, is_of},
    job::Job,
    late::Postponed,
};
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
    /// Or why it was not: they objected while others were written to.
    handed: Result<Handed, Refusal>,
    /// What the channel said when it refused it.
    said: Option<Evidence>,
}

/// So many more of a channel that took one.
const TOOK_ONE: isize = isize::MIN / 2;

/// What a channel did with the last messages of a group, one after the other.
#[derive(Default)]
struct InARow {
    /// Refused, for what is not the recipient's alone.
    refused: AtomicIsize,
    /// Nobody can tell.
    unknown: AtomicUsize,
}

impl InARow {
    /// Why the next message had better not be handed over.
    fn trouble(&self) -> Option<Reason> {
        if self.refused.load(Ordering::Relaxed) >= TOO_MANY {
            return Some(Reason::MessagesRefused);
        }
        (self.unknown.load(Ordering::Relaxed) >= TOO_SILENT).then_some(Reason::Unreachable)
    }

    fn note(&self, handed: &Handed) {
        match handed {
            Handed::Rejected(refused) if !is_of(Class::Soft, refused.as_deref()) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            Handed::Accepted(_) => self.refused.store(TOOK_ONE, Ordering::Relaxed),
            _ => {}
        }
        match handed {
            Handed::Unknown => _ = self.unknown.fetch_add(1, Ordering::Relaxed),
            _ => self.unknown.store(0, Ordering::Relaxed),
        }
    }
}

/// How old what is known of opt-outs may be when a message is handed over.
const FRESH: Duration = Duration::from_millis(250);

/// Who of a group has objected, as far as is known while its messages leave.
struct Watch {
    people: Vec<Subject>,
    known: Mutex<Known>,
}

struct Known {
    at: Instant,
    opt_outs: OptOutsAfterClaim,
}

impl Watch {
    /// Those of whom nobody had objected at `asked`.
    fn begin(people: Vec<Subject>, asked: Instant) -> Self {
        Self { people, known: Mutex::new(Known { at: asked, opt_outs: OptOutsAfterClaim::default() }) }
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
        let (permitted, asked) = self.permitted(job, ready, work).await?;
        if permitted.is_empty() {
            return Ok(());
        }
        let (at_once, this) = (job.routes.concurrency(), &*job);
        let in_a_row: Vec<InARow> = (0..job.routes.len()).map(|_| InARow::default()).collect();
        let watch = Watch::begin(permitted.iter().map(|person| person.permit.subject()).collect(), asked);
        let deadline = deadline.keeping(RESERVE);
        let handed: Vec<Delivered> = stream::iter(permitted)
            .map(|person| self.deliver(this, person, (&in_a_row, &watch), deadline))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let mut did: Vec<Did> = (0..job.routes.len())
            .map(|at| {
                let here = handed.iter().filter(|one| one.route == at);
                Did::of(here.filter_map(|one| one.handed.as_ref().ok()))
            })
            .collect();
        for (route, did) in did.iter_mut().enumerate() {
            did.refuses_all = self.refuses_all(job, route, *did).await?;
        }
        let left = sort_out(job, handed, &did, work);
        self.write_down(job, left, work).await?;
        for (route, did) in did.into_iter().enumerate() {
            self.mind_channel(job, route, did).await?;
        }
        Ok(())
    }

    /// Writes down what came of a group's messages: of everybody, also where it fails for one of them.
    async fn write_down(&self, job: &mut Job<'_>, left: ToWrite, work: &mut Work) -> Result<(), Failure> {
        let ToWrite { names, mut free, mut uninformed, put_off, bounced } = left;
        let mut written = Ok(());
        let outreach = self.db.outreach(&job.scope);
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        // Before the next claim says that these were sent. Without its name a message is not threaded, no more.
        if job.campaign.content.is_replied_to(step)
            && let Err(error) = outreach.note_names(campaign, (chunk, step), &names, job.now).await
        {
            tracing::warn!(%campaign, chunk, step, %error, "names of messages are lost");
        }
        for (index, subject, said) in bounced {
            match self.suppress_bounced(job, subject, &said).await {
                Ok(()) => {
                    work.results.join(index, Outcome::Bounced);
                    uninformed.push((subject, None));
                    work.bounced.push((index, said));
                }
                // Offered again, it is refused again: better than an address that is bad and that nobody knows of.
                Err(failure) => {
                    free.push(subject);
                    written = written.and(Err(failure));
                }
            }
        }
        for PutOff { index, route, subject, got, said } in put_off {
            let since = job.found.put_off.unwrap_or(job.now);
            let Some(until) = offered_again(since, job.now) else {
                job.routes.used(route, index);
                work.results.note(index, got);
                work.results.join(index, Outcome::PutOff);
                uninformed.push((subject, said));
                continue;
            };
            let postponed = async {
                outreach.release(campaign, step, subject, &job.nonce).await?;
                self.postpone(job, (index, subject), until, Some(since)).await
            };
            match postponed.await {
                Ok(Postponed::Yes) => work.results.join(index, Outcome::Postponed),
                Ok(Postponed::Waits) => {
                    work.put_off = Some(since);
                    work.wait(until);
                }
                Ok(Postponed::Claimed) => work.again = true,
                Err(failure) => written = written.and(Err(failure)),
            }
        }
        for subject in free {
            written = written.and(outreach.release(campaign, step, subject, &job.nonce).await.map_err(Failure::from));
        }
        for (subject, said) in uninformed {
            let marked = outreach.mark_uninformed(campaign, step, subject, said.as_ref()).await;
            written = written.and(marked.map_err(Failure::from));
        }
        written
    }

    /// Nobody writes to that address again, and its person's history says why.
    async fn suppress_bounced(&self, job: &Job<'_>, subject: Subject, said: &Evidence) -> Result<(), Failure> {
        let suppression = Suppression::new(subject, SuppressionReason::HardBounced, job.now);
        self.db.suppressions(&job.scope).record(&suppression).await?;
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        Ok(self.db.outreach(&job.scope).note_evidence(campaign, (chunk, step), subject, said).await?)
    }

    /// The permit, unless its person has objected since it was given. Opt-outs are read again when what is known of them is old: a group
    /// that leaves at once asks nobody, and one whose channel is slow asks for all who are left, a few times a second.
    async fn still_permitted(
        &self,
        job: &Job<'_>,
        permit: SendPermit,
        watch: &Watch,
    ) -> Result<Result<SendPermit, Refusal>, Failure> {
        let mut known = watch.known.lock().await;
        if known.at.elapsed() >= FRESH {
            // As old as the question, not as the answer.
            let asked = Instant::now();
            let found = self.db.suppressions(&job.scope).among(&watch.people, job.now).await?;
            *known = Known { at: asked, opt_outs: OptOutsAfterClaim::read(found) };
        }
        Ok(still_may_send(permit, &known.opt_outs))
    }

    /// Whether what a channel refused in a group it would refuse of anybody: it took none and refused many; or has taken none of the
    /// campaign's this week and refused however few for what is in the messages, or for who wrote them. Otherwise it is those few's own.
    async fn refuses_all(&self, job: &Job<'_>, route: usize, did: Did) -> Result<bool, Failure> {
        if did.refuses_many() {
            return Ok(true);
        }
        if did.accepted > 0 || did.blocked == 0 {
            return Ok(false);
        }
        let Some(route) = job.routes.get(route) else { return Ok(false) };
        let tallies = self.db.outreach(&job.scope).tallies(job.message.campaign).await?;
        let lately = tallies.days().by_channel(Day::of(job.now));
        let took = match job.channels.iter().position(|channel| *channel == route.id) {
            Some(place) if job.channels.len() > 1 => lately.get(&place).is_some_and(|had| had.handed > had.bounced),
            // It is the only one: whatever was taken it took.
            _ => tallies.total().sent() > tallies.total().of(Outcome::Bounced),
        };
        Ok(!took)
    }

    /// Opens or closes a channel by what it did with the messages of a group.
    async fn mind_channel(&self, job: &mut Job<'_>, at: usize, did: Did) -> Result<(), Failure> {
        let Some(route) = job.routes.get(at) else { return Ok(()) };
        let (channel, trial) = (route.id, route.trial);
        let trouble = did.trouble(trial.is_some());
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

    /// Hands one message over, unless its channel has refused too many in a row or said nothing of them, or its person has objected meanwhile.
    async fn deliver(
        &self,
        job: &Job<'_>,
        person: Permitted,
        (in_a_row, watch): (&[InARow], &Watch),
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
            Delivered { index, route: at, got, subject, handed: Ok(handed), said }
        };
        let Some((route, mailer)) = job.routes.get(at).and_then(|route| Some((route, route.mailer.as_ref()?))) else {
            return delivered(Handed::Later);
        };
        let Some(in_a_row) = in_a_row.get(at) else { return delivered(Handed::Later) };
        if let Some(reason) = in_a_row.trouble() {
            return delivered(Handed::Hindered(reason));
        }
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let (workspace, delivery) = (job.scope.workspace(), job.delivery);
        let about = About { workspace, campaign, chunk, step, index, subject, got, delivery };
        let message = Outgoing { from: &route.identity.from_email, to: &prospect.email, bytes, about: Some(about) };
        let permit = match self.still_permitted(job, permit, watch).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(refusal)) => return Delivered { index, route: at, got, subject, handed: Err(refusal), said: None },
            // Nobody can tell whether they objected.
            Err(failure) => {
                tracing::warn!(campaign = %campaign, cause = failure.cause.as_deref(), "opt-outs cannot be read");
                return delivered(Handed::Later);
            }
        };
        let handed = mailer.hand_over(self, permit, &message, deadline).await;
        in_a_row.note(&handed);
        delivered(handed)
    }
}

/// What is to be written of a group's messages.
#[derive(Default)]
struct ToWrite {
    /// What the channel calls those that it took, by their people's places.
    names: Vec<(usize, MessageName)>,
    /// Whom nobody is to be taken to have written to.
    free: Vec<Subject>,
    /// Who was not informed by their message, with what the channel said of it.
    uninformed: Vec<(Subject, Option<Evidence>)>,
    /// Who is offered theirs again.
    put_off: Vec<PutOff>,
    /// Whose address is bad.
    bounced: Vec<(usize, Subject, Evidence)>,
}

/// Somebody whom their channel put off.
struct PutOff {
    index: usize,
    route: usize,
    subject: Subject,
    got: Got,
    said: Option<Evidence>,
}

/// Gives everybody the outcome that is theirs; for all others `work` says what they wait for.
fn sort_out(job: &mut Job<'_>, delivered: Vec<Delivered>, did: &[Did], work: &mut Work) -> ToWrite {
    let mut left = ToWrite::default();
    for Delivered { index, route, got, subject, handed, said } in delivered {
        let did = did.get(route).copied().unwrap_or_default();
        let handed = match handed {
            // What it refuses of everybody is nobody's outcome.
            Ok(Handed::Rejected(refused)) if did.is_for_all(refused.as_deref()) => {
                Handed::Hindered(Reason::MessagesRefused)
            }
            Ok(handed) => handed,
            Err(refusal) => {
                work.results.join(index, Outcome::Refused(refusal));
                continue;
            }
        };
        if matches!(handed, Handed::Accepted(_) | Handed::Rejected(_) | Handed::Unknown) {
            job.routes.used(route, index);
            work.results.note(index, got);
        }
        match handed {
            Handed::Accepted(name) => {
                work.results.join(index, Outcome::Sent);
                left.names.push((index, name));
            }
            Handed::Unknown => {
                work.results.join(index, Outcome::Unknown);
                left.uninformed.push((subject, None));
            }
            Handed::QuotaUsed => {
                left.free.push(subject);
                work.leave_ses(&mut job.routes, Because::SesQuota, job.now);
            }
            Handed::Paused => {
                left.free.push(subject);
                work.leave_ses(&mut job.routes, Because::SesPaused, job.now);
            }
            Handed::Later => {
                left.free.push(subject);
                work.again = true;
            }
            Handed::Hindered(_) => left.free.push(subject),
            Handed::PutOff(_) if did.puts_all_off() => left.free.push(subject),
            Handed::PutOff(_) => left.put_off.push(PutOff { index, route, subject, got, said }),
            Handed::Rejected(_) => match said {
                // A relay that knows that the address is bad says what a mail that comes back would have said.
                Some(said) if said.class == Some(Class::Hard) => {
                    left.bounced.push((index, subject, Evidence { fate: Fate::Bounced, ..said }));
                }
                said => {
                    work.results.join(index, Outcome::Failed);
                    left.uninformed.push((subject, said));
                }
            },
        }
    }
    left
}
