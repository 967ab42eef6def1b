//! The account's quota and its suppression list.

use std::sync::PoisonError;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Refusal, Ses, refuse};
use crate::iam::Context;
use crate::meter::Usage;

impl Ses {
    pub(super) fn account(&self, caller: &str) -> Result<Value, Refusal> {
        self.plain(caller, "ses:GetAccount", "*")?;
        let sent = self.shared.mailbox.len();
        Ok(json!({
            "DedicatedIpAutoWarmupEnabled": false,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": true,
            "SendingEnabled": true,
            "SendQuota": {"Max24HourSend": 1_000_000.0, "MaxSendRate": 500.0, "SentLast24Hours": sent as f64},
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
