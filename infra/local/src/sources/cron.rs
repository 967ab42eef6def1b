//! Schedule expressions of EventBridge: `rate(…)` and `cron(…)`, to the minute.

use anyhow::{Context as _, bail};
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// When something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Every so often from when the rule was made.
    Rate(SignedDuration),
    Cron(Box<Cron>),
}

/// The six fields of a cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Days,
    months: Vec<u32>,
    years: Vec<u32>,
    zone: TimeZone,
}

/// The day of the month or the day of the week: one of the two is `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Days {
    OfMonth(Vec<u32>),
    LastOfMonth,
    /// 1 is Sunday.
    OfWeek(Vec<u32>),
    LastOfWeek(u32),
    NthOfWeek {
        day: u32,
        nth: u32,
    },
}

impl Expression {
    pub(crate) fn parse(text: &str, zone: Option<&str>) -> anyhow::Result<Expression> {
        let inner = |prefix: &str| text.strip_prefix(prefix)?.strip_suffix(')').map(str::trim);
        if let Some(rate) = inner("rate(") {
            return rate_of(rate).with_context(|| text.to_owned());
        }
        if let Some(cron) = inner("cron(") {
            let zone = match zone {
                Some(name) => TimeZone::get(name).with_context(|| format!("no time zone {name}"))?,
                None => TimeZone::UTC,
            };
            return Ok(Expression::Cron(Box::new(Cron::parse(cron, zone).with_context(|| text.to_owned())?)));
        }
        bail!("{text} is neither rate(…) nor cron(…)")
    }

    /// The first time after `now`; `anchor` is when the rule was made.
    pub(crate) fn next(&self, anchor: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Expression::Rate(period) => {
                let passed = now.duration_since(anchor).as_secs().max(0);
                let periods = passed / period.as_secs() + 1;
                anchor.checked_add(SignedDuration::from_secs(periods.checked_mul(period.as_secs())?)).ok()
            }
            Expression::Cron(cron) => cron.next(now),
        }
    }
}

