//! The certificate of an erasure: what was erased, where and when, signed, and nothing about whom (A40).

use domain::{
    Timestamp,
    id::RequestId,
    policy::retention::{Class, Policy},
    statement::Signed,
};
use serde_json::{Value, json};
use storage::{WorkspaceScope, rights::RightsRequest};

use crate::{App, Failure};

/// What goes when a person is erased, by class of policy.toml.
const ERASED: [Class; 5] =
    [Class::Prospect, Class::Delivery, Class::IdempotencyKey, Class::Upload, Class::ImportReport];

/// Where it was looked for.
const LOOKED_AT: [&str; 5] = ["accounts", "outreach", "prospects", "rights", "uploads_bucket"];

impl App {
    /// The certificate of an erasure that is complete; `None` while a look still found something, or while a
    /// file is being read. The register's clock comes by again.
    pub(super) async fn certify_erasure(
        &self,
        request: &RightsRequest,
        now: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let mut found = !self.erase_files(request, now).await?;
        for holding in &request.holdings {
            let scope = WorkspaceScope::internal(holding.workspace);
            found |= self.erase_everywhere(&scope, holding, request.person.email(), now).await?;
        }
        if found {
            return Ok(None);
        }
        let signed = self.sign_statement(stated(request, now), now).await?;
        let text = serde_json::to_string(&signed).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(Some(text))
    }

    /// The certificate of a request, for whoever knows its number. `not-found`: there is no such request, it
    /// asked for something else, or the erasure is not complete.
    pub async fn erasure_certificate(&self, id: RequestId, now: Timestamp) -> Result<Signed, Failure> {
        let closed = self.db.closed_request(id).await?.filter(|closed| now.as_second() < closed.ttl);
        let text = closed.and_then(|closed| closed.certificate).ok_or_else(|| Failure::not_found("certificate"))?;
        serde_json::from_str(&text).map_err(|error| Failure::internal(error.to_string()))
    }
}

fn stated(request: &RightsRequest, now: Timestamp) -> Value {
    json!({
        "kind": "erasure",
        "request": request.id,
        "received_at": request.received_at,
        "erased_at": now,
        "policy": Policy::current().fingerprint(),
        "senders": request.holdings.len(),
        "erased": ERASED.map(Class::key),
        "stores": LOOKED_AT,
        // A look after the erasure found none of it.
        "residuals": {},
        // A keyed hash and a date for each Sender, so that no import brings the person back.
        "kept": [Class::Erasure.key()],
    })
}
