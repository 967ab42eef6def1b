//! Incidents: what happened, whom the trail shows to be affected, and who was told.

use std::collections::BTreeSet;

use domain::{
    Timestamp,
    audit::Entry,
    id::{IncidentId, MemberId, WorkspaceId},
    policy::retention::{self, Policy},
    staff::{Hand, Reason, Search, Timer, Whom},
};
use serde::{Deserialize, Serialize};

use super::grants::newest;
use crate::{
    commit,
    db::{Db, Expected, Range, StoreError, from_item},
    keys,
};

/// The same in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// In French.
    pub fr: String,
    /// In English.
    pub en: String,
}

/// An incident, real or an exercise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its identifier.
    pub id: IncidentId,
    /// An exercise: everything is done, and every mail says that it is one.
    pub drill: bool,
    /// Who opened it.
    pub opened: Hand,
    /// What happened (art. 34(2)).
    pub nature: Both,
    /// What may follow from it.
    pub consequences: Both,
    /// What was done, and what the person can do.
    pub measures: Both,
    /// Whom it is about.
    pub search: Search,
    /// By when the authority is told.
    pub timer: Timer,
    /// The last workspace whose trail was looked through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<WorkspaceId>,
    /// Whether all trails were.
    #[serde(default)]
    pub searched: bool,
    /// Who had the affected told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified: Option<Hand>,
    /// When everybody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When this itself goes, epoch seconds.
    pub ttl: i64,
    /// Raised by every write.
    pub v: u64,
}

impl Incident {
    /// When what is kept of an incident opened then goes.
    pub fn ends(opened_at: Timestamp) -> i64 {
        retention::ttl(Policy::current().security_log_expiry(opened_at))
    }
}

/// One who is affected. The attribute `workspace` is also how the purge knows whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affected {
    /// Where.
    pub workspace: WorkspaceId,
    /// Which member; the Sender for its prospects when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
    /// Why.
    pub reasons: BTreeSet<Reason>,
    /// When a run last set about telling them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// When they were told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// When this itself goes, epoch seconds.
    pub ttl: i64,
    /// Raised by every write.
    pub v: u64,
}

impl Affected {
    fn whom(&self) -> Whom {
        self.member.map_or(Whom::Sender, Whom::Member)
    }
}

impl Db {
    /// Writes one that is opened.
    pub async fn open_incident(&self, incident: &Incident, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::incident(incident.id);
        self.act(commit::put(&self.tables.accounts, &key, incident, Expected::Absent)?, entry).await
    }

    /// Replaces one that was read, and counts its version up. What a person does leaves an entry.
    pub async fn save_incident(&self, incident: &mut Incident, entry: Option<&Entry>) -> Result<(), StoreError> {
        let seen = incident.v;
        incident.v = seen + 1;
        let (table, key) = (&self.tables.accounts, keys::incident(incident.id));
        match entry {
            Some(entry) => self.act(commit::put(table, &key, incident, Expected::Version(seen))?, entry).await,
            None => self.put(table, &key, incident, Expected::Version(seen)).await,
        }
    }

    /// One incident, strongly consistent.
    pub async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        self.get(&self.tables.accounts, &keys::incident(id), true).await
    }

    /// One page of incidents, newest first, after `after`; the second value says where to go on.
    pub async fn incidents(
        &self,
        after: Option<IncidentId>,
        limit: u32,
    ) -> Result<(Vec<Incident>, Option<IncidentId>), StoreError> {
        let after = after.map(|id| id.to_string());
        let query = newest(keys::INCIDENTS, Range::All, after.as_deref(), limit);
        let page = self.page(&self.tables.accounts, &query).await?;
        let incidents = page.items.into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok((incidents, page.next.and_then(|sk| sk.parse().ok())))
    }

    /// Lists somebody as affected, once.
    pub async fn list_affected(&self, incident: IncidentId, affected: &Affected) -> Result<(), StoreError> {
        let key = keys::affected(incident, affected.workspace, affected.whom());
        match self.put(&self.tables.accounts, &key, affected, Expected::Absent).await {
            Err(StoreError::Conflict) => Ok(()),
            other => other,
        }
    }

    /// Replaces what was read of somebody, and counts its version up.
    pub async fn save_affected(&self, incident: IncidentId, affected: &mut Affected) -> Result<(), StoreError> {
        let seen = affected.v;
        affected.v = seen + 1;
        let key = keys::affected(incident, affected.workspace, affected.whom());
        self.put(&self.tables.accounts, &key, affected, Expected::Version(seen)).await
    }

    /// One page of those who are affected, after a sort key; the second value says where to go on.
    pub async fn affected(
        &self,
        incident: IncidentId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<Affected>, Option<String>), StoreError> {
        let pk = keys::affected_by(incident);
        let page = self.page(&self.tables.accounts, &newest(&pk, Range::All, after, limit)).await?;
        Ok((page.items.into_iter().map(from_item).collect::<Result<_, _>>()?, page.next))
    }
}
