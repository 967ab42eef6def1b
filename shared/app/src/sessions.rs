//! A member's own sessions: where they are open, and ending them.

use domain::{
    Timestamp,
    audit::Action,
    id::{MemberId, SessionId},
};
use serde::Serialize;
use storage::{WorkspaceScope, accounts::session::Session};

use crate::{App, Failure};

/// A session as its member sees it.
#[derive(Debug, Serialize)]
pub struct SessionView {
    id: SessionId,
    created_at: Timestamp,
    /// To the ten minutes that an access token lives.
    last_used_at: Timestamp,
    network: String,
    user_agent: String,
    /// Whether this request belongs to it.
    current: bool,
}

impl App {
    /// The caller's sessions, oldest first.
    pub async fn sessions(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Vec<SessionView>, Failure> {
        let sessions = self.db.accounts(scope).sessions_of(person(scope)?, now).await?;
        let view = |session: Session| SessionView {
            current: Some(session.id) == scope.session(),
            id: session.id,
            created_at: session.created_at,
            last_used_at: session.used_at.unwrap_or(session.created_at),
            network: session.network,
            user_agent: session.user_agent,
        };
        Ok(sessions.into_iter().map(view).collect())
    }

    /// Ends one of the caller's sessions.
    pub async fn end_own_session(&self, scope: &WorkspaceScope, id: SessionId, now: Timestamp) -> Result<(), Failure> {
        let member = person(scope)?;
        let session = self.db.of(scope).session(scope.workspace(), id, now).await?;
        session.filter(|session| session.member == member).ok_or_else(|| Failure::not_found("session"))?;
        Ok(self
            .db
            .of(scope)
            .end_session(scope.workspace(), id, &scope.entry(Action::SessionEnded, now).about(id))
            .await?)
    }

    /// Ends all of the caller's sessions but this one.
    pub async fn end_other_sessions(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<(), Failure> {
        let member = person(scope)?;
        let entry = scope.entry(Action::SessionsEnded, now).about(member);
        Ok(self.db.accounts(scope).end_sessions(member, scope.session(), &entry).await?)
    }
}

/// The member who acts.
pub(crate) fn person(scope: &WorkspaceScope) -> Result<MemberId, Failure> {
    scope.member().ok_or_else(Failure::unauthenticated)
}
