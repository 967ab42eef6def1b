//! How long an invocation may still work.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The end of an invocation. Work that would not finish before it is put down in good order.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// From the runtime's deadline, in milliseconds since the epoch.
    ///
    /// Read against the system's clock, which the runtime's deadline is made with. It bounds work; no
    /// rule about a person depends on it.
    #[expect(clippy::disallowed_methods, reason = "a time-out, not a date")]
    pub fn of_invocation(epoch_ms: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = Duration::from_millis(epoch_ms).saturating_sub(now);
        Self(Instant::now() + left)
    }

    /// So much from now on.
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// The same, with so much kept for what has to be done after it.
    #[must_use]
    pub fn keeping(self, time: Duration) -> Self {
        Self(self.0.checked_sub(time).unwrap_or(self.0))
    }

    /// What is left.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
