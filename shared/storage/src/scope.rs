//! The right to touch one workspace's data, and in whose name.

use std::sync::Arc;

use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Entry},
    id::{AuditId, MemberId, SessionId, WorkspaceId},
    member::Role,
};

/// Whose data a use case works on, and who acts. Made at the rim: from a verified access token, or from
/// a message that only our own functions can put on a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceScope {
    workspace: WorkspaceId,
    caller: Arc<Caller>,
}

impl WorkspaceScope {
    /// Somebody acts.
    pub fn acting(workspace: WorkspaceId, caller: Caller) -> Self {
        Self { workspace, caller: Arc::new(caller) }
    }

    /// One of our own functions, at work on a message of our own queue.
    pub fn internal(workspace: WorkspaceId) -> Self {
        Self::acting(workspace, Caller::system())
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
        match self.caller.actor {
            Actor::Member { id, .. } | Actor::ApiKey { member: id, .. } => Some(id),
            Actor::Anonymous | Actor::System => None,
        }
    }

    /// As what, when a person does.
    pub fn role(&self) -> Option<Role> {
        match self.caller.actor {
            Actor::Member { role, .. } => Some(role),
            Actor::ApiKey { .. } | Actor::Anonymous | Actor::System => None,
        }
    }

    /// By which session, when a person does.
    pub fn session(&self) -> Option<SessionId> {
        match self.caller.actor {
            Actor::Member { session, .. } => session,
            Actor::ApiKey { .. } | Actor::Anonymous | Actor::System => None,
        }
    }

    /// That the caller does this at `now`: to be written together with the act.
    pub fn entry(&self, action: Action, now: Timestamp) -> Entry {
        Entry::new(AuditId::new(now, rand::random()), now, self.workspace, &self.caller, action)
    }
}
