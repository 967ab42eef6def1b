//! Sessions, second factors and forgotten passwords.

use app::{App, Failure};
use edge::http::{Request, Response, json, no_content, no_such_route};
use http::StatusCode;
use serde_json::json;

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let (now, origin) = (request.now()?, request.origin());
    match (request.method().as_str(), request.route().as_str()) {
        ("POST", "/v1/session") => json(StatusCode::OK, &app.log_in(request.json()?, origin, now).await?),
        ("DELETE", "/v1/session") => {
            app.log_out(&request.claims(app).await?, origin, now).await?;
            no_content()
        }
        ("GET", "/v1/sessions") => {
            let sessions = app.sessions(&request.scope(app).await?, now).await?;
            json(StatusCode::OK, &json!({"items": sessions, "next_cursor": null}))
        }
        ("DELETE", "/v1/sessions") => {
            app.end_other_sessions(&request.scope(app).await?, now).await?;
            no_content()
        }
        ("DELETE", "/v1/sessions/{id}") => {
            let scope = request.scope(app).await?;
            app.end_own_session(&scope, request.id("session")?, now).await?;
            no_content()
        }
        ("POST", "/v1/second-factor") => {
            let scope = request.scope(app).await?;
            json(StatusCode::OK, &app.set_up_second_factor(&scope, request.json()?, now).await?)
        }
        ("POST", "/v1/second-factor/confirm") => {
            let scope = request.scope(app).await?;
            json(StatusCode::OK, &app.confirm_second_factor(&scope, request.json()?, now).await?)
        }
        ("POST", "/v1/second-factor/disable") => {
            let scope = request.scope(app).await?;
            app.disable_second_factor(&scope, request.json()?, now).await?;
            no_content()
        }
        ("POST", "/v1/session/refresh") => {
            json(StatusCode::OK, &app.refresh_session(request.json()?, origin, now).await?)
        }
        ("POST", "/v1/password/forgot") => {
            app.forgot_password(request.json()?, origin, now).await?;
            json(StatusCode::ACCEPTED, &json!({"status": "accepted"}))
        }
        ("POST", "/v1/password/reset") => {
            app.reset_password(request.json()?, origin, now).await?;
            no_content()
        }
        _ => Err(no_such_route()),
    }
}
