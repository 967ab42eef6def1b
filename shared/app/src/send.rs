//! One chunk: claim, read the opt-outs after the claim, hand over, write down what came of it.
//!
//! Nothing here is retried once it may have been handed over. A message about a chunk may come twice,
//! in any order, after a crash or while another run is still at it; the claims decide who writes to
//! whom, and what a run cannot know it calls unknown.

use std::{collections::HashMap, sync::Arc, time::Duration};

use content::campaign::CampaignTemplate;
use domain::{
    Timestamp,
    campaign::{CampaignStatus, Progress},
    chunk::{Claim, GROUP, Outcome, Results},
    id::CampaignId,
    policy::{Refusal, Rules, SendPermit, may_send, may_send::OptOutsAfterClaim, screen},
    prospect::Prospect,
    sender::Sender,
    subject::Subject,
};
use futures::{StreamExt, stream};
use storage::{
    WorkspaceScope,
    accounts::Workspace,
    outreach::{Claimed, StoredCampaign},
};
use tokio::sync::Mutex;

use crate::{
    App, Deadline, Failure, Kind, chance,
    letter::{Letters, Manner},
    mailer::{About, Handed, Mailer, NO_PASSWORD, Outgoing},
    queues::ChunkMessage,
};

/// Left of an invocation when no new group is begun.
const RESERVE: Duration = Duration::from_secs(20);

/// Times a chunk is put back because its channel would not take it now; then it has failed.
const TRIES: u8 = 24;

/// Templates compiled by this process, by campaign and version.
pub(crate) type Compiled = Mutex<HashMap<(CampaignId, u64), Arc<CampaignTemplate>>>;

/// Everything about a chunk that does not change while it is worked on.
struct Job<'a> {
    scope: WorkspaceScope,
    message: &'a ChunkMessage,
    people: &'a [Subject],
    workspace: Workspace,
    sender: Sender,
    campaign: StoredCampaign,
    templates: Arc<CampaignTemplate>,
    mailer: Mailer,
    nonce: String,
    now: Timestamp,
}

/// One person of a group, with everything that must be known before the claim.
struct Ready {
    index: usize,
    prospect: Prospect,
    cleared: domain::policy::Cleared,
    bytes: Vec<u8>,
}

