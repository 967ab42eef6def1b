//! The few DynamoDB calls that everything here is made of.

use std::{collections::HashMap, error::Error as StdError, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::{get_item::builders::GetItemFluentBuilder, update_item::builders::UpdateItemFluentBuilder},
    types::{AttributeValue, KeysAndAttributes},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::keys::Key;

/// An item as the SDK has it.
pub type Item = HashMap<String, AttributeValue>;

/// Names of the tables.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    /// Workspaces, members, sessions, senders, imports, tokens, limiters.
    pub accounts: String,
    /// Prospects.
    pub prospects: String,
    /// Campaigns, chunks, deliveries.
    pub outreach: String,
    /// Opt-outs, erasures, bounces, complaints.
    pub suppressions: String,
    /// Audit trail, purge runs.
    pub evidence: String,
    /// Requests of people about their rights.
    pub rights: String,
    /// Wrapped data keys and public keys.
    pub keys: String,
}

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition did not hold: somebody else was first, or the record is not as expected.
    #[error("the record is not in the expected state")]
    Conflict,
    /// The service asks us to slow down; the call may be repeated.
    #[error("the store is throttling ({0})")]
    Throttled(String),
    /// The service refused or could not be reached.
    #[error("the store could not answer ({0})")]
    Unavailable(String),
    /// An item is not what the code expects.
    #[error("a stored record cannot be read: {0}")]
    Corrupt(&'static str),
}

impl StoreError {
    /// From an error code of the service.
    pub fn from_code(code: &str) -> Self {
        match code {
            "ConditionalCheckFailedException" | "ConditionalCheckFailed" | "DuplicateItem" => Self::Conflict,
            "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
            | "RequestLimitExceeded"
            | "TransactionConflictException"
            | "TransactionConflict"
            | "TransactionInProgressException" => Self::Throttled(code.to_owned()),
            other => Self::Unavailable(other.to_owned()),
        }
    }
}

impl<E, R> From<SdkError<E, R>> for StoreError
where
    E: ProvideErrorMetadata + StdError + 'static,
    R: std::fmt::Debug,
{
    fn from(error: SdkError<E, R>) -> Self {
        match &error {
            SdkError::ServiceError(service) => Self::from_code(service.err().code().unwrap_or("unknown")),
            SdkError::TimeoutError(_) => Self::Unavailable("timeout".into()),
            SdkError::DispatchFailure(_) => Self::Unavailable("connection".into()),
            _ => Self::Unavailable("no answer".into()),
        }
    }
}

/// A condition on the item that a write finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Whatever is there is replaced.
    Anything,
    /// Nothing may be there.
    Absent,
    /// Nothing may be there, or something from before it had a `v`.
    Unversioned,
    /// Something must be there.
    Present,
    /// The item's `v` must be this; the write carries the next one.
    Version(u64),
}

/// Tables and the client to reach them.
#[derive(Debug, Clone)]
pub struct Db {
    /// The SDK's client.
    pub client: Client,
    /// Table names.
    pub tables: Tables,
}

impl Db {
    /// A read of one item, to be completed by the caller.
    pub(crate) fn getting(&self, table: &str, key: &Key) -> GetItemFluentBuilder {
        self.client.get_item().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk))
    }

    /// An update of one item, to be completed by the caller.
    pub(crate) fn updating(&self, table: &str, key: &Key) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk))
    }

    /// One item, or `None`. `strong` costs twice as much and sees every write that was acknowledged.
    pub async fn get<T: DeserializeOwned>(
        &self,
        table: &str,
        key: &Key,
        strong: bool,
    ) -> Result<Option<T>, StoreError> {
        let answer = self.getting(table, key).consistent_read(strong).send().await?;
        answer.item.map(from_item).transpose()
    }

    /// Those of at most [`GET_BATCH`] items that are there, in no order; `only` is a projection expression.
    pub(crate) async fn batch_get(
        &self,
        table: &str,
        wanted: impl Iterator<Item = Key>,
        strong: bool,
        only: Option<&str>,
    ) -> Result<Vec<Item>, StoreError> {
        let key = |Key { pk, sk }: Key| Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))]);
        let mut wanted: Vec<Item> = wanted.map(key).collect();
        let mut found = Vec::with_capacity(wanted.len());
        for attempt in 0.. {
            if wanted.is_empty() {
                break;
            }
            let mut asked = KeysAndAttributes::builder().set_keys(Some(wanted)).consistent_read(strong);
            if let Some(names) = only {
                // `ttl` is a word of DynamoDB's own.
                asked = asked.projection_expression(names.replace("ttl", "#ttl"));
                if names.contains("ttl") {
                    asked = asked.expression_attribute_names("#ttl", "ttl");
                }
            }
            let asked = asked.build().map_err(|_| StoreError::Corrupt("keys to read"))?;
            let answer = self.client.batch_get_item().request_items(table, asked).send().await?;
            found.extend(answer.responses.unwrap_or_default().into_values().flatten());
            wanted = answer.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
            if !wanted.is_empty() {
                back_off(attempt).await?;
            }
        }
        Ok(found)
    }

    /// Writes one item.
    pub async fn put<T: Serialize>(
        &self,
        table: &str,
        key: &Key,
        value: &T,
        expected: Expected,
    ) -> Result<(), StoreError> {
        let mut put = self.client.put_item().table_name(table).set_item(Some(to_item(key, value)?));
        match expected {
            Expected::Anything => {}
            Expected::Absent => put = put.condition_expression("attribute_not_exists(pk)"),
            Expected::Unversioned => put = put.condition_expression("attribute_not_exists(v)"),
            Expected::Present => put = put.condition_expression("attribute_exists(pk)"),
            Expected::Version(version) => {
                put = put.condition_expression("v = :seen").expression_attribute_values(":seen", n(version));
            }
        }
        put.send().await?;
        Ok(())
    }

    /// Deletes one item, there or not.
    pub async fn delete(&self, table: &str, key: &Key) -> Result<(), StoreError> {
        self.client.delete_item().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk)).send().await?;
        Ok(())
    }

    /// One page of a partition: items whose sort key starts with `prefix`, after the sort key `after`.
    pub async fn page(&self, table: &str, query: &PageQuery<'_>) -> Result<Page, StoreError> {
        let mut call = self
            .client
            .query()
            .table_name(table)
            .expression_attribute_values(":pk", s(query.pk))
            .consistent_read(query.strong)
            .scan_index_forward(!query.newest_first)
            // One more than is wanted: whether there is a next page is known, and the last one says null.
            .set_limit(query.limit.map(|limit| limit.saturating_add(1)));
        call = match query.range {
            Range::All => call.key_condition_expression("pk = :pk"),
            Range::Prefix(prefix) => call
                .key_condition_expression("pk = :pk AND begins_with(sk, :from)")
                .expression_attribute_values(":from", s(prefix)),
            Range::Between(from, to) => call
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":from", s(from))
                .expression_attribute_values(":to", s(to)),
        };
        if let Some(names) = query.only {
            call = call.projection_expression(names);
        }
        if let Some(after) = query.after {
            call = call.exclusive_start_key("pk", s(query.pk)).exclusive_start_key("sk", s(after));
        }
        let answer = call.send().await?;
        let mut items = answer.items.unwrap_or_default();
        let mut next = answer.last_evaluated_key.as_ref().map(|key| text(key, "sk")).transpose()?;
        if let Some(limit) = query.limit.and_then(|limit| usize::try_from(limit).ok())
            && items.len() > limit
        {
            items.truncate(limit);
            next = items.last().map(|item| text(item, "sk")).transpose()?;
        }
        Ok(Page { items, next })
    }

    /// All items of a partition's range, page after page.
    pub async fn all(&self, table: &str, query: PageQuery<'_>) -> Result<Vec<Item>, StoreError> {
        let mut items = Vec::new();
        let mut after = query.after.map(str::to_owned);
        loop {
            let page = self.page(table, &PageQuery { after: after.as_deref(), ..query }).await?;
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                return Ok(items);
            }
        }
    }
}

