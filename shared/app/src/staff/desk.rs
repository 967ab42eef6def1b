//! The operator appoints its staff, and enters what its mailbox for abuse gets, by invoking the function itself: IAM
//! says who may, and CloudTrail who did.

use domain::{
    Timestamp,
    audit::Action,
    id::{CaseId, WorkspaceId},
    policy::retention::Policy,
};
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, abuse::AbuseCase};

use super::LONGEST_TEXT;
use crate::{App, Failure, abuse::EnteredReport, fields::Fields};

/// One order of the operator's; `time` is when it is given.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StaffOrder {
    /// The members of this workspace are staff from here on, and nobody else. It is the operator's own: its prospects are
    /// the operator's leads, and are kept as long as those (A35).
    Appoint(Appoint),
    /// Nobody is staff from here on.
    Dismiss(Dismiss),
    /// A report of abuse that came to the mailbox.
    Report(Box<EnteredReport>),
    /// A workspace that was suspended because of abuse may send again.
    LiftSuspension(LiftSuspension),
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

/// See [`StaffOrder::LiftSuspension`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiftSuspension {
    workspace: WorkspaceId,
    reason: String,
}

/// What the desk answers.
#[derive(Serialize)]
#[serde(untagged)]
pub enum StaffAnswer {
    /// Who is staff once the order is carried out.
    Appointed {
        /// The workspace whose members are.
        staff: Option<WorkspaceId>,
    },
    /// The case that a report opened.
    Case {
        /// Its number.
        case: CaseId,
        /// The Sender, if the report says who it is.
        workspace: Option<WorkspaceId>,
    },
    /// The workspace that may send again.
    Lifted {
        /// Which.
        lifted: WorkspaceId,
    },
}

impl App {
    /// Carries out an order of the operator's. It is in the trail of the workspace that it concerns.
    pub async fn staff_desk(&self, order: StaffOrder, now: Timestamp) -> Result<StaffAnswer, Failure> {
        match order {
            StaffOrder::Appoint(Appoint { workspace }) => {
                let scope = WorkspaceScope::internal(workspace);
                self.active_workspace(&scope).await?;
                let months = Policy::current().own_lead_months();
                let entry = scope.entry(Action::StaffAppointed, now).with("appointed", "yes");
                self.db.appoint_staff(workspace, months, &entry.with("retention_months", u64::from(months))).await?;
                Ok(StaffAnswer::Appointed { staff: Some(workspace) })
            }
            StaffOrder::Dismiss(Dismiss {}) => {
                if let Some(workspace) = self.db.staff_workspace().await? {
                    let entry = WorkspaceScope::internal(workspace).entry(Action::StaffAppointed, now);
                    self.db.dismiss_staff(&entry.with("appointed", "no")).await?;
                }
                Ok(StaffAnswer::Appointed { staff: None })
            }
            StaffOrder::Report(entered) => {
                let AbuseCase { id, workspace, .. } = self.enter_report(*entered, now).await?;
                Ok(StaffAnswer::Case { case: id, workspace })
            }
            StaffOrder::LiftSuspension(LiftSuspension { workspace, reason }) => {
                let mut fields = Fields::default();
                let reason = fields.lines("reason", &reason, LONGEST_TEXT);
                fields.done()?;
                self.lift_suspension(workspace, &reason, now).await?;
                Ok(StaffAnswer::Lifted { lifted: workspace })
            }
        }
    }
}
