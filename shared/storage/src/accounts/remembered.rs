//! Answers remembered under an `Idempotency-Key`.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::{
    db::{Expected, PageQuery, Range, StoreError, from_item, n, to_item},
    keys::{self, Key},
};

/// An answer as it was given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers that the handler set.
    pub headers: Vec<(String, String)>,
    /// The text.
    pub body: String,
}

/// What is known of a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 of method, path and body.
    pub fingerprint: String,
    /// The answer; absent while the first request is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// From when the key may be taken again, epoch seconds: soon while the first request is under
    /// way (it may have been killed), a day after its answer.
    pub free_at: i64,
    /// When TTL may take it, epoch seconds.
    pub ttl: i64,
}

impl Accounts<'_> {
    /// Takes a key for a request. `false` when another holds it at `now`.
    pub async fn take_key(&self, key_hash: &str, hold: &Remembered, now: Timestamp) -> Result<bool, StoreError> {
        let key = keys::idempotency(self.workspace, key_hash);
        let put = self
            .db
            .client
            .put_item()
            .table_name(&self.db.tables.accounts)
            .set_item(Some(to_item(&key, hold)?))
            .condition_expression("attribute_not_exists(pk) OR free_at <= :now")
            .expression_attribute_values(":now", n(now.as_second()));
        match put.send().await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is known of a key.
    pub async fn remembered(&self, key_hash: &str) -> Result<Option<Remembered>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::idempotency(self.workspace, key_hash), true).await
    }

    /// Replaces what is known of a key that this request took.
    pub async fn remember(&self, key_hash: &str, what: &Remembered) -> Result<(), StoreError> {
        let key = keys::idempotency(self.workspace, key_hash);
        self.db.put(&self.db.tables.accounts, &key, what, Expected::Present).await
    }

    /// Forgets the answers that say `text`, in whatever case: what somebody erased must not be said again.
    pub async fn forget_answers(&self, text: &str) -> Result<usize, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::IDEMPOTENCY)) };
        let text = text.to_lowercase();
        let mut forgotten = 0;
        for item in self.db.all(&self.db.tables.accounts, query).await? {
            let key = Key { pk: pk.clone(), sk: crate::db::text(&item, "sk")? };
            let remembered: Remembered = from_item(item)?;
            if remembered.answer.is_some_and(|answer| answer.body.to_lowercase().contains(&text)) {
                self.db.delete(&self.db.tables.accounts, &key).await?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }
}
