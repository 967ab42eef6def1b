//! The workspace of a session, and who it sends as.

use app::{App, Failure};
use edge::http::{Request, Response, json, no_such_route};
use http::StatusCode;

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
        _ => Err(no_such_route()),
    }
}
