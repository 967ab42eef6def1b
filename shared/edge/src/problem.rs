//! Failures as `application/problem+json` (RFC 9457), or as a page for people.

use app::{Failure, FieldError, Kind};
use domain::locale::Locale;
use lambda_http::{
    Body, Response,
    http::{StatusCode, header},
};
use serde::Serialize;

use crate::http;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// Status and title of a kind of failure.
pub const fn status(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::Invalid => (StatusCode::BAD_REQUEST, "The request is not valid"),
        Kind::Unauthenticated => (StatusCode::UNAUTHORIZED, "Sign in first"),
        Kind::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        Kind::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Kind::Conflict => (StatusCode::CONFLICT, "Not possible now"),
        Kind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Too large"),
        Kind::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Not read here"),
        Kind::Refused => (StatusCode::UNPROCESSABLE_ENTITY, "Refused"),
        Kind::TooMany => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Kind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Our fault"),
        Kind::TooEarly => (StatusCode::SERVICE_UNAVAILABLE, "Not ready yet"),
        Kind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable"),
    }
}

/// The answer to a failed request: a page for whoever reads it in a browser, otherwise a problem. The cause
/// goes to the log, the detail to the caller.
pub fn answer(failure: &Failure, reader: Option<Locale>) -> Response<Body> {
    let (code, title) = status(failure.kind);
    if code.is_server_error() {
        tracing::error!(slug = failure.slug, cause = failure.cause.as_deref(), "request failed");
    }
    if let Some(locale) = reader {
        let page = content::failed::page(locale, code.as_u16());
        return with_retry(http::page(code, page, locale).unwrap_or_default(), failure);
    }
    let problem = Problem {
        r#type: format!("/problems/{}", failure.slug),
        title,
        status: code.as_u16(),
        detail: &failure.detail,
        errors: &failure.fields,
    };
    let mut answer = Response::builder().status(code).header("content-type", "application/problem+json");
    if failure.kind == Kind::Unauthenticated {
        answer = answer.header("www-authenticate", "Bearer");
    }
    let body = serde_json::to_string(&problem).unwrap_or_default();
    with_retry(answer.body(Body::Text(body)).unwrap_or_default(), failure)
}

fn with_retry(mut answer: Response<Body>, failure: &Failure) -> Response<Body> {
    if let Some(seconds) = failure.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_to_do_and_nothing_internal() {
        let failure = Failure { retry_after: Some(3), ..Failure::internal("secret words") };
        let answer = answer(&failure, None);
        let Body::Text(body) = answer.body() else { panic!("a text body") };
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.headers()["retry-after"], "3");
        assert!(!body.contains("secret words"), "{body}");
        assert!(body.contains(r#""type":"/problems/internal""#), "{body}");
    }

    #[test]
    fn whoever_reads_in_a_browser_gets_a_page() {
        let failure = Failure { retry_after: Some(3), ..Failure::not_found("certificate") };
        let answer = answer(&failure, Some(Locale::Fr));
        assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (404, &"3".parse().unwrap()));
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        assert!(answer.headers().contains_key("content-security-policy"));
        let Body::Text(body) = answer.body() else { panic!("a text body") };
        assert!(body.contains("<html lang=\"fr\">"), "{body}");
    }
}
