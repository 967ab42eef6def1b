//! The register of requests, whatever way they came by (A46).
//!
//! An open request names the person, because it has to be answered. Closing it leaves dates and outcomes.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use domain::{
    Timestamp,
    email::EmailAddress,
    id::{MemberId, RequestId, WorkspaceId},
    locale::Locale,
    policy::retention::{self, Policy},
    rights::{
        Channel, Duty, Outcome, RequestKind,
        identity::{Check, Doubt},
    },
};
use serde::{Deserialize, Serialize};

use super::Holding;
use crate::{
    WorkspaceScope, commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// Whose request it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "who", rename_all = "snake_case")]
pub enum Person {
    /// Somebody whom Senders hold: they answer.
    Prospect {
        /// The address.
        email: EmailAddress,
    },
    /// Somebody who has an account: the operator answers.
    Member {
        /// The workspace.
        workspace: WorkspaceId,
        /// The member.
        member: MemberId,
        /// The address.
        email: EmailAddress,
    },
}

impl Person {
    /// Where the answer goes.
    pub const fn email(&self) -> &EmailAddress {
        match self {
            Self::Prospect { email } | Self::Member { email, .. } => email,
        }
    }
}

/// A request that is not answered yet.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsRequest {
    /// Its identifier.
    pub id: RequestId,
    /// What is asked.
    pub kind: RequestKind,
    /// How it came.
    pub channel: Channel,
    /// Who asks.
    pub person: Person,
    /// The language to answer in.
    pub locale: Locale,
    /// In the person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it was received: the clock runs from here.
    pub received_at: Timestamp,
    /// When it was entered here.
    pub entered_at: Timestamp,
    /// The mailbox is still to be proved: until then nothing is looked up and nothing is done.
    #[serde(default)]
    pub unproved: bool,
    /// Who holds the person.
    #[serde(default)]
    pub holdings: Vec<Holding>,
    /// What the operator itself has to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// Whether everything that is done at once is done, and the person told.
    #[serde(default)]
    pub carried_out: bool,
    /// A doubt about who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// The hash of the token that a copy is sent with, while one may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Of an erasure: what was found and erased at once, by class.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub erased: BTreeMap<String, u64>,
    /// Raised by every write.
    pub v: u64,
}

impl std::fmt::Debug for RightsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RightsRequest({}, {:?})", self.id, self.kind)
    }
}

/// How a request ended with one who had to answer it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The Sender; the operator when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<WorkspaceId>,
    /// How.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// When it was due, the extension included.
    pub due: Timestamp,
}

/// What is kept of a request that was answered: no address, no words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedRequest {
    /// Its identifier.
    pub id: RequestId,
    /// What was asked.
    pub kind: RequestKind,
    /// How it came.
    pub channel: Channel,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// By whom, how and when it was answered.
    pub ended: Vec<Ended>,
    /// Of an erasure: its signed certificate, JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// Where its author was doubted: what was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// When this itself goes, epoch seconds.
    pub ttl: i64,
}

