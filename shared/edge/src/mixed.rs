//! Functions that answer requests and are also invoked otherwise: by a schedule, or by staff.
//!
//! An event that is no request of the API carries its own `time`, as EventBridge's do: see [`Order`].

use app::{App, Deadline, Failure};
use domain::Timestamp;
use lambda_http::{Body, request::LambdaRequest};
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{
    Error, aws, block_on,
    http::{self, Handler, Response},
    telemetry,
};

/// What an event that is no request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Order<D> {
    /// Time has passed.
    Clock,
    /// Somebody invoked the function, with `{"time": …, "<order>": {…}}`.
    Desk(D),
}

impl<D: DeserializeOwned> Order<D> {
    /// Reads an event. EventBridge names itself; everything else comes from a desk.
    pub fn of(event: Value) -> Result<Self, Failure> {
        let unreadable = |why: &str| Failure::field("order", why);
        if event["source"] == "aws.events" || event["source"] == "aws.scheduler" {
            return Ok(Self::Clock);
        }
        let Value::Object(mut event) = event else { return Err(unreadable("an object with a time and an order")) };
        event.remove("time");
        serde_path_to_error::deserialize(Value::Object(event)).map(Self::Desk).map_err(|error| http::refused(&error))
    }
}

/// Runs such a function: `request` answers the API, `act` everything else.
pub fn serve<A>(request: Handler, act: A) -> Result<(), Error>
where
    A: AsyncFn(&App, Value, Timestamp, Deadline) -> Result<Value, Failure>,
{
    telemetry::start();
    block_on(async {
        let app = aws::app();
        app.warm().await;
        let (app, request, act) = (&app, &request, &act);
        lambda_runtime::run(service_fn(async move |event: LambdaEvent<Value>| {
            let LambdaEvent { payload, context } = event;
            if payload.get("requestContext").is_some() {
                let asked: LambdaRequest = serde_json::from_value(payload).map_err(Error::from)?;
                return Ok(to_gateway(&http::answer(app, *request, asked.into()).await));
            }
            let time = payload["time"].as_str().and_then(|time| time.parse().ok());
            let Some(now) = time else {
                return Err(said(Failure::field("time", "when the order is given, as 2026-11-26T10:00:00Z")));
            };
            act(app, payload, now, Deadline::of_invocation(context.deadline)).await.map_err(said)
        }))
        .await
    })
}

/// A failure as whoever invoked the function reads it. Only what is our fault is an error in the log.
fn said(failure: Failure) -> Diagnostic {
    if failure.cause.is_some() {
        tracing::error!(slug = failure.slug, cause = failure.cause.as_deref(), "invocation failed");
    } else {
        tracing::warn!(slug = failure.slug, "order refused");
    }
    // The detail of a single one says it already.
    let several = failure.fields.iter().filter(|_| failure.fields.len() > 1);
    let fields = several.map(|field| format!(" {}: {}.", field.field, field.message));
    let error_message = format!("{}{}", failure.detail, fields.collect::<String>());
    Diagnostic { error_type: failure.slug.to_owned(), error_message }
}

/// An answer as API Gateway takes it (payload format 2.0). Everything here is text.
fn to_gateway(answer: &Response) -> Value {
    let text = |(name, value): (&lambda_http::http::HeaderName, &lambda_http::http::HeaderValue)| {
        Some((name.to_string(), Value::from(value.to_str().ok()?)))
    };
    let headers: Map<String, Value> = answer.headers().iter().filter_map(text).collect();
    let body = match answer.body() {
        Body::Text(text) => text.clone(),
        Body::Binary(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    };
    json!({ "statusCode": answer.status().as_u16(), "headers": headers, "body": body, "isBase64Encoded": false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Asked {
        List { open: bool },
        Close(u8),
    }

    #[test]
    fn the_clock_and_the_desk_are_told_apart() {
        let clock = json!({"source": "aws.events", "detail-type": "Scheduled Event", "time": "2026-05-01T10:00:00Z"});
        assert_eq!(Order::<Asked>::of(clock), Ok(Order::Clock));
        let list = json!({"time": "2026-05-01T10:00:00Z", "list": {"open": true}});
        assert_eq!(Order::of(list), Ok(Order::Desk(Asked::List { open: true })));
        for wrong in [json!([]), json!({"time": "x", "erase": {}}), json!({"list": {"open": true}, "close": 1})] {
            assert!(Order::<Asked>::of(wrong).is_err());
        }
    }

    #[test]
    fn an_answer_keeps_its_status_headers_and_text() {
        let answer = lambda_http::Response::builder().status(410).header("content-type", "text/html");
        let answer = answer.body(Body::from("é")).unwrap();
        let expected = json!({
            "statusCode": 410, "headers": {"content-type": "text/html"}, "body": "é", "isBase64Encoded": false
        });
        assert_eq!(to_gateway(&answer), expected);
    }
}
