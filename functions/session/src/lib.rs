//! Sessions and forgotten passwords.

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
