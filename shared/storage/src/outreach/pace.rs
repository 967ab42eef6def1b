//! What each channel has had of late: one small item, read and written once for many people.

use domain::{id::ChannelId, pace::Pace};
use serde::{Deserialize, Serialize};

use super::Outreach;
use crate::{
    db::{Expected, StoreError},
    keys,
};

/// A channel's pace, as it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPace {
    /// The pace.
    #[serde(flatten)]
    pub pace: Pace,
    /// Raised by every change; zero before the first.
    #[serde(rename = "v")]
    pub version: u64,
}

impl Outreach<'_> {
    /// What a channel has had, strongly consistent; as good as nothing before its first message.
    pub async fn pace(&self, channel: ChannelId) -> Result<StoredPace, StoreError> {
        let stored = self.db.get(self.table(), &keys::pace(self.workspace, channel), true).await?;
        Ok(stored.unwrap_or_default())
    }

    /// Writes what it has had since it was read as `seen`. `Conflict` when somebody else did meanwhile.
    pub async fn put_pace(&self, channel: ChannelId, seen: StoredPace, pace: Pace) -> Result<(), StoreError> {
        let expected = if seen.version == 0 { Expected::Absent } else { Expected::Version(seen.version) };
        let next = StoredPace { pace, version: seen.version + 1 };
        self.db.put(self.table(), &keys::pace(self.workspace, channel), &next, expected).await
    }
}