/// A member's own request, as they see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRequest {
    /// Its identifier.
    pub id: RequestId,
    /// What was asked.
    pub kind: RequestKind,
    /// When.
    pub received_at: Timestamp,
    /// By when it is answered.
    pub due: Timestamp,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// When this itself goes, epoch seconds; an open one stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl Db {
    /// Enters a request, as part of a transaction.
    pub fn enter_request(&self, request: &RightsRequest) -> Result<TransactWriteItem, StoreError> {
        commit::put(&self.tables.rights, &keys::open_request(request.id), request, Expected::Absent)
    }

    /// Notes a member's own request, or what became of it, as part of a transaction.
    pub fn note_own_request(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
        own: &OwnRequest,
    ) -> Result<TransactWriteItem, StoreError> {
        let key = keys::own_request(workspace, member, own.id);
        commit::put(&self.tables.rights, &key, own, Expected::Anything)
    }

    /// Replaces one that was read, as part of a transaction.
    pub fn replace_request(&self, request: &mut RightsRequest) -> Result<TransactWriteItem, StoreError> {
        let seen = request.v;
        request.v = seen + 1;
        let key = keys::open_request(request.id);
        commit::put(&self.tables.rights, &key, request, Expected::Version(seen))
    }

    /// One that is open, strongly consistent.
    pub async fn open_request(&self, id: RequestId) -> Result<Option<RightsRequest>, StoreError> {
        self.get(&self.tables.rights, &keys::open_request(id), true).await
    }

    /// One page of those that are open, oldest first, after `after`.
    pub async fn open_requests(&self, after: Option<&str>) -> Result<(Vec<RightsRequest>, Option<String>), StoreError> {
        let query =
            PageQuery { after, limit: Some(100), strong: true, ..PageQuery::of(keys::OPEN_REQUESTS, Range::All) };
        let page = self.page(&self.tables.rights, &query).await?;
        Ok((page.items.into_iter().map(from_item).collect::<Result<_, _>>()?, page.next))
    }

    /// Replaces one that was read, and counts its version up. `Conflict`: somebody else wrote since.
    pub async fn save_request(&self, request: &mut RightsRequest) -> Result<(), StoreError> {
        let seen = request.v;
        request.v = seen + 1;
        let key = keys::open_request(request.id);
        self.put(&self.tables.rights, &key, request, Expected::Version(seen)).await
    }

    /// Closes one: from here on nothing says whose it was. `Conflict` when it changed since it was read.
    pub async fn close_request(
        &self,
        request: &RightsRequest,
        ended: Vec<Ended>,
        certificate: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let own = ended.first().map(|ended| (ended.outcome, ended.due));
        let mut writes = self.closing(request, ended, certificate, now)?;
        let ttl = retention::ttl(Policy::current().rights_request_expiry(now));
        let &RightsRequest { id, kind, received_at, .. } = request;
        if let (Person::Member { workspace, member, .. }, Some((outcome, due))) = (&request.person, own) {
            let (outcome, closed_at, ttl) = (Some(outcome), Some(now), Some(ttl));
            let own = OwnRequest { id, kind, received_at, due, outcome, closed_at, ttl };
            writes.push(self.note_own_request(*workspace, *member, &own)?);
        }
        self.commit(writes).await
    }

    /// Closes a member's whose account is gone, and leaves nothing under the name of the workspace. `Conflict`
    /// when it changed since it was read.
    pub async fn close_orphan(
        &self,
        request: &RightsRequest,
        workspace: WorkspaceId,
        member: MemberId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let due = request.duty.as_ref().map_or(now, |duty| duty.due);
        let ended = vec![Ended { workspace: None, outcome: Outcome::SenderGone, at: now, due }];
        self.close_nameless(request, (workspace, member), ended, None, now).await
    }

    /// Closes a member's who is gone, and leaves nothing under their name. `Conflict` when it changed since it was read.
    pub async fn close_nameless(
        &self,
        request: &RightsRequest,
        (workspace, member): (WorkspaceId, MemberId),
        ended: Vec<Ended>,
        certificate: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writes = self.closing(request, ended, certificate, now)?;
        writes.push(commit::delete(&self.tables.rights, &keys::own_request(workspace, member, request.id))?);
        self.commit(writes).await
    }

    /// What is the same whoever closes one.
    fn closing(
        &self,
        request: &RightsRequest,
        ended: Vec<Ended>,
        certificate: Option<String>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let ttl = retention::ttl(Policy::current().rights_request_expiry(now));
        let &RightsRequest { id, kind, channel, received_at, .. } = request;
        let check = request.doubt.as_ref().map(|doubt| doubt.check.clone());
        let closed = ClosedRequest { id, kind, channel, received_at, closed_at: now, ended, certificate, check, ttl };
        let table = &self.tables.rights;
        let mut writes = vec![
            commit::delete_at(table, &keys::open_request(id), request.v)?,
            commit::put(table, &keys::closed_request(id), &closed, Expected::Absent)?,
        ];
        if let Some(link) = &request.link {
            writes.push(self.end_token(link)?);
        }
        Ok(writes)
    }

    /// What is kept of one that is closed.
    pub async fn closed_request(&self, id: RequestId) -> Result<Option<ClosedRequest>, StoreError> {
        self.get(&self.tables.rights, &keys::closed_request(id), true).await
    }

    /// A member's own requests, oldest first.
    pub async fn own_requests(&self, scope: &WorkspaceScope, member: MemberId) -> Result<Vec<OwnRequest>, StoreError> {
        let (pk, prefix) = (keys::rights(scope.workspace()), keys::own_requests(member));
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(&prefix)) };
        self.all(&self.tables.rights, query).await?.into_iter().map(from_item).collect()
    }
}
