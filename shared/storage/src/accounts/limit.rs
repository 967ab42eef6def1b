//! Counters that throttle, and the memory of failed attempts: gone within the day (A7).

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{Timestamp, policy::retention};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, StoreError, n, number, to_item},
    keys,
};

/// Failed attempts of somebody at something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// How many in a row.
    pub n: u32,
    /// When the next may be made, epoch seconds.
    pub next: i64,
    /// When they are forgotten, epoch seconds.
    pub ttl: i64,
}

impl Db {
    /// Counts one more in a bucket and returns how many there are now. After `until`, TTL may take it.
    pub async fn count(&self, bucket: &str, until: Timestamp) -> Result<u32, StoreError> {
        let key = keys::limit(bucket);
        let answer = self
            .updating(&self.tables.accounts, &key)
            .update_expression("ADD #n :one SET #ttl = :ttl")
            .expression_attribute_names("#n", "n")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":ttl", n(retention::ttl(until)))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await?;
        number(&answer.attributes.unwrap_or_default(), "n")
    }

    /// The failed attempts remembered in a bucket at `now`.
    pub async fn attempts(&self, bucket: &str, now: Timestamp) -> Result<Attempts, StoreError> {
        let found: Option<Attempts> = self.get(&self.tables.accounts, &keys::limit(bucket), true).await?;
        Ok(found.filter(|attempts| now.as_second() < attempts.ttl).unwrap_or_default())
    }

    /// Replaces what is remembered, if it is still as `seen`. `Conflict` when another attempt was faster.
    pub async fn remember_attempt(
        &self,
        bucket: &str,
        seen: &Attempts,
        next: &Attempts,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.tables.accounts)
            .set_item(Some(to_item(&keys::limit(bucket), next)?))
            .expression_attribute_names("#n", "n");
        put = if seen.n == 0 {
            // Nothing there, or something whose time is over and that TTL has not taken yet.
            put.condition_expression("attribute_not_exists(#n) OR #ttl <= :now")
                .expression_attribute_names("#ttl", "ttl")
                .expression_attribute_values(":now", n(now.as_second()))
        } else {
            put.condition_expression("#n = :seen").expression_attribute_values(":seen", n(seen.n))
        };
        put.send().await?;
        Ok(())
    }

    /// Forgets the failed attempts in a bucket.
    pub async fn forget_attempts(&self, bucket: &str) -> Result<(), StoreError> {
        self.delete(&self.tables.accounts, &keys::limit(bucket)).await
    }
}
