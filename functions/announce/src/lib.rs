//! Tells members of changes of the legal texts before they apply, on schedule.

use app::{App, Deadline, Failure, announce::AnnounceReport};
use domain::Timestamp;
use serde::Deserialize;

/// What an event asks for beside the time: nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {}

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, _: Ask, deadline: Deadline) -> Result<AnnounceReport, Failure> {
    // On the heap: in place it is nested deeper than the compiler looks.
    let report = Box::pin(app.announce(now, deadline)).await?;
    let AnnounceReport { complete, changes, told, unreached, .. } = &report;
    tracing::info!(complete, changes, told, unreached, "announced");
    Ok(report)
}
