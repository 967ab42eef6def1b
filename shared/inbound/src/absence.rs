//! Until when somebody is away, where they say so in French or English.

use jiff::civil::Date;

use crate::fold::fold;
use crate::limits;

/// Words before the day of a return or the last of an absence, as [`fold`] leaves them, and whether they are French:
/// `5/11/2025` is a day in November then.
const CUES: &[(&str, bool)] = &[
    ("back on", false),
    ("back in the office on", false),
    ("back at work on", false),
    ("be back", false),
    ("return on", false),
    ("return to the office on", false),
    ("returning on", false),
    ("returning to the office on", false),
    ("returning", false),
    ("until", false),
    ("till", false),
    ("through", false),
    ("de retour", true),
    ("retour le", true),
    ("retour au bureau le", true),
    ("retour prevu le", true),
    ("jusqu'au", true),
    ("je reviens le", true),
    ("reviendrai le", true),
    ("reprise le", true),
];

const MONTHS: &[(&str, i8)] = &[
    ("january", 1),
    ("february", 2),
    ("march", 3),
    ("april", 4),
    ("may", 5),
    ("june", 6),
    ("july", 7),
    ("august", 8),
    ("september", 9),
    ("october", 10),
    ("november", 11),
    ("december", 12),
    ("janvier", 1),
    ("fevrier", 2),
    ("mars", 3),
    ("avril", 4),
    ("mai", 5),
    ("juin", 6),
    ("juillet", 7),
    ("aout", 8),
    ("septembre", 9),
    ("octobre", 10),
    ("novembre", 11),
    ("decembre", 12),
];

/// How many words may stand between such words and the day: `de retour au bureau le lundi`.
const BETWEEN: usize = 5;

/// The day that `text` names. One without a year is the next of that name after the day the mail was `sent`; what
/// can be read in two ways is no day.
pub(crate) fn until(text: &str, sent: Option<Date>) -> Option<Date> {
    let text = fold(limits::cut(text, 4096));
    CUES.iter().find_map(|(cue, french)| {
        let (_, after) = text.split_once(cue)?;
        let words: Vec<&str> = after.split([' ', ',']).filter(|word| !word.is_empty()).take(BETWEEN + 3).collect();
        (0..words.len().min(BETWEEN)).find_map(|at| day(&words[at..], *french, sent))
    })
}

fn day(words: &[&str], french: bool, sent: Option<Date>) -> Option<Date> {
    let word = |index: usize| words.get(index).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let first = word(0)?;
    if let Some(date) = in_figures(first, french) {
        return Some(date);
    }
    // `12 december 2025`, `december 12th 2025`, `1er janvier`.
    let (day, month) = match (number(first), month(first)) {
        (Some(day), _) => (day, month(word(1)?)?),
        (None, Some(month)) => (number(word(1)?)?, month),
        (None, None) => return None,
    };
    match word(2).and_then(|year| year.parse().ok()).filter(|year| (2000..2100).contains(year)) {
        Some(year) => Date::new(year, month, day).ok(),
        None => {
            let sent = sent?;
            let years = [sent.year(), sent.year() + 1];
            years.into_iter().filter_map(|year| Date::new(year, month, day).ok()).find(|date| *date >= sent)
        }
    }
}

fn month(word: &str) -> Option<i8> {
    let full = MONTHS.iter().find(|(name, _)| *name == word);
    // `dec`, `sept.`, `janv.`: enough of a name to be the only one.
    let short = || MONTHS.iter().find(|(name, _)| word.len() >= 3 && name.starts_with(word) && word != "mar");
    full.or_else(short).map(|(_, month)| *month)
}

/// `12`, `12th`, `1er`.
fn number(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let end = &word[digits.len()..];
    let ordinal = ["", "st", "nd", "rd", "th", "er"].contains(&end);
    digits.parse().ok().filter(|day| ordinal && (1..=31).contains(day))
}

/// `2025-12-12`, `12/12/2025`, `12.12.25`.
fn in_figures(word: &str, french: bool) -> Option<Date> {
    if let Ok(date) = word.parse() {
        return Some(date);
    }
    let parts: Vec<i16> = word.split(['/', '.', '-']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let [first, second, year] = parts.as_slice() else { return None };
    let year = if *year < 100 { 2000 + year } else { *year };
    let (day, month) = match (first, second) {
        _ if french || *first > 12 => (first, second),
        _ if *second > 12 || first == second => (second, first),
        _ => return None,
    };
    Date::new(year, i8::try_from(*month).ok()?, i8::try_from(*day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_french_and_english() {
        let sent = "2025-11-06".parse().ok();
        for (text, expected) in [
            ("I am out of the office until 12 December 2025.", Some("2025-12-12")),
            ("I will be back on Monday, December 1st.", Some("2025-12-01")),
            ("I will be back in the office on 3 Jan", Some("2026-01-03")),
            ("Returning on 2025-12-24", Some("2025-12-24")),
            ("until 11/28/2025", Some("2025-11-28")),
            ("Je serai de retour au bureau le lundi 17 novembre.", Some("2025-11-17")),
            ("Je suis absent jusqu’au 05/12/2025 inclus", Some("2025-12-05")),
            ("de retour le 1er décembre", Some("2025-12-01")),
            ("absente jusqu'au 15 août 2026", Some("2026-08-15")),
            // Two readings, no day, or no date at all.
            ("until 11/12/2025", None),
            ("I will be back soon, after 3 days", None),
            ("until further notice", None),
            ("until 31 February 2026", None),
        ] {
            assert_eq!(until(text, sent).map(|date| date.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(until("back on 1 December", None), None, "the year cannot be known");
    }
}
