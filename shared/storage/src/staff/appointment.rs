//! Whose members are staff: one workspace, appointed by the operator.

use domain::{Timestamp, audit::Entry, id::WorkspaceId};
use serde::{Deserialize, Serialize};

use crate::{
    commit,
    db::{Db, Expected, StoreError},
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

    /// Makes the members of this workspace staff, and nobody else; nobody at all when `None`.
    pub async fn appoint_staff(&self, workspace: Option<WorkspaceId>, entry: &Entry) -> Result<(), StoreError> {
        let appointment = Appointment { workspace, at: entry.at };
        let put = commit::put(&self.tables.accounts, &keys::staff_appointment(), &appointment, Expected::Anything)?;
        self.act(put, entry).await
    }
}
