//! A chunk: at most fifty recipients of one campaign, handled together in every step, and what became of each.
//!
//! A delivery is *claimed* before anything is handed to a channel, and a claim is made once. A message
//! about a chunk may come twice, late or after a crash: whoever finds a person claimed by somebody else
//! does not write to them, and says [`Outcome::Unknown`] until the other one, or an event of the
//! provider, knows better. What was claimed and certainly not handed over is released, and is free
//! again. The results of a chunk are a string of one letter per recipient, so that fifty of them fit in
//! one write unit with the fifty subjects.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{policy::Refusal, subject::Subject, variant::Letter};

/// Recipients in a chunk, at most.
pub const CHUNK: usize = 50;

/// Claims made in one call, and handed over before the next ones are made.
pub const GROUP: usize = 25;

/// How long others of a chunk wait for those of them who wait, until they go on without them.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);

/// Whether those of a chunk who wait until then hold up the others too long, of whom the first was written to at `begun`.
#[must_use]
pub fn holds_up(begun: Timestamp, until: Timestamp) -> bool {
    until.duration_since(begun) >= PATIENCE
}

/// The first number of those chunks in which one person is who was postponed. A million chunks come before it.
const LATE: u32 = 50_000_000;

/// The number of the chunk that whoever is at `index` of a chunk goes on in, once they are postponed: always the same. `None` for one
/// who was postponed before, and in a campaign of more people than there are numbers.
#[must_use]
pub fn late(chunk: u32, index: usize) -> Option<u32> {
    let place = chunk.checked_mul(u32::try_from(CHUNK).ok()?)?.checked_add(u32::try_from(index).ok()?)?;
    (index < CHUNK && place < LATE).then_some(LATE + place)
}

/// The chunk that such a one comes from, and the place there; `None` of any other chunk.
#[must_use]
pub fn origin(chunk: u32) -> Option<(u32, usize)> {
    let place = usize::try_from(chunk.checked_sub(LATE)?).ok()?;
    Some((u32::try_from(place / CHUNK).ok()?, place % CHUNK))
}

/// What became of one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// Nothing yet.
    Pending,
    /// In a chunk of their own from this step on, so that nobody waits with them, and counted there ([`late`]).
    Postponed,
    /// Accepted by the channel.
    Sent,
    /// Accepted, and taken by the recipient's server.
    Delivered,
    /// Accepted, and answered by the person.
    Replied,
    /// Accepted, and returned later; or refused at once, because the address is bad.
    Bounced,
    /// Accepted, and reported as spam later.
    Complained,
    /// Definitely not accepted: the channel refused it.
    Failed,
    /// Definitely not accepted: the channel put it off until its time was over.
    PutOff,
    /// May have been accepted.
    Unknown,
    /// Not written to, by rule.
    Refused(Refusal),
}

