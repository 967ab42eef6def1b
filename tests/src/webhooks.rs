//! A Sender's own system, and what it is told.

use local::backends::hooks::Told;
use serde_json::{Value, json};

use crate::{Sender, TestStack};

/// An endpoint that was registered.
pub struct Endpoint {
    /// Its path in the API.
    pub path: String,
    /// What its events are signed with.
    pub secret: String,
    /// The path of its address.
    pub at: String,
}

impl Sender<'_> {
    /// Registers an endpoint at a path of the local one, for these kinds of events.
    pub async fn register(&self, at: &str, events: &[&str]) -> Endpoint {
        let url = self.stack.backends().hooks().url(at);
        let made = self.post("/v1/webhooks", json!({"url": url, "events": events})).await.expect(200).json();
        let secret = made["secret"].as_str().expect("a secret").to_owned();
        self.stack.keep_secret(&secret);
        Endpoint { path: format!("/v1/webhooks/{}", made["id"].as_str().expect("an id")), secret, at: at.to_owned() }
    }

    /// An endpoint as it is now.
    pub async fn endpoint(&self, endpoint: &Endpoint) -> Value {
        let all = self.all("/v1/webhooks").await;
        let id = endpoint.path.rsplit('/').next();
        all.into_iter().find(|webhook| webhook["id"].as_str() == id).expect("the endpoint")
    }

    /// What it was told or will be, newest first.
    pub async fn deliveries(&self, endpoint: &Endpoint) -> Vec<Value> {
        self.all(&format!("{}/deliveries", endpoint.path)).await
    }
}

impl TestStack {
    /// What an endpoint was told so far, oldest first; each must be signed by its secret.
    #[track_caller]
    pub fn told(&self, endpoint: &Endpoint) -> Vec<Told> {
        let told: Vec<Told> =
            self.backends().hooks().told().into_iter().filter(|told| told.path == endpoint.at).collect();
        for one in &told {
            let second = one.timestamp.parse().expect("a second");
            let expected = domain::webhook::signature(&endpoint.secret, &one.id, second, &one.body);
            assert!(one.signature.split(' ').any(|signed| Some(signed) == expected.as_deref()), "{one:?}");
        }
        told
    }
}
