//! Which people are due.

use domain::{policy::retention::Class, prospect::Prospect, subject::Subject, suppression::SuppressionReason};
use storage::{WorkspaceScope, db::Item, prospects::read_prospect, sweep::key_of};

use super::{
    Found, Pass,
    due::{self, Due, Notice, Why},
};
use crate::{App, Failure};

impl App {
    /// Which prospects of a page are due: too old (A35, A72, A73), never informed (A69), objected or erased
    /// (A61), or of a closed workspace (A74). And who will soon be, because nobody informed them.
    pub(super) async fn due_prospects(&self, items: &[Item], pass: &Pass) -> Result<Found, Failure> {
        let mut found = Found::default();
        let mut start = 0;
        // Items of one partition are neighbours: one question each to the deliveries and the opt-outs.
        for shard in items.chunk_by(|a, b| a.get("pk") == b.get("pk")) {
            self.due_in_shard(shard, start, pass, &mut found).await?;
            start += shard.len();
        }
        Ok(found)
    }

    async fn due_in_shard(&self, items: &[Item], start: usize, pass: &Pass, found: &mut Found) -> Result<(), Failure> {
        let Pass { census, now, .. } = pass;
        let now = *now;
        let Some(first) = items.first() else { return Ok(()) };
        let Some(workspace) = storage::keys::workspace_of(&key_of(first)?.pk) else { return Ok(()) };
        let due = |index: usize, class, guard, since, why| Due { index: start + index, class, guard, since, why };
        let class = census.class_of_people(workspace);
        if let Some(since) = census.dead_since(workspace, now) {
            let all = 0..items.len();
            found.due.extend(all.map(|index| due(index, class, None, since, Why::AccountOver)));
            return Ok(());
        }
        // Just made: the next run's business.
        let Some(rules) = census.rules(workspace) else { return Ok(()) };
        let scope = WorkspaceScope::internal(workspace);
        let prospects = items.iter().map(|item| read_prospect(item.clone())).collect::<Result<Vec<_>, _>>()?;
        let subjects: Vec<Subject> = prospects.iter().map(|p| p.subject).collect();
        let suppressed = self.db.suppressions(&scope).among(&subjects, now).await?;
        // Who asked that their data be kept and not used (art. 18(1)(b)) still wants it kept when they object as well.
        let objected = |prospect: &Prospect| {
            let stands = suppressed.iter().find(|suppression| suppression.subject == prospect.subject)?;
            let goes = match stands.reason {
                SuppressionReason::HardBounced | SuppressionReason::SoftBounced => false,
                SuppressionReason::OptedOut | SuppressionReason::Complained => prospect.restricted_by.is_none(),
                SuppressionReason::Erased => true,
            };
            goes.then_some((stands.since, stands.reason))
        };
        let waiting: Vec<Subject> =
            prospects.iter().filter(|p| due::notice(p, now).is_some()).map(|p| p.subject).collect();
        let informed = match (waiting.first(), waiting.last()) {
            (Some(from), Some(to)) => self.db.outreach(&scope).contacted(from.shard(), *from, *to).await?,
            _ => Default::default(),
        };
        for (index, prospect) in prospects.iter().enumerate() {
            let notice = due::notice(prospect, now).filter(|_| !informed.contains(&prospect.subject));
            let over = Some(due::kept_until(prospect, rules)).filter(|end| *end <= now);
            let over = over.map(|since| (since, Why::PeriodOver));
            let objection = objected(prospect).filter(|_| over.is_none());
            if let Some((since, SuppressionReason::OptedOut)) = objection {
                found.objected.push(crate::objection::objected(workspace, prospect.subject, since));
            }
            if let Some((since, why)) = over.or_else(|| objection.map(|(since, _)| (since, Why::OptedOut))) {
                found.due.push(due(index, class, Some("v"), since, why));
            } else if let Some(Notice::Over(since)) = notice {
                found.due.push(due(index, Class::UninformedProspect, Some("v"), since, Why::NeverInformed));
            } else if let (Some(Notice::Soon(deadline)), Some(_)) = (notice, census.open(workspace)) {
                found.soon.push((workspace, deadline));
            }
        }
        Ok(())
    }
}
