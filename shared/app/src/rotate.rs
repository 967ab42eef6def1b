//! Secrets get a new version when they are old enough, and reviews that are overdue are said (A53).
//!
//! The rules are infra/policy/security.toml. Whoever signs takes the newest version at its next start; what the older
//! one signed still verifies, by its public half in the table of keys. So nobody has to be told and nothing ends.

use aws_sdk_secretsmanager::{error::ProvideErrorMetadata, primitives::DateTime};
use domain::{
    Timestamp,
    policy::security::{self, Secret},
};
use serde::Serialize;

use crate::{App, Failure, secret::sha256, signing};

/// What a run did, for whoever fired it.
#[derive(Debug, Default, Serialize)]
pub struct RotateReport {
    /// Secrets that have a new version, by their names in the template.
    pub rotated: Vec<&'static str>,
    /// Reviews that are overdue, by their names in the policy.
    pub overdue: Vec<&'static str>,
}

impl App {
    /// Adds a version to each secret that is due at `now`. Two runs at once add one.
    pub async fn rotate(&self, now: Timestamp) -> Result<RotateReport, Failure> {
        let rules = security::current();
        let mut report = RotateReport::default();
        for secret in rules.secrets.iter().filter(|secret| secret.rotate.is_some()) {
            if self.rotate_secret(secret, now).await? {
                tracing::info!(secret = secret.name, "rotated");
                report.rotated.push(&secret.name);
            }
        }
        for review in rules.reviews.iter().filter(|review| review.due() <= now) {
            // An alarm of the template waits for this line.
            tracing::warn!(review = review.id, since = %review.due(), "review overdue");
            report.overdue.push(&review.id);
        }
        Ok(report)
    }

    /// Whether it was due, and nobody else was faster.
    async fn rotate_secret(&self, secret: &Secret, now: Timestamp) -> Result<bool, Failure> {
        let known = self.config.rotated_secrets.get(&secret.name);
        let arn = known.ok_or_else(|| Failure::internal(format!("ROTATED_SECRETS does not name {}", secret.name)))?;
        let held = self.secrets.get_secret_value().secret_id(arn).send().await;
        let held = held.map_err(|error| Failure::unavailable("secrets", error.code()))?;
        let (Some(json), Some(version)) = (held.secret_string(), held.version_id()) else {
            return Err(Failure::internal(format!("{} has no text", secret.name)));
        };
        let made = held.created_date().map(DateTime::secs).and_then(|made| Timestamp::from_second(made).ok());
        if !secret.is_due(made.unwrap_or(Timestamp::MIN), now) {
            return Ok(false);
        }
        // Whoever replaces the same version says the same token, which Secrets Manager takes once.
        let put = self
            .secrets
            .put_secret_value()
            .secret_id(arn)
            .client_request_token(sha256(version.as_bytes()))
            .secret_string(signing::with_next_version(json)?)
            .send()
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ResourceExistsException") => Ok(false),
            Err(error) => Err(Failure::unavailable("secrets", error.code())),
        }
    }
}
