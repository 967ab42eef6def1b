//! Running tests by name, and reading how they ended from what libtest prints.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// What a run of some tests brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// Whether each test that ran passed. One name in two places passed when both did.
    pub(super) tests: BTreeMap<String, bool>,
}

impl Ended {
    fn add(&mut self, more: Self) {
        for (name, passed) in more.tests {
            *self.tests.entry(name).or_insert(true) &= passed;
        }
    }
}

/// Where and with what a run takes place.
pub(super) struct Place<'a> {
    /// The workspace.
    pub(super) root: &'a Path,
    /// A target folder of its own.
    pub(super) target: Option<&'a Path>,
}

/// The package whose tests run against the whole product.
const WHOLE: &str = "tests";

/// Runs the tests of these names in these packages.
pub(super) fn run(place: &Place<'_>, packages: &BTreeSet<&str>, names: &BTreeSet<&str>) -> anyhow::Result<Ended> {
    let mut ended = Ended::default();
    let mut parts = packages.iter().filter(|package| **package != WHOLE).flat_map(|package| ["-p", package]).peekable();
    if parts.peek().is_some() {
        ended.add(cargo_test(place, parts, names)?);
    }
    if packages.contains(WHOLE) {
        // Not `-p`: chosen alone, it would have everything it rests on built again with other features.
        ended.add(cargo_test(place, ["--test", "all"], names)?);
    }
    Ok(ended)
}

fn cargo_test<'a>(
    place: &Place<'_>,
    which: impl IntoIterator<Item = &'a str>,
    names: &BTreeSet<&str>,
) -> anyhow::Result<Ended> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(place.root).args(["test", "--no-fail-fast", "--color", "never"]).stderr(Stdio::inherit());
    crate::build_functions::forget_cargo(&mut cargo);
    if let Some(target) = place.target {
        cargo.env("CARGO_TARGET_DIR", target);
    }
    let output = cargo.args(which).arg("--").args(names).output().context("cargo does not start")?;
    Ok(read(&String::from_utf8_lossy(&output.stdout), names))
}

/// `test some::path::name ... ok`, for the names asked for.
fn read(printed: &str, names: &BTreeSet<&str>) -> Ended {
    let mut ended = Ended::default();
    for line in printed.lines() {
        let Some((path, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
            continue;
        };
        let name = path.split(" - ").next().and_then(|path| path.rsplit("::").next()).unwrap_or_default();
        let passed = match outcome {
            "ok" => true,
            "FAILED" => false,
            _ => continue,
        };
        if names.contains(name) {
            *ended.tests.entry(name.to_owned()).or_insert(true) &= passed;
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_read_by_name() {
        let printed = "running 4 tests\ntest a::b::a1_one ... ok\ntest a1_two ... FAILED\ntest c::a1_one ... FAILED\n\
                       test x::other ... ok\ntest a1_three has been running for over 60 seconds\n\
                       test a1_four - should panic ... ok\ntest a1_five ... ignored\n";
        let names = BTreeSet::from(["a1_one", "a1_two", "a1_three", "a1_four", "a1_five"]);
        let expected = [("a1_one", false), ("a1_two", false), ("a1_four", true)];
        assert_eq!(read(printed, &names).tests, expected.map(|(name, passed)| (name.to_owned(), passed)).into());
    }
}
