//! Writing batches of rows: 25 inserts a call, no read before them, and several calls under way.

use std::collections::HashMap;

use domain::{prospect::Prospect, subject::Subject};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use storage::{
    StoreError,
    prospects::{Held, INSERT_BATCH, Inserted, Prospects},
};

use super::people::{Meeting, meet};

/// Calls under way at a time.
const UNDER_WAY: usize = 8;

/// Rows asked for at once where most people are held already.
const LOOK_BATCH: usize = 100;

/// What became of rows that were written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    /// Rows of people who were deleted while their row was written: not revived.
    pub(super) gone: u64,
    /// Rows of people who were held already.
    held: u64,
}

impl Written {
    fn rows(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.gone
    }
}

/// Rows on their way to the table.
pub(super) struct Writes<'a> {
    to: Prospects<'a>,
    under_way: FuturesUnordered<BoxFuture<'a, Result<Written, StoreError>>>,
    /// The last batch was about people who are held: an insert that fails is billed like one that
    /// succeeds, a read is a tenth of it.
    look_first: bool,
}

impl<'a> Writes<'a> {
    pub(super) fn new(to: Prospects<'a>) -> Self {
        Self { to, under_way: FuturesUnordered::new(), look_first: false }
    }

    /// Sends full batches of `rows`, and the rest as well when `all`.
    pub(super) async fn send(
        &mut self,
        rows: &mut Vec<Prospect>,
        all: bool,
        sum: &mut impl FnMut(Written),
    ) -> Result<(), StoreError> {
        loop {
            let size = if self.look_first { LOOK_BATCH } else { INSERT_BATCH };
            if rows.is_empty() || (rows.len() < size && !all) {
                return Ok(());
            }
            while self.under_way.len() >= UNDER_WAY {
                self.one(sum).await?;
            }
            let batch: Vec<_> = rows.drain(..size.min(rows.len())).collect();
            self.under_way.push(Box::pin(write(self.to, batch, self.look_first)));
        }
    }

    /// Waits for one batch; does not return while none is under way.
    pub(super) async fn one(&mut self, sum: &mut impl FnMut(Written)) -> Result<(), StoreError> {
        match self.under_way.next().await {
            Some(written) => {
                let written = written?;
                self.look_first = written.held * 2 > written.rows();
                sum(written);
                Ok(())
            }
            None => std::future::pending().await,
        }
    }

    /// Waits until nothing is under way.
    pub(super) async fn drain(&mut self, sum: &mut impl FnMut(Written)) -> Result<(), StoreError> {
        while !self.under_way.is_empty() {
            self.one(sum).await?;
        }
        Ok(())
    }
}

/// Writes rows about different people.
async fn write(to: Prospects<'_>, rows: Vec<Prospect>, look_first: bool) -> Result<Written, StoreError> {
    let mut written = Written::default();
    let mut known = HashMap::new();
    if look_first {
        known = held(to, &rows, false).await?;
    }
    let (met, new): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| known.contains_key(&row.subject));
    for row in met {
        let found = known.remove(&row.subject);
        settle(to, &row, found, &mut written).await?;
    }
    let inserted = to.insert_many(&new).await?;
    written.created += inserted.iter().filter(|i| **i == Inserted::Created).count() as u64;
    let there: Vec<_> =
        new.into_iter().zip(inserted).filter(|(_, i)| *i == Inserted::Exists).map(|(row, _)| row).collect();
    if !there.is_empty() {
        let mut known = held(to, &there, true).await?;
        for row in there {
            let found = known.remove(&row.subject);
            settle(to, &row, found, &mut written).await?;
        }
    }
    Ok(written)
}

async fn held(to: Prospects<'_>, rows: &[Prospect], strong: bool) -> Result<HashMap<Subject, Held>, StoreError> {
    let subjects: Vec<_> = rows.iter().map(|row| row.subject).collect();
    let found = to.batch_get_held(&subjects, strong).await?;
    Ok(found.into_iter().map(|held| (held.prospect.subject, held)).collect())
}

/// Brings a row and the record it met together, again when somebody else changes the record meanwhile.
async fn settle(
    to: Prospects<'_>,
    row: &Prospect,
    mut found: Option<Held>,
    written: &mut Written,
) -> Result<(), StoreError> {
    while let Some(held) = found {
        match meet(&held.prospect, row) {
            Meeting::Replayed { created: true } => written.created += 1,
            Meeting::Replayed { created: false } => {
                written.held += 1;
                written.updated += 1;
            }
            Meeting::Unchanged => {
                written.held += 1;
                written.unchanged += 1;
            }
            Meeting::Changed(next) => match to.replace(&next, held.version).await {
                Ok(()) => {
                    written.held += 1;
                    written.updated += 1;
                }
                Err(StoreError::Conflict) => {
                    found = to.get(row.subject, true).await?;
                    continue;
                }
                Err(error) => return Err(error),
            },
        }
        return Ok(());
    }
    written.gone += 1;
    Ok(())
}
