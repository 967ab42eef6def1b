//! Deletes what is due, on schedule; then draws the statistics of a month that is over.

use app::{
    App, Deadline, Failure,
    purge::{Forecast, PurgeReport, Report},
};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What an event asks for beside the time; a schedule asks for nothing more.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Only say what would go, when and why.
    #[serde(default)]
    dry_run: bool,
    /// Everything is put back: replay what happened since, then let sending go on.
    #[serde(default)]
    replay: bool,
    /// Only say what is known of how the product is used.
    #[serde(default)]
    statistics: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was deleted.
    Purged(PurgeReport),
    /// It would be.
    Foreseen(Forecast),
    /// Nothing was.
    Used(Report),
}

/// One run; `now` is the schedule's own time.
pub async fn handle(app: &App, now: Timestamp, ask: Ask, deadline: Deadline) -> Result<Outcome, Failure> {
    if ask.statistics {
        return Ok(Outcome::Used(app.statistics(now).await?));
    }
    if ask.dry_run {
        let forecast = app.foresee_purge(now, deadline).await?;
        let Forecast { scanned, complete, .. } = &forecast;
        tracing::info!(scanned, complete, "foreseen");
        return Ok(Outcome::Foreseen(forecast));
    }
    let report = app.purge(now, ask.replay, deadline).await?;
    let PurgeReport { scanned, complete, alerted, deleted, residuals, .. } = &report;
    tracing::info!(scanned, complete, alerted, ?deleted, ?residuals, "purged");
    Ok(Outcome::Purged(report))
}
