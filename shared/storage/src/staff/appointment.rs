//! Whose members are staff: one workspace, appointed by the operator.

use domain::{Timestamp, audit::Entry, id::WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, StoreError, n},
    keys,
};

/// The attribute `workspace` is also how the purge knows whose it is.
#[derive(Serialize, Deserialize)]
struct Appointment {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workspace: Option<WorkspaceId>,
    at: Timestamp,
}

impl Db {
    /// The workspace whose members are staff, strongly consistent; `None` when nobody is.
    pub async fn staff_workspace(&self) -> Result<Option<WorkspaceId>, StoreError> {
        let found: Option<Appointment> = self.get(&self.tables.accounts, &keys::staff_appointment(), true).await?;
        Ok(found.and_then(|appointment| appointment.workspace))
    }

    /// Makes the members of this workspace staff, and nobody else. It is the operator's own from then on, and keeps its
    /// prospects so many months (A35). `Conflict` when it is not there.
    pub async fn appoint_staff(&self, workspace: WorkspaceId, months: u8, entry: &Entry) -> Result<(), StoreError> {
        let table = &self.tables.accounts;
        let appointment = Appointment { workspace: Some(workspace), at: entry.at };
        let put = commit::put(table, &keys::staff_appointment(), &appointment, Expected::Anything)?;
        let keep = commit::update(table, &keys::workspace(workspace))
            .update_expression("SET retention_months = :months")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":months", n(months));
        self.commit(vec![put, commit::updated(keep)?, self.recording(entry)?]).await
    }

    /// Nobody is staff any more.
    pub async fn dismiss_staff(&self, entry: &Entry) -> Result<(), StoreError> {
        let appointment = Appointment { workspace: None, at: entry.at };
        let put = commit::put(&self.tables.accounts, &keys::staff_appointment(), &appointment, Expected::Anything)?;
        self.act(put, entry).await
    }
}
