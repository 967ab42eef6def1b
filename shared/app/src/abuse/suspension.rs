//! What becomes of a workspace that does harm (A70), and who is told.

use content::system::{AboutAbuse, AbuseMail, Notification};
use domain::{Timestamp, abuse::CaseOutcome, audit::Action, id::WorkspaceId};
use storage::{
    StoreError, WorkspaceScope,
    abuse::{AbuseCase, Reporter},
};

use crate::{App, Failure};

impl App {
    /// Ends a suspension. Campaigns stay paused until a member resumes them.
    pub(crate) async fn lift_suspension(
        &self,
        workspace: WorkspaceId,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let entry = scope.entry(Action::WorkspaceReleased, now);
        match self.db.accounts(&scope).release(&entry).await {
            Ok(()) => {}
            Err(StoreError::Conflict) => {
                return Err(Failure::field("workspace", "one that is suspended; this one is not, or is not there"));
            }
            Err(error) => return Err(error.into()),
        }
        let about = AboutAbuse { note: Some(reason), kind: None, contact: &self.config.operator_abuse_contact };
        self.try_tell_owners(workspace, AbuseMail::Released(about), now).await;
        Ok(())
    }

    /// Tells the owners of a workspace.
    pub(crate) async fn tell_owners_of_abuse(
        &self,
        workspace: WorkspaceId,
        mail: AbuseMail<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        self.post_to_owners(workspace, Notification::Abuse(mail), now).await
    }

    /// The same of what holds already: a mail may be lost.
    pub(crate) async fn try_tell_owners(&self, workspace: WorkspaceId, mail: AbuseMail<'_>, now: Timestamp) {
        if let Err(failure) = self.tell_owners_of_abuse(workspace, mail, now).await {
            let (slug, cause) = (failure.slug, failure.cause.as_deref());
            tracing::warn!(%workspace, slug, cause, "no mail about a suspension");
        }
    }

    /// Tells whoever waits for an answer what became of their report. The case is closed whether or not a mail can be
    /// sent.
    pub(crate) async fn answer_reporter(&self, case: &AbuseCase, outcome: CaseOutcome, now: Timestamp) {
        let Some(Reporter { email, locale }) = &case.reporter else { return };
        let mail = Notification::Abuse(AbuseMail::Answered { id: case.id, outcome });
        if let Err(failure) = self.post(email, *locale, mail, now).await {
            let (slug, cause) = (failure.slug, failure.cause.as_deref());
            tracing::warn!(case = %case.id, slug, cause, "no answer to a report");
        }
    }
}
