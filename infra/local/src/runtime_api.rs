//! The Lambda Runtime API (2018-06-01), one base path per process:
//! `/.rt/{binary}.{n}/2018-06-01/runtime/…`, so that it is known which process holds an invocation.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::backends::calls::{Act, Call, Side};
use crate::instance::{Answer, Instance};
use crate::supervisor::Supervisor;
use std::sync::Arc;

/// The largest answer that Lambda takes, in bytes.
const MAX_ANSWER: usize = 6_291_556;

pub(crate) fn router(supervisor: Supervisor) -> Router {
    Router::new()
        .route("/.rt/{instance}/2018-06-01/runtime/invocation/next", get(next))
        .route("/.rt/{instance}/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/.rt/{instance}/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/.rt/{instance}/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::disable())
        .with_state(supervisor)
}

async fn next(State(supervisor): State<Supervisor>, Path(name): Path<String>) -> Response {
    let Some(instance) = supervisor.instance(&name) else {
        return unknown();
    };
    let Some(job) = instance.next().await else {
        return unknown();
    };
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header("lambda-runtime-aws-request-id", &job.request_id)
        .header("lambda-runtime-deadline-ms", job.deadline.as_millisecond())
        .header("lambda-runtime-invoked-function-arn", &instance.function_arn)
        .header("lambda-runtime-trace-id", &job.trace_id)
        .body(Body::from(job.payload))
        .unwrap_or_else(|_| unknown())
}

async fn response(
    State(supervisor): State<Supervisor>,
    Path((name, id)): Path<(String, String)>,
    body: Body,
) -> Response {
    let Some(instance) = supervisor.instance(&name) else {
        return unknown();
    };
    match axum::body::to_bytes(body, MAX_ANSWER).await {
        Ok(answer) => {
            if !passes(&supervisor, &instance, Side::Before, &answer).await {
                return unknown();
            }
            let settled = settle(&instance, &id, Answer::Returned(answer.clone()));
            passes(&supervisor, &instance, Side::After, &answer).await;
            settled
        }
        Err(_) => {
            let message = format!("the answer is larger than {MAX_ANSWER} bytes");
            instance.answer(&id, Answer::Failed { kind: "Function.ResponseSizeTooLarge".to_owned(), message });
            complaint(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
        }
    }
}

async fn error(
    State(supervisor): State<Supervisor>,
    Path((name, id)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let Some(instance) = supervisor.instance(&name) else {
        return unknown();
    };
    settle(&instance, &id, failed(&body))
}

async fn init_error(State(supervisor): State<Supervisor>, Path(name): Path<String>, body: Bytes) -> Response {
    let Some(instance) = supervisor.instance(&name) else {
        return unknown();
    };
    let Answer::Failed { kind, message } = failed(&body) else {
        return unknown();
    };
    instance.failed_to_start(format!("{kind}: {message}"));
    accepted()
}

/// Lets an answer pass; or not, once the process that gave it has been killed.
async fn passes(supervisor: &Supervisor, instance: &Arc<Instance>, side: Side, answer: &[u8]) -> bool {
    let Some(watcher) = supervisor.calls().watched() else { return true };
    let function = instance.function();
    let given = (side == Side::After).then_some(answer);
    let number = supervisor.calls().number();
    let call = Call {
        number,
        function,
        port: None,
        service: "runtime",
        operation: "response",
        request: answer,
        side,
        answer: given,
    };
    match watcher.act(&call) {
        Act::Go => true,
        Act::Hold(over) => {
            over.await;
            true
        }
        // The runtime is never overloaded, and the process lives beside it: nothing is lost between them but one of them.
        Act::Kill | Act::Refuse | Act::Deny | Act::Lose => {
            instance.kill();
            instance.gone().await;
            false
        }
    }
}

fn failed(body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or("unknown").to_owned();
    Answer::Failed { kind: text("errorType"), message: text("errorMessage") }
}

fn settle(instance: &Arc<Instance>, id: &str, answer: Answer) -> Response {
    if instance.answer(id, answer) { accepted() } else { complaint(StatusCode::BAD_REQUEST, "InvalidRequestID") }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, axum::Json(json!({"status": "OK"}))).into_response()
}

fn unknown() -> Response {
    complaint(StatusCode::FORBIDDEN, "Unknown instance")
}

fn complaint(status: StatusCode, kind: &str) -> Response {
    (status, axum::Json(json!({"errorType": kind, "errorMessage": kind}))).into_response()
}
