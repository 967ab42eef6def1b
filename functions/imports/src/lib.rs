//! Imports over HTTP: announce a file, see how far it is, get the report of rejected rows.

use app::{
    App, Failure,
    imports::{NewImport, Rejects},
};
use domain::id::ImportId;
use edge::{
    cursor,
    http::{Request, Response, build, json, limit, no_such_route},
    idempotency,
};
use lambda_http::{
    Body,
    http::{HeaderValue, StatusCode, header},
};
use serde_json::json as object;
use storage::WorkspaceScope;

/// One request under `/v1/imports`.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let scope = request.scope(app).await?;
    match (request.method().as_str(), request.route().as_str()) {
        ("POST", "/v1/imports") => {
            idempotency::run(app, &scope, &request, async || announce(app, &scope, &request).await).await
        }
        ("GET", "/v1/imports") => list(app, &scope, &request).await,
        ("GET", "/v1/imports/{id}") => json(StatusCode::OK, &app.import(&scope, id(&request)?).await?),
        ("GET", "/v1/imports/{id}/rejects") => rejects(app, &scope, id(&request)?).await,
        _ => Err(no_such_route()),
    }
}

fn id(request: &Request) -> Result<ImportId, Failure> {
    request.id("import")
}

async fn announce(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let view = app.announce_import(scope, request.json::<NewImport>()?, request.now()?).await?;
    let mut answer = json(StatusCode::CREATED, &view)?;
    answer.headers_mut().insert(header::LOCATION, value(&format!("/v1/imports/{}", view.id()))?);
    Ok(answer)
}

async fn list(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let after = cursor::read(request)?;
    let (items, next) = app.list_imports(scope, after.as_deref(), limit(request)?).await?;
    let next = next.map(|id| cursor::write(&id.to_string()));
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next }))
}

async fn rejects(app: &App, scope: &WorkspaceScope, id: ImportId) -> Result<Response, Failure> {
    match app.import_rejects(scope, id).await? {
        Rejects::Inline(csv) => {
            let csv = String::from_utf8(csv).map_err(|_| Failure::internal("a report that is not UTF-8"))?;
            let mut answer = build(StatusCode::OK, "text/csv; charset=utf-8", csv)?;
            let name = value(&format!("attachment; filename=\"{id}-rejects.csv\""))?;
            answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
            Ok(answer)
        }
        Rejects::Elsewhere(url) => {
            let mut answer = build(StatusCode::SEE_OTHER, "text/plain", Body::Empty)?;
            answer.headers_mut().insert(header::LOCATION, value(&url)?);
            Ok(answer)
        }
    }
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::try_from(text).map_err(|e| Failure::internal(e.to_string()))
}
