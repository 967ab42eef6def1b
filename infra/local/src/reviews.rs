//! `reviews`: which security review is due when (A53), from infra/policy/security.toml.

use std::io::Write;

use domain::{Timestamp, locale::Locale, policy::security};
use jiff::tz::TimeZone;

use crate::clock::system_now;

/// Prints every review with its last day and the day it is due.
///
/// # Errors
/// One is overdue, or standard output is closed.
pub fn run() -> anyhow::Result<()> {
    print(&mut std::io::stdout().lock(), system_now())
}

fn print(out: &mut impl Write, now: Timestamp) -> anyhow::Result<()> {
    let mut overdue = Vec::new();
    for review in &security::current().reviews {
        let due = review.due().to_zoned(TimeZone::get("Europe/Paris")?).date();
        let late = if review.due() <= now { "overdue" } else { "" };
        let what = review.what.get(Locale::En);
        writeln!(out, "{:<13} last {}  due {due}  {late:<8}{what}", review.id, review.last)?;
        if review.due() <= now {
            overdue.push(review.id.as_str());
        }
    }
    anyhow::ensure!(
        overdue.is_empty(),
        "overdue: {}. Do them, and enter the day in infra/policy/security.toml.",
        overdue.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a53_an_overdue_review_fails_from_its_second_on() {
        let first = security::current().reviews.iter().min_by_key(|review| review.due()).expect("a review");
        let mut out = Vec::new();
        let second = jiff::SignedDuration::from_secs(1);
        assert!(print(&mut out, first.due() - second).is_ok());
        let said = String::from_utf8(std::mem::take(&mut out)).unwrap();
        assert_eq!(said.lines().count(), security::current().reviews.len(), "{said}");
        assert!(!said.contains("overdue"), "{said}");
        let failure = print(&mut out, first.due()).unwrap_err().to_string();
        assert!(failure.contains(&first.id) && failure.contains("security.toml"), "{failure}");
    }
}
