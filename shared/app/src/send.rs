//! One chunk at one step: claim, read the opt-outs after the claim, hand over, write down what came of it.
//!
//! Nothing here is retried once it may have been handed over. A message about a chunk may come twice,
//! in any order, after a crash or while another run is still at it; the claims decide who writes to
//! whom, and what a run cannot know it calls unknown.
//!
//! Here is the way of a chunk from its message to its end; its stages are in a file each, in the order of the walk:
//! [`job`], [`routes`], [`hindered`], [`prepare`], [`receivers`], [`claim`], [`hand_over`], [`did`], [`settle`], [`after`].

mod after;
mod claim;
mod did;
mod hand_over;
mod hindered;
mod job;
mod late;
mod prepare;
mod receivers;
mod routes;
mod settle;
mod variants;

use std::{collections::VecDeque, time::Duration};

use domain::{
    SignedDuration, Timestamp,
    bounce::Evidence,
    campaign::{CampaignStatus, Halt},
    chunk::{GROUP, Outcome, Results},
    pace::{Because, Wait},
    policy::Refusal,
};
use storage::{WorkspaceScope, accounts::Workspace};

use self::{after::Found, hindered::Closed, job::Job, routes::Routes, settle::delay_after};
pub(crate) use self::{hindered::GoingOn, job::Compiled};
use crate::{
    App, Deadline, Failure, Kind,
    feedback::RETURNED,
    mailer::{NO_PASSWORD, Standing},
    queues::ChunkMessage,
};

/// Left of an invocation when no new group is begun.
const RESERVE: Duration = Duration::from_secs(20);

/// When to look again whether the account at SES takes messages, once those of its day are used up (its day is the last 24 hours), or
/// somebody has paused it.
const SES_AGAIN: SignedDuration = SignedDuration::from_hours(1);

/// After so long no new group is begun, so that a slow channel of one workspace leaves hands for others.
const TURN: Duration = Duration::from_secs(45);

/// How long a chunk may wait on the queue; one that waits longer is noted as due.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// A campaign is under way and none of its channels is there.
const NO_CHANNEL: &str = "no-channel";

/// Times a chunk is put back because what it needs is not there now; then its message is left to the queue.
const TRIES: u8 = 24;

/// What is known so far of a chunk that is worked on.
struct Work {
    results: Results,
    /// Somebody has to come again soon.
    again: bool,
    /// When the first of those who wait has to come again: their window opens, or their channel takes more.
    waits: Option<Timestamp>,
    /// Until when, and why, those wait who go by the account at SES.
    ses: Option<Wait>,
    /// Since when somebody of it is put off by their channel, because of who they are.
    put_off: Option<Timestamp>,
    /// Whose address their channel says to be bad, by their places, with what it said.
    bounced: Vec<(usize, Evidence)>,
}

impl Work {
    const fn new(results: Results) -> Self {
        let (again, waits, ses, put_off) = (false, None, None, None);
        Self { results, again, waits, ses, put_off, bounced: Vec::new() }
    }

    fn wait(&mut self, until: Timestamp) {
        self.waits = Some(self.waits.map_or(until, |first| first.min(until)));
    }

    /// Nobody else of this chunk goes by SES: it is looked at again later.
    fn leave_ses(&mut self, routes: &mut Routes, because: Because, now: Timestamp) {
        let until = now + SES_AGAIN;
        self.ses = Some(Wait { until, because });
        self.wait(until);
        routes.close_ses(until);
    }
}

