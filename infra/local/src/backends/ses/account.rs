//! The account's quota and its suppression list.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Refusal, Ses, refuse};
use crate::iam::Context;
use crate::meter::Usage;

/// Messages a day and a second, where no fault says otherwise.
const USUAL_QUOTA: u64 = 1_000_000;
const USUAL_RATE: u64 = 500;

/// When messages were accepted.
#[derive(Default)]
pub(super) struct Taken {
    /// In the movable clock, of the last 24 hours.
    of_day: VecDeque<Timestamp>,
    /// In the machine's time, of the last second.
    of_second: VecDeque<Instant>,
}

impl Taken {
    fn of_a_day(&mut self, now: Timestamp) -> usize {
        while self.of_day.front().is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_hours(24)) {
            self.of_day.pop_front();
        }
        self.of_day.len()
    }
}

impl Ses {
    /// Why the account takes no message now, as SES says it; one that it takes is counted.
    pub(super) fn take(&self) -> Result<(), Refusal> {
        let plan = self.shared.faults.plan().ses;
        if plan.paused {
            return refuse("SendingPausedException", "Email sending has been disabled for your account.");
        }
        let too_many =
            |message: &str| Err(Refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", message.to_owned()));
        let now = self.shared.clock.now();
        let mut taken = self.shared.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if plan.quota > 0 && taken.of_a_day(now) as u64 >= plan.quota {
            return too_many("Daily message quota exceeded.");
        }
        if plan.rate > 0 {
            while taken.of_second.front().is_some_and(|at| at.elapsed() >= Duration::from_secs(1)) {
                taken.of_second.pop_front();
            }
            if taken.of_second.len() as u64 >= plan.rate {
                return too_many("Maximum sending rate exceeded.");
            }
            taken.of_second.push_back(Instant::now());
        }
        taken.of_day.push_back(now);
        Ok(())
    }

    pub(super) fn account(&self, caller: &str) -> Result<Value, Refusal> {
        self.plain(caller, "ses:GetAccount", "*")?;
        let plan = self.shared.faults.plan().ses;
        let sent =
            self.shared.accepted.lock().unwrap_or_else(PoisonError::into_inner).of_a_day(self.shared.clock.now());
        let or = |given: u64, usual: u64| if given == 0 { usual } else { given };
        Ok(json!({
            "DedicatedIpAutoWarmupEnabled": false,
            "EnforcementStatus": if plan.paused { "SHUTDOWN" } else { "HEALTHY" },
            "ProductionAccessEnabled": true,
            "SendingEnabled": !plan.paused,
            "SendQuota": {
                "Max24HourSend": or(plan.quota, USUAL_QUOTA) as f64,
                "MaxSendRate": or(plan.rate, USUAL_RATE) as f64,
                "SentLast24Hours": sent as f64,
            },
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        }))
    }

    pub(super) fn suppression(
        &self,
        caller: &str,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let named = path.rsplit_once("/addresses/").map(|(_, address)| percent_decoded(address));
        let address = named.or_else(|| body["EmailAddress"].as_str().map(str::to_owned));
        let Some(address) = address.map(|address| address.to_lowercase()) else {
            return refuse("BadRequestException", "EmailAddress is missing.");
        };
        let mut suppressed = self.shared.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = || {
            let message = "The address is not on the suppression list.";
            Err(Refusal(StatusCode::NOT_FOUND, "NotFoundException", message.to_owned()))
        };
        match *method {
            Method::PUT => {
                self.plain(caller, "ses:PutSuppressedDestination", "*")?;
                suppressed.insert(address);
                Ok(json!({}))
            }
            Method::DELETE => {
                self.plain(caller, "ses:DeleteSuppressedDestination", "*")?;
                if suppressed.remove(&address) { Ok(json!({})) } else { missing() }
            }
            Method::GET => {
                self.plain(caller, "ses:GetSuppressedDestination", "*")?;
                if !suppressed.contains(&address) {
                    return missing();
                }
                let now = self.shared.clock.now();
                Ok(json!({"SuppressedDestination": {
                    "EmailAddress": address, "Reason": "BOUNCE", "LastUpdateTime": now.as_second(),
                }}))
            }
            _ => refuse("BadRequestException", "This call is not emulated."),
        }
    }

    fn plain(&self, caller: &str, action: &str, resource: &str) -> Result<(), Refusal> {
        self.shared.meter.call(caller, action, &Usage::one(0));
        let context = Context::new().with("aws:SecureTransport", "true");
        let allowed = self.shared.iam.authorize(Some(caller), action, resource, &context);
        allowed.map_err(|message| Refusal(StatusCode::FORBIDDEN, "AccessDeniedException", message))
    }
}

fn percent_decoded(text: &str) -> String {
    let pair = format!("a={}", text.replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
