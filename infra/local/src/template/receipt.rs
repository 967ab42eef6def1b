//! The way of a mail that comes in: SES receipt rule → S3, and SNS → SQS.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::intrinsics::{self, Scope};
use super::mail_events::subscription;
use super::properties::Properties;
use super::{Envelope, Receipt};

/// Reads a receipt rule; `None` when it is switched off. It has one action: the mail is put into a bucket, and a
/// topic with a queue is told.
pub(super) fn read(scope: &Scope, id: &str, properties: Value) -> anyhow::Result<Option<Receipt>> {
    let properties = Properties::new(id, properties, &["After", "Rule", "RuleSetName"])?;
    let known = ["Actions", "Enabled", "Name", "Recipients", "ScanEnabled", "TlsPolicy"];
    let rule = properties.nested("Rule", &known)?.with_context(|| format!("{id} has no Rule"))?;
    if rule.flag("Enabled")? != Some(true) {
        return Ok(None);
    }
    let [action] = &rule.list("Actions")[..] else { bail!("{id}: the local runner plays one action") };
    let action = Properties::new(id, action.clone(), &["S3Action"])?;
    let known = ["BucketName", "ObjectKeyPrefix", "TopicArn"];
    let action = action.nested("S3Action", &known)?.with_context(|| format!("{id} has no S3Action"))?;
    let (queue_arn, envelope) = told(scope, &action.need("TopicArn")?).with_context(|| id.to_owned())?;
    Ok(Some(Receipt {
        recipients: rule.texts("Recipients")?,
        bucket: action.need("BucketName")?,
        prefix: action.text("ObjectKeyPrefix")?.unwrap_or_default(),
        queue_arn,
        envelope,
    }))
}

/// The queue that a topic tells.
fn told(scope: &Scope, topic: &str) -> anyhow::Result<(String, Envelope)> {
    for (id, kind, body) in scope.resources()? {
        if kind == "AWS::SNS::Subscription" {
            let value = scope.resolve(&body["Properties"]).with_context(|| id.to_owned())?;
            if intrinsics::text(&value["TopicArn"])? == topic && value["Protocol"] == "sqs" {
                return subscription(&value);
            }
        }
    }
    bail!("its topic tells no queue")
}
