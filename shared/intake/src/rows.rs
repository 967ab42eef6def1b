//! Bytes to rows, in constant memory, whatever the bytes are.
//!
//! This is not `csv-core` because three things are needed that it cannot do: say that a quote was
//! never closed and go *back* to the line after it (it would swallow the rest of the file), give a
//! row's byte offset so that an import can resume, and hand out cells without copying them. On
//! well-formed input it reads what the `csv` crate reads; a property test holds it to that.
//!
//! Text stays in the file's own encoding until a cell is needed: every encoding of one byte a
//! character, and UTF-8, keep ASCII where it is, so lines and delimiters can be found without
//! decoding. UTF-16 and the East Asian encodings do not; they are turned into UTF-8 on the way in.

use std::borrow::Cow;

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr, memchr_iter, memchr2};

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
    text: Vec<u8>,
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

    fn slice(&mut self, start: usize, end: usize) {
        self.list.push(Cell { start, end, copied: false });
    }

    /// Ends the cell whose text was copied from `start` on.
    fn copied(&mut self, start: usize) {
        self.list.push(Cell { start, end: self.text.len(), copied: true });
    }

    fn clear(&mut self) {
        self.list.clear();
        self.text.clear();
        self.quoted = 0;
        self.stray = 0;
    }
}

/// The end of the line that `from` is in: (end of its text, start of the next line).
/// `None` when the input ends before it is known.
fn line_end(input: &[u8], from: usize, format: Format, last: bool) -> Option<(usize, usize)> {
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
fn line_break(input: &[u8], at: usize, format: Format, last: bool) -> Option<usize> {
    match (input.get(at), input.get(at + 1)) {
        (Some(b'\n'), _) => Some(1),
        (Some(b'\r'), Some(b'\n')) => Some(2),
        (Some(b'\r'), None) => last.then_some(1),
        (Some(b'\r'), Some(_)) => Some(usize::from(format.lone_cr)),
        _ => Some(0),
    }
}

enum Scan {
    Row {
        len: usize,
        lines: u64,
    },
    /// A quote that opens a cell has no proper end.
    Broken,
    /// The same, and all the input was searched for one.
    Unclosed,
    More,
}

/// The slow path: a row with a quote or an escape in its first line.
fn quoted_row(input: &[u8], line_end: usize, last: bool, format: Format, cells: &mut Cells) -> Scan {
    let mut at = 0;
    let mut lines = 1;
    loop {
        if let Some(next) = plain_cell(input, at, line_end, format, cells) {
            at = next;
            continue;
        }
        let start = cells.text.len();
        let mut opening = at;
        while input.get(opening) == Some(&b' ') {
            opening += 1;
        }
        if format.quote.is_some() && input.get(opening).copied() == format.quote {
            match quoted_cell(input, opening + 1, last, format, cells) {
                Quoted::Closed { at: after, lines: more } => {
                    at = after;
                    lines += more;
                    cells.quoted += 1;
                }
                Quoted::Broken => return Scan::Broken,
                Quoted::Unclosed => return Scan::Unclosed,
                Quoted::More => return Scan::More,
            }
        }
        // The rest of an unquoted cell, or what follows a closing quote: up to a delimiter or line end.
        loop {
            match input.get(at).copied() {
                None if last => {
                    cells.copied(start);
                    return Scan::Row { len: at, lines };
                }
                None => return Scan::More,
                Some(b) if b == format.delimiter => {
                    cells.copied(start);
                    at += 1;
                    break;
                }
                Some(b @ (b'\n' | b'\r')) => match line_break(input, at, format, last) {
                    Some(0) => {
                        cells.text.push(b);
                        at += 1;
                    }
                    Some(len) => {
                        cells.copied(start);
                        return Scan::Row { len: at + len, lines };
                    }
                    None => return Scan::More,
                },
                Some(b) if Some(b) == format.escape => match input.get(at + 1) {
                    Some(&next) if next == format.delimiter || Some(next) == format.quote || next == b => {
                        cells.text.push(next);
                        at += 2;
                    }
                    None if !last => return Scan::More,
                    _ => {
                        cells.text.push(b);
                        at += 1;
                    }
                },
                Some(b) => {
                    cells.text.push(b);
                    at += 1;
                }
            }
        }
    }
}

/// A cell that needs nothing taken out, within the row's first line and with a delimiter after it:
/// `abc;` or `"abc";`. Gives the start of the next cell, or `None` when it takes a closer look.
fn plain_cell(input: &[u8], at: usize, line_end: usize, format: Format, cells: &mut Cells) -> Option<usize> {
    if format.escape.is_some() || at >= line_end {
        return None;
    }
    let line = &input[..line_end];
    if format.quote.is_some() && line.get(at).copied() == format.quote {
        let close = at + 1 + memchr(line[at], &line[at + 1..])?;
        if line.get(close + 1) != Some(&format.delimiter) {
            return None;
        }
        cells.slice(at + 1, close);
        cells.quoted += 1;
        return Some(close + 2);
    }
    if line[at] == b' ' {
        return None;
    }
    let end = at + memchr(format.delimiter, &line[at..])?;
    cells.slice(at, end);
    Some(end + 1)
}

enum Quoted {
    /// The cell's text is in `cells`; `at` is the byte after the closing quote.
    Closed {
        at: usize,
        lines: u64,
    },
    Broken,
    Unclosed,
    More,
}

/// The inside of a quoted cell. People forget to double quotes (`"the "best" one"`), so a quote only
/// closes where a cell can end. Across lines that leniency would run away with the file: there, a
/// quote in the middle of text means that the opening one was a mistake.
fn quoted_cell(input: &[u8], from: usize, last: bool, format: Format, cells: &mut Cells) -> Quoted {
    let Some(quote) = format.quote else {
        return Quoted::Broken;
    };
    let mut at = from;
    let mut lines = 0;
    // Where on this line a quote ends a cell: found once a line, so that the scan stays linear.
    let mut proper: Option<Option<usize>> = None;
    loop {
        let Some(&b) = input.get(at) else {
            return if last { Quoted::Unclosed } else { Quoted::More };
        };
        if Some(b) == format.escape {
            match input.get(at + 1) {
                Some(&next) if next == quote || next == b => {
                    cells.text.push(next);
                    at += 2;
                    continue;
                }
                None if !last => return Quoted::More,
                _ => {}
            }
        } else if b == quote {
            match input.get(at + 1) {
                Some(&next) if next == quote && format.escape.is_none() => {
                    cells.text.push(quote);
                    at += 2;
                    continue;
                }
                None if !last => return Quoted::More,
                _ => {}
            }
            match ends_cell(input, at + 1, last, format) {
                Some(true) => return Quoted::Closed { at: at + 1, lines },
                None => return Quoted::More,
                Some(false) if lines > 0 => return Quoted::Broken,
                Some(false) => {
                    let known = proper.is_some_and(|end| end.is_none_or(|end| end > at));
                    if !known {
                        let Some(found) = proper_end(input, at + 1, last, format, quote) else {
                            return Quoted::More;
                        };
                        proper = Some(found);
                    }
                    if proper.is_some_and(|end| end.is_none()) {
                        // No better end on this line: it closes here, and what follows is text.
                        cells.stray += 1;
                        return Quoted::Closed { at: at + 1, lines };
                    }
                    cells.stray += 1;
                }
            }
        } else if b == b'\n' || b == b'\r' {
            match line_break(input, at, format, last) {
                Some(0) => {}
                Some(len) => {
                    cells.text.extend_from_slice(&input[at..at + len]);
                    at += len;
                    lines += 1;
                    proper = None;
                    continue;
                }
                None => return Quoted::More,
            }
        }
        cells.text.push(b);
        at += 1;
    }
}

/// Whether a cell can end at `at`: spaces, then a delimiter, a line end or the end of the file.
fn ends_cell(input: &[u8], mut at: usize, last: bool, format: Format) -> Option<bool> {
    while input.get(at) == Some(&b' ') && format.delimiter != b' ' {
        at += 1;
    }
    match input.get(at) {
        None => last.then_some(true),
        Some(&b) => Some(b == format.delimiter || b == b'\n' || b == b'\r'),
    }
}

/// The next quote on this line that ends a cell. The outer `None`: more input is needed to know.
fn proper_end(input: &[u8], from: usize, last: bool, format: Format, quote: u8) -> Option<Option<usize>> {
    let (end, _) = line_end(input, from, format, last)?;
    for at in memchr_iter(quote, &input[from..end]) {
        if ends_cell(input, from + at + 1, last, format)? {
            return Some(Some(from + at));
        }
    }
    Some(None)
}

/// How the bytes of a cell become text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellEncoding(pub(crate) &'static Encoding);

impl CellEncoding {
    /// A whole row as text, where that takes no decoding.
    pub(crate) fn whole(self, row: &[u8]) -> Option<&str> {
        if self.0 == UTF_8 || row.is_ascii() { std::str::from_utf8(row).ok() } else { None }
    }

    /// The text of a cell. A cell that is not valid UTF-8 in a file that otherwise is was pasted in
    /// from an old system: reading it as Windows-1252 gives the accents back.
    pub(crate) fn decode<'a>(self, bytes: &'a [u8]) -> Cow<'a, str> {
        if self.0 == UTF_8 {
            return match std::str::from_utf8(bytes) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
            };
        }
        self.0.decode_without_bom_handling(bytes).0
    }
}

