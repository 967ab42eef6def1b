//! Deletes what is due, by policy.toml, at the time the schedule says.
//!
//! No index: each table is gone through page by page, and each item is asked one question. A run that
//! is out of time writes down its place, and the next one goes on from there. What a writer changes
//! between the look and the deletion stays until the next run. Deleting twice is deleting once.

mod due;

use std::{collections::BTreeMap, time::Duration};

use content::system::Notification;
use domain::{
    Timestamp, id::WorkspaceId, locale::Locale, policy::retention::Class, subject::Subject,
    suppression::SuppressionReason,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use storage::{
    WorkspaceScope,
    db::Item,
    evidence::{Place, PurgeRun, Uninformed},
    keys::Key,
    prospects::read_prospect,
    sweep::{Swept, key_of},
};

use self::due::{Census, Due, Notice};
use crate::{App, Deadline, Failure};

/// Left of an invocation when no new page is begun.
const RESERVE: Duration = Duration::from_secs(30);

/// Deletions under way at once.
const AT_ONCE: usize = 16;

/// Pages between two notes of the place.
const PAGES_PER_NOTE: usize = 20;

/// Workspaces to alert that are remembered at most, beside those of one page: the note of the place is
/// one item of 400 KB, and these take 80 bytes each. Beyond, alerts go early, with what was counted.
const MOST_COUNTED: usize = 2_000;

/// The order of a run. What names the dead goes last: a run that stops in between finds them again.
const STEPS: [Step; 10] = [
    Step::ExpiredAccounts,
    Step::Prospects,
    Step::Alerts,
    Step::Outreach,
    Step::Suppressions,
    Step::Keys,
    Step::Evidence,
    Step::Objects,
    Step::DeadAccounts,
    Step::DeadProfiles,
];

/// One stretch of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Sessions, tokens, limiters, files of imports.
    ExpiredAccounts,
    /// The prospects table.
    Prospects,
    /// Mail to workspaces with people who will soon be due because nobody informed them.
    Alerts,
    /// The outreach table.
    Outreach,
    /// The suppressions table.
    Suppressions,
    /// The keys table.
    Keys,
    /// The evidence table.
    Evidence,
    /// Files of closed workspaces.
    Objects,
    /// What the closed workspaces have in the accounts table: members, sign-ins, sender, imports.
    DeadAccounts,
    /// Their profiles, which name them as closed: last of all.
    DeadProfiles,
}

/// What does not change during one invocation.
struct Pass {
    census: Census,
    now: Timestamp,
    deadline: Deadline,
}

/// What a run did, for whoever fired it.
#[derive(Debug, Serialize)]
pub struct PurgeReport {
    /// The moment it was for.
    pub at: Timestamp,
    /// False when it ran out of time; the next one goes on.
    pub complete: bool,
    /// Items looked at.
    pub scanned: u64,
    /// Workspaces alerted of people whom nobody has informed.
    pub alerted: u64,
    /// Deleted, by class.
    pub deleted: BTreeMap<String, u64>,
}

impl App {
    /// Deletes what is due at `now`.
    pub async fn purge(&self, now: Timestamp, deadline: Deadline) -> Result<PurgeReport, Failure> {
        let pass = Pass { census: self.census(now).await?, now, deadline };
        let mut run = self.db.unfinished_purge().await?.unwrap_or_else(|| PurgeRun::begin(now));
        let place = run.place.take().unwrap_or(Place { step: 0, after: None });
        let mut after = place.after.map(|(pk, sk)| Key { pk, sk });
        for (number, step) in STEPS.into_iter().enumerate().skip(place.step) {
            if step == Step::Objects {
                self.purge_objects(&pass.census, &mut run).await?;
                continue;
            }
            if step == Step::Alerts {
                if !self.alert(&pass, &mut run).await? {
                    run.place = Some(Place { step: number, after: None });
                    self.db.record_purge(&run).await?;
                    return Ok(report(run));
                }
                continue;
            }
            if let Some(key) = self.purge_table((number, step), &pass, after.take(), &mut run).await? {
                run.place = Some(Place { step: number, after: Some((key.pk, key.sk)) });
                self.db.record_purge(&run).await?;
                return Ok(report(run));
            }
        }
        run.complete = true;
        self.db.record_purge(&run).await?;
        Ok(report(run))
    }

    /// Who lives, for how long they keep prospects, and who is due.
    async fn census(&self, now: Timestamp) -> Result<Census, Failure> {
        let mut census = Census::default();
        let mut after = None;
        loop {
            let page = self.db.sweep(&self.db.tables.accounts, after.as_ref()).await?;
            for item in &page.items {
                census.count(item, now)?;
            }
            after = page.next;
            if after.is_none() {
                return Ok(census);
            }
        }
    }

