//! Deletes what is due, by policy.toml, at the time the schedule says.
//!
//! No index: each table is gone through page by page, and each item is asked one question. A run that
//! is out of time writes down its place, and the next one goes on from there. What a writer changes
//! between the look and the deletion stays until the next run. Deleting twice is deleting once.

mod alerts;
mod chunks;
mod copies;
mod due;
mod files;
mod forecast;
mod halts;
mod prospects;
mod replay;
mod statistics;
mod steps;

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use domain::{
    Timestamp,
    id::WorkspaceId,
    policy::retention::{Class, Policy, Store},
    statement::Signed,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;
use storage::{
    StoreError,
    db::Item,
    evidence::{Place, PurgeRun},
    keys::Key,
    restore::Frozen,
    sweep::{Swept, key_of},
};

use self::{
    alerts::MOST_COUNTED,
    chunks::{Erased, deliveries_of, erased},
    due::{Census, Due},
    forecast::Foreseen,
    replay::nothing_to_replay,
    steps::{STEPS, Step},
};
pub use self::{
    forecast::{Expected, Forecast},
    statistics::Report,
};
use crate::{App, Deadline, Failure, restore::Restore};

/// Left of an invocation when no new page is begun.
const RESERVE: Duration = Duration::from_secs(30);

/// Deletions under way at once.
const AT_ONCE: usize = 16;

/// Pages between two notes of the place, when nothing was deleted from them.
const PAGES_PER_NOTE: usize = 20;

/// What does not change during one invocation.
struct Pass {
    census: Census,
    now: Timestamp,
    deadline: Deadline,
    /// After a restore, until what happened since is replayed: nothing is sent.
    muted: bool,
    /// In a replay: whose records are frozen at their request.
    frozen: Frozen,
}

/// What a run has done so far, or has found that it would do.
struct Work {
    run: PurgeRun,
    /// Only to look: nothing is deleted, sent or written down.
    foreseen: Option<Foreseen>,
    /// Who was erased. An invocation that goes on in the middle reads it again.
    erased: Erased,
}

impl Work {
    /// Counts what is gone from a store.
    fn deleted(&mut self, store: Store, class: Class, more: u64) {
        add(&mut self.run.deleted, class, more);
        self.run.touched(store).deleted += more;
    }
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
        let frozen = if run.restore.is_some() { self.db.frozen_people().await? } else { Frozen::default() };
        let mut work = Work { run, foreseen: None, erased: Erased::new() };
        let mut census = self.census(now).await?;
        if muted {
            work.run.touched(Store::Accounts).changed += self.close_again(&mut census, now).await?;
            census.spare_orphans(work.run.restore.is_none());
        }
        let pass = Pass { census, now, deadline, muted, frozen };
        // Made before there was a directory, or restored without their entry.
        for workspace in pass.census.unlisted() {
            self.db.list_workspace(workspace).await?;
            work.run.touched(Store::Accounts).changed += 1;
        }
        if !self.go_through(&pass, &mut work).await? {
            return Ok(report(work.run, None));
        }
        let mut run = PurgeRun { complete: true, place: None, ..work.run };
        let statement = self.sign_statement(stated(&run), now).await?;
        let text = serde_json::to_string(&statement).map_err(|_| Failure::internal("a statement without text"))?;
        run.statement = Some(text);
        self.db.record_purge(&run).await?;
        self.note_restore(restore, &run, now).await?;
        self.draw_statistics(&pass).await?;
        Ok(report(run, Some(statement)))
    }

    /// What [`App::purge`] would delete at `now`, when and why. Nothing is deleted, sent or written.
    pub async fn foresee_purge(&self, now: Timestamp, deadline: Deadline) -> Result<Forecast, Failure> {
        let census = self.census(now).await?;
        let pass = Pass { census, now, deadline, muted: false, frozen: Frozen::default() };
        let mut work = Work { run: PurgeRun::begin(now), foreseen: Some(Foreseen::default()), erased: Erased::new() };
        let complete = self.go_through(&pass, &mut work).await?;
        let scanned = work.run.scanned();
        Ok(work.foreseen.unwrap_or_default().forecast(now, complete, scanned))
    }

    /// Every step from where the last run stopped. False when time ran out: the place is noted.
    async fn go_through(&self, pass: &Pass, work: &mut Work) -> Result<bool, Failure> {
        let place = work.run.place.take().unwrap_or(Place { step: 0, after: None });
        let mut after = place.after.map(|(pk, sk)| Key { pk, sk });
        if place.step > 0 && STEPS.get(place.step).is_some_and(|step| step.minds_the_erased()) {
            work.erased = self.all_erased().await?;
        }
        for (number, step) in STEPS.into_iter().enumerate().skip(place.step) {
            if step == Step::Objects {
                self.purge_objects(pass, work).await?;
                self.purge_files_of_the_erased(pass, work).await?;
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
                census.mind_removed(self.db.removed_members().await?);
                census.mind_own(self.db.staff_workspace().await?);
                return Ok(census);
            }
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
            let page = self.db.sweep(step.table(&self.db.tables), after.as_ref()).await?;
            work.run.touched(step.store()).looked_at += page.items.len() as u64;
            if step == Step::ExpiredAccounts {
                self.purge_files(&page.items, pass, work).await?;
            }
            if step == Step::Suppressions {
                work.erased.extend(page.items.iter().filter_map(erased));
            }
            if step == Step::Outreach && work.foreseen.is_none() {
                if work.run.restore.is_some() {
                    work.run.touched(Store::Outreach).changed += self.pause_restored(&page.items, pass.now).await?;
                }
                if !pass.muted {
                    work.run.touched(Store::Outreach).changed += self.tell_of_halts(&page.items, pass).await?;
                }
                let blanked = self.blank_erased(&page.items, &work.erased).await?;
                work.run.touched(Store::Outreach).changed += blanked;
            }
            let Found { due, soon, objected } = self.due(step, &page.items, pass, &work.erased).await?;
            if work.foreseen.is_none() {
                soon.into_iter().for_each(|(workspace, deadline)| work.run.count_uninformed(workspace, deadline));
            }
            // Before their records go: nothing else leads there. What a backup brought back was told before it.
            if work.foreseen.is_none() && !pass.muted {
                self.enqueue_all(&self.config.feedback_queue_url, &objected).await?;
            }
            let deletes = !due.is_empty();
            if deletes {
                let keys = self.delete(step, &page.items, due, work).await?;
                self.verify(step, after.as_ref(), &keys, pass, work).await?;
            }
            if step == Step::Prospects {
                work.run.touched(Store::Prospects).changed += self.freeze_again(&page.items, pass).await?;
            }
            if step == Step::Prospects && work.run.restore.is_some() {
                work.run.touched(Store::Prospects).changed += self.withdraw_again(&page.items, pass.now).await?;
            }
            let place = match &page.next {
                Some(next) => Place { step: number, after: Some((next.pk.clone(), next.sk.clone())) },
                None => Place { step: number + 1, after: None },
            };
            // Whoever goes on after a kill has these counts, but for those of the page that it was killed on.
            if deletes || page_number % PAGES_PER_NOTE == 0 {
                self.note(work, place).await?;
            }
            let Some(next) = page.next else { break };
            if work.run.uninformed.len() > MOST_COUNTED {
                self.alert(pass, &mut work.run).await?;
            }
            if pass.deadline.left() < RESERVE {
                return Ok(Some(next));
            }
            after = Some(next);
        }
        Ok(None)
    }

    /// What of a page is due.
    async fn due(&self, step: Step, items: &[Item], pass: &Pass, erased: &Erased) -> Result<Found, Failure> {
        let Pass { census, now, .. } = pass;
        let due = match step {
            Step::Prospects => return self.due_prospects(items, pass).await,
            Step::DeadAccounts => census.dead_accounts(items, *now, false, step.sort()),
            Step::DeadProfiles => census.dead_accounts(items, *now, true, step.sort()),
            Step::ExpiredAccounts => {
                let mut due = census.expired(items, *now, step.sort());
                due.extend(census.of_removed(items, *now, step.sort()));
                due
            }
            Step::Outreach => {
                let mut due = census.due(items, *now, step.sort());
                let known: HashSet<usize> = due.iter().map(|due| due.index).collect();
                due.extend(deliveries_of(items, erased).filter(|due| !known.contains(&due.index)));
                due
            }
            _ => census.due(items, *now, step.sort()),
        };
        Ok(Found { due, ..Found::default() })
    }

    /// Deletes what is due, or foresees it; the keys of all of it.
    async fn delete(
        &self,
        step: Step,
        items: &[Item],
        due: Vec<Due>,
        work: &mut Work,
    ) -> Result<HashSet<Key>, Failure> {
        if let Some(foreseen) = &mut work.foreseen {
            due.iter().for_each(|due| foreseen.count(due.class, due.why, due.since, 1));
            return Ok(HashSet::new());
        }
        let keys = due.iter().map(|due| key_of(&items[due.index])).collect::<Result<_, StoreError>>()?;
        let table = step.table(&self.db.tables);
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
                work.deleted(step.store(), class, 1);
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
        let mut items = self.db.sweep_again(step.table(&self.db.tables), after).await?.items;
        items.retain(|item| key_of(item).is_ok_and(|key| keys.contains(&key)));
        for due in self.due(step, &items, pass, &work.erased).await?.due {
            add(&mut work.run.residuals, due.class, 1);
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
    /// That people objected whose records are due for it, as `feedback` reads it.
    objected: Vec<serde_json::Value>,
}

fn add(counts: &mut BTreeMap<String, u64>, class: Class, more: u64) {
    if more > 0 {
        *counts.entry(class.key().to_owned()).or_default() += more;
    }
}

/// What is signed of a complete run. Numbers, and nobody's data.
fn stated(run: &PurgeRun) -> serde_json::Value {
    json!({
        "kind": "purge",
        "at": run.at,
        "policy": Policy::current().fingerprint(),
        "scanned": run.scanned(),
        "stores": run.stores,
        "deleted": run.deleted,
        "residuals": run.residuals,
        "restore": run.restore,
    })
}

fn report(run: PurgeRun, statement: Option<Signed>) -> PurgeReport {
    let scanned = run.scanned();
    let PurgeRun { at, complete, alerted, deleted, residuals, .. } = run;
    PurgeReport { at, complete, scanned, alerted, deleted, residuals, statement }
}
