//! One standard queue: what is visible when, who holds what, and what goes to the dead letters.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{journal::Journal, ready::Ready};
use crate::backends::front;
use crate::template;

/// The two times a queue lives by. Visibility runs on the machine's; a delay also ends when the movable clock says so.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) machine: Timestamp,
    pub(super) clock: Timestamp,
}

/// One copy of a message in a queue.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    /// `MessageGroupId`; empty without one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    /// `MessageAttributes`, as they were sent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) attributes: Value,
    pub(super) sender: String,
    /// In the movable clock.
    pub(super) sent_at: Timestamp,
    /// In the machine's time; retention counts from here.
    kept_since: Timestamp,
    /// In the movable clock.
    pub(super) first_received_at: Option<Timestamp>,
    pub(super) receive_count: u32,
    /// The ARN of the queue it died in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) died_in: Option<String>,
    /// Invisible until then, by the machine's time.
    hidden_until: Timestamp,
    /// A delay also ends when the movable clock reaches this.
    delayed_until: Option<Timestamp>,
    /// Which receive holds it; an older receipt deletes nothing.
    #[serde(skip)]
    held: Option<u32>,
}

impl Message {
    pub(super) fn new(body: String, attributes: Value, sender: &str, delay: SignedDuration, now: Now) -> Self {
        let later = |start: Timestamp| start.saturating_add(delay).unwrap_or(Timestamp::MAX);
        Self {
            id: front::request_id(),
            body,
            group: String::new(),
            attributes,
            sender: sender.to_owned(),
            sent_at: now.clock,
            kept_since: now.machine,
            first_received_at: None,
            receive_count: 0,
            died_in: None,
            hidden_until: later(now.machine),
            delayed_until: (!delay.is_zero()).then(|| later(now.clock)),
            held: None,
        }
    }

    /// The same, delayed by so much more.
    pub(super) fn later(&self, by: SignedDuration) -> Self {
        let more = |moment: Timestamp| moment.saturating_add(by).unwrap_or(Timestamp::MAX);
        let delayed_until = Some(more(self.delayed_until.unwrap_or(self.sent_at)));
        Self { hidden_until: more(self.hidden_until), delayed_until, ..self.clone() }
    }

    /// The same in a group.
    pub(super) fn of(self, group: &str) -> Self {
        Self { group: group.to_owned(), ..self }
    }
}

/// How many messages a queue holds, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To be received now.
    pub visible: usize,
    /// Received and neither deleted nor expired.
    pub in_flight: usize,
    /// Sent with a delay that has not passed.
    pub delayed: usize,
    /// Of all of these, how many wait for a time of the movable clock.
    pub later: usize,
}

/// Why a receipt handle is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadReceipt {
    Invalid,
    NotInFlight,
}

pub(super) struct Queue {
    pub(super) settings: template::Queue,
    journal: Journal,
    messages: HashMap<u64, Message>,
    ready: Ready,
    hidden: BTreeSet<(Timestamp, u64)>,
    delayed: BTreeSet<(Timestamp, u64)>,
    next: u64,
    order: Option<(u64, StdRng)>,
}

impl Queue {
    /// A queue with what its journal remembers. Whatever was in flight is visible again.
    pub(super) fn open(settings: template::Queue, journal: Journal, remembered: BTreeMap<u64, Message>) -> Self {
        let mut queue = Self {
            settings,
            journal,
            messages: HashMap::new(),
            ready: Ready::default(),
            hidden: BTreeSet::new(),
            delayed: BTreeSet::new(),
            next: 0,
            order: None,
        };
        for (number, message) in remembered {
            queue.next = queue.next.max(number + 1);
            queue.hide(number, &message);
            queue.messages.insert(number, message);
        }
        queue
    }

    /// Stores `copies` of a message; each is delivered on its own.
    pub(super) fn put(&mut self, message: &Message, copies: u32) {
        for _ in 0..copies.max(1) {
            let number = self.next;
            self.next += 1;
            self.journal.put(number, message);
            if message.delayed_until.is_some() {
                self.hide(number, message);
            } else {
                self.ready.push_back(&message.group, number);
            }
            self.messages.insert(number, message.clone());
        }
        self.compact();
    }

    fn hide(&mut self, number: u64, message: &Message) {
        self.hidden.insert((message.hidden_until, number));
        if let Some(until) = message.delayed_until {
            self.delayed.insert((until, number));
        }
    }

