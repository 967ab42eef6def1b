//! Public holidays of the Union's countries, Iceland, Liechtenstein, Norway, Switzerland, the United Kingdom, the United
//! States, Canada and Japan.
//!
//! Days that are kept in the whole country, by rule. Those of regions are not here, and a day that some still keep
//! is: a message that waits a day does less harm than one on a holiday.

use jiff::{
    ToSpan as _,
    civil::{Date, Weekday},
};

use Rule::{AutumnEquinox, Easter, Fixed, From, Kept, Last, Nth, Orthodox, SpringEquinox};

/// When a holiday is.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Month and day.
    Fixed(i8, i8),
    /// Month and day; on a weekend it is made up for on the next weekday that is none.
    Kept(i8, i8),
    /// Days from Easter Sunday of the western churches.
    Easter(i16),
    /// Of the eastern ones.
    Orthodox(i16),
    /// The n-th such day of a month.
    Nth(i8, Weekday, i8),
    /// The last such day of a month.
    Last(i8, Weekday),
    /// The first such day from a month's day on.
    From(i8, i8, Weekday),
    /// The day of an equinox in Japan, in spring.
    SpringEquinox,
    /// And in autumn.
    AutumnEquinox,
}

const NEW_YEAR: Rule = Fixed(1, 1);
const EPIPHANY: Rule = Fixed(1, 6);
const GOOD_FRIDAY: Rule = Easter(-2);
const EASTER_MONDAY: Rule = Easter(1);
const LABOUR: Rule = Fixed(5, 1);
const ASCENSION: Rule = Easter(39);
const WHIT_MONDAY: Rule = Easter(50);
const CORPUS_CHRISTI: Rule = Easter(60);
const ASSUMPTION: Rule = Fixed(8, 15);
const ALL_SAINTS: Rule = Fixed(11, 1);
const CONCEPTION: Rule = Fixed(12, 8);
const CHRISTMAS_EVE: Rule = Fixed(12, 24);
const CHRISTMAS: Rule = Fixed(12, 25);
const MIDSUMMER_EVE: Rule = From(6, 19, Weekday::Friday);
const ST_STEPHEN: Rule = Fixed(12, 26);
const NEW_YEARS_EVE: Rule = Fixed(12, 31);

