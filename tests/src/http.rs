//! Requests and answers, with failures that say what was asked and what came back.

use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// What came back.
#[derive(Clone)]
pub struct Answer {
    asked: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// What was asked: method and address.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// Itself, if the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        self
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{}: {e}: {}", self.asked, self.text()))
    }

    /// A header as text; empty when there is none.
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    /// The body, if this is a problem (RFC 9457) of that status and name.
    #[track_caller]
    pub fn problem(&self, status: u16, slug: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}: {}", self.asked, self.text());
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{}: {problem}", self.asked);
        assert_eq!(problem["status"], status, "{}: {problem}", self.asked);
        for field in ["title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{}: no {field}", self.asked);
        }
        problem
    }

    /// The names of the fields a problem complains about.
    pub fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
    }
}

/// Somebody on the internet: no cookies, no redirects followed.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    /// Somebody who talks to the product at `base`.
    pub fn new(base: &str) -> Client {
        Client::build(base, None)
    }

    /// Somebody in another network than everybody else.
    pub fn elsewhere(base: &str, address: [u8; 4]) -> Client {
        Client::build(base, Some(address.into()))
    }

    fn build(base: &str, local: Option<std::net::IpAddr>) -> Client {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60))
            .local_address(local)
            .build()
            .expect("a client without TLS can always be built");
        Client { http, base: base.to_owned() }
    }

    /// A request to a path of the product, or to a whole address.
    pub fn request(&self, method: Method, path: &str) -> Asked {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        Asked { asked: format!("{method} {path}"), builder: self.http.request(method, url) }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path).json(&body).send().await
    }
}

/// A request that is being put together.
pub struct Asked {
    asked: String,
    builder: reqwest::RequestBuilder,
}

impl Asked {
    /// Adds a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Asked {
        Asked { builder: self.builder.header(name, value), ..self }
    }

    /// With an access token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Asked {
        Asked { builder: self.builder.bearer_auth(token), ..self }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Asked {
        Asked { builder: self.builder.json(body), ..self }
    }

    /// With these bytes.
    #[must_use]
    pub fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Asked {
        Asked { builder: self.builder.header("content-type", content_type).body(body.into()), ..self }
    }

    /// With these bytes, and no word on what they are.
    #[must_use]
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Asked {
        Asked { builder: self.builder.body(body.into()), ..self }
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        let asked = self.asked;
        let response = self.builder.send().await.unwrap_or_else(|error| panic!("{asked}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{asked}: {error}")).to_vec();
        Answer { asked, status, headers, body }
    }
}
