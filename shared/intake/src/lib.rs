//! From the bytes of an uploaded file to prospect rows: detection, decoding, mapping, validation.
//!
//! Pure and streaming. The caller reads the first [`PREFIX`] bytes, asks [`detect()`] how the file is
//! written, makes a [`Mapping`], then pushes chunks through a [`Parser`]; memory does not grow with
//! the file. Nothing here knows where bytes come from or where rows go.
//!
//! ```ignore
//! let detected = intake::detect(&prefix, whole);
//! let mapping = Mapping::new(&detected, &request)?;
//! let mut parser = Parser::new(&detected, &mapping);
//! let mut seen = Seen::with_capacity(detected.expected_rows(bytes));
//! while let Some(chunk) = body.next().await {
//!     parser.push(&chunk?, &mut |outcome| …);
//! }
//! parser.finish(&mut |outcome| …);
//! ```

mod clean;
mod country;
mod cut;
mod detect;
mod detected;
mod dialect;
mod encoding;
pub mod export;
mod header;
mod inspect;
mod kinds;
pub mod mapping;
mod measure;
mod names;
mod parser;
mod quoted;
mod rows;
pub mod sample;
mod seen;
mod usable;

pub use clean::{MAX_CONSENT, MAX_NAME, MAX_NOTES, MAX_TAG, MAX_TAGS, is_hidden};
pub use cut::MAX_ROW;
pub use detect::{PREFIX, detect};
pub use detected::Detected;
pub use export::RejectReport;
pub use inspect::{InspectError, Inspection, inspect};
pub use mapping::{ColumnRef, Columns, Mapping, MappingError, Request};
pub use measure::{Measure, measure};
pub use names::{Field, OF_CLICKS, OF_OPENS};
pub use parser::{Consent, Outcome, Parser, ProspectRow, Reject, RejectReason};
pub use rows::Position;
pub use seen::Seen;
pub use usable::usable;
