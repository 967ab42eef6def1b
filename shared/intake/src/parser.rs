//! Rows to prospects: one outcome for every row, whatever it holds.
//!
//! [`Parser`] is pushed chunks, so that it works from async code without being async, and holds one
//! row at a time. Every row that is not empty gives exactly one [`Outcome`]: the sum of outcomes is the
//! number of rows read, and one bad row is one line of the report.

use std::fmt;

use domain::email::{AddressError, EmailAddress, NotProfessional, professional};
use serde::{Deserialize, Serialize};

use crate::clean::{self, EmailCell, MAX_CONSENT, MAX_NAME, MAX_NOTES};
use crate::country;
use crate::cut::{Cells, Fault};
use crate::detected::Detected;
use crate::mapping::Mapping;
use crate::names::{self, Field};
use crate::rows::{CellEncoding, Found, Position, Rows};

/// A row that can become a prospect: cleaned, and nothing but what A64 allows.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ProspectRow {
    /// The physical line, from 1, on which the row starts.
    pub line: u64,
    /// The address, a professional one.
    pub email: EmailAddress,
    /// Given name, at most [`MAX_NAME`] characters.
    pub first_name: Option<String>,
    /// Family name, at most [`MAX_NAME`] characters.
    pub last_name: Option<String>,
    /// Organisation, at most [`MAX_NAME`] characters.
    pub company: Option<String>,
    /// Role, at most [`MAX_NAME`] characters.
    pub job_title: Option<String>,
    /// Labels, without repeats.
    pub tags: Vec<String>,
    /// Free text, at most [`MAX_NOTES`] characters.
    pub notes: Option<String>,
    /// Lower-case language tag: `fr`.
    pub locale: Option<String>,
    /// ISO 3166-1 alpha-2 where the text is a country's name or code, else the text.
    pub country: Option<String>,
    /// That they agreed to have clicks recorded, where the row has its day or its wording; it counts with both.
    pub click_consent: Option<Box<Consent>>,
}

/// A consent as a row gives it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// The day, as the file writes it; blank where it has none.
    pub given_on: String,
    /// Whether they agreed to have openings recorded, too: a yes in the cell, in one of the languages that are read.
    pub opens: bool,
    /// How they agreed, at most [`MAX_CONSENT`] characters; blank where the file does not say.
    pub how: String,
}

impl fmt::Debug for ProspectRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProspectRow").field("line", &self.line).finish_non_exhaustive()
    }
}

/// A row that cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The physical line, from 1, on which the row starts.
    pub line: u64,
    /// The header of the column that is at fault, or `column 3`; none when it is the whole row.
    pub column: Option<String>,
    /// Why.
    pub reason: RejectReason,
}

/// Why a row is not taken. The codes are stable: reports and callers rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// No address, or no column of addresses.
    MissingEmail,
    /// Not an address by RFC 5321/6531.
    InvalidEmail,
    /// Letters outside ASCII before the @ (RFC 6531): no channel carries them, so nobody could tell the person anything.
    UnsupportedEmail,
    /// At a provider of personal mailboxes (A68).
    Freemail,
    /// At a service of throw-away mailboxes (A70).
    Disposable,
    /// The address, or the row, is longer than any real one.
    TooLong,
    /// A quote that is never closed.
    UnreadableRow,
    /// A total, a footnote or the header once more.
    NotData,
}

impl RejectReason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::MissingEmail,
        Self::InvalidEmail,
        Self::UnsupportedEmail,
        Self::Freemail,
        Self::Disposable,
        Self::TooLong,
        Self::UnreadableRow,
        Self::NotData,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MissingEmail => "missing_email",
            Self::InvalidEmail => "invalid_email",
            Self::UnsupportedEmail => "unsupported_email",
            Self::Freemail => "freemail",
            Self::Disposable => "disposable",
            Self::TooLong => "too_long",
            Self::UnreadableRow => "unreadable_row",
            Self::NotData => "not_data",
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It can become a prospect.
    Row(ProspectRow),
    /// It cannot.
    Reject(Reject),
}

/// Reads a file pushed in chunks of any size. Memory: one row, at most 1 MiB, and one chunk.
pub struct Parser {
    rows: Rows,
    plan: Plan,
}

impl Parser {
    /// A reader for a file from its first byte on.
    #[must_use]
    pub fn new(detected: &Detected, mapping: &Mapping) -> Self {
        let skip = detected.first_data_line.saturating_sub(1);
        Self { rows: Rows::new(detected.encoding, detected.format, skip), plan: Plan::new(detected, mapping) }
    }

