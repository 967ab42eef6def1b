//! The steps of a campaign: the first message, and those that follow it after a delay.
//!
//! A step falls due by chunk, never by person: once everybody of a chunk has an outcome in one step, the next one is
//! due after its delay. Who is left out of it is decided when it is sent, from what became of the steps before.

use std::{borrow::Cow, ops::Range};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use serde::{Deserialize, Serialize};

use crate::{
    calendar::is_holiday,
    campaign::Content,
    chunk::{Outcome, Results},
    policy::Refusal,
    variant::{self, Contest, Letter, Variant},
    whole::nearest_if_any,
};

/// The number of the first step.
pub const FIRST: u8 = 1;

/// The number of the last step that a campaign may have.
pub const LAST: u8 = 16;

/// One message of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// How long after the step before. The first step has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// Subject template; without one the step replies in the thread of the step before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Plain-text template.
    #[serde(default)]
    pub text: String,
    /// HTML template; made from the text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
    /// Elements that were taken out of the HTML with their content when it was written, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// Variants that are compared with each other: everybody gets one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// How one of them wins; without it all go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub winner: Option<Contest>,
}

/// The words of a message as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words<'a> {
    /// Subject template; without one it is a reply.
    pub subject: Option<&'a str>,
    /// Plain-text template.
    pub text: &'a str,
    /// HTML template.
    pub html: Option<&'a str>,
    /// Elements that were taken out of the HTML, by name.
    pub removed: &'a [String],
}

impl Words<'_> {
    /// True when there is something to read in them.
    pub fn has_body(&self) -> bool {
        is_body(self.text, self.html)
    }
}

fn is_body(text: &str, html: Option<&str>) -> bool {
    !text.trim().is_empty() || html.is_some_and(|html| !html.trim().is_empty())
}

impl Variant {
    /// Whether its body is its own, and not its step's.
    pub fn has_body(&self) -> bool {
        is_body(&self.text, self.html.as_deref())
    }
}

impl Step {
    /// The letters of its variants; one `None` when it has none.
    pub fn letters(&self) -> impl Iterator<Item = Option<Letter>> + '_ {
        (0..self.variants.len().max(1)).map(|index| if self.variants.is_empty() { None } else { Letter::at(index) })
    }

    /// One of its variants.
    pub fn variant(&self, letter: Option<Letter>) -> Option<&Variant> {
        self.variants.get(letter?.index())
    }

    /// The words of one of its variants, or its own.
    pub fn words(&self, letter: Option<Letter>) -> Words<'_> {
        let own = Words {
            subject: self.subject.as_deref(),
            text: &self.text,
            html: self.html.as_deref(),
            removed: &self.removed,
        };
        let Some(variant) = self.variant(letter) else { return own };
        let subject = variant.subject.as_deref().or(own.subject);
        match variant.has_body() {
            true => Words { subject, text: &variant.text, html: variant.html.as_deref(), removed: &variant.removed },
            false => Words { subject, ..own },
        }
    }

    /// The variant that somebody gets whose lot is `lot`; `None` when it has none.
    pub fn pick(&self, lot: u64) -> Option<Letter> {
        variant::pick(&self.variants, lot)
    }

    /// Whether it begins a thread: all its variants do, or none.
    fn begins_thread(&self) -> bool {
        self.letters().all(|letter| self.words(letter).subject.is_some())
    }
}

/// What one person's message of a step is made of, where steps have variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Choice {
    /// The variant of the step.
    pub own: Option<Letter>,
    /// The variant of the step that began its thread: whose subject it replies to. Its own, where it begins one.
    pub first: Option<Letter>,
}

/// How long a step waits after the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", try_from = "WrittenDelay")]
pub enum Delay {
    /// Elapsed hours.
    Hours(u16),
    /// Days from Monday to Friday that are no public holidays where the Sender is, at the same time of day.
    WorkingDays(u16),
}

/// A delay as somebody writes it: with both, or with neither, it is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDelay {
    #[serde(default, deserialize_with = "nearest_if_any")]
    hours: Option<u16>,
    #[serde(default, deserialize_with = "nearest_if_any")]
    working_days: Option<u16>,
}

impl TryFrom<WrittenDelay> for Delay {
    type Error = &'static str;

    fn try_from(written: WrittenDelay) -> Result<Self, Self::Error> {
        match (written.hours, written.working_days) {
            (Some(hours), None) => Ok(Self::Hours(hours)),
            (None, Some(days)) => Ok(Self::WorkingDays(days)),
            _ => Err("a delay in hours or in working_days: one of the two"),
        }
    }
}

