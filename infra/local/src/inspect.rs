//! `inspect FILE…`: what an import of files on disk would do, as JSON, without importing them.

#![expect(clippy::print_stdout, reason = "the answer of a command")]

use std::fs::File;
use std::path::PathBuf;

use anyhow::bail;
use intake::Request;
use serde_json::{Value, json};

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
        let answer = File::open(path)
            .map_err(intake::InspectError::from)
            .and_then(|from| intake::inspect(&file, from, &Request::new()))
            .map_err(anyhow::Error::from)
            .and_then(|inspection| Ok(serde_json::to_value(inspection)?));
        answers.push(answer.unwrap_or_else(|error| {
            failed += 1;
            json!({ "file": file, "error": error.to_string() })
        }));
    }
    let printed = match answers.as_slice() {
        [one] => serde_json::to_string_pretty(one)?,
        several => serde_json::to_string_pretty(several)?,
    };
    println!("{printed}");
    if failed > 0 {
        bail!("{failed} of {} files could not be read", paths.len());
    }
    Ok(())
}
