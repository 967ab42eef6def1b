//! Which variant of a step somebody gets, and when one of them has won.

use domain::{
    Timestamp,
    campaign::Progress,
    sequence::{Choice, FIRST},
    subject::{Pepper, Subject},
    variant::{By, Decision, Letter, Standing},
};
use storage::{WorkspaceScope, outreach::StoredCampaign};

use super::job::Job;
use crate::{App, Failure};

/// What somebody's message is made of: of the winner's variant, or of that of their lot; and of the one that they
/// got, where it replies to it.
pub(super) fn choice(job: &Job<'_>, pepper: &Pepper, index: usize, person: Subject) -> Choice {
    let (content, id) = (&job.campaign.content, job.campaign.id);
    let lot = |step| content.step(step)?.pick(pepper.lot(id, step, person));
    let got = |step: u8| {
        let earlier = job.found.earlier.get(usize::from(step.saturating_sub(FIRST)));
        earlier.and_then(|results| results.variant(index)).or_else(|| lot(step))
    };
    let step = job.message.step;
    content.choice(step, job.winner.or_else(|| lot(step)), got)
}

impl App {
    /// The variant that whoever is left gets, if that is decided. Where it can be by now it is decided here, and only
    /// here: what is written down first holds. Whoever is in a chunk that others are at gets what they began with.
    pub(super) async fn winner(
        &self,
        scope: &WorkspaceScope,
        (campaign, clicks): (&StoredCampaign, bool),
        progress: &Progress,
        step: u8,
        now: Timestamp,
    ) -> Result<Option<Letter>, Failure> {
        let contested = campaign.content.step(step).and_then(|written| Some((written.winner?, &written.variants)));
        let Some((contest, variants)) = contested else { return Ok(None) };
        if let Some(decision) = progress.winner(step) {
            return Ok(Some(decision.variant));
        }
        // Switched off meanwhile: what was recorded before is no contest any more.
        if contest.by == By::Clicks && !clicks {
            return Ok(None);
        }
        let outreach = self.db.outreach(scope);
        let tallies = outreach.tallies_of(campaign.id, step).await?;
        let seen = tallies.seen(step, variants.len());
        let Standing::Ahead(variant) = contest.standing(variants, &seen, tallies.begun(step), now) else {
            return Ok(None);
        };
        let winners = outreach.decide(progress, Decision { step, variant, at: now, seen }).await?;
        let decided = winners.into_iter().find(|decision| decision.step == step).map(|decision| decision.variant);
        tracing::info!(campaign = %campaign.id, step, ?decided, "a variant has won");
        Ok(decided)
    }
}
