//! A Sender's own system: an HTTPS server on loopback that keeps what it is told.
//!
//! What it answers its path says: `/status/500/…` that status, `/hang/…` nothing for a long time, `/token/WORD/SECONDS` an
//! access token that is good for so long, anything else 204. A test may change that.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::front::Listener;

/// How long a request to `/hang/…` waits for its answer.
const HANGS: Duration = Duration::from_secs(60);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Path and query.
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`.
    pub signature: String,
    /// The body as it came.
    pub body: String,
}

impl Told {
    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// It is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// The system of one stack. Clones share it.
#[derive(Clone)]
pub struct Hooks {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
}

#[derive(Default)]
struct Shared {
    told: Mutex<Vec<Told>>,
    answers: Mutex<BTreeMap<String, u16>>,
}

impl Hooks {
    /// Starts it with a certificate for `localhost`.
    pub(crate) async fn start(acceptor: TlsAcceptor) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::default());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let (address, theirs) = (listener.local_addr()?, Arc::clone(&shared));
        let task = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(converse(stream, acceptor.clone(), Arc::clone(&theirs)));
                }
            }
        });
        Ok(Self { shared, listener: Arc::new(Listener::around(address, task)) })
    }

    /// The address of a path of it: `https://localhost:…/path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.listener.port())
    }

    /// Everything that it was told, oldest first.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.shared.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on a path answers with a status; 0 is no answer at all.
    pub fn answer(&self, path: &str, status: u16) {
        self.shared.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), status);
    }

    /// `GET /_local/hooks`.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/_local/hooks", get(show)).with_state(self.clone())
    }
}

impl Shared {
    /// The status that a path answers with; 0 for none.
    fn status(&self, path: &str) -> u16 {
        let asked = self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(path).copied();
        let said = || path.strip_prefix("/status/")?.split('/').next()?.parse().ok();
        asked.or_else(said).unwrap_or(match path.split('/').nth(1) {
            Some("hang") => 0,
            Some("token") => 200,
            _ => 204,
        })
    }
}

/// The access token that a path `/token/WORD/SECONDS` answers with.
fn token(path: &str) -> Option<String> {
    let (word, seconds) = path.strip_prefix("/token/")?.split_once('/')?;
    let seconds: u64 = seconds.parse().ok()?;
    Some(json!({ "access_token": word, "expires_in": seconds, "token_type": "Bearer" }).to_string())
}

async fn show(State(hooks): State<Hooks>) -> Json<Value> {
    Json(json!({ "url": hooks.url("/"), "told": hooks.told() }))
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let answer = service_fn(move |request: Request<Incoming>| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(request, &shared).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the hooks ended early");
    }
}

async fn answer(request: Request<Incoming>, shared: &Shared) -> Response<Full<Bytes>> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let [id, timestamp, signature] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| header(name).to_owned());
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let status = shared.status(&path);
    let token = token(&path).filter(|_| status == 200);
    let told = Told { path, id, timestamp, signature, body };
    shared.told.lock().unwrap_or_else(PoisonError::into_inner).push(told);
    if status == 0 {
        tokio::time::sleep(HANGS).await;
    }
    let mut answer = Response::new(token.map(Full::from).unwrap_or_default());
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::NO_CONTENT);
    if answer.status().is_redirection() {
        answer
            .headers_mut()
            .insert(http::header::LOCATION, http::HeaderValue::from_static("https://localhost/elsewhere"));
    }
    answer
}
