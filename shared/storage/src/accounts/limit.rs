//! Counters that throttle: one item per bucket and window, gone within the day (A7).

use aws_sdk_dynamodb::types::ReturnValue;
use domain::Timestamp;

use crate::{
    db::{Db, StoreError, n, number, s},
    keys,
};

impl Db {
    /// Counts one more in a bucket and returns how many there are now. `until` is when TTL may take it.
    pub async fn count(&self, bucket: &str, until: Timestamp) -> Result<u32, StoreError> {
        let key = keys::limit(bucket);
        let answer = self
            .client
            .update_item()
            .table_name(&self.tables.accounts)
            .key("pk", s(key.pk))
            .key("sk", s(key.sk))
            .update_expression("ADD #n :one SET #ttl = :ttl")
            .expression_attribute_names("#n", "n")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":ttl", n(until.as_second()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await?;
        number(&answer.attributes.unwrap_or_default(), "n")
    }

    /// Forgets a bucket's count.
    pub async fn uncount(&self, bucket: &str) -> Result<(), StoreError> {
        self.delete(&self.tables.accounts, &keys::limit(bucket)).await
    }
}
