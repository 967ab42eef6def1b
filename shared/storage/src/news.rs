//! News of the operator's, how far it came, and who wants none (A14).
//!
//! The list of objections is the operator's own: a keyed hash and a date, beside those of the Senders, where no backup is
//! ever put back. The evidence that somebody was sent news has a name that both are known by, so that taking it is the
//! right to send: nobody has it twice, and nobody who objects has it at all.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use domain::{
    Timestamp,
    news::{News, Reader},
    policy::retention::{self, Policy},
};
use serde::{Deserialize, Serialize};

use crate::{
    commit::{self, Cancelled},
    db::{Db, Expected, PageQuery, Range, StoreError, from_item, n, s, to_item},
    keys::{self, Key},
    service_mail::ServiceMail,
};

/// Whoever does not object, or did so long enough ago. TTL deletes late.
const NOT_OBJECTING: &str = "attribute_not_exists(pk) OR #ttl <= :now";

/// News, and how far it came. It names no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsRun {
    /// When it was ordered.
    pub at: Timestamp,
    /// What it says.
    pub says: News,
    /// Members it was sent to.
    pub told: u64,
    /// Members who could not be reached in the last pass.
    pub unreached: u64,
    /// The key looked at last, when a pass ran out of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(String, String)>,
    /// Since when nobody is sent it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// When this record itself goes, epoch seconds.
    ttl: i64,
}

impl NewsRun {
    /// News that was ordered just now.
    pub fn begin(says: News, at: Timestamp) -> Self {
        let ttl = retention::ttl(Policy::current().mail_evidence_expiry(at));
        Self { at, says, told: 0, unreached: 0, place: None, ended_at: None, ttl }
    }
}

#[derive(Serialize, Deserialize)]
struct Objection {
    /// Since when.
    at: Timestamp,
    /// When it ends, epoch seconds.
    ttl: i64,
}

/// Whether somebody may be sent news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Yes, and nobody else has it to send.
    Yes,
    /// It was sent before, or is being sent.
    Before,
    /// They object.
    Objected,
}

/// Somebody to whom news is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    /// As the list of objections knows them.
    pub reader: Reader,
    /// As the evidence of mails does.
    pub pseudonym: &'a str,
}

impl Db {
    /// What was ordered and how far it is; `None` when it never was.
    pub async fn news(&self, id: &str) -> Result<Option<NewsRun>, StoreError> {
        self.get(&self.tables.evidence, &keys::news(id), true).await
    }

    /// Everything that is still to be sent to somebody.
    pub async fn news_under_way(&self) -> Result<Vec<NewsRun>, StoreError> {
        let query = PageQuery { strong: true, ..PageQuery::of(keys::NEWS, Range::All) };
        let items = self.all(&self.tables.evidence, query).await?;
        let runs = items.into_iter().map(from_item::<NewsRun>).collect::<Result<Vec<_>, _>>()?;
        Ok(runs.into_iter().filter(|run| run.ended_at.is_none()).collect())
    }

    /// Writes down what is to be sent, once.
    pub async fn begin_news(&self, run: &NewsRun) -> Result<(), StoreError> {
        self.put(&self.tables.evidence, &keys::news(&run.says.id()), run, Expected::Absent).await
    }

    /// Writes down how far it came.
    pub async fn record_news(&self, run: &NewsRun) -> Result<(), StoreError> {
        self.put(&self.tables.evidence, &keys::news(&run.says.id()), run, Expected::Present).await
    }

    /// Takes the right to send it to somebody, with the evidence that they were: in one transaction with the look
    /// at the list of objections, so that none is overtaken.
    pub async fn take_news(
        &self,
        run: &NewsRun,
        to: Addressee<'_>,
        mail: ServiceMail,
        now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let Key { pk, sk } = keys::news_objection(to.reader);
        let check = ConditionCheck::builder()
            .table_name(&self.tables.suppressions)
            .key("pk", s(pk))
            .key("sk", s(sk))
            .condition_expression(NOT_OBJECTING)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second()))
            .build()
            .map_err(|_| StoreError::Corrupt("a condition to check"))?;
        let check = TransactWriteItem::builder().condition_check(check).build();
        let evidence = self.noting_service_mail(&evidence_of(run, to), mail)?;
        match self.try_commit(vec![check, evidence]).await {
            Ok(()) => Ok(Taken::Yes),
            Err(Cancelled::Condition(0)) => Ok(Taken::Objected),
            Err(Cancelled::Condition(_)) => Ok(Taken::Before),
            Err(Cancelled::Store(error)) => Err(error),
        }
    }

    /// Gives the right back: the mail certainly did not go.
    pub async fn return_news(&self, run: &NewsRun, to: Addressee<'_>) -> Result<(), StoreError> {
        self.delete(&self.tables.evidence, &evidence_of(run, to)).await
    }

    /// Since when somebody objects, at `now`.
    pub async fn objects_to_news(&self, reader: Reader, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let key = keys::news_objection(reader);
        let found: Option<Objection> = self.get(&self.tables.suppressions, &key, true).await?;
        Ok(found.filter(|objection| now.as_second() < objection.ttl).map(|objection| objection.at))
    }

    /// Notes an objection. One that stands keeps its date.
    pub async fn object_to_news(&self, reader: Reader, now: Timestamp) -> Result<(), StoreError> {
        match self.commit(vec![self.objecting_to_news(reader, now)?]).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Counts the time of an objection anew: it was needed again. Its date stays, and what is over stays over.
    pub async fn renew_news_objection(&self, reader: Reader, now: Timestamp) -> Result<(), StoreError> {
        let renewed = self
            .updating(&self.tables.suppressions, &keys::news_objection(reader))
            .update_expression("SET #ttl = :end")
            .condition_expression("#ttl > :now AND #ttl < :end")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second()))
            .expression_attribute_values(":end", n(objection(now).ttl))
            .send()
            .await;
        match renewed.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// An objection that a member makes with other changes, as a part of their transaction.
    pub(crate) fn objecting_to_news(&self, reader: Reader, now: Timestamp) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&self.tables.suppressions)
            .set_item(Some(to_item(&keys::news_objection(reader), &objection(now))?))
            .condition_expression(NOT_OBJECTING)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second()))
            .build()
            .map_err(|_| StoreError::Corrupt("a put to write"))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The end of one, likewise.
    pub(crate) fn welcoming_news(&self, reader: Reader) -> Result<TransactWriteItem, StoreError> {
        commit::delete(&self.tables.suppressions, &keys::news_objection(reader))
    }
}

fn objection(now: Timestamp) -> Objection {
    Objection { at: now, ttl: retention::ttl(Policy::current().news_objection_expiry(now)) }
}

/// Where the evidence of it is: by what is the same however often it is tried.
fn evidence_of(run: &NewsRun, to: Addressee<'_>) -> Key {
    keys::service_mail(to.pseudonym, run.at, &run.says.id())
}
