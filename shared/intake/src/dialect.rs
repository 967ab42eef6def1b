//! Which delimiter, quote and escape a file uses.
//!
//! The sample is cut in every plausible way, and each way is scored on two things (the idea of data
//! consistency, van den Burg, Nazábal & Sutton 2019): are the rows *regular*, and do the cells look
//! like *something*. The right way gives rows of one width and cells that are numbers, dates, names;
//! a wrong one gives ragged rows or debris. The product of both is the score.

use std::collections::HashMap;

use crate::kinds::{Kind, kind};
use crate::rows::{Cells, Format, Step, read};

/// The delimiters that people use, and those met now and then: (character, how likely beforehand).
const DELIMITERS: [(u8, f64); 9] = [
    (b',', 1.0),
    (b';', 1.0),
    (b'\t', 1.0),
    (b'|', 1.0),
    (b' ', 0.45),
    (b':', 0.35),
    (b'^', 0.5),
    (b'~', 0.5),
    (b'#', 0.3),
];

/// Rows looked at for a score: more only cost time.
const SCORED_ROWS: usize = 500;

/// The way that scored best.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) format: Format,
    /// Whether a cell of the sample is quoted.
    pub(crate) quoted: bool,
    pub(crate) score: f64,
}

/// Chooses for `sample`, which ends with a whole line.
pub(crate) fn choose(sample: &str, lone_cr: bool) -> Dialect {
    let bytes = sample.as_bytes();
    let mut best: Option<Dialect> = None;
    for (delimiter, prior) in DELIMITERS {
        if !bytes.contains(&delimiter) {
            continue;
        }
        for quote in [Some(b'"'), None, Some(b'\'')] {
            if quote.is_some_and(|quote| !bytes.contains(&quote)) {
                continue;
            }
            for escape in [None, Some(b'\\')] {
                if escape.is_some() && !escapes(bytes, delimiter, quote) {
                    continue;
                }
                let format = Format {
                    delimiter,
                    quote,
                    escape,
                    lone_cr,
                };
                let Some(dialect) = score(bytes, format, prior) else {
                    continue;
                };
                if best.is_none_or(|best| dialect.score > best.score * 1.000_001) {
                    best = Some(dialect);
                }
            }
        }
    }
    let single = Format {
        delimiter: b',',
        quote: Some(b'"'),
        escape: None,
        lone_cr,
    };
    best.unwrap_or(Dialect {
        format: single,
        quoted: false,
        score: 0.0,
    })
}

/// Whether a backslash stands before something it could escape.
fn escapes(bytes: &[u8], delimiter: u8, quote: Option<u8>) -> bool {
    bytes
        .windows(2)
        .any(|pair| pair[0] == b'\\' && (pair[1] == delimiter || Some(pair[1]) == quote))
}

/// What cutting the sample one way gives.
#[derive(Debug, Default)]
struct Tally {
    widths: HashMap<usize, usize>,
    rows: usize,
    cells: usize,
    known: f64,
    quoted: usize,
    stray: usize,
    faults: usize,
}

fn score(bytes: &[u8], format: Format, prior: f64) -> Option<Dialect> {
    let tally = tally(bytes, format);
    if tally.rows == 0 || tally.cells == 0 {
        return None;
    }
    // A quote that never quotes is no quote.
    if format.quote.is_some() && tally.quoted == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    let (rows, cells, troubles) = (
        tally.rows as f64,
        tally.cells as f64,
        (tally.faults * 3 + tally.stray) as f64,
    );
    // The chance that two rows taken at random have one width, weighted by how much a width says.
    let regular: f64 = tally
        .widths
        .iter()
        .map(|(&width, &count)| {
            #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
            let (width, share) = (width as f64, count as f64 / rows);
            share
                * share
                * if width > 1.0 {
                    (width - 1.0) / width
                } else {
                    0.01
                }
        })
        .sum();
    let typed = tally.known / cells;
    let trouble = 1.0 / (1.0 + troubles / rows);
    let quote_prior = match format.quote {
        Some(b'\'') => 0.9,
        Some(_) => 1.0,
        None => 0.98,
    };
    let escape_prior = if format.escape.is_some() { 0.99 } else { 1.0 };
    let score = regular * typed * typed * trouble * prior * quote_prior * escape_prior;
    Some(Dialect {
        format,
        quoted: tally.quoted > 0,
        score,
    })
}

fn tally(bytes: &[u8], format: Format) -> Tally {
    let mut tally = Tally::default();
    let mut cells = Cells::default();
    let mut rest = bytes;
    while !rest.is_empty() && tally.rows < SCORED_ROWS {
        let (len, row) = match read(rest, true, format, false, &mut cells) {
            Step::Row { len, .. } => (len, true),
            Step::Fault { len, .. } => (len, false),
            Step::More => break,
        };
        if row {
            if !(cells.len() == 1 && cells.iter(rest).all(|cell| cell.trim_ascii().is_empty())) {
                tally.rows += 1;
                *tally.widths.entry(cells.len()).or_default() += 1;
                tally.cells += cells.len();
                tally.quoted += cells.quoted;
                tally.stray += cells.stray;
                tally.known += cells
                    .iter(rest)
                    .map(|cell| worth(kind(&String::from_utf8_lossy(cell))))
                    .sum::<f64>();
            }
        } else {
            tally.rows += 1;
            tally.faults += 1;
        }
        rest = &rest[len.max(1)..];
    }
    tally
}

/// How much a cell speaks for the cut that made it.
const fn worth(kind: Kind) -> f64 {
    match kind {
        Kind::Number
        | Kind::Amount
        | Kind::Date
        | Kind::Time
        | Kind::Email
        | Kind::Url
        | Kind::Phone
        | Kind::Boolean => 1.0,
        Kind::Code | Kind::Text => 0.95,
        Kind::Empty => 0.8,
        Kind::Prose => 0.7,
        Kind::Odd => 0.05,
    }
}
