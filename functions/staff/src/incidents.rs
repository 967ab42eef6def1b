//! Incidents: opened, listed with the affected, told, closed.

use app::{App, Failure, staff::Staff};
use domain::Timestamp;
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_such_route},
};
use lambda_http::http::StatusCode;
use serde_json::json;

/// One request under `/v1/staff/incidents`.
pub(crate) async fn handle(app: &App, staff: &Staff, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/staff/incidents") => {
            let after = cursor::read(request)?;
            let (items, next) = app.list_incidents(after.as_deref(), limit(request)?, now).await?;
            json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        ("POST", "/v1/staff/incidents") => json(StatusCode::OK, &app.open_incident(staff, request.json()?, now).await?),
        ("GET", "/v1/staff/incidents/{id}/affected") => {
            let after = cursor::read(request)?;
            let id = request.id("incident")?;
            let (items, next) = app.list_affected(id, after.as_deref(), limit(request)?).await?;
            json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        ("POST", "/v1/staff/incidents/{id}/notify") => {
            json(StatusCode::OK, &app.notify_affected(staff, request.id("incident")?, now).await?)
        }
        ("POST", "/v1/staff/incidents/{id}/authority") => {
            let id = request.id("incident")?;
            json(StatusCode::OK, &app.close_incident(staff, id, &request.json()?, now).await?)
        }
        _ => Err(no_such_route()),
    }
}
