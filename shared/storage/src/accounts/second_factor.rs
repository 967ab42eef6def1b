//! Second factors: a sealed secret, the step last used, and hashes of recovery codes.

use domain::{Timestamp, audit::Entry, id::MemberId};
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::{
    commit,
    db::{Expected, StoreError},
    keys,
};

/// A member's second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactor {
    /// The secret, sealed under the workspace's data key.
    pub secret: String,
    /// Since when it is asked for; not yet, while it is being set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_at: Option<Timestamp>,
    /// The step of the last code that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u64>,
    /// SHA-256 of the recovery codes that are left.
    pub recovery: Vec<String>,
    /// Grows with every change.
    pub v: u64,
    /// When a setup that nobody finished goes, epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl SecondFactor {
    /// Whether signing in asks for it.
    pub const fn is_on(&self) -> bool {
        self.confirmed_at.is_some()
    }
}

impl Accounts<'_> {
    /// A member's second factor, on or being set up.
    pub async fn second_factor(&self, member: MemberId) -> Result<Option<SecondFactor>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::second_factor(self.workspace, member), true).await
    }

    /// Puts it, if what is there is still as `seen`: `None` for nothing. `Conflict` otherwise.
    pub async fn put_second_factor(
        &self,
        member: MemberId,
        factor: &SecondFactor,
        seen: Option<u64>,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let key = keys::second_factor(self.workspace, member);
        let write = commit::put(&self.db.tables.accounts, &key, factor, expected(seen))?;
        self.db.act(write, entry).await
    }

    /// The same, for a code that was used: what it opened leaves the entry.
    pub async fn spend_code(&self, member: MemberId, factor: &SecondFactor, seen: u64) -> Result<(), StoreError> {
        let key = keys::second_factor(self.workspace, member);
        self.db.put(&self.db.tables.accounts, &key, factor, expected(Some(seen))).await
    }

    /// Removes it. `Conflict` when it is gone already.
    pub async fn delete_second_factor(&self, member: MemberId, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::second_factor(self.workspace, member);
        self.db.act(commit::delete(&self.db.tables.accounts, &key)?, entry).await
    }
}

fn expected(seen: Option<u64>) -> Expected {
    seen.map_or(Expected::Absent, Expected::Version)
}
