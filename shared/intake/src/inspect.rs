//! What an import of a file would do, without importing it.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::Serialize;

use crate::detect::{PREFIX, detect};
use crate::detected::Detected;
use crate::mapping::{Mapping, MappingError, Request};
use crate::parser::{Outcome, Parser, ProspectRow, Reject, RejectReason};
use crate::seen::Seen;
use crate::usable::usable;

/// How many rows are shown.
const FIRST_ROWS: usize = 5;
/// How many rejects are listed.
const FIRST_REJECTS: usize = 20;
/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// The answer of [`inspect()`].
#[derive(Debug, Clone, Serialize)]
pub struct Inspection {
    /// The name it was given.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// How it is written.
    pub detected: Detected,
    /// Why an import of this file would end as `failed` without reading a row; what follows then says what
    /// reading it would give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Which column fills which field.
    pub mapping: Mapping,
    /// The names of its columns, in order; empty without a header.
    pub columns: Vec<String>,
    /// The first rows that would be taken.
    pub first_rows: Vec<ProspectRow>,
    /// Rows that are not empty: `would_import` + `duplicates` + the sum of `rejected`.
    pub rows_read: u64,
    /// Rows that would be taken.
    pub would_import: u64,
    /// Rows whose address an earlier row has.
    pub duplicates: u64,
    /// Rows that would not, by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// The first of them.
    pub rejects: Vec<Reject>,
}

/// Why a file could not be inspected.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The mapping does not fit it.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// Reads a file to its end, in constant memory but for the fingerprints of its addresses. `length`
/// is what is known of its length, in bytes: it only sizes the set of these.
///
/// # Errors
/// When `from` cannot be read, or `request` names columns that the file does not have.
pub fn inspect(file: &str, length: u64, mut from: impl Read, request: &Request) -> Result<Inspection, InspectError> {
    let mut prefix = Vec::new();
    let read = from.by_ref().take(PREFIX as u64).read_to_end(&mut prefix)?;
    let detected = detect(&prefix, read < PREFIX);
    let failure = usable(&prefix, &detected, request).err();
    let mapping = Mapping::new(&detected, request)?;
    let mut parser = Parser::new(&detected, &mapping);
    let mut tally =
        Tally { seen: Seen::with_capacity(detected.expected_rows(length.max(read as u64))), ..Tally::default() };
    let mut sink = |outcome| tally.add(outcome);
    parser.push(&prefix, &mut sink);
    drop(prefix);
    let mut bytes = read as u64;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        bytes += read as u64;
        parser.push(chunk.get(..read).unwrap_or(&[]), &mut sink);
    }
    parser.finish(&mut sink);
    Ok(Inspection {
        file: file.to_owned(),
        bytes,
        columns: detected.columns.clone(),
        detected,
        failure,
        mapping,
        first_rows: tally.first_rows,
        rows_read: tally.rows_read,
        would_import: tally.would_import,
        duplicates: tally.duplicates,
        rejected: tally.rejected,
        rejects: tally.rejects,
    })
}

struct Tally {
    seen: Seen,
    first_rows: Vec<ProspectRow>,
    rows_read: u64,
    would_import: u64,
    duplicates: u64,
    rejected: BTreeMap<RejectReason, u64>,
    rejects: Vec<Reject>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            seen: Seen::with_capacity(0),
            first_rows: Vec::new(),
            rows_read: 0,
            would_import: 0,
            duplicates: 0,
            rejected: BTreeMap::new(),
            rejects: Vec::new(),
        }
    }
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        self.rows_read += 1;
        match outcome {
            Outcome::Row(row) if !self.seen.insert(&row.email) => self.duplicates += 1,
            Outcome::Row(row) => {
                self.would_import += 1;
                if self.first_rows.len() < FIRST_ROWS {
                    self.first_rows.push(row);
                }
            }
            Outcome::Reject(reject) => {
                *self.rejected.entry(reject.reason).or_default() += 1;
                if self.rejects.len() < FIRST_REJECTS {
                    self.rejects.push(reject);
                }
            }
        }
    }
}