/// Whether line ends and delimiters can be found in the file's own bytes.
pub(crate) fn keeps_ascii(encoding: &'static Encoding) -> bool {
    encoding == UTF_8 || encoding.is_single_byte()
}

/// Where the next unread row starts: enough to resume reading a file there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Offset in the file's own bytes.
    pub byte: u64,
    /// Physical lines before it.
    pub lines: u64,
}

/// A push parser of rows: bytes in, cells out.
pub(crate) struct Rows {
    format: Format,
    pub(crate) cells: CellEncoding,
    decoder: Option<Decoder>,
    /// Bytes of the source for one UTF-16 unit; 0 where source offsets are unknown.
    unit: u64,
    buffer: Vec<u8>,
    start: usize,
    position: Position,
    /// Not worth looking before the buffer holds this much: keeps rows in tiny chunks linear.
    wait_for: usize,
    /// Rows that start before this many bytes from `start` may not span lines.
    distrusted: usize,
    /// In the middle of a line that was given up.
    skipping: bool,
    /// Lines to skip unread (title lines).
    skip_lines: u64,
    /// The first bytes may still be a byte order mark.
    at_head: bool,
    /// A cell of the file was quoted.
    pub(crate) quoted: bool,
    scratch: Cells,
}

/// One row or fault, handed to the caller of [`Rows::push`].
pub(crate) struct Found<'a> {
    /// 1-based physical line on which the row starts.
    pub(crate) line: u64,
    /// The cells, or why there are none.
    pub(crate) row: Result<(&'a Cells, &'a [u8]), Fault>,
}