impl Outcome {
    /// Those that are what they are called, with their letters and their names in the API and in stored counts.
    const PLAIN: [(Self, u8, &'static str); 10] = [
        (Self::Pending, b'.', "pending"),
        (Self::Postponed, b'P', "postponed"),
        (Self::Sent, b'S', "sent"),
        (Self::Delivered, b'D', "delivered"),
        (Self::Replied, b'R', "replied"),
        (Self::Bounced, b'B', "bounced"),
        (Self::Complained, b'C', "complained"),
        (Self::Failed, b'F', "failed"),
        (Self::PutOff, b'O', "put_off"),
        (Self::Unknown, b'U', "unknown"),
    ];

    /// All of them, with their letters and names.
    fn all() -> impl Iterator<Item = (Self, u8, String)> {
        let plain = Self::PLAIN.into_iter().map(|(outcome, letter, name)| (outcome, letter, name.to_owned()));
        let refused = |(reason, letter): &(Refusal, u8)| {
            (Self::Refused(*reason), *letter, format!("refused_{}", reason.as_str()))
        };
        plain.chain(Refusal::ALL.iter().map(refused))
    }

    /// The letter that stands for it.
    pub fn letter(self) -> u8 {
        match self {
            Self::Refused(reason) => {
                Refusal::ALL.iter().find(|(r, _)| *r == reason).map_or(b'?', |(_, letter)| *letter)
            }
            plain => Self::PLAIN.iter().find(|(outcome, ..)| *outcome == plain).map_or(b'?', |(_, letter, _)| *letter),
        }
    }

    /// Reads a letter.
    pub fn from_letter(letter: u8) -> Option<Self> {
        let plain = Self::PLAIN.iter().find(|(_, known, _)| *known == letter).map(|(outcome, ..)| *outcome);
        plain.or_else(|| Some(Self::Refused(Refusal::ALL.iter().find(|(_, known)| *known == letter)?.0)))
    }

    /// The name of this outcome in the API and in stored counts.
    pub fn name(self) -> String {
        Self::all().find(|(outcome, ..)| *outcome == self).map(|(.., name)| name).unwrap_or_default()
    }

    /// Reads [`Outcome::name`].
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|(.., known)| known == name).map(|(outcome, ..)| outcome)
    }

    /// Whether the channel took the message, whatever became of it then.
    pub const fn was_taken(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Replied | Self::Bounced | Self::Complained)
    }

    /// How much later news weighs: complaint > bounce > reply > delivered > sent > failed > unknown > postponed > pending. A
    /// refusal is final, because nothing was handed over.
    fn weight(self) -> u8 {
        match self {
            Outcome::Pending => 0,
            Outcome::Postponed => 1,
            Outcome::Unknown => 2,
            Outcome::Failed | Outcome::PutOff => 3,
            Outcome::Sent => 4,
            Outcome::Delivered => 5,
            Outcome::Replied => 6,
            Outcome::Bounced => 7,
            Outcome::Complained => 8,
            Outcome::Refused(_) => 9,
        }
    }

    /// Joins two pieces of news about one delivery: commutative, associative, idempotent, so that
    /// events may come late, twice and in any order.
    pub fn join(self, other: Outcome) -> Outcome {
        if (other.weight(), other) > (self.weight(), self) { other } else { self }
    }
}

/// What of a step somebody was handed, beside that they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Got {
    /// Which of its variants, where it has any.
    pub variant: Option<Letter>,
    /// Its links were signed: clicks on them are recorded.
    pub signed: bool,
}

impl Got {
    /// Stands for a message without variants whose links were signed.
    const SIGNED: char = 'z';

    /// One letter: that of the variant, small where links were signed.
    pub fn as_char(self) -> char {
        match (self.variant, self.signed) {
            (None, false) => NO_VARIANT,
            (None, true) => Self::SIGNED,
            (Some(letter), false) => letter.as_char(),
            (Some(letter), true) => letter.as_char().to_ascii_lowercase(),
        }
    }

    /// Reads [`Got::as_char`].
    pub fn from_char(letter: char) -> Option<Self> {
        match letter {
            NO_VARIANT => Some(Self::default()),
            Self::SIGNED => Some(Self { variant: None, signed: true }),
            letter => {
                let variant = Letter::from_char(letter.to_ascii_uppercase())?;
                Some(Self { variant: Some(variant), signed: letter.is_ascii_lowercase() })
            }
        }
    }

    /// Whether there is nothing to say of it.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }

    fn join(self, other: Self) -> Self {
        Self { variant: self.variant.max(other.variant), signed: self.signed || other.signed }
    }
}

impl From<Option<Letter>> for Got {
    fn from(variant: Option<Letter>) -> Self {
        Self { variant, signed: false }
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

impl std::str::FromStr for Got {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut letters = text.chars();
        match (letters.next().and_then(Self::from_char), letters.next()) {
            (Some(got), None) => Ok(got),
            _ => Err("no letter of what somebody was handed"),
        }
    }
}

/// One outcome per recipient, in the order of the chunk's subjects; and, where a step has variants, which of them
/// was handed over.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Results {
    outcomes: Vec<Outcome>,
    /// As long as the outcomes.
    got: Vec<Got>,
}

