//! What is kept to prove what was done: today the purge's records and its place.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    id::WorkspaceId,
    policy::retention::{self, Store},
};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// One purge run: which moment it was for, and what it deleted. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRun {
    /// The schedule's time: whatever was due then is gone.
    pub at: Timestamp,
    /// Deleted, by class of policy.toml.
    pub deleted: BTreeMap<String, u64>,
    /// What it did in each store that it came to; one that it did not come to is not in here.
    #[serde(default)]
    pub stores: BTreeMap<Store, Touched>,
    /// Workspaces that were alerted of people whom nobody has informed (A69).
    #[serde(default)]
    pub alerted: u64,
    /// Whom to alert, as counted so far: kept beside the place, so that a run that goes on neither forgets
    /// nor repeats what it has counted. Empty once the alerts have gone; a complete run names nobody.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uninformed: BTreeMap<WorkspaceId, Uninformed>,
    /// Still due when the pages that something was deleted from were looked at again, by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub residuals: BTreeMap<String, u64>,
    /// The signed statement of a complete run: JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// The restore that it replays opt-outs, erasures and closings over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<String>,
    /// False while a run that ran out of time is to go on.
    pub complete: bool,
    /// Where it goes on: the table's place in the order of the purge, and the last key looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When this record itself goes, epoch seconds.
    pub ttl: i64,
}

/// What a run did in one store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Items or files looked at.
    pub looked_at: u64,
    /// Deleted.
    pub deleted: u64,
    /// Written over: who was erased, taken out of a list; a note of what was done.
    pub changed: u64,
}

/// People of one workspace whom nobody has informed, and whose time ends soon (A69).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uninformed {
    /// How many; one at least.
    pub people: u64,
    /// When the time of the first of them ends.
    pub first: Timestamp,
}

/// A place in a purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The step, from 0.
    pub step: usize,
    /// The partition key looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<(String, String)>,
}

impl PurgeRun {
    /// A run that is about to begin.
    pub fn begin(at: Timestamp) -> Self {
        let ttl = retention::ttl(retention::Policy::current().purge_record_expiry(at));
        Self {
            at,
            deleted: BTreeMap::new(),
            stores: BTreeMap::new(),
            alerted: 0,
            uninformed: BTreeMap::new(),
            residuals: BTreeMap::new(),
            statement: None,
            restore: None,
            complete: false,
            place: None,
            ttl,
        }
    }

    /// What is counted of one store, from the moment the run comes to it.
    pub fn touched(&mut self, store: Store) -> &mut Touched {
        self.stores.entry(store).or_default()
    }

    /// Items and files looked at, in all stores.
    pub fn scanned(&self) -> u64 {
        self.stores.values().map(|touched| touched.looked_at).sum()
    }

    /// Counts one more person of a workspace, whose time to be informed ends at `deadline`.
    pub fn count_uninformed(&mut self, workspace: WorkspaceId, deadline: Timestamp) {
        let counted = self.uninformed.entry(workspace).or_insert(Uninformed { people: 0, first: deadline });
        counted.people += 1;
        counted.first = counted.first.min(deadline);
    }
}

/// How far the last announcement of a legal change came. It names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncementRun {
    /// The schedule's time.
    pub at: Timestamp,
    /// The key looked at last, when it ran out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(String, String)>,
    /// When this record itself goes, epoch seconds.
    pub ttl: i64,
}

impl AnnouncementRun {
    /// A run that has ended: at its end, or at `place`.
    pub fn at(at: Timestamp, place: Option<(String, String)>) -> Self {
        let ttl = retention::ttl(retention::Policy::current().purge_record_expiry(at));
        Self { at, place, ttl }
    }
}

impl Db {
    /// Where the last announcement stopped, if it ran out of time.
    pub async fn announcement_place(&self) -> Result<Option<(String, String)>, StoreError> {
        let run: Option<AnnouncementRun> = self.get(&self.tables.evidence, &keys::announcement_cursor(), true).await?;
        Ok(run.and_then(|run| run.place))
    }

    /// Writes down how far an announcement came.
    pub async fn record_announcement(&self, run: &AnnouncementRun) -> Result<(), StoreError> {
        self.put(&self.tables.evidence, &keys::announcement_cursor(), run, Expected::Anything).await
    }

    /// The run that was not finished, if there is one.
    pub async fn unfinished_purge(&self) -> Result<Option<PurgeRun>, StoreError> {
        self.get(&self.tables.evidence, &keys::purge_cursor(), true).await
    }

    /// When the last complete run was.
    pub async fn last_purge(&self) -> Result<Option<Timestamp>, StoreError> {
        let last =
            PageQuery { limit: Some(1), strong: true, newest_first: true, ..PageQuery::of(keys::PURGES, Range::All) };
        let runs = self.page(&self.tables.evidence, &last).await?.items;
        let runs = runs.into_iter().map(from_item::<PurgeRun>).collect::<Result<Vec<_>, _>>()?;
        Ok(runs.first().map(|run| run.at))
    }

    /// Writes down how far a run is; when it is complete, what it did stays as evidence.
    pub async fn record_purge(&self, run: &PurgeRun) -> Result<(), StoreError> {
        if !run.complete {
            return self.put(&self.tables.evidence, &keys::purge_cursor(), run, Expected::Anything).await;
        }
        let key = keys::purge_run(&run.at.to_string());
        self.put(&self.tables.evidence, &key, run, Expected::Anything).await?;
        self.delete(&self.tables.evidence, &keys::purge_cursor()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{from_item, to_item};

    #[test]
    fn a_run_goes_on_with_what_it_has_counted() {
        let [one, two] = [1, 2].map(|byte| WorkspaceId::from_bytes([byte; 10]));
        let [early, late] = [1_000, 2_000].map(|second| Timestamp::from_second(second).unwrap());
        let mut run = PurgeRun::begin(Timestamp::UNIX_EPOCH);
        let item = to_item(&keys::purge_cursor(), &run).unwrap();
        assert!(!item.contains_key("uninformed"), "a record without anybody");
        for (workspace, deadline) in [(one, late), (two, late), (one, early)] {
            run.count_uninformed(workspace, deadline);
        }
        *run.touched(Store::UploadsBucket) = Touched { looked_at: 3, deleted: 2, changed: 0 };
        run.touched(Store::Outreach).looked_at += 4;
        let item = to_item(&keys::purge_cursor(), &run).unwrap();
        let mut again: PurgeRun = from_item(item).unwrap();
        assert_eq!(again, run);
        assert_eq!((again.scanned(), again.stores.len()), (7, 2));
        again.count_uninformed(two, late);
        let counted = |people, first| Uninformed { people, first };
        assert_eq!(again.uninformed, BTreeMap::from([(one, counted(2, early)), (two, counted(2, late))]));
    }
}
