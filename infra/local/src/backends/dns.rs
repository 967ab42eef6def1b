//! A name server on loopback, so that the check of a Sender's domain is whole without the internet.
//!
//! Of a name that nobody said anything about, everything is in order. A test, or `POST /_local/dns`, says otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use domain::dns::{self, Data, Kind};
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;

use super::front::Listener;

/// What is said of one name: these records, and no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The name.
    pub name: String,
    /// Its texts.
    #[serde(default)]
    pub txt: Vec<String>,
    /// Its mail servers; an empty one takes no mail.
    #[serde(default)]
    pub mx: Vec<String>,
    /// Its addresses.
    #[serde(default)]
    pub a: Vec<std::net::Ipv4Addr>,
    /// The names of an address.
    #[serde(default)]
    pub ptr: Vec<String>,
}

/// The name server of one stack. Clones share it.
#[derive(Clone)]
pub struct Dns {
    zones: Arc<Mutex<BTreeMap<String, Zone>>>,
    listener: Arc<Listener>,
}

impl Dns {
    /// Starts it on a free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let zones = Arc::<Mutex<BTreeMap<String, Zone>>>::default();
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        let (address, theirs) = (socket.local_addr()?, Arc::clone(&zones));
        let task = tokio::spawn(async move {
            let mut bytes = [0; 1_024];
            loop {
                let Ok((length, from)) = socket.recv_from(&mut bytes).await else { continue };
                if let Some(answer) = answer(&bytes[..length], &theirs) {
                    // Whoever asked may be gone.
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { zones, listener: Arc::new(Listener::around(address, task)) })
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.listener.port())
    }

    /// Says what is at a name.
    pub fn set(&self, zone: Zone) {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.insert(zone.name.to_ascii_lowercase(), zone);
    }

    /// `GET`, `POST /_local/dns`.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/_local/dns", get(show).post(say)).with_state(self.clone())
    }
}

async fn show(State(dns): State<Dns>) -> Json<Vec<Zone>> {
    Json(dns.zones.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect())
}

async fn say(State(dns): State<Dns>, Json(zones): Json<Vec<Zone>>) -> Response {
    zones.into_iter().for_each(|zone| dns.set(zone));
    StatusCode::NO_CONTENT.into_response()
}

fn answer(question: &[u8], zones: &Mutex<BTreeMap<String, Zone>>) -> Option<Vec<u8>> {
    let (_, name, kind) = dns::asked(question)?;
    let known = zones.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
    let records = known.map_or_else(|| in_order(&name, kind), |zone| said(&zone, kind));
    dns::answer(question, &records)
}

fn said(zone: &Zone, kind: Kind) -> Vec<Data> {
    match kind {
        Kind::Txt => zone.txt.iter().cloned().map(Data::Txt).collect(),
        Kind::Mx => zone.mx.iter().cloned().map(|host| Data::Mx(10, host)).collect(),
        Kind::A => zone.a.iter().map(|address| Data::Address((*address).into())).collect(),
        Kind::Ptr => zone.ptr.iter().cloned().map(|name| Data::Name(Kind::Ptr, name)).collect(),
        Kind::Cname | Kind::Aaaa => Vec::new(),
    }
}

/// What a domain has that is in order.
fn in_order(name: &str, kind: Kind) -> Vec<Data> {
    let text = if name.starts_with("_dmarc.") {
        "v=DMARC1; p=reject".to_owned()
    } else if name.contains("._domainkey.") {
        format!("v=DKIM1; k=rsa; p={}", "A".repeat(392))
    } else {
        "v=spf1 include:spf.example.com -all".to_owned()
    };
    match kind {
        Kind::Txt => vec![Data::Txt(text)],
        Kind::Mx => vec![Data::Mx(10, "mx.example.com".to_owned())],
        Kind::A => vec![Data::Address(std::net::Ipv4Addr::LOCALHOST.into())],
        Kind::Ptr => vec![Data::Name(Kind::Ptr, "localhost".to_owned())],
        Kind::Cname | Kind::Aaaa => Vec::new(),
    }
}
