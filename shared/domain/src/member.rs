//! Members of a workspace.

use serde::{Deserialize, Serialize};

/// What a member is for. What each role may do is in [`crate::access`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Answers for the workspace: everything, closing it and naming other owners included.
    Owner,
    /// Runs it: members, the Sender, exports; everything but closing it.
    Admin,
    /// Works in it: prospects, imports, campaigns.
    Editor,
    /// Reads.
    Viewer,
    /// Keeps its accounts: the workspace and its invoices, nobody's data.
    Billing,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Editor, Self::Viewer, Self::Billing];
}