/// Keys in one BatchGetItem, at most.
pub(crate) const GET_BATCH: usize = 100;

/// Attempts at what is throttled, with waits of 50 ms to 6 s between them.
const ATTEMPTS: u32 = 8;

/// Waits before another attempt: 50 ms doubled each time, half of it by chance, so that callers spread.
pub(crate) async fn back_off(attempt: u32) -> Result<(), StoreError> {
    if attempt + 1 >= ATTEMPTS {
        return Err(StoreError::Throttled("still throttled after several attempts".into()));
    }
    let most = 50_u64 << attempt;
    let wait = most / 2 + rand::random_range(0..=most / 2);
    tokio::time::sleep(Duration::from_millis(wait)).await;
    Ok(())
}

/// Which sort keys of a partition.
#[derive(Debug, Clone, Copy)]
pub enum Range<'a> {
    /// All.
    All,
    /// Those that start so.
    Prefix(&'a str),
    /// From one to another, both included.
    Between(&'a str, &'a str),
}

/// A question to one partition.
#[derive(Debug, Clone, Copy)]
pub struct PageQuery<'a> {
    /// The partition.
    pub pk: &'a str,
    /// Which sort keys.
    pub range: Range<'a>,
    /// Go on after this sort key.
    pub after: Option<&'a str>,
    /// Items read at most; a page of 1 MB when `None`.
    pub limit: Option<i32>,
    /// Strongly consistent.
    pub strong: bool,
    /// From the greatest sort key down.
    pub newest_first: bool,
    /// Only these attributes (a projection expression).
    pub only: Option<&'a str>,
}

impl<'a> PageQuery<'a> {
    /// A whole partition, eventually consistent, smallest sort key first.
    pub const fn of(pk: &'a str, range: Range<'a>) -> Self {
        Self { pk, range, after: None, limit: None, strong: false, newest_first: false, only: None }
    }
}

/// One page of items.
#[derive(Debug, Default)]
pub struct Page {
    /// The items.
    pub items: Vec<Item>,
    /// The sort key to go on after; `None` at the end.
    pub next: Option<String>,
}

/// A string attribute.
pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A number attribute.
pub fn n(number: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// A string attribute of an item.
pub fn text(item: &Item, name: &'static str) -> Result<String, StoreError> {
    item.get(name).and_then(|v| v.as_s().ok()).cloned().ok_or(StoreError::Corrupt(name))
}

/// A number attribute of an item.
pub fn number<N: std::str::FromStr>(item: &Item, name: &'static str) -> Result<N, StoreError> {
    item.get(name).and_then(|v| v.as_n().ok()).and_then(|v| v.parse().ok()).ok_or(StoreError::Corrupt(name))
}

/// A value and its key as an item.
pub fn to_item<T: Serialize>(key: &Key, value: &T) -> Result<Item, StoreError> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|_| StoreError::Corrupt("a value to write"))?;
    item.insert("pk".into(), s(&key.pk));
    item.insert("sk".into(), s(&key.sk));
    Ok(item)
}

/// An item as a value.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::Corrupt(std::any::type_name::<T>()))
}
