//! Who holds a person. There is no index of everybody across Senders, which would be the very thing that
//! people ask us not to keep: each workspace is asked by key.

use std::collections::HashMap;

use domain::{Timestamp, id::WorkspaceId, subject::Subject};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, GET_BATCH, PageQuery, Range, StoreError, number, text},
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
    /// Neither, but the history of messages that left before the record went.
    #[serde(default)]
    pub history: bool,
}

/// Questions under way at once.
const AT_ONCE: usize = 16;

impl Db {
    /// Those of these places that hold something at `now`: two calls a hundred workspaces, by key, and one for each
    /// workspace that has neither record nor fingerprint, whose history may be there still.
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
            let looked = stream::iter(hundred.iter().copied()).map(async |(workspace, subject)| {
                let known = here.get(&(workspace, subject.hex())).copied();
                let history = known.is_none() && self.has_history(workspace, subject).await?;
                let (record, fingerprint) = known.unwrap_or_default();
                let holds = record || fingerprint || history;
                Ok::<_, StoreError>(holds.then_some(Holding { workspace, subject, record, fingerprint, history }))
            });
            let looked: Vec<Option<Holding>> = looked.buffered(AT_ONCE).try_collect().await?;
            held.extend(looked.into_iter().flatten());
        }
        Ok(held)
    }

    async fn has_history(&self, workspace: WorkspaceId, subject: Subject) -> Result<bool, StoreError> {
        let (pk, prefix) = (keys::delivery_shard(workspace, subject.shard()), keys::deliveries_of(subject));
        let one = PageQuery { limit: Some(1), only: Some("pk, sk"), ..PageQuery::of(&pk, Range::Prefix(&prefix)) };
        Ok(!self.page(&self.tables.outreach, &one).await?.items.is_empty())
    }
}
