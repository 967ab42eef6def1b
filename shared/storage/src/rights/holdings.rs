//! Who holds a person. There is no index of everybody across Senders, which would be the very thing that
//! people ask us not to keep: each workspace is asked by key.

use std::collections::HashMap;

use domain::{Timestamp, id::WorkspaceId, subject::Subject};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, GET_BATCH, StoreError, number, text},
    keys,
};

/// What one workspace holds of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The person in it.
    pub subject: Subject,
    /// A record.
    pub record: bool,
    /// A fingerprint and a date, so that nobody writes to them.
    pub fingerprint: bool,
}

impl Db {
    /// Those of these places that hold something at `now`: two calls a hundred workspaces, by key.
    pub async fn holdings(
        &self,
        places: &[(WorkspaceId, Subject)],
        now: Timestamp,
    ) -> Result<Vec<Holding>, StoreError> {
        let mut held = Vec::new();
        for hundred in places.chunks(GET_BATCH) {
            let records = hundred.iter().map(|(workspace, subject)| keys::prospect(*workspace, *subject));
            let prints = hundred.iter().map(|(workspace, subject)| keys::suppression(*workspace, *subject));
            let (records, prints) = futures::try_join!(
                self.batch_get(&self.tables.prospects, records, true, Some("pk, sk")),
                self.batch_get(&self.tables.suppressions, prints, true, Some("pk, sk, ttl")),
            )?;
            let mut here: HashMap<(WorkspaceId, String), (bool, bool)> = HashMap::new();
            for item in &records {
                if let Some(workspace) = keys::workspace_of(&text(item, "pk")?) {
                    here.entry((workspace, text(item, "sk")?)).or_default().0 = true;
                }
            }
            for item in &prints {
                let lives = now.as_second() < number::<i64>(item, "ttl")?;
                if let Some(workspace) = keys::workspace_of(&text(item, "pk")?).filter(|_| lives) {
                    here.entry((workspace, text(item, "sk")?)).or_default().1 = true;
                }
            }
            held.extend(hundred.iter().filter_map(|(workspace, subject)| {
                let (record, fingerprint) = *here.get(&(*workspace, subject.hex()))?;
                Some(Holding { workspace: *workspace, subject: *subject, record, fingerprint })
            }));
        }
        Ok(held)
    }
}
