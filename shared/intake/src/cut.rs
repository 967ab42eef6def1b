//! Cutting one row into cells, wherever its bytes come from.
//!
//! Rows without quotes, nearly all of them, are slices of the input. What quotes do is in
//! [`quoted`](crate::quoted).

use memchr::{memchr, memchr_iter, memchr2};

use crate::quoted::{Scan, quoted_row};

/// Longest row, in bytes. A longer one is one rejected row: 1 MiB holds 200 columns of 5 KB.
pub const MAX_ROW: usize = 1 << 20;

/// How a file is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    /// The character that makes the next one literal; `None` when quotes are escaped by doubling.
    pub(crate) escape: Option<u8>,
    /// Whether a lone CR ends a line. In a file of LF or CRLF lines it is just dirt in a cell.
    pub(crate) lone_cr: bool,
}

/// Why a row could not be cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quote that opens a cell is not closed properly, on this line or within [`MAX_ROW`].
    Unclosed,
    /// More than [`MAX_ROW`] bytes.
    TooLong,
}

/// What stands at the head of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A row of `len` bytes, line end included, over `lines` physical lines.
    Row { len: usize, lines: u64 },
    /// Not a row; the next one starts `len` bytes on. `lines` is 0 inside a line that is too long.
    /// `vain`: how many bytes were searched for a closing quote that is not there.
    Fault { len: usize, lines: u64, fault: Fault, vain: usize },
    /// The end of the row is not in the input yet.
    More,
}

/// Where the bytes of a cell are.
#[derive(Debug, Clone, Copy)]
struct Cell {
    start: usize,
    end: usize,
    /// In [`Cells::text`] rather than in the input: the cell had quotes or escapes to take out.
    copied: bool,
}

/// The cells of one row. Nearly all are slices of the input.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    list: Vec<Cell>,
    /// What was copied.
    pub(crate) text: Vec<u8>,
    /// Cells that stood in quotes.
    pub(crate) quoted: usize,
    /// Quotes inside a quoted cell that were neither doubled nor at its end.
    pub(crate) stray: usize,
}

impl Cells {
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The bytes of a cell. `input` is what [`read`] was given.
    pub(crate) fn get<'a>(&'a self, input: &'a [u8], index: usize) -> Option<&'a [u8]> {
        self.list.get(index).map(|cell| self.bytes(input, *cell))
    }

    pub(crate) fn iter<'a>(&'a self, input: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        self.list.iter().map(move |cell| self.bytes(input, *cell))
    }

    /// The cell as a slice of `row`, the input as text. `None` where it must be decoded by itself.
    pub(crate) fn within<'a>(&self, row: &'a str, index: usize) -> Option<&'a str> {
        let cell = self.list.get(index).filter(|cell| !cell.copied)?;
        row.get(cell.start..cell.end)
    }

    fn bytes<'a>(&'a self, input: &'a [u8], cell: Cell) -> &'a [u8] {
        let from = if cell.copied { self.text.as_slice() } else { input };
        &from[cell.start..cell.end]
    }

    pub(crate) fn slice(&mut self, start: usize, end: usize) {
        self.list.push(Cell { start, end, copied: false });
    }

    /// Ends the cell whose text was copied from `start` on.
    pub(crate) fn copied(&mut self, start: usize) {
        self.list.push(Cell { start, end: self.text.len(), copied: true });
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.text.clear();
        self.quoted = 0;
        self.stray = 0;
    }
}

/// The end of the line that `from` is in: (end of its text, start of the next line).
/// `None` when the input ends before it is known.
pub(crate) fn line_end(input: &[u8], from: usize, format: Format, last: bool) -> Option<(usize, usize)> {
    let rest = &input[from..];
    if !format.lone_cr {
        return match memchr(b'\n', rest) {
            Some(at) => {
                let lf = from + at;
                let end = if at > 0 && input[lf - 1] == b'\r' { lf - 1 } else { lf };
                Some((end, lf + 1))
            }
            None if last => {
                let end = input.len();
                let cut = if end > from && input[end - 1] == b'\r' { end - 1 } else { end };
                Some((cut, end))
            }
            None => None,
        };
    }
    match memchr2(b'\r', b'\n', rest) {
        Some(at) => {
            let end = from + at;
            if input[end] == b'\n' {
                return Some((end, end + 1));
            }
            match input.get(end + 1) {
                Some(b'\n') => Some((end, end + 2)),
                Some(_) => Some((end, end + 1)),
                None if last => Some((end, end + 1)),
                None => None,
            }
        }
        None if last => Some((input.len(), input.len())),
        None => None,
    }
}

/// Cuts the first row of `input` into cells. `last`: nothing comes after `input`.
/// `single_line`: no cell may span lines (set where an earlier scan proved that no quote closes).
pub(crate) fn read(input: &[u8], last: bool, format: Format, single_line: bool, cells: &mut Cells) -> Step {
    cells.clear();
    // What is decided must not depend on how much happens to be buffered.
    let capped = input.len() > MAX_ROW;
    let last = last && !capped;
    let input = if capped { &input[..=MAX_ROW] } else { input };

    let Some((end, next)) = line_end(input, 0, format, last) else {
        return if capped {
            Step::Fault { len: MAX_ROW, lines: 0, fault: Fault::TooLong, vain: 0 }
        } else {
            Step::More
        };
    };
    let line = &input[..end];
    let plain = format.quote.is_none_or(|quote| memchr(quote, line).is_none())
        && format.escape.is_none_or(|escape| memchr(escape, line).is_none());
    if plain {
        let mut start = 0;
        for at in memchr_iter(format.delimiter, line) {
            cells.slice(start, at);
            start = at + 1;
        }
        cells.slice(start, end);
        return Step::Row { len: next, lines: 1 };
    }
    let reach = if single_line { &input[..next] } else { input };
    let reach_is_last = last || single_line;
    match quoted_row(reach, end, reach_is_last, format, cells) {
        Scan::Row { len, lines } => Step::Row { len, lines },
        Scan::More if !capped => Step::More,
        failed => {
            cells.clear();
            let vain = match failed {
                Scan::Broken => 0,
                _ => reach.len(),
            };
            Step::Fault { len: next, lines: 1, fault: Fault::Unclosed, vain }
        }
    }
}

/// The length of the line end at `at`, 0 if there is none. `None`: the next byte is needed to know.
pub(crate) fn line_break(input: &[u8], at: usize, format: Format, last: bool) -> Option<usize> {
    match (input.get(at), input.get(at + 1)) {
        (Some(b'\n'), _) => Some(1),
        (Some(b'\r'), Some(b'\n')) => Some(2),
        (Some(b'\r'), None) => last.then_some(1),
        (Some(b'\r'), Some(_)) => Some(usize::from(format.lone_cr)),
        _ => Some(0),
    }
}