    /// A reader for the bytes from `position` on, see [`Self::position`]. `None` for the East Asian
    /// encodings, where offsets are unknown: read the file from its beginning.
    #[must_use]
    pub fn resume(detected: &Detected, mapping: &Mapping, position: Position) -> Option<Self> {
        let skip = detected.first_data_line.saturating_sub(1);
        let rows = Rows::resume(detected.encoding, detected.format, skip, position)?;
        Some(Self { rows, plan: Plan::new(detected, mapping) })
    }

    /// Where the next unread row starts: every row before it has had its outcome. A reader resumed
    /// there gives the outcomes that this one would. `None` where that cannot be said; ask again later.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.rows.position()
    }

    /// Reads a chunk and hands out the outcome of every row that ends in it.
    pub fn push(&mut self, chunk: &[u8], sink: &mut impl FnMut(Outcome)) {
        let Self { rows, plan } = self;
        let encoding = rows.cells;
        rows.push(chunk, &mut |found| plan.decide(encoding, &found, sink));
    }

    /// Says that the file ends, and hands out what is left.
    pub fn finish(mut self, sink: &mut impl FnMut(Outcome)) {
        let Self { rows, plan } = &mut self;
        let encoding = rows.cells;
        rows.finish(&mut |found| plan.decide(encoding, &found, sink));
    }
}

/// The mapping, laid out for the hot path.
struct Plan {
    email: Option<usize>,
    email_name: Option<String>,
    email_header: String,
    first_name: Option<usize>,
    last_name: Option<usize>,
    full_name: Option<usize>,
    company: Option<usize>,
    job_title: Option<usize>,
    tags: Vec<usize>,
    notes: Vec<usize>,
    locale: Option<usize>,
    country: Option<usize>,
    click_consent_on: Option<usize>,
    click_consent: Option<usize>,
    click_consent_opens: Option<usize>,
    width: usize,
}

impl Plan {
    fn new(detected: &Detected, mapping: &Mapping) -> Self {
        let email = mapping.column(Field::Email);
        Self {
            email,
            email_name: email.map(|index| mapping.column_name(index)),
            email_header: email
                .and_then(|index| detected.columns.get(index))
                .map(|name| names::fold(name))
                .unwrap_or_default(),
            first_name: mapping.column(Field::FirstName),
            last_name: mapping.column(Field::LastName),
            full_name: mapping.column(Field::FullName),
            company: mapping.column(Field::Company),
            job_title: mapping.column(Field::JobTitle),
            tags: mapping.columns(Field::Tags).to_vec(),
            notes: mapping.columns(Field::Notes).to_vec(),
            locale: mapping.column(Field::Locale),
            country: mapping.column(Field::Country),
            click_consent_on: mapping.column(Field::ClickConsentOn),
            click_consent: mapping.column(Field::ClickConsent),
            click_consent_opens: mapping.column(Field::ClickConsentOpens),
            width: detected.width,
        }
    }

    fn decide(&self, encoding: CellEncoding, found: &Found<'_>, sink: &mut impl FnMut(Outcome)) {
        let line = found.line;
        let (cells, input) = match found.row {
            Ok(row) => row,
            Err(fault) => {
                let reason = match fault {
                    Fault::Unclosed => RejectReason::UnreadableRow,
                    Fault::TooLong => RejectReason::TooLong,
                };
                sink(Outcome::Reject(Reject { line, column: None, reason }));
                return;
            }
        };
        let row = Row { cells, input, text: encoding.whole(input), encoding };
        let reason = match row.map(self.email, clean::email).unwrap_or(EmailCell::Empty) {
            EmailCell::Found(email) if !email.is_ascii_local() => RejectReason::UnsupportedEmail,
            EmailCell::Found(email) => match professional(&email) {
                Ok(()) => return sink(Outcome::Row(self.prospect(line, email, &row))),
                Err(NotProfessional::Freemail) => RejectReason::Freemail,
                Err(NotProfessional::Disposable) => RejectReason::Disposable,
            },
            EmailCell::Empty if row.is_blank() => return,
            EmailCell::Empty if self.is_footer(&row) => RejectReason::NotData,
            EmailCell::Empty => RejectReason::MissingEmail,
            EmailCell::Invalid(_) if self.is_header_again(&row) || self.is_footer(&row) => RejectReason::NotData,
            EmailCell::Invalid(AddressError::TooLong | AddressError::LocalTooLong) => RejectReason::TooLong,
            EmailCell::Invalid(_) => RejectReason::InvalidEmail,
        };
        let column = if reason == RejectReason::NotData { None } else { self.email_name.clone() };
        sink(Outcome::Reject(Reject { line, column, reason }));
    }

