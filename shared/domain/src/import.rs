//! The state of an import and the arithmetic its counts obey.

use serde::{Deserialize, Serialize};

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStatus {
    /// Waiting for the file.
    AwaitingUpload,
    /// Reading it.
    Running,
    /// Every row is accounted for.
    Done,
    /// The file cannot be read at all; `failure` says why.
    Failed,
}

impl ImportStatus {
    /// Nobody reads the file any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// What became of the rows. `rows_read` is their sum, by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImportCounts {
    /// New prospects.
    pub created: u64,
    /// Prospects that the row changed.
    pub updated: u64,
    /// Prospects that already said what the row says.
    pub unchanged: u64,
    /// Rows whose address an earlier row of the same file had.
    pub duplicates: u64,
    /// Rows that cannot be used; the report says why, line by line.
    pub rejected: u64,
    /// Rows about a person who opted out or was erased: never revived.
    pub suppressed: u64,
    /// Of all these rows, those that say of a new or known person that they agreed to something being recorded, in a way
    /// that does not count: no day, no wording, a day that cannot be read or is to come.
    pub consents_left_out: u64,
}

impl ImportCounts {
    /// All rows accounted for.
    pub const fn rows_read(&self) -> u64 {
        self.created + self.updated + self.unchanged + self.duplicates + self.rejected + self.suppressed
    }
}
