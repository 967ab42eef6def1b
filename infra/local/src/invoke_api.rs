//! Lambda's Invoke API, under `/_local/lambda`: `aws lambda invoke --endpoint-url <url>/_local/lambda` gives an
//! order on this machine as it does on AWS. Nothing is signed here, and nobody is asked who they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::supervisor::{Failure, Supervisor};
use crate::template::Function;

/// Says that the function failed; the answer is its error, and the status is 200 all the same.
const FUNCTION_ERROR: HeaderName = HeaderName::from_static("x-amz-function-error");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

struct Invoker {
    supervisor: Supervisor,
    /// Binaries by every name that a function goes by.
    names: BTreeMap<String, String>,
}

/// Invokes the functions of a template, by their names there, on AWS, or of their binaries.
pub(crate) fn router(functions: &[Function], supervisor: Supervisor) -> Router {
    let names = functions.iter().flat_map(|function| {
        let names = [&function.name, &function.arn, &function.logical_id, &function.binary];
        names.map(|name| (name.clone(), function.binary.clone()))
    });
    let invoker = Invoker { supervisor, names: names.collect() };
    Router::new()
        .route("/_local/lambda/2015-03-31/functions/{name}/invocations", post(invoke))
        .with_state(Arc::new(invoker))
}

async fn invoke(State(invoker): State<Arc<Invoker>>, Path(name): Path<String>, payload: Bytes) -> Response {
    let Some(binary) = invoker.names.get(&name) else {
        let known: Vec<&str> =
            invoker.names.iter().filter(|(name, binary)| name == binary).map(|(n, _)| &**n).collect();
        let message = format!("Function not found: {name}. The template has {}", known.join(", "));
        return refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
    };
    let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
    if let Err(error) = serde_json::from_slice::<Value>(&payload) {
        let message = format!("Could not parse request body into json: {error}");
        return refused(StatusCode::BAD_REQUEST, "InvalidRequestContentException", &message);
    }
    match invoker.supervisor.invoke(binary, "invoke", payload).await {
        Ok(answer) => answer.into_response(),
        Err(failure) => {
            let error = match failure {
                Failure::Function { kind, message } => json!({ "errorType": kind, "errorMessage": message }),
                other => json!({ "errorMessage": other.to_string() }),
            };
            ([(FUNCTION_ERROR, "Unhandled")], Json(error)).into_response()
        }
    }
}

fn refused(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (status, [(ERROR_TYPE, kind)], Json(json!({ "Type": "User", "Message": message }))).into_response()
}
