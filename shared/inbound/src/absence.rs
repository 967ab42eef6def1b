//! Until when somebody is away, where they say so in French, English, German or Spanish.

use jiff::civil::Date;

use crate::fold::fold;
use crate::limits;

/// Words before the day of a return or the last of an absence, as [`fold`] leaves them, and whether the day comes first
/// in their language: `5/11/2025` is a day in November then.
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
    ("wieder ab", true),
    ("wieder am", true),
    ("zuruck am", true),
    ("zuruck ab", true),
    ("ab dem", true),
    ("bis zum", true),
    ("bis einschliesslich", true),
    ("bis", true),
    ("de vuelta el", true),
    ("de regreso el", true),
    ("regreso el", true),
    ("regresare el", true),
    ("vuelvo el", true),
    ("volvere el", true),
    ("hasta el", true),
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
    ("januar", 1),
    ("februar", 2),
    ("marz", 3),
    ("juni", 6),
    ("juli", 7),
    ("oktober", 10),
    ("dezember", 12),
    ("enero", 1),
    ("febrero", 2),
    ("marzo", 3),
    ("abril", 4),
    ("mayo", 5),
    ("junio", 6),
    ("julio", 7),
    ("agosto", 8),
    ("septiembre", 9),
    ("octubre", 10),
    ("noviembre", 11),
    ("diciembre", 12),
];

/// How many words may stand between such words and the day: `de retour au bureau le lundi`.
const BETWEEN: usize = 5;

/// The day that `text` names. One without a year is the next of that name after the day the mail was `sent`; what
/// can be read in two ways is no day.
pub(crate) fn until(text: &str, sent: Option<Date>) -> Option<Date> {
    let text = fold(limits::cut(text, 4096));
    CUES.iter().find_map(|(cue, day_first)| {
        let (_, after) = text.split_once(cue)?;
        // `12 de diciembre de 2025`.
        let words = after.split([' ', ',']).filter(|word| !word.is_empty() && *word != "de" && *word != "del");
        let words: Vec<&str> = words.take(BETWEEN + 3).collect();
        (0..words.len().min(BETWEEN)).find_map(|at| day(&words[at..], *day_first, sent))
    })
}

fn day(words: &[&str], day_first: bool, sent: Option<Date>) -> Option<Date> {
    let word = |index: usize| words.get(index).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let first = word(0)?;
    if let Some(date) = in_figures(first, day_first, sent) {
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
        None => next(day, month, sent?),
    }
}

/// The next day of this name.
fn next(day: i8, month: i8, sent: Date) -> Option<Date> {
    let years = [sent.year(), sent.year() + 1];
    years.into_iter().filter_map(|year| Date::new(year, month, day).ok()).find(|date| *date >= sent)
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

/// `2025-12-12`, `12/12/2025`, `12.12.25`, `12/12`, `12.12.`
fn in_figures(word: &str, day_first: bool, sent: Option<Date>) -> Option<Date> {
    if let Ok(date) = word.parse() {
        return Some(date);
    }
    let parts: Vec<i16> = word.split(['/', '.', '-']).map(str::parse).collect::<Result<_, _>>().ok()?;
    let (first, second, year) = match parts.as_slice() {
        [first, second, year] => (first, second, Some(if *year < 100 { 2000 + year } else { *year })),
        [first, second] => (first, second, None),
        _ => return None,
    };
    let (day, month) = match (first, second) {
        _ if day_first || *first > 12 => (first, second),
        _ if *second > 12 || first == second => (second, first),
        _ => return None,
    };
    let (day, month) = (i8::try_from(*day).ok()?, i8::try_from(*month).ok()?);
    match year {
        Some(year) => Date::new(year, month, day).ok(),
        None => next(day, month, sent?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_four_languages() {
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
            ("Je serai absente jusqu'au 5/12.", Some("2025-12-05")),
            ("until 12/28", Some("2025-12-28")),
            ("Ich bin bis zum 12. Dezember 2025 im Urlaub", Some("2025-12-12")),
            ("Ab dem 02.01.2026 bin ich wieder erreichbar", Some("2026-01-02")),
            ("Ich bin am Montag, 1. März, wieder da: zurück am 1. März", Some("2026-03-01")),
            ("Ich bin bis 12.12. abwesend", Some("2025-12-12")),
            ("Estaré fuera de la oficina hasta el 12 de diciembre de 2025", Some("2025-12-12")),
            ("Estaré de vuelta el lunes 7 de enero", Some("2026-01-07")),
            // Two readings, no day, or no date at all.
            ("bis bald, am Freitag", None),
            ("until 11/12", None),
            ("until 2.5 hours from now", None),
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