impl App {
    /// Works through one chunk message.
    pub async fn send_chunk(&self, message: &ChunkMessage, now: Timestamp, deadline: Deadline) -> Result<(), Failure> {
        if self.waits_for_replay(&self.config.send_queue_url, message).await? {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(message.workspace);
        let outreach = self.db.outreach(&scope);
        let people = message.people()?;
        let Some(progress) = outreach.progress(message.campaign).await? else { return Ok(()) };
        let known = outreach.chunk(message.campaign, message.chunk).await?;
        let mut results = known.map_or_else(|| Results::pending(people.len()), |record| record.results);
        if results.settled() {
            return Ok(());
        }
        let workspace = self.db.accounts(&scope).workspace().await?;
        let silent = workspace.as_ref().is_some_and(Workspace::is_silent);
        let progress = if silent { self.pause_silent(&scope, progress, now).await? } else { progress };
        let Some(progress) = self.unless_paused(&scope, message, &people, &results, progress, now).await? else {
            return Ok(());
        };
        let refusal = match (&workspace, progress.status) {
            (Some(_), CampaignStatus::Sending) if !silent => None,
            (Some(_), CampaignStatus::Cancelled) => Some(Refusal::Cancelled),
            _ => Some(Refusal::AccountClosed),
        };
        if let Some(refusal) = refusal {
            return self.end_rest(&scope, message, &people, results, Outcome::Refused(refusal), now).await;
        }
        let job = match self.job(scope.clone(), message, &people, workspace, now).await {
            // Closed and reopened while it went out: it waits for whoever enters the password again.
            Err(failure) if failure.slug == NO_PASSWORD => {
                let progress = self.pause_silent(&scope, progress, now).await?;
                self.unless_paused(&scope, message, &people, &results, progress, now).await?;
                return Ok(());
            }
            // The relay cannot be reached at all: later, and after many times never.
            Err(failure) if failure.kind == Kind::Unavailable && message.tries < TRIES => {
                tracing::warn!(campaign = %message.campaign, cause = failure.cause.as_deref(), "no channel");
                return self.put_back(message, &results).await;
            }
            Err(failure) if failure.kind == Kind::Unavailable => {
                return self.end_rest(&scope, message, &people, results, Outcome::Failed, now).await;
            }
            job => job?,
        };
        let mut worked = Ok(false);
        for group in results.open().chunks(GROUP) {
            if !matches!(worked, Ok(false)) || deadline.left() < RESERVE {
                break;
            }
            worked = self.work_group(&job, group, &mut results, deadline).await;
        }
        // Whatever went wrong, what is known of those who were written to is written down first.
        let results = outreach.settle(message.campaign, message.chunk, &people, &results, now).await?;
        worked?;
        if results.settled() {
            return Ok(());
        }
        self.put_back(message, &results).await
    }

    /// `None` when the campaign is paused: the chunk is then put down for the resume to find.
    async fn unless_paused(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        people: &[Subject],
        results: &Results,
        progress: Progress,
        now: Timestamp,
    ) -> Result<Option<Progress>, Failure> {
        if progress.status != CampaignStatus::Paused {
            return Ok(Some(progress));
        }
        let outreach = self.db.outreach(scope);
        outreach.settle(message.campaign, message.chunk, people, results, now).await?;
        // A resume that came between the two reads may have looked for such chunks already.
        let again = outreach.progress(message.campaign).await?;
        Ok(again.filter(|progress| progress.status != CampaignStatus::Paused))
    }

    /// Nobody else of this chunk is written to. Who was claimed by a run that died may have been.
    async fn end_rest(
        &self,
        scope: &WorkspaceScope,
        message: &ChunkMessage,
        people: &[Subject],
        mut results: Results,
        end: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        let open = results.open();
        let subjects: Vec<Subject> = open.iter().filter_map(|index| people.get(*index).copied()).collect();
        let claims = outreach.claims(message.campaign, &subjects).await?;
        for (_, journal) in claims.iter().flatten() {
            join_journal(&mut results, journal);
        }
        for (index, claim) in open.into_iter().zip(claims) {
            results.join(index, if claim.is_some() { Outcome::Unknown } else { end });
        }
        outreach.settle(message.campaign, message.chunk, people, &results, now).await?;
        Ok(())
    }

    async fn job<'a>(
        &self,
        scope: WorkspaceScope,
        message: &'a ChunkMessage,
        people: &'a [Subject],
        workspace: Option<Workspace>,
        now: Timestamp,
    ) -> Result<Job<'a>, Failure> {
        let missing = |what: &str| Failure::internal(format!("a campaign under way without its {what}"));
        let campaign = self.db.outreach(&scope).campaign(message.campaign).await?.ok_or_else(|| missing("text"))?;
        let sender = self.db.accounts(&scope).sender().await?.ok_or_else(|| missing("sender"))?;
        let mailer = self.mailer(&scope, &sender).await?;
        Ok(Job {
            templates: self.compiled(&campaign).await?,
            workspace: workspace.ok_or_else(|| missing("workspace"))?,
            nonce: hex::encode(chance::<6>()),
            scope,
            message,
            people,
            sender,
            campaign,
            mailer,
            now,
        })
    }

    async fn compiled(&self, campaign: &StoredCampaign) -> Result<Arc<CampaignTemplate>, Failure> {
        let mut cache = self.compiled.lock().await;
        if let Some(templates) = cache.get(&(campaign.id, campaign.version)) {
            return Ok(Arc::clone(templates));
        }
        let content = &campaign.content;
        let templates = CampaignTemplate::stored(&content.subject, &content.text, content.html.as_deref())
            .map_err(|_| Failure::internal("a launched campaign whose templates cannot be read"))?;
        let templates = Arc::new(templates);
        cache.insert((campaign.id, campaign.version), Arc::clone(&templates));
        Ok(templates)
    }

    /// Claims and writes to the people at `group`. True when some have to wait for another time.
    async fn work_group(
        &self,
        job: &Job<'_>,
        group: &[usize],
        results: &mut Results,
        deadline: Deadline,
    ) -> Result<bool, Failure> {
        let ready = self.prepare(job, group, results).await?;
        let (mut won, mut later) = self.claim(job, ready, results).await?;
        if won.is_empty() {
            return Ok(later);
        }
        // After the claim, strongly consistent: whoever objected before this read is not written to.
        let subjects: Vec<Subject> = won.iter().map(|r| r.prospect.subject).collect();
        let opt_outs = match self.db.suppressions(&job.scope).among(&subjects, job.now).await {
            Ok(found) => OptOutsAfterClaim::read(found),
            Err(error) => {
                self.release(job, won.iter()).await?;
                return Err(error.into());
            }
        };
        let mut permitted = Vec::with_capacity(won.len());
        for person in won.drain(..) {
            let claim = Claim::won(person.prospect.subject);
            match may_send(person.cleared, &claim, &opt_outs) {
                Ok(permit) => permitted.push((person.index, person.prospect, person.bytes, permit)),
                Err(refusal) => results.join(person.index, Outcome::Refused(refusal)),
            }
        }
        let handed: Vec<(usize, Subject, Handed)> = stream::iter(permitted)
            .map(|(index, prospect, bytes, permit)| self.deliver(job, index, prospect, bytes, permit, deadline))
            .buffer_unordered(job.mailer.concurrency())
            .collect()
            .await;
        let (mut again, mut uninformed) = (Vec::new(), Vec::new());
        for (index, subject, handed) in handed {
            match handed {
                Handed::Accepted => results.join(index, Outcome::Sent),
                Handed::Unknown => {
                    results.join(index, Outcome::Unknown);
                    uninformed.push(subject);
                }
                Handed::Later if job.message.tries < TRIES => again.push(subject),
                Handed::Rejected | Handed::Later => {
                    results.join(index, Outcome::Failed);
                    uninformed.push(subject);
                }
            }
        }
        let outreach = self.db.outreach(&job.scope);
        later |= !again.is_empty();
        for subject in again {
            outreach.release(job.message.campaign, subject, &job.nonce).await?;
        }
        for subject in uninformed {
            outreach.mark_uninformed(job.message.campaign, subject).await?;
        }
        Ok(later)
    }

    /// Reads the people, and writes the message of everyone whom nothing speaks against so far.
    async fn prepare(&self, job: &Job<'_>, group: &[usize], results: &mut Results) -> Result<Vec<Ready>, Failure> {
        let subjects: Vec<Subject> = group.iter().filter_map(|index| job.people.get(*index).copied()).collect();
        let mut found: HashMap<Subject, Prospect> =
            self.db.prospects(&job.scope).batch_get(&subjects).await?.into_iter().map(|p| (p.subject, p)).collect();
        let letters = Letters {
            workspace: job.scope.workspace(),
            campaign: job.campaign.id,
            content: &job.campaign.content,
            templates: &job.templates,
            sender: &job.sender.identity,
            retention_months: job.workspace.retention_months,
            public_url: &self.config.public_url,
            inbound_domain: &self.config.inbound_domain,
            pepper: self.pepper().await?,
        };
        let rules = Rules { retention_months: job.workspace.retention_months };
        let mut ready = Vec::with_capacity(group.len());
        for (&index, subject) in group.iter().zip(subjects) {
            let prospect = found.remove(&subject);
            let manner = Manner {
                date: job.now,
                informed: job.message.informed(index),
                test: false,
                preview: false,
                smtputf8: job.mailer.smtputf8(),
            };
            let written = screen(prospect.as_ref(), rules, job.now).and_then(|cleared| {
                let prospect = prospect.ok_or(Refusal::Erased)?;
                let rendered = letters.render(&prospect)?;
                let bytes = letters.compose(&prospect, &rendered, manner)?;
                Ok(Ready { index, prospect, cleared, bytes })
            });
            match written {
                Ok(person) => ready.push(person),
                Err(refusal) => results.join(index, Outcome::Refused(refusal)),
            }
        }
        Ok(ready)
    }

    /// Claims people in one call: those who are ours now, and whether some could not be claimed yet.
    async fn claim(
        &self,
        job: &Job<'_>,
        ready: Vec<Ready>,
        results: &mut Results,
    ) -> Result<(Vec<Ready>, bool), Failure> {
        if ready.is_empty() {
            return Ok((ready, false));
        }
        let outreach = self.db.outreach(&job.scope);
        let (campaign, chunk) = (job.message.campaign, job.message.chunk);
        let people: Vec<(usize, Subject)> = ready.iter().map(|r| (r.index, r.prospect.subject)).collect();
        let claimed = outreach.claim(campaign, chunk, &people, &job.nonce, &results.to_string(), job.now).await?;
        let (mut won, mut lost, mut later) = (Vec::with_capacity(ready.len()), Vec::new(), false);
        for (person, claimed) in ready.into_iter().zip(claimed) {
            match claimed {
                Claimed::Won => won.push(person),
                Claimed::Lost => lost.push(person),
                Claimed::Not => later = true,
            }
        }
        if !lost.is_empty() {
            // Our own, repeated by the SDK after a lost answer; or another run's.
            let subjects: Vec<Subject> = lost.iter().map(|r| r.prospect.subject).collect();
            let claims = outreach.claims(campaign, &subjects).await?;
            for (person, claim) in lost.into_iter().zip(claims) {
                match claim {
                    Some((nonce, _)) if nonce == job.nonce => won.push(person),
                    Some((_, journal)) => {
                        join_journal(results, &journal);
                        results.join(person.index, Outcome::Unknown);
                        outreach.mark_uninformed(campaign, person.prospect.subject).await?;
                    }
                    // Released between the two calls: free again.
                    None => later = true,
                }
            }
        }
        Ok((won, later))
    }

    /// Hands one message over, waiting a little when the channel throttles.
    async fn deliver(
        &self,
        job: &Job<'_>,
        index: usize,
        prospect: Prospect,
        bytes: Vec<u8>,
        permit: SendPermit,
        deadline: Deadline,
    ) -> (usize, Subject, Handed) {
        let subject = permit.subject();
        let ChunkMessage { campaign, chunk, .. } = *job.message;
        let about = About { workspace: job.scope.workspace(), campaign, chunk, index, subject };
        let message =
            Outgoing { from: &job.sender.identity.from_email, to: &prospect.email, bytes, about: Some(about) };
        (index, subject, job.mailer.hand_over(self, permit, &message, deadline).await)
    }

    async fn release(&self, job: &Job<'_>, people: impl Iterator<Item = &Ready>) -> Result<(), Failure> {
        let outreach = self.db.outreach(&job.scope);
        for person in people {
            outreach.release(job.message.campaign, person.prospect.subject, &job.nonce).await?;
        }
        Ok(())
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

/// What a claim of a later group says about the groups before it.
fn join_journal(results: &mut Results, journal: &str) {
    if let Ok(known) = Results::try_from(journal.to_owned()) {
        results.join_all(&known);
    }
}
