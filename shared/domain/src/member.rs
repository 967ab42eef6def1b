//! Members of a workspace and what they may do.

use serde::{Deserialize, Serialize};

/// What a member may do. One role today: who signs up owns the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Owner,
}
