//! What the runs showed: infra/policy/trust/results.json, which the trust page compiles in.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use content::promises::{Results, all};
use jiff::Timestamp;

const PATH: &str = "infra/policy/trust/results.json";

fn path() -> PathBuf {
    crate::workspace_root().join(PATH)
}

/// The results so far.
pub(super) fn load() -> anyhow::Result<Results> {
    let text = std::fs::read_to_string(path())?;
    serde_json::from_str(&text).context(PATH)
}

/// Writes them, without what no promise names any more.
pub(super) fn save(results: &mut Results) -> anyhow::Result<()> {
    results.tests.retain(|name, _| all().iter().any(|promise| promise.tests.contains(name)));
    results.mutations.retain(|id, _| all().iter().any(|promise| promise.id == *id));
    std::fs::write(path(), serde_json::to_string_pretty(results)? + "\n")?;
    Ok(())
}

/// When something was seen to pass.
#[expect(clippy::disallowed_methods, reason = "results are dated, and nothing of the product depends on them")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// The commit of the tree, with a `+` when the tree differs from it.
pub(super) fn commit() -> anyhow::Result<String> {
    let git = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = Command::new("git").args(arguments).current_dir(crate::workspace_root()).output();
        Ok(String::from_utf8(output.context("git does not start")?.stdout)?.trim().to_owned())
    };
    let changes = git(&["status", "--porcelain", "--", ".", &format!(":!{PATH}")])?;
    Ok(git(&["rev-parse", "HEAD"])? + if changes.is_empty() { "" } else { "+" })
}
