//! Which chunks are due for their next step, and when: a sparse index of chunks, never of people.
//!
//! It is written before the chunk's own record says so, one write unit a chunk, and forgotten once its messages are on
//! the queue. So an entry may come twice, or too early for a chunk whose record was never written; the record decides.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    SignedDuration, Timestamp,
    id::{CampaignId, WorkspaceId},
};

use super::Outreach;
use crate::{
    db::{Db, Item, Page, PageQuery, Range, StoreError, n, number, s, text},
    keys,
};

/// Chunks of one campaign that are due for the same step within the same minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueChunks {
    /// Whose campaign.
    pub workspace: WorkspaceId,
    /// Which.
    pub campaign: CampaignId,
    /// The step.
    pub step: u8,
    /// Their numbers.
    pub chunks: Vec<u32>,
    sk: String,
}

/// The minute that a moment lies in, as keys have it.
fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// The first minute that does not begin before it.
fn minute_after(at: Timestamp) -> String {
    minute(at.checked_add(SignedDuration::from_nanos(59_999_999_999)).unwrap_or(at))
}

impl Outreach<'_> {
    /// Notes that a chunk is due for a step: its first message of it, or those that waited for a window.
    pub async fn note_due(&self, id: CampaignId, (chunk, step): (u32, u8), at: Timestamp) -> Result<(), StoreError> {
        let key = keys::due(&minute_after(at), self.workspace, id, step, chunk);
        self.db
            .updating(self.table(), &key)
            .update_expression("SET workspace = :workspace, campaign = :campaign, step = :step ADD chunks :chunk")
            .expression_attribute_values(":workspace", s(self.workspace.to_string()))
            .expression_attribute_values(":campaign", s(id.to_string()))
            .expression_attribute_values(":step", n(step))
            .expression_attribute_values(":chunk", AttributeValue::Ns(vec![chunk.to_string()]))
            .send()
            .await?;
        Ok(())
    }
}

impl Db {
    /// What is due at `now`, the longest due first, from after a sort key: a page of 1 MB at most.
    pub async fn due_chunks(
        &self,
        now: Timestamp,
        after: Option<&str>,
    ) -> Result<(Vec<DueChunks>, Option<String>), StoreError> {
        let last = format!("{}~", minute(now));
        let query = PageQuery { after, ..PageQuery::of(keys::DUE, Range::Between("0", &last)) };
        let Page { items, next } = self.page(&self.tables.outreach, &query).await?;
        Ok((items.iter().map(read).collect::<Result<_, _>>()?, next))
    }

    /// Forgets what was put on the queue, unless another chunk was noted there meanwhile.
    pub async fn forget_due(&self, due: &DueChunks) -> Result<(), StoreError> {
        let seen = due.chunks.iter().map(u32::to_string).collect();
        let answer = self
            .client
            .delete_item()
            .table_name(&self.tables.outreach)
            .key("pk", s(keys::DUE))
            .key("sk", s(&due.sk))
            .condition_expression("chunks = :seen")
            .expression_attribute_values(":seen", AttributeValue::Ns(seen))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn read(item: &Item) -> Result<DueChunks, StoreError> {
    let wrong = StoreError::Corrupt("what is due");
    let chunks = item.get("chunks").and_then(|chunks| chunks.as_ns().ok());
    let chunks = chunks.and_then(|chunks| chunks.iter().map(|chunk| chunk.parse().ok()).collect());
    let (Ok(workspace), Ok(campaign), Some(chunks)) =
        (text(item, "workspace")?.parse(), text(item, "campaign")?.parse(), chunks)
    else {
        return Err(wrong);
    };
    Ok(DueChunks { workspace, campaign, step: number(item, "step")?, chunks, sk: text(item, "sk")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_due_before_its_time() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for (due, noted) in [
            ("2026-11-26T10:05:00Z", "2026-11-26T10:05Z"),
            ("2026-11-26T10:05:00.001Z", "2026-11-26T10:06Z"),
            ("2026-12-31T23:59:59Z", "2027-01-01T00:00Z"),
        ] {
            assert_eq!(minute_after(at(due)), noted);
            assert!(format!("{noted}#x") <= format!("{}~", minute(at(&format!("{}:00Z", &noted[..16])))));
            assert!(format!("{noted}#x") > format!("{}~", minute(at(due) - SignedDuration::from_secs(60))));
        }
    }
}
