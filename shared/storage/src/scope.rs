//! The right to touch one workspace's data.

use domain::id::{MemberId, WorkspaceId};
use domain::member::Role;

/// Whose data a use case works on. Made at the rim: from a verified access token, or from a message
/// that only our own functions can put on a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkspaceScope {
    workspace: WorkspaceId,
    member: Option<(MemberId, Role)>,
}

impl WorkspaceScope {
    /// A member who proved who they are.
    pub const fn authenticated(workspace: WorkspaceId, member: MemberId, role: Role) -> Self {
        Self { workspace, member: Some((member, role)) }
    }

    /// One of our own functions, at work on a message of our own queue.
    pub const fn internal(workspace: WorkspaceId) -> Self {
        Self { workspace, member: None }
    }

    /// The workspace.
    pub const fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// Who acts, when a person does.
    pub fn member(&self) -> Option<MemberId> {
        self.member.map(|(member, _)| member)
    }
}
