//! Tables, queues, buckets and secrets.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Map, Value, json};

use super::intrinsics::{self, Scope};
use super::names::{attribute, name, reference};
use super::properties::Properties;
use super::{Bucket, Notification, Queue, Secret, SecretValue, Table};

pub(super) fn table(id: &str, name: String, arn: String, properties: Value) -> anyhow::Result<Table> {
    // What CreateTable takes too, and what is a call of its own or has no meaning here.
    const CREATE: [&str; 6] = [
        "AttributeDefinitions",
        "BillingMode",
        "GlobalSecondaryIndexes",
        "KeySchema",
        "LocalSecondaryIndexes",
        "StreamSpecification",
    ];
    let mut known = CREATE.to_vec();
    known.extend([
        "DeletionProtectionEnabled",
        "OnDemandThroughput",
        "PointInTimeRecoverySpecification",
        "ResourcePolicy",
        "SSESpecification",
        "TableClass",
        "TableName",
        "Tags",
        "TimeToLiveSpecification",
        "WarmThroughput",
    ]);
    let properties = Properties::new(id, properties, &known)?;
    if properties.text("BillingMode")?.as_deref() != Some("PAY_PER_REQUEST") {
        bail!("{id}.BillingMode: the meter's prices are those of PAY_PER_REQUEST");
    }
    let mut create = Map::from_iter([("TableName".to_owned(), json!(name))]);
    for key in CREATE {
        if let Some(value) = properties.get(key) {
            create.insert(key.to_owned(), value.clone());
        }
    }
    let ttl = properties.nested("TimeToLiveSpecification", &["AttributeName", "Enabled"])?;
    let ttl_attribute = match ttl {
        Some(ttl) if ttl.flag("Enabled")?.unwrap_or(false) => Some(ttl.need("AttributeName")?),
        _ => None,
    };
    Ok(Table { name, arn, create: Value::Object(create), ttl_attribute })
}

pub(super) fn queue(id: &str, scope: &Scope, properties: Value) -> anyhow::Result<Queue> {
    let known = [
        "DelaySeconds",
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "QueueName",
        "ReceiveMessageWaitTimeSeconds",
        "RedriveAllowPolicy",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "Tags",
        "VisibilityTimeout",
    ];
    let properties = Properties::new(id, properties, &known)?;
    let redrive = properties.nested("RedrivePolicy", &["deadLetterTargetArn", "maxReceiveCount"])?;
    let (dead_letter, max_receive_count) = match redrive {
        Some(redrive) => (Some(redrive.need("deadLetterTargetArn")?), redrive.number("maxReceiveCount")?),
        None => (None, None),
    };
    let seconds = |key: &str, default: u64| {
        Ok::<_, anyhow::Error>(properties.seconds(key)?.unwrap_or(Duration::from_secs(default)))
    };
    Ok(Queue {
        logical_id: id.to_owned(),
        name: name(scope, id)?,
        arn: attribute(scope, id, "Arn")?,
        url: reference(scope, id)?,
        visibility_timeout: seconds("VisibilityTimeout", 30)?,
        delay: seconds("DelaySeconds", 0)?,
        retention: seconds("MessageRetentionPeriod", 345_600)?,
        max_receive_count: max_receive_count.map(u32::try_from).transpose()?,
        dead_letter,
    })
}

pub(super) fn bucket(id: &str, name: String, arn: String, properties: Value) -> anyhow::Result<Bucket> {
    let known = [
        "AbacStatus",
        "BucketEncryption",
        "BucketName",
        "CorsConfiguration",
        "LifecycleConfiguration",
        "LoggingConfiguration",
        "NotificationConfiguration",
        "ObjectLockEnabled",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    ];
    let properties = Properties::new(id, properties, &known)?;
    let mut notifications = Vec::new();
    if let Some(configuration) = properties.nested("NotificationConfiguration", &["QueueConfigurations"])? {
        for one in configuration.list("QueueConfigurations") {
            notifications.push(notification(&configuration.at("QueueConfigurations"), one)?);
        }
    }
    let key = match properties.nested("BucketEncryption", &["ServerSideEncryptionConfiguration"])? {
        Some(encryption) => {
            encryption.list("ServerSideEncryptionConfiguration").first().and_then(own_key).transpose()?
        }
        None => None,
    };
    Ok(Bucket { name, arn, notifications, key })
}

/// The key of a rule of encryption; `None` for S3's own.
fn own_key(rule: &Value) -> Option<anyhow::Result<String>> {
    let default = &rule["ServerSideEncryptionByDefault"];
    (default["SSEAlgorithm"] != "AES256").then(|| intrinsics::text(&default["KMSMasterKeyID"]))
}

fn notification(owner: &str, value: Value) -> anyhow::Result<Notification> {
    let one = Properties::new(owner, value, &["Event", "Filter", "Queue"])?;
    let event = one.need("Event")?;
    if !event.starts_with("s3:ObjectCreated:") {
        bail!("{owner}: only s3:ObjectCreated events are told, not {event}");
    }
    let (mut prefix, mut suffix) = (String::new(), String::new());
    let rules = match one.nested("Filter", &["S3Key"])? {
        Some(filter) => filter.nested("S3Key", &["Rules"])?.map(|key| key.list("Rules")).unwrap_or_default(),
        None => Vec::new(),
    };
    for rule in rules {
        let value = intrinsics::text(&rule["Value"])?;
        match rule["Name"].as_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "prefix" => prefix = value,
            "suffix" => suffix = value,
            other => bail!("{owner}: a rule is named \"{other}\""),
        }
    }
    Ok(Notification { event, prefix, suffix, queue_arn: one.need("Queue")? })
}

pub(super) fn secret(scope: &Scope, id: &str, properties: Value) -> anyhow::Result<Secret> {
    let known = ["Description", "GenerateSecretString", "KmsKeyId", "Name", "SecretString", "Tags"];
    let properties = Properties::new(id, properties, &known)?;
    let generate = properties.nested(
        "GenerateSecretString",
        &[
            "ExcludeCharacters",
            "ExcludeLowercase",
            "ExcludeNumbers",
            "ExcludePunctuation",
            "ExcludeUppercase",
            "GenerateStringKey",
            "IncludeSpace",
            "PasswordLength",
            "RequireEachIncludedType",
            "SecretStringTemplate",
        ],
    )?;
    let value = match (properties.text("SecretString")?, generate) {
        (Some(literal), None) => SecretValue::Literal(literal),
        (None, Some(generate)) => {
            let mut exclude = generate.text("ExcludeCharacters")?.unwrap_or_default();
            for (flag, characters) in [
                ("ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
                ("ExcludeNumbers", "0123456789"),
                ("ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"),
                ("ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ] {
                if generate.flag(flag)?.unwrap_or(false) {
                    exclude.push_str(characters);
                }
            }
            SecretValue::Generated {
                template: generate.text("SecretStringTemplate")?,
                key: generate.text("GenerateStringKey")?,
                length: usize::try_from(generate.number("PasswordLength")?.unwrap_or(32))?,
                exclude,
            }
        }
        _ => bail!("{id}: either SecretString or GenerateSecretString"),
    };
    Ok(Secret { name: name(scope, id)?, arn: attribute(scope, id, "Arn")?, value })
}
