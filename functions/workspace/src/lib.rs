//! The workspace of a session, its members and keys, who it sends as and by what, and what was done in it.

use app::{App, Failure, audit::Wanted, workspace::Closing};
use edge::{
    cursor,
    http::{Request, Response, json, limit, no_content, no_such_route},
    idempotency,
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json as object;
use storage::WorkspaceScope;

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let (now, scope) = (request.now()?, request.scope(app).await?);
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/workspace") => json(StatusCode::OK, &app.workspace(&scope).await?),
        ("PATCH", "/v1/workspace") => json(StatusCode::OK, &app.change_workspace(&scope, request.json()?, now).await?),
        ("DELETE", "/v1/workspace") => {
            let asked = if request.bytes().is_empty() { Closing::default() } else { request.json()? };
            json(StatusCode::OK, &app.close_workspace(&scope, &asked, now).await?)
        }
        ("POST", "/v1/workspace/reactivate") => json(StatusCode::OK, &app.reactivate_workspace(&scope, now).await?),
        ("GET", "/v1/agreements") => json(StatusCode::OK, &app.agreements(&scope, now).await?),
        ("POST", "/v1/agreements") => json(StatusCode::OK, &app.accept_agreement(&scope, request.json()?, now).await?),
        ("GET", "/v1/sender") => json(StatusCode::OK, &app.sender(&scope).await?),
        ("PUT", "/v1/sender") => json(StatusCode::OK, &app.put_sender(&scope, request.json()?, now).await?),
        ("GET", "/v1/sender/check") => {
            let (channel, selector) = (request.query("channel"), request.query("selector"));
            json(StatusCode::OK, &app.check_domain(&scope, channel.as_deref(), selector.as_deref()).await?)
        }
        ("GET", "/v1/audit") => audit(app, &scope, &request).await,
        ("GET", "/v1/me") => json(StatusCode::OK, &app.me(&scope, now).await?),
        ("PATCH", "/v1/me") => json(StatusCode::OK, &app.change_me(&scope, request.json()?, now).await?),
        ("DELETE", "/v1/me") => {
            app.leave(&scope, now).await?;
            no_content()
        }
        (_, route) if route.starts_with("/v1/channels") => channels(app, &scope, &request).await,
        (_, route) if route.starts_with("/v1/mailboxes") => mailboxes(app, &scope, &request).await,
        (_, route) if route.starts_with("/v1/api-keys") => keys(app, &scope, &request).await,
        (_, route) if route.starts_with("/v1/webhooks") => webhooks(app, &scope, &request).await,
        _ => people(app, &scope, &request).await,
    }
}

async fn audit(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let wanted = Wanted::read(request.query("action"))?;
    let after = cursor::read(request)?;
    let (items, next) = app.list_audit(scope, &wanted, after.as_deref(), limit(request)?, request.now()?).await?;
    json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
}

/// Members and invitations.
async fn people(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let now = request.now()?;
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/members") => list(&app.members(scope).await?),
        ("PATCH", "/v1/members/{id}") => {
            let id = request.id("member")?;
            json(StatusCode::OK, &app.change_role(scope, id, request.json()?, now).await?)
        }
        ("DELETE", "/v1/members/{id}") => {
            app.remove_member(scope, request.id("member")?, now).await?;
            no_content()
        }
        ("GET", "/v1/invitations") => list(&app.invitations(scope, now).await?),
        ("POST", "/v1/invitations") => {
            idempotency::run(app, scope, request, async || invite(app, scope, request).await).await
        }
        ("DELETE", "/v1/invitations/{id}") => {
            app.withdraw_invitation(scope, request.id("invitation")?, now).await?;
            no_content()
        }
        _ => Err(no_such_route()),
    }
}

/// What messages leave by.
async fn channels(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let now = request.now()?;
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/channels") => list(&app.channels(scope).await?),
        // No Idempotency-Key: it would keep a hash of the relay's password for a day.
        ("POST", "/v1/channels") => json(StatusCode::OK, &app.add_channel(scope, request.json()?, now).await?),
        ("GET", "/v1/channels/{id}") => json(StatusCode::OK, &app.channel(scope, request.id("channel")?).await?),
        ("PATCH", "/v1/channels/{id}") => {
            let id = request.id("channel")?;
            json(StatusCode::OK, &app.change_channel(scope, id, request.json()?, now).await?)
        }
        ("DELETE", "/v1/channels/{id}") => {
            app.delete_channel(scope, request.id("channel")?, now).await?;
            no_content()
        }
        _ => Err(no_such_route()),
    }
}

