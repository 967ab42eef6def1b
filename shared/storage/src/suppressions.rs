//! Suppressions: a keyed hash, a date, a reason (A61). One conditional write makes one.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use domain::{
    Timestamp,
    audit::Entry,
    id::WorkspaceId,
    policy::retention::{self, Policy},
    subject::{SHARDS, Subject},
    suppression::{Suppression, SuppressionReason},
};
use serde::{Deserialize, Serialize};

use crate::{
    WorkspaceScope,
    commit::{self, Cancelled},
    db::{Db, Item, PageQuery, Range, StoreError, from_item, n, s, to_item},
    keys,
};

/// What stands already stays, unless its time is over or it is only a bounce.
const UNLESS_STANDING: &str = "attribute_not_exists(pk) OR #ttl <= :now OR why IN (:bounced, :soft)";
/// The same for a bounce itself: one for good says more than a run of others, which says more than nothing.
const UNLESS_WORSE: &str = "attribute_not_exists(pk) OR #ttl <= :now OR why = :soft";
/// An objection whose time is not over, also of somebody who was erased later.
const RENEWABLE: &str =
    "#ttl > :now AND #ttl < :end AND (why IN (:opted_out, :complained) OR attribute_exists(objected))";

#[derive(Serialize, Deserialize)]
struct Stored {
    /// Why.
    why: SuppressionReason,
    /// Since when, epoch seconds.
    at: i64,
    /// When whoever was erased had objected before, epoch seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    objected: Option<i64>,
    /// When it ends, epoch seconds.
    ttl: i64,
}

/// Suppressions of one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Suppressions<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The suppressions of the scope's workspace.
    pub fn suppressions<'a>(&'a self, scope: &'a WorkspaceScope) -> Suppressions<'a> {
        Suppressions { db: self.of(scope), workspace: scope.workspace() }
    }
}

