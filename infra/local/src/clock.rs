//! The movable clock: what every function, queue and schedule takes for now.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The system's time plus an offset that may be moved. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_nanos: Arc<AtomicI64>,
}

impl Clock {
    /// A clock that agrees with the system's.
    pub fn new() -> Clock {
        Clock::default()
    }

    /// The time the product lives at; it keeps running after [`Clock::set`].
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_nanos(self.offset_nanos.load(Ordering::SeqCst));
        system_now().saturating_add(offset).unwrap_or(Timestamp::MAX)
    }

    /// Moves the clock, backwards too. An offset beyond 292 years is clamped.
    pub fn set(&self, now: Timestamp) {
        let offset = now.duration_since(system_now()).as_nanos();
        let clamped = i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX });
        self.offset_nanos.store(clamped, Ordering::SeqCst);
    }
}

/// The machine's own time: the only place of the runner that reads it.
#[expect(clippy::disallowed_methods, reason = "the runner is the source of the time the functions are told")]
pub(crate) fn system_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_both_ways_and_keeps_running() {
        let clock = Clock::new();
        let other = clock.clone();
        for target in ["2031-02-28T23:59:59Z", "2001-01-01T00:00:00Z"] {
            let target: Timestamp = target.parse().unwrap();
            clock.set(target);
            let first = other.now();
            assert!(first >= target && first.duration_since(target) < SignedDuration::from_secs(5));
            std::thread::sleep(std::time::Duration::from_millis(5));
            assert!(other.now() > first);
        }
    }
}
