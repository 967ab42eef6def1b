//! A run of the purge over everything there is.

use anyhow::{Context as _, ensure};

use super::figure::{Bar, Figure};
use super::spent::{calls, reads, spent};
use crate::Stack;
use crate::meter::Prices;

/// How many items the bar is for.
const ITEMS: f64 = 10e6;

pub(super) async fn measure(stack: &Stack) -> anyhow::Result<Vec<Figure>> {
    let meter = stack.backends().meter();
    // The first run deletes what is due; the second looks at everything and deletes nothing.
    ensure!(stack.fire("purge").await?.ok, "the purge failed");
    let before = meter.snapshot();
    let fired = stack.fire("purge").await?;
    ensure!(fired.ok && fired.result["complete"] == true, "the purge did not end: {}", fired.result);
    let usage = spent(&before, &meter.snapshot(), &["purge"]);
    let scanned =
        fired.result["scanned"].as_f64().filter(|scanned| *scanned > 0.0).context("the purge looked at nothing")?;
    let deleted = calls(&usage, "dynamodb:DeleteItem");
    let usd: f64 = Prices::bundled()?.money(&usage).services.values().sum();
    let scaled = format!("a run over {scanned} items that deletes {deleted}, scaled");
    Ok(vec![
        Figure::new("purge: a run over 10 million items", usd / scanned * ITEMS, "USD")
            .bar(Bar::AtMost(0.10))
            .note(scaled),
        Figure::new("purge: read units an item", reads(&usage) / scanned, ""),
    ])
}
