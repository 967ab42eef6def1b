//! Invitations: who was asked to join, as what, until when.

use domain::{
    Timestamp,
    audit::Entry,
    email::EmailAddress,
    id::{InvitationId, MemberId, WorkspaceId},
    locale::Locale,
    member::Role,
    policy::retention,
};
use serde::{Deserialize, Serialize};

use super::{
    Accounts, Member,
    login::{Login, Redeem},
    once::{GoodFor, Stored},
};
use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item},
    keys,
};

/// Somebody who was asked to join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// Whom the mail went to.
    pub email: EmailAddress,
    /// As what they would join.
    pub role: Role,
    /// Their language.
    pub locale: Locale,
    /// Who asked.
    pub invited_by: MemberId,
    /// When.
    pub created_at: Timestamp,
    /// SHA-256 of the token in the mail.
    pub token: String,
    /// When it ends, epoch seconds.
    pub ttl: i64,
}

impl Accounts<'_> {
    /// Remembers an invitation and what its token is good for.
    pub async fn invite(&self, invitation: &Invitation, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.db.tables.accounts;
        let good_for = GoodFor::Invitation { workspace: self.workspace, invitation: invitation.id };
        let token = Stored { good_for, ttl: invitation.ttl };
        let writes = vec![
            commit::put(table, &keys::invitation(self.workspace, invitation.id), invitation, Expected::Absent)?,
            commit::put(table, &keys::token(&invitation.token), &token, Expected::Absent)?,
            self.db.recording(entry)?,
        ];
        self.db.commit(writes).await
    }

    /// An invitation that is still open at `now`.
    pub async fn invitation(&self, id: InvitationId, now: Timestamp) -> Result<Option<Invitation>, StoreError> {
        let key = keys::invitation(self.workspace, id);
        let found: Option<Invitation> = self.db.get(&self.db.tables.accounts, &key, true).await?;
        Ok(found.filter(|invitation| is_open(invitation, now)))
    }

    /// All that are open at `now`, oldest first.
    pub async fn invitations(&self, now: Timestamp) -> Result<Vec<Invitation>, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::INVITATION)) };
        let items = self.db.all(&self.db.tables.accounts, query).await?;
        let all = items.into_iter().map(from_item).collect::<Result<Vec<Invitation>, _>>()?;
        Ok(all.into_iter().filter(|invitation| is_open(invitation, now)).collect())
    }

    /// Takes an invitation back. `Conflict` when it has been accepted meanwhile.
    pub async fn withdraw(&self, invitation: &Invitation, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.db.tables.accounts;
        let writes = vec![
            commit::delete(table, &keys::invitation(self.workspace, invitation.id))?,
            commit::delete(table, &keys::token(&invitation.token))?,
            self.db.recording(entry)?,
        ];
        self.db.commit(writes).await
    }
}

impl Db {
    /// Trades an invitation's token for a member and their sign-in, all or nothing.
    pub async fn join(
        &self,
        workspace: WorkspaceId,
        invitation: &Invitation,
        member: &Member,
        login: &Login,
        entry: &Entry,
    ) -> Result<(), Redeem> {
        let table = &self.tables.accounts;
        let writes = vec![
            commit::delete(table, &keys::token(&invitation.token))?,
            commit::put(table, &keys::login(&member.login), login, Expected::Absent)?,
            commit::put(table, &keys::member(workspace, member.id), member, Expected::Absent)?,
            commit::delete(table, &keys::invitation(workspace, invitation.id))?,
            self.recording(entry)?,
        ];
        Ok(self.try_commit(writes).await?)
    }
}

fn is_open(invitation: &Invitation, now: Timestamp) -> bool {
    now.as_second() < invitation.ttl
}

/// When an invitation ends, as it is told.
impl Invitation {
    /// The second it ends at.
    pub fn ends_at(&self) -> Timestamp {
        Timestamp::from_second(self.ttl).unwrap_or(self.created_at)
    }

    /// The `ttl` of one that ends at `until`.
    pub fn ttl(until: Timestamp) -> i64 {
        retention::ttl(until)
    }
}
