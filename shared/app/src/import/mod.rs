//! Reading an uploaded file into prospects.
//!
//! A file is read from its beginning in every attempt: parsing is fast, and it rebuilds the duplicates
//! and the report of rejected rows exactly. What is not done twice is the writing: rows before the
//! checkpoint are only parsed.
//!
//! No clock decides who works. A worker saves the record at least every few seconds, each time under the
//! version it read; whoever finds another's name in it watches whether it still moves. A worker that was
//! taken for dead learns it from its next save, and whatever it wrote meanwhile carries the same mark
//! (import and line) as the rows its successor writes: they count the same.

mod file;
mod people;
mod reader;
mod write;

use std::time::Duration;

use domain::{
    Timestamp,
    audit::Action,
    id::{ImportId, WorkspaceId},
    import::ImportStatus,
    webhook::{Event, EventKind},
};
use serde::{Deserialize, Serialize};
use storage::{
    StoreError, WorkspaceScope,
    imports::{ImportRecord, Worker},
};

use crate::{App, Deadline, Failure};

/// What has to be left of an invocation to go on reading.
const ENOUGH: Duration = Duration::from_secs(30);

/// How long another's record may stand still before its worker is taken for dead.
const PATIENCE: u32 = 20;

/// Receipts after which the queue gives a message up (template.yaml, `maxReceiveCount`).
const LAST_RECEIPT: u32 = 5;

/// Which file to read, or to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub struct ImportMessage {
    /// Whose.
    pub workspace: WorkspaceId,
    /// Which.
    pub import: ImportId,
}

/// One receipt of a message about an import.
#[derive(Debug)]
pub struct Attempt {
    /// The queue's name of the message.
    pub message: String,
    /// How often it has been received, this time included.
    pub receives: u32,
    /// The time that everything written is dated with.
    pub now: Timestamp,
    /// The end of the invocation.
    pub deadline: Deadline,
}

/// How reading ended.
enum End {
    /// Every row is accounted for.
    Done,
    /// The file cannot be used (any further): what to do, for a person.
    Unusable(String),
    /// There are more rows than time.
    OutOfTime,
}

impl App {
    /// Reads an import's file, or goes on with it.
    ///
    /// # Errors
    /// When a service does not answer, when another worker is at it and has not come to an end, or when
    /// another has taken over: the message is to be received again.
    pub async fn run_import(&self, message: ImportMessage, attempt: &Attempt) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(message.workspace);
        let Some(mut record) = self.take_import(&scope, message.import, attempt).await? else { return Ok(()) };
        let at_start = (record.rows_done, attempt.deadline.left());
        let ended = match Box::pin(self.read_import(&scope, &mut record, attempt)).await {
            Err(failure) if attempt.receives >= LAST_RECEIPT && failure.slug != TAKEN_OVER => {
                tracing::error!(import = %record.id, cause = failure.cause.as_deref(), "import given up");
                End::Unusable(format!(
                    "The file could not be read to its end: {} rows are in. Create a new import and send the file again; what is in already is recognised.",
                    record.rows_done
                ))
            }
            other => other?,
        };
        record.worker = None;
        let took = at_start.1.saturating_sub(attempt.deadline.left());
        match ended {
            End::OutOfTime => {
                if record.rows_done == at_start.0 {
                    return Err(Failure::internal("an import made no progress in a whole invocation"));
                }
                self.save_import(&scope, &mut record).await?;
                tracing::info!(import = %record.id, rows = record.rows_done, "import goes on in another invocation");
                return self.enqueue(&self.config.import_queue_url, &message, 0).await;
            }
            End::Done => record.status = ImportStatus::Done,
            End::Unusable(why) => {
                record.status = ImportStatus::Failed;
                record.failure = Some(why);
            }
        }
        let finished = attempt.now + took;
        record.finished_at = Some(finished);
        let counts = record.counts;
        let entry = scope.entry(Action::ImportFinished, finished).about(record.id);
        let entry = entry.with("rows", counts.rows_read()).with("created", counts.created);
        let entry = entry.with("updated", counts.updated).with("rejected", counts.rejected);
        self.db.imports(&scope).finish(&mut record, &entry).await.map_err(taken_over)?;
        tracing::info!(import = %record.id, status = ?record.status, rows = record.counts.rows_read(), "import ended");
        let how = if record.status == ImportStatus::Done { "done" } else { "failed" };
        let event = || Event::of_import(scope.workspace(), record.id, finished).because(how);
        self.try_tell_webhooks(&scope, EventKind::ImportFinished, finished, event).await;
        Ok(())
    }

    /// Takes the import for this attempt. `None`: there is nothing to do (any more).
    async fn take_import(
        &self,
        scope: &WorkspaceScope,
        id: ImportId,
        attempt: &Attempt,
    ) -> Result<Option<ImportRecord>, Failure> {
        let me = Worker { message: attempt.message.clone(), receives: attempt.receives };
        let (mut seen, mut still) = (0, 0);
        loop {
            let Some(mut record) = self.db.imports(scope).get(id).await? else {
                tracing::warn!(import = %id, "a file without an import");
                return Ok(None);
            };
            if matches!(record.status, ImportStatus::Done | ImportStatus::Failed) {
                return Ok(None);
            }
            still = if record.v == seen { still + 1 } else { 0 };
            seen = record.v;
            if may_take(record.worker.as_ref(), &me, still) {
                record.worker = Some(me.clone());
                record.status = ImportStatus::Running;
                record.started_at.get_or_insert(attempt.now);
                match self.db.imports(scope).save(&mut record).await {
                    Ok(()) => return Ok(Some(record)),
                    Err(StoreError::Conflict) => continue,
                    Err(error) => return Err(error.into()),
                }
            }
            if attempt.deadline.left() < ENOUGH {
                return Err(Failure::unavailable("import", Some("another worker is at it")));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Saves the record under the version that this worker holds.
    async fn save_import(&self, scope: &WorkspaceScope, record: &mut ImportRecord) -> Result<(), Failure> {
        self.db.imports(scope).save(record).await.map_err(taken_over)
    }
}

fn taken_over(error: StoreError) -> Failure {
    match error {
        StoreError::Conflict => {
            let cause = Some("another worker has taken over".to_owned());
            Failure { cause, ..Failure::conflict(TAKEN_OVER, "Another worker is at this import.") }
        }
        other => other.into(),
    }
}

/// The name of the failure of a worker that was taken for dead.
const TAKEN_OVER: &str = "import-taken-over";

/// Whether `me` may take an import that `other` is at, whose record has stood `still` for so many seconds.
fn may_take(other: Option<&Worker>, me: &Worker, still: u32) -> bool {
    match other {
        None => true,
        // The queue hands a message out again only when its last receipt has run out.
        Some(other) if other.message == me.message && other.receives < me.receives => true,
        Some(_) => still >= PATIENCE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_is_taken_from_nobody_from_its_own_past_and_from_the_dead() {
        let worker = |message: &str, receives| Worker { message: message.into(), receives };
        let me = worker("a", 2);
        assert!(may_take(None, &me, 0));
        assert!(may_take(Some(&worker("a", 1)), &me, 0));
        for other in [worker("a", 2), worker("a", 3), worker("b", 1)] {
            assert!(!may_take(Some(&other), &me, PATIENCE - 1));
            assert!(may_take(Some(&other), &me, PATIENCE));
        }
    }
}
