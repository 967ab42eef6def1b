//! The workspace of a session, who it sends as, and what was done in it.

use app::{App, Failure, audit::Wanted};
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_such_route},
};
use http::StatusCode;
use serde_json::json as object;
use storage::WorkspaceScope;

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let (now, scope) = (request.now()?, request.scope(app).await?);
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/workspace") => json(StatusCode::OK, &app.workspace(&scope).await?),
        ("PATCH", "/v1/workspace") => json(StatusCode::OK, &app.change_workspace(&scope, request.json()?, now).await?),
        ("DELETE", "/v1/workspace") => json(StatusCode::OK, &app.close_workspace(&scope, now).await?),
        ("POST", "/v1/workspace/reactivate") => json(StatusCode::OK, &app.reactivate_workspace(&scope, now).await?),
        ("GET", "/v1/sender") => json(StatusCode::OK, &app.sender(&scope).await?),
        ("PUT", "/v1/sender") => json(StatusCode::OK, &app.put_sender(&scope, request.json()?, now).await?),
        ("GET", "/v1/audit") => audit(app, &scope, &request).await,
        _ => Err(no_such_route()),
    }
}

async fn audit(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let wanted = Wanted::read(request.query("action"))?;
    let after = cursor::read(request)?;
    let (items, next) = app.list_audit(scope, &wanted, after.as_deref(), limit(request)?, request.now()?).await?;
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
}
