//! What the operator's staff may see of other workspaces: nothing, unless others agreed, for an hour, and before the
//! eyes of the workspace (A17, A18, A79). And what they do after a breach (A54) and about abuse (A70, A71).

mod abuse_cases;
mod clock;
mod desk;
mod extract;
mod grants;
mod incidents;
mod read;

use domain::{
    Timestamp,
    audit::{Actor, Caller},
    id::{MemberId, WorkspaceId},
    member::Role,
    staff::Hand,
};
use storage::{WorkspaceScope, accounts::second_factor::SecondFactor};

pub use abuse_cases::{CaseView, ClosedCaseView, Closing};
pub use clock::StaffClockReport;
pub use desk::{StaffAnswer, StaffOrder};
pub use grants::{AccessView, GrantView, NewGrant};
pub use incidents::{AffectedView, Authority, IncidentView, NewIncident};
pub use read::Person;

use crate::{App, Failure, Kind};

/// Longest text, in characters.
const LONGEST_TEXT: usize = 2_000;
/// Longest name, reference or law, in characters.
const LONGEST_LINE: usize = 300;

/// A member of staff at work.
#[derive(Debug, Clone)]
pub struct Staff {
    /// Who.
    id: MemberId,
    /// As what.
    role: Role,
    /// In their own workspace.
    home: WorkspaceScope,
}

impl Staff {
    /// That they did something.
    const fn hand(&self, at: Timestamp) -> Hand {
        Hand { by: self.id, role: self.role, at }
    }

    /// Their scope in another workspace: what they do there is in its trail.
    fn visiting(&self, workspace: WorkspaceId) -> WorkspaceScope {
        let actor = Actor::Staff { id: self.id, role: self.role };
        WorkspaceScope::acting(workspace, Caller { actor, origin: self.home.caller().origin.clone() })
    }
}

impl App {
    /// The caller as staff: a person with a second factor, of the open workspace that the operator appointed.
    /// Whether they may use the route at all was looked at before.
    pub async fn staff(&self, scope: &WorkspaceScope) -> Result<Staff, Failure> {
        let Actor::Member { id, role, .. } = scope.caller().actor else { return Err(not_staff()) };
        if self.db.staff_workspace().await? != Some(scope.workspace()) {
            return Err(not_staff());
        }
        self.active_workspace(scope).await?;
        let factor = self.db.accounts(scope).second_factor(id).await?;
        if !factor.as_ref().is_some_and(SecondFactor::is_on) {
            let detail = "Staff signs in with a second factor: POST /v1/second-factor sets one up.";
            return Err(Failure::new(Kind::Forbidden, "second-factor-off", detail));
        }
        Ok(Staff { id, role, home: scope.clone() })
    }
}

fn not_staff() -> Failure {
    let detail = "This is for owners and admins of the workspace that the operator appointed as its staff.";
    Failure::new(Kind::Forbidden, "not-staff", detail)
}
