//! `cargo faults`: the real functions under everything that can go wrong, and the product's word held against the mail
//! that was really accepted.
//!
//! Every fault is done from outside: processes are killed, calls are held, refused or lost, queues repeat themselves.
//! Nothing in the product knows of it.

mod deeds;
mod ledger;
mod report;
mod scenarios;
mod truth;
mod world;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use futures::{StreamExt as _, stream};
use serde_json::json;

pub use self::report::Report;
pub use self::scenarios::{Play, Say, Scenario};
pub use self::truth::{Counted, Invariant};
use crate::demo::screen::Screen;
use crate::{BIN_DIR, build_functions, workspace_root};

/// People of a chunk where something is done at every call: more than are claimed at once, less than twice as many.
const CHUNK: usize = 28;
/// From the seed of one world to that of the next. A world counts its own campaigns on from its seed.
const SEEDS: u64 = 1_000_003;

/// What is broken, how much, and how.
#[derive(Clone, Debug, clap::Args)]
pub struct Faults {
    /// The dice are rolled with it; printed, so that a run can be had again.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Messages in all, about. What is done at every call in turn takes its thousands, whatever this says.
    #[arg(long, default_value_t = 100_000)]
    pub messages: usize,
    /// Only these scenarios.
    #[arg(long, value_delimiter = ',')]
    pub scenario: Vec<String>,
    /// Worlds that are played side by side: most of a run is waiting. A scenario of many messages has several.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub jobs: u8,
    /// Prints JSON instead of tables.
    #[arg(long)]
    pub json: bool,
}

/// Plays the scenarios and prints what was found; gives how many invariants were broken.
///
/// # Errors
///
/// The functions do not build, or there is no such scenario.
pub async fn run(faults: &Faults) -> anyhow::Result<usize> {
    let screen = Screen::new();
    let say = |line: &str| {
        if !faults.json {
            screen.say(line);
        }
    };
    let scenarios = chosen(&faults.scenario)?;
    let seed = faults.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let bin_dir = tokio::task::spawn_blocking(built).await??;
    say(&format!("Seed {seed}."));
    let began = Instant::now();
    let played = stream::iter(lots(&scenarios, faults.messages, seed)).map(async |lot| {
        let name = lot.name();
        say(&format!("{name}: {} …", lot.scenario.what()));
        let progress: Say = match faults.json {
            true => Arc::new(|_| {}),
            false => {
                let name = name.clone();
                Arc::new(move |line| Screen::new().say(&format!("    {name}: {line}")))
            }
        };
        let play =
            Play { bin_dir: bin_dir.clone(), seed: lot.seed, messages: lot.messages, chunk: CHUNK, say: progress };
        let report = self::play(lot.scenario, play).await.unwrap_or_else(|error| Report::broken_off(&lot, &error));
        report.wrong().iter().for_each(|line| say(&format!("  BROKEN {name}: {line}")));
        say(&format!(
            "  {name}: {} accepted, {} faults, {:.0} s",
            report.counted.accepted,
            report.struck(),
            report.seconds
        ));
        report
    });
    // Whichever ends first makes room for the next.
    let played: Vec<Report> = played.buffer_unordered(faults.jobs.into()).collect().await;
    let reports = report::by_scenario(played);
    if faults.json {
        let total = report::Total::of(&reports);
        let seconds = began.elapsed().as_secs_f64();
        screen.say(&serde_json::to_string_pretty(
            &json!({ "seed": seed, "seconds": seconds, "total": total, "scenarios": reports }),
        )?);
    } else {
        screen.say(&report::counts(&reports).to_string());
        screen.say(&report::invariants(&reports).to_string());
        screen.say(&format!("Seed {seed}, {:.0} s.", began.elapsed().as_secs_f64()));
    }
    Ok(reports.iter().map(|report| report.wrong().len()).sum())
}

