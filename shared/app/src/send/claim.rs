//! The claim, and what is read after it: whoever objected or stopped before that read is not written to.

use std::time::Instant;

use domain::{
    SignedDuration,
    campaign::CampaignStatus,
    chunk::{Claim, Got, Outcome, Results},
    policy::{
        Refusal, SendPermit, may_send,
        may_send::{OptOutsAfterClaim, StopsAfterClaim},
    },
    prospect::Prospect,
    sequence::{Earlier, FIRST},
    subject::Subject,
};
use storage::{StoreError, outreach::Claimed};

use super::{
    Work,
    job::Job,
    prepare::{Ready, company_stops},
};
use crate::{App, Failure, queues::ChunkMessage};

/// How long after a claim its run may be at it: longer than `send` may take (`Timeout` in template.yaml).
const LEASE: SignedDuration = SignedDuration::from_mins(3);

/// One who was claimed, and whom nothing speaks against.
pub(super) struct Permitted {
    pub(super) index: usize,
    pub(super) route: usize,
    pub(super) got: Got,
    pub(super) prospect: Prospect,
    pub(super) bytes: Vec<u8>,
    pub(super) permit: SendPermit,
}

impl App {
    /// Claims people, and gives those of them whom nothing speaks against after it.
    pub(super) async fn permitted(
        &self,
        job: &Job<'_>,
        ready: Vec<Ready>,
        work: &mut Work,
    ) -> Result<(Vec<Permitted>, Instant), Failure> {
        let won = self.claim(job, ready, work).await?;
        // What is read is as old as the question, not as the answer.
        let asked = Instant::now();
        if won.is_empty() {
            return Ok((Vec::new(), asked));
        }
        // After the claim, strongly consistent: whoever objected before this read is not written to, and nobody is once the
        // campaign is paused or cancelled. Whoever cancels it reads the claims after that, so that one of the two sees the other.
        let read = futures::try_join!(self.read_after_claim(job, &won), self.status(job));
        let ((opt_outs, stops), status) = match read {
            Ok(read) => read,
            Err(failure) => {
                self.release(job, won.iter()).await?;
                return Err(failure);
            }
        };
        if status != Some(CampaignStatus::Sending) {
            self.release(job, won.iter()).await?;
            if status == Some(CampaignStatus::Cancelled) {
                won.iter().for_each(|person| work.results.join(person.index, Outcome::Refused(Refusal::Cancelled)));
            }
            work.again = true;
            return Ok((Vec::new(), asked));
        }
        let mut permitted = Vec::with_capacity(won.len());
        for person in won {
            let Ready { index, route, got, prospect, cleared, bytes } = person;
            let claim = Claim::won(prospect.subject);
            match may_send(cleared, &claim, &opt_outs, &stops) {
                Ok(permit) => permitted.push(Permitted { index, route, got, prospect, bytes, permit }),
                Err(refusal) => work.results.join(index, Outcome::Refused(refusal)),
            }
        }
        Ok((permitted, asked))
    }

    /// Where the campaign stands now.
    async fn status(&self, job: &Job<'_>) -> Result<Option<CampaignStatus>, Failure> {
        Ok(self.db.outreach(&job.scope).progress(job.message.campaign).await?.map(|progress| progress.status))
    }

    /// Claims people in one call: those who are ours now. Some may have to come again.
    async fn claim(&self, job: &Job<'_>, ready: Vec<Ready>, work: &mut Work) -> Result<Vec<Ready>, Failure> {
        if ready.is_empty() {
            return Ok(ready);
        }
        let outreach = self.db.outreach(&job.scope);
        let ChunkMessage { campaign, chunk, step, .. } = *job.message;
        let people: Vec<_> = ready.iter().map(|r| (r.index, r.prospect.subject, r.got)).collect();
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
                    // It may be under way, or given back in a moment: what becomes of it, its run writes down.
                    Some(theirs) if job.now.duration_since(theirs.at).abs() < LEASE => work.wait(theirs.at + LEASE),
                    Some(theirs) => {
                        match outreach.mark_uninformed(campaign, step, person.prospect.subject, None).await {
                            // Its run was late, not dead, and gives it back: free again.
                            Err(StoreError::Conflict) => {
                                work.again = true;
                                continue;
                            }
                            marked => marked?,
                        }
                        join_journal(&mut work.results, &theirs.journal);
                        work.results.join(person.index, Outcome::Unknown);
                        work.results.note(person.index, theirs.got);
                    }
                    // Released between the two calls: free again.
                    None => work.again = true,
                }
            }
        }
        Ok(won)
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

    async fn release(&self, job: &Job<'_>, people: impl Iterator<Item = &Ready>) -> Result<(), Failure> {
        let outreach = self.db.outreach(&job.scope);
        for person in people {
            outreach.release(job.message.campaign, job.message.step, person.prospect.subject, &job.nonce).await?;
        }
        Ok(())
    }
}

/// What a claim of a later group says about the groups before it.
pub(super) fn join_journal(results: &mut Results, journal: &str) {
    if let Ok(known) = Results::try_from(journal.to_owned()) {
        results.join_all(&known);
    }
}
