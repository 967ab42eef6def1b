//! Which delimiter, quote and escape a file uses.
//!
//! The sample is cut in every plausible way, and each way is scored on two things (the idea of data
//! consistency, van den Burg, Nazábal & Sutton 2019): are the rows *regular*, and do the cells look
//! like *something*. The right way gives rows of one width and cells that are numbers, dates, names;
//! a wrong one gives ragged rows or debris. The product of both is the score.

use std::collections::BTreeMap;

use crate::cut::{Cells, Format, Step, read};
use crate::kinds::{Kind, kind};

/// The delimiters that people use.
const USUAL: [(u8, f64); 4] = [(b',', 1.0), (b';', 1.0), (b'\t', 1.0), (b'|', 0.88)];

/// Those met now and then: (character, how likely beforehand). Text is full of them, so they are only
/// considered where the usual ones explain nothing, and need rows of one width.
const RARE: [(u8, f64); 5] = [(b' ', 0.45), (b':', 0.35), (b'^', 0.6), (b'~', 0.6), (b'#', 0.5)];

/// Rows looked at for a score: more only cost time.
const SCORED_ROWS: usize = 500;

/// The way that scored best.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    format: Format,
    score: f64,
}

/// Chooses for `sample`, which ends with a whole line.
pub(crate) fn choose(sample: &str, lone_cr: bool) -> Format {
    let bytes = sample.as_bytes();
    let mut best = single_column(bytes, lone_cr);
    for (delimiter, prior) in USUAL.into_iter().chain(RARE) {
        let absent = !bytes.contains(&delimiter);
        // `#` at the head of a line is a remark.
        if absent || (delimiter == b'#' && (bytes.starts_with(b"#") || sample.contains("\n#"))) {
            continue;
        }
        for dialect in ways(bytes, delimiter, prior, lone_cr) {
            if dialect.score > best.score * 1.000_001 {
                best = dialect;
            }
        }
    }
    // Where no cell of the sample is quoted, a later one may be.
    let quoting = Format { quote: best.format.quote.or(Some(b'"')), ..best.format };
    if tally(bytes, quoting).is_plain() { quoting } else { best.format }
}

/// What every other way must beat: the whole line is one cell.
fn single_column(bytes: &[u8], lone_cr: bool) -> Dialect {
    let format = |quote| Format { delimiter: b',', quote, escape: None, lone_cr };
    let quoted = tally(bytes, format(Some(b'"')));
    let alone = quoted.quoted > 0 && quoted.stray + quoted.faults == 0 && quoted.widths.keys().all(|&width| width == 1);
    Dialect { format: format(Some(b'"')), score: if alone { 0.3 } else { 0.04 } }
}

/// The ways to cut at one delimiter.
fn ways(bytes: &[u8], delimiter: u8, prior: f64, lone_cr: bool) -> Vec<Dialect> {
    let mut found = Vec::new();
    let mut double_quotes_fit = false;
    for quote in [Some(b'"'), None, Some(b'\'')] {
        if quote.is_some_and(|quote| !bytes.contains(&quote)) {
            continue;
        }
        for escape in [None, Some(b'\\')] {
            if escape.is_some() && !escapes(bytes, delimiter, quote) {
                continue;
            }
            let tally = tally(bytes, Format { delimiter, quote, escape, lone_cr });
            // A quote that never quotes is no quote.
            if tally.rows == 0 || (quote.is_some() && tally.quoted == 0) {
                continue;
            }
            let clean = (tally.stray + tally.faults) * 20 <= tally.quoted;
            let quoting = match quote {
                Some(b'"') => {
                    double_quotes_fit |= clean;
                    1.0
                }
                // Quotes that fit everywhere are not text.
                None if double_quotes_fit => 0.4,
                None => 0.98,
                Some(_) if double_quotes_fit => 0.5,
                Some(_) if clean && tally.quoted >= 2 => 0.985,
                Some(_) => 0.8,
            };
            let escaping = if escape.is_some() { 0.99 } else { 1.0 };
            let rare = RARE.iter().any(|(rare, _)| *rare == delimiter);
            if rare && !tally.is_steady() {
                continue;
            }
            // A mark that cuts every one of many rows alike is no accident.
            let prior = if rare && delimiter != b' ' && tally.is_exact() { 0.9 } else { prior };
            let score = tally.score() * prior * quoting * escaping;
            let format = Format { delimiter, quote, escape, lone_cr };
            found.push(Dialect { format, score });
        }
    }
    found
}

