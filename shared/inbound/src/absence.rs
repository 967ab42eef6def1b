//! Until when somebody is away, where they say so in French, English, German, Spanish, Italian or Dutch.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use crate::fold::fold;
use crate::limits;

/// Words before a day, as [`fold`] leaves them, and whether the day comes first in their language: `5/11/2025` is a day in
/// November then.
type Cues = &'static [(&'static str, bool)];

/// Words before the day of a return: they say by themselves that somebody is away.
const BACK: Cues = &[
    ("back on", false),
    ("back in the office on", false),
    ("back in the office", false),
    ("back at work on", false),
    ("back at my desk on", false),
    ("back to work on", false),
    ("be back", false),
    ("am back", false),
    ("i will return", false),
    ("and will return", false),
    ("expected back", false),
    ("we reopen", false),
    ("return:", false),
    ("i'll return", false),
    ("shall return", false),
    ("return on", false),
    ("return to the office on", false),
    ("return to work on", false),
    ("returning on", false),
    ("returning to the office on", false),
    ("returning", false),
    ("de retour", true),
    ("retour le", true),
    ("retour au bureau le", true),
    ("retour prevu le", true),
    ("je reviens le", true),
    ("reviendrai le", true),
    ("reprise le", true),
    ("wieder ab", true),
    ("wieder am", true),
    ("zuruck am", true),
    ("zuruck ab", true),
    ("de vuelta el", true),
    ("de regreso el", true),
    ("regreso el", true),
    ("regresare el", true),
    ("vuelvo el", true),
    ("volvere el", true),
    ("rientro il", true),
    ("rientrero il", true),
    ("di ritorno il", true),
    ("tornero il", true),
    ("torno il", true),
    ("weer terug op", true),
    ("terug op", true),
    ("terug vanaf", true),
    ("ben ik weer", true),
    ("weer aanwezig op", true),
    ("weer bereikbaar op", true),
    ("weer bereikbaar vanaf", true),
    ("de volta em", true),
    ("de volta no dia", true),
];

/// Words before the last day of an absence, or of anything else: they count where somebody says that they are away.
const UNTIL: Cues = &[
    ("until", false),
    ("till", false),
    ("through", false),
    ("jusqu'au", true),
    ("ab dem", true),
    ("bis zum", true),
    ("bis einschliesslich", true),
    ("bis", true),
    ("hasta el", true),
    ("fino al", true),
    ("fino all'", true),
    ("tot en met", true),
    ("t/m", true),
    ("tot", true),
    ("ate", true),
];

/// Words before the first and the last day of an absence.
const RANGES: &[(&str, &str, bool)] = &[
    ("from", "to", false),
    ("from", "-", false),
    ("between", "and", false),
    ("du", "au", true),
    ("entre le", "et le", true),
    ("vom", "-", true),
    ("del", "al", true),
    ("dal", "al", true),
    ("dall'", "al", true),
    ("van", "-", true),
    ("de", "a", true),
];

/// Days of a week. Nobody comes back at its end.
const WEEKDAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("lundi", Weekday::Monday),
    ("mardi", Weekday::Tuesday),
    ("mercredi", Weekday::Wednesday),
    ("jeudi", Weekday::Thursday),
    ("vendredi", Weekday::Friday),
    ("montag", Weekday::Monday),
    ("dienstag", Weekday::Tuesday),
    ("mittwoch", Weekday::Wednesday),
    ("donnerstag", Weekday::Thursday),
    ("freitag", Weekday::Friday),
];

/// Words that may stand before one.
const BEFORE_WEEKDAY: [&str; 6] = ["next", "on", "le", "am", "kommenden", "nachsten"];

