//! What the runner says: one line per invocation, the functions' own lines, notes.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

/// Lines kept for [`crate::Stack::logs`]; the oldest go first.
const KEPT: usize = 200_000;

/// The name under which the runner's own lines are kept.
const RUNNER: &str = "local";

/// One line that a function or the runner wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The binary: `local` for the runner itself.
    pub function: String,
    /// The line, without its end.
    pub line: String,
}

/// Prints unless quiet, and remembers every line.
pub(crate) struct Console {
    quiet: bool,
    lines: Mutex<VecDeque<LogLine>>,
}

impl Console {
    pub(crate) fn new(quiet: bool) -> Console {
        Console { quiet, lines: Mutex::default() }
    }

    /// A line of a function's standard output or error.
    pub(crate) fn function_line(&self, function: &str, line: String) {
        self.print(&format!("{function} | {line}"));
        self.keep(function, line);
    }

    fn keep(&self, function: &str, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(LogLine { function: function.to_owned(), line });
    }

    /// The line of one invocation. `trigger` holds route keys and queue names, never an address or a token.
    pub(crate) fn invocation(&self, now: Timestamp, function: &str, trigger: &str, took: Duration, outcome: &str) {
        let ms = took.as_secs_f64() * 1000.0;
        self.say(format!("{now:.0} {function:<12} {trigger:<34} {ms:>8.1} ms  {outcome}"));
    }

    /// Something the person at the terminal should know.
    pub(crate) fn note(&self, text: &str) {
        self.say(text.to_owned());
    }

    fn say(&self, line: String) {
        self.print(&line);
        self.keep(RUNNER, line);
    }

    pub(crate) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(std::sync::PoisonError::into_inner).iter().cloned().collect()
    }

    fn print(&self, line: &str) {
        if !self.quiet {
            // A closed standard output must not take the product down.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }
}
