//! What must be true after the main job, and whether it is.

use std::fmt::Debug;

/// One statement about the run.
struct Check {
    what: String,
    held: bool,
    seen: String,
}

/// All of them, in the order they were looked at.
#[derive(Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    /// `seen` has to be what was `expected`.
    pub(super) fn equal<T: PartialEq + Debug>(&mut self, what: &str, seen: &T, expected: &T) {
        let held = seen == expected;
        let seen = if held { format!("{seen:?}") } else { format!("{seen:?}, not {expected:?}") };
        self.0.push(Check { what: what.to_owned(), held, seen });
    }

    /// Whether every one held.
    pub(super) fn all_held(&self) -> bool {
        self.0.iter().all(|check| check.held)
    }

    /// A line for each.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|Check { what, held, seen }| format!("  {} {what}: {seen}", if *held { "✓" } else { "✗" }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_hold_is_told_with_what_was_seen() {
        let mut checks = Checks::default();
        checks.equal("a", &1, &1);
        assert!(checks.all_held());
        checks.equal("b", &1, &2);
        assert!(!checks.all_held());
        assert_eq!(checks.lines().collect::<Vec<_>>(), ["  ✓ a: 1", "  ✗ b: 1, not 2"]);
    }
}