impl Delay {
    /// The longest, in hours: ninety days.
    pub const MOST_HOURS: u16 = 90 * 24;
    /// The longest, in working days: three months of them.
    pub const MOST_WORKING_DAYS: u16 = 65;

    /// What is wrong with it, as a sentence for whoever wrote it.
    ///
    /// # Errors
    /// A delay of nothing, or one so long that nobody would remember the step before.
    pub fn check(self) -> Result<(), String> {
        let (length, most) = match self {
            Self::Hours(hours) => (hours, Self::MOST_HOURS),
            Self::WorkingDays(days) => (days, Self::MOST_WORKING_DAYS),
        };
        if (1..=most).contains(&length) { Ok(()) } else { Err(format!("a whole number from 1 to {most}")) }
    }

    /// What it is counted in, as its member is called.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Hours(_) => "hours",
            Self::WorkingDays(_) => "working_days",
        }
    }

    /// When a step with this delay is due after the step before was through at `at`.
    ///
    /// Working days keep the time of day across clock changes; where that time is absent or comes twice, the later
    /// instant is taken. From a day of the weekend they count like from the Friday before, so that one is Monday, and
    /// from a holiday of `country` like from the working day before.
    #[must_use]
    pub fn after(self, at: Timestamp, zone: &TimeZone, country: &str) -> Timestamp {
        match self {
            Self::Hours(hours) => at.checked_add(SignedDuration::from_hours(hours.into())).unwrap_or(Timestamp::MAX),
            Self::WorkingDays(days) => {
                let local = zone.to_datetime(at);
                let day = (0..days).fold(local.date(), |day, _| next_working_day(day, country));
                zone.to_ambiguous_timestamp(day.to_datetime(local.time())).later().unwrap_or(Timestamp::MAX)
            }
        }
    }
}

/// The first day from Monday to Friday after this one that is no holiday of this country; blank for none.
pub(crate) fn next_working_day(mut day: Date, country: &str) -> Date {
    loop {
        let Ok(tomorrow) = day.tomorrow() else { return day };
        day = tomorrow;
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        if !weekend && !is_holiday(country, day) {
            return day;
        }
    }
}

impl Content {
    /// The time zone that its working days are counted in, and its window for people of whom no place is known: that of
    /// its window, or else the workspace's.
    pub fn zone(&self, workspace: &TimeZone) -> TimeZone {
        let named = self.window.as_ref().and_then(|window| window.time_zone.as_deref());
        named.and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| workspace.clone())
    }

    /// True when messages may wait for hours: for a later step, or for a window to open.
    pub fn waits(&self) -> bool {
        self.steps.len() > 1 || self.window.is_some()
    }

    /// How many steps it has.
    pub fn last_step(&self) -> u8 {
        u8::try_from(self.steps.len()).unwrap_or(u8::MAX)
    }

    /// A step by its number, from one.
    pub fn step(&self, number: u8) -> Option<&Step> {
        self.steps.get(usize::from(number).checked_sub(1)?)
    }

    /// The subject of a step for whoever got this variant of the step which began its thread: its own, or the reply
    /// to that one's.
    pub fn subject_of(&self, number: u8, variant: Option<Letter>) -> Cow<'_, str> {
        let first = self.thread_of(number).start;
        let subject = self.step(first).and_then(|step| step.words(variant).subject).unwrap_or_default();
        let is_reply = subject.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
        if first == number || is_reply { Cow::Borrowed(subject) } else { Cow::Owned(format!("Re: {subject}")) }
    }

    /// The steps before this one in its thread: what it replies to.
    pub fn thread_of(&self, number: u8) -> Range<u8> {
        let begins = |step: &u8| self.step(*step).is_some_and(Step::begins_thread);
        (FIRST..=number).rev().find(begins).unwrap_or(FIRST)..number
    }

    /// What somebody's message of a step is made of who gets the variant `own` of it; `got` says which they got of
    /// the step that began its thread.
    pub fn choice(&self, number: u8, own: Option<Letter>, got: impl FnOnce(u8) -> Option<Letter>) -> Choice {
        let begins = self.thread_of(number).start;
        Choice { own, first: if begins == number { own } else { got(begins) } }
    }

    /// All that a step's message may be made of for whoever got `got`, or else the first variant, where its thread began.
    pub fn choices(&self, number: u8, got: Option<Letter>) -> Vec<Choice> {
        let first = |begins| got.or_else(|| self.step(begins)?.letters().next()?);
        let letters = self.step(number).map(|step| step.letters().collect()).unwrap_or_else(|| vec![None]);
        letters.into_iter().map(|own| self.choice(number, own, first)).collect()
    }

    /// True when a later step replies to this one: what its messages were called has to be kept.
    pub fn is_replied_to(&self, number: u8) -> bool {
        self.step(number.saturating_add(1)).is_some_and(|next| !next.begins_thread())
    }
}