impl Rows {
    pub(crate) fn new(encoding: &'static Encoding, format: Format, skip_lines: u64) -> Self {
        let keeps = keeps_ascii(encoding);
        let wide = encoding == UTF_16LE || encoding == UTF_16BE;
        Self {
            format,
            cells: CellEncoding(if keeps { encoding } else { UTF_8 }),
            decoder: (!keeps).then(|| encoding.new_decoder_without_bom_handling()),
            unit: if wide { 2 } else { 0 },
            buffer: Vec::new(),
            start: 0,
            position: Position::default(),
            wait_for: 0,
            distrusted: 0,
            skipping: false,
            skip_lines,
            at_head: true,
            quoted: false,
            scratch: Cells::default(),
        }
    }

    /// A reader for the bytes from `position` on. `None` where the encoding gives no offsets.
    pub(crate) fn resume(
        encoding: &'static Encoding,
        format: Format,
        skip_lines: u64,
        position: Position,
    ) -> Option<Self> {
        let mut rows = Self::new(encoding, format, skip_lines.saturating_sub(position.lines));
        if position.byte > 0 {
            if rows.decoder.is_some() && rows.unit == 0 {
                return None;
            }
            rows.at_head = false;
        }
        rows.position = position;
        Some(rows)
    }

    /// Where the next unread row starts. `None` where the encoding gives no offsets, and inside a
    /// row that is being skipped.
    pub(crate) fn position(&self) -> Option<Position> {
        ((self.decoder.is_none() || self.unit > 0) && !self.skipping && self.distrusted == 0).then_some(self.position)
    }

