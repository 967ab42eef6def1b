//! `cargo demo`: the main job on a messy list of 10,000 rows, told step by step and checked.

mod checks;
mod letters;
mod outcome;
pub(crate) mod screen;
mod story;

use std::time::{Duration, Instant};

use anyhow::Context as _;

use self::outcome::Outcome;
use self::screen::{Screen, count};
use self::story::Story;
use crate::template::{Inputs, Template};
use crate::{BIN_DIR, Options, Stack, build_functions, workspace_root};

/// How the demo is run.
#[derive(Clone, Debug, clap::Args)]
pub struct Demo {
    /// Ends after the story, with status 0 if every check held, instead of going on serving.
    #[arg(long)]
    pub exit: bool,
    /// Rows of the list.
    #[arg(long, default_value_t = 10_000)]
    pub rows: usize,
    /// The gateway's port. By default 8787, or any free one if that is taken.
    #[arg(long)]
    pub port: Option<u16>,
}

/// A demo that came to its end, and serves on.
pub struct Played {
    /// The product it ran on.
    pub stack: Stack,
    /// Whether every check held.
    pub held: bool,
}

/// How long the stages took, in the order they came.
#[derive(Default)]
struct Times(Vec<(&'static str, Duration)>);

impl Times {
    fn note(&mut self, stage: &'static str, since: Instant) {
        self.0.push((stage, since.elapsed()));
    }
}

/// Builds the functions, starts the product with an empty state in memory, plays the story and prints
/// what happened.
///
/// # Errors
///
/// The functions do not build, or a step of the story is refused or gets stuck.
pub async fn run(demo: &Demo) -> anyhow::Result<Played> {
    let screen = Screen::new();
    let mut times = Times::default();

    let since = Instant::now();
    screen.say("Building the functions with cargo (minutes the first time, then seconds) …");
    let bin_dir = tokio::task::spawn_blocking(built).await??;
    times.note("build", since);

    let since = Instant::now();
    let options =
        Options { ephemeral: true, quiet_logs: true, port: demo.port, bin_dir: Some(bin_dir), ..Options::default() };
    let stack = Stack::start(options).await?;
    times.note("start", since);
    screen.say(&format!("Prospectra serves on {}; nothing of it outlives this command.", stack.url()));

    let outcome = Story { stack: &stack, screen: &screen, times: &mut times, rows: demo.rows }.play().await?;
    tell(&screen, &stack, &outcome, &times);
    Ok(Played { held: outcome.checks.all_held(), stack })
}

/// Every function of the template, built by cargo, which shows its own progress.
fn built() -> anyhow::Result<std::path::PathBuf> {
    match std::env::var_os(BIN_DIR) {
        Some(given) => Ok(given.into()),
        None => build_functions(&workspace_root(), &binaries()?),
    }
}

/// The functions that the template names.
pub(crate) fn binaries() -> anyhow::Result<Vec<String>> {
    let root = workspace_root();
    let path = root.join("infra/local/parameters.toml");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let filled = ["PublicUrl", "RelayNetworks", "RelayRootCertificates"].map(|name| (name.to_owned(), String::new()));
    let inputs = Inputs { parameters: toml::from_str(&text)?, filled: filled.into() };
    let template = Template::load(&root.join("template.yaml"), &inputs)?;
    Ok(template.functions.into_iter().map(|function| function.binary).collect())
}

fn tell(screen: &Screen, stack: &Stack, outcome: &Outcome, times: &Times) {
    let snapshot = stack.backends().meter().snapshot();
    screen.say("");
    screen.say(&outcome.table().to_string());
    screen.say(&outcome::costs(&snapshot).to_string());
    screen.say(&format!(
        "Prices of {} ({}). Lambda is billed for the time of this unoptimised build; `cargo floor` measures the real one.",
        snapshot.money.region, snapshot.money.as_of
    ));
    screen.say(&outcome::seconds(times).to_string());
    screen.say("Checked:");
    outcome.checks.lines().for_each(|line| screen.say(&line));

    let url = stack.url();
    screen.say("\nTo look at:");
    screen.say(&format!("  every message      {url}/_local/mailbox"));
    screen.say(&format!("  calls and money    {url}/_local/meter"));
    screen.say(&format!("  clock, schedules   {url}/_local"));
    if let Some(link) = &outcome.unsubscribe {
        screen.say(&format!("  an unsubscribe     {link}"));
    }
    for page in ["privacy", "prospects-privacy", "terms", "dpa", "cookies", "subprocessors", "notice"] {
        screen.say(&format!("  legal page         {url}/legal/{page}"));
    }
    screen.say(&format!(
        "  sign in            POST {url}/v1/session {{\"email\": \"{}\", \"password\": \"{}\"}}",
        outcome.email, outcome.password
    ));
    let total: Duration = times.0.iter().filter(|(stage, _)| *stage != "build").map(|(_, took)| *took).sum();
    screen.say(&format!(
        "{} messages in {:.1} s after the build. {}",
        count(outcome.accepted),
        total.as_secs_f64(),
        if outcome.checks.all_held() { "Every check held." } else { "Not every check held: see ✗ above." }
    ));
}
