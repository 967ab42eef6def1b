//! Lists of people, without those who were erased (A40).

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::{chunk::ChunkRecord, id::CampaignId, subject::Subject};
use futures::{StreamExt, TryStreamExt, stream};

use super::{
    Outreach,
    chunks::read,
    plan::{Cursor, Plan},
};
use crate::{
    db::{PageQuery, Range, StoreError, n, s, text},
    keys,
};

/// Campaigns looked through at once, and in one page of them.
const AT_ONCE: usize = 8;

/// Places in lists that two writers may meet at, at most.
const ATTEMPTS: usize = 10;

impl Outreach<'_> {
    /// Takes one person out of every list of every campaign, whether or not anything was sent to them: all chunks are
    /// read, a read unit for every two hundred people that a campaign wrote to. How many places that were.
    pub async fn erase_from_lists(&self, subject: Subject) -> Result<usize, StoreError> {
        let (mut erased, mut after) = (0, None::<String>);
        loop {
            let (campaigns, next) = self.campaigns(after.as_deref(), AT_ONCE as u32).await?;
            let looks = campaigns.into_iter().map(|campaign| self.erase_from(campaign.id, subject));
            let found: Vec<usize> = stream::iter(looks).buffer_unordered(AT_ONCE).try_collect().await?;
            erased += found.into_iter().sum::<usize>();
            after = next;
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    async fn erase_from(&self, id: CampaignId, subject: Subject) -> Result<usize, StoreError> {
        let gone = |listed| listed == subject;
        // The plan first: chunks are made from it.
        let mut erased = self.blank_plan(id, gone).await?;
        let mut after = None::<String>;
        loop {
            let (chunks, next) = self.chunks(id, after.as_deref(), None).await?;
            for ((chunk, step), record) in chunks {
                erased += self.blank_step((id, chunk, step), record, &gone).await?;
            }
            after = next;
            if after.is_none() {
                return Ok(erased);
            }
        }
    }

    /// Takes people out of the plan of a campaign, where they are still to be put into chunks. How many places.
    pub async fn blank_plan(&self, id: CampaignId, gone: impl Fn(Subject) -> bool) -> Result<usize, StoreError> {
        for _ in 0..ATTEMPTS {
            let Some(mut plan) = self.plan(id).await? else { return Ok(0) };
            let blanked = forget(&mut plan, &gone);
            if blanked == 0 {
                return Ok(0);
            }
            let cursors = serde_json::to_string(&plan.cursors).map_err(|_| StoreError::Corrupt("cursors"))?;
            // The version stays: to the fan-out it is the same stretch.
            let written = self
                .db
                .updating(self.table(), &keys::plan(self.workspace, id))
                .update_expression("SET subjects = :who, cursors = :cursors")
                .condition_expression("v = :seen")
                .expression_attribute_values(":who", AttributeValue::B(Blob::new(Subject::pack(&plan.subjects))))
                .expression_attribute_values(":cursors", s(cursors))
                .expression_attribute_values(":seen", n(plan.version))
                .send()
                .await;
            match written.map_err(StoreError::from) {
                Ok(_) => return Ok(blanked),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Throttled("a campaign's plan keeps changing".into()))
    }

    /// Takes people out of a chunk at all its steps, once they are erased: nobody stands where they stood, so
    /// that the others keep their places and the counts stay true. How many places that were.
    pub async fn blank(&self, id: CampaignId, chunk: u32, gone: impl Fn(Subject) -> bool) -> Result<usize, StoreError> {
        let (pk, prefix) = (keys::campaign_parts(self.workspace, id), keys::steps_of(chunk));
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(&prefix)) };
        let mut blanked = 0;
        for item in self.db.all(self.table(), query).await? {
            let (_, step) = keys::chunk_and_step(&text(&item, "sk")?).ok_or(StoreError::Corrupt("a chunk's number"))?;
            blanked += self.blank_step((id, chunk, step), read(&item)?, &gone).await?;
        }
        Ok(blanked)
    }

    async fn blank_step(
        &self,
        (id, chunk, step): (CampaignId, u32, u8),
        mut record: ChunkRecord,
        gone: impl Fn(Subject) -> bool,
    ) -> Result<usize, StoreError> {
        for _ in 0..ATTEMPTS {
            let places = record.subjects.iter_mut().filter(|subject| gone(**subject));
            let blanked = places.map(|place| *place = Subject::NOBODY).count();
            if blanked == 0 {
                return Ok(0);
            }
            let written = self
                .db
                .updating(self.table(), &keys::chunk(self.workspace, id, chunk, step))
                .update_expression("SET who = :who, v = :next")
                .condition_expression("v = :seen")
                .expression_attribute_values(":who", AttributeValue::B(Blob::new(Subject::pack(&record.subjects))))
                .expression_attribute_values(":next", n(record.version + 1))
                .expression_attribute_values(":seen", n(record.version))
                .send()
                .await;
            match written.map_err(StoreError::from) {
                Ok(_) => return Ok(blanked),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
            let Some(again) = self.chunk(id, chunk, step).await? else { return Ok(0) };
            record = again;
        }
        Err(StoreError::Throttled("a chunk's record keeps changing".into()))
    }
}

/// Takes people out of a plan, and out of its places too: to go on after somebody is to go on after whoever would
/// come right before them. How many there were.
fn forget(plan: &mut Plan, gone: impl Fn(Subject) -> bool) -> usize {
    let mut forgotten = 0;
    for subject in plan.subjects.iter_mut().filter(|subject| gone(**subject)) {
        *subject = Subject::NOBODY;
        forgotten += 1;
    }
    for cursor in &mut plan.cursors {
        if let Cursor::After(last) = cursor
            && let Some(subject) = Subject::from_hex(last).filter(|subject| gone(*subject))
        {
            *last = subject.before().hex();
            forgotten += 1;
        }
    }
    forgotten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a40_a_plan_goes_on_where_it_was_without_naming_whoever_was_erased() {
        let [one, two] = [[0x10; 16], [0x20; 16]].map(Subject::from_bytes);
        let mut plan = Plan { subjects: vec![one, two], informed: vec![true, false], ..Plan::begin(4) };
        plan.cursors[1] = Cursor::After(one.hex());
        plan.cursors[2] = Cursor::After(two.hex());
        assert_eq!(forget(&mut plan, |subject| subject == one), 2);
        assert_eq!(plan.subjects, [Subject::NOBODY, two]);
        let mut before = [0x10; 16];
        before[15] = 0x0f;
        assert_eq!(plan.cursors[1], Cursor::After(Subject::from_bytes(before).hex()));
        assert_eq!(plan.cursors[2], Cursor::After(two.hex()));
        assert_eq!(plan.informed, [true, false]);
        assert_eq!(forget(&mut plan, |subject| subject == one), 0);
    }
}
