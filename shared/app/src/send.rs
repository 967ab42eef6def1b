//! One chunk at one step: claim, read the opt-outs after the claim, hand over, write down what came of it.
//!
//! Nothing here is retried once it may have been handed over. A message about a chunk may come twice,
//! in any order, after a crash or while another run is still at it; the claims decide who writes to
//! whom, and what a run cannot know it calls unknown.

mod after;
mod late;
mod routes;
mod variants;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use content::campaign::CampaignTemplate;
use domain::{
    SignedDuration, Timestamp,
    calendar::{Opening, Place},
    campaign::{CampaignStatus, Halt, Progress},
    chunk::{Claim, Outcome, Results},
    company::Company,
    id::{CampaignId, WorkspaceId},
    policy::{
        Refusal, Rules, SendPermit, may_send,
        may_send::{OptOutsAfterClaim, StopsAfterClaim},
        screen,
    },
    prospect::Prospect,
    sequence::{Choice, Earlier, FIRST, answered_since},
    subject::{Pepper, Subject},
    variant::Letter,
    webhook::{Event, EventKind},
};
use futures::{StreamExt, stream};
use storage::{
    WorkspaceScope,
    accounts::Workspace,
    outreach::{Claimed, Names, StoredCampaign},
};
use tokio::sync::Mutex;

use self::{
    after::Found,
    late::{Postponed, away},
    routes::Routes,
    variants::choice,
};
use crate::{
    App, Deadline, Failure, Kind,
    campaigns::compile,
    chance,
    letter::{Letters, Manner},
    mailer::{About, Handed, NO_PASSWORD, Outgoing, Standing},
    queues::ChunkMessage,
};

/// Left of an invocation when no new group is begun.
const RESERVE: Duration = Duration::from_secs(20);

/// When to look again whether SES takes messages, once those of its day are used up: its day is the last 24 hours.
const QUOTA_WAIT: SignedDuration = SignedDuration::from_hours(1);

/// After so long no new group is begun, so that a slow channel of one workspace leaves hands for others.
const TURN: Duration = Duration::from_secs(45);

/// How long a chunk may wait on the queue; one that waits longer is noted as due.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// A campaign is under way and none of its channels is there.
const NO_CHANNEL: &str = "no-channel";

/// Times a chunk is put back because its channel would not take it now; then it has failed.
const TRIES: u8 = 24;

/// Templates compiled by this process, by campaign, version, step and the variants that they are made of.
pub(crate) type Compiled = Mutex<HashMap<(CampaignId, u64, u8, Choice), Arc<CampaignTemplate>>>;

/// Everything about a chunk that does not change while it is worked on.
struct Job<'a> {
    scope: WorkspaceScope,
    message: &'a ChunkMessage,
    found: &'a Found,
    workspace: Workspace,
    campaign: StoredCampaign,
    /// The variant that whoever is left gets, if that is decided.
    winner: Option<Letter>,
    /// Companies of which somebody answered, where that stops the campaign for all of them.
    answered: HashSet<Company>,
    /// What the messages were called that this step replies to.
    names: Names,
    /// The channels that its people's messages go by.
    routes: Routes,
    /// Whether somebody wants to hear of each delivery.
    delivery: bool,
    /// Since when whoever answers anything gets no more of it.
    launched_at: Option<Timestamp>,
    nonce: String,
    now: Timestamp,
}

/// What is known so far of a chunk that is worked on.
struct Work {
    results: Results,
    /// Somebody has to come again soon.
    again: bool,
    /// Their channel takes none for hours.
    stopped: bool,
    /// What stands in the way of all of them.
    halt: Option<Halt>,
    /// When the first of those who wait has to come again: their window opens, or their channel takes more.
    waits: Option<Timestamp>,
}

impl Work {
    fn wait(&mut self, until: Timestamp) {
        self.waits = Some(self.waits.map_or(until, |first| first.min(until)));
    }
}

/// One person of a group, with everything that must be known before the claim.
struct Ready {
    index: usize,
    /// The place of their channel among the routes.
    route: usize,
    variant: Option<Letter>,
    prospect: Prospect,
    cleared: domain::policy::Cleared,
    bytes: Vec<u8>,
}

/// One who was claimed, and whom nothing speaks against.
struct Permitted {
    index: usize,
    route: usize,
    variant: Option<Letter>,
    prospect: Prospect,
    bytes: Vec<u8>,
    permit: SendPermit,
}

