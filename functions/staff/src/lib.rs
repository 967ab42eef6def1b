//! Staff of the operator: their accesses to workspaces, what they read under them, incidents with their clock, cases of
//! abuse, and the operator's desk.

mod abuse;
mod incidents;

use app::{
    App, Deadline, Failure,
    staff::{Staff, StaffOrder},
};
use domain::Timestamp;
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_such_route},
    mixed::Order,
};
use lambda_http::http::StatusCode;
use serde_json::{Value, json};

/// One request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let (now, scope) = (request.now()?, request.scope(app).await?);
    if request.route() == "/v1/staff-access" {
        let after = cursor::read(&request)?;
        let (items, next) = app.list_accesses_to(&scope, after.as_deref(), limit(&request)?, now).await?;
        return json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }));
    }
    // Before anything of the request is read: to everybody else there is nothing here.
    let staff = app.staff(&scope).await?;
    if request.route().starts_with("/v1/staff/incidents") {
        return incidents::handle(app, &staff, &request, now).await;
    }
    if request.route().starts_with("/v1/staff/abuse-cases") {
        return abuse::handle(app, &staff, &request, now).await;
    }
    match request.route().strip_prefix("/v1/staff/grants/{id}") {
        Some(rest) => one(app, &staff, &request, rest, now).await,
        None => all(app, &staff, &request, now).await,
    }
}

/// Asking, and the list.
async fn all(app: &App, staff: &Staff, request: &Request, now: Timestamp) -> Result<Response, Failure> {
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/staff/grants") => {
            let after = cursor::read(request)?;
            let (items, next) = app.list_staff_accesses(after.as_deref(), limit(request)?, now).await?;
            json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        // No Idempotency-Key: asking twice opens nothing, and staff's function writes nothing else of a workspace.
        ("POST", "/v1/staff/grants") => json(StatusCode::OK, &app.ask_staff_access(staff, request.json()?, now).await?),
        _ => Err(no_such_route()),
    }
}

/// One access, and what it opens.
async fn one(app: &App, staff: &Staff, request: &Request, rest: &str, now: Timestamp) -> Result<Response, Failure> {
    let id = request.id("access")?;
    match (request.method().as_str(), rest) {
        ("POST", "/approve") => json(StatusCode::OK, &app.approve_staff_access(staff, id, now).await?),
        ("POST", "/end") => json(StatusCode::OK, &app.end_staff_access(staff, id, now).await?),
        ("GET", "/prospects") => {
            let after = cursor::read(request)?;
            let (items, next) = app.staff_prospects(staff, id, after.as_deref(), limit(request)?, now).await?;
            json(StatusCode::OK, &json!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        ("GET", "/prospects/{prospect}") => {
            let person = request.path_param("prospect").and_then(|name| name.parse().ok());
            json(StatusCode::OK, &app.staff_prospect(staff, id, person, now).await?)
        }
        _ => Err(no_such_route()),
    }
}

/// An event that is no request: the clock's, or an order of the operator's.
pub async fn act(app: &App, event: Value, now: Timestamp, deadline: Deadline) -> Result<Value, Failure> {
    match Order::<StaffOrder>::of(event)? {
        Order::Clock => {
            let report = app.staff_clock(now, &deadline).await?;
            tracing::info!(
                looked_at = report.looked_at,
                found = report.found,
                told = report.told,
                unreached = report.unreached,
                reminded = report.reminded,
                overdue = report.overdue,
                failed = report.failed,
                complete = report.complete,
                "incidents looked at"
            );
            Ok(json!(report))
        }
        Order::Desk(order) => Ok(json!(app.staff_desk(order, now).await?)),
    }
}
