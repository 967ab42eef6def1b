//! The latest check of each channel.

use domain::{audit::Entry, channel_check::ChannelCheck, id::ChannelId};

use super::{Accounts, SenderRecord};
use crate::{
    commit,
    db::{Expected, StoreError, s, to_item},
    keys,
};

impl Accounts<'_> {
    /// The latest check of a channel.
    pub async fn channel_check(&self, channel: ChannelId) -> Result<Option<ChannelCheck>, StoreError> {
        self.db.get(&self.db.tables.accounts, &keys::channel_check(self.workspace, channel), true).await
    }

    /// Begins another one in place of it.
    pub async fn begin_channel_check(
        &self,
        channel: ChannelId,
        check: &ChannelCheck,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let key = keys::channel_check(self.workspace, channel);
        self.db.act(commit::put(&self.db.tables.accounts, &key, check, Expected::Anything)?, entry).await
    }

    /// Writes down what became of a check. `Conflict` when another one has begun, or its message has come back.
    pub async fn note_channel_check(&self, channel: ChannelId, check: &ChannelCheck) -> Result<(), StoreError> {
        let key = keys::channel_check(self.workspace, channel);
        self.db
            .client
            .put_item()
            .table_name(&self.db.tables.accounts)
            .set_item(Some(to_item(&key, check)?))
            .condition_expression("#name = :name AND attribute_not_exists(#back)")
            .expression_attribute_names("#name", "name")
            .expression_attribute_names("#back", "back")
            .expression_attribute_values(":name", s(&check.name))
            .send()
            .await?;
        Ok(())
    }

    /// Replaces the Sender by one without this channel, whose check goes with it.
    pub async fn put_sender_without(
        &self,
        record: &SenderRecord,
        channel: ChannelId,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let check = commit::clear(&self.db.tables.accounts, &keys::channel_check(self.workspace, channel))?;
        self.db.commit(vec![self.sender_put(record)?, check, self.db.recording(entry)?]).await
    }
}
