//! The HTTP API: routes requests to functions, and serves the runner's own pages under `/_local`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::clock::Clock;
use crate::ids::uuid;
use crate::payload::{self, Origin};
use crate::routes::Routes;
use crate::supervisor::{Failure, Supervisor};

/// The largest request of an HTTP API, in bytes.
const MAX_REQUEST: usize = 10 * 1024 * 1024;
/// How long an HTTP API waits for a function.
const INTEGRATION_LIMIT: Duration = Duration::from_secs(30);

/// What a request needs.
pub(crate) struct Gateway {
    pub(crate) routes: Routes,
    pub(crate) supervisor: Supervisor,
    pub(crate) clock: Clock,
    pub(crate) port: u16,
}

/// Serves every path that nothing else does.
pub(crate) fn router(gateway: Gateway) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(gateway))
}

async fn handle(
    State(gateway): State<Arc<Gateway>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_REQUEST).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let request = Request::from_parts(parts, ());
    let Some(matched) = gateway.routes.find(request.method().as_str(), request.uri().path()) else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let origin = Origin { source_ip: peer.ip().to_string(), port: gateway.port, now: gateway.clock.now() };
    let event = payload::event(&request, &body, &matched, &origin);
    let key = matched.route.key();
    let invocation = gateway.supervisor.invoke(&matched.route.binary, &key, event.to_string().into());
    let mut response = match tokio::time::timeout(INTEGRATION_LIMIT, invocation).await {
        Ok(Ok(answer)) => payload::response(&answer)
            .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
        Ok(Err(Failure::Crashed(_) | Failure::Unstartable(_))) => message(StatusCode::BAD_GATEWAY, "Bad Gateway"),
        Ok(Err(Failure::TimedOut(_) | Failure::Stopping)) | Err(_) => {
            message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
        }
        Ok(Err(_)) => message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
    };
    if let Ok(id) = HeaderValue::try_from(uuid()) {
        response.headers_mut().insert("apigw-requestid", id);
    }
    response
}

fn message(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(json!({"message": text}).to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.into_response()
}
