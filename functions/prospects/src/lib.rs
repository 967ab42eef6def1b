//! Prospects over HTTP: list, add, look at, correct, freeze, erase, export.

use app::{
    App, Failure,
    prospects::{Filter, Format, NewProspect},
};
use domain::subject::Subject;
use edge::{
    cursor,
    http::{Request, Response, build, json, limit, no_content, no_such_route},
    idempotency,
};
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde_json::json as object;
use storage::WorkspaceScope;

/// One request under `/v1/prospects`.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let scope = request.scope(app).await?;
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/prospects") => list(app, &scope, &request).await,
        ("POST", "/v1/prospects") => {
            idempotency::run(app, &scope, &request, async || add(app, &scope, &request).await).await
        }
        ("GET", "/v1/prospects/export") => export(app, &scope, &request).await,
        ("GET", "/v1/prospects/{id}") => {
            json(StatusCode::OK, &app.prospect(&scope, id(&request)?, request.now()?).await?)
        }
        ("PATCH", "/v1/prospects/{id}") => {
            let change = request.json()?;
            json(StatusCode::OK, &app.change_prospect(&scope, id(&request)?, change, request.now()?).await?)
        }
        ("DELETE", "/v1/prospects/{id}") => {
            app.delete_prospect(&scope, id(&request)?, request.now()?).await?;
            no_content()
        }
        _ => Err(no_such_route()),
    }
}

fn id(request: &Request) -> Result<Subject, Failure> {
    request.id("prospect")
}

async fn list(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let filter = Filter::read(|name| request.query(name))?;
    let after = cursor::read(request)?;
    let (items, next) = app.list_prospects(scope, &filter, after.as_deref(), limit(request)?, request.now()?).await?;
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
}

async fn add(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let view = app.add_prospect(scope, request.json::<NewProspect>()?, request.now()?).await?;
    let mut answer = json(StatusCode::CREATED, &view)?;
    answer.headers_mut().insert(header::LOCATION, value(&format!("/v1/prospects/{}", view.id()))?);
    Ok(answer)
}

async fn export(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let filter = Filter::read(|name| request.query(name))?;
    let format = format(request.query("format").as_deref(), request.header("accept"))?;
    let after = cursor::read(request)?;
    let page = app.export_prospects(scope, &filter, after.as_deref(), format, cursor::write, request.now()?).await?;
    let (media, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    let mut answer = build(StatusCode::OK, media, page.body)?;
    let name = value(&format!("attachment; filename=\"prospects.{ending}\""))?;
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    if let Some(next) = page.next {
        let link = format!("<{}>; rel=\"next\"", next_page(&request.0.uri().to_string(), ending, &next));
        answer.headers_mut().insert(header::LINK, value(&link)?);
    }
    Ok(answer)
}

fn format(asked: Option<&str>, accept: Option<&str>) -> Result<Format, Failure> {
    match asked {
        Some("csv") => Ok(Format::Csv),
        Some("json") => Ok(Format::Json),
        Some(_) => Err(Failure::field("format", "csv or json")),
        None if accept.is_some_and(|types| types.trim_start().starts_with("application/json")) => Ok(Format::Json),
        None => Ok(Format::Csv),
    }
}

/// The address of the next page, relative to the API: the same filters, the same format, another cursor.
fn next_page(uri: &str, format: &str, cursor: &str) -> String {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    let kept = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !name.is_empty() && name != "cursor" && name != "format"
    });
    let mut pairs: Vec<String> = kept.map(str::to_owned).collect();
    pairs.push(format!("format={format}"));
    pairs.push(format!("cursor={cursor}"));
    format!("/v1/prospects/export?{}", pairs.join("&"))
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(text).map_err(|e| Failure::internal(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_filters_and_format() {
        let uri = "https://api.test/v1/prospects/export?tag=salon%202026&cursor=old&format=csv";
        assert_eq!(next_page(uri, "csv", "new"), "/v1/prospects/export?tag=salon%202026&format=csv&cursor=new");
        assert_eq!(next_page("/v1/prospects/export", "json", "c"), "/v1/prospects/export?format=json&cursor=c");
    }

    #[test]
    fn format_wins_over_accept() {
        assert_eq!(format(Some("csv"), Some("application/json")).unwrap(), Format::Csv);
        assert_eq!(format(None, Some("application/json")).unwrap(), Format::Json);
        assert_eq!(format(None, Some("*/*")).unwrap(), Format::Csv);
        assert!(format(Some("xml"), None).is_err());
    }
}
