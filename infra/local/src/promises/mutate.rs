//! Breaks promises on purpose, one at a time, in a copy of the tree, to see whether a test notices.
//!
//! A mutation is a small change of what the product is made of: its code, its template, its policy, a text.
//! It is recorded in infra/policy/mutations.toml. A test that still passes then proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use content::promises::{MutationResult, Promise};
use serde::Deserialize;

use super::results;
use super::suite::{self, Place};

const PATH: &str = "infra/policy/mutations.toml";
/// Below the target folder, so that nobody takes the copy for a source.
const SCRATCH: &str = "target/mutants";

/// One way to break a promise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    /// Which promise.
    promise: String,
    /// Where.
    file: String,
    /// What stands there, once.
    find: String,
    /// What breaks it.
    replace: String,
    /// The package of the test.
    package: String,
    /// The test that has to notice.
    test: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    mutation: Vec<Mutation>,
}

impl Mutation {
    /// The file as it is when broken.
    fn applied(&self, text: &str) -> anyhow::Result<String> {
        let found = text.matches(&self.find).count();
        ensure!(
            found == 1,
            "{}: {:?} is {found} times in {}, and has to be there once",
            self.promise,
            self.find,
            self.file
        );
        Ok(text.replacen(&self.find, &self.replace, 1))
    }
}

fn load(root: &Path) -> anyhow::Result<Vec<Mutation>> {
    let file: File = toml::from_str(&std::fs::read_to_string(root.join(PATH))?).context(PATH)?;
    Ok(file.mutation)
}

/// Breaks the chosen ones, each alone.
#[expect(clippy::print_stdout, reason = "a command line speaks to its terminal")]
pub(super) fn run(chosen: &[&Promise]) -> anyhow::Result<()> {
    let root = crate::workspace_root();
    let mut mutations = load(&root)?;
    mutations.retain(|mutation| chosen.iter().any(|promise| promise.id == mutation.promise));
    ensure!(!mutations.is_empty(), "no mutation is recorded for these");
    let (tree, target) = (root.join(SCRATCH).join("tree"), root.join(SCRATCH).join("target"));
    copy(&root, &tree)?;
    let place = Place { root: &tree, target: Some(&target) };
    let commit = results::commit()?;
    let healthy = unbroken(&place, &mutations)?;
    let mut unnoticed = Vec::new();
    for mutation in &mutations {
        let id = &mutation.promise;
        if healthy.get(&mutation.test) != Some(&true) {
            println!("{id}: {} does not pass even when nothing is broken", mutation.test);
            unnoticed.push(id.as_str());
            continue;
        }
        let Some(passed) = broken(&place, mutation)? else {
            println!("{id}: the broken tree does not run {}", mutation.test);
            unnoticed.push(id.as_str());
            continue;
        };
        println!("{id}: {} {}", mutation.test, if passed { "DID NOT NOTICE" } else { "noticed" });
        if passed {
            unnoticed.push(id.as_str());
        }
        // Written at once: a long run that is stopped has not been for nothing.
        let mut known = results::load()?;
        let (test, at, commit) = (mutation.test.clone(), results::now(), commit.clone());
        known.mutations.insert(id.clone(), MutationResult { caught: !passed, test, at, commit });
        results::save(&mut known)?;
    }
    ensure!(unnoticed.is_empty(), "not noticed, or not tried: {}", unnoticed.join(", "));
    Ok(())
}

/// How the tests end while nothing is broken.
fn unbroken(place: &Place<'_>, mutations: &[Mutation]) -> anyhow::Result<BTreeMap<String, bool>> {
    let names = mutations.iter().map(|mutation| mutation.test.as_str()).collect();
    let packages = mutations.iter().map(|mutation| mutation.package.as_str()).collect();
    Ok(suite::run(place, &packages, &names)?.tests)
}

/// Whether the test passes on the broken tree; `None` when it did not run. The tree is whole again afterwards.
fn broken(place: &Place<'_>, mutation: &Mutation) -> anyhow::Result<Option<bool>> {
    let path = place.root.join(&mutation.file);
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, mutation.applied(&text)?)?;
    let (packages, names) = (BTreeSet::from([mutation.package.as_str()]), BTreeSet::from([mutation.test.as_str()]));
    let ended = suite::run(place, &packages, &names);
    std::fs::write(&path, text)?;
    Ok(ended?.tests.get(&mutation.test).copied())
}

/// Makes the copy like the tree: only files that differ are written, so that little is built again.
fn copy(root: &Path, tree: &Path) -> anyhow::Result<()> {
    let output =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard", "-z"]).current_dir(root).output()?;
    let listed = String::from_utf8(output.stdout)?;
    let files: BTreeSet<PathBuf> = listed.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from).collect();
    for file in files.iter().filter(|file| root.join(file).is_file()) {
        let (from, to) = (std::fs::read(root.join(file))?, tree.join(file));
        if std::fs::read(&to).ok().as_ref() != Some(&from) {
            std::fs::create_dir_all(to.parent().context("a file without a folder")?)?;
            std::fs::write(&to, from)?;
        }
    }
    remove_others(tree, tree, &files)
}

/// What the tree has no more, the copy must not have either.
fn remove_others(folder: &Path, tree: &Path, files: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            remove_others(&path, tree, files)?;
        } else if path.strip_prefix(tree).is_ok_and(|file| !files.contains(file)) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use content::promises::{Status, all};

    use super::*;

    #[test]
    fn every_kept_promise_has_a_mutation_that_still_applies() {
        let root = crate::workspace_root();
        let mutations = load(&root).unwrap();
        for promise in all() {
            let recorded: Vec<_> = mutations.iter().filter(|mutation| mutation.promise == promise.id).collect();
            let expected = usize::from(promise.status == Status::Kept);
            assert!(recorded.len() <= 1 && recorded.len() >= expected, "{}: {} mutations", promise.id, recorded.len());
            for mutation in recorded {
                let text = std::fs::read_to_string(root.join(&mutation.file)).unwrap();
                let broken = mutation.applied(&text).unwrap();
                assert_ne!(broken, text, "{}", promise.id);
                assert!(promise.tests.contains(&mutation.test), "{}: {} is not its test", promise.id, mutation.test);
                let test_code =
                    mutation.file.contains("tests") || text.find(&mutation.find) > text.find("#[cfg(test)]");
                assert!(!test_code || !text.contains("#[cfg(test)]"), "{} breaks a test, not the product", promise.id);
            }
        }
        let known = |mutation: &Mutation| all().iter().any(|promise| promise.id == mutation.promise);
        assert!(mutations.iter().all(known), "a mutation of a promise that nobody made");
    }

    #[test]
    fn a_mutation_applies_once_or_not_at_all() {
        let mutation = Mutation {
            promise: "A1".into(),
            file: "f".into(),
            find: "<=".into(),
            replace: "<".into(),
            package: "p".into(),
            test: "t".into(),
        };
        assert_eq!(mutation.applied("a <= b").unwrap(), "a < b");
        assert!(mutation.applied("a <= b <= c").is_err() && mutation.applied("a < b").is_err());
    }
}
