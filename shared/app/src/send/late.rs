//! Whoever is away, or put off by their channel because of who they are, or waits for more than a day although others of their chunk were
//! written to: the others go on, and they follow in a chunk of their own.
//!
//! Their place in the chunk says so ([`Outcome::Postponed`]), and is counted nowhere; in the chunk of their own, which is
//! due when they are back, they are counted as anybody. Until the place says so, the chunk of their own does
//! nothing: whichever of the two is first, one of them has the person, and the claim is by person and step anyway.

use domain::{
    Timestamp, absence,
    calendar::{Opening, Place},
    chunk::{ChunkRecord, Outcome, Results, holds_up, late, origin},
    id::CampaignId,
    prospect::Prospect,
    sequence::FIRST,
    subject::Subject,
};
use storage::{WorkspaceScope, outreach::Names};

use super::{Work, job::Job};
use crate::{App, Failure};

/// When somebody who is away gets this step; `None` for now. The first step waits for nobody: they have not been written to.
pub(super) fn away(job: &Job<'_>, person: &Prospect) -> Option<Timestamp> {
    let back = person.away_until.filter(|_| job.message.step > FIRST)?;
    let content = &job.campaign.content;
    let place = Place::of(person.details.country.as_deref(), &person.email);
    let own = content.zone(&job.routes.zone);
    let zone = place.map_or_else(|| own.clone(), |place| place.zone());
    let at = absence::resumes(back, job.now, &zone)?;
    Some(match content.window.as_ref().map(|window| window.opening(place, &own, at)) {
        Some(Opening::At(opens)) => opens,
        Some(Opening::Now) | None => at,
    })
}

/// What came of a wish to write to somebody later.
pub(super) enum Postponed {
    /// In a chunk of their own.
    Yes,
    /// They are alone in theirs, or there is no number left: it waits.
    Waits,
    /// Somebody has claimed them already: nobody knows whether they were written to.
    Claimed,
}

impl App {
    /// Where others of a chunk have been written to for a day and more, whoever still waits goes on alone, so that the next step of the
    /// others is due. Where there is none nobody waits for anybody.
    pub(super) async fn go_on_without_the_slow(&self, job: &Job<'_>, work: &mut Work) -> Result<(), Failure> {
        let has_next = job.campaign.content.step(job.message.step.saturating_add(1)).is_some();
        let waited = job.found.begun.zip(work.waits).filter(|(begun, until)| holds_up(*begun, *until));
        let Some((_, until)) = waited.filter(|_| has_next && !work.again) else { return Ok(()) };
        let put_off = job.found.put_off;
        for index in work.results.open() {
            let Some(person) = job.found.people.get(index) else { continue };
            match self.postpone(job, (index, *person), until, put_off).await? {
                Postponed::Yes => work.results.join(index, Outcome::Postponed),
                // They wait here.
                Postponed::Waits => {}
                Postponed::Claimed => work.again = true,
            }
        }
        Ok(())
    }

    /// Puts somebody of a chunk into one of their own that is due at `until`. Their channel has put them off since `put_off`, if that is why.
    pub(super) async fn postpone(
        &self,
        job: &Job<'_>,
        (index, person): (usize, Subject),
        until: Timestamp,
        put_off: Option<Timestamp>,
    ) -> Result<Postponed, Failure> {
        let (campaign, step) = (job.message.campaign, job.message.step);
        let Some(late) = late(job.message.chunk, index).filter(|_| job.found.people.len() > 1) else {
            return Ok(Postponed::Waits);
        };
        let outreach = self.db.outreach(&job.scope);
        if outreach.claims(campaign, step, &[person]).await?.iter().any(Option::is_some) {
            return Ok(Postponed::Claimed);
        }
        // Before their place in the chunk says so: whoever reads that need not think of them.
        outreach.note_due(campaign, (late, step), until).await?;
        let (at, alone) = ((late, step), Results::pending(1));
        let alone = (&[person][..], &alone);
        match put_off {
            Some(since) => outreach.settle_put_off(campaign, at, alone, since, job.now).await?,
            None => outreach.settle(campaign, at, alone, None, job.now).await?,
        };
        Ok(Postponed::Yes)
    }

    /// A chunk's records at all steps so far, strongly consistent. Those of one who was postponed begin with what became of them
    /// in the chunk that they come from; there are none as long as that one does not say that they are here.
    pub(super) async fn so_far(
        &self,
        scope: &WorkspaceScope,
        campaign: CampaignId,
        chunk: u32,
    ) -> Result<Vec<ChunkRecord>, Failure> {
        let outreach = self.db.outreach(scope);
        let own = outreach.chunk_so_far(campaign, chunk).await?;
        let Some((before, index)) = origin(chunk) else {
            return Ok(own.into_iter().map(|(_, record)| record).collect());
        };
        let Some((begins, subjects)) = own.first().map(|(step, record)| (*step, record.subjects.clone())) else {
            return Ok(Vec::new());
        };
        let earlier = outreach.chunk_so_far(campaign, before).await?;
        let is_here = |(step, record): &(u8, ChunkRecord)| {
            *step == begins && record.results.get(index) == Some(Outcome::Postponed)
        };
        if !earlier.iter().any(is_here) {
            return Ok(Vec::new());
        }
        let theirs = earlier.into_iter().filter(|(step, _)| *step < begins).map(|(_, record)| ChunkRecord {
            subjects: subjects.clone(),
            results: record.results.alone(index),
            ..record
        });
        Ok(theirs.chain(own.into_iter().map(|(_, record)| record)).collect())
    }

    /// What the messages of a chunk were called; of one who was postponed, those in the chunk that they come from, too.
    pub(super) async fn names(
        &self,
        scope: &WorkspaceScope,
        campaign: CampaignId,
        chunk: u32,
    ) -> Result<Names, Failure> {
        let outreach = self.db.outreach(scope);
        let mut names = outreach.names(campaign, chunk).await?;
        if let Some((before, index)) = origin(chunk) {
            let earlier = outreach.names(campaign, before).await?;
            let theirs = earlier.into_iter().filter(|((_, place), _)| *place == index);
            names.extend(theirs.map(|((step, _), name)| ((step, 0), name)));
        }
        Ok(names)
    }
}
