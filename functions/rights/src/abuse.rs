//! The public page for reports of abuse. It needs nothing that the pages about rights do not.

use app::{App, Failure, Kind, abuse::Report};
use content::abuse;
use domain::locale::Locale;
use edge::http::{Request, Response, json, no_such_route, page};
use lambda_http::http::{Method, StatusCode};

use crate::pages::has_json;

/// One request to `/abuse`. The same route speaks JSON to whoever sends it.
pub(super) async fn handle(app: &App, request: &Request) -> Result<Response, Failure> {
    let locale = request.locale();
    match *request.method() {
        Method::GET => page(StatusCode::OK, form(app, locale, None), locale),
        Method::POST => report(app, request, locale).await,
        _ => Err(no_such_route()),
    }
}

async fn report(app: &App, request: &Request, locale: Locale) -> Result<Response, Failure> {
    let (origin, now) = (request.origin(), request.now()?);
    if has_json(request) {
        let report: Report = request.json()?;
        app.report_abuse(&report, report.locale().unwrap_or(locale), origin.network(), now).await?;
        return json(StatusCode::ACCEPTED, &serde_json::json!({ "status": "accepted" }));
    }
    let reported = match Report::from_form(url::form_urlencoded::parse(request.bytes()).into_owned()) {
        Ok(report) => app.report_abuse(&report, locale, origin.network(), now).await,
        Err(failure) => Err(failure),
    };
    match reported {
        Ok(()) => page(StatusCode::OK, abuse::sent(locale), locale),
        Err(failure) if matches!(failure.kind, Kind::Refused) => {
            page(StatusCode::UNPROCESSABLE_ENTITY, form(app, locale, Some(abuse::wrong(locale))), locale)
        }
        Err(failure) => Err(failure),
    }
}

fn form(app: &App, locale: Locale, wrong: Option<&str>) -> content::page::Html {
    abuse::ask(locale, &app.config.operator_abuse_contact, wrong)
}
