//! Cases of abuse (A71): listed, and closed with what follows for the Sender (A70).

use content::system::{AboutAbuse, AbuseMail};
use domain::{
    Timestamp,
    abuse::{AbuseKind, CaseChannel, CaseOutcome},
    audit::{Action, Entry},
    id::{CampaignId, CaseId, WorkspaceId},
};
use serde::{Deserialize, Serialize};
use storage::{
    WorkspaceScope,
    abuse::{AbuseCase, ClosedCase},
    accounts::Workspace,
};

use super::{LONGEST_TEXT, Staff};
use crate::{App, Failure, fields::Fields};

/// How a case is closed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Closing {
    outcome: CaseOutcome,
    note: String,
    /// Whom it is about, where the report does not say so.
    #[serde(default)]
    workspace: Option<WorkspaceId>,
    /// What it is about, where the report does not say so.
    #[serde(default)]
    kind: Option<AbuseKind>,
}

/// An open case as staff sees it. Who reported it is nobody's business but the answer's.
#[derive(Serialize)]
pub struct CaseView {
    id: CaseId,
    kind: Option<AbuseKind>,
    channel: CaseChannel,
    received_at: Timestamp,
    text: Option<String>,
    workspace: Option<WorkspaceId>,
    campaign: Option<CampaignId>,
    reports: u64,
    /// Whether somebody waits for an answer.
    answer_wanted: bool,
}

impl From<AbuseCase> for CaseView {
    fn from(case: AbuseCase) -> Self {
        let answer_wanted = case.reporter.is_some();
        let AbuseCase { id, kind, channel, received_at, text, workspace, campaign, reports, .. } = case;
        Self { id, kind, channel, received_at, text, workspace, campaign, reports, answer_wanted }
    }
}

/// A case that was closed.
#[derive(Serialize)]
pub struct ClosedCaseView {
    id: CaseId,
    kind: Option<AbuseKind>,
    workspace: Option<WorkspaceId>,
    outcome: CaseOutcome,
    note: String,
    closed_at: Timestamp,
}

impl From<ClosedCase> for ClosedCaseView {
    fn from(case: ClosedCase) -> Self {
        let ClosedCase { id, kind, workspace, outcome, note, closed, .. } = case;
        Self { id, kind, workspace, outcome, note, closed_at: closed.at }
    }
}

impl App {
    /// A page of the open cases, oldest first.
    pub async fn list_abuse_cases(
        &self,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<CaseView>, Option<String>), Failure> {
        let wrong = || Failure::field("cursor", "a `next_cursor` of this list");
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| wrong())).transpose()?;
        let (cases, next) = self.db.abuse_cases(after, limit).await?;
        Ok((cases.into_iter().map(CaseView::from).collect(), next.map(|id| id.to_string())))
    }

    /// Closes a case. A warning is mailed before the case says that there was one; a suspension holds before anybody is
    /// told. Whoever waits for an answer gets it, and their address goes.
    pub async fn close_abuse_case(
        &self,
        staff: &Staff,
        id: CaseId,
        asked: Closing,
        now: Timestamp,
    ) -> Result<ClosedCaseView, Failure> {
        let case = self.db.abuse_case(id).await?.ok_or_else(|| Failure::not_found("case"))?;
        let mut fields = Fields::default();
        let note = fields.lines("note", &asked.note, LONGEST_TEXT);
        if case.workspace.is_some() && asked.workspace.is_some() && asked.workspace != case.workspace {
            fields.wrong("workspace", "left out: the report says whom it is about");
        }
        let (workspace, kind) = (case.workspace.or(asked.workspace), case.kind.or(asked.kind));
        let profile = match workspace {
            Some(workspace) => self.db.accounts(&WorkspaceScope::internal(workspace)).workspace().await?,
            None => None,
        };
        if profile.is_none() && (asked.outcome != CaseOutcome::Nothing || asked.workspace.is_some()) {
            fields.wrong("workspace", "a workspace that is there: whom this is about");
        }
        fields.done()?;

        let case = AbuseCase { workspace, kind, ..case };
        let about = AboutAbuse { note: Some(&note), kind, contact: &self.config.operator_abuse_contact };
        if let (CaseOutcome::Warned, Some(workspace)) = (asked.outcome, workspace) {
            self.tell_owners_of_abuse(workspace, AbuseMail::Warned(about), now).await?;
        }
        let suspended = profile.filter(|_| asked.outcome == CaseOutcome::Suspended);
        let suspend = match &suspended {
            Some(Workspace { id, suspended_at: None, .. }) => {
                Some(self.db.accounts(&WorkspaceScope::internal(*id)).suspending(now)?)
            }
            _ => None,
        };
        let closed = case.ended(asked.outcome, note.clone(), staff.hand(now));
        self.db.close_case(&case, &closed, &entry(staff, &closed, now), suspend).await?;
        if let Some(workspace) = suspended {
            let mail = AbuseMail::Suspended(about);
            self.try_tell_owners(workspace.id, mail, now).await;
        }
        self.answer_reporter(&case, asked.outcome, now).await;
        Ok(closed.into())
    }
}

/// In the trail of the workspace that it has consequences for, else in staff's own.
fn entry(staff: &Staff, closed: &ClosedCase, now: Timestamp) -> Entry {
    let visited = closed.workspace.map(|workspace| staff.visiting(workspace));
    let entry = match (closed.outcome, &visited) {
        (CaseOutcome::Warned, Some(scope)) => scope.entry(Action::WorkspaceWarned, now),
        (CaseOutcome::Suspended, Some(scope)) => scope.entry(Action::WorkspaceSuspended, now),
        _ => staff.home.entry(Action::AbuseClosed, now).with("outcome", closed.outcome.as_str()),
    };
    entry.about(closed.id)
}