/// Mailboxes that are read for answers.
async fn mailboxes(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let now = request.now()?;
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/mailboxes") => list(&app.mailboxes(scope).await?),
        // No Idempotency-Key: it would keep a hash of the password for a day.
        ("POST", "/v1/mailboxes") => json(StatusCode::OK, &app.add_mailbox(scope, request.json()?, now).await?),
        ("GET", "/v1/mailboxes/{id}") => json(StatusCode::OK, &app.mailbox(scope, request.id("mailbox")?).await?),
        ("PUT", "/v1/mailboxes/{id}") => {
            let id = request.id("mailbox")?;
            json(StatusCode::OK, &app.replace_mailbox(scope, id, request.json()?, now).await?)
        }
        ("DELETE", "/v1/mailboxes/{id}") => {
            app.delete_mailbox(scope, request.id("mailbox")?, now).await?;
            no_content()
        }
        ("POST", "/v1/mailboxes/{id}/check") => {
            let id = request.id("mailbox")?;
            // On the heap: in place it is nested deeper than the compiler looks.
            json(StatusCode::OK, &Box::pin(app.check_mailbox(scope, id, now)).await?)
        }
        _ => Err(no_such_route()),
    }
}

/// Keys for programs.
async fn keys(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let now = request.now()?;
    match (request.method().as_str(), request.route().as_str()) {
        ("GET", "/v1/api-keys") => list(&app.api_keys(scope, now).await?),
        // No Idempotency-Key: the answer holds a secret, and is remembered nowhere.
        ("POST", "/v1/api-keys") => json(StatusCode::OK, &app.make_api_key(scope, request.json()?, now).await?),
        ("DELETE", "/v1/api-keys/{id}") => {
            app.end_api_key(scope, request.id("key")?, now).await?;
            no_content()
        }
        _ => Err(no_such_route()),
    }
}

/// Endpoints for events.
async fn webhooks(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let now = request.now()?;
    let (method, route) = (request.method().as_str(), request.route());
    match (method, route.as_str()) {
        ("GET", "/v1/webhooks") => return list(&app.webhooks(scope).await?),
        ("POST", "/v1/webhooks") => {
            return json(StatusCode::OK, &app.register_webhook(scope, request.json()?, now).await?);
        }
        _ => {}
    }
    let id = request.id("webhook")?;
    match (method, route.as_str()) {
        ("PATCH", "/v1/webhooks/{id}") => {
            json(StatusCode::OK, &app.change_webhook(scope, id, request.json()?, now).await?)
        }
        ("DELETE", "/v1/webhooks/{id}") => {
            app.delete_webhook(scope, id, now).await?;
            no_content()
        }
        ("POST", "/v1/webhooks/{id}/secret") => json(StatusCode::OK, &app.rotate_webhook_secret(scope, id, now).await?),
        ("POST", "/v1/webhooks/{id}/test") => json(StatusCode::ACCEPTED, &app.test_webhook(scope, id, now).await?),
        ("GET", "/v1/webhooks/{id}/deliveries") => {
            let (after, limit) = (cursor::read(request)?, limit(request)?);
            let (items, next) = app.webhook_deliveries(scope, id, after.as_deref(), limit, now).await?;
            json(StatusCode::OK, &object!({ "items": items, "next_cursor": next.as_deref().map(cursor::write) }))
        }
        ("POST", "/v1/webhooks/{id}/deliveries/{event}/replay") => {
            let event = request.path_param("event").and_then(|event| event.parse().ok());
            let event = event.ok_or_else(|| Failure::not_found("delivery"))?;
            json(StatusCode::ACCEPTED, &app.replay_webhook(scope, id, event, now).await?)
        }
        _ => Err(no_such_route()),
    }
}

/// All of a list that is short enough for one page.
fn list<T: Serialize>(items: &[T]) -> Result<Response, Failure> {
    json(StatusCode::OK, &object!({"items": items, "next_cursor": null}))
}

async fn invite(app: &App, scope: &WorkspaceScope, request: &Request) -> Result<Response, Failure> {
    let invitation = app.invite(scope, request.json()?, request.now()?).await?;
    let mut answer = json(StatusCode::CREATED, &invitation)?;
    let location = HeaderValue::from_str(&format!("/v1/invitations/{}", invitation.id()));
    answer.headers_mut().insert(header::LOCATION, location.map_err(|e| Failure::internal(e.to_string()))?);
    Ok(answer)
}
