//! Prospects: one small item each, keyed by the person's hash, so that a second import finds the first.
//!
//! Attribute names have one letter: a usual prospect with its source stays well below 1 KB, which is one
//! write unit. There is no index; whoever goes through all of them goes shard by shard ([`Prospects::page`]).

use aws_sdk_dynamodb::types::{BatchStatementRequest, TransactWriteItem};
use domain::{Timestamp, audit::Entry, id::WorkspaceId, prospect::Prospect, subject::Subject};

use jiff::civil::Date;

use crate::{
    WorkspaceScope,
    commit::{self, Cancelled},
    db::{Db, Expected, GET_BATCH, PageQuery, Range, StoreError, back_off, n, s, to_item},
    keys::{self, Key},
    suppressions::Suppressions,
};

mod item;

use item::Stored;

/// Statements in one BatchExecuteStatement, at most.
pub const INSERT_BATCH: usize = 25;

/// A prospect as it was read: a write may insist on finding it unchanged.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// The prospect.
    pub prospect: Prospect,
    /// Raised by every write.
    pub version: u64,
}

/// What became of a row that was to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is new.
    Created,
    /// The person is held already; nothing was written.
    Exists,
}

/// A run of neighbours of one shard.
#[derive(Debug, Default)]
pub struct ProspectPage {
    /// In the order of their subjects.
    pub prospects: Vec<Prospect>,
    /// Go on after this one; `None` at the end of the shard.
    pub next: Option<Subject>,
}

/// Prospects of one workspace.
#[derive(Debug, Clone, Copy)]
pub struct Prospects<'a> {
    db: &'a Db,
    workspace: WorkspaceId,
}

impl Db {
    /// The prospects of the scope's workspace.
    pub fn prospects<'a>(&'a self, scope: &'a WorkspaceScope) -> Prospects<'a> {
        Prospects { db: self.of(scope), workspace: scope.workspace() }
    }
}

