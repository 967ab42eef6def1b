//! The legal pages, the keys that statements are verified with, the promises with their proof, and whether the
//! service answers.

use std::sync::LazyLock;

use app::{App, Failure, Kind};
use content::{
    legal::{self, Operator, OperatorIncomplete},
    page::{self, Html},
    promises,
};
use domain::{Timestamp, locale::Locale, policy::processors};
use edge::http::{Request, Response, json, no_such_route};
use lambda_http::{
    Body,
    http::{HeaderValue, StatusCode, header, response},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Long enough to spare the function, short enough that a new text is soon everywhere. Seconds.
const CACHE: &str = "public, max-age=300";

/// Why no page can be served: it would not say the truth.
#[derive(Debug, thiserror::Error)]
enum Unready {
    #[error(transparent)]
    Operator(#[from] OperatorIncomplete),
    #[error("this runs in {0}, where infra/policy/processors.toml names no host")]
    Region(String),
}

type Identity = Result<Operator, Unready>;

/// Read once: a process has one environment.
static OPERATOR: LazyLock<Identity> = LazyLock::new(|| identity(|name| std::env::var(name).ok()));

fn identity(value: impl Fn(&str) -> Option<String>) -> Identity {
    let operator = Operator::from_env(&value)?;
    match value("AWS_REGION") {
        Some(region) if !processors::hosted_in(processors::current(), &region) => Err(Unready::Region(region)),
        _ => Ok(operator),
    }
}

/// `GET /legal/{page}`, one version of it, `GET /legal/keys`, `GET /trust` and `GET /healthz`.
///
/// # Errors
/// [`Failure`] for a page that does not exist, and for every page while the operator is not
/// identified (A1) or the register of processors names no host in this region (A23).
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    if request.path() == "/legal/keys" {
        return json(StatusCode::OK, &app.statement_keys().await?);
    }
    answer(&OPERATOR, &request, request.now()?)
}

fn answer(operator: &Identity, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    if let Some(slug) = request.path_param("page") {
        return legal_page(operator, &slug, request, now);
    }
    match request.path() {
        "/trust" => trust(request),
        "/trust.json" => promises_as_json(),
        "/healthz" => json(StatusCode::OK, &json!({ "status": "ok" })),
        _ => Err(no_such_route()),
    }
}

fn legal_page(operator: &Identity, slug: &str, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    let operator = operator.as_ref().map_err(not_served)?;
    let locale = request.locale();
    let page = match request.path_param("version").or_else(|| request.query("version")) {
        Some(version) => {
            legal::render_version(slug, &version, locale, operator, now).ok_or_else(|| no_such_version(slug))?
        }
        None => legal::render(slug, locale, operator, now).ok_or_else(no_such_page)?,
    };
    page_answer(request, locale, page.html)
}

/// A page, unless the caller has it already.
fn page_answer(request: &Request, locale: Locale, html: Html) -> Result<Response, Failure> {
    let tag = entity_tag(&html);
    let known = request.header("if-none-match").is_some_and(|tags| knows(tags, &tag));
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, Body::Empty) } else { (StatusCode::OK, Body::Text(html.into_string())) };
    headers(status, locale, &tag).body(body).map_err(|e| Failure::internal(e.to_string()))
}

/// Every promise with its proof: a page, or JSON for who asks for it.
fn trust(request: &Request) -> Result<Response, Failure> {
    let wants_json = request.header("accept").is_some_and(|types| types.starts_with("application/json"));
    if wants_json {
        return promises_as_json();
    }
    let locale = request.locale();
    page_answer(request, locale, promises::page(locale, promises::results()))
}

fn promises_as_json() -> Result<Response, Failure> {
    let mut answer = json(StatusCode::OK, &promises::summary(promises::results()))?;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHE));
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(answer)
}

fn headers(status: StatusCode, locale: Locale, tag: &str) -> response::Builder {
    let answer = response::Builder::new()
        .status(status)
        .header(header::ETAG, tag)
        .header(header::CACHE_CONTROL, CACHE)
        .header(header::VARY, "accept, accept-language")
        .header(header::CONTENT_LANGUAGE, locale.tag());
    page::headers().iter().fold(answer, |answer, (name, value)| answer.header(*name, *value))
}

/// A strong validator (RFC 9110 §8.8.3): the same for the same bytes only.
fn entity_tag(html: &Html) -> String {
    let digest = Sha256::digest(html.as_str());
    format!("\"{}\"", hex::encode(&digest[..16]))
}

/// Whether an `If-None-Match` header names the tag. Weak comparison (RFC 9110 §13.1.2): whatever is
/// in front of the API may have weakened the tag by compressing the page.
fn knows(header: &str, tag: &str) -> bool {
    header.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

fn no_such_version(slug: &str) -> Failure {
    if !legal::slugs().contains(&slug) {
        return no_such_page();
    }
    let detail = format!("There is no such version of this page. /legal/{slug} ends with a list of them.");
    Failure::new(Kind::NotFound, "no-such-page", detail)
}

fn no_such_page() -> Failure {
    let pages = legal::slugs().join(", ");
    Failure::new(Kind::NotFound, "no-such-page", format!("There is no such page. There are: {pages}."))
}

fn not_served(why: &Unready) -> Failure {
    let (slug, detail) = match why {
        Unready::Operator(_) => (
            "operator-not-identified",
            "The operator of this service is not identified in its configuration, so no legal page can be served.",
        ),
        Unready::Region(_) => (
            "processors-not-current",
            "The register of processors does not name the place this service runs in, so no legal page can be served.",
        ),
    };
    Failure { cause: Some(why.to_string()), ..Failure::new(Kind::Unavailable, slug, detail) }
}

#[cfg(test)]
mod tests;
