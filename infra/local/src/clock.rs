//! The movable clock: what every function, queue and schedule takes for now.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// The system's time plus an offset that may be moved. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    offset_nanos: Arc<AtomicI64>,
    /// Where the offset is kept over a restart.
    kept: Option<Arc<PathBuf>>,
}

impl Clock {
    /// A clock that agrees with the system's.
    pub fn new() -> Clock {
        Clock::default()
    }

    /// A clock whose offset is in this file, once it was moved: what was stored under a later time stays in the past.
    pub fn kept_in(file: &Path) -> Clock {
        let offset = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
        Clock {
            offset_nanos: Arc::new(AtomicI64::new(offset.unwrap_or_default())),
            kept: Some(Arc::new(file.to_owned())),
        }
    }

    /// The time the product lives at; it keeps running after [`Clock::set`].
    pub fn now(&self) -> Timestamp {
        let offset = SignedDuration::from_nanos(self.offset_nanos.load(Ordering::SeqCst));
        system_now().saturating_add(offset).unwrap_or(Timestamp::MAX)
    }

    /// Whether it does not agree with the system's.
    pub fn is_moved(&self) -> bool {
        self.offset_nanos.load(Ordering::SeqCst) != 0
    }

    /// Moves the clock, backwards too. An offset beyond 292 years is clamped.
    pub fn set(&self, now: Timestamp) {
        let offset = now.duration_since(system_now()).as_nanos();
        let clamped = i64::try_from(offset).unwrap_or(if offset < 0 { i64::MIN } else { i64::MAX });
        self.offset_nanos.store(clamped, Ordering::SeqCst);
        if let Some(file) = &self.kept
            && let Err(error) = std::fs::write(&**file, format!("{clamped}\n"))
        {
            tracing::warn!(%error, "the clock is back to the system's after a restart");
        }
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
    fn one_that_is_kept_is_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clock");
        Clock::kept_in(&file).set("2031-02-28T23:59:59Z".parse().unwrap());
        let again = Clock::kept_in(&file).now();
        assert!(again.duration_since("2031-02-28T23:59:59Z".parse().unwrap()) < SignedDuration::from_secs(5));
        std::fs::write(&file, "not a number").unwrap();
        assert!(Clock::kept_in(&file).now().duration_since(system_now()).abs() < SignedDuration::from_secs(5));
    }

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
