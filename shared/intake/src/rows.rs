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

use crate::cut::{Cells, Fault, Format, MAX_ROW, Step, line_end, read};

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
