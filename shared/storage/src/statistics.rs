//! Statistics of use, as they were drawn: once for each month, and never again (A16).

use domain::{
    Timestamp,
    policy::retention::{self, Class, Policy},
    statistics::{Month, Statistics},
};
use serde::{Deserialize, Serialize};

use crate::{
    db::{Db, Expected, Item, PageQuery, Range, StoreError, from_item, text},
    keys,
};

#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    statistics: Statistics,
    /// When they end, epoch seconds.
    ttl: i64,
}

/// One month of a report.
#[derive(Debug, Serialize)]
pub struct Drawn {
    /// Which.
    pub month: String,
    /// What is shown of it.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl Db {
    /// Whether a month was drawn.
    pub async fn is_drawn(&self, month: Month) -> Result<bool, StoreError> {
        Ok(self.get::<Stored>(&self.tables.evidence, &keys::statistics(month), true).await?.is_some())
    }

    /// Writes down a month. What was drawn before stays: two drawings of one month could be compared.
    pub async fn draw(&self, month: Month, statistics: Statistics, now: Timestamp) -> Result<(), StoreError> {
        let ttl = retention::ttl(Policy::current().expiry(Class::ProductAnalytics, now));
        let stored = Stored { statistics, ttl };
        match self.put(&self.tables.evidence, &keys::statistics(month), &stored, Expected::Absent).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All months, oldest first, without those whose time is over at `now`.
    pub async fn statistics(&self, now: Timestamp) -> Result<Vec<Drawn>, StoreError> {
        let items = self.all(&self.tables.evidence, PageQuery::of(keys::STATISTICS, Range::All)).await?;
        let drawn = |item: Item| {
            let month = text(&item, "sk")?;
            let Stored { statistics, ttl } = from_item(item)?;
            Ok((ttl, Drawn { month, statistics }))
        };
        let all = items.into_iter().map(drawn).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(all.into_iter().filter(|(ttl, _)| now.as_second() < *ttl).map(|(_, drawn)| drawn).collect())
    }
}
