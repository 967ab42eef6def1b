//! What is kept to prove what was done: today the purge's records and its place.

use std::collections::BTreeMap;

use domain::{Timestamp, policy::retention};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, Expected, StoreError},
    keys,
};

/// One purge run: which moment it was for, and what it deleted. No personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRun {
    /// The schedule's time: whatever was due then is gone.
    pub at: Timestamp,
    /// Deleted, by class of policy.toml.
    pub deleted: BTreeMap<String, u64>,
    /// Items looked at.
    pub scanned: u64,
    /// False while a run that ran out of time is to go on.
    pub complete: bool,
    /// Where it goes on: the table's place in the order of the purge, and the last key looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// When this record itself goes, epoch seconds.
    pub ttl: i64,
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
        Self { at, deleted: BTreeMap::new(), scanned: 0, complete: false, place: None, ttl }
    }
}

impl Db {
    /// The run that was not finished, if there is one.
    pub async fn unfinished_purge(&self) -> Result<Option<PurgeRun>, StoreError> {
        self.get(&self.tables.evidence, &keys::purge_cursor(), true).await
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
