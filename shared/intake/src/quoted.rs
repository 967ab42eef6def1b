//! Rows with quotes in them, as people and programs really write them.

use memchr::{memchr, memchr_iter};

use crate::cut::{Cells, Format, line_break, line_end};

/// What came of reading a row.
pub(crate) enum Scan {
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
pub(crate) fn quoted_row(input: &[u8], line_end: usize, last: bool, format: Format, cells: &mut Cells) -> Scan {
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
