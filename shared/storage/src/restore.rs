//! What has to be known after a backup was restored, kept where no backup is put back: in the table of
//! opt-outs. Which workspaces were closed, and for which restore everything has been replayed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    id::WorkspaceId,
    policy::retention::{self, Class, Policy},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    accounts::Closing,
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, text},
    keys,
};

#[derive(Serialize, Deserialize)]
struct Noted {
    at: Timestamp,
    /// Of a workspace: its owner wanted nothing to wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    erase: bool,
    /// When the note itself goes, epoch seconds.
    ttl: i64,
}

impl Noted {
    /// What happened at `at`, remembered from `now` on for as long as erasures are.
    fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, erase: false, ttl: retention::ttl(Policy::current().expiry(Class::Erasure, now)) }
    }
}

/// Closed workspaces by a hash of their names: of one that is gone nothing more is left.
#[derive(Debug, Default)]
pub struct Closed(HashMap<String, Closing>);

impl Closed {
    /// How a workspace was closed.
    pub fn of(&self, workspace: WorkspaceId) -> Option<Closing> {
        self.0.get(&hash(workspace)).copied()
    }
}

fn hash(workspace: WorkspaceId) -> String {
    hex::encode(Sha256::digest(workspace.to_string()))
}

impl Db {
    /// Every workspace that is known to be closed, or was when it went.
    pub async fn closed_workspaces(&self) -> Result<Closed, StoreError> {
        let query = PageQuery { strong: true, ..PageQuery::of(keys::CLOSED, Range::All) };
        let items = self.all(&self.tables.suppressions, query).await?;
        let noted = items.into_iter().map(|item| {
            let (name, Noted { at, erase, .. }) = (text(&item, "sk")?, from_item(item)?);
            Ok((name, Closing { at, erase }))
        });
        Ok(Closed(noted.collect::<Result<_, StoreError>>()?))
    }

    /// Notes that a workspace is closed, and how: a part of closing it.
    pub(crate) fn noting_closed(
        &self,
        workspace: WorkspaceId,
        closing: Closing,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = keys::closed(&hash(workspace));
        let noted = Noted { erase: closing.erase, ..Noted::new(closing.at, closing.at) };
        commit::put(&self.tables.suppressions, &key, &noted, Expected::Anything)
    }

    /// Forgets that a workspace was closed: a part of reopening it.
    pub(crate) fn forgetting_closed(&self, workspace: WorkspaceId) -> Result<TransactWriteItem, StoreError> {
        commit::clear(&self.tables.suppressions, &keys::closed(&hash(workspace)))
    }

    /// When everything was replayed over what was restored under this name; `None` while it is not.
    pub async fn replayed_at(&self, restore: &str) -> Result<Option<Timestamp>, StoreError> {
        let noted: Option<Noted> = self.get(&self.tables.suppressions, &keys::replayed(restore), true).await?;
        Ok(noted.map(|noted| noted.at))
    }

    /// Notes that it was at `at`, and as of `now` the installation still goes by that name.
    pub async fn note_replayed(&self, restore: &str, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::replayed(restore);
        self.put(&self.tables.suppressions, &key, &Noted::new(at, now), Expected::Anything).await
    }
}