/// Whether a backslash stands before something it could escape.
fn escapes(bytes: &[u8], delimiter: u8, quote: Option<u8>) -> bool {
    bytes.windows(2).any(|pair| pair[0] == b'\\' && (pair[1] == delimiter || Some(pair[1]) == quote))
}

/// What cutting the sample one way gives.
#[derive(Debug, Default)]
struct Tally {
    /// How many rows have how many cells.
    widths: BTreeMap<usize, usize>,
    /// The widths in order; 0 for a row that cannot be cut.
    in_order: Vec<usize>,
    rows: usize,
    cells: usize,
    known: f64,
    quoted: usize,
    stray: usize,
    faults: usize,
    /// Cells after the first of their row, and those of them that begin with a space.
    later: usize,
    spaced: usize,
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
impl Tally {
    fn add(&mut self, input: &[u8], cells: &Cells, format: Format) {
        let mut width = 0;
        for cell in cells.iter(input) {
            // Columns lined up with spaces have runs of them.
            if format.delimiter == b' ' && cell.is_empty() {
                continue;
            }
            if width > 0 && !cell.is_empty() {
                self.later += 1;
                self.spaced += usize::from(cell[0] == b' ');
            }
            width += 1;
            let text = String::from_utf8_lossy(cell);
            self.known += worth(kind(&text), format.delimiter, &text);
        }
        self.rows += 1;
        self.in_order.push(width);
        *self.widths.entry(width).or_default() += 1;
        self.cells += width;
        self.quoted += cells.quoted;
        self.stray += cells.stray;
    }

    fn score(&self) -> f64 {
        let typed = self.known / self.cells.max(1) as f64;
        let trouble = 1.0 / (1.0 + (self.faults * 6 + self.stray) as f64 / 2.0 / self.rows as f64);
        // `Total; Estimate; Households` is prose sooner than three cells.
        let prose = if self.spaced * 10 > self.later * 9 { 0.85 } else { 1.0 };
        self.regularity() * typed * typed * trouble * prose
    }

    /// The chance that two rows taken at random have one width, weighted by how much a width says.
    /// Title lines before the first row of the usual width count little.
    fn regularity(&self) -> f64 {
        let usual = self.widths.iter().filter(|(width, _)| **width > 1).max_by_key(|&(&width, &count)| (count, width));
        let Some((&usual, _)) = usual else {
            return 0.01;
        };
        let top = self.in_order.iter().position(|&width| width == usual).unwrap_or(0);
        let table = &self.in_order[top..];
        let mut counts = BTreeMap::<usize, usize>::new();
        for &width in table {
            *counts.entry(width).or_default() += 1;
        }
        let rows = table.len() as f64;
        let same: f64 = counts
            .iter()
            .map(|(&width, &count)| {
                let (width, share) = (width as f64, count as f64 / rows);
                share * share * if width > 1.0 { (width - 1.0) / width } else { 0.01 }
            })
            .sum();
        same * (rows / self.rows as f64).powf(1.5)
    }

    /// No cell begins with a quote.
    fn is_plain(&self) -> bool {
        self.quoted + self.stray + self.faults == 0
    }

    /// Ten rows or more, all of one width of at least three cells.
    fn is_exact(&self) -> bool {
        self.rows >= 10 && self.widths.len() == 1 && self.widths.keys().all(|&width| width >= 3)
    }

    /// At least three rows, nearly all of one width, and cells that look like something.
    fn is_steady(&self) -> bool {
        self.rows >= 3
            && self.known >= 0.75 * self.cells as f64
            && self.widths.iter().any(|(&width, &count)| width > 1 && count * 10 >= self.rows * 8)
    }
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
        if !row {
            tally.rows += 1;
            tally.in_order.push(0);
            tally.faults += 1;
        } else if !cells.iter(rest).all(|cell| cell.trim_ascii().is_empty()) {
            tally.add(rest, &cells, format);
        }
        rest = &rest[len.max(1)..];
    }
    tally
}

/// How much a cell speaks for the cut that made it.
fn worth(kind: Kind, delimiter: u8, text: &str) -> f64 {
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
        // Lists with commas are common beside any other delimiter, the reverse is not.
        Kind::List if delimiter != b',' && text.contains(',') => 0.5,
        Kind::List => 0.3,
        Kind::Odd => 0.05,
    }
}
