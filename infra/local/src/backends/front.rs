//! What every emulated service shares: a loopback listener, who calls, and how an answer is written.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::calls::{Call, Calls, Passed, Side};
use crate::iam::Iam;

/// The access key of whoever operates the stack by hand (`aws --endpoint-url …`) and of tests: it may do anything.
pub const OPERATOR: &str = "operator";

/// The secret that signs for every access key of the local stack.
pub const SECRET: &str = "local";

/// What a service does with a request: answer it, or cut the connection as a broken network would.
pub(crate) enum Reply {
    /// An ordinary answer.
    Answer(Response<Bytes>),
    /// No answer: the client sees the connection reset.
    HangUp,
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Self {
        Self::Answer(response)
    }
}

/// One emulated AWS service.
pub(crate) trait Service: Send + Sync + 'static {
    /// The largest request body it reads, in bytes; a longer one is answered 413.
    const MAX_BODY: usize;

    /// Answers one request.
    fn call(&self, request: Request<Bytes>) -> impl Future<Output = Reply> + Send;

    /// What it answers when it is overloaded.
    fn overloaded(&self, operation: &str, request: &[u8]) -> Response<Bytes> {
        let _ = (operation, request);
        error(StatusCode::BAD_REQUEST, "ThrottlingException", "Rate exceeded")
    }
}

/// Who looks at the calls of a service.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) service: &'static str,
    pub(crate) calls: Calls,
    pub(crate) iam: Iam,
}

/// A listener on a free port of 127.0.0.1. It stops when dropped.
#[derive(Debug)]
pub(crate) struct Listener {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Listener {
    /// Serves `service` on a free loopback port.
    pub(crate) async fn start<S: Service>(service: Arc<S>, watch: Watch) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => {
                        tokio::spawn(converse(stream, peer.port(), Arc::clone(&service), watch.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "could not accept a connection");
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                }
            }
        });
        Ok(Self { address, task })
    }

    /// A listener whose accept loop is somebody else's task.
    pub(crate) fn around(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self { address, task }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn converse<S: Service>(stream: TcpStream, port: u16, service: Arc<S>, watch: Watch) {
    stream.set_nodelay(true).ok();
    let answer = service_fn(move |request: Request<Incoming>| {
        let (service, watch) = (Arc::clone(&service), watch.clone());
        async move { respond(request, port, &*service, &watch).await }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "connection ended early");
    }
}

/// An error here makes hyper close the socket without a word: that is how [`Reply::HangUp`] reaches the client.
async fn respond<S: Service>(
    request: Request<Incoming>,
    port: u16,
    service: &S,
    watch: &Watch,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (parts, body) = request.into_parts();
    let body = match Limited::new(body, S::MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return Ok(error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "The request is too large.")
                .map(Full::new));
        }
    };
    let request = Request::from_parts(parts, body);
    let reply = match watch.calls.watched() {
        Some(_) => watched(request, port, service, watch).await,
        None => service.call(request).await,
    };
    match reply {
        Reply::Answer(response) => Ok(response.map(Full::new)),
        Reply::HangUp => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
    }
}

/// What is said to a function that has a permission, and is denied what it asks for all the same.
pub(super) const NOT_NOW: &str = "Denied by request, for a test.";

/// Carries a call out as far as whoever looks at it lets it pass.
async fn watched<S: Service>(request: Request<Bytes>, port: u16, service: &S, watch: &Watch) -> Reply {
    let function = caller(request.headers(), request.uri()).map(|caller| watch.iam.function_of(&caller));
    let function = function.unwrap_or_default();
    let operation = match target(request.headers()) {
        Some(operation) => operation.to_owned(),
        None => format!("{} {}", request.method(), request.uri().path()),
    };
    let (sent, number) = (request.body().clone(), watch.calls.number());
    let call = |side| Call {
        number,
        function: &function,
        port: Some(port),
        service: watch.service,
        operation: &operation,
        request: &sent,
        side,
        answer: None,
    };
    match watch.calls.pass(&call(Side::Before)).await {
        Passed::On => {}
        Passed::Refused => return service.overloaded(&operation, &sent).into(),
        Passed::Denied => return denied(NOT_NOW).into(),
        Passed::Cut => return Reply::HangUp,
    }
    let reply = service.call(request).await;
    let answer = match &reply {
        Reply::Answer(response) if response.status().is_success() => Some(response.body().clone()),
        _ => None,
    };
    match watch.calls.pass(&Call { answer: answer.as_deref(), ..call(Side::After) }).await {
        Passed::On => reply,
        Passed::Refused | Passed::Denied | Passed::Cut => Reply::HangUp,
    }
}