/// What of a scenario is played in one world.
struct Lot {
    scenario: Scenario,
    /// Its number among those of its scenario, from 1, and how many these are.
    place: (usize, usize),
    seed: u64,
    messages: usize,
}

impl Lot {
    fn name(&self) -> String {
        match self.place {
            (_, 1) => self.scenario.name().to_owned(),
            (number, of) => format!("{} {number}/{of}", self.scenario.name()),
        }
    }
}

/// The messages, shared among the scenarios and cut into worlds. Each has dice of its own, the first those of the run.
fn lots(scenarios: &[Scenario], messages: usize, seed: u64) -> Vec<Lot> {
    let shares: usize = scenarios.iter().map(|scenario| scenario.share()).sum();
    let of = |&scenario: &Scenario| {
        let messages = messages * scenario.share() / shares.max(1);
        let lots = messages.div_ceil(scenario.lot()).max(1);
        (0..lots).map(move |lot| Lot {
            scenario,
            place: (lot + 1, lots),
            seed: seed.wrapping_add(lot as u64 * SEEDS),
            messages: messages / lots,
        })
    };
    scenarios.iter().flat_map(of).collect()
}

/// Plays one scenario, in one world.
///
/// # Errors
///
/// Something does not come to an end.
pub async fn play(scenario: Scenario, play: Play) -> anyhow::Result<Report> {
    let (seed, began) = (play.seed, Instant::now());
    let mut world = scenarios::play(scenario, &play).await.context(scenario.name())?;
    world.stay_signed_in().await?;
    let truth = truth::look(&world).await?;
    let claims = world.director.ledger.claims();
    let world::World { stack, places, unfinished, redriven, .. } = world;
    stack.stop().await;
    Ok(Report {
        scenario: scenario.name(),
        worlds: 1,
        seed,
        seconds: began.elapsed().as_secs_f64(),
        counted: truth.counted,
        faults: places,
        redriven,
        claims,
        unfinished,
        broken_off: Vec::new(),
        invariants: truth.invariants,
    })
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Scenario>> {
    if names.is_empty() {
        return Ok(Scenario::ALL.to_vec());
    }
    let find = |name: &String| {
        let found = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
        found.with_context(|| {
            let names: Vec<&str> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
            format!("there is no scenario {name}; there are {}", names.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// The functions, built by cargo, which shows its own progress.
fn built() -> anyhow::Result<PathBuf> {
    match std::env::var_os(BIN_DIR) {
        Some(given) => Ok(given.into()),
        None => build_functions(&workspace_root(), &crate::demo::binaries()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_messages_are_played_in_worlds_with_dice_of_their_own() {
        let lots = lots(&Scenario::ALL, 1_000_000, 7);
        for scenario in Scenario::ALL {
            let of: Vec<&Lot> = lots.iter().filter(|lot| lot.scenario == scenario).collect();
            let messages: usize = of.iter().map(|lot| lot.messages).sum();
            assert!(messages.abs_diff(scenario.share() * 10_000) < of.len(), "{}: {messages}", scenario.name());
            assert_eq!(of.first().map(|lot| lot.seed), Some(7), "{}", scenario.name());
            let seeds: std::collections::BTreeSet<u64> = of.iter().map(|lot| lot.seed).collect();
            assert_eq!(seeds.len(), of.len(), "{}", scenario.name());
            assert!(of.iter().all(|lot| lot.messages <= scenario.lot()));
        }
        let random: Vec<String> = lots.iter().filter(|lot| lot.scenario == Scenario::Random).map(Lot::name).collect();
        assert_eq!((random.len(), random.last().map(String::as_str)), (8, Some("random 8/8")));
    }

    #[test]
    fn what_fits_into_one_world_is_played_in_one() {
        let lots = lots(&[Scenario::Random, Scenario::KillSend], 45_000, 7);
        let names: Vec<String> = lots.iter().map(Lot::name).collect();
        assert_eq!(names, ["random", "kill-send"]);
        assert_eq!((lots[0].messages, lots[1].messages), (45_000, 0));
    }
}
