//! The way of a file through the parser into the table, with its checkpoints.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use domain::{
    Timestamp,
    import::ImportCounts,
    policy::retention,
    prospect::Prospect,
    subject::{SHARDS, Subject},
    suppression::SuppressionReason,
};
use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use intake::{Outcome, Parser, RejectReport, Seen};
use storage::{
    StoreError, WorkspaceScope,
    imports::ImportRecord,
    objects::{PART, Report},
    prospects::INSERT_BATCH,
};

use super::{
    Attempt, ENOUGH, End,
    file::{self, MAX_BYTES, MAX_ROWS},
    people::Origin,
    write::{Writes, Written},
};
use crate::{App, Deadline, Failure};

/// Rows between two checkpoints, at most.
const CHECKPOINT_ROWS: u64 = 5_000;

/// Time between two checkpoints, about.
const CHECKPOINT_TIME: Duration = Duration::from_secs(2);

/// Longer than any invocation.
const LONG: Duration = Duration::from_secs(3_600);

/// Renewals of objections under way at once.
const RENEWALS: usize = 16;

/// Bytes parsed at a time: so many rows wait for the table, and no more.
const SLICE: usize = 16 * 1024;

/// How far an erasure's date may lie before the start of an import that must still not revive it.
const SLACK: Duration = Duration::from_secs(3_600);

impl App {
    /// Reads the file of an import that this attempt holds.
    pub(super) async fn read_import(
        &self,
        scope: &WorkspaceScope,
        record: &mut ImportRecord,
        attempt: &Attempt,
    ) -> Result<End, Failure> {
        let workspace = self.db.accounts(scope).workspace().await?;
        let Some(workspace) = workspace.filter(|workspace| !workspace.is_closed()) else {
            return Ok(unusable("The workspace was closed. Reactivate it and import the file again."));
        };
        if workspace.suspended_at.is_some() {
            return Ok(unusable("The workspace is suspended because of abuse. Import the file again once it is not."));
        }
        let collected_on = record.source.collected_on;
        if attempt.now >= retention::prospect_expiry(collected_on, None, workspace.retention_months) {
            return Ok(unusable("These addresses have become too old to be kept by this workspace."));
        }
        let Some(object) = self.objects(scope).upload(record.id).await? else {
            return Ok(unusable("The file is not there any more. Create a new import and send it again."));
        };
        if record.etag.is_some() && record.etag != object.etag {
            return Ok(unusable("The file was replaced while it was read. Create a new import for the new file."));
        }
        (record.bytes, record.etag) = (object.bytes, object.etag);
        if record.bytes > MAX_BYTES {
            return Ok(unusable("The file is larger than 200 MB. Split it and import the parts one by one."));
        }
        let mut body = object.body;
        let head = file::head(&mut body).await?;
        let detected = intake::detect(&head.bytes, head.whole);
        let asked = record.mapping.as_deref().and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
        let mapping = match intake::usable(&head.bytes, &detected, &asked) {
            Ok(mapping) => mapping,
            Err(why) => return Ok(End::Unusable(why)),
        };
        record.detected = serde_json::to_string(&detected).ok();
        record.mapping_used = serde_json::to_string(&mapping).ok();

        let reader = Reader {
            origin: Origin {
                pepper: self.pepper().await?,
                workspace: scope.workspace(),
                import: record.id,
                source: record.source.clone(),
                lawful_basis: record.lawful_basis,
                records: workspace.records(),
                now: attempt.now,
            },
            suppressed: self.suppressed(scope, attempt.now).await?,
            seen: Seen::with_capacity(detected.expected_rows(record.bytes).min(MAX_ROWS as usize)),
            row: 0,
            done: record.rows_done,
            counts: record.counts,
            rejected: record.rejected_by_reason.clone(),
            waiting: Vec::new(),
            blocked: Vec::new(),
            report: RejectReport::new(Vec::new()).map_err(|e| Failure::internal(e.to_string()))?.into_inner(),
            rejects: 0,
        };
        let mut run = Run {
            app: self,
            scope,
            record,
            deadline: attempt.deadline,
            reader,
            writes: Writes::new(self.db.prospects(scope)),
            bytes: 0,
            since: Deadline::after(LONG),
        };
        run.checkpoint().await?;
        let parser = Parser::new(&detected, &mapping);
        let mut report = self.objects(scope).write_rejects(run.record.id);
        let ended = match run.read(parser, &head.bytes, body, &mut report).await {
            Ok(ended @ (End::Done | End::Unusable(_))) => ended,
            early => {
                report.abandon().await;
                return early;
            }
        };
        if run.reader.rejects > 0 {
            report.finish(std::mem::take(&mut run.reader.report)).await?;
        }
        self.forget_erased(scope, run.record.started_at.unwrap_or(attempt.now), attempt.now).await?;
        Ok(ended)
    }

