//! `cargo floor`: what the product costs and how fast it is, measured, each figure beside its bar.
//!
//! Everything is counted on the release binaries that go to AWS, on this machine, in one run. Nothing
//! here is typed in by hand but the bars.

mod boto;
mod figure;
mod import;
mod relay;
mod sending;
mod sequence;
mod size;
mod spent;
mod start;
mod sweep;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use serde_json::json;

use self::figure::{Bar, Figure, listed};
use crate::customer::Customer;
use crate::demo::{binaries, screen::Screen};
use crate::{BIN_DIR, Options, Stack, build_functions, workspace_root};

/// What the floor also names.
const NOT_HERE: &str = "Not measured here: the TLS handshake with AWS (no network), rights requests, duplicates under faults (the tests count them).";

/// What is measured, and on how much.
#[derive(Clone, Debug, clap::Args)]
pub struct Bench {
    /// Rows of the large import, and of the file that is read without a store.
    #[arg(long, default_value_t = 1_000_000)]
    pub rows: usize,
    /// Recipients of each campaign.
    #[arg(long, default_value_t = 100_000)]
    pub messages: usize,
    /// Prints JSON instead of a table.
    #[arg(long)]
    pub json: bool,
    /// People held when the purge is measured; a tenth of them is due.
    #[arg(long, default_value_t = 1_000_000)]
    pub prospects: usize,
    /// A mail server to hand messages to as well: `smtps://user:password@host:port`, or `smtp://…` for STARTTLS.
    #[arg(long)]
    pub relay: Option<String>,
    /// A file with the certificate (PEM) of the authority that signed that server's.
    #[arg(long, requires = "relay")]
    pub relay_roots: Option<PathBuf>,
    /// Measures an unoptimised build: its calls and capacity units are right, its times and sizes are not.
    #[arg(long)]
    pub unoptimised: bool,
    /// Only these parts: start, size, csv, import, sending, sequence, relay, purge.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
}

impl Bench {
    fn wants(&self, part: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == part)
    }

    fn server(&self) -> anyhow::Result<Option<relay::Server>> {
        let Some(url) = &self.relay else { return Ok(None) };
        let roots = match &self.relay_roots {
            Some(file) => std::fs::read_to_string(file).with_context(|| file.display().to_string())?,
            None => String::new(),
        };
        relay::Server::new(url, roots).map(Some)
    }
}

