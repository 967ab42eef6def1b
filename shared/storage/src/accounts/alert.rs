//! Which alerts a workspace has had, so that none comes twice.

use domain::{Timestamp, policy::retention};
use serde::Serialize;

use super::Accounts;
use crate::{
    db::{StoreError, n, to_item},
    keys,
};

#[derive(Serialize)]
struct Alerted {
    at: Timestamp,
    /// From when the next one may go, epoch seconds.
    ttl: i64,
}

impl Accounts<'_> {
    /// Takes the right to alert the workspace at `now` of people whom nobody has informed (A69); nobody
    /// has it again before `again`. `false` when such an alert is too recent.
    pub async fn take_notice_alert(&self, now: Timestamp, again: Timestamp) -> Result<bool, StoreError> {
        let alerted = Alerted { at: now, ttl: retention::ttl(again) };
        let put = self
            .db
            .client
            .put_item()
            .table_name(&self.db.tables.accounts)
            .set_item(Some(to_item(&keys::notice_alert(self.workspace), &alerted)?))
            // TTL takes it some time after its end.
            .condition_expression("attribute_not_exists(pk) OR #ttl <= :now")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":now", n(now.as_second()));
        match put.send().await.map_err(StoreError::from) {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