    /// Takes up to `limit` messages, hidden for `visibility`. Messages received too often are handed back
    /// separately: they belong to the dead-letter queue.
    pub(super) fn receive(
        &mut self,
        limit: usize,
        visibility: SignedDuration,
        now: Now,
        seed: Option<u64>,
    ) -> (Vec<(String, Message)>, Vec<Message>) {
        self.wake(now);
        self.shuffle(seed);
        let mut taken = Vec::new();
        let mut dead = Vec::new();
        let mut ids = HashSet::new();
        let mut again = Vec::new();
        while taken.len() < limit {
            let Some(number) = self.ready.pop_front() else {
                break;
            };
            let Some(message) = self.messages.get_mut(&number) else {
                continue;
            };
            if self.settings.max_receive_count.is_some_and(|max| message.receive_count >= max)
                && self.settings.dead_letter.is_some()
            {
                dead.extend(self.remove(number));
                continue;
            }
            // Two copies of one message never share an answer.
            if !ids.insert(message.id.clone()) {
                again.push((message.group.clone(), number));
                continue;
            }
            message.receive_count += 1;
            message.first_received_at.get_or_insert(now.clock);
            message.hidden_until = now.machine.saturating_add(visibility).unwrap_or(Timestamp::MAX);
            message.delayed_until = None;
            message.held = Some(message.receive_count);
            self.ready.taken(&message.group);
            self.hidden.insert((message.hidden_until, number));
            self.journal.received(number, message);
            taken.push((receipt(number, message.receive_count), message.clone()));
        }
        for (group, number) in again.into_iter().rev() {
            self.ready.push_front(&group, number);
        }
        self.compact();
        (taken, dead)
    }

    /// Deletes what a receipt holds. Only the newest receipt of a message deletes it.
    pub(super) fn delete(&mut self, handle: &str) -> Result<(), BadReceipt> {
        let (number, receive) = read_receipt(handle).ok_or(BadReceipt::Invalid)?;
        if self.messages.get(&number).is_some_and(|message| message.receive_count == receive) {
            self.remove(number);
            self.compact();
        }
        Ok(())
    }

    /// Hides what a receipt holds for another while, or shows it at once when `visibility` is zero.
    pub(super) fn change_visibility(
        &mut self,
        handle: &str,
        visibility: SignedDuration,
        now: Now,
    ) -> Result<(), BadReceipt> {
        let (number, receive) = read_receipt(handle).ok_or(BadReceipt::Invalid)?;
        let message = self.messages.get_mut(&number).ok_or(BadReceipt::Invalid)?;
        if message.held != Some(receive) || message.hidden_until <= now.machine {
            return Err(BadReceipt::NotInFlight);
        }
        self.hidden.remove(&(message.hidden_until, number));
        message.hidden_until = now.machine.saturating_add(visibility).unwrap_or(Timestamp::MAX);
        // A visibility chosen by the holder is a delay: it is over when the movable clock says so, too.
        message.delayed_until = Some(now.clock.saturating_add(visibility).unwrap_or(Timestamp::MAX));
        let message = message.clone();
        self.hide(number, &message);
        Ok(())
    }

    fn remove(&mut self, number: u64) -> Option<Message> {
        let message = self.messages.remove(&number)?;
        self.hidden.remove(&(message.hidden_until, number));
        if let Some(until) = message.delayed_until {
            self.delayed.remove(&(until, number));
        }
        match message.held {
            None => self.ready.remove(&message.group, number),
            Some(_) => self.ready.freed(&message.group),
        }
        self.journal.deleted(number);
        Some(message)
    }

    /// Shows what is due, and drops what is past its retention.
    fn wake(&mut self, now: Now) {
        let mut due = Vec::new();
        while let Some(&(until, number)) = self.hidden.first() {
            if until > now.machine {
                break;
            }
            self.hidden.pop_first();
            due.push(number);
        }
        while let Some(&(until, number)) = self.delayed.first() {
            if until > now.clock {
                break;
            }
            self.delayed.pop_first();
            due.push(number);
        }
        let mut seen = HashSet::new();
        for number in due {
            if !seen.insert(number) {
                continue;
            }
            let Some(message) = self.messages.get_mut(&number) else {
                continue;
            };
            self.hidden.remove(&(message.hidden_until, number));
            if let Some(until) = message.delayed_until.take() {
                self.delayed.remove(&(until, number));
            }
            if message.held.take().is_some() {
                self.ready.freed(&message.group);
            }
            let group = message.group.clone();
            let expires = SignedDuration::try_from(self.settings.retention)
                .ok()
                .and_then(|retention| message.kept_since.checked_add(retention).ok());
            if expires.is_some_and(|expires| expires <= now.machine) {
                self.remove(number);
            } else {
                self.ready.push_back(&group, number);
            }
        }
    }

    fn shuffle(&mut self, seed: Option<u64>) {
        let Some(seed) = seed else {
            self.order = None;
            return;
        };
        let order = match &mut self.order {
            Some((of, order)) if *of == seed => order,
            _ => &mut self.order.insert((seed, StdRng::seed_from_u64(seed))).1,
        };
        self.ready.shuffle(|last| order.random_range(0..=last));
    }

