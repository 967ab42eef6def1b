//! Which column fills which field.
//!
//! Columns are found by their header, then by what their cells look like. A caller may say otherwise,
//! field by field. Whatever is not mapped is never read (A64).

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::detected::Detected;
use crate::names::{self, Field};

/// A column: by its header as the file writes it, or by its position, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ColumnRef {
    /// Position, from 1.
    Position(u32),
    /// Header; case, accents and punctuation do not count.
    Header(String),
}

/// One column, or several that fill a field together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Columns {
    /// The usual case.
    One(ColumnRef),
    /// For tags and notes.
    Several(Vec<ColumnRef>),
}

impl Columns {
    fn as_slice(&self) -> &[ColumnRef] {
        match self {
            Self::One(column) => std::slice::from_ref(column),
            Self::Several(columns) => columns,
        }
    }
}

/// What a caller asks for: fields by name. A field left out is found by itself, `None` (JSON `null`)
/// keeps it empty.
pub type Request = BTreeMap<String, Option<Columns>>;

/// What is wrong with a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not one of the allowed fields.
    #[error(
        "\"{0}\" is not a field: use email, first_name, last_name, full_name, company, job_title, tags, notes, locale, country, click_consent_on, click_consent or click_consent_opens"
    )]
    UnknownField(String),
    /// The e-mail address cannot be left out.
    #[error("the field \"email\" needs a column")]
    NoEmail,
    /// Several columns for a field that takes one.
    #[error("the field \"{0}\" takes one column; only tags and notes take several")]
    Several(&'static str),
    /// Positions count from 1.
    #[error("the field \"{0}\" names column 0: columns are counted from 1")]
    ColumnZero(&'static str),
    /// A position beyond the file's columns.
    #[error("the field \"{field}\" names column {position}, but the file has {width}")]
    NoSuchPosition {
        /// The field.
        field: &'static str,
        /// What was asked for, from 1.
        position: u32,
        /// How many columns there are.
        width: usize,
    },
    /// No header of that name.
    #[error("the field \"{field}\" names the column \"{header}\", which the file does not have")]
    NoSuchHeader {
        /// The field.
        field: &'static str,
        /// What was asked for.
        header: String,
    },
    /// A header by name, in a file without headers.
    #[error("the field \"{0}\" names a header, but the file has no header line: name the column by its position")]
    NoHeaders(&'static str),
    /// A header that two columns have.
    #[error(
        "the field \"{field}\" names the column \"{header}\", which the file has more than once: name it by its position"
    )]
    Ambiguous {
        /// The field.
        field: &'static str,
        /// What was asked for.
        header: String,
    },
}

/// Which column (0-based) fills which field. Serialises as the [`Request`] that would produce it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    columns: BTreeMap<Field, Vec<usize>>,
    headers: Vec<String>,
}

/// Checks what can be checked before there is a file.
///
/// # Errors
/// See [`MappingError`].
pub fn check(request: &Request) -> Result<(), MappingError> {
    for (name, columns) in request {
        let field = Field::from_name(name).ok_or_else(|| MappingError::UnknownField(name.clone()))?;
        let Some(columns) = columns else {
            if field == Field::Email {
                return Err(MappingError::NoEmail);
            }
            continue;
        };
        let columns = columns.as_slice();
        if columns.is_empty() && field == Field::Email {
            return Err(MappingError::NoEmail);
        }
        if columns.len() > 1 && !field.takes_several() {
            return Err(MappingError::Several(field.name()));
        }
        if columns.contains(&ColumnRef::Position(0)) {
            return Err(MappingError::ColumnZero(field.name()));
        }
    }
    Ok(())
}