    fn table(&self, step: Step) -> &str {
        let tables = &self.db.tables;
        match step {
            Step::ExpiredAccounts | Step::DeadAccounts | Step::DeadProfiles | Step::Objects => &tables.accounts,
            Step::Prospects | Step::Alerts => &tables.prospects,
            Step::Outreach => &tables.outreach,
            Step::Suppressions => &tables.suppressions,
            Step::Keys => &tables.keys,
            Step::Evidence => &tables.evidence,
        }
    }

    /// Goes through one table; the key it stopped at, when it ran out of time.
    async fn purge_table(
        &self,
        (number, step): (usize, Step),
        pass: &Pass,
        mut after: Option<Key>,
        run: &mut PurgeRun,
    ) -> Result<Option<Key>, Failure> {
        for page_number in 1.. {
            let page = self.db.sweep(self.table(step), after.as_ref()).await?;
            run.scanned += page.items.len() as u64;
            let due = match step {
                Step::Prospects => self.due_prospects(&page.items, pass, run).await?,
                Step::DeadAccounts => pass.census.dead_accounts(&page.items, false),
                Step::DeadProfiles => pass.census.dead_accounts(&page.items, true),
                Step::ExpiredAccounts => {
                    self.purge_files(&page.items, pass.now, run).await?;
                    pass.census.expired(&page.items, pass.now, step_class(step))
                }
                _ => pass.census.due(&page.items, pass.now, step_class(step)),
            };
            self.delete(self.table(step), &page.items, due, run).await?;
            let Some(next) = page.next else { break };
            if run.uninformed.len() > MOST_COUNTED {
                self.alert(pass, run).await?;
            }
            if pass.deadline.left() < RESERVE {
                return Ok(Some(next));
            }
            if page_number % PAGES_PER_NOTE == 0 {
                run.place = Some(Place { step: number, after: Some((next.pk.clone(), next.sk.clone())) });
                self.db.record_purge(run).await?;
            }
            after = Some(next);
        }
        Ok(None)
    }

