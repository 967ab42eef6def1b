//! Receiving: a mail for an address of a receipt rule is put into the rule's bucket, and its queue is told.

use std::path::PathBuf;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::{stamp, wrap};
use super::{message_id, mime};
use crate::backends::sqs::Sqs;
use crate::clock::Clock;
use crate::template::{ACCOUNT, REGION, Receipt};

/// The largest mail that SES takes in.
const MOST: usize = 40 * 1024 * 1024;

/// What SES does with the mail of a domain.
#[derive(Clone)]
pub struct Receiving {
    rules: Vec<Receipt>,
    objects: PathBuf,
    sqs: Sqs,
    clock: Clock,
}

/// What a scan says of a mail. SES has a virus scanner and a spam filter of its own; here the caller decides.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Scan {
    /// The mail is taken for spam.
    #[serde(default)]
    pub spam: bool,
    /// The mail has a virus.
    #[serde(default)]
    pub virus: bool,
    /// No signature of the mail holds.
    #[serde(default)]
    pub forged: bool,
}

impl Receiving {
    pub(crate) fn new(rules: Vec<Receipt>, objects: PathBuf, sqs: Sqs, clock: Clock) -> Self {
        Self { rules, objects, sqs, clock }
    }

    /// Takes a mail in. False when no rule is for any of the recipients: SES would answer `550 5.1.1`.
    ///
    /// # Errors
    ///
    /// The bucket cannot be written, or the queue is not there.
    pub fn receive(&self, to: &[String], raw: &[u8], scan: Scan) -> anyhow::Result<bool> {
        let wants = |rule: &Receipt, address: &String| {
            let domain = address.rsplit('@').next().unwrap_or_default();
            rule.recipients
                .iter()
                .any(|wanted| wanted.eq_ignore_ascii_case(domain) || wanted.eq_ignore_ascii_case(address))
        };
        let Some(rule) = self.rules.iter().find(|rule| to.iter().any(|address| wants(rule, address))) else {
            return Ok(false);
        };
        let recipients: Vec<&String> = to.iter().filter(|address| wants(rule, address)).collect();
        let (id, now) = (message_id(), self.clock.now());
        let key = format!("{}{id}", rule.prefix);
        let path = self.objects.join(&rule.bucket).join(&key);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, mime::received(raw, recipients[0], &id, now, !scan.forged))?;
        let verdict = |bad: bool| json!({ "status": if bad { "FAIL" } else { "PASS" } });
        let signed = match mime::header(raw, "DKIM-Signature") {
            Some(_) => verdict(scan.forged),
            None => json!({ "status": "GRAY" }),
        };
        let notification = json!({
            "notificationType": "Received",
            "mail": {
                "timestamp": stamp(now),
                "source": mime::header(raw, "Return-Path").or_else(|| mime::header(raw, "From")).unwrap_or_default(),
                "messageId": id,
                "destination": to,
                "headersTruncated": false,
                "headers": mime::headers(raw).into_iter()
                    .map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<Value>>(),
            },
            "receipt": {
                "timestamp": stamp(now),
                "processingTimeMillis": 42,
                "recipients": recipients,
                "spamVerdict": verdict(scan.spam),
                "virusVerdict": verdict(scan.virus),
                "spfVerdict": verdict(false),
                "dkimVerdict": signed,
                "dmarcVerdict": verdict(false),
                "action": {
                    "type": "S3",
                    "topicArn": format!("arn:aws:sns:{REGION}:{ACCOUNT}:received"),
                    "bucketName": rule.bucket,
                    "objectKeyPrefix": rule.prefix,
                    "objectKey": key,
                },
            },
        });
        self.sqs.send(&rule.queue_arn, wrap(&notification, "Received", "received", rule.envelope, now))?;
        Ok(true)
    }

    /// `POST /_local/inbound?to=ADDRESS` with a raw mail.
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/_local/inbound", post(take_in))
            .layer(DefaultBodyLimit::max(MOST))
            .with_state(self.clone())
    }
}

#[derive(Deserialize)]
struct To {
    to: String,
    #[serde(flatten)]
    scan: Scan,
}

async fn take_in(State(receiving): State<Receiving>, Query(asked): Query<To>, raw: Bytes) -> Response {
    let to: Vec<String> = asked.to.split(',').map(|address| address.trim().to_owned()).collect();
    match receiving.receive(&to, &raw, asked.scan) {
        Ok(true) => StatusCode::ACCEPTED.into_response(),
        Ok(false) => {
            let message = "550 5.1.1 no receipt rule of the template is for this address: see InboundDomain";
            (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "message": message }))).into_response()
        }
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "message": format!("{error:#}") }))).into_response()
        }
    }
}
