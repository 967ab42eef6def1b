//! What each channel has had of late, and what stands in its way: one small item, read and written once for many people.

use domain::{hindrance::Hindrance, id::ChannelId, pace::Pace};
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
    /// What stands in its way; nothing of a channel that works.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub hindrance: Option<Hindrance>,
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
        self.put_channel(channel, seen.version, StoredPace { pace, ..seen }).await
    }

    /// Writes what stands in its way since it was read as `seen`. `Conflict` when somebody else wrote meanwhile.
    pub async fn put_hindrance(
        &self,
        channel: ChannelId,
        seen: StoredPace,
        hindrance: Option<Hindrance>,
    ) -> Result<(), StoreError> {
        self.put_channel(channel, seen.version, StoredPace { hindrance, ..seen }).await
    }

    async fn put_channel(&self, channel: ChannelId, version: u64, next: StoredPace) -> Result<(), StoreError> {
        let expected = if version == 0 { Expected::Absent } else { Expected::Version(version) };
        let next = StoredPace { version: version + 1, ..next };
        self.db.put(self.table(), &keys::pace(self.workspace, channel), &next, expected).await
    }
}