impl Suppressions<'_> {
    /// Records one, in one call and one write unit. What stands already stays, unless its time is over
    /// or it is only a bounce: an objection, a complaint or an erasure says more, and runs from its own
    /// date (A61). True when it was written.
    pub async fn record(&self, suppression: &Suppression) -> Result<bool, StoreError> {
        let mut put = self
            .db
            .client
            .put_item()
            .table_name(&self.db.tables.suppressions)
            .set_item(Some(self.item(suppression)?))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(suppression.since.as_second()));
        put = match suppression.reason {
            SuppressionReason::SoftBounced => put.condition_expression("attribute_not_exists(pk) OR #ttl <= :now"),
            SuppressionReason::HardBounced => {
                put.condition_expression(UNLESS_WORSE).expression_attribute_values(":soft", s("soft_bounced"))
            }
            SuppressionReason::OptedOut | SuppressionReason::Erased | SuppressionReason::Complained => put
                .condition_expression(UNLESS_STANDING)
                .expression_attribute_values(":bounced", s("hard_bounced"))
                .expression_attribute_values(":soft", s("soft_bounced")),
        };
        match put.send().await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Counts the time of an objection anew from `now`: it was needed again (K9). Its date stays. An end
    /// never comes nearer, what is over stays over, and a bounce or a mere erasure keeps its own.
    pub async fn renew(&self, subject: Subject, now: Timestamp) -> Result<(), StoreError> {
        let key = keys::suppression(self.workspace, subject);
        let end = retention::ttl(Policy::current().suppression_expiry(now));
        let renewed = self
            .db
            .client
            .update_item()
            .table_name(&self.db.tables.suppressions)
            .key("pk", s(&key.pk))
            .key("sk", s(&key.sk))
            .update_expression("SET #ttl = :end")
            .condition_expression(RENEWABLE)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":end", n(end))
            .expression_attribute_values(":opted_out", s("opted_out"))
            .expression_attribute_values(":complained", s("complained"))
            .send()
            .await;
        match renewed.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same, with an entry of it in the same transaction. False when something stood already, and nothing was written.
    pub async fn record_with(&self, suppression: &Suppression, entry: &Entry) -> Result<bool, StoreError> {
        match self.db.act(self.standing(suppression)?, entry).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes the erasure of somebody of whom no record is held, at the time of the entry. Who is erased already
    /// stays so since then, and nothing is written.
    pub async fn erase(&self, subject: Subject, entry: &Entry) -> Result<(), StoreError> {
        match self.erase_with(subject, entry, None).await {
            Ok(()) | Err(Cancelled::Condition(0)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The same together with one more write, the third of the transaction after the entry. An objection that
    /// stands becomes the erasure of somebody who objected: what a backup brings back of them is found by it
    /// (A30), for as long as any other. [`Cancelled::Condition`] of 0 when they are erased already.
    pub(crate) async fn erase_with(
        &self,
        subject: Subject,
        entry: &Entry,
        more: Option<TransactWriteItem>,
    ) -> Result<(), Cancelled> {
        let erasure = self.standing(&Suppression::new(subject, SuppressionReason::Erased, entry.at))?;
        let objector = self.erasing_objector(subject, entry.at)?;
        let entry = self.db.recording(entry)?;
        let together = |first| [Some(first), Some(entry.clone()), more.clone()].into_iter().flatten().collect();
        match self.db.try_commit(together(erasure)).await {
            Err(Cancelled::Condition(0)) => self.db.try_commit(together(objector)).await,
            other => other,
        }
    }

    fn erasing_objector(&self, subject: Subject, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let key = keys::suppression(self.workspace, subject);
        let end = retention::ttl(Policy::current().suppression_expiry(now));
        commit::updated(
            commit::update(&self.db.tables.suppressions, &key)
                .update_expression("SET objected = #at, #at = :now, why = :erased, #ttl = :end")
                .condition_expression("attribute_exists(pk) AND why <> :erased")
                .expression_attribute_names("#at", "at")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", n(now.as_second()))
                .expression_attribute_values(":erased", s("erased"))
                .expression_attribute_values(":end", n(end)),
        )
    }

    /// What is more than a bounce, as a part of a transaction.
    fn standing(&self, suppression: &Suppression) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.db.tables.suppressions)
            .set_item(Some(self.item(suppression)?))
            .condition_expression(UNLESS_STANDING)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(suppression.since.as_second()))
            .expression_attribute_values(":bounced", s("hard_bounced"))
            .expression_attribute_values(":soft", s("soft_bounced"))
            .build()
            .map_err(|_| StoreError::Corrupt("a put to write"))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn item(&self, suppression: &Suppression) -> Result<Item, StoreError> {
        let stored = Stored {
            why: suppression.reason,
            at: suppression.since.as_second(),
            objected: suppression.objected.map(Timestamp::as_second),
            ttl: retention::ttl(Policy::current().suppression_expiry(suppression.since)),
        };
        to_item(&keys::suppression(self.workspace, suppression.subject), &stored)
    }

    /// Whether one person is suppressed at `now`, strongly consistent.
    pub async fn find(&self, subject: Subject, now: Timestamp) -> Result<Option<Suppression>, StoreError> {
        Ok(self.among(&[subject], now).await?.pop())
    }

    /// The suppressions among these people, strongly consistent. People are sorted by the same hash
    /// here as everywhere, so a run of neighbours is one range query: about one read unit for fifty.
    pub async fn among(&self, subjects: &[Subject], now: Timestamp) -> Result<Vec<Suppression>, StoreError> {
        let mut found = Vec::new();
        for shard in 0..SHARDS {
            let here = subjects.iter().filter(|s| s.shard() == shard);
            let (Some(first), Some(last)) = (here.clone().min(), here.max()) else { continue };
            let pk = keys::suppression_shard(self.workspace, shard);
            let (from, to) = (first.hex(), last.hex());
            let query = PageQuery { strong: true, ..PageQuery::of(&pk, Range::Between(&from, &to)) };
            let items = self.db.all(&self.db.tables.suppressions, query).await?;
            found.extend(read(items, now)?.into_iter().filter(|s| subjects.contains(&s.subject)));
        }
        Ok(found)
    }

    /// All of one shard, for work that goes through everybody.
    pub async fn of_shard(&self, shard: u8, now: Timestamp) -> Result<Vec<Suppression>, StoreError> {
        let pk = keys::suppression_shard(self.workspace, shard);
        read(self.db.all(&self.db.tables.suppressions, PageQuery::of(&pk, Range::All)).await?, now)
    }
}

impl Suppressions<'_> {
    /// Hands out everybody suppressed in one shard, page by page and strongly consistent: memory for one
    /// page, however many there are.
    pub async fn each_of_shard(
        &self,
        shard: u8,
        now: Timestamp,
        mut with: impl FnMut(Suppression),
    ) -> Result<(), StoreError> {
        let pk = keys::suppression_shard(self.workspace, shard);
        let mut after = None;
        loop {
            // 1,000 items at a time: a page of 1 MB takes ten of memory.
            let query = PageQuery {
                after: after.as_deref(),
                limit: Some(1_000),
                strong: true,
                ..PageQuery::of(&pk, Range::All)
            };
            let page = self.db.page(&self.db.tables.suppressions, &query).await?;
            read(page.items, now)?.into_iter().for_each(&mut with);
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// Reads items, leaving out those whose time is over: TTL deletes late, reads must not.
fn read(items: Vec<Item>, now: Timestamp) -> Result<Vec<Suppression>, StoreError> {
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        let subject = Subject::from_hex(&crate::db::text(&item, "sk")?).ok_or(StoreError::Corrupt("suppression"))?;
        let stored: Stored = from_item(item)?;
        if now.as_second() < stored.ttl {
            let date = |second| Timestamp::from_second(second).map_err(|_| StoreError::Corrupt("suppression date"));
            let (since, objected) = (date(stored.at)?, stored.objected.map(date).transpose()?);
            found.push(Suppression { subject, reason: stored.why, since, objected });
        }
    }
    Ok(found)
}
