//! Throttling: by account and network together, so that a stranger's attempts never lock out the
//! right password from elsewhere, and by network alone. A network is a truncated address (A7), kept
//! as a keyed hash.

use domain::{
    Timestamp,
    policy::retention::{self, Class, Policy},
};
use storage::{StoreError, accounts::limit::Attempts};

use crate::{App, Failure, Kind};

/// So many within a window of time that starts on the clock.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// What is counted.
    pub of: &'static str,
    /// How many are allowed.
    pub most: u32,
    /// Seconds.
    pub seconds: i64,
}

/// Attempts to log in from one network. A /24 may hide a whole company behind one address.
pub const LOGINS: Window = Window { of: "login", most: 300, seconds: 15 * 60 };
/// Sign-ups and forgotten passwords from one network.
pub const REQUESTS: Window = Window { of: "request", most: 300, seconds: 60 * 60 };
/// System mails to one address, whoever asks for them.
pub const MAILS: Window = Window { of: "mail", most: 5, seconds: 60 * 60 };

/// Invitations of one workspace.
pub const INVITATIONS: Window = Window { of: "invitation", most: 50, seconds: 24 * 60 * 60 };

/// Wrong passwords that nobody has to wait for.
const FREE: u32 = 10;
/// Longest wait for the next attempt, in seconds.
const LONGEST_WAIT: i64 = 15 * 60;

/// Seconds to wait after so many wrong passwords in a row: 1, 2, 4… once the free ones are used up.
fn wait(failures: u32) -> i64 {
    match failures.checked_sub(FREE) {
        None => 0,
        Some(more) => 1_i64.checked_shl(more.min(30)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT),
    }
}

/// Wrong passwords of one account from one network.
#[derive(Debug)]
pub struct Guesses {
    bucket: String,
}

impl App {
    /// Counts one more of `who` within the window.
    pub async fn throttle(&self, window: Window, who: &str, now: Timestamp) -> Result<(), Failure> {
        if self.counted(window, who, now).await? <= window.most {
            return Ok(());
        }
        Err(too_many(window.seconds - now.as_second().rem_euclid(window.seconds)))
    }

    /// Whether one more mail to this address (by its keyed hash) is not too many.
    pub async fn may_mail(&self, login: &str, now: Timestamp) -> Result<bool, Failure> {
        Ok(self.counted(MAILS, login, now).await? <= MAILS.most)
    }

    /// Counts a guess at a password before it is checked, or says how long to wait.
    pub async fn guess(&self, login: &str, network: &str, now: Timestamp) -> Result<Guesses, Failure> {
        let bucket = self.bucket("guess", &format!("{login}\0{network}")).await?;
        // Requests at the same moment take turns, so that many at once count as many.
        for _ in 0..8 {
            let seen = self.db.attempts(&bucket, now).await?;
            if now.as_second() < seen.next {
                return Err(too_many(seen.next - now.as_second()));
            }
            let n = seen.n.saturating_add(1);
            let ttl = retention::ttl(Policy::current().expiry(Class::Limiter, now));
            let next = Attempts { n, next: now.as_second() + wait(n), ttl };
            match self.db.remember_attempt(&bucket, &seen, &next, now).await {
                Ok(()) => return Ok(Guesses { bucket }),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(too_many(1))
    }

    /// The password was right: nothing to hold against this account and network.
    pub async fn forgive(&self, guesses: Guesses) -> Result<(), Failure> {
        Ok(self.db.forget_attempts(&guesses.bucket).await?)
    }

    async fn counted(&self, window: Window, who: &str, now: Timestamp) -> Result<u32, Failure> {
        let index = now.as_second().div_euclid(window.seconds);
        let bucket = self.bucket(window.of, &format!("{index}\0{who}")).await?;
        let until = Policy::current().expiry(Class::Limiter, now);
        Ok(self.db.count(&bucket, until).await?)
    }

    async fn bucket(&self, of: &str, who: &str) -> Result<String, Failure> {
        let pepper = self.pepper().await?;
        let mac = pepper.mac("limiter", pepper.current_version(), format!("{of}\0{who}").as_bytes());
        Ok(hex::encode(mac.ok_or_else(|| Failure::internal("the pepper has no current version"))?))
    }
}

pub(crate) fn too_many(seconds: i64) -> Failure {
    let seconds = u32::try_from(seconds.max(1)).unwrap_or(1);
    Failure {
        retry_after: Some(seconds),
        ..Failure::new(Kind::TooMany, "throttled", format!("Too many attempts. Try again in {seconds} s."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_at_a_quarter_of_an_hour() {
        let waits: Vec<_> = [0, 1, 9, 10, 11, 12, 13, 19, 20, 40, u32::MAX].map(wait).to_vec();
        assert_eq!(waits, [0, 0, 0, 1, 2, 4, 8, 512, 900, 900, 900]);
    }

    #[test]
    fn a_refusal_says_when_to_come_back() {
        let refusal = too_many(0);
        assert_eq!((refusal.kind, refusal.retry_after), (Kind::TooMany, Some(1)));
    }
}
