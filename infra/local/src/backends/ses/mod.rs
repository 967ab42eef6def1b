//! SES v2: accepts messages as SES does, keeps them in the mailbox, and publishes what became of them.

mod account;
mod events;
mod mime;
pub mod receiving;
mod simulator;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use super::faults::{Faults, Place};
use super::front::{self, Reply, Service};
use super::sqs::Sqs;
use crate::clock::Clock;
use crate::iam::{Context, Iam};
use crate::mailbox::{Channel, Mailbox};
use crate::meter::{Meter, Usage};
use crate::template::{ACCOUNT, MailEvents, REGION};

/// The largest message SES takes through this API, in bytes after decoding.
const MAX_MESSAGE: usize = 40 * 1024 * 1024;
/// The most recipients of one message.
const MAX_RECIPIENTS: usize = 50;

/// The emulated SES of one stack. Clones share it.
#[derive(Clone)]
pub struct Ses {
    shared: Arc<Shared>,
}

struct Shared {
    mailbox: Mailbox,
    sqs: Sqs,
    clock: Clock,
    iam: Iam,
    meter: Meter,
    faults: Faults,
    destinations: Mutex<Vec<MailEvents>>,
    /// Where the events of a configuration set go that the template does not route.
    fallback: Mutex<Option<String>>,
    suppressed: Mutex<BTreeSet<String>>,
    accepted: Mutex<account::Taken>,
}

/// An error of SES: status, code and message.
struct Refusal(StatusCode, &'static str, String);

fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(StatusCode::BAD_REQUEST, code, message.into()))
}

/// A message that was accepted.
struct Accepted {
    id: String,
    from: String,
    recipients: Vec<String>,
    raw: Vec<u8>,
    tags: Vec<(String, String)>,
    configuration_set: Option<String>,
    caller: String,
}

/// What SES needs of its neighbours.
pub(crate) struct Neighbours {
    pub(crate) mailbox: Mailbox,
    pub(crate) sqs: Sqs,
    pub(crate) clock: Clock,
    pub(crate) iam: Iam,
    pub(crate) meter: Meter,
    pub(crate) faults: Faults,
}

impl Ses {
    pub(crate) fn new(neighbours: Neighbours, destinations: &[MailEvents]) -> Self {
        let names = neighbours.sqs.names();
        let feedback = names.into_iter().find(|name| {
            let name = name.to_ascii_lowercase();
            name.contains("feedback") && !name.contains("dead") && !name.contains("dlq")
        });
        let Neighbours { mailbox, sqs, clock, iam, meter, faults } = neighbours;
        Self {
            shared: Arc::new(Shared {
                mailbox,
                sqs,
                clock,
                iam,
                meter,
                faults,
                destinations: Mutex::new(destinations.to_vec()),
                fallback: Mutex::new(feedback),
                suppressed: Mutex::default(),
                accepted: Mutex::default(),
            }),
        }
    }

    /// Sends every event, bare, to this queue, whatever the template says.
    pub fn events_to(&self, queue_arn: &str) {
        let shared = &self.shared;
        shared.destinations.lock().unwrap_or_else(PoisonError::into_inner).clear();
        *shared.fallback.lock().unwrap_or_else(PoisonError::into_inner) = Some(queue_arn.to_owned());
    }

    async fn respond(&self, request: &Request<Bytes>) -> Reply {
        let bad = |code, message: &str| front::error(StatusCode::BAD_REQUEST, code, message).into();
        let Some(caller) = front::caller(request.headers(), request.uri()) else {
            let message = "Missing Authentication Token";
            return front::error(StatusCode::FORBIDDEN, "MissingAuthenticationTokenException", message).into();
        };
        let body = if request.body().is_empty() {
            json!({})
        } else {
            match serde_json::from_slice::<Value>(request.body()) {
                Ok(body) => body,
                Err(_) => return bad("SerializationException", "The body is not JSON."),
            }
        };
        let path = request.uri().path().trim_end_matches('/');
        let answer = match (request.method(), path) {
            (&Method::POST, "/v2/email/outbound-emails") => {
                return self.send(&caller, &body, request.body().len()).await;
            }
            (&Method::GET, "/v2/email/account") => self.account(&caller),
            (method, path) if path.starts_with("/v2/email/suppression/addresses") => {
                self.suppression(&caller, method, path, &body)
            }
            _ => {
                return front::error(StatusCode::NOT_FOUND, "NotFoundException", "This call is not emulated.").into();
            }
        };
        match answer {
            Ok(answer) => json_answer(&answer).into(),
            Err(refusal) => refusal.response().into(),
        }
    }

