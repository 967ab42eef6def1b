//! Faults on request: what throttling, broken networks and eager queues do to the product.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use super::calls::Calls;

/// What to break. Zero is never; `n` is every n-th.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// DynamoDB.
    pub dynamodb: DynamoDbPlan,
    /// SES.
    pub ses: SesPlan,
    /// The SMTP relay.
    pub smtp: SmtpPlan,
    /// SQS.
    pub sqs: SqsPlan,
    /// STS.
    pub sts: StsPlan,
    /// The time that functions are told.
    pub clock: ClockPlan,
    /// What is left to chance (how wrong a clock is, how late a message) is drawn from this seed; without one it is never the same.
    pub seed: Option<u64>,
}

/// Faults of DynamoDB.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct DynamoDbPlan {
    /// Refuses every n-th request, or every n-th statement or item of a batch, as throttled.
    pub throttle_every: u64,
    /// Commits every n-th write, then answers 500.
    pub fail_after_commit_every: u64,
    /// Items on a page of a Scan at most, as a full megabyte makes a page elsewhere; zero is no limit.
    pub scan_page: u64,
}

/// Faults of SES.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SesPlan {
    /// Refuses every n-th message: `TooManyRequestsException`, "Maximum sending rate exceeded."
    pub throttle_every: u64,
    /// Refuses every n-th message: `MessageRejected`.
    pub reject_every: u64,
    /// Accepts every n-th message, then drops the connection.
    pub drop_after_accept_every: u64,
    /// Waits before each answer, in milliseconds.
    pub latency_ms: u64,
    /// Messages that the account takes in 24 hours of the movable clock; zero is a million.
    pub quota: u64,
    /// Messages that it takes in a second of the machine's; zero is five hundred, and then it is not enforced.
    pub rate: u64,
    /// The account's sending is paused.
    pub paused: bool,
}

/// Faults of the SMTP relay.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpPlan {
    /// Cuts the connection after the final dot of every n-th message, which is kept.
    pub cut_after_data_every: u64,
    /// Waits before each answer, in milliseconds.
    pub latency_ms: u64,
    /// Closes every connection before it says anything.
    pub unreachable: bool,
    /// What it refuses, beside what it refuses anyhow; the first that strikes counts.
    pub refusals: Vec<SmtpRefusal>,
}

/// Something that the relay refuses.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpRefusal {
    /// What.
    pub at: SmtpAt,
    /// Every n-th time.
    #[serde(default = "always")]
    pub every: u64,
    /// The line that it answers; with 421 it closes the connection. One that is neither 4xx nor 5xx refuses no address.
    pub say: String,
    /// Only of an account, a sender or a recipient whose name begins so.
    #[serde(default)]
    pub of: String,
}

const fn always() -> u64 {
    1
}

/// A place in a conversation with the relay.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpAt {
    /// The login, of an account.
    Login,
    /// `MAIL FROM`, of a sender.
    Mail,
    /// `RCPT TO`, of a recipient.
    Rcpt,
    /// The end of the message, of its first recipient.
    Content,
}

/// Faults of SQS.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqsPlan {
    /// How often each message sent from now on is delivered; zero and one are once.
    pub deliveries: u32,
    /// Each is delivered once to `deliveries` times, and each time but the first up to so many milliseconds late.
    pub late_ms: u64,
    /// Delivers in an order drawn from this seed.
    pub shuffle_seed: Option<u64>,
}

/// Faults of the clocks that stamp messages and schedules.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClockPlan {
    /// They are up to so many seconds fast or slow, each time anew.
    pub skew_seconds: u32,
}

/// Faults of STS.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StsPlan {
    /// Refuses every n-th request: `Throttling`.
    pub throttle_every: u64,
}

/// Where a fault strikes; each place counts for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    DynamoDbThrottle,
    DynamoDbAfterCommit,
    SesThrottle,
    SesReject,
    SesDrop,
    SmtpCut,
    StsThrottle,
}

/// The faults in force. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
    counters: Arc<[AtomicU64; 7]>,
    /// How often each refusal of the relay was asked for.
    refusals: Arc<Mutex<Vec<u64>>>,
    calls: Calls,
    dice: Arc<Mutex<Option<StdRng>>>,
}

