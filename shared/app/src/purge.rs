//! Deletes what is due, by policy.toml, at the time the schedule says.
//!
//! No index: each table is gone through page by page, and each item is asked one question. A run that
//! is out of time writes down its place, and the next one goes on from there. What a writer changes
//! between the look and the deletion stays until the next run. Deleting twice is deleting once.

mod chunks;
mod copies;
mod due;
mod forecast;
mod replay;

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use content::system::Notification;
use domain::{
    Timestamp,
    access::Permission,
    id::{ImportId, WorkspaceId},
    locale::Locale,
    policy::retention::{Class, Policy, Store},
    statement::Signed,
    subject::Subject,
    suppression::SuppressionReason,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;
use storage::{
    StoreError, WorkspaceScope,
    db::Item,
    evidence::{Place, PurgeRun, Uninformed},
    keys::Key,
    prospects::read_prospect,
    sweep::{Swept, key_of},
};

pub use self::forecast::{Expected, Forecast};
use self::{
    chunks::erased,
    due::{Census, Due, Notice, Sort, Why},
    forecast::Foreseen,
    replay::nothing_to_replay,
};
use crate::{App, Deadline, Failure, restore::Restore};

/// Left of an invocation when no new page is begun.
const RESERVE: Duration = Duration::from_secs(30);

/// Deletions under way at once.
const AT_ONCE: usize = 16;

/// Pages between two notes of the place.
const PAGES_PER_NOTE: usize = 20;

/// Workspaces to alert that are remembered at most, beside those of one page: the note of the place is
/// one item of 400 KB, and these take 80 bytes each. Beyond, alerts go early, with what was counted.
const MOST_COUNTED: usize = 2_000;

/// The order of a run. What names the dead goes last: a run that stops in between finds them again. Who was
/// erased is known from the suppressions before the lists of campaigns are looked through.
const STEPS: [Step; 12] = [
    Step::ExpiredAccounts,
    Step::Prospects,
    Step::Alerts,
    Step::Suppressions,
    Step::Outreach,
    Step::Keys,
    Step::Evidence,
    Step::Rights,
    Step::Objects,
    Step::Copies,
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
    /// The requests about rights.
    Rights,
    /// Files of closed workspaces.
    Objects,
    /// Copies of identity documents.
    Copies,
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
    /// After a restore, until what happened since is replayed: nothing is sent.
    muted: bool,
}

/// What a run has done so far, or has found that it would do.
struct Work {
    run: PurgeRun,
    /// Only to look: nothing is deleted, sent or written down.
    foreseen: Option<Foreseen>,
    /// Who was erased, as far as this invocation has come by. A run that goes on elsewhere leaves it to the next.
    erased: HashSet<(WorkspaceId, Subject)>,
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
    /// Still due when it was verified, by class.
    pub residuals: BTreeMap<String, u64>,
    /// What anybody can verify of it, once it is complete.
    pub statement: Option<Signed>,
}

impl App {
    /// Deletes what is due at `now`. With `replay` it goes through everything from the start for the restore
    /// that the operator named, and lets sending go on once nothing is left due.
    ///
    /// # Errors
    /// When a service does not answer, and when a replay is asked for and none is waited for.
    pub async fn purge(&self, now: Timestamp, replay: bool, deadline: Deadline) -> Result<PurgeReport, Failure> {
        let restore = self.restore().await?;
        if replay {
            self.mind_the_clock(now).await?;
        }
        let asked = match &restore {
            Restore::Muted(name) if replay => Some(name.clone()),
            _ if replay => return Err(nothing_to_replay()),
            _ => None,
        };
        // What was looked at before all was put back says nothing of it.
        let unfinished = self.db.unfinished_purge().await?.filter(|_| !replay);
        let run = unfinished.unwrap_or_else(|| PurgeRun { restore: asked, ..PurgeRun::begin(now) });
        let muted = matches!(restore, Restore::Muted(_));
        let mut census = self.census(now).await?;
        if muted {
            self.close_again(&mut census, now).await?;
            census.spare_orphans(run.restore.is_none());
        }
        let pass = Pass { census, now, deadline, muted };
        // Made before there was a directory, or restored without their entry.
        for workspace in pass.census.unlisted() {
            self.db.list_workspace(workspace).await?;
        }
        let mut work = Work { run, foreseen: None, erased: HashSet::new() };
        if !self.go_through(&pass, &mut work).await? {
            return Ok(report(work.run, None));
        }
        let mut run = PurgeRun { complete: true, place: None, ..work.run };
        let statement = self.sign_statement(stated(&run), now).await?;
        let text = serde_json::to_string(&statement).map_err(|_| Failure::internal("a statement without text"))?;
        run.statement = Some(text);
        self.db.record_purge(&run).await?;
        self.note_restore(restore, &run, now).await?;
        Ok(report(run, Some(statement)))
    }

    /// What [`App::purge`] would delete at `now`, when and why. Nothing is deleted, sent or written.
    pub async fn foresee_purge(&self, now: Timestamp, deadline: Deadline) -> Result<Forecast, Failure> {
        let pass = Pass { census: self.census(now).await?, now, deadline, muted: false };
        let mut work = Work { run: PurgeRun::begin(now), foreseen: Some(Foreseen::default()), erased: HashSet::new() };
        let complete = self.go_through(&pass, &mut work).await?;
        let scanned = work.run.scanned;
        Ok(work.foreseen.unwrap_or_default().forecast(now, complete, scanned))
    }

    /// Every step from where the last run stopped. False when time ran out: the place is noted.
    async fn go_through(&self, pass: &Pass, work: &mut Work) -> Result<bool, Failure> {
        let place = work.run.place.take().unwrap_or(Place { step: 0, after: None });
        let mut after = place.after.map(|(pk, sk)| Key { pk, sk });
        for (number, step) in STEPS.into_iter().enumerate().skip(place.step) {
            if step == Step::Objects {
                self.purge_objects(pass, work).await?;
            } else if step == Step::Copies {
                self.purge_copies(pass, work).await?;
            } else if step == Step::Alerts {
                if work.foreseen.is_none() && !self.alert(pass, &mut work.run).await? {
                    self.note(work, Place { step: number, after: None }).await?;
                    return Ok(false);
                }
            } else if let Some(key) = self.purge_table((number, step), pass, after.take(), work).await? {
                self.note(work, Place { step: number, after: Some((key.pk, key.sk)) }).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes down where a run is. One that only looks leaves no trace.
    async fn note(&self, work: &mut Work, place: Place) -> Result<(), Failure> {
        work.run.place = Some(place);
        if work.foreseen.is_none() {
            self.db.record_purge(&work.run).await?;
        }
        Ok(())
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
            Step::Rights | Step::Copies => &tables.rights,
        }
    }

    /// Goes through one table; the key it stopped at, when it ran out of time.
    async fn purge_table(
        &self,
        (number, step): (usize, Step),
        pass: &Pass,
        mut after: Option<Key>,
        work: &mut Work,
    ) -> Result<Option<Key>, Failure> {
        for page_number in 1.. {
            let page = self.db.sweep(self.table(step), after.as_ref()).await?;
            work.run.scanned += page.items.len() as u64;
            if step == Step::ExpiredAccounts {
                self.purge_files(&page.items, pass, work).await?;
            }
            if step == Step::Suppressions {
                work.erased.extend(page.items.iter().filter_map(erased));
            }
            if step == Step::Outreach && work.foreseen.is_none() {
                if work.run.restore.is_some() {
                    self.pause_restored(&page.items, pass.now).await?;
                }
                self.blank_erased(&page.items, &work.erased).await?;
            }
            let Found { due, soon } = self.due(step, &page.items, pass).await?;
            if work.foreseen.is_none() {
                soon.into_iter().for_each(|(workspace, deadline)| work.run.count_uninformed(workspace, deadline));
            }
            if !due.is_empty() {
                let keys = self.delete(self.table(step), &page.items, due, work).await?;
                self.verify(step, after.as_ref(), &keys, pass, work).await?;
            }
            let Some(next) = page.next else { break };
            if work.run.uninformed.len() > MOST_COUNTED {
                self.alert(pass, &mut work.run).await?;
            }
            if pass.deadline.left() < RESERVE {
                return Ok(Some(next));
            }
            if page_number % PAGES_PER_NOTE == 0 {
                let place = Place { step: number, after: Some((next.pk.clone(), next.sk.clone())) };
                self.note(work, place).await?;
            }
            after = Some(next);
        }
        Ok(None)
    }

    /// What of a page is due.
    async fn due(&self, step: Step, items: &[Item], pass: &Pass) -> Result<Found, Failure> {
        let Pass { census, now, .. } = pass;
        let due = match step {
            Step::Prospects => return self.due_prospects(items, pass).await,
            Step::DeadAccounts => census.dead_accounts(items, *now, false, sort(step)),
            Step::DeadProfiles => census.dead_accounts(items, *now, true, sort(step)),
            Step::ExpiredAccounts => census.expired(items, *now, sort(step)),
            _ => census.due(items, *now, sort(step)),
        };
        Ok(Found { due, soon: Vec::new() })
    }

    /// Deletes what is due, or foresees it; the keys of all of it.
    async fn delete(
        &self,
        table: &str,
        items: &[Item],
        due: Vec<Due>,
        work: &mut Work,
    ) -> Result<HashSet<Key>, Failure> {
        if let Some(foreseen) = &mut work.foreseen {
            due.iter().for_each(|due| foreseen.count(due.class, due.why, due.since, 1));
            return Ok(HashSet::new());
        }
        let keys = due.iter().map(|due| key_of(&items[due.index])).collect::<Result<_, StoreError>>()?;
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
                add(&mut work.run.deleted, class, 1);
            }
        }
        Ok(keys)
    }

    /// Looks again at a page that something was deleted from, strongly consistent: whatever was due there
    /// and still is counts as a residual. A page of which nothing was due needs no second look.
    async fn verify(
        &self,
        step: Step,
        after: Option<&Key>,
        keys: &HashSet<Key>,
        pass: &Pass,
        work: &mut Work,
    ) -> Result<(), Failure> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut items = self.db.sweep_again(self.table(step), after).await?.items;
        items.retain(|item| key_of(item).is_ok_and(|key| keys.contains(&key)));
        for due in self.due(step, &items, pass).await?.due {
            add(&mut work.run.residuals, due.class, 1);
        }
        Ok(())
    }

    /// Which prospects of a page are due: too old (A72, A73), never informed (A69), objected or erased
    /// (A61), or of a closed workspace (A74). And who will soon be, because nobody informed them.
    async fn due_prospects(&self, items: &[Item], pass: &Pass) -> Result<Found, Failure> {
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
        if let Some(since) = census.dead_since(workspace, now) {
            let all = 0..items.len();
            found.due.extend(all.map(|index| due(index, Class::Prospect, None, since, Why::AccountOver)));
            return Ok(());
        }
        // Just made: the next run's business.
        let Some(rules) = census.rules(workspace) else { return Ok(()) };
        let scope = WorkspaceScope::internal(workspace);
        let prospects = items.iter().map(|item| read_prospect(item.clone())).collect::<Result<Vec<_>, _>>()?;
        let subjects: Vec<Subject> = prospects.iter().map(|p| p.subject).collect();
        let suppressed = self.db.suppressions(&scope).among(&subjects, now).await?;
        let objected = |subject| {
            let stands = suppressed.iter().find(|s| s.subject == subject && s.reason != SuppressionReason::HardBounced);
            stands.map(|suppression| suppression.since)
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
            if let Some((since, why)) = over.or_else(|| objected(prospect.subject).map(|since| (since, Why::OptedOut)))
            {
                found.due.push(due(index, Class::Prospect, Some("v"), since, why));
            } else if let Some(Notice::Over(since)) = notice {
                found.due.push(due(index, Class::UninformedProspect, Some("v"), since, Why::NeverInformed));
            } else if let (Some(Notice::Soon(deadline)), Some(_)) = (notice, census.open(workspace)) {
                found.soon.push((workspace, deadline));
            }
        }
        Ok(())
    }

    /// Alerts the workspaces that were counted (A69). False when time ran out: the rest stays counted.
    ///
    /// A run that was killed counts on from its last note, and may come by a workspace twice: what the
    /// accounts table remembers of each alert keeps the second one from going.
    async fn alert(&self, pass: &Pass, run: &mut PurgeRun) -> Result<bool, Failure> {
        if pass.muted {
            run.uninformed.clear(); // the next run counts them again
        }
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

    /// Tells those members of a workspace who can do something about it, unless they were told a short while ago. Noted first, then sent:
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
        for member in members.into_iter().filter(|member| member.role.may(Permission::EditProspects)) {
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
    async fn purge_files(&self, items: &[Item], pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        for item in items {
            let Some(import) = due::files_of(item, pass.now)? else { continue };
            if let Some(foreseen) = &mut work.foreseen {
                foreseen.count(Class::Upload, Why::PeriodOver, import.since, 1);
                foreseen.files.insert(import.id);
                continue;
            }
            let scope = WorkspaceScope::internal(import.workspace);
            self.objects(&scope).delete_files(import.id).await?;
            self.db.imports(&scope).mark_files_gone(import.id).await?;
            add(&mut work.run.deleted, Class::Upload, 1);
        }
        Ok(())
    }

    /// Deletes every file of the closed workspaces that are due.
    async fn purge_objects(&self, pass: &Pass, work: &mut Work) -> Result<(), Failure> {
        for (workspace, since) in pass.census.dead() {
            let scope = WorkspaceScope::internal(workspace);
            let objects = self.objects(&scope);
            if let Some(foreseen) = &mut work.foreseen {
                let imports = objects.imports().await?;
                // A real run has deleted the others by then.
                let left = imports.iter().filter(|import: &&ImportId| !foreseen.files.contains(import)).count();
                foreseen.count(Class::Upload, Why::AccountOver, since, left as u64);
                continue;
            }
            let gone = objects.delete_all().await?;
            add(&mut work.run.deleted, Class::Upload, gone);
            if gone > 0 {
                add(&mut work.run.residuals, Class::Upload, objects.imports().await?.len() as u64);
            }
        }
        Ok(())
    }
}

/// What a page holds.
#[derive(Default)]
struct Found {
    due: Vec<Due>,
    /// People whom nobody has informed, and until when that can be done.
    soon: Vec<(WorkspaceId, Timestamp)>,
}

fn add(counts: &mut BTreeMap<String, u64>, class: Class, more: u64) {
    if more > 0 {
        *counts.entry(class.key().to_owned()).or_default() += more;
    }
}

/// What the items of a table are, when nothing nearer says so.
const fn sort(step: Step) -> Sort {
    let (store, class) = match step {
        Step::ExpiredAccounts | Step::DeadAccounts | Step::DeadProfiles | Step::Objects => {
            (Store::Accounts, Class::Account)
        }
        Step::Prospects | Step::Alerts => (Store::Prospects, Class::Prospect),
        Step::Outreach => (Store::Outreach, Class::Delivery),
        Step::Suppressions => (Store::Suppressions, Class::Suppression),
        Step::Keys => (Store::Keys, Class::DataKey),
        Step::Evidence => (Store::Evidence, Class::PurgeRecord),
        Step::Rights | Step::Copies => (Store::Rights, Class::RightsRequest),
    };
    Sort { store, class }
}

/// What a complete run went through.
const STORES: [&str; 9] = [
    "accounts",
    "evidence",
    "identity_bucket",
    "keys",
    "outreach",
    "prospects",
    "rights",
    "suppressions",
    "uploads_bucket",
];

/// What is signed of a complete run. Numbers, and nobody's data.
fn stated(run: &PurgeRun) -> serde_json::Value {
    json!({
        "kind": "purge",
        "at": run.at,
        "policy": Policy::current().fingerprint(),
        "stores": STORES,
        "scanned": run.scanned,
        "deleted": run.deleted,
        "residuals": run.residuals,
        "restore": run.restore,
    })
}

fn report(run: PurgeRun, statement: Option<Signed>) -> PurgeReport {
    let PurgeRun { at, complete, scanned, alerted, deleted, residuals, .. } = run;
    PurgeReport { at, complete, scanned, alerted, deleted, residuals, statement }
}