    async fn delete(&self, table: &str, items: &[Item], due: Vec<Due>, run: &mut PurgeRun) -> Result<(), Failure> {
        let deleted: Vec<(Class, Swept)> = stream::iter(due)
            .map(async |due| {
                let swept = self.db.delete_as_seen(table, &items[due.index], due.guard).await?;
                Ok::<_, Failure>((due.class, swept))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (class, swept) in deleted {
            if swept == Swept::Deleted {
                *run.deleted.entry(class.key().to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Which prospects of a page are due: too old (A72, A73), never informed (A69), objected or erased
    /// (A61), or of a closed workspace (A74). Counts those who will soon be, because nobody informed them.
    async fn due_prospects(&self, items: &[Item], pass: &Pass, run: &mut PurgeRun) -> Result<Vec<Due>, Failure> {
        let mut due = Vec::new();
        let mut start = 0;
        // Items of one partition are neighbours: one question each to the deliveries and the opt-outs.
        for shard in items.chunk_by(|a, b| a.get("pk") == b.get("pk")) {
            due.extend(self.due_in_shard(shard, start, pass, run).await?);
            start += shard.len();
        }
        Ok(due)
    }

    async fn due_in_shard(
        &self,
        items: &[Item],
        start: usize,
        pass: &Pass,
        run: &mut PurgeRun,
    ) -> Result<Vec<Due>, Failure> {
        let Pass { census, now, .. } = pass;
        let now = *now;
        let Some(first) = items.first() else { return Ok(Vec::new()) };
        let Some(workspace) = storage::keys::workspace_of(&key_of(first)?.pk) else { return Ok(Vec::new()) };
        let due = |index: usize, class, guard| Due { index: start + index, class, guard };
        if census.is_dead(workspace, now) {
            return Ok((0..items.len()).map(|index| due(index, Class::Prospect, None)).collect());
        }
        // Just made: the next run's business.
        let Some(rules) = census.rules(workspace) else { return Ok(Vec::new()) };
        let scope = WorkspaceScope::internal(workspace);
        let prospects = items.iter().map(|item| read_prospect(item.clone())).collect::<Result<Vec<_>, _>>()?;
        let subjects: Vec<Subject> = prospects.iter().map(|p| p.subject).collect();
        let suppressed = self.db.suppressions(&scope).among(&subjects, now).await?;
        let objected =
            |subject| suppressed.iter().any(|s| s.subject == subject && s.reason != SuppressionReason::HardBounced);
        let waiting: Vec<Subject> =
            prospects.iter().filter(|p| due::notice(p, now).is_some()).map(|p| p.subject).collect();
        let informed = match (waiting.first(), waiting.last()) {
            (Some(from), Some(to)) => self.db.outreach(&scope).contacted(from.shard(), *from, *to).await?,
            _ => Default::default(),
        };
        let mut found = Vec::new();
        for (index, prospect) in prospects.iter().enumerate() {
            let notice = due::notice(prospect, now).filter(|_| !informed.contains(&prospect.subject));
            if due::retention_over(prospect, rules, now) || objected(prospect.subject) {
                found.push(due(index, Class::Prospect, Some("v")));
            } else if notice == Some(Notice::Over) {
                found.push(due(index, Class::UninformedProspect, Some("v")));
            } else if let (Some(Notice::Soon(deadline)), Some(_)) = (notice, census.open(workspace)) {
                run.count_uninformed(workspace, deadline);
            }
        }
        Ok(found)
    }

    /// Alerts the workspaces that were counted (A69). False when time ran out: the rest stays counted.
    ///
    /// A run that was killed counts on from its last note, and may come by a workspace twice: what the
    /// accounts table remembers of each alert keeps the second one from going.
    async fn alert(&self, pass: &Pass, run: &mut PurgeRun) -> Result<bool, Failure> {
        while let Some((workspace, uninformed)) = run.uninformed.pop_first() {
            // Closed since it was counted: nothing can be sent, and its time runs by another rule.
            let Some(locale) = pass.census.open(workspace) else { continue };
            if self.alert_members(workspace, locale, uninformed, pass.now).await? {
                run.alerted += 1;
            }
            if pass.deadline.left() < RESERVE {
                return Ok(run.uninformed.is_empty());
            }
        }
        Ok(true)
    }

    /// Tells the members of a workspace, unless they were told a short while ago. Noted first, then sent:
    /// a mail may be lost and never goes twice. Whether one has gone.
    async fn alert_members(
        &self,
        workspace: WorkspaceId,
        locale: Locale,
        uninformed: Uninformed,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let members = accounts.members().await?;
        if !accounts.take_notice_alert(now, due::next_alert(now)).await? {
            return Ok(false);
        }
        let Uninformed { people, first } = uninformed;
        let mut gone = false;
        for member in members {
            match self.post(&member.email, locale, Notification::NoticeDue { people, first }, now).await {
                Ok(()) => gone = true,
                // What is due is deleted whether or not a mail can be sent.
                Err(failure) => tracing::warn!(
                    slug = failure.slug,
                    cause = failure.cause.as_deref(),
                    %workspace,
                    "no mail about people who are not informed"
                ),
            }
        }
        Ok(gone)
    }

    /// Deletes the uploads and reports of imports whose time is over, and notes that they are gone.
    async fn purge_files(&self, items: &[Item], now: Timestamp, run: &mut PurgeRun) -> Result<(), Failure> {
        for item in items {
            let Some(import) = due::files_of(item, now)? else { continue };
            let scope = WorkspaceScope::internal(import.workspace);
            self.objects(&scope).delete_files(import.id).await?;
            self.db.imports(&scope).mark_files_gone(import.id).await?;
            *run.deleted.entry(Class::Upload.key().to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Deletes every file of the closed workspaces that are due.
    async fn purge_objects(&self, census: &Census, run: &mut PurgeRun) -> Result<(), Failure> {
        for workspace in census.dead() {
            let gone = self.delete_all_objects(workspace).await?;
            if gone > 0 {
                *run.deleted.entry(Class::Upload.key().to_owned()).or_default() += gone;
            }
        }
        Ok(())
    }

    async fn delete_all_objects(&self, workspace: WorkspaceId) -> Result<u64, Failure> {
        Ok(self.objects(&WorkspaceScope::internal(workspace)).delete_all().await?)
    }
}

/// What an item of a table is, when nothing nearer says so.
const fn step_class(step: Step) -> Class {
    match step {
        Step::ExpiredAccounts | Step::DeadAccounts | Step::DeadProfiles | Step::Objects => Class::Account,
        Step::Prospects | Step::Alerts => Class::Prospect,
        Step::Outreach => Class::Delivery,
        Step::Suppressions => Class::Suppression,
        Step::Keys => Class::DataKey,
        Step::Evidence => Class::PurgeRecord,
    }
}

fn report(run: PurgeRun) -> PurgeReport {
    let PurgeRun { at, complete, scanned, alerted, deleted, .. } = run;
    PurgeReport { at, complete, scanned, alerted, deleted }
}
