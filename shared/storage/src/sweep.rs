//! Going through whole tables: for the purge alone.

use crate::{
    db::{Db, Item, StoreError, s, text},
    keys::Key,
};

/// Items of a page, at most: 1 MB of them would take ten of memory, and one look at more is no cheaper.
const PAGE: i32 = 1_000;

/// One page of a whole table.
#[derive(Debug, Default)]
pub struct SweepPage {
    /// The items, partition by partition, each in the order of its sort keys.
    pub items: Vec<Item>,
    /// Where to go on.
    pub next: Option<Key>,
}

/// Whether a conditional deletion took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// It is gone.
    Deleted,
    /// It changed since it was looked at, and stays.
    Kept,
}

impl Db {
    /// The page of a table after `after`: 1,000 items and 1 MB at most, eventually consistent.
    pub async fn sweep(&self, table: &str, after: Option<&Key>) -> Result<SweepPage, StoreError> {
        self.scan(table, after, false).await
    }

    /// The same page, strongly consistent: every deletion that was acknowledged shows.
    pub async fn sweep_again(&self, table: &str, after: Option<&Key>) -> Result<SweepPage, StoreError> {
        self.scan(table, after, true).await
    }

    async fn scan(&self, table: &str, after: Option<&Key>, strong: bool) -> Result<SweepPage, StoreError> {
        let mut call = self.client.scan().table_name(table).limit(PAGE).consistent_read(strong);
        if let Some(key) = after {
            call = call.exclusive_start_key("pk", s(&key.pk)).exclusive_start_key("sk", s(&key.sk));
        }
        let answer = call.send().await?;
        let next = answer.last_evaluated_key.as_ref().map(key_of).transpose()?;
        Ok(SweepPage { items: answer.items.unwrap_or_default(), next })
    }

    /// Deletes an item as it was looked at: one that a writer has changed since stays for the next run.
    /// `guard` is the attribute that every such writer changes.
    pub async fn delete_as_seen(
        &self,
        table: &str,
        item: &Item,
        guard: Option<&'static str>,
    ) -> Result<Swept, StoreError> {
        let key = key_of(item)?;
        let mut call = self.client.delete_item().table_name(table).key("pk", s(&key.pk)).key("sk", s(&key.sk));
        if let Some((name, seen)) = guard.and_then(|name| Some((name, item.get(name)?))) {
            call = call
                .condition_expression("#guard = :seen OR attribute_not_exists(pk)")
                .expression_attribute_names("#guard", name)
                .expression_attribute_values(":seen", seen.clone());
        }
        match call.send().await.map_err(StoreError::from) {
            Ok(_) => Ok(Swept::Deleted),
            Err(StoreError::Conflict) => Ok(Swept::Kept),
            Err(error) => Err(error),
        }
    }
}

/// The key of an item.
pub fn key_of(item: &Item) -> Result<Key, StoreError> {
    Ok(Key { pk: text(item, "pk")?, sk: text(item, "sk")? })
}
