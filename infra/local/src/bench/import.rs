//! Imports through the whole product: units, calls, heat.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use intake::sample::{Style, csv};
use serde_json::{Value, json};

use super::figure::{Bar, Figure};
use super::spent::{calls, spent, writes};
use crate::Stack;
use crate::customer::{Customer, Import};
use crate::meter::FunctionUsage;

/// The function that is measured.
const IMPORT: &str = "import";
/// Shards of a workspace's prospects, at least.
const SHARDS: f64 = 16.0;

/// One import and what it used.
struct Ran {
    import: Import,
    usage: FunctionUsage,
    seconds: f64,
}

async fn import(stack: &Stack, customer: &Customer, file: Vec<u8>) -> anyhow::Result<Ran> {
    let meter = stack.backends().meter();
    let announced = customer.announce("people.csv", stack.clock().now()).await?;
    let (before, began) = (meter.snapshot(), Instant::now());
    customer.upload(&announced, file).await?;
    let import = customer.imported(&announced.id, |_| {}).await?;
    ensure!(import.sum() == import.rows_read, "the rows of an import do not add up: {import:?}");
    Ok(Ran { import, usage: spent(&before, &meter.snapshot(), &[IMPORT]), seconds: began.elapsed().as_secs_f64() })
}

/// People to write to; how many.
pub(super) async fn people(stack: &Stack, customer: &Customer, rows: usize) -> anyhow::Result<usize> {
    let ran = import(stack, customer, csv(rows, 2, Style::PLAIN)).await?;
    Ok(usize::try_from(ran.import.created)?)
}

/// A large file into an empty workspace.
pub(super) async fn measure(stack: &Stack, customer: &Customer, rows: usize) -> anyhow::Result<Vec<Figure>> {
    let ran = import(stack, customer, csv(rows, 1, Style::PLAIN)).await?;
    let created = ran.import.created as f64;
    ensure!(created > 0.0, "nothing was imported");
    let thousands = created / 1_000.0;
    let of = format!("{rows} rows, {} people", ran.import.created);
    Ok(vec![
        Figure::new("import: write units a row", writes(&ran.usage) / created, "")
            .bar(Bar::AtMost(1.005))
            .note(of.clone()),
        Figure::new("import: AWS calls per 1,000 rows", calls(&ran.usage, "") / thousands, "")
            .bar(Bar::AtMost(42.0))
            .note(of),
        Figure::new("import: rows a second, whole path", created / ran.seconds, "rows/s")
            .note("with the emulated store on the same cores"),
    ])
}

/// The same file twice: the second time changes nothing. And how the people are spread.
pub(super) async fn again(stack: &Stack, customer: &Customer, rows: usize) -> anyhow::Result<Vec<Figure>> {
    let file = csv(rows, 2, Style::PLAIN);
    let first = import(stack, customer, file.clone()).await?;
    let second = import(stack, customer, file).await?;
    let changed = second.import.created + second.import.updated;
    let all_there = first.import.created == second.import.unchanged;
    ensure!(all_there, "a re-import does not find everybody: {:?}", second.import);
    let rows = second.import.rows_read as f64;
    let shards = shards(stack)?;
    let (most, sum) = (shards.values().max().copied().unwrap_or(0) as f64, shards.values().sum::<u64>() as f64);
    Ok(vec![
        Figure::new("re-import: people changed", changed as f64, "").bar(Bar::AtMost(0.0)).note(format!("{rows} rows")),
        Figure::new("re-import: write units per 1,000 rows", writes(&second.usage) / rows * 1_000.0, ""),
        Figure::new("partitions of one workspace", shards.len() as f64, "").bar(Bar::AtLeast(SHARDS)),
        Figure::new("partition heat: max/mean", most * shards.len() as f64 / sum, "").bar(Bar::AtMost(1.1)),
    ])
}

/// How many people each partition of the prospects table holds.
fn shards(stack: &Stack) -> anyhow::Result<BTreeMap<String, u64>> {
    let tables = &stack.template().tables;
    let name = tables.iter().map(|table| &table.name).find(|name| name.to_lowercase().contains("prospects"));
    let name = name.context("the template has no table of prospects")?;
    let mut shards: BTreeMap<String, u64> = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let request = json!({"TableName": name, "ProjectionExpression": "pk", "ExclusiveStartKey": after});
        let page = stack.backends().dynamodb().scan(serde_json::from_value(request)?)?;
        let page = serde_json::to_value(&page)?;
        for item in page["Items"].as_array().into_iter().flatten() {
            *shards.entry(item["pk"]["S"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        after = page["LastEvaluatedKey"].clone();
        if after.is_null() {
            return Ok(shards);
        }
    }
}
