//! STS: AssumeRole with session tags. Sessions end by the movable clock.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};

use super::faults::{Faults, Place};
use super::front::{self, Reply, SECRET, Service};
use crate::iam::{Asked, Credentials, Iam, Refused};
use crate::meter::{Meter, Usage};

/// `DurationSeconds` where it is left out.
const USUAL: u64 = 3600;

/// The emulated STS of one stack.
pub(crate) struct Sts {
    iam: Iam,
    meter: Meter,
    faults: Faults,
}

impl Sts {
    pub(crate) fn new(iam: Iam, meter: Meter, faults: Faults) -> Arc<Self> {
        Arc::new(Self { iam, meter, faults })
    }
}

impl Service for Sts {
    const MAX_BODY: usize = 64 * 1024;

    async fn call(&self, request: Request<Bytes>) -> Reply {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body()).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let Some(caller) = front::caller(request.headers(), request.uri()) else {
            return refusal(StatusCode::FORBIDDEN, "MissingAuthenticationToken", "The request is not signed.");
        };
        if field("Action") != Some("AssumeRole") {
            return refusal(StatusCode::BAD_REQUEST, "InvalidAction", "This operation is not emulated.");
        }
        if self.faults.strikes(Place::StsThrottle) {
            return refusal(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded");
        }
        let seconds = field("DurationSeconds").map_or(Some(USUAL), |text| text.parse().ok());
        let tag = |part: &str, n: usize| field(&format!("Tags.member.{n}.{part}")).map(str::to_owned);
        let asked = Asked {
            role: field("RoleArn").unwrap_or_default().to_owned(),
            name: field("RoleSessionName").unwrap_or_default().to_owned(),
            tags: (1..).map_while(|n| Some((tag("Key", n)?, tag("Value", n).unwrap_or_default()))).collect(),
            lasts: Duration::from_secs(seconds.unwrap_or_default()),
            caller,
        };
        match self.iam.assume(&asked) {
            Ok(credentials) => {
                self.meter.call(&asked.caller, "sts:AssumeRole", &Usage::one(request.body().len()));
                answer(StatusCode::OK, opened(&asked, &credentials))
            }
            Err(Refused::Denied(message)) => refusal(StatusCode::FORBIDDEN, "AccessDenied", &message),
            Err(Refused::Invalid(message)) => refusal(StatusCode::BAD_REQUEST, "ValidationError", &message),
        }
    }
}

fn opened(asked: &Asked, credentials: &Credentials) -> String {
    let assumed = asked.role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/");
    let mut xml = String::from("<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">");
    let _ = write!(
        xml,
        "<AssumeRoleResult><AssumedRoleUser><Arn>{assumed}/{name}</Arn><AssumedRoleId>{key}:{name}</AssumedRoleId>\
         </AssumedRoleUser><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>\
         <SessionToken>{token}</SessionToken><Expiration>{until:.0}</Expiration></Credentials></AssumeRoleResult>",
        name = asked.name,
        key = credentials.key,
        token = credentials.token,
        until = credentials.until,
    );
    let _ = write!(xml, "<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>", front::request_id());
    xml.push_str("</AssumeRoleResponse>");
    xml
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Reply {
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    let kind = if status.is_server_error() { "Receiver" } else { "Sender" };
    answer(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>{kind}</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
            front::request_id()
        ),
    )
}

fn answer(status: StatusCode, xml: String) -> Reply {
    let mut response = Response::new(Bytes::from(xml));
    *response.status_mut() = status;
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("text/xml"));
    response.into()
}
