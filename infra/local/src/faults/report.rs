//! What a run of the faults found, as a table and as JSON.

use std::collections::BTreeMap;

use comfy_table::Table;
use serde::Serialize;

use super::Lot;
use super::scenarios::Scenario;
use super::truth::{Counted, Invariant};
use crate::demo::screen::{count, table};

/// What one scenario did and found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Its name.
    pub scenario: &'static str,
    /// Worlds that it was played in.
    pub worlds: usize,
    /// What it rolled its dice with, in the first of them.
    pub seed: u64,
    /// Seconds that it took, in all of them.
    pub seconds: f64,
    /// What was counted.
    #[serde(flatten)]
    pub counted: Counted,
    /// Faults, by what was done and where.
    pub faults: BTreeMap<String, u64>,
    /// Messages that died in a queue and were put back.
    pub redriven: usize,
    /// Claims that the database made.
    pub claims: usize,
    /// What was to be done at every call, and was not done at all of them.
    pub unfinished: Vec<String>,
    /// Worlds in which something did not come to its end, and what that was. Nothing is counted of them.
    pub broken_off: Vec<String>,
    /// What must hold.
    pub invariants: Vec<Invariant>,
}

impl Report {
    /// Of a world in which something did not come to its end.
    pub(super) fn broken_off(lot: &Lot, error: &anyhow::Error) -> Report {
        Report {
            scenario: lot.scenario.name(),
            worlds: 1,
            seed: lot.seed,
            seconds: 0.0,
            counted: Counted::default(),
            faults: BTreeMap::new(),
            redriven: 0,
            claims: 0,
            unfinished: Vec::new(),
            broken_off: vec![format!("{} broke off: {error:#}", lot.name())],
            invariants: Vec::new(),
        }
    }

    /// Everything that went wrong, a line each.
    pub fn wrong(&self) -> Vec<String> {
        let broken = self.invariants.iter().filter(|invariant| invariant.broken > 0).map(|invariant| {
            let Invariant { what, broken, examples, .. } = invariant;
            format!("{}: {what}: not so {broken} times, such as {}", self.scenario, examples.join("; "))
        });
        let unfinished =
            self.unfinished.iter().map(|name| format!("{}: {name} did not get to the last call", self.scenario));
        let idle = self.invariants.iter().filter(|invariant| invariant.is_idle());
        let idle = idle.map(|invariant| format!("{}: {}: was never looked at", self.scenario, invariant.what));
        broken.chain(unfinished).chain(idle).chain(self.broken_off.iter().cloned()).collect()
    }

    /// Faults in all.
    pub fn struck(&self) -> u64 {
        self.faults.values().sum()
    }

    /// Adds what the same scenario did and found in another world.
    fn join(&mut self, other: Report) {
        self.worlds += other.worlds;
        self.seed = self.seed.min(other.seed);
        self.seconds += other.seconds;
        self.counted.add(&other.counted);
        for (place, times) in other.faults {
            *self.faults.entry(place).or_default() += times;
        }
        self.redriven += other.redriven;
        self.claims += other.claims;
        self.unfinished.extend(other.unfinished);
        self.broken_off.extend(other.broken_off);
        join(&mut self.invariants, &other.invariants);
    }
}

/// One report of each scenario, in the order of scenarios, from those of its worlds.
pub(super) fn by_scenario(worlds: Vec<Report>) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for world in worlds {
        match reports.iter_mut().find(|known| known.scenario == world.scenario) {
            Some(known) => known.join(world),
            None => reports.push(world),
        }
    }
    reports.sort_by_key(|report| Scenario::ALL.iter().position(|scenario| scenario.name() == report.scenario));
    reports
}

/// Adds other looks to those at the same.
fn join(known: &mut Vec<Invariant>, others: &[Invariant]) {
    for other in others {
        match known.iter_mut().find(|known| known.what == other.what) {
            Some(known) => known.join(other),
            None => known.push(other.clone()),
        }
    }
}

/// All scenarios together.
#[derive(Debug, Serialize)]
pub(super) struct Total {
    #[serde(flatten)]
    counted: Counted,
    duplicates_per_100000: f64,
    lost_per_100000: f64,
    unknown_per_100000: f64,
    invariants: Vec<Invariant>,
}

impl Total {
    pub(super) fn of(reports: &[Report]) -> Total {
        let mut counted = Counted::default();
        let mut invariants: Vec<Invariant> = Vec::new();
        for report in reports {
            counted.add(&report.counted);
            join(&mut invariants, &report.invariants);
        }
        let of = |what: u64| per_100000(what, counted.accepted);
        Total {
            duplicates_per_100000: of(counted.duplicates),
            lost_per_100000: of(counted.lost),
            unknown_per_100000: of(counted.unknown),
            counted,
            invariants,
        }
    }
}

fn per_100000(what: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { what as f64 / of as f64 * 1e5 }
}

/// The counts of each scenario, and their sums.
pub(super) fn counts(reports: &[Report]) -> Table {
    let each = |what: u64, of: u64| format!("{} ({:.0})", count(what), per_100000(what, of));
    let row = |name: &str, counted: &Counted, faults: u64, redriven: usize, seconds: f64| {
        vec![
            name.to_owned(),
            count(counted.accepted),
            count(faults),
            count(counted.objections),
            count(redriven as u64),
            each(counted.duplicates, counted.accepted),
            each(counted.lost, counted.accepted),
            each(counted.unknown, counted.accepted),
            count(counted.failed),
            format!("{seconds:.0} s"),
        ]
    };
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| row(report.scenario, &report.counted, report.struck(), report.redriven, report.seconds))
        .collect();
    let total = Total::of(reports).counted;
    let sum = |of: fn(&Report) -> u64| reports.iter().map(of).sum::<u64>();
    let seconds = reports.iter().map(|report| report.seconds).sum();
    let redriven = reports.iter().map(|report| report.redriven).sum();
    let last = row("all", &total, sum(Report::struck), redriven, seconds);
    let header = [
        "scenario",
        "accepted",
        "faults",
        "opt-outs",
        "redriven",
        "duplicates (per 10⁵)",
        "lost (per 10⁵)",
        "unknown (per 10⁵)",
        "failed",
        "took",
    ];
    table(&header, 1, rows.into_iter().chain([last]))
}

/// What must hold, and whether it did.
pub(super) fn invariants(reports: &[Report]) -> Table {
    let rows = Total::of(reports)
        .invariants
        .into_iter()
        .map(|invariant| vec![invariant.what.to_owned(), count(invariant.looked_at), count(invariant.broken)]);
    table(&["what must hold", "looked at", "broken"], 1, rows)
}
