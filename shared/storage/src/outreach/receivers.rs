//! What receiving domains had by each channel of late: one item, read and written once for a group of people.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{id::ChannelId, receivers::Receivers};

use super::Outreach;
use crate::{
    db::{Item, StoreError, n, number, s},
    keys,
};

/// What they had, as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredReceivers {
    /// What they had.
    pub receivers: Receivers,
    /// Raised by every change; zero before the first.
    pub version: u64,
}

impl Outreach<'_> {
    /// What receiving domains had by a channel, strongly consistent.
    pub async fn receivers(&self, channel: ChannelId) -> Result<StoredReceivers, StoreError> {
        let key = keys::receivers(self.workspace, channel);
        let answer = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
        answer.item.as_ref().map_or_else(|| Ok(StoredReceivers::default()), read)
    }

    /// Writes what they had since it was read with this version. `Conflict` when somebody else did meanwhile.
    pub async fn put_receivers(&self, channel: ChannelId, seen: u64, receivers: &Receivers) -> Result<(), StoreError> {
        let key = keys::receivers(self.workspace, channel);
        let put = self
            .db
            .client
            .put_item()
            .table_name(self.table())
            .item("pk", s(key.pk))
            .item("sk", s(key.sk))
            .item("v", n(seen + 1))
            .item("d", n(receivers.day_ends))
            .item("h", n(receivers.hour_ends))
            .item("had", AttributeValue::B(Blob::new(receivers.pack())));
        let put = match receivers.waits.map(serde_dynamo::to_attribute_value).transpose() {
            Ok(Some(waits)) => put.item("w", waits),
            Ok(None) => put,
            Err(_) => return Err(StoreError::Corrupt("a wait")),
        };
        let put = match seen {
            0 => put.condition_expression("attribute_not_exists(pk)"),
            _ => put.condition_expression("v = :seen").expression_attribute_values(":seen", n(seen)),
        };
        put.send().await?;
        Ok(())
    }
}

fn read(item: &Item) -> Result<StoredReceivers, StoreError> {
    let wrong = || StoreError::Corrupt("what receiving domains had");
    let list = item.get("had").and_then(|had| had.as_b().ok()).ok_or_else(wrong)?;
    let waits = match item.get("w") {
        Some(waits) => serde_dynamo::from_attribute_value(waits.clone()).map_err(|_| wrong())?,
        None => None,
    };
    let ends = (number(item, "d")?, number(item, "h")?);
    let receivers = Receivers::stored(ends, waits, list.as_ref()).ok_or_else(wrong)?;
    Ok(StoredReceivers { receivers, version: number(item, "v")? })
}
