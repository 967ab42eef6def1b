//! One measured figure and its bar.

use comfy_table::Table;
use serde::Serialize;

use crate::demo::screen::table;

/// What a figure has to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bar {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Bar {
    fn met(self, value: f64) -> bool {
        match self {
            Bar::AtMost(most) => value <= most,
            Bar::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Bar::AtMost(most) => format!("≤ {}", number(most)),
            Bar::AtLeast(least) => format!("≥ {}", number(least)),
        }
    }
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    pub(super) bar: Option<Bar>,
    pub(super) met: Option<bool>,
    pub(super) note: String,
}

impl Figure {
    pub(super) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Figure {
        Figure { what: what.into(), value, unit, bar: None, met: None, note: String::new() }
    }

    /// Holds it against a bar.
    pub(super) fn bar(mut self, bar: Bar) -> Figure {
        (self.bar, self.met) = (Some(bar), Some(bar.met(self.value)));
        self
    }

    /// How it was measured.
    pub(super) fn note(mut self, note: impl Into<String>) -> Figure {
        self.note = note.into();
        self
    }
}

/// All of them as a table.
pub(super) fn listed(figures: &[Figure]) -> Table {
    let rows = figures.iter().map(|figure| {
        let met = match figure.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        vec![
            figure.what.clone(),
            figure.note.clone(),
            format!("{} {}", number(figure.value), figure.unit),
            figure.bar.map(Bar::text).unwrap_or_default(),
            met.to_owned(),
        ]
    });
    table(&["what", "how", "measured", "bar", ""], 2, rows)
}

/// Three significant digits, and thousands separated.
fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        _ if size >= 1_000.0 => crate::demo::screen::count(value.round() as u64),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// The one in the middle of durations, in milliseconds.
pub(super) fn median_ms(mut durations: Vec<std::time::Duration>) -> f64 {
    durations.sort_unstable();
    durations.get(durations.len() / 2).map_or(f64::NAN, |median| median.as_secs_f64() * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_up_to_itself() {
        let met = |value, bar| Figure::new("x", value, "s").bar(bar).met == Some(true);
        assert!(met(1.0, Bar::AtMost(1.0)) && !met(1.01, Bar::AtMost(1.0)));
        assert!(met(1.0, Bar::AtLeast(1.0)) && !met(0.99, Bar::AtLeast(1.0)));
        assert!(!met(f64::NAN, Bar::AtMost(1.0)) && !met(f64::NAN, Bar::AtLeast(1.0)));
    }

    #[test]
    fn numbers_keep_what_matters() {
        for (value, text) in
            [(0.0, "0"), (0.1234, "0.123"), (12.34, "12.3"), (123.4, "123"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(number(value), text);
        }
    }
}
