//! `inspect FILE…`: what an import of files on disk would do, as JSON, without importing them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::bail;
use intake::{Inspection, Request};
use serde_json::{Value, json};

use crate::answer;

/// Prints one object for one file, an array for several. A file that cannot be read gives
/// `{"file", "error"}`.
///
/// # Errors
/// When a file could not be read, after everything is printed: the command then ends with status 1.
pub fn run(paths: &[PathBuf]) -> anyhow::Result<()> {
    let mut answers: Vec<Value> = Vec::with_capacity(paths.len());
    let mut failed = 0;
    for path in paths {
        let file = path.display().to_string();
        let answer = inspect(path, &file).and_then(|found| Ok(serde_json::to_value(found)?));
        answers.push(answer.unwrap_or_else(|error| {
            failed += 1;
            json!({ "file": file, "error": error.to_string() })
        }));
    }
    let printed = match answers.as_slice() {
        [one] => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    answer::line(printed)?;
    if failed > 0 {
        bail!("{failed} of {} files could not be read", paths.len());
    }
    Ok(())
}

fn inspect(path: &Path, name: &str) -> anyhow::Result<Inspection> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(intake::inspect(name, length, file, &Request::new())?)
}