impl App {
    /// Works through one chunk message that was received at `now`, for the first time or after a run that failed.
    pub async fn send_chunk(
        &self,
        message: &ChunkMessage,
        (now, receives): (Timestamp, u32),
        deadline: Deadline,
    ) -> Result<(), Failure> {
        if self.waits_for_replay(&self.config.send_queue_url, message).await? {
            return Ok(());
        }
        let scope = WorkspaceScope::internal(message.workspace);
        let outreach = self.db.outreach(&scope);
        let Some(progress) = outreach.progress(message.campaign).await? else { return Ok(()) };
        let so_far = self.so_far(&scope, message.campaign, message.chunk).await?;
        let Some(mut found) = Found::of(message, so_far)? else { return Ok(()) };
        // One that was put back for it is ahead. A queue that delivers twice would have each of them put back, twice as many every time.
        let round = message.round.unwrap_or(found.round);
        if round < found.round {
            return Ok(());
        }
        // Whoever put this one back has not said so yet, and is not to say it once it is done with.
        if round > found.round {
            outreach.note_round(message.campaign, (message.chunk, message.step), round).await?;
        }
        let message = &message.of_round(round);
        // The time is that of the first receipt: windows, caps and claims want the present one, which a new message has.
        if receives > 1 && message.tries < TRIES && !found.is_through(progress.steps, message.step) {
            return self.enqueue(&self.config.send_queue_url, &message.after(message.tries + 1), 0).await;
        }
        if found.results.settled() {
            return self.after_step(&scope, message, found, &progress, now).await;
        }
        let workspace = self.db.accounts(&scope).workspace().await?;
        let silent = workspace.as_ref().and_then(silenced);
        // It waits, and whoever may send again resumes it (A29, A70).
        let progress = match silent {
            Some(halt) => self.pause_halted(&scope, progress, halt, now).await?,
            None => progress,
        };
        let Some(progress) = self.unless_paused(&scope, message, &found, progress, now).await? else {
            return Ok(());
        };
        let refusal = match (&workspace, progress.status) {
            (Some(_), CampaignStatus::Sending) if silent.is_none() => None,
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
                let progress = self.pause_halted(&scope, progress, Halt::NoChannel, now).await?;
                self.unless_paused(&scope, message, &found, progress, now).await?;
                return Ok(());
            }
            // Closed and reopened while it went out: it waits for whoever enters the password again.
            Err(failure) if failure.slug == NO_PASSWORD => {
                let progress = self.pause_halted(&scope, progress, Halt::WorkspaceClosed, now).await?;
                self.unless_paused(&scope, message, &found, progress, now).await?;
                return Ok(());
            }
            // What it needs of ours is not there: that is nobody's outcome.
            Err(failure) if failure.kind == Kind::Unavailable && message.tries < TRIES => {
                tracing::warn!(campaign = %message.campaign, cause = failure.cause.as_deref(), "nothing to work with");
                let later = message.after(message.tries + 1);
                return self.enqueue(&self.config.send_queue_url, &later, delay_after(message.tries)).await;
            }
            job => job?,
        };
        let mut work = Work::new(found.results.clone());
        let worked = self.work(&mut job, &mut work, deadline).await;
        self.give_back_rest(&mut job).await;
        self.give_back_receivers(&mut job).await;
        self.go_on_without_the_slow(&job, &mut work).await?;
        let Work { results, again, waits, ses, put_off, bounced } = work;
        let later = waits.filter(|until| until.duration_since(now) > SOON);
        // Before the record has them as pending: whoever reads that need not think of them.
        if let Some(until) = later {
            outreach.note_due(message.campaign, (message.chunk, message.step), until).await?;
        }
        // So that whoever looks at the campaign sees why it stands still.
        if let Some(wait) = ses
            && let Err(error) = outreach.note_ses(message.campaign, wait).await
        {
            tracing::warn!(campaign = %message.campaign, %error, "nobody is told of the account at SES");
        }
        self.tell_outcomes(&scope, message, (&found.results, &results), now).await;
        self.tell_bounced(&scope, message, &bounced, now).await;
        // Whatever went wrong, what is known of those who were written to is written down first.
        let next = found.next(&results, (&job.campaign.content, &job.country, &job.routes.zone), message.step, now);
        let people = (found.people.as_slice(), &results);
        let at = (message.chunk, message.step);
        let results = match put_off {
            Some(since) => outreach.settle_put_off(message.campaign, at, people, since, now).await?,
            None => outreach.settle(message.campaign, at, people, next, now).await?,
        };
        if !bounced.is_empty() {
            self.try_report(&scope, message.campaign, RETURNED).await;
        }
        worked?;
        let moved_on = results.open().len() < found.results.open().len();
        let ses = ses.is_some_and(|wait| wait.because == Because::SesPaused);
        let closed = Closed { channels: job.routes.unusable(), ses };
        let halt = if results.settled() { None } else { self.what_halts(&scope, &progress, &closed, now).await? };
        if let Some(halt) = halt {
            match halt {
                Halt::SendingPaused => tracing::error!(campaign = %message.campaign, ?halt, "nothing leaves"),
                _ => {
                    tracing::warn!(campaign = %message.campaign, ?halt, "nothing leaves");
                }
            }
            let progress = self.pause_halted(&scope, progress, halt, now).await?;
            // It is written down already; a resume that came in between may have missed it.
            if progress.status == CampaignStatus::Paused {
                return Ok(());
            }
            return self.put_back(message, &results, moved_on).await;
        }
        if !results.settled() {
            return match (waits, later) {
                (Some(_), Some(_)) if !again => Ok(()),
                (Some(until), None) if !again => self.come_again(message, until, now).await,
                _ => self.put_back(message, &results, moved_on).await,
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
                Standing::QuotaUsed => work.leave_ses(&mut job.routes, Because::SesQuota, job.now),
                Standing::Paused => work.leave_ses(&mut job.routes, Because::SesPaused, job.now),
            }
        }
        let mut todo = VecDeque::from(work.results.open());
        let enough = deadline.left().saturating_sub(TURN).max(RESERVE);
        while !todo.is_empty() && !work.again {
            if deadline.left() < enough {
                work.again = true;
                break;
            }
            // Of an account that sends slowly no more are claimed than can leave.
            let most = if job.routes.any_by_ses() { GROUP.min(self.ses_standing.room(TURN)) } else { GROUP };
            let group = self.next_group(job, &mut todo, most, work).await?;
            if group.is_empty() {
                break;
            }
            self.work_group(job, &group, work, deadline).await?;
        }
        Ok(())
    }
}

/// Why nothing of a workspace leaves, if nothing does.
fn silenced(workspace: &Workspace) -> Option<Halt> {
    let suspended = workspace.suspended_at.is_some().then_some(Halt::WorkspaceSuspended);
    suspended.or_else(|| workspace.is_closed().then_some(Halt::WorkspaceClosed))
}