impl Faults {
    /// Nothing breaks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every call of a function, for whoever wants to look at them one by one.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Replaces the plan and starts counting anew.
    pub fn set(&self, plan: Plan) {
        *self.dice.lock().unwrap_or_else(PoisonError::into_inner) = plan.seed.map(StdRng::seed_from_u64);
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        for counter in self.counters.iter() {
            counter.store(0, Ordering::SeqCst);
        }
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The plan in force.
    pub fn plan(&self) -> Plan {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A moment as a clock tells it that may be wrong.
    pub(crate) fn told(&self, moment: Timestamp) -> Timestamp {
        let most = i64::from(self.plan().clock.skew_seconds);
        if most == 0 {
            return moment;
        }
        let wrong = SignedDuration::from_secs(self.roll(-most..=most));
        moment.saturating_add(wrong).unwrap_or(moment)
    }

    /// A number by chance.
    pub(crate) fn roll(&self, range: RangeInclusive<i64>) -> i64 {
        match &mut *self.dice.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(dice) => dice.random_range(range),
            None => rand::random_range(range),
        }
    }

    /// Whether the fault strikes now; each question counts.
    pub(crate) fn strikes(&self, place: Place) -> bool {
        let every = {
            let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            match place {
                Place::DynamoDbThrottle => plan.dynamodb.throttle_every,
                Place::DynamoDbAfterCommit => plan.dynamodb.fail_after_commit_every,
                Place::SesThrottle => plan.ses.throttle_every,
                Place::SesReject => plan.ses.reject_every,
                Place::SesDrop => plan.ses.drop_after_accept_every,
                Place::SmtpCut => plan.smtp.cut_after_data_every,
                Place::StsThrottle => plan.sts.throttle_every,
            }
        };
        if every == 0 {
            return false;
        }
        let count = self.counters[place as usize].fetch_add(1, Ordering::SeqCst) + 1;
        count.is_multiple_of(every)
    }

    /// What the relay answers here, if it refuses it; each question counts for the refusals that it is about.
    pub(crate) fn smtp_refuses(&self, at: SmtpAt, whom: &str) -> Option<String> {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        counts.resize(plan.smtp.refusals.len(), 0);
        let about = plan.smtp.refusals.iter().zip(counts.iter_mut());
        let mut about = about.filter(|(refusal, _)| refusal.at == at && whom.starts_with(&refusal.of));
        about.find_map(|(refusal, count)| {
            *count += 1;
            (refusal.every > 0 && count.is_multiple_of(refusal.every)).then(|| refusal.say.clone())
        })
    }

    /// Waits as long as SES is told to.
    pub(crate) async fn ses_latency(&self) {
        wait(self.plan().ses.latency_ms).await;
    }

    /// Waits as long as the relay is told to.
    pub(crate) async fn smtp_latency(&self) {
        wait(self.plan().smtp.latency_ms).await;
    }
}

async fn wait(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nth_strikes_and_places_count_apart() {
        let faults = Faults::new();
        assert!(!faults.strikes(Place::SesThrottle));
        let plan: Plan = serde_json::from_str(r#"{"ses": {"throttle_every": 3}}"#).unwrap();
        faults.set(plan);
        let struck: Vec<bool> = (0..6).map(|_| faults.strikes(Place::SesThrottle)).collect();
        assert_eq!(struck, [false, false, true, false, false, true]);
        assert!(!faults.strikes(Place::SesReject));
        assert!(serde_json::from_str::<Plan>(r#"{"ses": {"typo": 3}}"#).is_err());
    }

    #[test]
    fn a_relay_refuses_whom_it_is_told_to_every_nth_time() {
        let faults = Faults::new();
        assert_eq!(faults.smtp_refuses(SmtpAt::Rcpt, "ada@example.com"), None);
        let plan = r#"{"smtp": {"refusals": [
            {"at": "rcpt", "say": "451 4.2.0 Later", "of": "grey-", "every": 2}, {"at": "mail", "say": "550 5.7.1 No"}]}}"#;
        faults.set(serde_json::from_str(plan).unwrap());
        let ask = |at, whom| faults.smtp_refuses(at, whom).map(|say| say[..3].to_owned());
        let asked = ["grey-1@example.com", "ada@example.com", "grey-2@example.com", "grey-1@example.com"];
        let answers = asked.map(|whom| ask(SmtpAt::Rcpt, whom));
        assert_eq!(answers, [None, None, Some("451".to_owned()), None]);
        assert_eq!((ask(SmtpAt::Mail, "b@example.com"), ask(SmtpAt::Login, "b")), (Some("550".to_owned()), None));
    }
}
