//! How fast a file is read: the README's bar is 1.2 million rows a second on one core.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::detect::{PREFIX, detect};
use crate::export::RejectReport;
use crate::mapping::Mapping;
use crate::parser::{Outcome, Parser};
use crate::sample::{Style, csv};
use crate::seen::Seen;

/// What [`measure()`] saw.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Measure {
    /// Rows with an outcome.
    pub rows: u64,
    /// Of these, rows taken: neither rejected nor duplicates.
    pub taken: u64,
    /// The file's length.
    pub bytes: u64,
    /// Detection, decoding, validation, normalisation, mapping, dedupe and the report of rejects.
    pub seconds: f64,
    /// `rows` a second.
    pub rows_per_second: f64,
}

/// Reads a file of `rows` rows (about 100 bytes each) from memory, as an import would, in chunks of
/// 64 KiB. Making the file is not counted.
#[must_use]
pub fn measure(rows: usize) -> Measure {
    let file = csv(rows, 1, Style { windows_1252: false, framed: true, messy: true });
    let start = Instant::now();
    let (read, taken) = read(&file);
    let elapsed = start.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let rows_per_second = read as f64 / elapsed;
    Measure { rows: read, taken, bytes: file.len() as u64, seconds: elapsed, rows_per_second }
}

fn read(file: &[u8]) -> (u64, u64) {
    let detected = detect(file.get(..PREFIX).unwrap_or(file), file.len() <= PREFIX);
    let mapping = Mapping::auto(&detected);
    let mut seen = Seen::with_capacity(detected.expected_rows(file.len() as u64));
    let mut parser = Parser::new(&detected, &mapping);
    let (mut rows, mut taken) = (0, 0);
    let Ok(mut report) = RejectReport::new(std::io::sink()) else {
        return (0, 0);
    };
    let mut sink = |outcome| {
        rows += 1;
        match outcome {
            Outcome::Row(row) => taken += u64::from(seen.insert(&row.email)),
            // A sink takes everything.
            Outcome::Reject(reject) => drop(report.add(&reject)),
        }
    };
    for chunk in file.chunks(64 * 1024) {
        parser.push(chunk, &mut sink);
    }
    parser.finish(&mut sink);
    (rows, taken)
}