/// Who signed: the access key in the Authorization header, or in a presigned URL. Of a session's key the token is a
/// part: `key/token`.
pub(crate) fn caller(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let key = access_key(headers, uri)?;
    let in_query = || uri.query()?.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Security-Token="));
    let token = headers.get("x-amz-security-token").and_then(|value| value.to_str().ok()).or_else(in_query);
    Some(match token {
        Some(token) => format!("{key}/{token}"),
        None => key,
    })
}

fn access_key(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let from_header = headers
        .get(http::header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once("Credential="))
        .map(|(_, credential)| credential);
    let from_query = || uri.query()?.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential="));
    let credential = from_header.or_else(from_query)?;
    let key = credential.split(['/', ',']).next()?.split("%2F").next()?.trim();
    (!key.is_empty()).then(|| key.to_owned())
}

/// The operation of a JSON-protocol call: `X-Amz-Target: <service>.<operation>`.
pub(crate) fn target(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit_once('.').map(|(_, operation)| operation)
}

/// A JSON answer of the AWS JSON protocols.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    raw_answer(status, body.to_string().into())
}

/// A JSON answer whose body is already written.
pub(crate) fn raw_answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/x-amz-json-1.0"));
    if let Ok(id) = http::HeaderValue::from_str(&request_id()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// An error of the JSON protocols: `__type` and `message`, and the header that REST JSON services read first.
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    let body = json!({ "__type": code, "message": message });
    let mut response = answer(status, &body);
    if let Ok(value) = http::HeaderValue::from_str(code) {
        response.headers_mut().insert("x-amzn-errortype", value);
    }
    response
}

/// The answer to a call whose caller has no statement for it.
pub(crate) fn denied(message: &str) -> Response<Bytes> {
    error(StatusCode::FORBIDDEN, "AccessDeniedException", message)
}

/// A random request id, in the shape of a UUID.
pub(crate) fn request_id() -> String {
    let bytes: [u8; 16] = rand::random();
    uuid(bytes)
}

/// Sixteen bytes written as a version-4 UUID.
pub(crate) fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caller_is_read_from_header_or_presigned_url() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "/".parse().unwrap();
        assert_eq!(caller(&headers, &uri), None);
        headers.insert(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=fan-out/20260101/eu-west-3/sqs/aws4_request, SignedHeaders=host, Signature=00"
                .parse()
                .unwrap(),
        );
        assert_eq!(caller(&headers, &uri).as_deref(), Some("fan-out"));
        let uri: Uri =
            "/b/k?X-Amz-Credential=imports%2F20260101%2Feu-west-3%2Fs3%2Faws4_request&X-Amz-Date=1".parse().unwrap();
        assert_eq!(caller(&HeaderMap::new(), &uri).as_deref(), Some("imports"));
        let uri: Uri = format!("{uri}&X-Amz-Security-Token=00ff").parse().unwrap();
        assert_eq!(caller(&HeaderMap::new(), &uri).as_deref(), Some("imports/00ff"));
        headers.insert("x-amz-security-token", "ff00".parse().unwrap());
        assert_eq!(caller(&headers, &Uri::from_static("/")).as_deref(), Some("fan-out/ff00"));
    }

    #[test]
    fn ids_look_like_version_four_uuids() {
        let id = uuid([0xff; 16]);
        assert_eq!(id, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
