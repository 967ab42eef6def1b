//! Tells members of changes of the legal texts before they apply, on schedule; and of the product's news, when the
//! operator orders it.

use app::{
    App, Deadline, Failure,
    announce::AnnounceReport,
    news::{NewsReport, Order},
};
use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// What an event asks for beside the time; a schedule asks for nothing more.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Send this news to whoever does not object.
    #[serde(default)]
    news: Option<Order>,
}

/// What came of it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// Changes were announced, and news that was under way went on.
    Announced(AnnounceReport),
    /// News was ordered.
    Ordered(NewsReport),
}

/// One run; `now` is the event's own time.
pub async fn handle(app: &App, now: Timestamp, ask: Ask, deadline: Deadline) -> Result<Outcome, Failure> {
    // On the heap: in place they are nested deeper than the compiler looks.
    if let Some(order) = ask.news {
        let report = Box::pin(app.send_news(order, now, deadline)).await?;
        let NewsReport { news, told, unreached, ended, .. } = &report;
        tracing::info!(news, told, unreached, ended, "news sent");
        return Ok(Outcome::Ordered(report));
    }
    let report = Box::pin(app.announce(now, deadline)).await?;
    let AnnounceReport { complete, changes, told, unreached, news, .. } = &report;
    tracing::info!(complete, changes, told, unreached, news = news.len(), "announced");
    Ok(Outcome::Announced(report))
}
