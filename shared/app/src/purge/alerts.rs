//! Mail to workspaces with people whose time to be informed ends soon (A69).

use content::system::Notification;
use domain::{Timestamp, access::Permission, id::WorkspaceId, locale::Locale, policy::retention::Store};
use storage::{
    WorkspaceScope,
    evidence::{PurgeRun, Uninformed},
};

use super::{Pass, RESERVE, due};
use crate::{App, Failure};

/// Workspaces to alert that are remembered at most, beside those of one page: the note of the place is
/// one item of 400 KB, and these take 80 bytes each. Beyond, alerts go early, with what was counted.
pub(super) const MOST_COUNTED: usize = 2_000;

impl App {
    /// Alerts the workspaces that were counted (A69). False when time ran out: the rest stays counted.
    ///
    /// A run that was killed counts on from its last note, and may come by a workspace twice: what the
    /// accounts table remembers of each alert keeps the second one from going.
    pub(super) async fn alert(&self, pass: &Pass, run: &mut PurgeRun) -> Result<bool, Failure> {
        if pass.muted {
            run.uninformed.clear(); // the next run counts them again
        }
        while let Some((workspace, uninformed)) = run.uninformed.pop_first() {
            // Closed since it was counted: nothing can be sent, and its time runs by another rule.
            let Some(locale) = pass.census.open(workspace) else { continue };
            if self.alert_members(workspace, locale, uninformed, pass.now).await? {
                run.alerted += 1;
                run.touched(Store::Accounts).changed += 1;
            }
            if pass.deadline.left() < RESERVE {
                return Ok(run.uninformed.is_empty());
            }
        }
        Ok(true)
    }

    /// Tells those members of a workspace who can do something about it, unless they were told a short while ago. Noted first, then sent:
    /// a mail may be lost and never goes twice. Whether one has gone.
    async fn alert_members(
        &self,
        workspace: WorkspaceId,
        locale: Locale,
        uninformed: Uninformed,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let members = accounts.members().await?;
        if !accounts.take_notice_alert(now, due::next_alert(now)).await? {
            return Ok(false);
        }
        let Uninformed { people, first } = uninformed;
        let mut gone = false;
        for member in members.into_iter().filter(|member| member.role.may(Permission::EditProspects)) {
            match self
                .post(&member.email, member.language(locale), Notification::NoticeDue { people, first }, now)
                .await
            {
                Ok(()) => gone = true,
                // What is due is deleted whether or not a mail can be sent.
                Err(failure) => tracing::warn!(
                    slug = failure.slug,
                    cause = failure.cause.as_deref(),
                    %workspace,
                    "no mail about people who are not informed"
                ),
            }
        }
        Ok(gone)
    }
}
