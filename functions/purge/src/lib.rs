//! Deletes what is due, on schedule.

use app::{App, Deadline, Failure, purge::PurgeReport};
use domain::Timestamp;

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, deadline: Deadline) -> Result<PurgeReport, Failure> {
    let report = app.purge(now, deadline).await?;
    tracing::info!(scanned = report.scanned, complete = report.complete, deleted = ?report.deleted, "purged");
    Ok(report)
}
