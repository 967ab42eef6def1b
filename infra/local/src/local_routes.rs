//! `/_local`: the clock, the schedules, the wait for quiet, and an index of it all.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::engine::Engine;

/// How long `POST /_local/quiet` waits, unless told.
const QUIET: u64 = 60;

pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/_local", get(index))
        .route("/_local/", get(index))
        .route("/_local/clock", get(clock).post(set_clock))
        .route("/_local/schedules/{name}", post(fire))
        .route("/_local/quiet", post(quiet))
        .with_state(engine)
}

async fn clock(State(engine): State<Arc<Engine>>) -> Response {
    Json(json!({ "now": engine.clock.now().to_string() })).into_response()
}

#[derive(Deserialize)]
struct SetClock {
    now: Timestamp,
}

async fn set_clock(State(engine): State<Arc<Engine>>, Json(body): Json<SetClock>) -> Response {
    let fired = engine.schedules.set_clock(body.now).await;
    Json(json!({ "now": engine.clock.now().to_string(), "fired": fired })).into_response()
}

/// What follows the `?` goes into the event's `detail`: `?dry_run=true`.
async fn fire(
    State(engine): State<Arc<Engine>>,
    Path(name): Path<String>,
    Query(detail): Query<BTreeMap<String, bool>>,
) -> Response {
    match engine.schedules.fire(&name, &json!(detail)).await {
        Some(fired) if fired.ok => Json(fired).into_response(),
        Some(fired) => (StatusCode::BAD_GATEWAY, Json(fired)).into_response(),
        None => {
            let names = engine.schedules.names();
            let message = format!("no schedule {name}: the template has {}", names.join(", "));
            (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
        }
    }
}

#[derive(Deserialize)]
struct QuietQuery {
    seconds: Option<u64>,
}

async fn quiet(State(engine): State<Arc<Engine>>, Query(query): Query<QuietQuery>) -> Response {
    match engine.quiet(Duration::from_secs(query.seconds.unwrap_or(QUIET))).await {
        Ok(()) => Json(json!({ "quiet": true })).into_response(),
        Err(error) => (StatusCode::GATEWAY_TIMEOUT, Json(json!({ "quiet": false, "message": format!("{error:#}") })))
            .into_response(),
    }
}

async fn index(State(engine): State<Arc<Engine>>) -> Html<String> {
    let mut page = String::from(
        "<!doctype html><meta charset=utf-8><title>Prospectra, local</title>\
         <style>body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}code{font-size:.9em}</style>\
         <h1>Prospectra, local</h1><ul>\
         <li><a href=/_local/mailbox>Mailbox</a>: every message that was sent\
         <li><a href=/_local/hooks>Hooks</a>: every event that was told to the local endpoint, and its address\
         <li><a href=/_local/meter>Meter</a>: calls and units of every function\
         <li><a href=/_local/clock>Clock</a>: <code>POST /_local/clock {\"now\": \"2031-01-01T00:00:00Z\"}</code> moves it\
         <li><code>aws lambda invoke --endpoint-url …/_local/lambda</code> gives a function an order, as on AWS\
         <li><code>POST /_local/inbound?to=ADDRESS</code> takes a raw mail in, as SES does: an answer, for one\
         <li><code>POST /_local/quiet</code> waits until every queue is empty</ul><h2>Schedules</h2><ul>",
    );
    for name in engine.schedules.names() {
        // Names come from the template: letters, digits, hyphens.
        let _ = write!(page, "<li><code>POST /_local/schedules/{name}</code>");
    }
    page.push_str("</ul><h2>Routes</h2><ul>");
    for (key, binary) in &engine.routes {
        let _ = write!(page, "<li><code>{key}</code> → {binary}");
    }
    page.push_str("</ul>");
    Html(page)
}
