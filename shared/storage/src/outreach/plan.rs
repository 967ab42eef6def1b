//! The fan-out's plan: which people go into which chunks, written down *before* the messages about
//! them are sent. A fan-out that dies in between sends the very same chunks again, so that a chunk's
//! number always means the same people, whatever is imported or erased meanwhile.

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{Timestamp, chunk::CHUNK, id::CampaignId, subject::Subject};
use serde::{Deserialize, Serialize};

use super::Outreach;
use crate::{
    db::{StoreError, n, number, s, text},
    keys,
};

/// People planned in one go: 16 bytes each and their flags stay well below an item's 400 KB.
pub const PLAN: usize = 15_000;

/// One stretch of a campaign's audience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Raised by every stretch: the first is 1.
    pub version: u64,
    /// Number of this stretch's first chunk.
    pub first_chunk: u32,
    /// People in the stretches before this one.
    pub audience_before: u64,
    /// The people of this stretch, in chunks of [`CHUNK`].
    pub subjects: Vec<Subject>,
    /// For each of them: was written to by this Sender before, and so informed (art. 14).
    pub informed: Vec<bool>,
    /// Where each shard goes on: a sort key, or `None` when the shard is through.
    pub cursors: Vec<Cursor>,
}

/// How far one shard of prospects has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cursor {
    /// Not begun.
    Start,
    /// Read up to and including this sort key.
    After(String),
    /// Read to the end.
    Done,
}

impl Plan {
    /// A plan before the first stretch.
    pub fn begin(shards: u8) -> Self {
        Self {
            version: 0,
            first_chunk: 0,
            audience_before: 0,
            subjects: Vec::new(),
            informed: Vec::new(),
            cursors: vec![Cursor::Start; shards.into()],
        }
    }

    /// True when every shard has been read.
    pub fn complete(&self) -> bool {
        self.cursors.iter().all(|c| *c == Cursor::Done)
    }

    /// People planned so far, this stretch included.
    pub fn audience(&self) -> u64 {
        self.audience_before + self.subjects.len() as u64
    }

    /// Number of the first chunk after this stretch.
    pub fn next_chunk(&self) -> u32 {
        self.first_chunk + u32::try_from(self.subjects.len().div_ceil(CHUNK)).unwrap_or(u32::MAX)
    }

    /// This stretch's chunks: number, people, and who of them is informed.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &[Subject], &[bool])> {
        let numbers = self.first_chunk..;
        let people = self.subjects.chunks(CHUNK).zip(self.informed.chunks(CHUNK));
        numbers.zip(people).map(|(number, (subjects, informed))| (number, subjects, informed))
    }
}

impl Outreach<'_> {
    /// The current stretch.
    pub async fn plan(&self, id: CampaignId) -> Result<Option<Plan>, StoreError> {
        let key = keys::plan(self.workspace, id);
        let answer = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
        let Some(item) = answer.item else { return Ok(None) };
        let bytes = |name: &'static str| {
            item.get(name).and_then(|v| v.as_b().ok()).map(|b| b.as_ref()).ok_or(StoreError::Corrupt(name))
        };
        let cursors: Vec<Cursor> =
            serde_json::from_str(&text(&item, "cursors")?).map_err(|_| StoreError::Corrupt("cursors"))?;
        Ok(Some(Plan {
            version: number(&item, "v")?,
            first_chunk: number(&item, "first_chunk")?,
            audience_before: number(&item, "before")?,
            subjects: Subject::unpack(bytes("subjects")?).ok_or(StoreError::Corrupt("subjects"))?,
            informed: bytes("informed")?.iter().map(|b| *b == 1).collect(),
            cursors,
        }))
    }

    /// Writes the next stretch, if the stretch before it is still the current one.
    pub async fn put_plan(&self, id: CampaignId, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::plan(self.workspace, id);
        let cursors = serde_json::to_string(&plan.cursors).map_err(|_| StoreError::Corrupt("cursors"))?;
        let informed: Vec<u8> = plan.informed.iter().map(|i| u8::from(*i)).collect();
        let mut put = self
            .db
            .client
            .put_item()
            .table_name(self.table())
            .item("pk", s(key.pk))
            .item("sk", s(key.sk))
            .item("v", n(plan.version))
            .item("first_chunk", n(plan.first_chunk))
            .item("before", n(plan.audience_before))
            .item("subjects", AttributeValue::B(Blob::new(Subject::pack(&plan.subjects))))
            .item("informed", AttributeValue::B(Blob::new(informed)))
            .item("cursors", s(cursors))
            .item("ttl", n(super::ttl(now)));
        put = if plan.version == 1 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("v = :seen").expression_attribute_values(":seen", n(plan.version - 1))
        };
        put.send().await?;
        Ok(())
    }
}
