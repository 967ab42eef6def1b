//! Keys that programs use the API with: stored by their hash.

use domain::{
    Timestamp,
    access::Permission,
    audit::Entry,
    id::{ApiKeyId, MemberId, WorkspaceId},
};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, s},
    keys,
};

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// What its maker calls it.
    pub name: String,
    /// What it may do at most.
    pub scopes: Vec<Permission>,
    /// Who made it. What they may not do any more, it may not either.
    pub created_by: MemberId,
    /// When.
    pub created_at: Timestamp,
    /// How it starts, to recognise it by.
    pub start: String,
    /// SHA-256 of its secret.
    pub secret: String,
    /// The day it was last used on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_on: Option<Date>,
    /// When it ends, epoch seconds.
    pub ttl: i64,
}

impl Db {
    /// A key that has not ended at `now`.
    pub async fn api_key(
        &self,
        workspace: WorkspaceId,
        id: ApiKeyId,
        now: Timestamp,
    ) -> Result<Option<ApiKey>, StoreError> {
        let found: Option<ApiKey> = self.get(&self.tables.accounts, &keys::api_key(workspace, id), true).await?;
        Ok(found.filter(|key| now.as_second() < key.ttl))
    }
}

impl Accounts<'_> {
    /// Keeps a new key.
    pub async fn put_api_key(&self, key: &ApiKey, entry: &Entry) -> Result<(), StoreError> {
        let place = keys::api_key(self.workspace, key.id);
        self.db.act(commit::put(&self.db.tables.accounts, &place, key, Expected::Absent)?, entry).await
    }

    /// All keys that have not ended at `now`, oldest first.
    pub async fn api_keys(&self, now: Timestamp) -> Result<Vec<ApiKey>, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::API_KEY)) };
        let items = self.db.all(&self.db.tables.accounts, query).await?;
        let all = items.into_iter().map(from_item).collect::<Result<Vec<ApiKey>, _>>()?;
        Ok(all.into_iter().filter(|key| now.as_second() < key.ttl).collect())
    }

    /// Notes the day a key was used on. `Conflict` when it has ended.
    pub async fn note_api_key(&self, id: ApiKeyId, day: Date) -> Result<(), StoreError> {
        let key = keys::api_key(self.workspace, id);
        self.db
            .updating(&self.db.tables.accounts, &key)
            .update_expression("SET used_on = :day")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":day", s(day.to_string()))
            .send()
            .await?;
        Ok(())
    }

    /// Ends a key. `Conflict` when it has ended already.
    pub async fn delete_api_key(&self, id: ApiKeyId, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::api_key(self.workspace, id);
        self.db.act(commit::delete(&self.db.tables.accounts, &key)?, entry).await
    }

    /// Ends the keys that a member made, or all: what follows from their going, or from the workspace's closing.
    pub async fn drop_api_keys(&self, maker: Option<MemberId>, now: Timestamp) -> Result<(), StoreError> {
        let keys = self.api_keys(now).await?;
        for key in keys.iter().filter(|key| maker.is_none_or(|maker| key.created_by == maker)) {
            self.db.delete(&self.db.tables.accounts, &keys::api_key(self.workspace, key.id)).await?;
        }
        Ok(())
    }
}
