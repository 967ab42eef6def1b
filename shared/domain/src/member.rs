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

    /// As the API and the trail call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
            Self::Billing => "billing",
        }
    }

    /// Whether somebody of this role may give another to somebody, or take it away: an owner any, an admin
    /// any but owner.
    pub const fn may_grant(self, role: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(role, Self::Owner),
            Self::Editor | Self::Viewer | Self::Billing => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a51_only_an_owner_makes_an_owner() {
        let grants = |role: Role| Role::ALL.into_iter().filter(|other| role.may_grant(*other)).count();
        assert_eq!(Role::ALL.map(grants), [5, 4, 0, 0, 0]);
        assert!(!Role::Admin.may_grant(Role::Owner));
    }
}