#[rustfmt::skip]
fn rules(country: &str) -> &'static [Rule] {
    use Weekday::{Monday, Thursday};
    match country {
        "AT" => &[NEW_YEAR, EPIPHANY, EASTER_MONDAY, LABOUR, ASCENSION, WHIT_MONDAY, CORPUS_CHRISTI, ASSUMPTION,
            Fixed(10, 26), ALL_SAINTS, CONCEPTION, CHRISTMAS, ST_STEPHEN],
        "BE" => &[NEW_YEAR, EASTER_MONDAY, LABOUR, ASCENSION, WHIT_MONDAY, Fixed(7, 21), ASSUMPTION, ALL_SAINTS,
            Fixed(11, 11), CHRISTMAS],
        "BG" => &[NEW_YEAR, Fixed(3, 3), Orthodox(-2), Orthodox(1), LABOUR, Fixed(5, 6), Fixed(5, 24), Fixed(9, 6),
            Fixed(9, 22), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "CA" => &[Kept(1, 1), GOOD_FRIDAY, From(5, 18, Monday), Kept(7, 1), Nth(9, Monday, 1), Kept(9, 30),
            Nth(10, Monday, 2), Kept(11, 11), Kept(12, 25), Kept(12, 26)],
        "CH" => &[NEW_YEAR, GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY, Fixed(8, 1), CHRISTMAS, ST_STEPHEN],
        "CY" => &[NEW_YEAR, EPIPHANY, Orthodox(-48), Fixed(3, 25), Fixed(4, 1), Orthodox(-2), Orthodox(1), LABOUR,
            Orthodox(50), ASSUMPTION, Fixed(10, 1), Fixed(10, 28), CHRISTMAS, ST_STEPHEN],
        "CZ" => &[NEW_YEAR, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, Fixed(5, 8), Fixed(7, 5), Fixed(7, 6), Fixed(9, 28),
            Fixed(10, 28), Fixed(11, 17), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "DE" => &[NEW_YEAR, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, ASCENSION, WHIT_MONDAY, Fixed(10, 3), CHRISTMAS,
            ST_STEPHEN],
        "DK" => &[NEW_YEAR, Easter(-3), GOOD_FRIDAY, EASTER_MONDAY, ASCENSION, WHIT_MONDAY, CHRISTMAS, ST_STEPHEN],
        "EE" => &[NEW_YEAR, Fixed(2, 24), GOOD_FRIDAY, LABOUR, Fixed(6, 23), Fixed(6, 24), Fixed(8, 20),
            CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "ES" => &[NEW_YEAR, EPIPHANY, GOOD_FRIDAY, LABOUR, ASSUMPTION, Fixed(10, 12), ALL_SAINTS, Fixed(12, 6),
            CONCEPTION, CHRISTMAS],
        "FI" => &[NEW_YEAR, EPIPHANY, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, ASCENSION, MIDSUMMER_EVE, Fixed(12, 6),
            CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "FR" => &[NEW_YEAR, EASTER_MONDAY, LABOUR, Fixed(5, 8), ASCENSION, WHIT_MONDAY, Fixed(7, 14), ASSUMPTION,
            ALL_SAINTS, Fixed(11, 11), CHRISTMAS],
        "GB" => &[Kept(1, 1), GOOD_FRIDAY, EASTER_MONDAY, Nth(5, Monday, 1), Last(5, Monday), Last(8, Monday),
            Kept(12, 25), Kept(12, 26)],
        "GR" => &[NEW_YEAR, EPIPHANY, Orthodox(-48), Fixed(3, 25), Orthodox(-2), Orthodox(1), LABOUR, Orthodox(50),
            ASSUMPTION, Fixed(10, 28), CHRISTMAS, ST_STEPHEN],
        "HR" => &[NEW_YEAR, EPIPHANY, EASTER_MONDAY, LABOUR, Fixed(5, 30), CORPUS_CHRISTI, Fixed(6, 22), Fixed(8, 5),
            ASSUMPTION, ALL_SAINTS, Fixed(11, 18), CHRISTMAS, ST_STEPHEN],
        "HU" => &[NEW_YEAR, Fixed(3, 15), GOOD_FRIDAY, EASTER_MONDAY, LABOUR, WHIT_MONDAY, Fixed(8, 20),
            Fixed(10, 23), ALL_SAINTS, CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "IE" => &[Kept(1, 1), Nth(2, Monday, 1), Kept(3, 17), EASTER_MONDAY, Nth(5, Monday, 1), Nth(6, Monday, 1),
            Nth(8, Monday, 1), Last(10, Monday), Kept(12, 25), Kept(12, 26)],
        "IS" => &[NEW_YEAR, Easter(-3), GOOD_FRIDAY, EASTER_MONDAY, From(4, 19, Thursday), LABOUR, ASCENSION, WHIT_MONDAY,
            Fixed(6, 17), Nth(8, Monday, 1), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN, NEW_YEARS_EVE],
        "IT" => &[NEW_YEAR, EPIPHANY, EASTER_MONDAY, Fixed(4, 25), LABOUR, Fixed(6, 2), ASSUMPTION, Fixed(10, 4),
            ALL_SAINTS, CONCEPTION, CHRISTMAS, ST_STEPHEN],
        "JP" => &[NEW_YEAR, Nth(1, Monday, 2), Fixed(2, 11), Fixed(2, 23), SpringEquinox, Fixed(4, 29), Fixed(5, 3),
            Fixed(5, 4), Fixed(5, 5), Nth(7, Monday, 3), Fixed(8, 11), Nth(9, Monday, 3), AutumnEquinox,
            Nth(10, Monday, 2), Fixed(11, 3), Fixed(11, 23)],
        "LI" => &[NEW_YEAR, EPIPHANY, Fixed(2, 2), Fixed(3, 19), GOOD_FRIDAY, EASTER_MONDAY, LABOUR, ASCENSION,
            WHIT_MONDAY, CORPUS_CHRISTI, ASSUMPTION, Fixed(9, 8), ALL_SAINTS, CONCEPTION, CHRISTMAS, ST_STEPHEN],
        "LT" => &[NEW_YEAR, Fixed(2, 16), Fixed(3, 11), EASTER_MONDAY, LABOUR, Fixed(6, 24), Fixed(7, 6), ASSUMPTION,
            ALL_SAINTS, Fixed(11, 2), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "LU" => &[NEW_YEAR, EASTER_MONDAY, LABOUR, Fixed(5, 9), ASCENSION, WHIT_MONDAY, Fixed(6, 23), ASSUMPTION,
            ALL_SAINTS, CHRISTMAS, ST_STEPHEN],
        "LV" => &[NEW_YEAR, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, Fixed(5, 4), Fixed(6, 23), Fixed(6, 24),
            Fixed(11, 18), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN, NEW_YEARS_EVE],
        "MT" => &[NEW_YEAR, Fixed(2, 10), Fixed(3, 19), Fixed(3, 31), GOOD_FRIDAY, LABOUR, Fixed(6, 7), Fixed(6, 29),
            ASSUMPTION, Fixed(9, 8), Fixed(9, 21), CONCEPTION, Fixed(12, 13), CHRISTMAS],
        "NL" => &[NEW_YEAR, EASTER_MONDAY, Fixed(4, 27), ASCENSION, WHIT_MONDAY, CHRISTMAS, ST_STEPHEN],
        "NO" => &[NEW_YEAR, Easter(-3), GOOD_FRIDAY, EASTER_MONDAY, LABOUR, Fixed(5, 17), ASCENSION, WHIT_MONDAY,
            CHRISTMAS, ST_STEPHEN],
        "PL" => &[NEW_YEAR, EPIPHANY, EASTER_MONDAY, LABOUR, Fixed(5, 3), CORPUS_CHRISTI, ASSUMPTION, ALL_SAINTS,
            Fixed(11, 11), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "PT" => &[NEW_YEAR, GOOD_FRIDAY, Fixed(4, 25), LABOUR, CORPUS_CHRISTI, Fixed(6, 10), ASSUMPTION,
            Fixed(10, 5), ALL_SAINTS, Fixed(12, 1), CONCEPTION, CHRISTMAS],
        "RO" => &[NEW_YEAR, Fixed(1, 2), EPIPHANY, Fixed(1, 7), Fixed(1, 24), Orthodox(-2), Orthodox(1), LABOUR,
            Fixed(6, 1), Orthodox(50), ASSUMPTION, Fixed(11, 30), Fixed(12, 1), CHRISTMAS, ST_STEPHEN],
        "SE" => &[NEW_YEAR, EPIPHANY, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, ASCENSION, Fixed(6, 6), MIDSUMMER_EVE,
            CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN, NEW_YEARS_EVE],
        "SI" => &[NEW_YEAR, Fixed(1, 2), Fixed(2, 8), EASTER_MONDAY, Fixed(4, 27), LABOUR, Fixed(5, 2), Fixed(6, 25),
            ASSUMPTION, Fixed(10, 31), ALL_SAINTS, CHRISTMAS, ST_STEPHEN],
        "SK" => &[NEW_YEAR, EPIPHANY, GOOD_FRIDAY, EASTER_MONDAY, LABOUR, Fixed(5, 8), Fixed(7, 5), Fixed(8, 29),
            Fixed(9, 15), ALL_SAINTS, Fixed(11, 17), CHRISTMAS_EVE, CHRISTMAS, ST_STEPHEN],
        "US" => &[Kept(1, 1), Nth(1, Monday, 3), Nth(2, Monday, 3), Last(5, Monday), Kept(6, 19), Kept(7, 4),
            Nth(9, Monday, 1), Nth(10, Monday, 2), Kept(11, 11), Nth(11, Thursday, 4), Kept(12, 25)],
        _ => &[],
    }
}

/// Whether a day is a public holiday in a country; never in one that is not known here.
pub fn is_holiday(country: &str, day: Date) -> bool {
    is_listed(country, day) || (country == "JP" && is_made_up_in_japan(day))
}

fn is_listed(country: &str, day: Date) -> bool {
    rules(country).iter().any(|rule| falls(*rule, country, day))
}

/// The first day after a holiday on a Sunday that is none itself, and a day between two holidays.
fn is_made_up_in_japan(day: Date) -> bool {
    let listed = |day: &Date| is_listed("JP", *day);
    let before = std::iter::successors(day.yesterday().ok(), |day| day.yesterday().ok());
    let of_sunday = before.take_while(listed).any(|day| day.weekday() == Weekday::Sunday);
    let between = [day.yesterday(), day.tomorrow()].into_iter().all(|day| day.is_ok_and(|day| listed(&day)));
    of_sunday || between
}

fn falls(rule: Rule, country: &str, day: Date) -> bool {
    match rule {
        Fixed(month, of) => (day.month(), day.day()) == (month, of),
        // Of the year before as well: a New Year's Day that is made up for in December is never, the reverse is.
        Kept(month, of) => [day.year(), day.year() - 1].into_iter().any(|year| {
            let Ok(kept) = Date::new(year, month, of) else { return false };
            kept == day || (is_weekend(kept) && made_up(country, kept) == Some(day))
        }),
        Easter(offset) => day.checked_sub(i32::from(offset).days()).is_ok_and(|sunday| sunday == western(day.year())),
        Orthodox(offset) => day.checked_sub(i32::from(offset).days()).is_ok_and(|sunday| sunday == eastern(day.year())),
        From(month, first, weekday) => {
            let since = Date::new(day.year(), month, first).and_then(|first| first.until(day));
            day.weekday() == weekday && since.is_ok_and(|since| (0..7).contains(&since.get_days()))
        }
        SpringEquinox => day.month() == 3 && i32::from(day.day()) == equinox(day.year(), 20_843_100),
        AutumnEquinox => day.month() == 9 && i32::from(day.day()) == equinox(day.year(), 23_248_800),
        Nth(month, weekday, nth) => {
            day.month() == month && day.first_of_month().nth_weekday_of_month(nth, weekday).is_ok_and(|d| d == day)
        }
        Last(month, weekday) => {
            day.month() == month && day.first_of_month().nth_weekday_of_month(-1, weekday).is_ok_and(|d| d == day)
        }
    }
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The day on which a holiday of a weekend is made up for. In the United States that of a Saturday is the Friday.
fn made_up(country: &str, kept: Date) -> Option<Date> {
    if country == "US" && kept.weekday() == Weekday::Saturday {
        return kept.yesterday().ok();
    }
    let others = |day: Date| {
        rules(country).iter().any(|rule| match rule {
            Kept(month, of) => {
                let other = Date::new(day.year(), *month, *of).ok();
                // One that lies there itself, or that was before this one and took the day.
                other == Some(day)
                    || other.is_some_and(|other| {
                        other < kept
                            && is_weekend(other)
                            && other.checked_add(4.days()).is_ok_and(|end| kept < end)
                            && made_up(country, other) == Some(day)
                    })
            }
            _ => false,
        })
    };
    let mut day = kept.tomorrow().ok()?;
    while is_weekend(day) || others(day) {
        day = day.tomorrow().ok()?;
    }
    Some(day)
}

/// The day of the month of an equinox in Japan, from 1980 to 2099, given where it was in 1980 in millionths of a day.
fn equinox(year: i16, of_1980: i32) -> i32 {
    let years = i32::from(year) - 1980;
    (of_1980 + 242_194 * years) / 1_000_000 - years / 4
}

/// Easter Sunday of the western churches (Meeus, Jones, Butcher).
fn western(year: i16) -> Date {
    let year = i32::from(year);
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    date(year, month, day)
}

/// Easter Sunday of the eastern churches (Meeus): the Julian date, thirteen days on until the year 2099.
fn eastern(year: i16) -> Date {
    let year = i32::from(year);
    let (a, b, c) = (year % 4, year % 7, year % 19);
    let d = (19 * c + 15) % 30;
    let e = (2 * a + 4 * b - d + 34) % 7;
    let n = d + e + 114;
    let julian = date(year, n / 31, n % 31 + 1);
    julian.checked_add(13.days()).unwrap_or(julian)
}

fn date(year: i32, month: i32, day: i32) -> Date {
    let part = |value: i32| i8::try_from(value).unwrap_or(1);
    Date::new(i16::try_from(year).unwrap_or(1), part(month), part(day)).unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn easter_is_where_the_churches_have_it() {
        for (year, west, east) in [
            (2024, "2024-03-31", "2024-05-05"),
            (2025, "2025-04-20", "2025-04-20"),
            (2026, "2026-04-05", "2026-04-12"),
            (2027, "2027-03-28", "2027-05-02"),
            (2038, "2038-04-25", "2038-04-25"),
        ] {
            assert_eq!((western(year), eastern(year)), (day(west), day(east)), "{year}");
        }
    }

    #[test]
    fn holidays_are_those_of_their_country() {
        for (country, date, expected) in [
            ("FR", "2026-07-14", true),
            ("FR", "2026-05-14", true),
            ("FR", "2026-05-25", true),
            ("FR", "2026-04-03", false),
            ("DE", "2026-04-03", true),
            ("DE", "2026-07-14", false),
            ("DE", "2026-10-03", true),
            ("GR", "2026-04-13", true),
            ("GR", "2026-02-23", true),
            ("GR", "2026-04-06", false),
            ("SE", "2026-06-19", true),
            ("SE", "2027-06-25", true),
            ("SE", "2026-06-26", false),
            ("GB", "2026-05-04", true),
            ("GB", "2026-05-25", true),
            ("GB", "2026-08-31", true),
            // Boxing Day 2026 is a Saturday; Christmas 2027 a Saturday, and Boxing Day the Sunday.
            ("GB", "2026-12-28", true),
            ("GB", "2027-12-27", true),
            ("GB", "2027-12-28", true),
            ("GB", "2027-12-29", false),
            // Christmas 2022 was a Sunday, so that Boxing Day kept its Monday.
            ("GB", "2022-12-26", true),
            ("GB", "2022-12-27", true),
            ("GB", "2022-12-28", false),
            ("GB", "2028-01-03", true),
            ("US", "2026-07-03", true),
            ("US", "2026-11-26", true),
            ("US", "2027-12-24", true),
            ("US", "2026-11-27", false),
            ("PL", "2026-06-04", true),
            ("IE", "2026-02-02", true),
            ("XX", "2026-12-25", false),
        ] {
            assert_eq!(is_holiday(country, day(date)), expected, "{country} {date}");
        }
    }

    #[test]
    fn a_year_has_the_holidays_that_its_calendar_shows() {
        for (country, year, expected) in [
            ("NO", 2024, "01-01 03-28 03-29 04-01 05-01 05-09 05-17 05-20 12-25 12-26"),
            ("NO", 2025, "01-01 04-17 04-18 04-21 05-01 05-17 05-29 06-09 12-25 12-26"),
            ("NO", 2026, "01-01 04-02 04-03 04-06 05-01 05-14 05-17 05-25 12-25 12-26"),
            ("IS", 2024, "01-01 03-28 03-29 04-01 04-25 05-01 05-09 05-20 06-17 08-05 12-24 12-25 12-26 12-31"),
            ("IS", 2025, "01-01 04-17 04-18 04-21 04-24 05-01 05-29 06-09 06-17 08-04 12-24 12-25 12-26 12-31"),
            ("IS", 2026, "01-01 04-02 04-03 04-06 04-23 05-01 05-14 05-25 06-17 08-03 12-24 12-25 12-26 12-31"),
            (
                "LI",
                2025,
                "01-01 01-06 02-02 03-19 04-18 04-21 05-01 05-29 06-09 06-19 08-15 09-08 11-01 12-08 12-25 12-26",
            ),
            (
                "LI",
                2026,
                "01-01 01-06 02-02 03-19 04-03 04-06 05-01 05-14 05-25 06-04 08-15 09-08 11-01 12-08 12-25 12-26",
            ),
            // New Year's Day on a Sunday; Canada Day, the thirtieth of September and Remembrance Day on Saturdays.
            ("CA", 2023, "01-01 01-02 04-07 05-22 07-01 07-03 09-04 09-30 10-02 10-09 11-11 11-13 12-25 12-26"),
            ("CA", 2025, "01-01 04-18 05-19 07-01 09-01 09-30 10-13 11-11 12-25 12-26"),
            ("CA", 2026, "01-01 04-03 05-18 07-01 09-07 09-30 10-12 11-11 12-25 12-26 12-28"),
            ("CA", 2027, "01-01 03-26 05-24 07-01 09-06 09-30 10-11 11-11 12-25 12-26 12-27 12-28"),
            (
                "JP",
                2024,
                "01-01 01-08 02-11 02-12 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-15 08-11 08-12 09-16 09-22 09-23 \
                 10-14 11-03 11-04 11-23",
            ),
            (
                "JP",
                2025,
                "01-01 01-13 02-11 02-23 02-24 03-20 04-29 05-03 05-04 05-05 05-06 07-21 08-11 09-15 09-23 10-13 11-03 \
                 11-23 11-24",
            ),
            // The twenty-second of September lies between two holidays.
            (
                "JP",
                2026,
                "01-01 01-12 02-11 02-23 03-20 04-29 05-03 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 \
                 11-23",
            ),
            (
                "JP",
                2027,
                "01-01 01-11 02-11 02-23 03-21 03-22 04-29 05-03 05-04 05-05 07-19 08-11 09-20 09-23 10-11 11-03 11-23",
            ),
        ] {
            let first = Date::new(year, 1, 1).unwrap();
            let days = first.series(1.days()).take_while(|day| day.year() == year);
            let kept: Vec<_> = days.filter(|day| is_holiday(country, *day)).collect();
            let kept: Vec<_> = kept.iter().map(|day| day.strftime("%m-%d").to_string()).collect();
            assert_eq!(kept.join(" "), expected, "{country} {year}");
        }
    }

    #[test]
    fn the_eastern_easter_counts_where_it_is_kept() {
        // Easter Monday of the eastern churches; in 2025 both Easters were on the same day.
        for (year, monday) in [(2024, "2024-05-06"), (2025, "2025-04-21"), (2026, "2026-04-13"), (2027, "2027-05-03")] {
            for country in ["BG", "CY", "GR", "RO"] {
                assert!(is_holiday(country, day(monday)), "{country} {year}");
                assert!(is_holiday(country, day(monday) - 3.days()), "{country} {year}: Good Friday");
            }
        }
    }

    #[test]
    fn every_country_of_the_union_has_its_days() {
        const UNION: [&str; 27] = [
            "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU",
            "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
        ];
        for country in UNION.into_iter().chain(["CA", "CH", "GB", "IS", "LI", "NO", "US"]) {
            let days = (0..365).filter(|n| is_holiday(country, day("2026-01-01") + n.days())).count();
            assert!((6..=16).contains(&days), "{country} has {days}");
            assert!(is_holiday(country, day("2026-01-01")) && is_holiday(country, day("2026-12-25")), "{country}");
        }
    }
}
