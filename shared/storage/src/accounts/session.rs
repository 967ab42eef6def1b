//! Sessions: families of refresh tokens, of which only the latest is worth something.

use domain::{
    Timestamp,
    audit::Entry,
    id::{MemberId, SessionId, WorkspaceId},
    policy::retention,
};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, StoreError, n, s},
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
    pub async fn rotate_session(&self, session: &Session, next: &str, until: Timestamp) -> Result<(), StoreError> {
        let key = keys::session(session.workspace, session.id);
        self.updating(&self.tables.accounts, &key)
            .update_expression("SET secret = :next, #ttl = :ttl")
            .condition_expression("secret = :seen")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":next", s(next))
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
