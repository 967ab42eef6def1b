//! What is known of a message afterwards: why it came back, and that its person objected then. With its claim, and counted in the
//! transaction that notes it.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{bounce::Evidence, chunk::Got, id::CampaignId, subject::Subject};

use super::{Delivery, Outreach, chunks::OF_VARIANT};
use crate::{
    commit::{self, Cancelled},
    db::{Item, StoreError, n},
    keys,
};

/// Where a claim has it.
const EVIDENCE: &str = "e";

/// What the name of a cause's count begins with; the cause's name follows.
pub(super) const OF_CAUSE: &str = "b_";

/// Where a claim says that its person objected after it.
const OBJECTED: &str = "o";

/// What the count of those is called.
pub(super) const OBJECTIONS: &str = "opted_out";

/// Attempts at a claim that others write to.
const ATTEMPTS: u32 = 6;

impl Outreach<'_> {
    /// Notes what is known of a message that came back, unless something that says more is noted: what is noted of all messages of a
    /// step is counted by its cause, in that transaction. Of a claim that is gone nothing is kept.
    pub async fn note_evidence(
        &self,
        id: CampaignId,
        (chunk, step): (u32, u8),
        subject: Subject,
        evidence: &Evidence,
    ) -> Result<(), StoreError> {
        let key = keys::delivery(self.workspace, subject, id, step);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
            }
            let found = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
            let Some(item) = found.item else { return Ok(()) };
            let known = of(&item)?;
            let joined = known.clone().map_or_else(|| evidence.clone(), |known| known.join(evidence.clone()));
            if known.as_ref() == Some(&joined) {
                return Ok(());
            }
            let mut update = commit::update(self.table(), &key)
                .update_expression("SET #e = :e")
                .expression_attribute_names("#e", EVIDENCE)
                .expression_attribute_values(":e", written(&joined)?);
            update = match item.get(EVIDENCE) {
                Some(seen) => {
                    update.condition_expression("#e = :seen").expression_attribute_values(":seen", seen.clone())
                }
                None => update.condition_expression("attribute_exists(pk) AND attribute_not_exists(#e)"),
            };
            let mut writes = vec![commit::updated(update)?];
            let (before, after) = (known.and_then(|known| known.bounced_by()), joined.bounced_by());
            if before != after {
                let moved = [before.map(|cause| (cause, -1)), after.map(|cause| (cause, 1))];
                let key = keys::counter(self.workspace, id, step, chunk);
                let (mut update, mut adds) = (commit::update(self.table(), &key), Vec::new());
                for (index, (cause, by)) in moved.into_iter().flatten().enumerate() {
                    adds.push(format!("#n{index} :n{index}"));
                    update = update
                        .expression_attribute_names(format!("#n{index}"), format!("{OF_CAUSE}{}", cause.as_str()))
                        .expression_attribute_values(format!(":n{index}"), n(by));
                }
                writes.push(commit::updated(update.update_expression(format!("ADD {}", adds.join(", "))))?);
            }
            match self.db.commit(writes).await {
                Err(StoreError::Conflict | StoreError::Throttled(_)) => {}
                // It may have been written: reading again tells.
                Err(StoreError::Unavailable(_)) if attempt < 3 => {}
                other => return other,
            }
        }
        Err(StoreError::Throttled("a delivery keeps changing".into()))
    }

    /// Notes that a person objected after a message, and counts it for its step and variant. Once; of a claim that is gone nothing is kept.
    pub async fn note_objection(&self, subject: Subject, delivery: &Delivery) -> Result<(), StoreError> {
        let Delivery { campaign, step, chunk, got: Got { variant, .. }, .. } = *delivery;
        let key = keys::delivery(self.workspace, subject, campaign, step);
        let mark = commit::update(self.table(), &key)
            .update_expression("SET #o = :yes")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(#o)")
            .expression_attribute_names("#o", OBJECTED)
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        let mut count = commit::update(self.table(), &keys::counter(self.workspace, campaign, step, chunk))
            .expression_attribute_names("#all", OBJECTIONS)
            .expression_attribute_values(":one", n(1));
        count = match variant {
            Some(variant) => count
                .update_expression("ADD #all :one, #of :one")
                .expression_attribute_names("#of", format!("{OF_VARIANT}{variant}_{OBJECTIONS}")),
            None => count.update_expression("ADD #all :one"),
        };
        let writes = vec![commit::updated(mark)?, commit::updated(count)?];
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
            }
            match self.db.try_commit(writes.clone()).await {
                Ok(()) | Err(Cancelled::Condition(_)) => return Ok(()),
                Err(Cancelled::Store(StoreError::Conflict | StoreError::Throttled(_) | StoreError::Unavailable(_))) => {
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Throttled("a counter keeps changing".into()))
    }
}

/// Whether a claim says that its person objected.
pub(super) fn objected(item: &Item) -> bool {
    item.contains_key(OBJECTED)
}

/// What a claim says of it.
pub(super) fn of(item: &Item) -> Result<Option<Evidence>, StoreError> {
    let Some(found) = item.get(EVIDENCE) else { return Ok(None) };
    serde_dynamo::from_attribute_value(found.clone())
        .map(Some)
        .map_err(|_| StoreError::Corrupt("a delivery's evidence"))
}

/// The same to be written.
pub(super) fn written(evidence: &Evidence) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(evidence).map_err(|_| StoreError::Corrupt("evidence to write"))
}
