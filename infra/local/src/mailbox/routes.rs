//! `GET /_local/mailbox` and `GET /_local/mailbox/{id}`: a page for people, JSON for programs.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use base64::Engine as _;
use serde::{Deserialize, Serialize};

use super::message::Readable;
use super::{Envelope, Mailbox, Stored, page};

/// Messages on a page.
const PAGE: usize = 100;

#[derive(Debug, Default, Deserialize)]
struct Wanted {
    after: Option<String>,
    limit: Option<usize>,
    page: Option<usize>,
    #[serde(default)]
    q: String,
}

/// A message in the JSON list.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    envelope: Envelope,
    raw_base64: String,
}

impl From<Stored> for Listed {
    fn from(stored: Stored) -> Self {
        Self { raw_base64: base64::engine::general_purpose::STANDARD.encode(&stored.raw), envelope: stored.envelope }
    }
}

impl Mailbox {
    /// The pages and the list, below `/_local/mailbox`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/_local/mailbox", get(list))
            .route("/_local/mailbox/{id}", get(one))
            .with_state(self.clone())
    }
}

async fn list(State(mailbox): State<Mailbox>, Query(wanted): Query<Wanted>, headers: HeaderMap) -> Response {
    if wants_json(&headers) {
        let limit = wanted.limit.unwrap_or(usize::MAX);
        let messages = mailbox.list(wanted.after.as_deref(), limit);
        return Json(messages.into_iter().map(Listed::from).collect::<Vec<_>>()).into_response();
    }
    let number = wanted.page.unwrap_or(1).max(1);
    let (messages, matching) = mailbox.page(&wanted.q, (number - 1).saturating_mul(PAGE), PAGE);
    let rows: Vec<(Envelope, Readable)> = messages
        .into_iter()
        .map(|stored| {
            let summary = Readable::summary(&stored.raw);
            (stored.envelope, summary)
        })
        .collect();
    html(page::list(&page::List {
        rows: &rows,
        search: &wanted.q,
        page: number,
        pages: matching.div_ceil(PAGE).max(1),
        matching,
        total: mailbox.len(),
    }))
}

async fn one(State(mailbox): State<Mailbox>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let (id, source) = match id.strip_suffix(".eml") {
        Some(id) => (id.to_owned(), true),
        None => (id, false),
    };
    let Some(stored) = mailbox.get(&id) else {
        return (StatusCode::NOT_FOUND, "There is no such message.").into_response();
    };
    if source {
        // Plain text, never rendered: whatever it contains stays inert.
        let headers =
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        return (headers, stored.raw).into_response();
    }
    if wants_json(&headers) {
        return Json(Listed::from(stored)).into_response();
    }
    html(page::message(&stored.envelope, &Readable::parse(&stored.raw)))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("application/json"))
}

fn html(page: String) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page::POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, Html(page)).into_response()
}
