//! Transactions: several writes, in any tables, all or none.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};
use serde::Serialize;

use crate::{
    db::{Db, Expected, StoreError, n, s, to_item},
    keys::Key,
};

/// Why nothing of a transaction was written.
#[derive(Debug, thiserror::Error)]
pub enum Cancelled {
    /// The condition of the write in this place did not hold.
    #[error("the condition of write {0} did not hold")]
    Condition(usize),
    /// Something else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Cancelled> for StoreError {
    fn from(cancelled: Cancelled) -> Self {
        match cancelled {
            Cancelled::Condition(_) => Self::Conflict,
            Cancelled::Store(error) => error,
        }
    }
}

/// A put. The expectation about what is there is its condition.
pub fn put<T: Serialize>(
    table: &str,
    key: &Key,
    value: &T,
    expected: Expected,
) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(table).set_item(Some(to_item(key, value)?));
    let put = match expected {
        Expected::Anything => put,
        Expected::Absent => put.condition_expression("attribute_not_exists(pk)"),
        Expected::Unversioned => put.condition_expression("attribute_not_exists(v)"),
        Expected::Present => put.condition_expression("attribute_exists(pk)"),
        Expected::Version(version) => {
            put.condition_expression("v = :seen").expression_attribute_values(":seen", n(version))
        }
    };
    let put = put.build().map_err(|_| StoreError::Corrupt("a put to write"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// An update, to be completed by the caller and handed to [`updated`].
pub fn update(table: &str, key: &Key) -> UpdateBuilder {
    Update::builder().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk))
}

/// A completed update as a part of a transaction.
pub fn updated(update: UpdateBuilder) -> Result<TransactWriteItem, StoreError> {
    let update = update.build().map_err(|_| StoreError::Corrupt("an update to write"))?;
    Ok(TransactWriteItem::builder().update(update).build())
}

/// A deletion of something that must be there.
pub fn delete(table: &str, key: &Key) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder()
        .table_name(table)
        .key("pk", s(&key.pk))
        .key("sk", s(&key.sk))
        .condition_expression("attribute_exists(pk)")
        .build()
        .map_err(|_| StoreError::Corrupt("a deletion to write"))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// A deletion of something that may not be there.
pub fn clear(table: &str, key: &Key) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk)).build();
    let delete = delete.map_err(|_| StoreError::Corrupt("a deletion to write"))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// A deletion of something that must still be as it was read.
pub fn delete_at(table: &str, key: &Key, version: u64) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder()
        .table_name(table)
        .key("pk", s(&key.pk))
        .key("sk", s(&key.sk))
        .condition_expression("v = :seen")
        .expression_attribute_values(":seen", n(version))
        .build()
        .map_err(|_| StoreError::Corrupt("a deletion to write"))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

impl Db {
    /// Writes all of it or nothing. A condition that does not hold is a `Conflict`.
    pub async fn commit(&self, writes: Vec<TransactWriteItem>) -> Result<(), StoreError> {
        Ok(self.try_commit(writes).await?)
    }

    /// As [`Db::commit`], for a caller who wants to know which condition did not hold: the first.
    pub async fn try_commit(&self, writes: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
        let Err(error) = self.client.transact_write_items().set_transact_items(Some(writes)).send().await else {
            return Ok(());
        };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error() else {
            return Err(StoreError::from(error).into());
        };
        let codes: Vec<_> = cancelled.cancellation_reasons().iter().map(|r| r.code().unwrap_or_default()).collect();
        match codes.iter().position(|code| *code == "ConditionalCheckFailed") {
            Some(at) => Err(Cancelled::Condition(at)),
            None => {
                let code = codes.into_iter().find(|code| !matches!(*code, "" | "None")).unwrap_or("cancelled");
                Err(StoreError::from_code(code).into())
            }
        }
    }
}