impl Prospects<'_> {
    fn table(&self) -> &str {
        &self.db.tables.prospects
    }

    fn key(&self, subject: Subject) -> Key {
        keys::prospect(self.workspace, subject)
    }

    /// One prospect and its version. `strong` sees every write that was acknowledged.
    pub async fn get(&self, subject: Subject, strong: bool) -> Result<Option<Held>, StoreError> {
        let stored: Option<Stored> = self.db.get(self.table(), &self.key(subject), strong).await?;
        stored.map(|stored| stored.held(subject)).transpose()
    }

    /// Those of these people who are held, in no order; eventually consistent.
    pub async fn batch_get(&self, subjects: &[Subject]) -> Result<Vec<Prospect>, StoreError> {
        Ok(self.batch_get_held(subjects, false).await?.into_iter().map(|held| held.prospect).collect())
    }

    /// Those of these people who are held, with their versions, in no order.
    pub async fn batch_get_held(&self, subjects: &[Subject], strong: bool) -> Result<Vec<Held>, StoreError> {
        let mut found = Vec::with_capacity(subjects.len());
        for hundred in subjects.chunks(GET_BATCH) {
            let wanted = hundred.iter().map(|subject| self.key(*subject));
            for item in self.db.batch_get(self.table(), wanted, strong, None).await? {
                found.push(item::read(item)?);
            }
        }
        Ok(found)
    }

    /// Creates those that are not held yet: 25 a call, one write unit each, and no read. The answers come
    /// in the order of `prospects`, which must be different people.
    ///
    /// A row that was written by a call whose answer got lost answers [`Inserted::Exists`]: its mark says
    /// whose it is.
    pub async fn insert_many(&self, prospects: &[Prospect]) -> Result<Vec<Inserted>, StoreError> {
        let mut outcomes = Vec::with_capacity(prospects.len());
        for batch in prospects.chunks(INSERT_BATCH) {
            outcomes.extend(self.insert_batch(batch).await?);
        }
        Ok(outcomes)
    }

    async fn insert_batch(&self, batch: &[Prospect]) -> Result<Vec<Inserted>, StoreError> {
        let mut outcomes: Vec<Option<Inserted>> = vec![None; batch.len()];
        for attempt in 0.. {
            let open: Vec<usize> = (0..batch.len()).filter(|at| outcomes[*at].is_none()).collect();
            let statements = open.iter().map(|at| self.insert_statement(&batch[*at])).collect::<Result<Vec<_>, _>>()?;
            let answer = self.db.client.batch_execute_statement().set_statements(Some(statements)).send().await?;
            let answers = answer.responses.unwrap_or_default();
            if answers.len() != open.len() {
                return Err(StoreError::Unavailable("a batch with missing answers".into()));
            }
            let mut slow = false;
            for (at, answer) in open.into_iter().zip(answers) {
                match answer.error.map(|error| {
                    StoreError::from_code(error.code.map_or("unknown".into(), |c| c.as_str().to_owned()).as_str())
                }) {
                    None => outcomes[at] = Some(Inserted::Created),
                    Some(StoreError::Conflict) => outcomes[at] = Some(Inserted::Exists),
                    Some(StoreError::Throttled(_)) => slow = true,
                    Some(StoreError::Unavailable(code)) if code.starts_with("InternalServerError") => {
                        slow = true;
                    }
                    Some(error) => return Err(error),
                }
            }
            if !slow {
                break;
            }
            back_off(attempt).await?;
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn insert_statement(&self, prospect: &Prospect) -> Result<BatchStatementRequest, StoreError> {
        let item = to_item(&self.key(prospect.subject), &Stored::new(prospect, 1))?;
        let mut statement = format!("INSERT INTO \"{}\" VALUE {{", self.table());
        let mut parameters = Vec::with_capacity(item.len());
        for (name, value) in item {
            statement.push_str(if parameters.is_empty() { "'" } else { ",'" });
            statement.push_str(&name);
            statement.push_str("':?");
            parameters.push(value);
        }
        statement.push('}');
        BatchStatementRequest::builder()
            .statement(statement)
            .set_parameters(Some(parameters))
            .build()
            .map_err(|_| StoreError::Corrupt("a statement to send"))
    }

    /// Creates one; [`StoreError::Conflict`] when the person is held already.
    pub async fn create(&self, prospect: &Prospect, entry: &Entry) -> Result<(), StoreError> {
        let key = self.key(prospect.subject);
        let write = commit::put(self.table(), &key, &Stored::new(prospect, 1), Expected::Absent)?;
        self.db.act(write, entry).await
    }

    /// Replaces one that was read at `version`; [`StoreError::Conflict`] when it changed or went since.
    pub async fn replace(&self, prospect: &Prospect, version: u64) -> Result<(), StoreError> {
        let key = self.key(prospect.subject);
        let stored = Stored::new(prospect, version + 1);
        self.db.put(self.table(), &key, &stored, Expected::Version(version)).await
    }

    /// As [`Prospects::replace`], for a change that a person asked for: it leaves an entry, and what goes with it.
    pub async fn change(
        &self,
        prospect: &Prospect,
        version: u64,
        entry: &Entry,
        also: Option<TransactWriteItem>,
    ) -> Result<(), StoreError> {
        let stored = Stored::new(prospect, version + 1);
        let write = commit::put(self.table(), &self.key(prospect.subject), &stored, Expected::Version(version))?;
        self.db.commit([Some(write), Some(self.db.recording(entry)?), also].into_iter().flatten().collect()).await
    }

    /// Notes the person's own contact at `at`, unless a later one is known. False when nobody is held.
    pub async fn contacted(&self, subject: Subject, at: Timestamp) -> Result<bool, StoreError> {
        let key = self.key(subject);
        let answer = self
            .db
            .updating(self.table(), &key)
            .update_expression("SET q = :at ADD v :one")
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(q) OR q < :at)")
            .expression_attribute_values(":at", n(item::seconds_up(at)))
            .expression_attribute_values(":one", n(1))
            .send()
            .await
            .map_err(StoreError::from);
        match answer {
            Ok(_) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes a click of the person's own at `at`, unless a later one is known. Nothing when nobody is held.
    pub async fn clicked(&self, subject: Subject, at: Timestamp) -> Result<(), StoreError> {
        let answer = self
            .db
            .updating(self.table(), &self.key(subject))
            .update_expression("SET s = :at ADD v :one")
            .condition_expression("attribute_exists(pk) AND (attribute_not_exists(s) OR s < :at)")
            .expression_attribute_values(":at", n(item::seconds_up(at)))
            .expression_attribute_values(":one", n(1))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Notes that the person's clicks may not be recorded any more, since `at`, unless that is known: in the record, and
    /// where no backup is put back. Nothing when nobody is held, or never agreed.
    pub async fn withdraw_click_consent(&self, subject: Subject, at: Timestamp) -> Result<(), StoreError> {
        let update = commit::update(self.table(), &self.key(subject))
            .update_expression("SET r = :at ADD v :one")
            .condition_expression("attribute_exists(p) AND attribute_not_exists(r)")
            .expression_attribute_values(":at", n(at.as_second()))
            .expression_attribute_values(":one", n(1));
        let noted = self.db.noting_click_withdrawal(self.workspace, subject, at)?;
        match self.db.commit(vec![commit::updated(update)?, noted]).await {
            Ok(()) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Notes the day until which the person is away, or on which they are back. Nothing when nobody is held.
    pub async fn away(&self, subject: Subject, until: Date) -> Result<(), StoreError> {
        let answer = self
            .db
            .updating(self.table(), &self.key(subject))
            .update_expression("SET h = :until ADD v :one")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(":until", s(until.to_string()))
            .expression_attribute_values(":one", n(1))
            .send()
            .await;
        match answer.map_err(StoreError::from) {
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Erases one at the time of the entry: the record goes, and what keeps a later import from reviving
    /// them stands, at the same moment. `Conflict` when nobody is held.
    pub async fn erase(
        &self,
        suppressions: Suppressions<'_>,
        subject: Subject,
        entry: &Entry,
    ) -> Result<(), StoreError> {
        let deletion = commit::delete(self.table(), &self.key(subject))?;
        match suppressions.erase_with(subject, entry, Some(deletion.clone())).await {
            // Erased before: something brought them back.
            Err(Cancelled::Condition(0)) => self.db.act(deletion, entry).await,
            other => Ok(other?),
        }
    }

    /// Deletes one, held or not.
    pub async fn delete(&self, subject: Subject) -> Result<(), StoreError> {
        self.db.delete(self.table(), &self.key(subject)).await
    }

    /// One page of a shard in the order of subjects, after `after`; `limit` prospects at most, 1 MB of them
    /// when `None`. Eventually consistent.
    pub async fn page(
        &self,
        shard: u8,
        after: Option<Subject>,
        limit: Option<u32>,
    ) -> Result<ProspectPage, StoreError> {
        let pk = keys::prospect_shard(self.workspace, shard);
        let after = after.map(|subject| subject.hex());
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let query = PageQuery { after: after.as_deref(), limit, ..PageQuery::of(&pk, Range::All) };
        let page = self.db.page(self.table(), &query).await?;
        let prospects = page
            .items
            .into_iter()
            .map(|item| Ok(item::read(item)?.prospect))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let next = page.next.map(|sk| Subject::from_hex(&sk).ok_or(StoreError::Corrupt("prospect key"))).transpose()?;
        Ok(ProspectPage { prospects, next })
    }
}

/// A prospect from an item of its table.
pub fn read_prospect(item: crate::db::Item) -> Result<Prospect, StoreError> {
    Ok(item::read(item)?.prospect)
}
