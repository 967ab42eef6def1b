//! Prices, from one dated file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::FunctionUsage;

/// The price list: US dollars, without free tiers and taxes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The region the prices are of.
    pub region: String,
    /// The day they were read, as YYYY-MM-DD.
    pub as_of: String,
    per_million: PerMillion,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PerMillion {
    dynamodb_write_units: f64,
    dynamodb_read_units: f64,
    sqs_requests: f64,
    lambda_requests: f64,
    lambda_gb_seconds_arm64: f64,
    ses_recipients: f64,
    s3_writes: f64,
    s3_reads: f64,
    kms_requests: f64,
    secrets_manager_requests: f64,
}

/// What usage costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Money {
    /// The region of the price list.
    pub region: String,
    /// The day of the price list.
    pub as_of: String,
    /// US dollars by service.
    pub services: BTreeMap<String, f64>,
    /// US dollars in total.
    pub total_usd: f64,
}

impl Prices {
    /// The list in prices.toml, compiled in.
    pub(crate) fn bundled() -> anyhow::Result<Self> {
        Ok(toml::from_str(include_str!("../../prices.toml"))?)
    }

    pub(crate) fn money(&self, totals: &FunctionUsage) -> Money {
        let price = &self.per_million;
        let mut services: BTreeMap<String, f64> = BTreeMap::new();
        let mut add = |service: &str, million: f64| {
            *services.entry(service.to_owned()).or_default() += million / 1e6;
        };
        add("lambda", totals.invocations as f64 * price.lambda_requests);
        add("lambda", totals.gb_seconds * price.lambda_gb_seconds_arm64);
        for (call, usage) in &totals.calls {
            let requests = usage.requests as f64;
            match call.split_once(':') {
                Some(("dynamodb", _)) => add(
                    "dynamodb",
                    usage.read_units * price.dynamodb_read_units + usage.write_units * price.dynamodb_write_units,
                ),
                Some(("sqs", _)) => add("sqs", requests * price.sqs_requests),
                Some(("ses", "SendEmail")) => add("ses", requests * price.ses_recipients),
                Some(("s3", "GetObject" | "HeadObject")) => {
                    add("s3", requests * price.s3_reads);
                }
                // Deletes are free.
                Some(("s3", "DeleteObject" | "DeleteObjects")) => add("s3", 0.0),
                Some(("s3", _)) => add("s3", requests * price.s3_writes),
                Some(("kms", _)) => add("kms", requests * price.kms_requests),
                Some(("secretsmanager", _)) => {
                    add("secretsmanager", requests * price.secrets_manager_requests);
                }
                _ => {}
            }
        }
        let total_usd = services.values().sum();
        Money { region: self.region.clone(), as_of: self.as_of.clone(), services, total_usd }
    }
}
