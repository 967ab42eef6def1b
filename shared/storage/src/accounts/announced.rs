//! Which members have been told of which changes of the legal texts, so that nobody is told twice (A56).

use std::collections::BTreeSet;

use domain::{Timestamp, id::MemberId, policy::retention};
use serde::Serialize;

use super::Accounts;
use crate::{
    db::{Expected, PageQuery, Range, StoreError, text},
    keys,
};

#[derive(Serialize)]
struct Announced {
    at: Timestamp,
    /// From when it says nothing any more, epoch seconds: the change applies then.
    ttl: i64,
}

/// Who was told of what, in one workspace.
#[derive(Debug, Default)]
pub struct Told(BTreeSet<String>);

impl Told {
    /// Whether a member was told of a version of a document.
    pub fn has(&self, member: MemberId, document: &str, version: &str) -> bool {
        self.0.contains(&keys::announced_sort(member, document, version))
    }
}

impl Accounts<'_> {
    /// Who was told so far.
    pub async fn told(&self) -> Result<Told, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, only: Some("sk"), ..PageQuery::of(&pk, Range::Prefix(keys::ANNOUNCED)) };
        let items = self.db.all(&self.db.tables.accounts, query).await?;
        Ok(Told(items.iter().map(|item| text(item, "sk")).collect::<Result<_, _>>()?))
    }

    /// Takes the right to tell a member of a version at `now`; nobody has it again. `false` when it was taken.
    pub async fn take_announcement(
        &self,
        member: MemberId,
        (document, version): (&str, &str),
        now: Timestamp,
        applies: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = keys::announced(self.workspace, member, document, version);
        let announced = Announced { at: now, ttl: retention::ttl(applies) };
        match self.db.put(&self.db.tables.accounts, &key, &announced, Expected::Absent).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the right back: the mail certainly did not go.
    pub async fn return_announcement(&self, member: MemberId, document: &str, version: &str) -> Result<(), StoreError> {
        self.db.delete(&self.db.tables.accounts, &keys::announced(self.workspace, member, document, version)).await
    }
}