    fn prospect(&self, line: u64, email: EmailAddress, row: &Row<'_>) -> ProspectRow {
        let name = |column| row.map(column, |text| clean::line(text, MAX_NAME)).flatten();
        let (mut first_name, mut last_name) = (name(self.first_name), name(self.last_name));
        if first_name.is_none()
            && last_name.is_none()
            && let Some(parts) = row.map(self.full_name, clean::split_name)
        {
            (first_name, last_name) = parts;
        }
        let mut tags = Vec::new();
        for &column in &self.tags {
            row.map(Some(column), |text| clean::tags(text, &mut tags));
        }
        let mut notes: Option<String> = None;
        for &column in &self.notes {
            let Some(more) = row.map(Some(column), |text| clean::paragraph(text, MAX_NOTES)).flatten() else {
                continue;
            };
            notes = match notes {
                Some(text) => clean::paragraph(&format!("{text}\n{more}"), MAX_NOTES),
                None => Some(more),
            };
        }
        ProspectRow {
            line,
            email,
            first_name,
            last_name,
            company: name(self.company),
            job_title: name(self.job_title),
            tags,
            notes,
            locale: row.map(self.locale, clean::locale).flatten(),
            country: row.map(self.country, country::read).flatten(),
            click_consent: self.consent(row),
        }
    }

    fn consent(&self, row: &Row<'_>) -> Option<Box<Consent>> {
        let cell = |column, most| row.map(column, |cell| clean::line(cell, most)).flatten();
        let (given_on, how) = (cell(self.click_consent_on, MAX_NAME), cell(self.click_consent, MAX_CONSENT));
        if given_on.is_none() && how.is_none() {
            return None;
        }
        let (given_on, how) = (given_on.unwrap_or_default(), how.unwrap_or_default());
        let opens = row.map(self.click_consent_opens, clean::is_yes).unwrap_or_default();
        Some(Box::new(Consent { given_on, how, opens }))
    }

    /// The header once more, as files glued together have it.
    fn is_header_again(&self, row: &Row<'_>) -> bool {
        !self.email_header.is_empty()
            && row.map(self.email, |text| names::fold(text) == self.email_header) == Some(true)
    }

    /// A total, a count, a source or a remark after the data.
    fn is_footer(&self, row: &Row<'_>) -> bool {
        let mut filled = row.texts().filter(|text| !text.trim().is_empty());
        let Some(first) = filled.next() else {
            return false;
        };
        let others = filled.count();
        if others == 0 && row.cells.len() < self.width {
            return true;
        }
        const WORDS: [&str; 22] = [
            "total",
            "totaux",
            "soustotal",
            "grandtotal",
            "subtotal",
            "totalgeneral",
            "sum",
            "somme",
            "moyenne",
            "average",
            "count",
            "nombre",
            "nb",
            "source",
            "sources",
            "note",
            "notes",
            "nota",
            "genere",
            "generated",
            "exporte",
            "exported",
        ];
        let folded = first.split(|c: char| c.is_whitespace() || c == ':').next().map(names::fold).unwrap_or_default();
        let whole = names::fold(&first);
        let known = WORDS.contains(&folded.as_str()) || WORDS.contains(&whole.as_str()) || whole.starts_with("total");
        known
            && (others == 0
                || whole.starts_with("tota")
                || row.texts().skip(1).all(|text| !text.chars().any(char::is_alphabetic)))
    }
}

/// The cells of a row as text, decoded when asked for.
struct Row<'a> {
    cells: &'a Cells,
    input: &'a [u8],
    /// All of the input, where it is valid as it is: checking a row once is faster than every cell.
    text: Option<&'a str>,
    encoding: CellEncoding,
}

impl Row<'_> {
    fn map<T>(&self, column: Option<usize>, with: impl FnOnce(&str) -> T) -> Option<T> {
        let column = column?;
        if let Some(text) = self.text.and_then(|text| self.cells.within(text, column)) {
            return Some(with(text));
        }
        let bytes = self.cells.get(self.input, column)?;
        Some(with(&self.encoding.decode(bytes)))
    }

    fn texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        self.cells.iter(self.input).map(|bytes| self.encoding.decode(bytes))
    }

    /// Spreadsheets write thousands of rows of nothing but delimiters: they are not rows.
    fn is_blank(&self) -> bool {
        self.texts().all(|text| text.chars().all(|c| c.is_whitespace() || c.is_control() || c == '\u{FEFF}'))
    }
}
