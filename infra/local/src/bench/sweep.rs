//! A run of the purge over everything there is.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use intake::sample::{Style, csv};
use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};

use super::figure::{Bar, Figure};
use super::spent::{calls, reads, spent, writes};
use crate::Stack;
use crate::customer::Customer;
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

/// Days until those who are due are: less than the time in which the others have to be informed.
const DAYS: i64 = 10;

/// A purge of many people of whom a tenth is due.
pub(super) async fn tenth(stack: &Stack, customer: &mut Customer, people: usize) -> anyhow::Result<Vec<Figure>> {
    let now = stack.clock().now();
    let paris = now.to_zoned(TimeZone::get("Europe/Paris")?);
    let long_ago = paris.checked_sub(36.months())?.checked_add(DAYS.days())?.timestamp();
    let old = import(stack, customer, (people / 10, 3), long_ago).await?;
    let new = import(stack, customer, (people - people / 10, 4), now).await?;
    let meter = stack.backends().meter();
    let (mut runs, mut gone, mut began, before) = (0, 0, Instant::now(), meter.snapshot());
    // The hourly run of that day is the one that is measured: nothing else of the purge goes on beside it.
    let fired = stack.set_clock(now + SignedDuration::from_hours(24 * (DAYS + 1))).await;
    let mut fired = fired.into_iter().find(|fired| fired.name == "purge").context("the purge did not come by")?;
    let mut seconds = 0.0;
    loop {
        seconds += began.elapsed().as_secs_f64();
        runs += 1;
        ensure!(fired.ok, "the purge failed: {}", fired.result);
        gone = fired.result["deleted"]["prospect"].as_u64().unwrap_or(gone);
        if fired.result["complete"] == true {
            ensure!(fired.result["residuals"].as_object().is_some_and(|left| left.is_empty()), "something due is left");
            break;
        }
        began = Instant::now();
        fired = stack.fire("purge").await?;
    }
    let usage = spent(&before, &meter.snapshot(), &["purge"]);
    ensure!(gone == old, "{gone} of the {old} who were due are gone");
    // Asked of another look, outside of what is measured.
    let foreseen = stack.fire_with("purge", &serde_json::json!({"dry_run": true})).await?.result;
    ensure!(foreseen["complete"] == true, "there was no time to look at everybody again");
    ensure!(foreseen["due"]["prospect"]["count"].as_u64().unwrap_or(0) == 0, "somebody who is due is left");
    let (held, deletions) = ((old + new) as f64, calls(&usage, "dynamodb:DeleteItem"));
    let prices = Prices::bundled()?;
    let usd: f64 = prices.money(&usage).services.values().sum();
    let mut looking = usage.clone();
    looking.calls.remove("dynamodb:DeleteItem");
    let looks: f64 = prices.money(&looking).services.values().sum();
    let of = format!("{held} people, {old} due, {runs} runs");
    Ok(vec![
        Figure::new("purge of a tenth: seconds", seconds, "s").note(of.clone()),
        Figure::new("purge of a tenth: AWS calls", calls(&usage, ""), "").note(of.clone()),
        Figure::new("purge of a tenth: write units a deletion", writes(&usage) / deletions.max(1.0), ""),
        Figure::new("purge of a tenth: read units an item", reads(&usage) / held, "").note("verification included"),
        Figure::new("purge of a tenth: everything", usd, "USD").note(of.clone()),
        Figure::new("purge of a tenth: without the deletions, 10 million items", looks / held * ITEMS, "USD")
            .bar(Bar::AtMost(0.10))
            .note(of),
    ])
}

/// How many people of a made-up file were entered.
async fn import(
    stack: &Stack,
    customer: &mut Customer,
    (rows, seed): (usize, u64),
    collected: Timestamp,
) -> anyhow::Result<u64> {
    if rows == 0 {
        return Ok(0);
    }
    customer.sign_in().await?;
    let announced = customer.announce("people.csv", collected).await?;
    customer.upload(&announced, csv(rows, seed, Style::PLAIN)).await?;
    let import = customer.imported(&announced.id, |_| {}).await?;
    let _ = stack.quiet(std::time::Duration::from_secs(30)).await;
    Ok(import.created)
}
