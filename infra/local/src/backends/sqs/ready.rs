//! Messages that can be received, group by group: the next one is of the group with the fewest in flight, as a fair
//! queue of SQS has it; among those, the one that has waited longest. Without groups that is simply the oldest.

use std::collections::{BTreeMap, VecDeque};

/// Numbers of messages, by their groups.
#[derive(Default)]
pub(super) struct Ready {
    groups: BTreeMap<String, Group>,
    arrivals: u64,
}

#[derive(Default)]
struct Group {
    /// In order, each with when it came.
    waiting: VecDeque<(u64, u64)>,
    in_flight: usize,
}

impl Ready {
    pub(super) fn push_back(&mut self, group: &str, number: u64) {
        self.arrivals += 1;
        let arrival = self.arrivals;
        self.group(group).waiting.push_back((arrival, number));
    }

    pub(super) fn push_front(&mut self, group: &str, number: u64) {
        self.group(group).waiting.push_front((0, number));
    }

    /// The next one.
    pub(super) fn pop_front(&mut self) -> Option<u64> {
        let next = self.groups.values_mut().filter(|group| !group.waiting.is_empty());
        let next = next.min_by_key(|group| (group.in_flight, group.waiting.front().copied()))?;
        next.waiting.pop_front().map(|(_, number)| number)
    }

    /// A message of the group was received.
    pub(super) fn taken(&mut self, group: &str) {
        self.group(group).in_flight += 1;
    }

    /// A message of the group is not in flight any more.
    pub(super) fn freed(&mut self, name: &str) {
        let group = self.group(name);
        group.in_flight = group.in_flight.saturating_sub(1);
        if group.in_flight == 0 && group.waiting.is_empty() {
            self.groups.remove(name);
        }
    }

    pub(super) fn remove(&mut self, group: &str, number: u64) {
        self.group(group).waiting.retain(|(_, waiting)| *waiting != number);
    }

    pub(super) fn len(&self) -> usize {
        self.groups.values().map(|group| group.waiting.len()).sum()
    }

    pub(super) fn clear(&mut self) {
        self.groups.values_mut().for_each(|group| group.waiting.clear());
    }

    /// Puts each group in an order of chance: `below` draws a place up to and including its argument.
    pub(super) fn shuffle(&mut self, mut below: impl FnMut(usize) -> usize) {
        for group in self.groups.values_mut() {
            for last in (1..group.waiting.len()).rev() {
                group.waiting.swap(last, below(last));
            }
        }
    }

    fn group(&mut self, name: &str) -> &mut Group {
        if !self.groups.contains_key(name) {
            self.groups.insert(name.to_owned(), Group::default());
        }
        self.groups.get_mut(name).expect("it is there")
    }
}