impl Mapping {
    /// The mapping for a file: what `request` says, the rest found by itself.
    ///
    /// # Errors
    /// When `request` names what the file does not have, see [`MappingError`]. A file in which no
    /// e-mail column can be found is no error: its rows are rejected as `missing_email`.
    pub fn new(detected: &Detected, request: &Request) -> Result<Self, MappingError> {
        check(request)?;
        let mut taken = Vec::new();
        let mut columns = BTreeMap::new();
        for (name, wanted) in request {
            let field = Field::from_name(name).ok_or_else(|| MappingError::UnknownField(name.clone()))?;
            let mut found = Vec::new();
            for column in wanted.iter().flat_map(Columns::as_slice) {
                let index = locate(detected, field, column)?;
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            taken.extend_from_slice(&found);
            columns.insert(field, found);
        }
        guess(detected, &mut columns, &mut taken);
        columns.retain(|_, found| !found.is_empty());
        Ok(Self { columns, headers: detected.columns.clone() })
    }

    /// The mapping that is found without being told anything.
    #[must_use]
    pub fn auto(detected: &Detected) -> Self {
        Self::new(detected, &Request::new()).unwrap_or_default()
    }

    /// The first column of a field, 0-based.
    #[must_use]
    pub fn column(&self, field: Field) -> Option<usize> {
        self.columns.get(&field).and_then(|columns| columns.first().copied())
    }

    /// All columns of a field, 0-based.
    #[must_use]
    pub fn columns(&self, field: Field) -> &[usize] {
        self.columns.get(&field).map_or(&[], Vec::as_slice)
    }

    /// How a column is called in reports: its header, else `column 3`.
    #[must_use]
    pub fn column_name(&self, index: usize) -> String {
        match self.headers.get(index).map(|name| name.trim()) {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("column {}", index + 1),
        }
    }

    /// As a [`Request`]: headers where they are unique, positions elsewhere.
    #[must_use]
    pub fn to_request(&self) -> Request {
        let reference = |index: usize| match self.headers.get(index) {
            Some(name) if !name.trim().is_empty() && self.headers.iter().filter(|h| *h == name).count() == 1 => {
                ColumnRef::Header(name.clone())
            }
            _ => ColumnRef::Position(u32::try_from(index + 1).unwrap_or(u32::MAX)),
        };
        let columns = |list: &Vec<usize>| match list.as_slice() {
            [one] => Columns::One(reference(*one)),
            several => Columns::Several(several.iter().map(|&index| reference(index)).collect()),
        };
        self.columns.iter().map(|(field, list)| (field.name().to_owned(), Some(columns(list)))).collect()
    }
}

impl Serialize for Mapping {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let request = self.to_request();
        let mut map = serializer.serialize_map(Some(request.len()))?;
        for (field, columns) in &request {
            map.serialize_entry(field, columns)?;
        }
        map.end()
    }
}

fn locate(detected: &Detected, field: Field, column: &ColumnRef) -> Result<usize, MappingError> {
    let field = field.name();
    match column {
        ColumnRef::Position(position) => {
            let width = detected.width.max(detected.columns.len());
            let index = (*position as usize).checked_sub(1).ok_or(MappingError::ColumnZero(field))?;
            if index >= width {
                return Err(MappingError::NoSuchPosition { field, position: *position, width });
            }
            Ok(index)
        }
        ColumnRef::Header(_) if !detected.header => Err(MappingError::NoHeaders(field)),
        ColumnRef::Header(header) => {
            let exact = matches(detected, |name| name.trim() == header.trim());
            let wanted = names::fold(header);
            let found = if exact.is_empty() {
                matches(detected, |name| !wanted.is_empty() && names::fold(name) == wanted)
            } else {
                exact
            };
            match found.as_slice() {
                [] => Err(MappingError::NoSuchHeader { field, header: header.clone() }),
                [index] => Ok(*index),
                _ => Err(MappingError::Ambiguous { field, header: header.clone() }),
            }
        }
    }
}

fn matches(detected: &Detected, wanted: impl Fn(&str) -> bool) -> Vec<usize> {
    let names = detected.columns.iter().enumerate();
    names.filter(|(_, name)| wanted(name)).map(|(index, _)| index).collect()
}

