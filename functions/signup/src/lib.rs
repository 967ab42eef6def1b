//! Sign-ups and accepted invitations: an address becomes an account once somebody who reads it said so.

use app::{App, Failure};
use edge::http::{Request, Response, json, no_such_route};
use http::StatusCode;
use serde_json::json;

/// Answers a request.
pub async fn handle(app: &App, request: Request) -> Result<Response, Failure> {
    let now = request.now()?;
    match (request.method().as_str(), request.route().as_str()) {
        ("POST", "/v1/signup") => {
            app.sign_up(request.json()?, request.origin().network(), now).await?;
            json(StatusCode::ACCEPTED, &json!({"status": "accepted"}))
        }
        ("POST", "/v1/signup/verify") => {
            json(StatusCode::CREATED, &app.verify_sign_up(request.json()?, request.origin(), now).await?)
        }
        ("POST", "/v1/invitations/accept") => {
            json(StatusCode::CREATED, &app.accept_invitation(request.json()?, request.origin(), now).await?)
        }
        _ => Err(no_such_route()),
    }
}
