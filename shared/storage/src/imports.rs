//! Imports: what was announced, what was found, and how far the reading has come.
//!
//! The record is also the checkpoint. Every write carries the version that was read, so that of two
//! workers at one file only one keeps going: the other's next checkpoint is a `Conflict`.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    audit::Entry,
    id::{ImportId, WorkspaceId},
    import::{ImportCounts, ImportStatus},
    prospect::{LawfulBasis, Source},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// An import as stored. Column names are the Sender's: they are shown, never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Its identifier.
    pub id: ImportId,
    /// The file's name at the Sender's.
    pub filename: String,
    /// Where every address in it comes from (A66).
    pub source: Source,
    /// The basis declared for it.
    pub lawful_basis: LawfulBasis,
    /// When it was announced.
    pub created_at: Timestamp,
    /// Where it stands.
    pub status: ImportStatus,
    /// Why it failed and what to do, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Size of the file; 0 until it is there.
    #[serde(default)]
    pub bytes: u64,
    /// Bytes read up to the checkpoint.
    #[serde(default)]
    pub bytes_read: u64,
    /// What became of the rows up to the checkpoint.
    pub counts: ImportCounts,
    /// The rejected ones by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// How the file is written: JSON as the API shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// Which column fills which field, as asked for: JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<String>,
    /// Which column fills which field, as used: JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping_used: Option<String>,
    /// When a worker first took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it was done or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// Which content of the object is read: a second upload must not be mixed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// Rows whose outcome is counted above, in the order of the file: the checkpoint.
    #[serde(default)]
    pub rows_done: u64,
    /// The message whose worker is at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
    /// Raised by every write.
    pub v: u64,
}

/// One receipt of one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The queue's name of the message.
    pub message: String,
    /// How often it had been received.
    pub receives: u32,
}

/// The imports of one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Imports<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The imports of the scope's workspace.
    pub fn imports<'a>(&'a self, scope: &'a WorkspaceScope) -> Imports<'a> {
        Imports { db: self.of(scope), workspace: scope.workspace() }
    }
}

impl Imports<'_> {
    /// Writes a new one.
    pub async fn create(&self, record: &ImportRecord, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::import(self.workspace, record.id);
        self.db.act(commit::put(&self.db.tables.accounts, &key, record, Expected::Absent)?, entry).await
    }

    /// One import, strongly consistent.
    pub async fn get(&self, id: ImportId) -> Result<Option<ImportRecord>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::import(self.workspace, id), true).await
    }

    /// Replaces the record that was read, and counts its version up. `Conflict`: somebody else wrote since.
    pub async fn save(&self, record: &mut ImportRecord) -> Result<(), StoreError> {
        let key = keys::import(self.workspace, record.id);
        let seen = record.v;
        record.v = seen + 1;
        self.db.put(&self.db.tables.accounts, &key, record, Expected::Version(seen)).await
    }

    /// Replaces it for the last time.
    pub async fn finish(&self, record: &mut ImportRecord, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::import(self.workspace, record.id);
        let seen = record.v;
        record.v = seen + 1;
        self.db.act(commit::put(&self.db.tables.accounts, &key, record, Expected::Version(seen))?, entry).await
    }

    /// Notes that the upload and the report are deleted. A record that is gone meanwhile stays gone.
    pub async fn mark_files_gone(&self, id: ImportId) -> Result<(), StoreError> {
        let key = keys::import(self.workspace, id);
        let answer = self
            .db
            .updating(&self.db.tables.accounts, &key)
            .update_expression("SET files_gone = :yes")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", aws_sdk_dynamodb::types::AttributeValue::Bool(true))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One page, newest first, after `after`; the second value says where to go on.
    pub async fn page(
        &self,
        after: Option<ImportId>,
        limit: u32,
    ) -> Result<(Vec<ImportRecord>, Option<ImportId>), StoreError> {
        let pk = keys::account(self.workspace);
        let after = after.map(|id| keys::import(self.workspace, id).sk);
        let query = PageQuery {
            after: after.as_deref(),
            limit: Some(i32::try_from(limit).unwrap_or(i32::MAX)),
            strong: true,
            newest_first: true,
            ..PageQuery::of(&pk, Range::Prefix(keys::IMPORT))
        };
        let page = self.db.page(&self.db.tables.accounts, &query).await?;
        let records = page.items.into_iter().map(from_item).collect::<Result<Vec<_>, _>>()?;
        let next = page.next.as_deref().and_then(|sk| sk.strip_prefix(keys::IMPORT)).and_then(|id| id.parse().ok());
        Ok((records, next))
    }
}

#[cfg(test)]
mod tests {
    use domain::prospect::SourceKind;

    use super::*;
    use crate::db::to_item;

    #[test]
    fn a_record_reads_back() {
        let at: Timestamp = "2026-09-15T16:20:00Z".parse().unwrap();
        let record = ImportRecord {
            id: ImportId::from_bytes([3; 10]),
            filename: "salon.csv".into(),
            source: Source {
                kind: SourceKind::TradeFair,
                detail: "Salon".into(),
                collected_on: "2026-09-01".parse().unwrap(),
            },
            lawful_basis: LawfulBasis::LegitimateInterest,
            created_at: at,
            status: ImportStatus::Running,
            failure: None,
            bytes: 10,
            bytes_read: 5,
            counts: ImportCounts { created: 3, ..ImportCounts::default() },
            rejected_by_reason: BTreeMap::from([("freemail".into(), 2)]),
            detected: Some(r#"{"delimiter":";"}"#.into()),
            mapping: None,
            mapping_used: None,
            started_at: Some(at),
            finished_at: None,
            etag: Some("\"abc\"".into()),
            rows_done: 5,
            worker: Some(Worker { message: "m".into(), receives: 2 }),
            v: 4,
        };
        let item = to_item(&keys::import(WorkspaceId::from_bytes([1; 10]), record.id), &record).unwrap();
        assert!(from_item::<ImportRecord>(item).unwrap() == record);
    }
}
