//! Chunks and the counters they add up to, always written together.

use std::time::Duration;

use aws_sdk_dynamodb::{
    primitives::Blob,
    types::{AttributeValue, Put, TransactWriteItem},
};
use domain::{
    Timestamp,
    campaign::Tally,
    chunk::{ChunkRecord, Outcome, Results},
    id::CampaignId,
    subject::Subject,
};

use super::Outreach;
use crate::{
    abuse::AbuseCase,
    commit,
    db::{Item, PageQuery, Range, StoreError, n, number, s, text},
    keys,
};

impl Outreach<'_> {
    /// A chunk's record, strongly consistent.
    pub async fn chunk(&self, id: CampaignId, chunk: u32) -> Result<Option<ChunkRecord>, StoreError> {
        let key = keys::chunk(self.workspace, id, chunk);
        let answer = self.db.getting(self.table(), &key).consistent_read(true).send().await?;
        answer.item.as_ref().map(read).transpose()
    }

    /// Joins `results` into a chunk's record and moves the counters by what changed, in one
    /// transaction: the counters are the sum of the chunks at every moment. Returns the joined results.
    pub async fn settle(
        &self,
        id: CampaignId,
        chunk: u32,
        subjects: &[Subject],
        results: &Results,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        self.join(id, chunk, (subjects, results), None, now).await
    }

    /// The same for results that somebody complained: what was not known before is counted in the case of abuse about
    /// the campaign, which is opened as `fresh` if there is none, in that transaction.
    pub async fn settle_complaint(
        &self,
        id: CampaignId,
        chunk: u32,
        (subjects, results): (&[Subject], &Results),
        fresh: &AbuseCase,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        self.join(id, chunk, (subjects, results), Some(fresh), now).await
    }

    async fn join(
        &self,
        id: CampaignId,
        chunk: u32,
        (subjects, results): (&[Subject], &Results),
        fresh: Option<&AbuseCase>,
        now: Timestamp,
    ) -> Result<Results, StoreError> {
        // Two senders of one chunk, or a sender and an event, may meet: the second joins the first.
        for attempt in 0..10 {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(20 << attempt.min(6))).await;
            }
            let record = self.chunk(id, chunk).await?;
            if record.as_ref().is_some_and(|r| r.subjects != subjects) {
                return Err(StoreError::Corrupt("a chunk's people are not those of the message"));
            }
            let mut joined = record.as_ref().map_or_else(|| Results::pending(subjects.len()), |r| r.results.clone());
            let before = joined.clone();
            joined.join_all(results);
            if record.is_some() && joined == before {
                return Ok(joined);
            }
            let complaints = difference(&before, &joined).of(Outcome::Complained);
            let also = match fresh.filter(|_| complaints > 0) {
                Some(fresh) => self.db.counting_complaints(id, fresh, complaints).await?,
                None => Vec::new(),
            };
            let version = record.map_or(0, |r| r.version);
            match self.write((id, chunk), subjects, (&before, &joined), version, also, now).await {
                Err(StoreError::Conflict | StoreError::Throttled(_)) => {}
                // It may have been written: reading again tells.
                Err(StoreError::Unavailable(_)) if attempt < 4 => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(joined),
            }
        }
        Err(StoreError::Throttled("a chunk's record keeps changing".into()))
    }

    async fn write(
        &self,
        (id, chunk): (CampaignId, u32),
        subjects: &[Subject],
        (before, after): (&Results, &Results),
        version: u64,
        also: Vec<TransactWriteItem>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::chunk(self.workspace, id, chunk);
        let mut put = Put::builder()
            .table_name(self.table())
            .item("pk", s(key.pk))
            .item("sk", s(key.sk))
            .item("v", n(version + 1))
            .item("who", AttributeValue::B(Blob::new(Subject::pack(subjects))))
            .item("res", s(after.to_string()))
            .item("ttl", n(super::ttl(now)));
        put = if version == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("v = :seen").expression_attribute_values(":seen", n(version))
        };
        let put = put.build().map_err(|_| StoreError::Corrupt("a put to write"))?;
        let mut writes = vec![TransactWriteItem::builder().put(put).build()];
        let moved = difference(before, after);
        if moved.iter().next().is_some() {
            let key = keys::counter(self.workspace, id, chunk);
            let mut update = commit::update(self.table(), &key);
            let mut adds = Vec::new();
            for (index, (outcome, by)) in moved.iter().enumerate() {
                adds.push(format!("#n{index} :n{index}"));
                update = update
                    .expression_attribute_names(format!("#n{index}"), outcome.name())
                    .expression_attribute_values(format!(":n{index}"), n(by));
            }
            writes.push(commit::updated(update.update_expression(format!("ADD {}", adds.join(", "))))?);
        }
        writes.extend(also);
        self.db.commit(writes).await
    }

    /// The counters, added up. Strongly consistent.
    pub async fn tally(&self, id: CampaignId) -> Result<Tally, StoreError> {
        let pk = keys::campaign_parts(self.workspace, id);
        let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Prefix(keys::COUNTER)) };
        let mut tally = Tally::default();
        for item in self.db.all(self.table(), query).await? {
            for (name, value) in &item {
                if let (Some(outcome), Ok(by)) = (Outcome::from_name(name), value.as_n()) {
                    tally.add(outcome, by.parse().map_err(|_| StoreError::Corrupt("a counter"))?);
                }
            }
        }
        Ok(tally)
    }

    /// Chunks that were put down, in order of their number, from after a sort key.
    pub async fn chunks(
        &self,
        id: CampaignId,
        after: Option<&str>,
        limit: Option<u32>,
    ) -> Result<(Vec<(u32, ChunkRecord)>, Option<String>), StoreError> {
        let pk = keys::campaign_parts(self.workspace, id);
        let limit = limit.and_then(|l| i32::try_from(l).ok());
        let query = PageQuery { strong: true, after, limit, ..PageQuery::of(&pk, Range::Prefix(keys::CHUNK)) };
        let page = self.db.page(self.table(), &query).await?;
        let mut chunks = Vec::with_capacity(page.items.len());
        for item in &page.items {
            let number = text(item, "sk")?.strip_prefix(keys::CHUNK).and_then(|n| n.parse().ok());
            chunks.push((number.ok_or(StoreError::Corrupt("a chunk's number"))?, read(item)?));
        }
        Ok((chunks, page.next))
    }
}

fn read(item: &Item) -> Result<ChunkRecord, StoreError> {
    let who = item.get("who").and_then(|v| v.as_b().ok()).ok_or(StoreError::Corrupt("a chunk's people"))?;
    Ok(ChunkRecord {
        subjects: Subject::unpack(who.as_ref()).ok_or(StoreError::Corrupt("a chunk's people"))?,
        results: text(item, "res")?.try_into().map_err(StoreError::Corrupt)?,
        version: number(item, "v")?,
    })
}

/// What a change of results moves in the counters. Pending people are in no counter.
fn difference(before: &Results, after: &Results) -> Tally {
    let mut tally = Tally::default();
    for (old, new) in before.iter().zip(after.iter()) {
        if old != new {
            if old != Outcome::Pending {
                tally.add(old, -1);
            }
            tally.add(new, 1);
        }
    }
    tally
}
