//! The keys table: wrapped data keys, and the public keys that access tokens and statements are verified
//! with.
//!
//! Kept apart, and out of long backups: destroying a workspace's data key makes what it sealed
//! unreadable wherever a copy lies.

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    Timestamp,
    policy::retention::{self, Class, Policy},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, n, s, text},
    keys,
};

#[derive(Serialize, Deserialize)]
struct DataKey {
    /// As KMS wrapped it, base64.
    wrapped: String,
    created_at: Timestamp,
}

/// The public half of a key that access tokens or statements are signed with (RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyingKey {
    /// Its 32 bytes, base64url without padding.
    pub x: String,
    /// When it was first used.
    pub published_at: Timestamp,
}

impl Db {
    /// The workspace's data key as KMS wrapped it; `None` before the first secret.
    pub async fn data_key(&self, scope: &WorkspaceScope) -> Result<Option<Vec<u8>>, StoreError> {
        let stored: Option<DataKey> =
            self.of(scope).get(&self.tables.keys, &keys::data_key(scope.workspace()), true).await?;
        let wrapped = stored.map(|key| STANDARD.decode(key.wrapped)).transpose();
        wrapped.map_err(|_| StoreError::Corrupt("data key"))
    }

    /// Keeps a new data key. `Conflict` when there is one already: that one counts.
    pub async fn put_data_key(&self, scope: &WorkspaceScope, wrapped: &[u8], now: Timestamp) -> Result<(), StoreError> {
        let key = DataKey { wrapped: STANDARD.encode(wrapped), created_at: now };
        self.of(scope).put(&self.tables.keys, &keys::data_key(scope.workspace()), &key, Expected::Absent).await
    }

    /// The public key of that name.
    pub async fn verifying_key(&self, kid: &str) -> Result<Option<VerifyingKey>, StoreError> {
        self.get(&self.tables.keys, &keys::verifying_key(kid), false).await
    }

    /// Publishes a public key (base64url) that is used at `now`. It stays for as long after its last use as
    /// the policy says.
    pub async fn publish_key(&self, kid: &str, public: &str, now: Timestamp) -> Result<(), StoreError> {
        self.publish(&keys::verifying_key(kid), public, now).await
    }

    /// The same of a key that statements are signed with. It lies apart from those of access tokens:
    /// whoever signs statements must not be able to open a session.
    pub async fn publish_statement_key(&self, kid: &str, public: &str, now: Timestamp) -> Result<(), StoreError> {
        self.publish(&keys::statement_key(kid), public, now).await
    }

    /// Every key that statements were signed with, by name.
    pub async fn statement_keys(&self) -> Result<Vec<(String, VerifyingKey)>, StoreError> {
        let items = self.all(&self.tables.keys, PageQuery::of(keys::STATEMENT_KEYS, Range::All)).await?;
        items.into_iter().map(|item| Ok((text(&item, "sk")?, from_item(item)?))).collect()
    }

    async fn publish(&self, at: &keys::Key, public: &str, now: Timestamp) -> Result<(), StoreError> {
        let end = Policy::current().expiry(Class::PublicKey, now);
        self.updating(&self.tables.keys, at)
            .update_expression("SET x = :x, published_at = if_not_exists(published_at, :now), #ttl = :ttl")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":x", s(public))
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":ttl", n(retention::ttl(end)))
            .send()
            .await?;
        Ok(())
    }
}
