//! CSV that a spreadsheet can open without running it.
//!
//! Excel, LibreOffice and Google Sheets take a cell that begins with `=`, `+`, `-`, `@` or a control
//! character for a formula, and a formula can fetch a URL (OWASP, CSV injection; ASVS 5.0 1.2.10). An
//! apostrophe in front makes it text. Full-width forms count: East Asian versions accept them.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::parser::Reject;

/// Text that no spreadsheet takes for a formula: an apostrophe goes before anything that could start
/// one, NUL goes away.
#[must_use]
pub fn harmless(text: &str) -> Cow<'_, str> {
    let text = if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) };
    let mut first = text.chars().find(|c| !is_skipped(*c));
    if text.starts_with(['\t', '\r', '\n', '\u{B}', '\u{C}']) {
        first = Some('=');
    }
    match first {
        Some('=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠' | '﹢' | '﹣' | '﹦' | '﹫' | '−') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => text,
    }
}

/// What a spreadsheet passes over before it looks for a formula.
fn is_skipped(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{FEFF}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '"' | '\'')
}

/// A cell of a CSV file (RFC 4180), harmless and quoted where needed.
#[must_use]
pub fn cell(text: &str) -> Cow<'_, str> {
    let safe = harmless(text);
    let needs_quotes = safe.contains(['"', ',', ';', '\n', '\r', '\t']) || safe.starts_with(' ') || safe.ends_with(' ');
    if needs_quotes { Cow::Owned(format!("\"{}\"", safe.replace('"', "\"\""))) } else { safe }
}

/// A CSV file in the making: commas, CRLF, UTF-8 (RFC 4180).
pub struct Writer<W> {
    to: W,
}

impl<W: Write> Writer<W> {
    /// Starts a file with its header line.
    ///
    /// # Errors
    /// Whatever `to` answers.
    pub fn new(to: W, header: &[&str]) -> io::Result<Self> {
        let mut writer = Self { to };
        writer.row(header)?;
        Ok(writer)
    }

    /// Goes on with a file whose header line is already written.
    pub fn resume(to: W) -> Self {
        Self { to }
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Whatever the underlying writer answers.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T]) -> io::Result<()> {
        for (at, text) in cells.iter().enumerate() {
            if at > 0 {
                self.to.write_all(b",")?;
            }
            self.to.write_all(cell(text.as_ref()).as_bytes())?;
        }
        self.to.write_all(b"\r\n")
    }

    /// The underlying writer.
    pub fn into_inner(self) -> W {
        self.to
    }
}

/// The report of an import: one line for every row that was not taken.
pub struct RejectReport<W> {
    writer: Writer<W>,
}

impl<W: Write> RejectReport<W> {
    /// Starts a report with its header line.
    ///
    /// # Errors
    /// Whatever `to` answers.
    pub fn new(to: W) -> io::Result<Self> {
        Ok(Self { writer: Writer::new(to, &["line", "column", "reason"])? })
    }

    /// Goes on with a report whose header line is already written.
    pub fn resume(to: W) -> Self {
        Self { writer: Writer { to } }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Whatever the underlying writer answers.
    pub fn add(&mut self, reject: &Reject) -> io::Result<()> {
        let line = reject.line.to_string();
        self.writer.row(&[&line, reject.column.as_deref().unwrap_or(""), reject.reason.code()])
    }

    /// The underlying writer.
    pub fn into_inner(self) -> W {
        self.writer.to
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parser::RejectReason;

    #[test]
    fn nothing_reaches_a_formula() {
        for (given, expected) in [
            ("=1+1", "'=1+1"),
            ("+33 1 23", "'+33 1 23"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("\0=1", "'=1"),
            (" =1", "' =1"),
            ("\u{FEFF}=1", "'\u{FEFF}=1"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠A", "'＠A"),
            ("\"=1", "\"'\"\"=1\""),
            ("=\"a\",b", "\"'=\"\"a\"\",b\""),
            ("Anne", "Anne"),
            ("Martin, Anne", "\"Martin, Anne\""),
            ("a;b", "\"a;b\""),
            ("", ""),
            ("l'an", "l'an"),
        ] {
            assert_eq!(cell(given), expected, "{given:?}");
        }
    }

    #[test]
    fn a_report_has_one_line_for_each_reject() {
        let mut report = RejectReport::new(Vec::new()).expect("in memory");
        let reject = Reject { line: 7, column: Some("=E-mail".to_owned()), reason: RejectReason::InvalidEmail };
        report.add(&reject).expect("in memory");
        report.add(&Reject { line: 9, column: None, reason: RejectReason::UnreadableRow }).expect("in memory");
        let text = String::from_utf8(report.into_inner()).expect("UTF-8");
        assert_eq!(text, "line,column,reason\r\n7,'=E-mail,invalid_email\r\n9,,unreadable_row\r\n");
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_as_text(cells in prop::collection::vec(any::<String>(), 2..5)) {
            let mut writer = Writer::new(Vec::new(), &["a", "b"]).expect("in memory");
            writer.row(&cells).expect("in memory");
            let bytes = writer.into_inner();
            let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(bytes.as_slice());
            let row = reader.records().next().expect("a row").expect("readable");
            prop_assert_eq!(row.len(), cells.len());
            for (read, given) in row.iter().zip(&cells) {
                prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\0']));
                prop_assert_eq!(read, harmless(given));
            }
        }
    }
}
