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
    // Much that does not fit is no title: such a table is just ragged, and all of it is data.
    let top = rows.iter().position(fits).unwrap_or(0);
    if top > 50 || top > 2 * (rows.len() - top) { 0 } else { top }
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
    // Columns with data but without a name.
    let nameless =
        names.iter().enumerate().filter(|(column, name)| name.is_empty() && mostly_filled(&table, *column)).count();
    if nameless > filled.len() {
        votes -= 1.0;
    }
    if kinds.contains(&Kind::Number) && !names.iter().any(|name| is_year(name)) {
        votes -= 0.5;
    }
    // A row or two say little: words above them are taken for names.
    let words = filled.len() == names.len() && !kinds.iter().any(|kind| kind.is_value());
    votes > 0.0 || (votes > -0.4 && table.len() < 3 && words)
}

fn mostly_filled(table: &[&SampleRow], column: usize) -> bool {
    let filled = table.iter().filter(|row| row.cells.get(column).is_some_and(|cell| !cell.trim().is_empty()));
    filled.count() * 2 > table.len()
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
        return if values > 0.95 && cells.len() >= 2 { 1.5 } else { 1.0 };
    }
    if cells.contains(&name) {
        return -0.6;
    }
    let share_of = |wanted: &dyn Fn(&str) -> bool| ratio(cells.iter().filter(|cell| wanted(cell)).count(), cells.len());
    let mut vote = 0.0;
    if is_identifier(name) && share_of(&is_identifier) < 0.5 {
        vote += 0.4;
    }
    if is_usual_name(name) {
        vote += 0.6;
    }
    // References and addresses have digits in them, what stands over them has not.
    let digits = |text: &str| text.bytes().any(|b| b.is_ascii_digit());
    if !digits(name) && cells.len() >= 2 && share_of(&digits) > 0.8 {
        vote += 0.6;
    }
    // Codes are all of one length: a name is of another, a first code is not.
    let length = name.chars().count();
    let same = share_of(&|cell: &str| cell.chars().count() == length);
    let other = cells.first().map_or(0, |cell| cell.chars().count());
    if cells.len() >= 3 && same > 0.9 {
        vote -= 0.5;
    } else if cells.len() >= 3 && share_of(&|cell: &str| cell.chars().count() == other) > 0.9 {
        vote += 0.5;
    }
    vote
}

/// Words that name columns everywhere, beside those of [`names`].
fn is_usual_name(name: &str) -> bool {
    const WORDS: [&str; 113] = [
        "id",
        "ids",
        "uid",
        "uuid",
        "ref",
        "reference",
        "code",
        "key",
        "cle",
        "number",
        "numero",
        "num",
        "no",
        "index",
        "rank",
        "rang",
        "date",
        "time",
        "datetime",
        "timestamp",
        "heure",
        "year",
        "annee",
        "month",
        "mois",
        "day",
        "jour",
        "start",
        "end",
        "debut",
        "fin",
        "created",
        "updated",
        "name",
        "nom",
        "title",
        "titre",
        "label",
        "libelle",
        "description",
        "desc",
        "type",
        "kind",
        "category",
        "categorie",
        "class",
        "group",
        "status",
        "statut",
        "state",
        "value",
        "valeur",
        "amount",
        "montant",
        "price",
        "prix",
        "cost",
        "total",
        "count",
        "quantity",
        "qty",
        "quantite",
        "unit",
        "unite",
        "rate",
        "taux",
        "percent",
        "score",
        "size",
        "taille",
        "length",
        "width",
        "height",
        "weight",
        "lat",
        "latitude",
        "lon",
        "lng",
        "long",
        "longitude",
        "address",
        "adresse",
        "street",
        "rue",
        "city",
        "ville",
        "commune",
        "region",
        "departement",
        "department",
        "county",
        "province",
        "zip",
        "zipcode",
        "postcode",
        "postal",
        "codepostal",
        "country",
        "pays",
        "phone",
        "telephone",
        "fax",
        "website",
        "url",
        "link",
        "file",
        "path",
        "source",
        "author",
        "user",
        "owner",
        "supplier",
        "gender",
    ];
    let folded = names::fold(name);
    WORDS.contains(&folded.as_str())
        || name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .take(4)
            .any(|word| WORDS.contains(&names::fold(word).as_str()))
            && name.chars().count() <= 40
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
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
