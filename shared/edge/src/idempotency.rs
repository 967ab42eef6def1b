//! `Idempotency-Key` at the rim: the first answer is kept and given again.

use app::{App, Failure, idempotency::Turn};
use lambda_http::{Body, http::StatusCode};
use storage::{WorkspaceScope, accounts::remembered::Answer};

use crate::http::{Request, Response};

/// Says that an answer is one that was given before.
const REPLAYED: &str = "idempotency-replayed";

/// Does `work` once per key: without the header, every time. The same request again gets the first
/// answer; another body under the same key a 422; one that comes while the first is under way a 409.
/// A failure, ours or the caller's, lets the key go: nothing was done.
pub async fn run<W>(app: &App, scope: &WorkspaceScope, request: &Request, work: W) -> Result<Response, Failure>
where
    W: AsyncFnOnce() -> Result<Response, Failure>,
{
    let Some(key) = request.0.headers().get("idempotency-key") else { return work().await };
    let now = request.now()?;
    let key = key.to_str().map_err(|_| Failure::field("Idempotency-Key", "printable ASCII"))?;
    let content = [request.method().as_str().as_bytes(), request.path().as_bytes(), request.bytes()];
    let held = match app.take_key(scope, key, content, now).await? {
        Turn::Again(answer) => return replay(&answer),
        Turn::First(held) => held,
    };
    let answer = work().await;
    let kept = match &answer {
        Ok(response) if !response.status().is_server_error() => match keep(response) {
            Some(answer) => app.remember_answer(scope, &held, answer, now).await,
            None => app.release_key(scope, &held, now).await,
        },
        _ => app.release_key(scope, &held, now).await,
    };
    if let Err(failure) = kept {
        // What was done is done, and its answer is right: only a repetition would not be recognised.
        tracing::warn!(slug = failure.slug, cause = failure.cause.as_deref(), "an answer was not remembered");
    }
    answer
}

/// An answer as it is remembered; `None` when it is not text.
fn keep(response: &Response) -> Option<Answer> {
    let body = match response.body() {
        Body::Empty => String::new(),
        Body::Text(text) => text.clone(),
        _ => return None,
    };
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())));
    Some(Answer { status: response.status().as_u16(), headers: headers.collect::<Option<_>>()?, body })
}

fn replay(answer: &Answer) -> Result<Response, Failure> {
    let status = StatusCode::from_u16(answer.status).map_err(|_| Failure::internal("a remembered status"))?;
    let mut response = lambda_http::Response::builder().status(status).header(REPLAYED, "true");
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = if answer.body.is_empty() { Body::Empty } else { Body::Text(answer.body.clone()) };
    response.body(body).map_err(|_| Failure::internal("a remembered answer"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_back_as_it_was_and_says_so() {
        let first = lambda_http::Response::builder()
            .status(201)
            .header("location", "/v1/imports/imp_1")
            .header("content-type", "application/json")
            .body(Body::Text("{}".into()))
            .unwrap();
        let again = replay(&keep(&first).unwrap()).unwrap();
        assert_eq!(again.status(), 201);
        assert_eq!(again.headers()["location"], "/v1/imports/imp_1");
        assert_eq!(again.headers()[REPLAYED], "true");
        assert!(matches!(again.body(), Body::Text(text) if text == "{}"));
    }
}
