//! Deliveries: the claims. One item per person, campaign and step, inserted before anything is sent.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest, KeysAndAttributes};
use domain::{
    Timestamp,
    bounce::Evidence,
    chunk::{GROUP, Got},
    clicks::Click,
    id::CampaignId,
    subject::Subject,
};
use jiff::civil::Date;

use super::{Outreach, clicks, returned};
use crate::{
    db::{Item, PageQuery, Range, StoreError, n, number, s, text},
    keys,
};

/// What became of the attempt to claim one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// Ours.
    Won,
    /// Somebody else's: another run of this chunk, dead or alive.
    Lost,
    /// Not made: the table would not take it now.
    Not,
}

/// A claim as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The campaign.
    pub campaign: CampaignId,
    /// Its step.
    pub step: u8,
    /// When it was claimed.
    pub at: Timestamp,
    /// The chunk that holds the outcome.
    pub chunk: u32,
    /// The person's place in that chunk.
    pub index: usize,
    /// What of the step was for them.
    pub got: Got,
    /// Their first click on a link of it, where they agreed to have that recorded.
    pub click: Option<Click>,
    /// The day on which they first opened it, where they agreed to have that recorded.
    pub opened_on: Option<Date>,
    /// Whether a program followed links of it, too.
    pub scanned: bool,
    /// What is known of it if it came back, or was not taken.
    pub evidence: Option<Evidence>,
    /// Whether the person objected after it, and counts there.
    pub objected: bool,
}

/// What another run's claim says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Whose it is.
    pub nonce: String,
    /// What was known of the chunk when it was made, if it carries that.
    pub journal: String,
    /// What of the step it is for.
    pub got: Got,
    /// When it was made, by the clock of whoever made it.
    pub at: Timestamp,
}