/// What came of handing one message over.
struct Delivered {
    index: usize,
    route: usize,
    variant: Option<Letter>,
    subject: Subject,
    handed: Handed,
}

impl App {
    /// Works through one chunk message.
    pub async fn send_chunk(&self, message: &ChunkMessage, now: Timestamp, deadline: Deadline) -> Result<(), Failure> {
        if self.waits_for_replay(&self.config.send_queue_url, message).await? {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(message.workspace);
        let outreach = self.db.outreach(&scope);
        let Some(progress) = outreach.progress(message.campaign).await? else { return Ok(()) };
        let so_far = self.so_far(&scope, message.campaign, message.chunk).await?;
        let Some(mut found) = Found::of(message, so_far)? else { return Ok(()) };
        if found.results.settled() {
            return self.after_step(&scope, message, found, &progress, now).await;
        }
        let workspace = self.db.accounts(&scope).workspace().await?;
        let silent = workspace.as_ref().is_some_and(Workspace::is_silent);
        let progress = if silent { self.pause_silent(&scope, progress, now).await? } else { progress };
        let Some(progress) = self.unless_paused(&scope, message, &found, progress, now).await? else {
            return Ok(());
        };
        let refusal = match (&workspace, progress.status) {
            (Some(_), CampaignStatus::Sending) if !silent => None,
            (Some(_), CampaignStatus::Cancelled) => Some(Refusal::Cancelled),
            _ => Some(Refusal::AccountClosed),
        };
        if let Some(refusal) = refusal {
            return self
                .end_rest(&scope, message, &found, message.step..=progress.steps, Outcome::Refused(refusal), now)
                .await;
        }
        let mut job = match self.job(scope.clone(), message, &found, workspace, &progress, now).await {
            // None of its channels is left: somebody has to say by what it goes.
            Err(failure) if failure.slug == NO_CHANNEL => {
                let progress = self.pause_halted(&scope, progress, Some(Halt::NoChannel), now).await?;
                self.unless_paused(&scope, message, &found, progress, now).await?;
                return Ok(());
            }
            // Closed and reopened while it went out: it waits for whoever enters the password again.
            Err(failure) if failure.slug == NO_PASSWORD => {
                let progress = self.pause_silent(&scope, progress, now).await?;
                self.unless_paused(&scope, message, &found, progress, now).await?;
                return Ok(());
            }
            // The relay cannot be reached at all: later, and after many times never.
            Err(failure) if failure.kind == Kind::Unavailable && message.tries < TRIES => {
                tracing::warn!(campaign = %message.campaign, cause = failure.cause.as_deref(), "no channel");
                return self.put_back(message, &found.results).await;
            }
            Err(failure) if failure.kind == Kind::Unavailable => {
                let this = message.step..=message.step;
                self.end_rest(&scope, message, &found, this, Outcome::Failed, now).await?;
                let so_far = self.so_far(&scope, message.campaign, message.chunk).await?;
                let Some(found) = Found::of(message, so_far)? else { return Ok(()) };
                return self.after_step(&scope, message, found, &progress, now).await;
            }
            job => job?,
        };
        let mut work = Work { results: found.results.clone(), again: false, stopped: false, halt: None, waits: None };
        let worked = self.work(&mut job, &mut work, deadline).await;
        self.give_back_rest(&mut job).await;
        let Work { results, again, halt, waits, .. } = work;
        let later = waits.filter(|until| until.duration_since(now) > SOON);
        // Before the record has them as pending: whoever reads that need not think of them.
        if let Some(until) = later {
            outreach.note_due(message.campaign, (message.chunk, message.step), until).await?;
        }
        self.tell_sent(&scope, message, (&found.results, &results), now).await;
        // Whatever went wrong, what is known of those who were written to is written down first.
        let next = found.next(&results, &job.campaign.content, message.step, now);
        let people = (found.people.as_slice(), &results);
        let results = outreach.settle(message.campaign, (message.chunk, message.step), people, next, now).await?;
        worked?;
        if let Some(halt) = halt.filter(|_| !results.settled()) {
            tracing::error!(campaign = %message.campaign, ?halt, "nothing leaves");
            let progress = self.pause_halted(&scope, progress, Some(halt), now).await?;
            // It is written down already; a resume that came in between may have missed it.
            if progress.status == CampaignStatus::Paused {
                return Ok(());
            }
            return self.put_back(message, &results).await;
        }
        if !results.settled() {
            return match (waits, later) {
                (Some(_), Some(_)) if !again => Ok(()),
                (Some(until), None) if !again => self.come_again(message, until, now).await,
                _ => self.put_back(message, &results).await,
            };
        }
        (found.results, found.due) = (results, next);
        self.after_step(&scope, message, found, &progress, now).await
    }

    /// Group by group, as far as time and channels allow.
    async fn work(&self, job: &mut Job<'_>, work: &mut Work, deadline: Deadline) -> Result<(), Failure> {
        if job.routes.any_by_ses() {
            match self.ses_account(job.now).await {
                Standing::Open => {}
                Standing::QuotaUsed => {
                    work.wait(job.now + QUOTA_WAIT);
                    return Ok(());
                }
                Standing::Paused => {
                    work.halt = Some(Halt::SendingPaused);
                    return Ok(());
                }
            }
        }
        let mut todo = VecDeque::from(work.results.open());
        let enough = deadline.left().saturating_sub(TURN).max(RESERVE);
        while !todo.is_empty() && !work.again && !work.stopped && work.halt.is_none() {
            if deadline.left() < enough {
                work.again = true;
                break;
            }
            let group = self.next_group(job, &mut todo, work).await?;
            if group.is_empty() {
                break;
            }
            self.work_group(job, &group, work, deadline).await?;
        }
        Ok(())
    }

    /// Tells endpoints whose messages were accepted in this run: once for the chunk, before it is written down, so that a
    /// run that dies in between has told what it did.
    async fn tell_sent(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        (before, after): (&Results, &Results),
        now: Timestamp,
    ) {
        let accepted = before.iter().zip(after.iter()).enumerate();
        let accepted = accepted.filter(|(_, (was, is))| *is == Outcome::Sent && was != is).map(|(index, _)| index);
        let places: Vec<usize> = accepted.collect();
        if !places.is_empty() {
            let at = (message.campaign, message.chunk, message.step);
            let (workspace, kind) = (scope.workspace(), EventKind::Sent);
            let event = || Event::of_places(workspace, kind, at, &places, now);
            self.try_tell_webhooks(scope, kind, now, event).await;
        }
    }

    /// `None` when the campaign is paused: the chunk is then put down for the resume to find.
    async fn unless_paused(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        found: &Found,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Option<Progress>, Failure> {
        if progress.status != CampaignStatus::Paused {
            return Ok(Some(progress));
        }
        let outreach = self.db.outreach(scope);
        let people = (found.people.as_slice(), &found.results);
        outreach.settle(message.campaign, (message.chunk, message.step), people, None, now).await?;
        // A resume that came between the two reads may have looked for such chunks already.
        let again = outreach.progress(message.campaign).await?;
        Ok(again.filter(|progress| progress.status != CampaignStatus::Paused))
    }

    async fn job<'a>(
        &self,
        scope: WorkspaceScope,
        message: &'a ChunkMessage,
        found: &'a Found,
        workspace: Option<Workspace>,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<Job<'a>, Failure> {
        let missing = |what: &str| Failure::internal(format!("a campaign under way without its {what}"));
        let outreach = self.db.outreach(&scope);
        let campaign = outreach.campaign(message.campaign).await?.ok_or_else(|| missing("text"))?;
        let sender = self.db.accounts(&scope).sender().await?.ok_or_else(|| missing("sender"))?;
        let open = found.results.open().into_iter().filter_map(|index| Some((index, *found.people.get(index)?)));
        let routes = self.routes(&scope, &sender, &progress.channels, open, now).await?;
        let names = match campaign.content.thread_of(message.step).is_empty() {
            true => Names::new(),
            false => self.names(&scope, message.campaign, message.chunk).await?,
        };
        Ok(Job {
            winner: self.winner(&scope, &campaign, progress, message.step, now).await?,
            answered: self.answered(&scope, &campaign).await?,
            names,
            workspace: workspace.ok_or_else(|| missing("workspace"))?,
            nonce: hex::encode(chance::<6>()),
            launched_at: progress.launched_at,
            delivery: self.is_wanted(&scope, EventKind::Delivered, now).await?,
            scope,
            message,
            found,
            campaign,
            routes,
            now,
        })
    }

    async fn compiled(
        &self,
        campaign: &StoredCampaign,
        step: u8,
        choice: Choice,
    ) -> Result<Arc<CampaignTemplate>, Failure> {
        let mut cache = self.compiled.lock().await;
        let key = (campaign.id, campaign.version, step, choice);
        if let Some(templates) = cache.get(&key) {
            return Ok(Arc::clone(templates));
        }
        let templates = compile(&campaign.content, step, choice)
            .map_err(|_| Failure::internal("a launched campaign whose templates cannot be read"))?;
        let templates = Arc::new(templates);
        cache.insert(key, Arc::clone(&templates));
        Ok(templates)
    }

    /// Claims and writes to the people at `group`: their places, and those of their routes.
    async fn work_group(
        &self,
        job: &mut Job<'_>,
        group: &[(usize, usize)],
        work: &mut Work,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let ready = self.prepare(job, group, work).await?;
        let mut won = self.claim(job, ready, work).await?;
        if won.is_empty() {
            return Ok(());
        }
        // After the claim, strongly consistent: whoever objected before this read is not written to.
        let (opt_outs, stops) = match self.read_after_claim(job, &won).await {
            Ok(read) => read,
            Err(failure) => {
                self.release(job, won.iter()).await?;
                return Err(failure);
            }
        };
        let mut permitted = Vec::with_capacity(won.len());
        for person in won.drain(..) {
            let Ready { index, route, variant, prospect, cleared, bytes } = person;
            let claim = Claim::won(prospect.subject);
            match may_send(cleared, &claim, &opt_outs, &stops) {
                Ok(permit) => permitted.push(Permitted { index, route, variant, prospect, bytes, permit }),
                Err(refusal) => work.results.join(index, Outcome::Refused(refusal)),
            }
        }
        let (at_once, this) = (job.routes.concurrency(), &*job);
        let handed: Vec<Delivered> = stream::iter(permitted)
            .map(|person| self.deliver(this, person, deadline))
            .buffer_unordered(at_once)
            .collect()
            .await;
        let (mut again, mut free, mut uninformed, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Delivered { index, route, variant, subject, handed } in handed {
            if matches!(handed, Handed::Accepted(_) | Handed::Rejected | Handed::Unknown) {
                job.routes.used(route);
                work.results.note(index, variant);
            }
            match handed {
                Handed::Accepted(name) => {
                    work.results.join(index, Outcome::Sent);
                    names.push((index, name));
                }
                Handed::Unknown => {
                    work.results.join(index, Outcome::Unknown);
                    uninformed.push(subject);
                }
                Handed::QuotaUsed => {
                    free.push(subject);
                    work.stopped = true;
                    work.wait(job.now + QUOTA_WAIT);
                }
                Handed::Paused => {
                    free.push(subject);
                    work.halt = Some(Halt::SendingPaused);
                }
                Handed::Later if job.message.tries < TRIES => again.push(subject),
                Handed::Rejected | Handed::Later => {
                    work.results.join(index, Outcome::Failed);
                    uninformed.push(subject);
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
        for subject in uninformed {
            outreach.mark_uninformed(campaign, step, subject).await?;
        }
        Ok(())
    }

    /// Who of those we have claimed objected, and whom an earlier step stops: both strongly consistent.
    async fn read_after_claim(
        &self,
        job: &Job<'_>,
        won: &[Ready],
    ) -> Result<(OptOutsAfterClaim, StopsAfterClaim), Failure> {
        let subjects: Vec<Subject> = won.iter().map(|r| r.prospect.subject).collect();
        let opt_outs = OptOutsAfterClaim::read(self.db.suppressions(&job.scope).among(&subjects, job.now).await?);
        let before = usize::from(job.message.step - FIRST);
        let so_far = match before {
            0 => Vec::new(),
            _ => self.so_far(&job.scope, job.message.campaign, job.message.chunk).await?,
        };
        let earlier: Vec<Results> = so_far.into_iter().take(before).map(|record| record.results).collect();
        let (answered, pepper) = (self.answered(&job.scope, &job.campaign).await?, self.pepper().await?);
        let stop = |r: &Ready| {
            let company = || company_stops(&answered, &r.prospect, job.scope.workspace(), pepper);
            Some((r.prospect.subject, Earlier::new(&earlier).stops(r.index).or_else(company)?))
        };
        Ok((opt_outs, StopsAfterClaim::read(won.iter().filter_map(stop).collect())))
    }

    /// Companies of which somebody answered a campaign that is to stop then; of others nothing is read.
    async fn answered(&self, scope: &WorkspaceScope, campaign: &StoredCampaign) -> Result<HashSet<Company>, Failure> {
        match campaign.content.stop_company_on_reply {
            true => Ok(self.db.outreach(scope).stopped_companies(campaign.id).await?),
            false => Ok(HashSet::new()),
        }
    }

    /// Reads the people, and writes the message of everyone whom nothing speaks against so far. Whose window is
    /// closed is left for when the first of them opens.
    async fn prepare(&self, job: &Job<'_>, group: &[(usize, usize)], work: &mut Work) -> Result<Vec<Ready>, Failure> {
        let earlier = Earlier::new(&job.found.earlier);
        let mut wanted = Vec::with_capacity(group.len());
        for &(index, route) in group {
            match earlier.stops(index) {
                _ if earlier.is_elsewhere(index) => work.results.join(index, Outcome::Postponed),
                Some(refusal) => work.results.join(index, Outcome::Refused(refusal)),
                None => match job.found.people.get(index) {
                    // Erased since the chunk was put down.
                    Some(&Subject::NOBODY) => work.results.join(index, Outcome::Refused(Refusal::Erased)),
                    place => wanted.extend(place.map(|subject| (index, route, *subject))),
                },
            }
        }
        let subjects: Vec<Subject> = wanted.iter().map(|(.., subject)| *subject).collect();
        let mut found: HashMap<Subject, Prospect> =
            self.db.prospects(&job.scope).batch_get(&subjects).await?.into_iter().map(|p| (p.subject, p)).collect();
        let pepper = self.pepper().await?;
        let rules = Rules { retention_months: job.workspace.retention_months };
        let mut ready = Vec::with_capacity(wanted.len());
        for (index, at, subject) in wanted {
            let Some(route) = job.routes.get(at) else { continue };
            let choice = choice(job, pepper, index, subject);
            let templates = self.compiled(&job.campaign, job.message.step, choice).await?;
            let letters = Letters {
                workspace: job.scope.workspace(),
                campaign: job.campaign.id,
                content: &job.campaign.content,
                step: job.message.step,
                templates: &templates,
                sender: &route.identity,
                retention_months: job.workspace.retention_months,
                public_url: &self.config.public_url,
                inbound_domain: &self.config.inbound_domain,
                pepper,
            };
            let prospect = found.remove(&subject);
            let thread = self.thread(job, index, subject);
            let manner = Manner {
                thread: &thread,
                date: job.now,
                informed: job.message.informed(index),
                test: false,
                preview: false,
                smtputf8: route.mailer.smtputf8(),
            };
            let answered = answered_since(prospect.as_ref().and_then(|person| person.last_contact_at), job.launched_at);
            let cleared = screen(prospect.as_ref(), rules, job.now);
            let of_company = prospect
                .as_ref()
                .and_then(|person| company_stops(&job.answered, person, job.scope.workspace(), pepper));
            let stop = answered.then_some(Refusal::Replied).or(of_company);
            let cleared = cleared.and_then(|cleared| stop.map_or(Ok(cleared), Err));
            if let (Ok(_), Some(until)) = (&cleared, prospect.as_ref().and_then(|person| away(job, person))) {
                match self.postpone(job, (index, subject), until).await? {
                    Postponed::Yes => {
                        work.results.join(index, Outcome::Postponed);
                        continue;
                    }
                    Postponed::Waits => {
                        work.wait(until);
                        continue;
                    }
                    Postponed::Claimed => {}
                }
            }
            if let (Ok(_), Some(person), Some(window)) = (&cleared, &prospect, &job.campaign.content.window) {
                let place = Place::of(person.details.country.as_deref(), &person.email);
                if let Opening::At(at) = window.opening(place, job.now) {
                    work.wait(at);
                    continue;
                }
            }
            let written = cleared.and_then(|cleared| {
                let prospect = prospect.ok_or(Refusal::Erased)?;
                let rendered = letters.render(&prospect)?;
                let bytes = letters.compose(&prospect, &rendered, manner)?;
                Ok(Ready { index, route: at, variant: choice.own, prospect, cleared, bytes })
            });
            match written {
                Ok(person) => ready.push(person),
                Err(refusal) => work.results.join(index, Outcome::Refused(refusal)),
            }
        }
        Ok(ready)
    }

    /// What the messages to a person were called that this step replies to.
    fn thread(&self, job: &Job<'_>, index: usize, subject: Subject) -> Vec<String> {
        let region = self.ses.config().region().map_or("", |region| region.as_ref());
        let name = |step| {
            let name = job.names.get(&(step, index))?;
            Some(name.message_id(subject, job.message.campaign, step, region))
        };
        job.campaign.content.thread_of(job.message.step).filter_map(name).collect()
    }

    /// Claims people in one call: those who are ours now. Some may have to come again.
    async fn claim(&self, job: &Job<'_>, ready: Vec<Ready>, work: &mut Work) -> Result<Vec<Ready>, Failure> {
        if ready.is_empty() {
            return Ok(ready);
        }
        let outreach = self.db.outreach(&job.scope);
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let people: Vec<_> = ready.iter().map(|r| (r.index, r.prospect.subject, r.variant)).collect();
        let claimed =
            outreach.claim(campaign, (chunk, step), &people, &job.nonce, &work.results.to_string(), job.now).await?;
        let (mut won, mut lost) = (Vec::with_capacity(ready.len()), Vec::new());
        for (person, claimed) in ready.into_iter().zip(claimed) {
            match claimed {
                Claimed::Won => won.push(person),
                Claimed::Lost => lost.push(person),
                Claimed::Not => work.again = true,
            }
        }
        if !lost.is_empty() {
            // Our own, repeated by the SDK after a lost answer; or another run's.
            let subjects: Vec<Subject> = lost.iter().map(|r| r.prospect.subject).collect();
            let claims = outreach.claims(campaign, step, &subjects).await?;
            for (person, claim) in lost.into_iter().zip(claims) {
                match claim {
                    Some(claim) if claim.nonce == job.nonce => won.push(person),
                    Some(theirs) => {
                        join_journal(&mut work.results, &theirs.journal);
                        work.results.join(person.index, Outcome::Unknown);
                        work.results.note(person.index, theirs.variant);
                        outreach.mark_uninformed(campaign, step, person.prospect.subject).await?;
                    }
                    // Released between the two calls: free again.
                    None => work.again = true,
                }
            }
        }
        Ok(won)
    }

    /// Hands one message over, waiting a little when the channel throttles.
    async fn deliver(&self, job: &Job<'_>, person: Permitted, deadline: Deadline) -> Delivered {
        let Permitted { index, route: at, variant, prospect, bytes, permit } = person;
        let subject = permit.subject();
        let delivered = |handed| Delivered { index, route: at, variant, subject, handed };
        let Some(route) = job.routes.get(at) else { return delivered(Handed::Later) };
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let (workspace, delivery) = (job.scope.workspace(), job.delivery);
        let about = About { workspace, campaign, chunk, step, index, subject, variant, delivery };
        let message = Outgoing { from: &route.identity.from_email, to: &prospect.email, bytes, about: Some(about) };
        delivered(route.mailer.hand_over(self, permit, &message, deadline).await)
    }

    async fn release(&self, job: &Job<'_>, people: impl Iterator<Item = &Ready>) -> Result<(), Failure> {
        let outreach = self.db.outreach(&job.scope);
        for person in people {
            outreach.release(job.message.campaign, job.message.step, person.prospect.subject, &job.nonce).await?;
        }
        Ok(())
    }

    /// Puts the chunk on the queue for a time that is near. Waiting is no try.
    async fn come_again(&self, message: &ChunkMessage, until: Timestamp, now: Timestamp) -> Result<(), Failure> {
        let seconds = until.duration_since(now).as_secs_f64().ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 900")]
        let delay = seconds.clamp(1.0, 900.0) as u16;
        self.enqueue(&self.config.send_queue_url, message, delay).await
    }

    /// Puts the chunk on the queue again: in two seconds at first, a quarter of an hour later at most.
    async fn put_back(&self, message: &ChunkMessage, results: &Results) -> Result<(), Failure> {
        let tries = message.tries;
        let delay = (1u16 << tries.min(9)).saturating_mul(2).min(900);
        tracing::info!(campaign = %message.campaign, chunk = message.chunk, open = results.open().len(), delay, "put back");
        let mut message = message.clone();
        message.tries = tries.saturating_add(1);
        self.enqueue(&self.config.send_queue_url, &message, delay).await
    }
}

/// Whether somebody else where this person works has answered.
fn company_stops(
    answered: &HashSet<Company>,
    person: &Prospect,
    workspace: WorkspaceId,
    pepper: &Pepper,
) -> Option<Refusal> {
    let company = (!answered.is_empty()).then(|| Company::of(&person.email, workspace, pepper))?;
    answered.contains(&company?).then_some(Refusal::CompanyReplied)
}

/// What a claim of a later group says about the groups before it.
fn join_journal(results: &mut Results, journal: &str) {
    if let Ok(known) = Results::try_from(journal.to_owned()) {
        results.join_all(&known);
    }
}