    pub(crate) fn push(&mut self, chunk: &[u8], sink: &mut impl FnMut(Found<'_>)) {
        // Large chunks are taken in slices, so that the buffer stays within two rows.
        for part in chunk.chunks(MAX_ROW / 4) {
            self.append(part, false);
            self.drain(false, sink);
        }
    }

    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Found<'_>)) {
        self.append(&[], true);
        self.drain(true, sink);
    }

    fn append(&mut self, chunk: &[u8], last: bool) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let Some(decoder) = &mut self.decoder else {
            self.buffer.extend_from_slice(chunk);
            self.strip_bom();
            return;
        };
        let needed = decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(chunk.len() * 3 + 16);
        let old = self.buffer.len();
        self.buffer.resize(old + needed, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(chunk, &mut self.buffer[old..], last);
        self.buffer.truncate(old + written);
        self.strip_bom();
    }

    /// A byte order mark is no text; in a transcoded file it arrives as U+FEFF.
    fn strip_bom(&mut self) {
        const MARK: &[u8] = "\u{FEFF}".as_bytes();
        if !self.at_head || self.cells.0 != UTF_8 {
            self.at_head = false;
            return;
        }
        let head = &self.buffer[self.start..];
        if head.len() < MARK.len() && MARK.starts_with(head) {
            return;
        }
        if head.starts_with(MARK) {
            self.start += MARK.len();
            self.position.byte += if self.decoder.is_some() { self.unit } else { MARK.len() as u64 };
        }
        self.at_head = false;
    }

    fn advance(&mut self, len: usize, lines: u64) {
        let passed = &self.buffer[self.start..self.start + len];
        self.position.byte += match (&self.decoder, self.unit) {
            (None, _) => len as u64,
            (Some(_), unit) => {
                // A character of four bytes in UTF-8 is a surrogate pair; every other is one unit.
                let units = passed.iter().filter(|&&b| !(0x80..0xC0).contains(&b)).count()
                    + passed.iter().filter(|&&b| b >= 0xF0).count();
                units as u64 * unit
            }
        };
        self.position.lines += lines;
        self.start += len;
        self.distrusted = self.distrusted.saturating_sub(len);
        self.wait_for = 0;
    }

    fn drain(&mut self, last: bool, sink: &mut impl FnMut(Found<'_>)) {
        if self.at_head && !last {
            return;
        }
        let mut cells = std::mem::take(&mut self.scratch);
        loop {
            let have = self.buffer.len() - self.start;
            if have == 0 || (!last && have < self.wait_for) {
                break;
            }
            if self.skipping || self.skip_lines > 0 {
                let input = &self.buffer[self.start..];
                match line_end(input, 0, self.format, last) {
                    Some((_, next)) => {
                        self.advance(next, 1);
                        self.skip_lines = self.skip_lines.saturating_sub(u64::from(!self.skipping));
                        self.skipping = false;
                    }
                    // Keep the last byte: it may be the CR of a CRLF.
                    None if have > 1 => self.advance(have - 1, 0),
                    None => break,
                }
                continue;
            }
            let input = &self.buffer[self.start..];
            let step = read(input, last, self.format, self.distrusted > 0, &mut cells);
            let line = self.position.lines + 1;
            match step {
                Step::Row { len, lines } => {
                    self.quoted |= cells.quoted > 0;
                    sink(Found { line, row: Ok((&cells, &input[..len])) });
                    self.advance(len, lines);
                }
                Step::Fault { len, lines, fault, vain } => {
                    sink(Found { line, row: Err(fault) });
                    // Where a search was in vain, a quote must close on its line: a file made of
                    // such lines would otherwise cost a search each.
                    self.distrusted = self.distrusted.max(vain);
                    self.advance(len, lines);
                    self.skipping = lines == 0;
                }
                Step::More if last => break,
                Step::More => {
                    self.wait_for = (have + have / 2).min(MAX_ROW + 1);
                    break;
                }
            }
        }
        self.scratch = cells;
    }
}
