//! People's rights: the public pages and their API, what Senders and members do about requests, the clock
//! that chases them, and the operator's desk. And the page on which abuse is reported.

mod abuse;
mod pages;

use app::{App, Deadline, Failure, rights::Form};
use domain::{Timestamp, id::RequestId};
use edge::{
    http::{Request, Response, json, limit, no_such_route},
    mixed::Order,
};
use lambda_http::http::StatusCode;
use serde_json::{Value, json};

/// One request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let route = request.route();
    match route.strip_prefix("/v1/") {
        None if route == "/abuse" => abuse::handle(app, &request).await,
        None => pages::handle(app, &request, &route).await,
        Some("rights-tasks" | "rights-tasks/{id}/handle" | "rights-tasks/{id}/extend") => {
            tasks(app, &request, &route).await
        }
        Some("prospects/{id}/lift") => {
            let (now, scope) = (request.now()?, request.scope(app).await?);
            let prospect = app.record(&scope, request.id("prospect")?).await?;
            json(StatusCode::OK, &app.lift_restriction(&scope, prospect, &request.json()?, now).await?)
        }
        Some(_) => own(app, &request, &route).await,
    }
}

/// What a Sender has to do.
async fn tasks(app: &App, request: &Request, route: &str) -> Result<Response, Failure> {
    let (now, scope) = (request.now()?, request.scope(app).await?);
    if request.method() == "GET" {
        let cursor = edge::cursor::read(request)?;
        let (items, next) = app.list_rights_tasks(&scope, cursor.as_deref(), limit(request)?, now).await?;
        let next = next.map(|id| edge::cursor::write(&id));
        return json(StatusCode::OK, &json!({ "items": items, "next_cursor": next }));
    }
    let id: RequestId = request.id("request")?;
    // Before the body: another Sender's task is not there, whatever is sent.
    let task = app.rights_task(&scope, id).await?;
    match route.rsplit('/').next() {
        Some("handle") => json(StatusCode::OK, &app.handle_rights_task(&scope, task, request.json()?, now).await?),
        Some("extend") => json(StatusCode::OK, &app.extend_rights_task(&scope, task, &request.json()?, now).await?),
        _ => Err(no_such_route()),
    }
}

/// What a member asks about themselves.
async fn own(app: &App, request: &Request, route: &str) -> Result<Response, Failure> {
    let (now, scope) = (request.now()?, request.scope(app).await?);
    match (request.method().as_str(), route) {
        ("GET", "/v1/privacy/requests") => {
            json(StatusCode::OK, &json!({ "items": app.own_rights(&scope).await?, "next_cursor": null }))
        }
        ("POST", "/v1/privacy/requests") => {
            edge::idempotency::run(app, &scope, request, async || {
                json(StatusCode::CREATED, &app.ask_own_rights(&scope, request.json()?, now).await?)
            })
            .await
        }
        ("GET", "/v1/privacy/export") => {
            let form = match request.query("format") {
                None => Form::Json,
                Some(name) => Form::from_name(&name).ok_or_else(|| Failure::field("format", "json, csv or page"))?,
            };
            pages::handed_over(app.own_data(&scope, form, now).await?)
        }
        _ => Err(no_such_route()),
    }
}

/// An event that is no request: the clock's, or an order of staff's.
pub async fn act(app: &App, event: Value, now: Timestamp, deadline: Deadline) -> Result<Value, Failure> {
    match Order::of(event)? {
        Order::Clock => {
            let report = app.rights_clock(now, deadline).await?;
            tracing::info!(
                open = report.open,
                reminded = report.reminded,
                overdue = report.overdue,
                closed = report.closed,
                failed = report.failed,
                complete = report.complete,
                "requests about rights looked at"
            );
            Ok(json!(report))
        }
        Order::Desk(order) => Ok(json!(app.rights_desk(order, now).await?)),
    }
}
