//! How the operator's account stands with Amazon SES: how many messages a second and a day it may send.
//!
//! `GetAccount` is asked once a minute by each process. The rate is the account's, and how many others send nobody
//! knows: each process begins with a share of it, becomes slower when SES says that it is too fast, and faster again with
//! each message that is taken.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{SignedDuration, Timestamp};

use super::{Handed, LEAST};
use crate::{App, Deadline};

/// How long an answer holds.
const HOLDS: SignedDuration = SignedDuration::from_secs(60);

/// Processes that may send at once: as many as `template.yaml` lets run.
const HANDS: f64 = 10.0;

/// Messages a second, when nobody has said.
const UNKNOWN_RATE: f64 = 14.0;

/// A process does not get slower than this part of the account's rate.
const SLOWEST: f64 = 1.0 / 40.0;

/// Messages whose turns are so close leave at once: the rate counts seconds, and to wake up for each costs more than to send it.
const TOGETHER: Duration = Duration::from_millis(50);

/// Refusals within so short a time say the same, and count once.
const AGAIN: Duration = Duration::from_millis(500);

/// Whether the account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may.
    Open,
    /// Its messages of the last 24 hours are as many as it may send.
    QuotaUsed,
    /// Its sending is paused.
    Paused,
}

/// What a process knows of it.
#[derive(Debug)]
pub(crate) struct SesStanding(Mutex<Known>);

#[derive(Debug)]
struct Known {
    asked: Option<Timestamp>,
    standing: Standing,
    /// Messages a second of the whole account.
    most: f64,
    /// Messages a second of this process.
    pace: f64,
    /// From when turns are counted.
    since: Instant,
    /// When the next message may leave.
    next: Option<Instant>,
    /// When it last became slower.
    slowed: Option<Instant>,
}

impl Default for SesStanding {
    fn default() -> Self {
        let (most, pace) = (UNKNOWN_RATE, UNKNOWN_RATE);
        Self(Mutex::new(Known {
            asked: None,
            standing: Standing::Open,
            most,
            pace,
            since: Instant::now(),
            next: None,
            slowed: None,
        }))
    }
}

impl SesStanding {
    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until this process may send its next message. False, and at once, when that is not before the deadline: others
    /// keep their turns then.
    pub(super) async fn turn(&self, deadline: Deadline) -> bool {
        let wait = self.known(|known| {
            let now = Instant::now();
            let at = known.next.map_or(now, |next| next.max(now));
            let wait = with_its_neighbours(known.since, at).saturating_duration_since(now);
            if wait + LEAST > deadline.left() {
                return None;
            }
            known.next = Some(at + Duration::from_secs_f64(1.0 / known.pace));
            Some(wait)
        });
        match wait {
            None => return false,
            Some(Duration::ZERO) => {}
            Some(wait) => tokio::time::sleep(wait).await,
        }
        true
    }

    /// How many messages this process may send in so much time, one at least.
    pub(crate) fn room(&self, time: Duration) -> usize {
        let now = Instant::now();
        let messages = self.known(|known| {
            let taken = known.next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now));
            known.pace * time.saturating_sub(taken).as_secs_f64()
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, cut where it does not matter"
        )]
        let messages = messages.clamp(1.0, 1e6) as usize;
        messages
    }

    /// A message was taken.
    pub(super) fn accepted(&self) {
        self.known(|known| known.pace = (known.pace * 1.02).min(known.most));
    }

    /// One was not.
    pub(super) fn refused(&self, handed: &Handed) {
        self.known(|known| match handed {
            Handed::Later if known.slowed.is_none_or(|at| at.elapsed() >= AGAIN) => {
                known.slowed = Some(Instant::now());
                known.pace = (known.pace / 2.0).max(known.most * SLOWEST);
            }
            Handed::Later => {}
            Handed::QuotaUsed => known.standing = Standing::QuotaUsed,
            Handed::Paused => known.standing = Standing::Paused,
            Handed::Accepted(_) | Handed::Rejected(_) | Handed::PutOff(_) | Handed::Hindered(_) | Handed::Unknown => {}
        });
    }
}

/// When a message may leave whose turn is at `at`: with the first of those close to it.
fn with_its_neighbours(since: Instant, at: Instant) -> Instant {
    let counted = at.saturating_duration_since(since);
    let late = counted.as_nanos() % TOGETHER.as_nanos();
    at - Duration::from_nanos(u64::try_from(late).unwrap_or_default())
}