    async fn send(&self, caller: &str, body: &Value, bytes: usize) -> Reply {
        let shared = &self.shared;
        shared.faults.ses_latency().await;
        let message = match self.read(caller, body) {
            Ok(message) => message,
            Err(refusal) => return refusal.response().into(),
        };
        if shared.faults.strikes(Place::SesThrottle) {
            return too_fast().response().into();
        }
        if shared.faults.strikes(Place::SesReject) {
            let message = "The message has a header that is not allowed.";
            return front::error(StatusCode::BAD_REQUEST, "MessageRejected", message).into();
        }
        if let Err(refusal) = self.take() {
            return refusal.response().into();
        }
        let usage = Usage { requests: message.recipients.len() as u64, ..Usage::one(bytes) };
        shared.meter.call(caller, "ses:SendEmail", &usage);
        let id = message.id.clone();
        self.deliver(message);
        if shared.faults.strikes(Place::SesDrop) {
            return Reply::HangUp;
        }
        json_answer(&json!({ "MessageId": id })).into()
    }

    /// Checks a SendEmail request and makes it the message that leaves.
    fn read(&self, caller: &str, body: &Value) -> Result<Accepted, Refusal> {
        let content = &body["Content"];
        let raw = content["Raw"]["Data"].as_str();
        let destination = &body["Destination"];
        let mut recipients = Vec::new();
        for kind in ["ToAddresses", "CcAddresses", "BccAddresses"] {
            for address in destination[kind].as_array().into_iter().flatten() {
                recipients.push(bare(address.as_str().unwrap_or_default()));
            }
        }
        let decoded = match raw {
            Some(data) => match base64::engine::general_purpose::STANDARD.decode(data) {
                Ok(raw) => raw,
                Err(_) => return refuse("BadRequestException", "Content.Raw.Data is not base64."),
            },
            None if content["Simple"].is_object() => mime::compose(body),
            None => {
                return refuse("BadRequestException", "Content must hold Raw or Simple; templates are not emulated.");
            }
        };
        let sender = body["FromEmailAddress"].as_str().map(str::to_owned).or_else(|| mime::header(&decoded, "From"));
        let Some(sender) = sender.filter(|sender| bare(sender).contains('@')) else {
            return refuse("BadRequestException", "Missing required header 'From'.");
        };
        if recipients.is_empty() {
            recipients = mime::recipients(&decoded);
        }
        if recipients.is_empty() {
            return refuse("BadRequestException", "Missing final '@domain'");
        }
        if recipients.len() > MAX_RECIPIENTS {
            return refuse("BadRequestException", "Recipient count exceeds 50.");
        }
        if let Some(wrong) = recipients.iter().find(|address| !plausible(address)) {
            // Never the address itself: it would end up in somebody's log.
            let length = wrong.len();
            return refuse("BadRequestException", format!("Invalid address of {length} characters."));
        }
        if decoded.len() > MAX_MESSAGE {
            return refuse("MessageRejected", format!("Message length is more than {MAX_MESSAGE} bytes long."));
        }
        let tags = read_tags(&body["EmailTags"])?;
        let configuration_set = body["ConfigurationSetName"].as_str().map(str::to_owned);
        let from = bare(&sender);
        self.authorize(caller, raw.is_some(), &from, &recipients, configuration_set.as_deref())?;
        let now = self.shared.clock.now();
        let id = message_id();
        Ok(Accepted {
            raw: mime::stamp(&decoded, &format!("<{id}@{REGION}.amazonses.com>"), now),
            id,
            from,
            recipients,
            tags,
            configuration_set,
            caller: caller.to_owned(),
        })
    }

