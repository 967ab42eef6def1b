//! Campaigns over HTTP: draft, check, preview, test, launch, pause, resume, cancel, and what became of it. And the check of
//! a relay: here is what speaks to one.

use app::{
    App, Failure,
    campaigns::{CampaignView, Draft},
};
use std::ops::RangeInclusive;

use domain::{campaign::Command, chunk::Outcome, id::CampaignId, sequence};
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_content, no_such_route},
    idempotency,
};
use lambda_http::http::{HeaderValue, StatusCode, header};
use serde_json::json as object;
use storage::WorkspaceScope;

/// One request under `/v1/campaigns`, about the check of a channel, or about the health of what was sent.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let scope = request.scope(app).await?;
    let route = request.route();
    if route == "/v1/channels/{id}/check" {
        return of_channel(app, &scope, &request).await;
    }
    if (request.method().as_str(), route.as_str()) == ("GET", "/v1/health") {
        return json(StatusCode::OK, &app.health(&scope, request.now()?).await?);
    }
    match (request.method().as_str(), route.strip_prefix("/v1/campaigns").unwrap_or(&route)) {
        ("POST", "") => idempotency::run(app, &scope, &request, async || create(app, &scope, &request).await).await,
        ("GET", "") => list(app, &scope, &request).await,
        ("GET", "/{id}") => shown(app.read_campaign(&scope, id(&request)?, request.now()?).await?),
        ("PATCH", "/{id}") => shown(app.change_campaign(&scope, id(&request)?, request.json()?, request.now()?).await?),
        ("DELETE", "/{id}") => {
            app.delete_campaign(&scope, id(&request)?, request.now()?).await?;
            no_content()
        }
        ("POST", "/{id}/preview") => preview(app, &scope, &request).await,
        ("POST", "/{id}/check") => check(app, &scope, &request).await,
        ("POST", "/{id}/test") => {
            idempotency::run(app, &scope, &request, async || test(app, &scope, &request).await).await
        }
        ("POST", "/{id}/launch") => {
            let launch = async || command(app, &scope, &request, Command::Launch, StatusCode::ACCEPTED).await;
            idempotency::run(app, &scope, &request, launch).await
        }
        ("POST", "/{id}/pause") => command(app, &scope, &request, Command::Pause, StatusCode::OK).await,
        ("POST", "/{id}/resume") => command(app, &scope, &request, Command::Resume, StatusCode::ACCEPTED).await,
        ("POST", "/{id}/cancel") => command(app, &scope, &request, Command::Cancel, StatusCode::OK).await,
        ("GET", "/{id}/recipients") => recipients(app, &scope, &request).await,
        _ => Err(no_such_route()),
    }
}

/// The check of a relay before its first use.
async fn of_channel(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let (id, now) = (request.id("channel")?, request.now()?);
    match request.method().as_str() {
        "GET" => json(StatusCode::OK, &app.channel_check(scope, id, now).await?),
        "POST" => json(StatusCode::OK, &app.check_channel(scope, id, now).await?),
        _ => Err(no_such_route()),
    }
}

/// Numbers that a step may have.
const STEPS: RangeInclusive<u8> = sequence::FIRST..=sequence::LAST;

fn id(request: &Request) -> Result<CampaignId, Failure> {
    request.id("campaign")
}

fn shown(view: CampaignView) -> Result<Response, Failure> {
    json(StatusCode::OK, &view)
}

async fn create(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let view = app.create_campaign(scope, request.json::<Draft>()?, request.now()?).await?;
    let mut answer = json(StatusCode::CREATED, &view)?;
    let location = format!("/v1/campaigns/{}", view.id());
    let location = HeaderValue::try_from(location).map_err(|e| Failure::internal(e.to_string()))?;
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}

async fn list(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let after = cursor::read(request)?;
    let (items, next) = app.list_campaigns(scope, after.as_deref(), limit(request)?, request.now()?).await?;
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
}

async fn preview(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let preview = app.preview_campaign(scope, id(request)?, request.now()?).await?;
    json(StatusCode::OK, &preview)
}

async fn check(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    json(StatusCode::OK, &app.check_campaign(scope, id(request)?, request.now()?).await?)
}

async fn test(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    app.test_campaign(scope, id(request)?, request.now()?).await?;
    json(StatusCode::ACCEPTED, &object!({ "status": "accepted" }))
}

async fn command(
    app: &App,
    scope: &WorkspaceScope,
    request: &Request,
    command: Command,
    status: StatusCode,
) -> Result<Response, Failure> {
    json(status, &app.command_campaign(scope, id(request)?, command, request.now()?).await?)
}

async fn recipients(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let after = cursor::read(request)?;
    let status = request.query("status");
    let known = [Outcome::Pending.name(), "sent".into(), "refused".into(), "failed".into(), "unknown".into()];
    if status.as_ref().is_some_and(|wanted| !known.contains(wanted)) {
        return Err(Failure::field("status", "one of pending, sent, refused, failed, unknown"));
    }
    let step = request.query("step").map(|step| step.parse().ok().filter(|step| STEPS.contains(step)));
    if step == Some(None) {
        return Err(Failure::field("step", format!("the number of a step, {} to {}", STEPS.start(), STEPS.end())));
    }
    let of = (step.flatten(), status.as_deref());
    let (items, next) =
        app.list_recipients(scope, id(request)?, of, after.as_deref(), limit(request)?, request.now()?).await?;
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
}
