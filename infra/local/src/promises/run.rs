//! Runs the tests of promises and writes down how each ended.

use std::collections::BTreeSet;

use anyhow::ensure;
use content::promises::{Promise, TestResult};

use super::results;
use super::sources::Sources;
use super::suite::{self, Place};

/// Runs them all in one go.
#[expect(clippy::print_stdout, reason = "a command line speaks to its terminal")]
pub(super) fn run(chosen: &[&Promise]) -> anyhow::Result<()> {
    let root = crate::workspace_root();
    let sources = Sources::read(&root)?;
    let names: BTreeSet<&str> = chosen.iter().flat_map(|promise| &promise.tests).map(String::as_str).collect();
    let packages: BTreeSet<&str> = names.iter().flat_map(|name| sources.packages_of(name)).collect();
    ensure!(!names.is_empty(), "there is no test for these");
    let commit = results::commit()?;
    let ended = suite::run(&Place { root: &root, target: None }, &packages, &names)?;
    ensure!(!ended.tests.is_empty(), "no test ran: see above");
    let mut known = results::load()?;
    let at = results::now();
    for (name, passed) in &ended.tests {
        known.tests.insert(name.clone(), TestResult { passed: *passed, at, commit: commit.clone() });
    }
    results::save(&mut known)?;
    let failed: Vec<&str> = ended.tests.iter().filter(|(_, passed)| !**passed).map(|(name, _)| name.as_str()).collect();
    let silent: Vec<&&str> = names.iter().filter(|name| !ended.tests.contains_key(**name)).collect();
    println!("{} tests ran, {} failed, {} did not run.", ended.tests.len(), failed.len(), silent.len());
    ensure!(failed.is_empty() && silent.is_empty(), "failed: {failed:?}; did not run: {silent:?}");
    Ok(())
}