    /// SES wants the permission on the identity and on the configuration set. A raw message needs
    /// `ses:SendRawEmail` besides `ses:SendEmail`, though there is only one call.
    fn authorize(
        &self,
        caller: &str,
        raw: bool,
        from: &str,
        recipients: &[String],
        configuration_set: Option<&str>,
    ) -> Result<(), Refusal> {
        let iam = &self.shared.iam;
        let context = Context::new()
            .with("aws:SecureTransport", "true")
            .with("ses:ApiVersion", "2")
            .with("ses:FromAddress", from)
            .with_many("ses:Recipients", recipients.iter().map(String::as_str));
        let arn = |kind: &str, name: &str| format!("arn:aws:ses:{REGION}:{ACCOUNT}:{kind}/{name}");
        let domain = from.rsplit('@').next().unwrap_or(from);
        let actions: &[&str] = if raw { &["ses:SendEmail", "ses:SendRawEmail"] } else { &["ses:SendEmail"] };
        for action in actions {
            // Either the address or its domain may be the verified identity.
            let by_address = arn("identity", from);
            let identity =
                if iam.permits(caller, action, &by_address, &context) { by_address } else { arn("identity", domain) };
            let set = configuration_set.map(|set| arn("configuration-set", set));
            for resource in [Some(identity), set].into_iter().flatten() {
                iam.authorize(Some(caller), action, &resource, &context)
                    .map_err(|message| Refusal(StatusCode::FORBIDDEN, "AccessDeniedException", message))?;
            }
        }
        Ok(())
    }

    fn deliver(&self, message: Accepted) {
        let shared = &self.shared;
        let outcomes = simulator::outcomes(&message.raw, &message.recipients, |address| {
            let suppressed = shared.suppressed.lock().unwrap_or_else(PoisonError::into_inner);
            suppressed.contains(&address.to_lowercase())
        });
        let raw = Bytes::from(message.raw.clone());
        shared.mailbox.accept(Channel::Ses, &message.from, &message.recipients, raw);
        let Some(set) = &message.configuration_set else {
            return;
        };
        let now = shared.clock.now();
        for outcome in outcomes {
            let event = events::event(&message, &outcome, now);
            self.publish(set, outcome.kind(), &event);
        }
    }

    fn publish(&self, set: &str, kind: &str, event: &Value) {
        let shared = &self.shared;
        let routes = events::routes(
            &shared.destinations.lock().unwrap_or_else(PoisonError::into_inner),
            shared.fallback.lock().unwrap_or_else(PoisonError::into_inner).as_deref(),
            set,
            kind,
        );
        for (queue, envelope) in routes {
            let body = events::wrap(event, kind, set, envelope, shared.clock.now());
            if let Err(error) = shared.sqs.send(&queue, body) {
                tracing::warn!(%error, "an SES event could not be published");
            }
        }
    }
}

impl Service for Ses {
    const MAX_BODY: usize = MAX_MESSAGE / 3 * 4 + 1024 * 1024;

    async fn call(&self, request: Request<Bytes>) -> Reply {
        self.respond(&request).await
    }

    fn overloaded(&self, _operation: &str, _request: &[u8]) -> Response<Bytes> {
        too_fast().response()
    }
}

fn too_fast() -> Refusal {
    Refusal(StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException", "Maximum sending rate exceeded.".to_owned())
}

impl Refusal {
    fn response(&self) -> Response<Bytes> {
        let Self(status, code, message) = self;
        let mut response = front::error(*status, code, message);
        set_json(&mut response);
        response
    }
}

fn json_answer(body: &Value) -> Response<Bytes> {
    let mut response = front::answer(StatusCode::OK, body);
    set_json(&mut response);
    response
}

fn set_json(response: &mut Response<Bytes>) {
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
}

/// SES's rules for tags: letters, digits, and `_ - . @`, at most 256 of them.
fn read_tags(tags: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let mut read = Vec::new();
    for tag in tags.as_array().into_iter().flatten() {
        let part = |key: &str| tag[key].as_str().unwrap_or_default().to_owned();
        let (name, value) = (part("Name"), part("Value"));
        for text in [&name, &value] {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
            if text.is_empty() || text.len() > 256 || !text.bytes().all(allowed) {
                return refuse(
                    "BadRequestException",
                    "Tags hold ASCII letters, digits, underscores, dashes, dots and at signs, 256 at most.",
                );
            }
        }
        read.push((name, value));
    }
    Ok(read)
}

/// `Name <address>` → `address`.
fn bare(address: &str) -> String {
    let inside = address.rsplit_once('<').map_or(address, |(_, rest)| rest.trim_end().trim_end_matches('>'));
    inside.trim().to_owned()
}

/// What SES takes for an address: ASCII, one part on either side of the at sign.
fn plausible(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return false;
    };
    let clean = address.bytes().all(|byte| byte.is_ascii_graphic());
    clean && !local.is_empty() && !domain.is_empty() && address.len() <= 320
}

/// A message id in SES's shape.
fn message_id() -> String {
    let random: [u8; 24] = rand::random();
    let id: [u8; 16] = random[8..].try_into().expect("24 bytes less 8 are 16");
    format!("{}-{}-000000", hex::encode(&random[..8]), front::uuid(id))
}