/// What an outcome of an earlier step says against the next one.
const fn stop(outcome: Outcome) -> Option<Refusal> {
    match outcome {
        Outcome::Sent | Outcome::Delivered => None,
        Outcome::Replied => Some(Refusal::Replied),
        Outcome::Bounced => Some(Refusal::Bounced),
        Outcome::Complained => Some(Refusal::Complained),
        Outcome::Failed | Outcome::PutOff => Some(Refusal::EarlierFailed),
        // Nobody knows whether that one arrived, so that the next one would come out of nowhere.
        Outcome::Pending | Outcome::Postponed | Outcome::Unknown => Some(Refusal::EarlierUnknown),
        Outcome::Refused(reason) => Some(reason),
    }
}

/// What became of a chunk's people in the steps before the one at hand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Earlier<'a>(&'a [Results]);

impl<'a> Earlier<'a> {
    /// The results of the steps before, in their order.
    pub const fn new(results: &'a [Results]) -> Self {
        Self(results)
    }

    /// Whether the person at `index` goes on in a chunk of their own.
    #[must_use]
    pub fn is_elsewhere(self, index: usize) -> bool {
        self.0.iter().any(|results| results.get(index) == Some(Outcome::Postponed))
    }

    /// Why the person at `index` is left out of the step at hand, if they are. The last thing that happened counts.
    #[must_use]
    pub fn stops(self, index: usize) -> Option<Refusal> {
        self.0.iter().rev().find_map(|results| stop(results.get(index).unwrap_or(Outcome::Unknown)))
    }
}

/// Whether somebody may still get a step after these. Who is unknown may: an event can still tell.
#[must_use]
pub fn goes_on(results: &[Results]) -> bool {
    let open = |outcome: Option<Outcome>| {
        outcome.is_some_and(|outcome| matches!(outcome, Outcome::Pending | Outcome::Unknown) || stop(outcome).is_none())
    };
    let people = results.first().map_or(0, |results| results.iter().len());
    (0..people).any(|index| results.iter().all(|results| open(results.get(index))))
}

