//! What was found out about a file from its first bytes.

use std::fmt;

use encoding_rs::Encoding;
use serde::{Serialize, Serializer};

use crate::cut::Format;

/// How a file is written and where its table starts. Made by [`crate::detect()`].
#[derive(Clone, Serialize)]
pub struct Detected {
    /// The encoding; serialises as its WHATWG label in lower case: `utf-8`, `windows-1252`, `utf-16le`.
    #[serde(serialize_with = "label")]
    pub encoding: &'static Encoding,
    /// What stands between two cells.
    pub delimiter: char,
    /// What may stand around a cell: `"`, also where no cell of the sample is quoted, for a later one may
    /// be. `None` where cells begin with quotes that do not quote.
    pub quote: Option<char>,
    /// What makes the next character literal; `None` when quotes are escaped by doubling.
    pub escape: Option<char>,
    /// Whether the table begins with the names of its columns.
    pub header: bool,
    /// The physical line, from 1, on which the header starts.
    pub header_line: Option<u64>,
    /// The physical line, from 1, on which the first row of data starts.
    pub first_data_line: u64,
    /// The names of the columns, as the file writes them; empty without a header.
    #[serde(skip)]
    pub columns: Vec<String>,
    /// How many cells most rows have.
    #[serde(skip)]
    pub width: usize,
    /// What the cells of each column look like.
    #[serde(skip)]
    pub(crate) profiles: Vec<Profile>,
    /// Mean bytes of a row in the sample, to estimate how many rows a file has.
    #[serde(skip)]
    pub(crate) bytes_per_row: f64,
    /// How the reader cuts lines.
    #[serde(skip)]
    pub(crate) format: Format,
}

/// What the sampled cells of a column hold, as shares of those that are not empty.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Profile {
    pub(crate) filled: usize,
    pub(crate) email: f64,
    pub(crate) number: f64,
    pub(crate) url: f64,
}

impl Detected {
    /// The encoding's WHATWG label in lower case.
    #[must_use]
    pub fn encoding_label(&self) -> String {
        self.encoding.name().to_ascii_lowercase()
    }

    /// About how many rows a file of `bytes` bytes has: sizes a [`crate::Seen`].
    #[must_use]
    pub fn expected_rows(&self, bytes: u64) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an estimate; a float to integer cast saturates"
        )]
        let rows = (bytes as f64 / self.bytes_per_row.max(4.0)) as usize;
        rows
    }
}

impl fmt::Debug for Detected {
    // Without the columns' names: where the header was guessed wrong they are somebody's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detected")
            .field("encoding", &self.encoding.name())
            .field("delimiter", &self.delimiter)
            .field("quote", &self.quote)
            .field("escape", &self.escape)
            .field("header_line", &self.header_line)
            .field("first_data_line", &self.first_data_line)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

fn label<S: Serializer>(encoding: &&'static Encoding, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encoding.name().to_ascii_lowercase())
}