    /// The first eight bytes of everybody whom this Sender must not write to, sorted: 8 MB a million.
    async fn suppressed(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Vec<u64>, StoreError> {
        let suppressions = self.db.suppressions(scope);
        let shards = try_join_all((0..SHARDS).map(async |shard| {
            let mut found = Vec::new();
            suppressions.each_of_shard(shard, now, |s| found.push(print(s.subject))).await?;
            Ok::<_, StoreError>(found)
        }));
        let mut all = shards.await?.concat();
        all.sort_unstable();
        Ok(all)
    }

    /// Deletes again whoever was erased while the import ran, and was then written by it: the list of
    /// suppressions is read once, at the start.
    async fn forget_erased(
        &self,
        scope: &WorkspaceScope,
        started: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut erased = Vec::new();
        for shard in 0..SHARDS {
            let suppressions = self.db.suppressions(scope);
            suppressions
                .each_of_shard(shard, now, |s| {
                    if s.reason == SuppressionReason::Erased && s.since + SLACK >= started {
                        erased.push(s.subject);
                    }
                })
                .await?;
        }
        for subject in erased {
            self.db.prospects(scope).delete(subject).await?;
        }
        Ok(())
    }
}

fn unusable(why: &str) -> End {
    End::Unusable(why.to_owned())
}

/// The part of a subject that stands for it in memory.
fn print(subject: Subject) -> u64 {
    let (first, _) = subject.as_bytes().split_first_chunk().expect("16 bytes begin with 8");
    u64::from_be_bytes(*first)
}

/// What is known while a file is read.
struct Reader<'a> {
    origin: Origin<'a>,
    suppressed: Vec<u64>,
    seen: Seen,
    /// Rows parsed.
    row: u64,
    /// Rows that were accounted for before this attempt.
    done: u64,
    counts: ImportCounts,
    rejected: BTreeMap<String, u64>,
    /// Rows to be written.
    waiting: Vec<Prospect>,
    /// Whom a suppression kept out since the last checkpoint.
    blocked: Vec<Subject>,
    /// The report, as far as it has not been sent.
    report: Vec<u8>,
    /// Lines of the report.
    rejects: u64,
}

impl Reader<'_> {
    /// Decides on one row.
    fn take(&mut self, outcome: Outcome) {
        if self.row >= MAX_ROWS {
            self.row = MAX_ROWS + 1;
            return;
        }
        let fresh = self.row >= self.done;
        self.row += 1;
        let row = match outcome {
            Outcome::Reject(reject) => {
                self.rejects += 1;
                RejectReport::resume(&mut self.report).add(&reject).expect("a Vec takes what it is given");
                if fresh {
                    self.counts.rejected += 1;
                    *self.rejected.entry(reject.reason.code().to_owned()).or_default() += 1;
                }
                return;
            }
            Outcome::Row(row) => row,
        };
        let new = self.seen.insert(&row.email);
        if !fresh {
            return;
        }
        if !new {
            self.counts.duplicates += 1;
            return;
        }
        let subject = self.origin.subject(&row);
        if self.suppressed.binary_search(&print(subject)).is_ok() {
            self.counts.suppressed += 1;
            self.blocked.push(subject);
            return;
        }
        self.counts.consents_left_out += u64::from(self.origin.leaves_consent_out(&row));
        self.waiting.push(self.origin.prospect(subject, row));
    }
}

fn add(counts: &mut ImportCounts, written: Written) {
    counts.created += written.created;
    counts.updated += written.updated;
    counts.unchanged += written.unchanged;
    counts.suppressed += written.gone;
}

/// One attempt at one file.
struct Run<'a> {
    app: &'a App,
    scope: &'a WorkspaceScope,
    record: &'a mut ImportRecord,
    deadline: Deadline,
    reader: Reader<'a>,
    writes: Writes<'a>,
    bytes: u64,
    /// Set to [`LONG`] at the last checkpoint: what is missing of it has passed since.
    since: Deadline,
}

