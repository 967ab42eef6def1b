//! The legal pages, the keys that statements are verified with, and whether the service answers.

use std::sync::LazyLock;

use app::{App, Failure, Kind};
use content::{
    legal::{self, LegalPage, Operator, OperatorIncomplete},
    page,
};
use domain::{locale::Locale, policy::processors};
use edge::http::{Request, Response, json, no_such_route};
use lambda_http::{
    Body,
    http::{StatusCode, header, response},
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

/// `GET /legal/{page}`, `GET /legal/keys` and `GET /healthz`.
///
/// # Errors
/// [`Failure`] for a page that does not exist, and for every page while the operator is not
/// identified (A1) or the register of processors names no host in this region (A23).
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    if request.path() == "/legal/keys" {
        return json(StatusCode::OK, &app.statement_keys().await?);
    }
    answer(&OPERATOR, &request)
}

fn answer(operator: &Identity, request: &Request) -> Result<Response, Failure> {
    if let Some(slug) = request.path_param("page") {
        return legal_page(operator, &slug, request);
    }
    match request.path() {
        "/healthz" => json(StatusCode::OK, &json!({ "status": "ok" })),
        _ => Err(no_such_route()),
    }
}

fn legal_page(operator: &Identity, slug: &str, request: &Request) -> Result<Response, Failure> {
    let operator = operator.as_ref().map_err(not_served)?;
    let locale = request.locale();
    let page = legal::render(slug, locale, operator).ok_or_else(no_such_page)?;
    let tag = entity_tag(&page);
    let known = request.header("if-none-match").is_some_and(|tags| knows(tags, &tag));
    let (status, body) = if known {
        (StatusCode::NOT_MODIFIED, Body::Empty)
    } else {
        (StatusCode::OK, Body::Text(page.html.into_string()))
    };
    headers(status, locale, &tag).body(body).map_err(|e| Failure::internal(e.to_string()))
}

fn headers(status: StatusCode, locale: Locale, tag: &str) -> response::Builder {
    let answer = response::Builder::new()
        .status(status)
        .header(header::ETAG, tag)
        .header(header::CACHE_CONTROL, CACHE)
        .header(header::VARY, "accept-language")
        .header(header::CONTENT_LANGUAGE, locale.tag());
    page::headers().iter().fold(answer, |answer, (name, value)| answer.header(*name, *value))
}

/// A strong validator (RFC 9110 §8.8.3): the same for the same bytes only.
fn entity_tag(page: &LegalPage) -> String {
    let digest = Sha256::digest(page.html.as_str());
    format!("\"{}\"", hex::encode(&digest[..16]))
}

/// Whether an `If-None-Match` header names the tag. Weak comparison (RFC 9110 §13.1.2): whatever is
/// in front of the API may have weakened the tag by compressing the page.
fn knows(header: &str, tag: &str) -> bool {
    header.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
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
