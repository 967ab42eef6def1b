//! One click, and it stops (A59): verify, write once, done. Where a system of the Sender's wants to hear of it, one message more.

use domain::{
    Timestamp,
    suppression::{Suppression, SuppressionReason},
    unsubscribe::{NewsClaim, OptOutClaim},
};
use storage::WorkspaceScope;

use crate::{App, Failure};

impl App {
    /// Records the objection that a token stands for; durable when this returns. A token that means
    /// nobody writes nothing and is answered the same.
    pub async fn opt_out(&self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let Some(claim) = OptOutClaim::verify(token, self.pepper().await?) else { return Ok(()) };
        let scope = WorkspaceScope::internal(claim.workspace);
        let objection = Suppression::new(claim.subject, SuppressionReason::OptedOut, now);
        self.db.suppressions(&scope).record(&objection).await?;
        // It holds. What is not told now, the purge tells.
        if claim.told
            && let Err(failure) = self.report_objection(claim.workspace, claim.subject, now).await
        {
            tracing::warn!(workspace = %claim.workspace, cause = failure.cause, "an objection is told of later");
        }
        Ok(())
    }

    /// The same for the operator's own news (A14).
    pub async fn opt_out_of_news(&self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let Some(claim) = NewsClaim::verify(token, self.pepper().await?) else { return Ok(()) };
        Ok(self.db.object_to_news(claim.reader, now).await?)
    }
}
