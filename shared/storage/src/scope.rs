//! The right to touch one workspace's data, and in whose name.

use std::sync::Arc;

use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Entry},
    id::{AuditId, MemberId, SessionId, WorkspaceId},
    member::Role,
};

use crate::{Db, reach::Reach};

/// Whose data a use case works on, and who acts. Made at the rim: from a verified access token, or from
/// a message that only our own functions can put on a queue.
#[derive(Debug, Clone)]
pub struct WorkspaceScope {
    workspace: WorkspaceId,
    caller: Arc<Caller>,
    /// The session of the workspace; without one it is the function's own credentials that reach its data.
    reach: Option<Arc<Reach>>,
}

impl WorkspaceScope {
    /// Somebody acts.
    pub fn acting(workspace: WorkspaceId, caller: Caller) -> Self {
        Self { workspace, caller: Arc::new(caller), reach: None }
    }

    /// One of our own functions, at work on a message of our own queue.
    pub fn internal(workspace: WorkspaceId) -> Self {
        Self::acting(workspace, Caller::system())
    }

    /// The same, with the session of the workspace: from here on nothing else is reached.
    #[must_use]
    pub fn reaching(self, reach: Arc<Reach>) -> Self {
        Self { reach: Some(reach), ..self }
    }

    /// The same workspace, in somebody's name.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        Self { caller: Arc::new(caller), ..self }
    }

    /// The session of the workspace, if there is one.
    pub(crate) fn reach(&self) -> Option<&Reach> {
        self.reach.as_deref()
    }

    /// The workspace.
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Who acts, and from where.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who acts, when a member does or a program in their name.
    pub fn member(&self) -> Option<MemberId> {
        self.caller.actor.member()
    }

    /// As what, when a person does.
    pub fn role(&self) -> Option<Role> {
        match self.caller.actor {
            Actor::Member { role, .. } => Some(role),
            Actor::ApiKey { .. } | Actor::Staff { .. } | Actor::Anonymous | Actor::System => None,
        }
    }

    /// By which session, when a person does.
    pub fn session(&self) -> Option<SessionId> {
        match self.caller.actor {
            Actor::Member { session, .. } => session,
            Actor::ApiKey { .. } | Actor::Staff { .. } | Actor::Anonymous | Actor::System => None,
        }
    }

    /// That the caller does this at `now`: to be written together with the act.
    pub fn entry(&self, action: Action, now: Timestamp) -> Entry {
        Entry::new(AuditId::new(now, rand::random()), now, self.workspace, &self.caller, action)
    }
}

impl Db {
    /// The tables as the scope reaches them: with the session of its workspace where it has one.
    pub fn of<'a>(&'a self, scope: &'a WorkspaceScope) -> &'a Db {
        scope.reach().map_or(self, |reach| &reach.db)
    }
}
