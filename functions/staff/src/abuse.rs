//! Cases of abuse: listed, closed.

use app::{App, Failure, staff::Staff};
use domain::Timestamp;
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_such_route},
};
use lambda_http::http::StatusCode;
use serde_json::json;

/// One request under `/v1/staff/abuse-cases`.
pub(crate) async fn handle(app: &App, staff: &Staff, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/staff/abuse-cases") => {
            let after = cursor::read(request)?;
            let (items, next) = app.list_abuse_cases(after.as_deref(), limit(request)?).await?;
            json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        ("POST", "/v1/staff/abuse-cases/{id}/close") => {
            let id = request.id("case")?;
            json(StatusCode::OK, &app.close_abuse_case(staff, id, request.json()?, now).await?)
        }
        _ => Err(no_such_route()),
    }
}
