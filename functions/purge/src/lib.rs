//! Deletes what is due, on schedule.

use app::{App, Deadline, Failure, purge::PurgeReport};
use domain::Timestamp;

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, deadline: Deadline) -> Result<PurgeReport, Failure> {
    let report = app.purge(now, deadline).await?;
    let PurgeReport { scanned, complete, alerted, deleted, .. } = &report;
    tracing::info!(scanned, complete, alerted, ?deleted, "purged");
    Ok(report)
}