/// Numbers of days or weeks, in words.
const NUMBERS: &[(&str, i32)] = &[
    ("a", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("une", 1),
    ("deux", 2),
    ("trois", 3),
    ("quatre", 4),
    ("einer", 1),
    ("zwei", 2),
    ("drei", 3),
    ("vier", 4),
];

/// What they are numbers of, in days.
const UNITS: &[(&str, i32)] = &[
    ("day", 1),
    ("days", 1),
    ("week", 7),
    ("weeks", 7),
    ("jour", 1),
    ("jours", 1),
    ("semaine", 7),
    ("semaines", 7),
    ("tag", 1),
    ("tagen", 1),
    ("woche", 7),
    ("wochen", 7),
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
    ("gennaio", 1),
    ("febbraio", 2),
    ("aprile", 4),
    ("maggio", 5),
    ("giugno", 6),
    ("luglio", 7),
    ("settembre", 9),
    ("ottobre", 10),
    ("dicembre", 12),
    ("januari", 1),
    ("februari", 2),
    ("maart", 3),
    ("mei", 5),
    ("augustus", 8),
];

/// Octets of a text that are read.
const READ: usize = 4096;

/// How many words may stand between such words and the day: `de retour au bureau le lundi`.
const BETWEEN: usize = 5;

/// The day that `text`, by somebody who is away, names as that of the return or as the last. One without a year is the
/// next of that name after the day the mail was `sent`; what can be read in two ways is no day.
pub(crate) fn until(text: &str, sent: Option<Date>) -> Option<Date> {
    let text = fold(limits::cut(text, READ));
    let ranged = || RANGES.iter().find_map(|(from, to, day_first)| range(&text, from, to, *day_first, sent));
    cued(&text, BACK, sent).or_else(|| cued(&text, UNTIL, sent)).or_else(ranged)
}

/// The day of a return that `text` names, whatever else it says.
pub(crate) fn back_on(text: &str, sent: Option<Date>) -> Option<Date> {
    cued(&fold(limits::cut(text, READ)), BACK, sent)
}

fn cued(text: &str, cues: Cues, sent: Option<Date>) -> Option<Date> {
    cues.iter().find_map(|(cue, day_first)| behind(text, cue).find_map(|after| near(after, *day_first, sent)))
}

/// What follows each place where `cue` stands as a word of its own.
fn behind<'a>(text: &'a str, cue: &'a str) -> impl Iterator<Item = &'a str> {
    text.match_indices(cue).filter_map(move |(at, _)| {
        let after = &text[at + cue.len()..];
        let inner = |c: char| c.is_alphanumeric();
        let within = text[..at].ends_with(inner) || cue.ends_with(inner) && after.starts_with(inner);
        (!within).then_some(after)
    })
}

/// The words at the head of a text, a few more than stand before a day.
fn words(text: &str) -> Vec<&str> {
    // `12 de diciembre de 2025`.
    let words = text.split([' ', ',']).filter(|word| !word.is_empty() && *word != "de" && *word != "del");
    words.take(BETWEEN + 3).collect()
}

fn near(after: &str, day_first: bool, sent: Option<Date>) -> Option<Date> {
    let words = words(after);
    let named = (0..words.len().min(BETWEEN)).find_map(|at| day(&words[at..], day_first, sent));
    named.or_else(|| counted(&words, sent?)).or_else(|| weekday(&words, sent?))
}

/// `in 2 weeks`, `dans trois jours`, from the day the mail was sent on.
fn counted(words: &[&str], sent: Date) -> Option<Date> {
    let word = |index: usize| words.get(index).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    if !["in", "dans"].contains(&word(0)?) {
        return None;
    }
    let (number, unit) = (word(1)?, word(2)?);
    let known = NUMBERS.iter().find(|(name, _)| *name == number).map(|(_, number)| *number);
    let number = known.or_else(|| number.parse().ok()).filter(|number| (1..=60).contains(number))?;
    let (_, days) = UNITS.iter().find(|(name, _)| *name == unit)?;
    sent.checked_add((number * days).days()).ok()
}

/// `next Monday`, `on Monday`: at the head, and where no figure says more exactly which one.
fn weekday(words: &[&str], sent: Date) -> Option<Date> {
    let head = words.iter().take(BETWEEN).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let mut head = head.skip_while(|word| BEFORE_WEEKDAY.contains(word));
    let (_, day) = WEEKDAYS.iter().find(|(name, _)| head.clone().next() == Some(name))?;
    let exact = head.any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    if exact { None } else { sent.nth_weekday(1, *day).ok() }
}

/// The last day of `from … to …`, where a day stands between the two.
fn range(text: &str, from: &str, to: &str, day_first: bool, sent: Option<Date>) -> Option<Date> {
    behind(text, from).find_map(|after| {
        let head = words(after);
        let to = head.iter().position(|word| *word == to)?;
        let dated = head[..to].iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let rest = after.split_once(&format!(" {} ", head[to])).filter(|_| dated)?.1;
        let words = words(rest);
        // The weekday may stand before it, and nothing else.
        let named = (0..words.len().min(2)).find_map(|at| day(&words[at..], day_first, sent));
        named.or_else(|| together(head[..to].last()?, words.first()?, sent?))
    })
}

/// Days of an absence whose first and last day say together how they are to be read, at most.
const LONGEST: i32 = 92;

/// The last day of `01/12/2025` to `05/12/2025`: each can be read in two ways, and in one of them they are an absence.
fn together(first: &str, last: &str, sent: Date) -> Option<Date> {
    let (first, last) = (figures(first)?, figures(last)?);
    let read = |day_first: bool| {
        let (from, to) = (first.date(day_first, Some(sent))?, last.date(day_first, Some(sent))?);
        let days = from.until(to).ok()?.get_days();
        (to >= sent && (0..=LONGEST).contains(&days)).then_some(to)
    };
    match (read(true), read(false)) {
        (Some(one), Some(other)) => Some(one).filter(|_| one == other),
        (one, other) => one.or(other),
    }
}

fn day(words: &[&str], day_first: bool, sent: Option<Date>) -> Option<Date> {
    let word = |index: usize| words.get(index).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let first = word(0)?;
    if let Some(date) = in_figures(first, day_first, sent) {
        return Some(date);
    }
    // `3-jan-2027`.
    let joined: Vec<&str> = first.split('-').collect();
    if joined.len() > 1 && joined.len() < 4 {
        return day(&joined, day_first, sent);
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

/// A day and a month, in whichever order, and perhaps the year.
struct Figures(i16, i16, Option<i16>);

impl Figures {
    /// The day that they are, read in one of the two orders.
    fn date(&self, day_first: bool, sent: Option<Date>) -> Option<Date> {
        let (day, month) = if day_first { (self.0, self.1) } else { (self.1, self.0) };
        let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
        match self.2 {
            Some(year) => Date::new(year, month, day).ok(),
            None => next(day, month, sent?),
        }
    }
}

fn figures(word: &str) -> Option<Figures> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let parts: Vec<i16> = word.split(['/', '.', '-']).map(str::parse).collect::<Result<_, _>>().ok()?;
    match parts.as_slice() {
        [first, second, year] => Some(Figures(*first, *second, Some(if *year < 100 { 2000 + year } else { *year }))),
        [first, second] => Some(Figures(*first, *second, None)),
        _ => None,
    }
}

/// `2025-12-12`, `12/12/2025`, `12.12.25`, `12/12`, `12.12.`
fn in_figures(word: &str, day_first: bool, sent: Option<Date>) -> Option<Date> {
    if let Ok(date) = word.parse() {
        return Some(date);
    }
    // Nobody writes a month first with points; but `2.5` may be hours.
    let padded = word.split('.').all(|part| part.len() >= 2);
    let day_first = day_first || word.contains('.') && padded;
    let figures = figures(word)?;
    match (figures.date(true, sent), figures.date(false, sent)) {
        (day, _) if day_first => day,
        (Some(day), Some(same)) if day == same => Some(day),
        // Nobody who is away comes back before they wrote.
        (Some(one), Some(other)) => match sent {
            Some(sent) if one < sent && other >= sent => Some(other),
            Some(sent) if other < sent && one >= sent => Some(one),
            _ => None,
        },
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_in_six_languages() {
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
            ("I am out of the office from December 1 to December 5, 2025.", Some("2025-12-05")),
            ("away from 1 to 5 December", Some("2025-12-05")),
            ("I am away from 01/12/2025 to 05/12/2025.", Some("2025-12-05")),
            ("I am away from 12/01/2025 to 12/05/2025.", Some("2025-12-05")),
            ("away between 01/12 and 05/12", Some("2025-12-05")),
            // Three days of November, or two months from the 11th to the 11th.
            ("away from 11/10/2025 to 11/12/2025", None),
            ("I am on leave through Friday 5 December", Some("2025-12-05")),
            ("Je suis absente du 30 novembre au 4 décembre 2025.", Some("2025-12-04")),
            ("absent du lundi 1er au vendredi 5 décembre", Some("2025-12-05")),
            ("Ich bin vom 1.12. bis 5.12.2025 nicht im Haus", Some("2025-12-05")),
            ("fuori ufficio dal 1 al 5 dicembre", Some("2025-12-05")),
            ("del 1 al 5 de diciembre", Some("2025-12-05")),
            ("Ik ben afwezig tot en met 5 december 2025", Some("2025-12-05")),
            ("Ik ben van 1 tot 5 december niet aanwezig", Some("2025-12-05")),
            ("vanaf 2 mei ben ik weer op kantoor; ben ik weer op 2 mei", Some("2026-05-02")),
            ("Sono fuori ufficio fino al 5 dicembre 2025", Some("2025-12-05")),
            ("Rientro il 7 gennaio", Some("2026-01-07")),
            ("I will return 12/07/2025", Some("2025-12-07")),
            ("Until 30 November I was in Lyon; I will be back on 14 December 2025", Some("2025-12-14")),
            ("Return: 2027-01-03", Some("2027-01-03")),
            ("I am expected back on 3-Jan-2027.", Some("2027-01-03")),
            ("I am expected back on 3-Jan.", Some("2026-01-03")),
            ("Office closed. We reopen January 3.", Some("2026-01-03")),
            ("I am out of office and will return 03.01.", Some("2026-01-03")),
            ("Ich bin wieder ab dem 3. Januar für Sie da.", Some("2026-01-03")),
            // The 6th is a Thursday.
            ("I will be back in 2 weeks.", Some("2025-11-20")),
            ("I will be back in two weeks", Some("2025-11-20")),
            ("back in the office in 3 days", Some("2025-11-09")),
            ("Je serai de retour dans deux semaines.", Some("2025-11-20")),
            ("Ich bin zurück am Montag", Some("2025-11-10")),
            ("I am out of the office until next Monday.", Some("2025-11-10")),
            ("out of office until Thursday", Some("2025-11-13")),
            ("I will be back on Monday, the 1st of December", None),
            ("until 2.5 hours from now", None),
            ("be back in touch in a moment", None),
            ("I will be back in 200 weeks", None),
            ("bisher 12.12. offen", None),
            ("ibis 5 december", None),
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
        for (text, expected) in [
            ("I will return 12/07/2025", Some("2025-12-07")),
            ("back on 14 December", Some("2025-12-14")),
            ("Your ticket is open until 14 December", None),
            ("We moved from 1 to 5 December street", None),
        ] {
            assert_eq!(back_on(text, sent).map(|date| date.to_string()).as_deref(), expected, "{text}");
        }
    }
}
