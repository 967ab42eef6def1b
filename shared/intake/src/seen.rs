//! Duplicates within a file, a million rows in 12 MB.
//!
//! A `HashSet<String>` of a million addresses takes 80 MB; a function has 32. Sixty-four keyed bits an
//! address take 11. Two different addresses share a fingerprint with a probability of 3 in 10⁸ per
//! million rows; the key is random, so nobody can prepare a file in which they do.

use std::hash::{BuildHasher, RandomState};

use domain::email::EmailAddress;

/// How many entries the next table is for. Doubling keeps the tables few while they are small; later,
/// halves keep the empty part small.
fn next_size(total: usize) -> usize {
    if total < 250_000 { total.max(1_000) } else { total / 2 }
}

/// The addresses seen so far: a flat set of fingerprints, sized once. Nothing can be read out of it.
pub struct Seen {
    key: RandomState,
    /// A set that is full is followed by another rather than copied into a larger one: copying
    /// would need both at once.
    tables: Vec<Table>,
    len: usize,
}

struct Table {
    /// 0 is empty.
    slots: Box<[u64]>,
    len: usize,
    full_at: usize,
}

impl Table {
    fn for_entries(entries: usize) -> Self {
        let slots = entries + entries / 3 + 16;
        Self { slots: vec![0; slots].into_boxed_slice(), len: 0, full_at: entries }
    }

    /// The slot that holds `print`, or the empty one where it belongs.
    fn slot(&self, print: u64) -> usize {
        let count = self.slots.len();
        // The high bits of print × count: a division without dividing (Lemire 2019).
        #[expect(clippy::cast_possible_truncation, reason = "the product's high half is below `count`")]
        let mut at = ((u128::from(print) * count as u128) >> 64) as usize;
        loop {
            let there = self.slots[at];
            if there == 0 || there == print {
                return at;
            }
            at = if at + 1 == count { 0 } else { at + 1 };
        }
    }
}

impl Seen {
    /// A set that holds `expected` addresses at 10.7 bytes each, and grows beyond.
    #[must_use]
    pub fn with_capacity(expected: usize) -> Self {
        Self { key: RandomState::new(), tables: vec![Table::for_entries(expected.max(1_000))], len: 0 }
    }

    /// Notes an address; `false` when it was there already. Spellings of one mailbox are one.
    pub fn insert(&mut self, address: &EmailAddress) -> bool {
        self.insert_text(&address.canonical())
    }

    fn insert_text(&mut self, canonical: &str) -> bool {
        let print = self.key.hash_one(canonical).max(1);
        let mut at = 0;
        for table in &self.tables {
            at = table.slot(print);
            if table.slots[at] == print {
                return false;
            }
        }
        let total = self.len;
        let last = self.tables.last_mut().filter(|table| table.len < table.full_at);
        if let Some(table) = last {
            table.slots[at] = print;
            table.len += 1;
        } else {
            let mut table = Table::for_entries(next_size(total));
            let at = table.slot(print);
            table.slots[at] = print;
            table.len = 1;
            self.tables.push(table);
        }
        self.len += 1;
        true
    }

    /// How many different addresses were noted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of memory it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.tables.iter().map(|table| table.slots.len() * size_of::<u64>()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect(text)
    }

    #[test]
    fn spellings_of_one_mailbox_are_one() {
        let mut seen = Seen::with_capacity(10);
        assert!(seen.is_empty());
        assert!(seen.insert(&address("anne@example.com")));
        assert!(!seen.insert(&address("Anne@EXAMPLE.com")));
        assert!(!seen.insert(&address("\"anne\"@example.com")));
        assert!(seen.insert(&address("anna@example.com")));
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_million_rows_fit_in_12_bytes_each() {
        let seen = Seen::with_capacity(1_000_000);
        assert!(seen.bytes() <= 12_000_000, "{}", seen.bytes());
    }

    #[test]
    fn an_estimate_that_is_too_small_costs_little() {
        let mut seen = Seen::with_capacity(0);
        for i in 0..100_000 {
            assert!(seen.insert_text(&format!("person-{i}@example.com")));
        }
        for i in 0..100_000 {
            assert!(!seen.insert_text(&format!("person-{i}@example.com")));
        }
        assert_eq!(seen.len(), 100_000);
        assert!(seen.bytes() <= 100_000 * 22, "{}", seen.bytes());
    }
}