/// Stands between the outcomes and the variants, where there are any.
const VARIANTS: char = '|';

/// Stands for nobody's variant.
const NO_VARIANT: char = '.';

impl Results {
    /// Nothing known yet of `len` recipients.
    pub fn pending(len: usize) -> Self {
        Self { outcomes: vec![Outcome::Pending; len], got: vec![Got::default(); len] }
    }

    /// Outcomes in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Outcome> + '_ {
        self.outcomes.iter().copied()
    }

    /// The outcome at `index`.
    pub fn get(&self, index: usize) -> Option<Outcome> {
        self.outcomes.get(index).copied()
    }

    /// The variant that was handed over, or may have been, to whoever is at `index`.
    pub fn variant(&self, index: usize) -> Option<Letter> {
        self.got(index).variant
    }

    /// What was handed over, or may have been, to whoever is at `index`.
    pub fn got(&self, index: usize) -> Got {
        self.got.get(index).copied().unwrap_or_default()
    }

    /// The results of whoever is at `index`, alone.
    #[must_use]
    pub fn alone(&self, index: usize) -> Self {
        let outcome = self.get(index).unwrap_or(Outcome::Unknown);
        Self { outcomes: vec![outcome], got: vec![self.got(index)] }
    }

    /// Variants in order.
    pub fn variants(&self) -> impl ExactSizeIterator<Item = Option<Letter>> + '_ {
        self.got.iter().map(|got| got.variant)
    }

    /// What was handed over, in order.
    pub fn all_got(&self) -> impl ExactSizeIterator<Item = Got> + '_ {
        self.got.iter().copied()
    }

    /// Whether anybody was handed one of several variants.
    pub fn has_variants(&self) -> bool {
        self.variants().any(|variant| variant.is_some())
    }

    /// Records news; what is already known and weighs more stays.
    pub fn join(&mut self, index: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = slot.join(outcome);
        }
    }

    /// Records what somebody was handed, or may have been. Nobody is handed two variants.
    pub fn note(&mut self, index: usize, got: impl Into<Got>) {
        if let Some(slot) = self.got.get_mut(index) {
            *slot = slot.join(got.into());
        }
    }

    /// Joins another record of the same chunk.
    pub fn join_all(&mut self, other: &Results) {
        for (index, (outcome, got)) in other.iter().zip(other.all_got()).enumerate() {
            self.join(index, outcome);
            self.note(index, got);
        }
    }

    /// True when nobody is pending.
    pub fn settled(&self) -> bool {
        self.iter().all(|outcome| outcome != Outcome::Pending)
    }

    /// Whether whoever is at `index` may get the next step: they got this one, or may have.
    pub fn may_go_on(&self, index: usize) -> bool {
        matches!(self.get(index), Some(Outcome::Sent | Outcome::Delivered | Outcome::Unknown))
    }

    /// Indexes still pending.
    pub fn open(&self) -> Vec<usize> {
        self.iter().enumerate().filter(|(_, o)| *o == Outcome::Pending).map(|(i, _)| i).collect()
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().try_for_each(|outcome| write!(f, "{}", char::from(outcome.letter())))?;
        if self.all_got().any(|got| !got.is_plain()) {
            write!(f, "{VARIANTS}")?;
            self.all_got().try_for_each(|got| write!(f, "{got}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Results> for String {
    fn from(results: Results) -> String {
        results.to_string()
    }
}

impl TryFrom<String> for Results {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (outcomes, variants) = text.split_once(VARIANTS).unwrap_or((&text, ""));
        let outcomes: Option<Vec<_>> = outcomes.bytes().map(Outcome::from_letter).collect();
        let outcomes = outcomes.ok_or("unknown letter in a chunk's results")?;
        let got: Option<Vec<_>> = match variants {
            "" => Some(vec![Got::default(); outcomes.len()]),
            variants => variants.chars().map(Got::from_char).collect(),
        };
        let got = got.filter(|got| got.len() == outcomes.len());
        Ok(Self { got: got.ok_or("unknown variants in a chunk's results")?, outcomes })
    }
}

/// The proof that this invocation, and no other, may hand a message for this person to a channel.
/// Made from the store's answer to a conditional write.
#[derive(Debug, PartialEq, Eq)]
pub struct Claim {
    subject: Subject,
}

impl Claim {
    /// The conditional write for this person succeeded, or was found to be our own.
    pub const fn won(subject: Subject) -> Self {
        Self { subject }
    }

    /// The person.
    pub const fn subject(&self) -> Subject {
        self.subject
    }
}

/// What the table says of a chunk at one step. There is none until a `send` has put it down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRecord {
    /// The recipients.
    pub subjects: Vec<Subject>,
    /// What became of them.
    pub results: Results,
    /// When the next step is due: noted with the last outcome of this one.
    pub due: Option<Timestamp>,
    /// When the channel first put off those who are still pending, because of them.
    pub put_off: Option<Timestamp>,
    /// When the first of them was written to in this step, as long as others wait.
    pub begun: Option<Timestamp>,
    /// Of the messages about it, how often one was put back for it: those that are behind are copies.
    pub round: u32,
    /// Raised by every write, for optimistic locking.
    pub version: u64,
}

impl ChunkRecord {
    /// Its people without those who are not held any more: nobody stands where they stood (A40).
    pub fn without_the_erased(&self) -> Vec<Subject> {
        let gone = |outcome| outcome == Outcome::Refused(Refusal::Erased);
        let people = self.subjects.iter().zip(self.results.iter());
        people.map(|(subject, outcome)| if gone(outcome) { Subject::NOBODY } else { *subject }).collect()
    }

    /// Whether these are its people. Somebody who was erased meanwhile may still be named in a message on its way,
    /// or here when that message was made after the erasure.
    pub fn is_of(&self, people: &[Subject]) -> bool {
        let same = |(here, named): (&Subject, &Subject)| here == named || [*here, *named].contains(&Subject::NOBODY);
        self.subjects.len() == people.len() && self.subjects.iter().zip(people).all(same)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chunk_is_of_its_people_and_of_nobody_else() {
        let person = |byte| Subject::from_bytes([byte; 16]);
        let record = |subjects| ChunkRecord {
            subjects,
            results: Results::pending(2),
            due: None,
            put_off: None,
            begun: None,
            round: 0,
            version: 1,
        };
        let people = [person(1), person(2)];
        assert!(record(people.to_vec()).is_of(&people));
        assert!(record(vec![Subject::NOBODY, person(2)]).is_of(&people), "one was erased");
        assert!(record(people.to_vec()).is_of(&[person(1), Subject::NOBODY]), "one was erased before the message");
        for other in [vec![person(2), person(1)], vec![person(1)], vec![person(1), person(3)]] {
            assert!(!record(other).is_of(&people));
        }
    }

    #[test]
    fn a40_whom_nobody_holds_any_more_is_not_named_either() {
        let people: Vec<_> = [1, 2, 3].map(|byte| Subject::from_bytes([byte; 16])).into();
        let results = String::from_utf8(
            [Outcome::Sent, Outcome::Refused(Refusal::Erased), Outcome::Pending].map(Outcome::letter).into(),
        );
        let results = results.unwrap().try_into().unwrap();
        let record = ChunkRecord {
            subjects: people.clone(),
            results,
            due: None,
            put_off: None,
            begun: None,
            round: 0,
            version: 1,
        };
        assert_eq!(record.without_the_erased(), [people[0], Subject::NOBODY, people[2]]);
    }

    #[test]
    fn whoever_is_postponed_goes_on_in_a_chunk_that_leads_back() {
        for (chunk, index) in [(0, 0), (0, 49), (7, 3), (999_999, 49)] {
            let late = late(chunk, index).unwrap();
            assert_eq!(origin(late), Some((chunk, index)));
            assert!(format!("{late:08}").len() == 8, "keys sort by eight digits");
            assert_eq!(super::late(late, 0), None, "and no further");
        }
        assert_eq!((late(1_000_000, 0), late(0, CHUNK), origin(999_999)), (None, None, None));
        let results = Results::try_from("SRP|AB.".to_owned()).unwrap();
        assert_eq!(results.alone(1).to_string(), "R|B");
        assert!(results.settled(), "the others need not wait");
    }

    fn outcomes() -> Vec<Outcome> {
        Outcome::all().map(|(outcome, ..)| outcome).collect()
    }

    #[test]
    fn variants_are_written_beside_the_outcomes_and_read_back() {
        let mut results = Results::pending(3);
        results.join(1, Outcome::Sent);
        assert_eq!(results.to_string(), ".S.", "as long as there are none, nothing is written of them");
        results.note(1, Letter::at(1));
        results.note(2, None);
        assert_eq!(results.to_string(), ".S.|.B.");
        let mut read = Results::try_from(results.to_string()).unwrap();
        assert_eq!((&read, read.variant(1), read.variant(0)), (&results, Letter::at(1), None));
        read.join_all(&Results::try_from("S..".to_owned()).unwrap());
        assert_eq!(read.to_string(), "SS.|.B.", "who knows of no variant takes none away");
        for wrong in [".S|.", ".S|.I", ".S|..."] {
            assert!(Results::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        // Fifty people with their variants are one write unit, with the rest of their record.
        assert!(Subject::pack(&[Subject::NOBODY; CHUNK]).len() + 2 * CHUNK + 1 < 1_024 - 120);
    }

    #[test]
    fn whose_links_were_signed_is_a_small_letter_and_no_byte_more() {
        let mut results = Results::pending(3);
        results.note(0, Got { variant: Letter::at(1), signed: true });
        results.note(1, Letter::at(1));
        results.note(2, Got { variant: None, signed: true });
        assert_eq!(results.to_string(), "...|bBz");
        let mut read = Results::try_from(results.to_string()).unwrap();
        assert_eq!((&read, read.variant(0), read.got(2).signed), (&results, Letter::at(1), true));
        read.join_all(&Results::try_from("SSS|BB.".to_owned()).unwrap());
        assert_eq!(read.to_string(), "SSS|bBz", "who knows of no signed link takes none away");
        for got in ['.', 'z', 'A', 'a', 'H', 'h'] {
            assert_eq!(got.to_string().parse::<Got>().map(Got::as_char), Ok(got));
        }
        assert!("I".parse::<Got>().is_err() && "i".parse::<Got>().is_err() && "".parse::<Got>().is_err());
    }

    #[test]
    fn letters_and_names_are_distinct_and_read_back() {
        for outcome in outcomes() {
            assert_eq!(Outcome::from_letter(outcome.letter()), Some(outcome));
            assert_eq!(Outcome::from_name(&outcome.name()), Some(outcome));
        }
    }

    proptest! {
        #[test]
        fn news_may_come_in_any_order_and_twice(order in Just(outcomes()).prop_shuffle(), take in 1usize..8) {
            let news = &order[..take];
            let forward = news.iter().fold(Outcome::Pending, |a, b| a.join(*b));
            let backward = news.iter().rev().fold(Outcome::Pending, |a, b| a.join(*b));
            let twice = news.iter().chain(news).fold(Outcome::Pending, |a, b| a.join(*b));
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(forward, twice);
        }
    }
}