impl Run<'_> {
    async fn read(
        &mut self,
        mut parser: Parser,
        head: &[u8],
        mut body: ByteStream,
        report: &mut Report<'_>,
    ) -> Result<End, Failure> {
        if let Some(end) = self.push(&mut parser, head, report).await? {
            return Ok(end);
        }
        loop {
            let chunk = {
                let Self { writes, reader, .. } = self;
                let counts = &mut reader.counts;
                let mut sum = |w| add(counts, w);
                loop {
                    tokio::select! {
                        biased;
                        written = writes.one(&mut sum) => written?,
                        chunk = body.next() => break chunk,
                    }
                }
            };
            let Some(chunk) = chunk else { break };
            let chunk = chunk.map_err(|_| Failure::unavailable("s3", Some("body")))?;
            if let Some(end) = self.push(&mut parser, &chunk, report).await? {
                return Ok(end);
            }
        }
        parser.finish(&mut |outcome| self.reader.take(outcome));
        self.checkpoint().await?;
        Ok(if self.reader.row == 0 {
            unusable("The file holds no rows. Check that the right sheet was saved, and import it again.")
        } else {
            self.full().unwrap_or(End::Done)
        })
    }

    /// Parses a chunk and sends on what it held; says when to stop.
    ///
    /// Checkpoints fall between two batches as long as rows keep coming: a batch that is sent half full
    /// is a call more.
    async fn push(
        &mut self,
        parser: &mut Parser,
        chunk: &[u8],
        report: &mut Report<'_>,
    ) -> Result<Option<End>, Failure> {
        let mut outcomes = Vec::new();
        for slice in chunk.chunks(SLICE) {
            parser.push(slice, &mut |outcome| outcomes.push(outcome));
            self.bytes += slice.len() as u64;
            for outcome in outcomes.drain(..) {
                self.reader.take(outcome);
                if self.reader.waiting.len() < INSERT_BATCH {
                    continue;
                }
                self.send(false).await?;
                if self.reader.waiting.is_empty() && self.due(1) {
                    self.checkpoint().await?;
                }
            }
            if self.reader.report.len() >= PART {
                report.part(std::mem::take(&mut self.reader.report)).await?;
            }
            let over = self.full();
            let late = self.deadline.left() < ENOUGH;
            if over.is_some() || late || self.due(2) {
                self.checkpoint().await?;
            }
            if over.is_some() {
                return Ok(over);
            }
            if late {
                return Ok(Some(End::OutOfTime));
            }
        }
        Ok(None)
    }

    /// Whether a checkpoint is due, or has been for so many times as long as it should.
    fn due(&self, times: u32) -> bool {
        let rows = self.reader.row.saturating_sub(self.record.rows_done);
        rows >= CHECKPOINT_ROWS * u64::from(times) || self.since.left() + CHECKPOINT_TIME * times <= LONG
    }

    fn full(&self) -> Option<End> {
        (self.reader.row > MAX_ROWS).then(|| {
            unusable("The file has more than 2,000,000 rows: the first 2,000,000 are in. Import the rest as a file of its own.")
        })
    }

    async fn send(&mut self, all: bool) -> Result<(), Failure> {
        let Reader { waiting, counts, .. } = &mut self.reader;
        Ok(self.writes.send(waiting, all, &mut |w| add(counts, w)).await?)
    }

    /// Renews the objections of those who were kept out: they are still written about (K9).
    async fn renew(&mut self) -> Result<(), StoreError> {
        let (suppressions, now) = (self.app.db.suppressions(self.scope), self.reader.origin.now);
        let renewals = std::mem::take(&mut self.reader.blocked).into_iter();
        let renewals = stream::iter(renewals.map(|subject| suppressions.renew(subject, now)));
        renewals.buffer_unordered(RENEWALS).try_collect().await
    }

    /// Writes all that waits, then saves how far that is. Everybody who looks sees it.
    async fn checkpoint(&mut self) -> Result<(), Failure> {
        self.send(true).await?;
        self.renew().await?;
        let counts = &mut self.reader.counts;
        self.writes.drain(&mut |w| add(counts, w)).await?;
        let done = self.reader.row.min(MAX_ROWS).max(self.reader.done);
        self.record.rows_done = done;
        self.record.bytes_read = self.record.bytes_read.max(self.bytes);
        self.record.counts = self.reader.counts;
        self.record.rejected_by_reason = self.reader.rejected.clone();
        self.app.save_import(self.scope, self.record).await?;
        self.since = Deadline::after(LONG);
        debug_assert_eq!(self.record.counts.rows_read(), done, "every row is accounted for");
        Ok(())
    }
}
