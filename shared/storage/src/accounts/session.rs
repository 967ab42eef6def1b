//! Sessions: families of refresh tokens, of which only the latest is worth something.

use domain::{
    Timestamp,
    audit::Entry,
    id::{MemberId, SessionId, WorkspaceId},
    policy::retention,
};
use serde::{Deserialize, Serialize};

use super::Accounts;
use crate::{
    commit,
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, n, s},
    keys,
};

/// One sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Whose workspace.
    pub workspace: WorkspaceId,
    /// Who signed in.
    pub member: MemberId,
    /// The keyed hash that their sign-in is found by.
    pub login: String,
    /// The sign-in's generation when the session began.
    pub generation: u64,
    /// SHA-256 of the latest refresh token's secret.
    pub secret: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// Where it began: /24 or /48 (A7).
    #[serde(default)]
    pub network: String,
    /// What it began in.
    #[serde(default)]
    pub user_agent: String,
    /// When it ends unless it is used before, epoch seconds.
    pub ttl: i64,
}

impl Db {
    /// Begins a session.
    pub async fn begin_session(&self, session: &Session, entry: &Entry) -> Result<(), StoreError> {
        let key = keys::session(session.workspace, session.id);
        let write = commit::put(&self.tables.accounts, &key, session, Expected::Absent)?;
        self.act(write, entry).await
    }

    /// A session that has not ended at `now`: TTL deletes late, reads must not.
    pub async fn session(
        &self,
        workspace: WorkspaceId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let found: Option<Session> = self.get(&self.tables.accounts, &keys::session(workspace, id), true).await?;
        Ok(found.filter(|session| now.as_second() < session.ttl))
    }

    /// Replaces the latest secret, if it is still the one that `session` holds. `Conflict` otherwise.
    pub async fn rotate_session(
        &self,
        session: &Session,
        next: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::session(session.workspace, session.id);
        self.updating(&self.tables.accounts, &key)
            .update_expression("SET secret = :next, used_at = :now, #ttl = :ttl")
            .condition_expression("secret = :seen")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":next", s(next))
            .expression_attribute_values(":now", s(now.to_string()))
            .expression_attribute_values(":seen", s(&session.secret))
            .expression_attribute_values(":ttl", n(retention::ttl(until)))
            .send()
            .await?;
        Ok(())
    }

    /// Ends a session. One that has ended already leaves no second entry.
    pub async fn end_session(&self, workspace: WorkspaceId, id: SessionId, entry: &Entry) -> Result<(), StoreError> {
        let write = commit::delete(&self.tables.accounts, &keys::session(workspace, id))?;
        match self.act(write, entry).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Accounts<'_> {
    /// A member's sessions that have not ended at `now`, oldest first.
    pub async fn sessions_of(&self, member: MemberId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let sessions = self.sessions(now).await?;
        Ok(sessions.into_iter().filter(|session| session.member == member).collect())
    }

    async fn sessions(&self, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let pk = keys::account(self.workspace);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::SESSION)) };
        let items = self.db.all(&self.db.tables.accounts, query).await?;
        let sessions = items.into_iter().map(from_item).collect::<Result<Vec<Session>, _>>()?;
        Ok(sessions.into_iter().filter(|session| now.as_second() < session.ttl).collect())
    }

    /// Ends a member's sessions, all but one if one is to stay, and leaves the entry in the transaction that
    /// ends the first of them. Nothing to end leaves nothing.
    pub async fn end_sessions(
        &self,
        member: MemberId,
        but: Option<SessionId>,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let sessions = self.sessions_of(member, entry.at).await?;
        let Some(first) = sessions.iter().find(|session| Some(session.id) != but) else { return Ok(()) };
        self.db.end_session(self.workspace, first.id, entry).await?;
        self.drop_sessions(member, but, entry.at).await
    }

    /// Ends a member's sessions, all but one if one is to stay: what follows from an act that has left its
    /// own entry.
    pub async fn drop_sessions(
        &self,
        member: MemberId,
        but: Option<SessionId>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.drop_all(self.sessions_of(member, now).await?, but).await
    }

    /// Ends the sessions of every member, all but one.
    pub async fn drop_everybody(&self, but: Option<SessionId>, now: Timestamp) -> Result<(), StoreError> {
        self.drop_all(self.sessions(now).await?, but).await
    }

    async fn drop_all(&self, sessions: Vec<Session>, but: Option<SessionId>) -> Result<(), StoreError> {
        for session in sessions.iter().filter(|session| Some(session.id) != but) {
            self.db.delete(&self.db.tables.accounts, &keys::session(self.workspace, session.id)).await?;
        }
        Ok(())
    }
}
