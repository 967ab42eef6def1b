//! Where the tests are: which package holds a test of which name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Names of functions in Rust sources, with the packages that have one.
pub(super) struct Sources(BTreeMap<String, BTreeSet<String>>);

impl Sources {
    /// Reads every source of the workspace. A folder of a package is called like it.
    pub(super) fn read(root: &Path) -> anyhow::Result<Sources> {
        let mut found = BTreeMap::new();
        for group in ["shared", "functions"] {
            for entry in std::fs::read_dir(root.join(group))? {
                let entry = entry?;
                visit(&entry.path(), &entry.file_name().to_string_lossy(), &mut found)?;
            }
        }
        visit(&root.join("infra/local"), "local", &mut found)?;
        visit(&root.join("tests"), "tests", &mut found)?;
        Ok(Sources(found))
    }

    /// The packages that have a function of this name.
    pub(super) fn packages_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.get(name).into_iter().flatten().map(String::as_str)
    }
}

fn visit(path: &Path, package: &str, found: &mut BTreeMap<String, BTreeSet<String>>) -> anyhow::Result<()> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            visit(&entry?.path(), package, found)?;
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        for piece in std::fs::read_to_string(path)?.split("fn ").skip(1) {
            let name: String = piece.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            found.entry(name).or_default().insert(package.to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_of_the_list_exists_and_is_named_by_its_promise() {
        let sources = Sources::read(&crate::workspace_root()).unwrap();
        for promise in content::promises::all() {
            for test in &promise.tests {
                assert!(sources.packages_of(test).next().is_some(), "{}: there is no test {test}", promise.id);
            }
        }
    }
}