fn rate_of(text: &str) -> anyhow::Result<Expression> {
    let (count, unit) = text.split_once(' ').context("a number and a unit")?;
    let count: i64 = count.parse().context("a whole number")?;
    let seconds = match (unit.trim(), count) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 3600,
        ("day", 1) | ("days", 2..) => 86_400,
        _ => bail!("AWS takes 1 minute, 5 minutes, 1 hour, 2 days and the like"),
    };
    Ok(Expression::Rate(SignedDuration::from_secs(count.checked_mul(seconds).context("too long")?)))
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    fn parse(text: &str, zone: TimeZone) -> anyhow::Result<Cron> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields[..] else {
            bail!("a cron expression has six fields");
        };
        Ok(Cron {
            minutes: values(minutes, 0, 59, &[])?,
            hours: values(hours, 0, 23, &[])?,
            days: days(of_month, of_week)?,
            months: values(months, 1, 12, &MONTHS)?,
            years: values(years, 1970, 2199, &[])?,
            zone,
        })
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone()).datetime();
        let mut date = local.date();
        let last = i16::try_from(*self.years.last()?).ok()?;
        while date.year() <= last {
            if self.falls_on(date) {
                if let Some(found) = self.first_on(date, now) {
                    return Some(found);
                }
                date = date.checked_add(1.day()).ok()?;
            } else if self.months.contains(&number(date.month())) {
                date = date.checked_add(1.day()).ok()?;
            } else {
                date = date.first_of_month().checked_add(1.month()).ok()?;
            }
        }
        None
    }

    fn first_on(&self, date: Date, now: Timestamp) -> Option<Timestamp> {
        for hour in &self.hours {
            for minute in &self.minutes {
                let time = date.at(i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?, 0, 0);
                if let Some(found) = self.instant(time).filter(|found| *found > now) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn instant(&self, time: DateTime) -> Option<Timestamp> {
        time.to_zoned(self.zone.clone()).ok().map(|zoned| zoned.timestamp())
    }

    fn falls_on(&self, date: Date) -> bool {
        let in_month =
            self.years.contains(&u32::from(date.year().unsigned_abs())) && self.months.contains(&number(date.month()));
        let weekday = number(date.weekday().to_sunday_one_offset());
        let day = number(date.day());
        in_month
            && match &self.days {
                Days::OfMonth(days) => days.contains(&day),
                Days::LastOfMonth => date == date.last_of_month(),
                Days::OfWeek(days) => days.contains(&weekday),
                Days::LastOfWeek(last) => weekday == *last && day + 7 > number(date.days_in_month()),
                Days::NthOfWeek { day: of_week, nth } => weekday == *of_week && day.div_ceil(7) == *nth,
            }
    }
}

fn number(small: i8) -> u32 {
    u32::from(small.unsigned_abs())
}

fn days(of_month: &str, of_week: &str) -> anyhow::Result<Days> {
    match (of_month, of_week) {
        ("?", "?") => bail!("one of the two day fields says when"),
        ("L", "?") => Ok(Days::LastOfMonth),
        (field, "?") => Ok(Days::OfMonth(values(field, 1, 31, &[])?)),
        ("?", field) => {
            if let Some((day, nth)) = field.split_once('#') {
                let (day, nth) = (value(day, 1, 7, &DAYS)?, value(nth, 1, 5, &[])?);
                return Ok(Days::NthOfWeek { day, nth });
            }
            match field.strip_suffix('L') {
                Some("") => Ok(Days::OfWeek(vec![number(Weekday::Saturday.to_sunday_one_offset())])),
                Some(day) => Ok(Days::LastOfWeek(value(day, 1, 7, &DAYS)?)),
                None => Ok(Days::OfWeek(values(field, 1, 7, &DAYS)?)),
            }
        }
        _ => bail!("one of the two day fields is ?"),
    }
}

/// The values of a field, ascending: lists, ranges, steps, names.
fn values(field: &str, least: u32, most: u32, names: &[&str]) -> anyhow::Result<Vec<u32>> {
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(value(step, 1, most, &[])?)),
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (value(from, least, most, names)?, value(to, least, most, names)?),
            None => {
                let from = value(range, least, most, names)?;
                (from, if step.is_some() { most } else { from })
            }
        };
        if from > to {
            bail!("{part} runs backwards");
        }
        all.extend((from..=to).step_by(usize::try_from(step.unwrap_or(1))?));
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn value(text: &str, least: u32, most: u32, names: &[&str]) -> anyhow::Result<u32> {
    let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some(index) => u32::try_from(index)? + 1,
        None => text.parse().with_context(|| format!("{text} is not understood"))?,
    };
    if !(least..=most).contains(&value) {
        bail!("{value} is not between {least} and {most}");
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(expression: &str, zone: Option<&str>, now: &str) -> String {
        let now: Timestamp = now.parse().unwrap();
        let parsed = Expression::parse(expression, zone).unwrap();
        parsed.next("2026-01-01T00:00:30Z".parse().unwrap(), now).unwrap().to_string()
    }

    #[test]
    fn rates_count_from_their_making() {
        for (expression, now, next) in [
            ("rate(1 hour)", "2026-01-01T00:00:30Z", "2026-01-01T01:00:30Z"),
            ("rate(5 minutes)", "2026-01-01T00:05:30Z", "2026-01-01T00:10:30Z"),
            ("rate(1 day)", "2029-06-01T12:00:00Z", "2029-06-02T00:00:30Z"),
            ("rate(1 hour)", "2025-06-01T12:00:00Z", "2026-01-01T01:00:30Z"),
        ] {
            assert_eq!(after(expression, None, now), next, "{expression} after {now}");
        }
    }

    #[test]
    fn crons_are_read_as_aws_documents_them() {
        for (expression, zone, now, next) in [
            ("cron(0 10 * * ? *)", None, "2026-03-01T09:59:59Z", "2026-03-01T10:00:00Z"),
            ("cron(0 10 * * ? *)", None, "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"),
            ("cron(15 12 * * ? *)", None, "2026-12-31T12:15:00Z", "2027-01-01T12:15:00Z"),
            ("cron(0 18 ? * MON-FRI *)", None, "2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"),
            ("cron(0 8 1 * ? *)", None, "2026-02-01T08:00:00Z", "2026-03-01T08:00:00Z"),
            ("cron(0/10 * ? * MON-FRI *)", None, "2026-11-20T23:55:00Z", "2026-11-23T00:00:00Z"),
            ("cron(0 0 L * ? *)", None, "2028-02-10T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 9 ? * 6L *)", None, "2026-11-01T00:00:00Z", "2026-11-27T09:00:00Z"),
            ("cron(0 9 ? * 2#1 *)", None, "2026-11-03T00:00:00Z", "2026-12-07T09:00:00Z"),
            ("cron(0 0 29 FEB ? *)", None, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 3 * * ? *)", Some("Europe/Paris"), "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"),
            ("cron(0 3 * * ? *)", Some("Europe/Paris"), "2026-12-01T00:00:00Z", "2026-12-01T02:00:00Z"),
        ] {
            assert_eq!(after(expression, zone, now), next, "{expression} after {now}");
        }
        let past = Expression::parse("cron(0 0 1 1 ? 2020)", None).unwrap();
        assert_eq!(past.next(Timestamp::UNIX_EPOCH, "2026-01-01T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn refuses_what_aws_refuses() {
        for expression in [
            "rate(1 hours)",
            "rate(2 hour)",
            "rate(0 minutes)",
            "rate(-5 minutes)",
            "every hour",
            "cron(0 10 * * *)",
            "cron(0 10 * * * *)",
            "cron(0 10 ? * ? *)",
            "cron(60 10 * * ? *)",
            "cron(0 10 * FOO ? *)",
            "cron(0 20-10 * * ? *)",
        ] {
            assert!(Expression::parse(expression, None).is_err(), "{expression}");
        }
    }
}