/// Fills in the fields that were not asked for.
fn guess(detected: &Detected, columns: &mut BTreeMap<Field, Vec<usize>>, taken: &mut Vec<usize>) {
    if !columns.contains_key(&Field::Email)
        && let Some(index) = email_column(detected, taken)
    {
        columns.insert(Field::Email, vec![index]);
        taken.push(index);
    }
    if !detected.header {
        return;
    }
    for field in Field::ALL.into_iter().filter(|field| *field != Field::Email) {
        if columns.contains_key(&field) {
            continue;
        }
        let mut ranked: Vec<(usize, usize)> = detected
            .columns
            .iter()
            .enumerate()
            .filter(|(index, _)| !taken.contains(index) && plausible(detected, field, *index))
            .filter_map(|(index, name)| names::rank(field, name).map(|rank| (rank, index)))
            .collect();
        ranked.sort_unstable();
        // `Tag 1`, `Tag 2`… belong together; two columns called `notes` do too.
        let several = field.takes_several()
            && ranked
                .first()
                .is_some_and(|best| ranked.iter().filter(|other| other.0 % 200 == best.0 % 200).count() > 1);
        let best = ranked.first().map(|best| best.0 % 200);
        let mut found: Vec<usize> = ranked
            .into_iter()
            .enumerate()
            .filter(|(at, (rank, _))| *at == 0 || (several && Some(rank % 200) == best))
            .map(|(_, (_, index))| index)
            .take(20)
            .collect();
        found.sort_unstable();
        taken.extend_from_slice(&found);
        if !found.is_empty() {
            columns.insert(field, found);
        }
    }
    plain_name(detected, columns);
}

/// A column called just `Nom` (or `Name`) is the family name beside a given name, else the whole name.
fn plain_name(detected: &Detected, columns: &mut BTreeMap<Field, Vec<usize>>) {
    let filled = |field: Field| columns.get(&field).is_some_and(|found| !found.is_empty());
    if !filled(Field::FirstName) || filled(Field::LastName) || columns.contains_key(&Field::LastName) {
        return;
    }
    let Some(&index) = columns.get(&Field::FullName).and_then(|found| found.first()) else {
        return;
    };
    let name = detected.columns.get(index).map(|name| names::fold(name)).unwrap_or_default();
    if matches!(name.as_str(), "nom" | "noms" | "name" | "contact" | "dirigeant") {
        columns.remove(&Field::FullName);
        columns.insert(Field::LastName, vec![index]);
    }
}

/// A header can lie about its column: names and companies are not e-mail addresses or links.
fn plausible(detected: &Detected, field: Field, index: usize) -> bool {
    let Some(profile) = detected.profiles.get(index) else {
        return true;
    };
    match field {
        Field::FirstName | Field::LastName | Field::FullName | Field::Company | Field::JobTitle => {
            profile.email < 0.5 && profile.url < 0.5 && (profile.number < 0.9 || profile.filled < 3)
        }
        _ => true,
    }
}

/// The e-mail column: the surest header whose cells do not contradict it, else the column whose
/// cells are mostly addresses.
fn email_column(detected: &Detected, taken: &[usize]) -> Option<usize> {
    let share = |index: usize| detected.profiles.get(index).map_or((0, 0.0), |p| (p.filled, p.email));
    let free = |index: &usize| !taken.contains(index);
    let named = (0..detected.columns.len()).filter(free).filter_map(|index| {
        let rank = names::rank(Field::Email, &detected.columns[index])?;
        // An empty column of the better name loses to one that has addresses.
        let (filled, email) = share(index);
        let level = if email >= 0.3 {
            0
        } else if filled == 0 {
            1
        } else {
            2
        };
        Some((level, rank, index))
    });
    let by_name = named.min();
    if let Some((0, _, index)) = by_name {
        return Some(index);
    }
    let width = detected.width.max(detected.profiles.len());
    let by_content = (0..width).filter(free).filter(|&index| share(index).1 >= 0.5);
    // `max_by` keeps the last of equals: look from the right to keep the first.
    let best = by_content.rev().max_by(|a, b| share(*a).1.total_cmp(&share(*b).1));
    best.or(by_name.map(|(_, _, index)| index))
}
