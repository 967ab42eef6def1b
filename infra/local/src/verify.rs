//! `verify FILE --keys FILE`: whether a signed statement is what was signed. No network.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use domain::statement::{KeySet, Signed};
use serde::de::DeserializeOwned;

use crate::answer;

/// Which statement, and whose keys.
#[derive(Clone, Debug, clap::Args)]
pub struct Verify {
    /// The statement: JSON with `statement`, `alg`, `kid` and `signature`.
    file: PathBuf,
    /// The public keys, as `GET /legal/keys` gives them.
    #[arg(long)]
    keys: PathBuf,
}

/// Prints what the statement says, if it verifies.
///
/// # Errors
/// When a file cannot be read, and when the statement proves nothing: the error says why.
pub fn run(verify: &Verify) -> anyhow::Result<()> {
    let signed: Signed = read(&verify.file)?;
    let KeySet { keys } = read(&verify.keys)?;
    signed.verify(&keys)?;
    answer::line(serde_json::to_string_pretty(&signed.statement)?)?;
    answer::line(format_args!("Verified: signed with the key {} and unchanged since.", signed.kid))
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let file = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{file} cannot be read"))?;
    serde_json::from_str(&text).with_context(|| format!("{file} is not as expected"))
}