    pub(super) fn counts(&mut self, now: Now) -> Counts {
        self.wake(now);
        let delayed = self.messages.values().filter(|message| message.held.is_none()).count() - self.ready.len();
        let in_flight = self.messages.len() - self.ready.len() - delayed;
        Counts { visible: self.ready.len(), in_flight, delayed, later: self.delayed.len() }
    }

    pub(super) fn next_delayed(&mut self, now: Now) -> Option<Timestamp> {
        self.wake(now);
        self.delayed.first().map(|(until, _)| *until)
    }

    /// Takes out what is to be received now and died in another queue.
    pub(super) fn take_dead(&mut self, now: Now) -> Vec<Message> {
        self.wake(now);
        let dead = |message: &Message| message.died_in.is_some() && message.held.is_none();
        let numbers: Vec<u64> = self.messages.iter().filter(|(_, m)| dead(m)).map(|(number, _)| *number).collect();
        let taken: Vec<Message> = numbers.into_iter().filter_map(|number| self.remove(number)).collect();
        self.compact();
        taken
    }

    /// Forgets every message.
    pub(super) fn purge(&mut self) {
        self.ready.clear();
        for number in self.messages.keys().copied().collect::<Vec<_>>() {
            self.remove(number);
        }
        self.compact();
    }

    fn compact(&mut self) {
        self.journal.compact(&self.messages);
    }
}

fn receipt(number: u64, receive: u32) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{number}#{receive}"))
}

fn read_receipt(handle: &str) -> Option<(u64, u32)> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(handle).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (number, receive) = text.split_once('#')?;
    Some((number.parse().ok()?, receive.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::system_now;

    fn queue() -> Queue {
        let settings = template::Queue {
            logical_id: "Q".to_owned(),
            name: "q".to_owned(),
            arn: "arn:q".to_owned(),
            url: String::new(),
            visibility_timeout: Duration::from_secs(30),
            delay: Duration::ZERO,
            retention: Duration::from_secs(60),
            max_receive_count: None,
            dead_letter: None,
        };
        Queue::open(settings, Journal::none(), BTreeMap::new())
    }

    fn later(now: Now, seconds: i64) -> Now {
        let machine = now.machine.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        Now { machine, ..now }
    }

    #[test]
    fn a_message_is_dropped_after_its_retention() {
        let start = system_now();
        let now = Now { machine: start, clock: start };
        let mut queue = queue();
        let message = Message::new("x".to_owned(), Value::Null, "me", SignedDuration::ZERO, now);
        queue.put(&message, 1);
        let visibility = SignedDuration::from_secs(30);
        assert_eq!(queue.receive(10, visibility, now, None).0.len(), 1);
        assert_eq!(queue.receive(10, visibility, later(now, 31), None).0.len(), 1);
        assert!(queue.receive(10, visibility, later(now, 62), None).0.is_empty());
        assert_eq!(queue.counts(later(now, 62)), Counts::default());
    }

    #[test]
    fn the_group_with_the_fewest_in_flight_is_next() {
        let now = Now { machine: system_now(), clock: system_now() };
        let mut queue = queue();
        let message =
            |group: &str| Message::new(group.to_owned(), Value::Null, "me", SignedDuration::ZERO, now).of(group);
        for _ in 0..50 {
            queue.put(&message("noisy"), 1);
        }
        queue.put(&message("quiet"), 3);
        let visibility = SignedDuration::from_secs(30);
        let take = |queue: &mut Queue| queue.receive(1, visibility, now, None).0.remove(0);
        let order: Vec<String> = (0..8).map(|_| take(&mut queue).1.body).collect();
        assert_eq!(order, ["noisy", "quiet", "noisy", "quiet", "noisy", "quiet", "noisy", "noisy"]);
        let ours = queue.receive(1, visibility, now, None).0.remove(0);
        queue.delete(&ours.0).unwrap();
        assert_eq!(queue.counts(now), Counts { visible: 44, in_flight: 8, delayed: 0, later: 0 });
    }

    #[test]
    fn moving_the_clock_shows_delayed_messages_only() {
        let start = system_now();
        let now = Now { machine: start, clock: start };
        let mut queue = queue();
        let message = |delay| Message::new("x".to_owned(), Value::Null, "me", SignedDuration::from_secs(delay), now);
        queue.put(&message(0), 1);
        queue.put(&message(600), 1);
        let visibility = SignedDuration::from_secs(30);
        assert_eq!(queue.receive(10, visibility, now, None).0.len(), 1);
        let clock = now.clock.checked_add(SignedDuration::from_hours(24)).unwrap();
        let moved = Now { clock, ..now };
        assert_eq!(queue.counts(moved), Counts { visible: 1, in_flight: 1, delayed: 0, later: 0 });
    }
}
