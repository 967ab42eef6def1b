//! What has to be known after a backup was restored, kept where no backup is put back: in the table of
//! opt-outs. Which workspaces were closed and which members removed, who asked that their data be kept and not used, who
//! withdrew their consent to clicks being recorded, and for which restore everything has been replayed.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    id::{MemberId, RequestId, WorkspaceId},
    policy::retention::{self, Class, Policy},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    accounts::Closing,
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, text},
    keys::{self, Key},
};

#[derive(Serialize, Deserialize)]
struct Noted {
    at: Timestamp,
    /// Of a workspace: its owner wanted nothing to wait.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    erase: bool,
    /// Of a person: the request that froze their record; nothing once that ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request: Option<RequestId>,
    /// When the note itself goes, epoch seconds.
    ttl: i64,
}

impl Noted {
    /// What happened at `at`, remembered from `now` on for as long as erasures are.
    fn new(at: Timestamp, now: Timestamp) -> Self {
        Self { at, erase: false, request: None, ttl: retention::ttl(Policy::current().expiry(Class::Erasure, now)) }
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

/// Members who were removed, by a hash of their names and their workspaces'.
#[derive(Debug, Default)]
pub struct Removed(HashMap<String, Timestamp>);

impl Removed {
    /// When a member was removed.
    pub fn since(&self, workspace: WorkspaceId, member: MemberId) -> Option<Timestamp> {
        if self.0.is_empty() { None } else { self.0.get(&hash_of(workspace, member)).copied() }
    }
}

/// People who asked that their data be kept and not used (art. 18), by a hash of their names and their workspaces'.
#[derive(Debug, Default)]
pub struct Frozen(HashMap<String, RequestId>);

impl Frozen {
    /// The request by which a person's record is frozen.
    pub fn by(&self, workspace: WorkspaceId, subject: Subject) -> Option<RequestId> {
        if self.0.is_empty() { None } else { self.0.get(&hash_of(workspace, subject)).copied() }
    }
}

fn hash(workspace: WorkspaceId) -> String {
    hex::encode(Sha256::digest(workspace.to_string()))
}

fn hash_of(workspace: WorkspaceId, whom: impl std::fmt::Display) -> String {
    hex::encode(Sha256::digest(format!("{workspace}/{whom}")))
}

impl Db {
    /// Every workspace that is known to be closed, or was when it went.
    pub async fn closed_workspaces(&self) -> Result<Closed, StoreError> {
        let noted = self.noted(keys::CLOSED).await?;
        Ok(Closed(noted.into_iter().map(|(name, Noted { at, erase, .. })| (name, Closing { at, erase })).collect()))
    }

    /// Every member who is known to have been removed.
    pub async fn removed_members(&self) -> Result<Removed, StoreError> {
        let noted = self.noted(keys::REMOVED).await?;
        Ok(Removed(noted.into_iter().map(|(name, noted)| (name, noted.at)).collect()))
    }

    /// Notes that a member is removed: a part of removing them.
    pub(crate) fn noting_removed(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = keys::removed(&hash_of(workspace, member));
        commit::put(&self.tables.suppressions, &key, &Noted::new(at, at), Expected::Anything)
    }

    /// Everybody whose record is known to be frozen at their request.
    pub async fn frozen_people(&self) -> Result<Frozen, StoreError> {
        let noted = self.noted(keys::FROZEN).await?;
        Ok(Frozen(noted.into_iter().filter_map(|(name, noted)| Some((name, noted.request?))).collect()))
    }

    /// Notes by which request a person's record is frozen, or that none freezes it any more: a part of doing it.
    pub fn noting_frozen(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        request: Option<RequestId>,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = keys::frozen(&hash_of(workspace, subject));
        let noted = Noted { request, ..Noted::new(at, at) };
        commit::put(&self.tables.suppressions, &key, &noted, Expected::Anything)
    }

    /// Since when a person is known not to agree any more to have clicks recorded.
    pub async fn click_withdrawal(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
    ) -> Result<Option<Timestamp>, StoreError> {
        let Key { pk, sk } = keys::click_withdrawal(workspace, &hash_of(workspace, subject));
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(&sk)) };
        let found = self.all(&self.tables.suppressions, query).await?.into_iter().next();
        Ok(found.map(from_item::<Noted>).transpose()?.map(|noted| noted.at))
    }

    /// Notes that they do not: a part of withdrawing it.
    pub fn noting_click_withdrawal(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        at: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = keys::click_withdrawal(workspace, &hash_of(workspace, subject));
        commit::put(&self.tables.suppressions, &key, &Noted::new(at, at), Expected::Anything)
    }

    async fn noted(&self, partition: &str) -> Result<Vec<(String, Noted)>, StoreError> {
        let query = PageQuery { strong: true, ..PageQuery::of(partition, Range::All) };
        let items = self.all(&self.tables.suppressions, query).await?;
        items.into_iter().map(|item| Ok((text(&item, "sk")?, from_item(item)?))).collect()
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
