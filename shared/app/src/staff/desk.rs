//! The operator appoints its staff by invoking the function itself, so that IAM says who may, and CloudTrail who did.

use domain::{Timestamp, audit::Action, id::WorkspaceId};
use serde::{Deserialize, Serialize};
use storage::WorkspaceScope;

use crate::{App, Failure};

/// One order of the operator's; `time` is when it is given.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffOrder {
    /// The members of this workspace are staff from here on, and nobody else.
    Appoint(Appoint),
    /// Nobody is staff from here on.
    Dismiss(Dismiss),
}

/// See [`StaffOrder::Appoint`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appoint {
    workspace: WorkspaceId,
}

/// See [`StaffOrder::Dismiss`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dismiss {}

/// Who is staff once the order is carried out.
#[derive(Serialize)]
pub struct StaffAnswer {
    staff: Option<WorkspaceId>,
}

impl App {
    /// Carries out an order of the operator's. It is in the trail of the workspace that it concerns.
    pub async fn staff_desk(&self, order: StaffOrder, now: Timestamp) -> Result<StaffAnswer, Failure> {
        match order {
            StaffOrder::Appoint(Appoint { workspace }) => {
                let scope = WorkspaceScope::internal(workspace);
                self.active_workspace(&scope).await?;
                let entry = scope.entry(Action::StaffAppointed, now).with("appointed", "yes");
                self.db.appoint_staff(Some(workspace), &entry).await?;
                Ok(StaffAnswer { staff: Some(workspace) })
            }
            StaffOrder::Dismiss(Dismiss {}) => {
                if let Some(workspace) = self.db.staff_workspace().await? {
                    let entry = WorkspaceScope::internal(workspace).entry(Action::StaffAppointed, now);
                    self.db.appoint_staff(None, &entry.with("appointed", "no")).await?;
                }
                Ok(StaffAnswer { staff: None })
            }
        }
    }
}
