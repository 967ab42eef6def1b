//! Gives secrets a new version when they are old enough, and says which reviews are overdue, on schedule.

use app::{App, Deadline, Failure, rotate::RotateReport};
use domain::Timestamp;
use serde::Deserialize;

/// What an event asks for beside the time: nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {}

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, _: Ask, _: Deadline) -> Result<RotateReport, Failure> {
    app.rotate(now).await
}