impl App {
    /// How the account stands at `now`. Where SES does not say, it is asked with each message.
    pub(crate) async fn ses_account(&self, now: Timestamp) -> Standing {
        let fresh = |asked: Timestamp| now.duration_since(asked).abs() < HOLDS;
        let known = self.ses_standing.known(|known| known.asked.is_some_and(fresh).then_some(known.standing));
        // A pause is asked after each time: whoever lets a campaign go on knows that it is over.
        if let Some(standing) = known.filter(|standing| *standing != Standing::Paused) {
            return standing;
        }
        let answer = self.ses.get_account().send().await;
        self.ses_standing.known(|known| {
            let first = known.asked.is_none();
            known.asked = Some(now);
            known.standing = Standing::Open;
            let Ok(account) = answer else {
                tracing::warn!("ses does not say how the account stands");
                return known.standing;
            };
            if let Some(quota) = account.send_quota() {
                // -1 is no limit.
                let (most, sent) = (quota.max24_hour_send(), quota.sent_last24_hours());
                if most >= 0.0 && sent >= most {
                    known.standing = Standing::QuotaUsed;
                }
                if quota.max_send_rate() > 0.0 {
                    known.most = quota.max_send_rate();
                    known.pace = if first { known.most / HANDS } else { known.pace.min(known.most) };
                }
            }
            if !account.sending_enabled() {
                known.standing = Standing::Paused;
            }
            known.standing
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_processes_share_the_rate_as_the_template_lets_run() {
        let template = include_str!("../../../../template.yaml");
        let of_send = template.split("\n  SendFunction:\n").nth(1).unwrap();
        let most = of_send.split("MaximumConcurrency: ").nth(1).unwrap();
        let most: String = most.chars().take_while(char::is_ascii_digit).collect();
        assert_eq!(most.parse(), Ok(HANDS));
    }

    #[test]
    fn a_process_slows_down_when_told_to_and_never_passes_the_account() {
        let standing = SesStanding::default();
        let pace = || standing.known(|known| known.pace);
        standing.refused(&Handed::Later);
        assert_eq!(pace(), UNKNOWN_RATE / 2.0);
        for _ in 0..1_000 {
            standing.accepted();
        }
        assert_eq!(pace(), UNKNOWN_RATE);
        standing.refused(&Handed::Later);
        assert_eq!(pace(), UNKNOWN_RATE, "the same news as a moment ago");
        for _ in 0..20 {
            standing.known(|known| known.slowed = None);
            standing.refused(&Handed::Later);
        }
        assert_eq!(pace(), UNKNOWN_RATE * SLOWEST);
        standing.refused(&Handed::QuotaUsed);
        assert_eq!(standing.known(|known| known.standing), Standing::QuotaUsed);
    }

    #[tokio::test]
    async fn a_turn_that_comes_too_late_is_left_to_others() {
        let standing = SesStanding::default();
        standing.known(|known| known.pace = 0.1);
        let soon = || Deadline::after(LEAST + Duration::from_secs(1));
        assert_eq!(standing.room(Duration::from_secs(45)), 4);
        assert!(standing.turn(soon()).await);
        assert!(!standing.turn(soon()).await, "ten seconds later");
        let next = standing.known(|known| known.next);
        assert!(!standing.turn(soon()).await);
        assert_eq!(standing.known(|known| known.next), next, "what is not taken is nobody's");
        assert_eq!(standing.room(Duration::from_secs(5)), 1, "one at least");
    }

    #[test]
    fn turns_that_are_close_come_together_and_no_second_has_more_than_its_own() {
        let since = Instant::now();
        let at = |micros| with_its_neighbours(since, since + Duration::from_micros(micros)) - since;
        let millis = Duration::from_millis;
        assert_eq!([at(0), at(49_999), at(50_000), at(1_234_567)], [millis(0), millis(0), millis(50), millis(1_200)]);
        // 1,000 a second: as many in each second, but for those of one tick.
        let leave: Vec<Duration> = (0..5_000).map(|turn| at(turn * 1_000)).collect();
        for from in (0..4_000).map(millis) {
            let here = leave.iter().filter(|at| **at >= from && **at < from + millis(1_000)).count();
            assert!((950..=1_050).contains(&here), "{here} from {from:?}");
        }
    }
}