/// Measures and prints; gives how many bars were missed.
///
/// # Errors
///
/// This is no release build, the functions do not build, or something that is measured does not work.
pub async fn run(bench: &Bench) -> anyhow::Result<usize> {
    if cfg!(debug_assertions) && !bench.unoptimised {
        bail!(
            "the times of an unoptimised build mean nothing: use `cargo floor`, or --unoptimised for calls and units"
        );
    }
    let screen = Screen::new();
    let say = |line: &str| {
        if !bench.json {
            screen.say(line);
        }
    };
    say("Building the functions for release: this takes a while …");
    let binaries = binaries()?;
    let names = binaries.clone();
    let bin_dir = match std::env::var_os(BIN_DIR) {
        Some(given) => given.into(),
        None => tokio::task::spawn_blocking(move || build_functions(&workspace_root(), &names)).await??,
    };
    let began = Instant::now();
    let mut figures: Vec<Figure> = Vec::new();
    if bench.wants("size") {
        say("Packing every function …");
        figures.extend(size::measure(&bin_dir, &binaries)?);
    }
    if bench.wants("csv") {
        say("Reading a file without a store …");
        figures.push(read_alone(bench.rows));
    }
    if bench.wants("start") {
        say("Starting every function twenty times …");
        let stack = start_stack(&bin_dir).await?;
        figures.extend(start::measure(&stack, &binaries).await);
        stack.stop().await;
    }
    let mut peaks = Peaks::default();
    if bench.wants("import") {
        say("Importing …");
        let (stack, customer) = account(&bin_dir).await?;
        figures.extend(import::measure(&stack, &customer, bench.rows).await?);
        peaks.look(&stack, &binaries);
        stack.stop().await;
    }
    if bench.wants("sending") {
        say("Sending …");
        let (stack, customer) = account(&bin_dir).await?;
        figures.extend(import::again(&stack, &customer, bench.messages).await?);
        figures.extend(sending::measure(&stack, &customer, bench.messages).await?);
        figures.extend(sweep::measure(&stack).await?);
        peaks.look(&stack, &binaries);
        stack.stop().await;
    }
    if bench.wants("sequence") {
        say("Following up …");
        let (stack, mut customer) = account(&bin_dir).await?;
        let people = import::people(&stack, &customer, bench.messages).await?;
        figures.extend(sequence::measure(&stack, &mut customer, people).await?);
        peaks.look(&stack, &binaries);
        stack.stop().await;
    }
    if bench.wants("relay") {
        say("Handing over to a relay …");
        figures.extend(relay::measure(bench.messages, bench.server()?.as_ref()).await?);
    }
    if bench.wants("purge") {
        say("Purging …");
        let (stack, mut customer) = account(&bin_dir).await?;
        figures.extend(sweep::tenth(&stack, &mut customer, bench.prospects).await?);
        peaks.look(&stack, &binaries);
        stack.stop().await;
    }
    figures.extend(peaks.figures());
    if bench.json {
        screen.say(&serde_json::to_string_pretty(&json!({
            "seconds": began.elapsed().as_secs_f64(), "rows": bench.rows, "messages": bench.messages, "figures": figures,
        }))?);
    } else {
        screen.say(&listed(&figures).to_string());
        screen.say(NOT_HERE);
        screen.say(&format!("Measured in {:.0} s after the build.", began.elapsed().as_secs_f64()));
    }
    Ok(figures.iter().filter(|figure| figure.met == Some(false)).count())
}

/// Detection, decoding, mapping, validation, dedupe and the report, on one core, without a store.
fn read_alone(rows: usize) -> Figure {
    let best = (0..3).map(|_| intake::measure(rows)).max_by(|a, b| a.rows_per_second.total_cmp(&b.rows_per_second));
    let measured = best.map_or(0.0, |best| best.rows_per_second);
    let bytes = best.map_or(0, |best| best.bytes);
    Figure::new("CSV: rows read a second, one core", measured, "rows/s")
        .bar(Bar::AtLeast(1_200_000.0))
        .note(format!("best of 3, {rows} rows, {:.0} MB", bytes as f64 / 1e6))
}

async fn start_stack(bin_dir: &Path) -> anyhow::Result<Stack> {
    let options = Options {
        ephemeral: true,
        quiet_logs: true,
        port: Some(0),
        bin_dir: Some(bin_dir.to_owned()),
        ..Options::default()
    };
    Stack::start(options).await
}

/// A stack with an account that sends through SES.
async fn account(bin_dir: &Path) -> anyhow::Result<(Stack, Customer)> {
    let stack = start_stack(bin_dir).await?;
    let customer = Customer::sign_up(&stack, "camille@atelier.test").await?;
    customer.identify(&json!({ "kind": "ses" })).await?;
    Ok((stack, customer))
}

/// The most memory that any process of a function had.
#[derive(Default)]
struct Peaks(std::collections::BTreeMap<String, u64>);

impl Peaks {
    fn look(&mut self, stack: &Stack, binaries: &[String]) {
        for binary in binaries {
            let peak = stack.pids(binary).into_iter().filter_map(|pid| peak_kb(pid).ok()).max();
            if let Some(peak) = peak {
                let known = self.0.entry(binary.clone()).or_default();
                *known = peak.max(*known);
            }
        }
    }

    fn figures(&self) -> impl Iterator<Item = Figure> {
        self.0.iter().map(|(binary, kb)| {
            Figure::new(format!("peak memory: {binary}"), *kb as f64 / 1024.0, "MB").bar(Bar::AtMost(32.0))
        })
    }
}

/// `VmHWM`, in KiB.
fn peak_kb(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
