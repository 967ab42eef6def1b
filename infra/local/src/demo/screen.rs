//! What the demo shows on the way: bars on a terminal, plain lines anywhere else.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Lines that a bar becomes where there is no terminal.
const LINES: u64 = 4;

/// Standard output.
pub(crate) struct Screen {
    terminal: bool,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        Screen { terminal: std::io::stdout().is_terminal() }
    }

    /// One line.
    #[expect(clippy::print_stdout, reason = "a command speaks to its terminal")]
    pub(crate) fn say(&self, line: &str) {
        println!("{line}");
    }

    /// A bar up to `total`.
    pub(crate) fn bar(&self, label: &str, total: u64) -> Bar {
        let drawn = self.terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stdout());
            let template = "  {prefix:<10} {wide_bar} {human_pos} of {human_len}, {elapsed}";
            bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(label.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Bar { drawn, label: label.to_owned(), total, said: Cell::new(0) }
    }
}

/// Something under way. What is drawn goes away with it.
pub(crate) struct Bar {
    drawn: Option<ProgressBar>,
    label: String,
    total: u64,
    /// Quarters that were told.
    said: Cell<u64>,
}

impl Bar {
    /// Moves to a position.
    #[expect(clippy::print_stdout, reason = "a command speaks to its terminal")]
    pub(crate) fn at(&self, position: u64) {
        if let Some(bar) = &self.drawn {
            bar.set_position(position);
            return;
        }
        let reached = (position * LINES).checked_div(self.total).unwrap_or(LINES);
        if reached > self.said.get() {
            self.said.set(reached);
            println!("  {:<10} {} of {}", self.label, count(position), count(self.total));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

/// `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A table whose columns but the first `words` are numbers.
pub(crate) fn table(header: &[&str], words: usize, rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(words) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), text);
        }
    }
}
