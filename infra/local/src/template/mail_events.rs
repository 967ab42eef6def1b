//! The way of an SES event to a queue: event destination → SNS or EventBridge → SQS.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::intrinsics::{self, Scope};
use super::properties::Properties;
use super::{Envelope, MailEvents};

/// Follows an SES event destination through SNS or EventBridge to its queues.
pub(super) fn read(scope: &Scope, id: &str, properties: Value) -> anyhow::Result<Vec<MailEvents>> {
    let properties = Properties::new(id, properties, &["ConfigurationSetName", "EventDestination"])?;
    let known = ["Enabled", "EventBridgeDestination", "MatchingEventTypes", "Name", "SnsDestination"];
    let destination =
        properties.nested("EventDestination", &known)?.with_context(|| format!("{id} has no EventDestination"))?;
    if destination.flag("Enabled")? == Some(false) {
        return Ok(Vec::new());
    }
    let mut targets: Vec<(String, Envelope)> = Vec::new();
    let topic = destination.nested("SnsDestination", &["TopicARN"])?.map(|sns| sns.need("TopicARN")).transpose()?;
    for (other, kind, body) in scope.resources()? {
        let value = || scope.resolve(&body["Properties"]).with_context(|| other.to_owned());
        match (kind, &topic) {
            ("AWS::SNS::Subscription", Some(topic)) => {
                let value = value()?;
                if value["TopicArn"].as_str() == Some(topic) && value["Protocol"] == "sqs" {
                    targets.push(subscription(&value)?);
                }
            }
            ("AWS::Events::Rule", None) => {
                let value = value()?;
                if value["EventPattern"]["source"].as_array().is_some_and(|sources| sources.contains(&json!("aws.ses")))
                {
                    for target in value["Targets"].as_array().into_iter().flatten() {
                        let envelope = match target["InputPath"].as_str() {
                            None => Envelope::EventBridge,
                            Some("$.detail") => Envelope::Raw,
                            Some(path) => bail!("{other}: InputPath {path} is not understood by the local runner"),
                        };
                        targets.push((intrinsics::text(&target["Arn"])?, envelope));
                    }
                }
            }
            _ => {}
        }
    }
    if targets.is_empty() {
        bail!("{id}: its events reach no queue");
    }
    let configuration_set = properties.need("ConfigurationSetName")?;
    let types = destination.texts("MatchingEventTypes")?;
    let event = |(queue_arn, envelope)| MailEvents {
        configuration_set: configuration_set.clone(),
        types: types.clone(),
        queue_arn,
        envelope,
    };
    Ok(targets.into_iter().map(event).collect())
}

pub(super) fn subscription(value: &Value) -> anyhow::Result<(String, Envelope)> {
    let raw = value.get("RawMessageDelivery").map(intrinsics::text).transpose()?.as_deref() == Some("true");
    Ok((intrinsics::text(&value["Endpoint"])?, if raw { Envelope::Raw } else { Envelope::Sns }))
}
