//! Puts chunks whose next step is due on the send queue, on schedule.

use app::{App, Deadline, Failure, follow_up::FollowUpReport};
use domain::Timestamp;
use serde::Deserialize;

/// What an event asks for beside the time: nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {}

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, _: Ask, deadline: Deadline) -> Result<FollowUpReport, Failure> {
    // On the heap: in place it is nested deeper than the compiler looks.
    let report = Box::pin(app.follow_up(now, deadline)).await?;
    let FollowUpReport { complete, chunks } = report;
    tracing::info!(complete, chunks, "followed up");
    Ok(report)
}
