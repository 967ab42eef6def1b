//! Everything that can be told about a file from its first bytes.

use std::borrow::Cow;

use crate::cut::{Cells, Format, Step, read};
use crate::detected::{Detected, Profile};
use crate::dialect;
use crate::encoding;
use crate::header::{self, SampleRow};
use crate::kinds::{Kind, kind};

/// How many bytes of a file [`detect()`] looks at. Fewer will do if the file has fewer.
pub const PREFIX: usize = 256 * 1024;

/// How much of the decoded prefix is cut into cells, over and over.
const SAMPLE: usize = 96 * 1024;

/// Rows kept to find the header and to look at columns.
const SAMPLE_ROWS: usize = 400;

/// Finds out how the file that begins with `prefix` is written. `whole`: nothing comes after it.
#[must_use]
pub fn detect(prefix: &[u8], whole: bool) -> Detected {
    let whole = whole && prefix.len() <= PREFIX;
    let prefix = &prefix[..prefix.len().min(PREFIX)];
    let encoding = encoding::detect(prefix, whole);
    let text = encoding.decode(prefix).0;
    let sample = head(&text, whole);
    let lone_cr = lone_cr(sample);
    let format = dialect::choose(sample, lone_cr);
    let rows = rows(sample, format);
    let layout = header::find(&rows);
    let header = layout.header.and_then(|index| rows.get(index));
    let columns = header.map(|row| row.cells.iter().map(|cell| tidy(cell)).collect()).unwrap_or_default();
    // Where nothing follows the header: beyond whatever line it is on.
    let end = rows.last().map_or(1, |row| row.line + 1);
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let bytes_per_row = prefix.len().min(sample.len()) as f64 / (rows_total(sample, lone_cr).max(1) as f64);
    Detected {
        encoding,
        delimiter: char::from(format.delimiter),
        quote: format.quote.map(char::from),
        escape: format.escape.map(char::from),
        header: layout.header.is_some(),
        header_line: header.map(|row| row.line),
        first_data_line: rows.get(layout.data).map_or(end, |row| row.line),
        width: layout.width,
        profiles: profiles(rows.get(layout.data..).unwrap_or(&[])),
        columns,
        bytes_per_row,
        format,
    }
}

/// The part of the text that is looked at, cut after a whole line.
fn head(text: &str, whole: bool) -> &str {
    if whole && text.len() <= SAMPLE {
        return text;
    }
    let mut end = text.len().min(SAMPLE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let head = &text[..end];
    head.rfind(['\n', '\r']).map_or(head, |at| &head[..=at])
}

/// Whether lines end in a lone CR, as on the Macintosh of old.
fn lone_cr(sample: &str) -> bool {
    let bytes = sample.as_bytes();
    let lf = bytes.iter().filter(|&&b| b == b'\n').count();
    let cr = bytes.windows(2).filter(|pair| pair[0] == b'\r' && pair[1] != b'\n' && pair[1] != b'\r').count();
    cr > lf
}

fn rows_total(sample: &str, lone_cr: bool) -> usize {
    let end = if lone_cr { b'\r' } else { b'\n' };
    sample.bytes().filter(|&b| b == end).count()
}

fn rows(sample: &str, format: Format) -> Vec<SampleRow> {
    let mut cells = Cells::default();
    let mut rest = sample.as_bytes();
    let mut line = 1;
    let mut rows = Vec::new();
    while !rest.is_empty() && rows.len() < SAMPLE_ROWS {
        let (len, lines) = match read(rest, true, format, false, &mut cells) {
            Step::Row { len, lines } => {
                let texts: Vec<String> =
                    cells.iter(rest).map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
                if texts.iter().any(|cell| !cell.trim().is_empty()) {
                    rows.push(SampleRow { line, cells: texts });
                }
                (len, lines)
            }
            Step::Fault { len, lines, .. } => (len, lines),
            Step::More => break,
        };
        line += lines;
        rest = &rest[len.max(1)..];
    }
    rows
}

/// A column's name: no mark, no control characters, single spaces.
fn tidy(cell: &str) -> String {
    let cell: Cow<'_, str> = Cow::Borrowed(cell.trim_start_matches('\u{FEFF}'));
    crate::clean::line(&cell, 500).unwrap_or_default()
}

fn profiles(rows: &[SampleRow]) -> Vec<Profile> {
    let width = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    (0..width).map(|column| profile(rows.iter().filter_map(|row| row.cells.get(column)))).collect()
}

fn profile<'a>(cells: impl Iterator<Item = &'a String>) -> Profile {
    let (mut filled, mut email, mut number, mut url) = (0_usize, 0_usize, 0_usize, 0_usize);
    for cell in cells.filter(|cell| !cell.trim().is_empty()) {
        filled += 1;
        match kind(cell) {
            Kind::Email => email += 1,
            Kind::Number | Kind::Amount | Kind::Date | Kind::Time => number += 1,
            Kind::Url => url += 1,
            _ => {}
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    let share = |count: usize| count as f64 / filled.max(1) as f64;
    Profile { filled, email: share(email), number: share(number), url: share(url) }
}