/// Whether somebody answered the Sender since a campaign was launched, whichever message of whichever campaign they
/// answered: nobody who is in a conversation gets the next automatic message. Contacts are kept in whole seconds, rounded up.
#[must_use]
pub fn answered_since(last_contact: Option<Timestamp>, launched: Option<Timestamp>) -> bool {
    let since = last_contact.zip(launched).map(|(contact, launched)| contact.duration_since(launched));
    since.is_some_and(|since| since > SignedDuration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::retention::TIME_ZONE;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_after_the_launch_counts_and_one_before_does_not() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let launched = at("2026-11-26T10:00:00.200Z");
        for (contact, answered) in [
            (None, false),
            (at("2026-11-26T09:59:59Z"), false),
            (at("2026-11-26T10:00:01Z"), false), // may have been before it
            (at("2026-11-26T10:00:02Z"), true),
        ] {
            assert_eq!(answered_since(contact, launched), answered, "{contact:?}");
        }
        assert!(!answered_since(launched, None));
    }

    #[test]
    fn a_delay_of_nothing_or_of_ages_is_refused() {
        for (delay, fine) in [
            (Delay::Hours(0), false),
            (Delay::Hours(1), true),
            (Delay::Hours(2_160), true),
            (Delay::Hours(2_161), false),
            (Delay::WorkingDays(0), false),
            (Delay::WorkingDays(65), true),
            (Delay::WorkingDays(66), false),
        ] {
            assert_eq!(delay.check().is_ok(), fine, "{delay:?}");
        }
    }

    #[test]
    fn working_days_skip_weekends_and_keep_the_time_of_day_when_clocks_change() {
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        for (from, days, to) in [
            // A Thursday, a Friday, a Saturday.
            ("2026-11-26T09:00:00Z", 1, "2026-11-27T09:00:00Z"),
            ("2026-11-27T09:00:00Z", 1, "2026-11-30T09:00:00Z"),
            ("2026-11-28T09:00:00Z", 1, "2026-11-30T09:00:00Z"),
            ("2026-11-27T09:00:00Z", 6, "2026-12-07T09:00:00Z"),
            // Ten in Paris before and after the clocks went forward, and back.
            ("2026-03-27T09:00:00Z", 1, "2026-03-30T08:00:00Z"),
            ("2026-10-23T08:00:00Z", 1, "2026-10-26T09:00:00Z"),
            // Over a leap day.
            ("2028-02-28T09:00:00Z", 1, "2028-02-29T09:00:00Z"),
            // Half past midnight in Paris is the day before in UTC: Monday there, and one later is Tuesday.
            ("2026-11-29T23:30:00Z", 1, "2026-11-30T23:30:00Z"),
        ] {
            assert_eq!(Delay::WorkingDays(days).after(at(from), &zone, ""), at(to), "{from} + {days}");
        }
        assert_eq!(Delay::Hours(48).after(at("2026-03-28T09:00:00Z"), &zone, ""), at("2026-03-30T09:00:00Z"));
        // Where it is Monday already, one later is Tuesday.
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let sunday = at("2026-11-29T20:00:00Z");
        assert_eq!(Delay::WorkingDays(1).after(sunday, &tokyo, ""), at("2026-11-30T20:00:00Z"));
        assert_eq!(Delay::WorkingDays(1).after(sunday, &zone, ""), at("2026-11-30T20:00:00Z"));
        assert_eq!(Delay::WorkingDays(5).after(sunday, &tokyo, ""), at("2026-12-06T20:00:00Z"));
        assert_eq!(Delay::WorkingDays(5).after(sunday, &zone, ""), at("2026-12-04T20:00:00Z"));
    }

    #[test]
    fn working_days_skip_the_holidays_of_the_senders_country() {
        let zone = TimeZone::get(TIME_ZONE).unwrap();
        for (country, from, days, to) in [
            // 1 May 2026 is a Friday.
            ("FR", "2026-04-30T08:00:00Z", 1, "2026-05-04T08:00:00Z"),
            ("NL", "2026-04-30T08:00:00Z", 1, "2026-05-01T08:00:00Z"),
            // Easter of 2026: Good Friday is one in Germany and none in France; Monday is one in both.
            ("FR", "2026-04-02T08:00:00Z", 1, "2026-04-03T08:00:00Z"),
            ("FR", "2026-04-03T08:00:00Z", 1, "2026-04-07T08:00:00Z"),
            ("DE", "2026-04-02T08:00:00Z", 1, "2026-04-07T08:00:00Z"),
            // Easter Monday of 2027 is the day after clocks go forward: ten in Paris before and after.
            ("FR", "2027-03-26T09:00:00Z", 1, "2027-03-30T08:00:00Z"),
            // 25 and 26 December 2025 are a Thursday and a Friday.
            ("FR", "2025-12-24T09:00:00Z", 1, "2025-12-26T09:00:00Z"),
            ("DE", "2025-12-24T09:00:00Z", 1, "2025-12-29T09:00:00Z"),
            ("IE", "2025-12-24T09:00:00Z", 4, "2026-01-02T09:00:00Z"),
            // From a holiday they count like from the working day before.
            ("FR", "2026-05-01T08:00:00Z", 1, "2026-05-04T08:00:00Z"),
            // In a country whose holidays are not known every weekday counts.
            ("JP", "2026-04-30T08:00:00Z", 1, "2026-05-01T08:00:00Z"),
        ] {
            let due = Delay::WorkingDays(days).after(at(from), &zone, country);
            assert_eq!(due, at(to), "{country}: {from} + {days}");
        }
        // Hours are hours.
        assert_eq!(Delay::Hours(24).after(at("2026-04-30T08:00:00Z"), &zone, "FR"), at("2026-05-01T08:00:00Z"));
    }

    fn content(subjects: &[Option<&str>]) -> Content {
        let steps = subjects.iter().map(|subject| Step { subject: subject.map(str::to_owned), ..Step::default() });
        Content { steps: steps.collect(), ..serde_json::from_str(r#"{"name": "x"}"#).unwrap() }
    }

    #[test]
    fn a_step_without_a_subject_replies_to_the_thread_before_it() {
        let content = content(&[Some("Our tables"), None, None, Some("re: chairs"), None]);
        let subjects: Vec<_> = (1..=5).map(|step| content.subject_of(step, None).into_owned()).collect();
        assert_eq!(subjects, ["Our tables", "Re: Our tables", "Re: Our tables", "re: chairs", "re: chairs"]);
        let threads: Vec<_> = (1..=5).map(|step| content.thread_of(step)).collect();
        assert_eq!(threads, [1..1, 1..2, 1..3, 4..4, 4..5]);
        let kept: Vec<_> = (1..=5).filter(|step| content.is_replied_to(*step)).collect();
        assert_eq!(kept, [1, 2, 4]);
        assert_eq!((content.last_step(), content.step(0), content.step(6)), (5, None, None));
    }

    #[test]
    fn a_variant_says_what_its_step_says_unless_it_says_otherwise() {
        let content: Content = serde_json::from_value(serde_json::json!({"name": "x", "steps": [
            {"subject": "Tables", "text": "t", "html": "<p>t", "variants": [
                {"name": "A", "weight": 1}, {"name": "B", "weight": 1, "subject": "Chairs"},
                {"name": "C", "weight": 1, "text": "c"},
            ]},
            {"text": "again", "variants": [
                {"name": "A", "weight": 1, "text": "a"}, {"name": "B", "weight": 1, "text": "b"},
            ]},
            {"variants": [
                {"name": "A", "weight": 1, "subject": "x", "text": "a"}, {"name": "B", "weight": 1, "subject": "y", "text": "b"},
            ]},
        ]}))
        .unwrap();
        let letter = |index| Letter::at(index);
        let first = content.step(1).unwrap();
        let words: Vec<_> = first.letters().map(|letter| first.words(letter)).collect();
        let said: Vec<_> = words.iter().map(|words| (words.subject.unwrap(), words.text, words.html)).collect();
        assert_eq!(said, [("Tables", "t", Some("<p>t")), ("Chairs", "t", Some("<p>t")), ("Tables", "c", None)]);
        assert_eq!(content.subject_of(2, letter(1)), "Re: Chairs");
        assert_eq!((content.thread_of(2), content.thread_of(3)), (1..2, 3..3));
        assert!(content.is_replied_to(1) && !content.is_replied_to(2));
        let choices = content.choices(2, letter(2));
        assert_eq!(choices, [0, 1].map(|own| Choice { own: letter(own), first: letter(2) }));
        assert_eq!(content.choices(2, None)[0].first, letter(0));
        assert_eq!(content.choices(3, letter(2))[1], Choice { own: letter(1), first: letter(1) });
    }

    fn results(letters: &str) -> Results {
        letters.to_owned().try_into().unwrap()
    }

    #[test]
    fn only_whoever_got_every_step_before_gets_the_next() {
        let steps = [results("SSSSSSSS"), results("SRBCFUoS")];
        let earlier = Earlier::new(&steps);
        let stops: Vec<_> = (0..8).map(|index| earlier.stops(index).map(Refusal::as_str)).collect();
        let expected = [
            None,
            Some("replied"),
            Some("bounced"),
            Some("complained"),
            Some("earlier_step_failed"),
            Some("earlier_step_unknown"),
            Some("opted_out"),
            None,
        ];
        assert_eq!(stops, expected);
        assert_eq!(Earlier::default().stops(3), None, "nothing comes before the first step");
        let away = [results("SS"), results("PS")];
        assert!(Earlier::new(&away).is_elsewhere(0) && !Earlier::new(&away).is_elsewhere(1));
        // A reply to the first step that came after the second had left.
        assert_eq!(Earlier::new(&[results("R"), results("S")]).stops(0), Some(Refusal::Replied));
    }

    #[test]
    fn a_chunk_goes_on_as_long_as_anybody_may_get_more() {
        for (steps, expected) in [
            (["SS", "SS"].as_slice(), true),
            (&["So", "oS"], false),
            (&["SU", "Fo"], false),
            (&["Uo"], true),
            (&["FFoBCR"], false),
            (&["FFoBCRS"], true),
            (&["SSS", "PPo"], false),
        ] {
            let steps: Vec<_> = steps.iter().map(|letters| results(letters)).collect();
            assert_eq!(goes_on(&steps), expected, "{steps:?}");
        }
    }

    proptest! {
        /// A step is due after the one before, on a day of the week, at that time of day.
        #[test]
        fn working_days_end_on_a_working_day_and_one_more_is_later(
            second in 1_700_000_000_i64..2_000_000_000, days in 1_u16..64, country in prop::sample::select(vec!["", "FR", "DE", "GR", "US"])
        ) {
            let zone = TimeZone::get(TIME_ZONE).unwrap();
            let from = Timestamp::from_second(second).unwrap();
            let due = Delay::WorkingDays(days).after(from, &zone, country);
            let local = zone.to_datetime(due);
            prop_assert!(due > from);
            prop_assert!(!matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday));
            prop_assert!(!is_holiday(country, local.date()));
            prop_assert!(Delay::WorkingDays(days + 1).after(from, &zone, country) > due);
        }
    }
}