impl Outreach<'_> {
    /// Claims at most [`GROUP`] people of a chunk under `nonce`, in one call: `people` are their indexes
    /// and subjects, and what of the step they get. The first claim carries `journal`, the chunk's results so far, so that a crash in
    /// this group does not make the ones before it unknown.
    pub async fn claim(
        &self,
        id: CampaignId,
        (chunk, step): (u32, u8),
        people: &[(usize, Subject, Got)],
        nonce: &str,
        journal: &str,
        now: Timestamp,
    ) -> Result<Vec<Claimed>, StoreError> {
        debug_assert!(people.len() <= GROUP, "one call claims at most {GROUP}");
        let statement =
            format!("INSERT INTO \"{}\" VALUE {{'pk':?,'sk':?,'at':?,'k':?,'i':?,'x':?,'j':?,'ttl':?}}", self.table());
        let with_variant = statement.replace("'ttl':?", "'ttl':?,'w':?");
        let ttl = super::ttl(now);
        let mut claimed = vec![Claimed::Not; people.len()];
        let mut todo: Vec<usize> = (0..people.len()).collect();
        let mut wait = Duration::from_millis(25);
        for attempt in 0..6 {
            let mut call = self.db.client.batch_execute_statement();
            for &at in &todo {
                let (index, subject, got) = people[at];
                let key = keys::delivery(self.workspace, subject, id, step);
                let journal = if at == 0 { journal } else { "" };
                let mut values =
                    vec![s(key.pk), s(key.sk), n(now.as_second()), n(chunk), n(index), s(nonce), s(journal), n(ttl)];
                values.extend((!got.is_plain()).then(|| s(got.to_string())));
                let request = BatchStatementRequest::builder()
                    .statement(if !got.is_plain() { &with_variant } else { &statement })
                    .set_parameters(Some(values))
                    .build()
                    .map_err(|_| StoreError::Corrupt("a claim"))?;
                call = call.statements(request);
            }
            match call.send().await.map_err(StoreError::from) {
                Ok(answer) => {
                    let mut again = Vec::new();
                    for (response, &at) in answer.responses().iter().zip(&todo) {
                        claimed[at] = match response.error().and_then(|e| e.code()) {
                            None => Claimed::Won,
                            Some(BatchStatementErrorCodeEnum::DuplicateItem) => Claimed::Lost,
                            Some(_) => {
                                again.push(at);
                                Claimed::Not
                            }
                        };
                    }
                    todo = again;
                }
                Err(StoreError::Throttled(_) | StoreError::Unavailable(_)) if attempt < 5 => {}
                Err(StoreError::Throttled(_) | StoreError::Unavailable(_)) => break,
                Err(error) => return Err(error),
            }
            if todo.is_empty() {
                break;
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        Ok(claimed)
    }

    /// Reads claims back. Strongly consistent, in the order asked; `None` for a person who is not claimed.
    pub async fn claims(
        &self,
        id: CampaignId,
        step: u8,
        subjects: &[Subject],
    ) -> Result<Vec<Option<Theirs>>, StoreError> {
        let mut found: Vec<Option<Theirs>> = vec![None; subjects.len()];
        let wanted: Vec<keys::Key> =
            subjects.iter().map(|subject| keys::delivery(self.workspace, *subject, id, step)).collect();
        // Nobody has no claim, and no key may be asked for twice.
        let people = wanted.iter().zip(subjects).filter(|(_, subject)| **subject != Subject::NOBODY);
        let mut todo: Vec<Item> = people.map(|(key, _)| key_item(key)).collect();
        let mut wait = Duration::from_millis(25);
        while !todo.is_empty() {
            let request = KeysAndAttributes::builder()
                .consistent_read(true)
                .projection_expression("sk, x, j, w, #at")
                .expression_attribute_names("#at", "at")
                .set_keys(Some(std::mem::take(&mut todo)))
                .build()
                .map_err(|_| StoreError::Corrupt("a batch of keys"))?;
            let answer = self.db.client.batch_get_item().request_items(self.table(), request).send().await?;
            for item in answer.responses.unwrap_or_default().remove(self.table()).unwrap_or_default() {
                let sk = text(&item, "sk")?;
                if let Some(at) = wanted.iter().position(|k| k.sk == sk) {
                    found[at] = Some(Theirs {
                        nonce: text(&item, "x")?,
                        journal: text(&item, "j").unwrap_or_default(),
                        got: got(&item),
                        at: when(&item)?,
                    });
                }
            }
            if let Some(rest) = answer.unprocessed_keys.unwrap_or_default().remove(self.table()) {
                todo = rest.keys;
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(Duration::from_secs(2));
            }
        }
        Ok(found)
    }

    /// Gives back a claim of ours whose message was certainly not handed over.
    pub async fn release(&self, id: CampaignId, step: u8, subject: Subject, nonce: &str) -> Result<(), StoreError> {
        let key = keys::delivery(self.workspace, subject, id, step);
        let answer = self
            .db
            .client
            .delete_item()
            .table_name(self.table())
            .key("pk", s(key.pk))
            .key("sk", s(key.sk))
            .condition_expression("x = :ours")
            .expression_attribute_values(":ours", s(nonce))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Notes that a claimed message was refused by the channel, or may never have reached it, so that the
    /// person does not count as informed by it (A69); with what the channel said, in the same write.
    pub async fn mark_uninformed(
        &self,
        id: CampaignId,
        step: u8,
        subject: Subject,
        said: Option<&Evidence>,
    ) -> Result<(), StoreError> {
        let key = keys::delivery(self.workspace, subject, id, step);
        let mut update = self
            .db
            .updating(self.table(), &key)
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        update = match said {
            None => update.update_expression("SET f = :yes"),
            Some(said) => update
                .update_expression("SET f = :yes, e = :e")
                .expression_attribute_values(":e", returned::written(said)?),
        };
        update.send().await?;
        Ok(())
    }

    /// Who between two neighbours of a shard (both included) was written to by this workspace, in any
    /// campaign. Deliveries are sorted like prospects: a page of these answers for a page of those.
    pub async fn contacted(&self, shard: u8, first: Subject, last: Subject) -> Result<BTreeSet<Subject>, StoreError> {
        let pk = keys::delivery_shard(self.workspace, shard);
        // '~' sorts after every campaign id.
        let (from, to) = (first.hex(), format!("{}#~", last.hex()));
        let query = PageQuery { only: Some("sk, f"), ..PageQuery::of(&pk, Range::Between(&from, &to)) };
        let mut contacted = BTreeSet::new();
        for item in self.db.all(self.table(), query).await? {
            if !item.contains_key("f") {
                let sk = text(&item, "sk")?;
                let subject = sk.split('#').next().and_then(Subject::from_hex);
                contacted.insert(subject.ok_or(StoreError::Corrupt("a delivery's key"))?);
            }
        }
        Ok(contacted)
    }

    /// All that was ever claimed for one person: one query.
    pub async fn deliveries_of(&self, subject: Subject) -> Result<Vec<Delivery>, StoreError> {
        let pk = keys::delivery_shard(self.workspace, subject.shard());
        let prefix = keys::deliveries_of(subject);
        let items = self.db.all(self.table(), PageQuery::of(&pk, Range::Prefix(&prefix))).await?;
        items.iter().map(read).collect()
    }

    /// Forgets that anything was ever claimed for one person. They must be suppressed before: a claim is what keeps
    /// a campaign from writing twice.
    pub async fn forget(&self, subject: Subject) -> Result<usize, StoreError> {
        let deliveries = self.deliveries_of(subject).await?;
        for delivery in &deliveries {
            let key = keys::delivery(self.workspace, subject, delivery.campaign, delivery.step);
            self.db.delete(self.table(), &key).await?;
        }
        Ok(deliveries.len())
    }
}

fn key_item(key: &keys::Key) -> Item {
    Item::from([("pk".to_owned(), s(&key.pk)), ("sk".to_owned(), s(&key.sk))])
}

fn when(item: &Item) -> Result<Timestamp, StoreError> {
    Timestamp::from_second(number(item, "at")?).map_err(|_| StoreError::Corrupt("a delivery's time"))
}

fn got(item: &Item) -> Got {
    item.get("w").and_then(|value| value.as_s().ok()?.parse().ok()).unwrap_or_default()
}

pub(super) fn read(item: &Item) -> Result<Delivery, StoreError> {
    let sk = text(item, "sk")?;
    let mut parts = sk.split('#').skip(1);
    let wrong = StoreError::Corrupt("a delivery's key");
    let (Some(campaign), Some(step)) =
        (parts.next().and_then(|c| c.parse().ok()), parts.next().and_then(|s| s.parse().ok()))
    else {
        return Err(wrong);
    };
    Ok(Delivery {
        campaign,
        step,
        at: when(item)?,
        chunk: number(item, "k")?,
        index: number(item, "i")?,
        got: got(item),
        click: clicks::first(item),
        opened_on: clicks::opened_on(item),
        scanned: item.contains_key(clicks::SCANNED),
        evidence: returned::of(item)?,
        objected: returned::objected(item),
    })
}
