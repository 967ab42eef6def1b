//! Where the table starts, and whether it starts with the names of its columns.
//!
//! Names differ from data in kind: over a column of numbers, dates or addresses stands a word. Where
//! everything is words, names are known ones, are not repeated, and do not come back as values.

use std::collections::HashSet;

use crate::kinds::{Kind, kind};
use crate::names::{self, Field};

/// A row of the sample.
pub(crate) struct SampleRow {
    /// 1-based physical line.
    pub(crate) line: u64,
    pub(crate) cells: Vec<String>,
}

impl SampleRow {
    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.trim().is_empty()).count()
    }
}

/// Indices into the sample's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// How many cells the rows of the table have.
    pub(crate) width: usize,
    /// The row of names, if there is one.
    pub(crate) header: Option<usize>,
    /// The first row of data; `rows.len()` if there is none.
    pub(crate) data: usize,
}

/// Finds the table in the sample.
pub(crate) fn find(rows: &[SampleRow]) -> Layout {
    let width = usual_width(rows);
    if let Some(index) = list_header(rows) {
        let width = width.max(rows.get(index).map_or(0, |row| row.cells.len()));
        return Layout { width, header: Some(index), data: index + 1 };
    }
    let top = table_top(rows, width);
    let Some(first) = rows.get(top) else {
        return Layout { width, header: None, data: rows.len() };
    };
    if is_header(first, &rows[top + 1..], width) {
        return Layout { width, header: Some(top), data: top + 1 };
    }
    Layout { width, header: None, data: top }
}

/// A line among the first that names an address and something else that lists of people have: there is
/// no surer sign, whatever stands before it.
fn list_header(rows: &[SampleRow]) -> Option<usize> {
    rows.iter().take(30).position(|row| {
        let values = row.cells.iter().any(|cell| kind(cell).is_value());
        let named =
            |field| row.cells.iter().any(|cell| cell.chars().count() <= 60 && names::rank(field, cell).is_some());
        !values && named(Field::Email) && Field::ALL.into_iter().any(|field| field != Field::Email && named(field))
    })
}

/// The width that most rows have; of two that are equally common, the larger.
fn usual_width(rows: &[SampleRow]) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for row in rows {
        *counts.entry(row.cells.len()).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(width, count)| (count * width.clamp(1, 3), width)).map_or(0, |(width, _)| width)
}

/// The first row of the table: title lines before it have fewer cells, or only one that says something.
fn table_top(rows: &[SampleRow], width: usize) -> usize {
    if width < 2 {
        return 0;
    }
    // What a row of the table has in it, so that a title over empty cells stands out.
    let mut filled: Vec<usize> = rows.iter().filter(|row| row.cells.len() >= width).map(SampleRow::filled).collect();
    filled.sort_unstable();
    let usual = filled.get(filled.len() * 4 / 5).copied().unwrap_or(1);
    let enough = if usual >= 3 { (usual / 2).max(2) } else { usual.min(2) };
    let fits = |row: &SampleRow| row.cells.len() * 4 >= width * 3 && row.cells.len() >= 2 && row.filled() >= enough;
    rows.iter().position(fits).unwrap_or(0)
}

fn is_header(first: &SampleRow, rest: &[SampleRow], width: usize) -> bool {
    let names: Vec<&str> = first.cells.iter().map(|cell| cell.trim()).collect();
    let kinds: Vec<Kind> = names.iter().map(|name| kind(name)).collect();
    // An address is always somebody's.
    if kinds.contains(&Kind::Email) {
        return false;
    }
    let known = names.iter().filter(|name| names::is_known(name)).count();
    if rest.is_empty() {
        return known > 0 || !kinds.iter().any(|kind| kind.is_value());
    }
    let table: Vec<&SampleRow> = rest.iter().filter(|row| row.cells.len() * 2 > width).take(200).collect();
    let mut votes = 0.0;
    for (column, (&name, &named)) in names.iter().zip(&kinds).enumerate() {
        votes += vote(name, named, &table, column);
    }
    votes += 1.5 * f64::from(u32::try_from(known.min(4)).unwrap_or(0));
    let filled: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| name.to_lowercase()).collect();
    let distinct: HashSet<&String> = filled.iter().collect();
    if distinct.len() < filled.len() {
        votes -= 0.5;
    }
    if filled.len() * 2 < names.len() {
        votes -= 1.0;
    }
    votes > 0.0 || (votes == 0.0 && !kinds.iter().any(|kind| kind.is_value()))
}

/// What one column says: positive when its first cell names the others.
fn vote(name: &str, named: Kind, table: &[&SampleRow], column: usize) -> f64 {
    let cells: Vec<&str> = table
        .iter()
        .filter_map(|row| row.cells.get(column))
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty())
        .collect();
    if name.is_empty() || cells.is_empty() {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    let share = |wanted: &dyn Fn(Kind) -> bool| {
        cells.iter().filter(|cell| wanted(kind(cell))).count() as f64 / cells.len() as f64
    };
    let values = share(&Kind::is_value);
    if named.is_value() {
        // A number over numbers is data; years are the exception that people do use as names.
        return if is_year(name) && !cells.iter().any(|cell| is_year(cell)) { 0.2 } else { -1.0 };
    }
    if values > 0.7 {
        return 1.0;
    }
    if cells.contains(&name) {
        return -0.7;
    }
    let looks = if is_identifier(name) { 0.3 } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "lengths of cells")]
    let mean = cells.iter().map(|cell| cell.chars().count()).sum::<usize>() as f64 / cells.len() as f64;
    #[expect(clippy::cast_precision_loss, reason = "lengths of cells")]
    let length = name.chars().count() as f64;
    let spread = cells.iter().filter(|cell| (cell.chars().count() as f64 - mean).abs() <= 1.0).count();
    let uniform = cells.len() >= 3 && spread * 10 >= cells.len() * 9;
    if uniform && (length - mean).abs() > 1.5 {
        return looks + 0.5;
    }
    if length > 2.5 * mean + 20.0 { looks - 0.1 } else { looks + 0.1 }
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && text.parse::<u16>().is_ok_and(|year| (1800..=2100).contains(&year))
}

/// `snake_case`, `camelCase`, `UPPER`: how programs name columns.
fn is_identifier(name: &str) -> bool {
    let plain =
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.bytes().any(|b| b.is_ascii_alphabetic());
    let camel = name.as_bytes().windows(2).any(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase());
    plain && (name.contains('_') || camel)
}
