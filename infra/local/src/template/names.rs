//! What `Ref` and `Fn::GetAtt` give: names, URLs, ARNs.

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use super::intrinsics::{self, Scope};
use super::{ACCOUNT, REGION, SQS_ENDPOINT, STACK};

/// The property that holds a resource's own name.
fn name_property(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "AWS::DynamoDB::Table" => "TableName",
        "AWS::IAM::Role" => "RoleName",
        "AWS::Logs::LogGroup" => "LogGroupName",
        "AWS::S3::Bucket" => "BucketName",
        "AWS::SNS::Topic" => "TopicName",
        "AWS::SQS::Queue" => "QueueName",
        "AWS::SecretsManager::Secret"
        | "AWS::SES::ConfigurationSet"
        | "AWS::Events::EventBus"
        | "AWS::Events::Rule" => "Name",
        "AWS::Serverless::Function" => "FunctionName",
        "AWS::CloudWatch::Alarm" => "AlarmName",
        _ => return None,
    })
}

pub(super) fn name(scope: &Scope, id: &str) -> anyhow::Result<String> {
    let (kind, properties) = scope.resource(id)?;
    let given = name_property(kind).and_then(|property| properties.get(property));
    match given {
        Some(value) => intrinsics::text(&scope.resolve(value)?),
        None if kind == "AWS::S3::Bucket" => Ok(format!("{STACK}-{}", id.to_ascii_lowercase())),
        None => Ok(format!("{STACK}-{id}")),
    }
}

/// What `Ref` gives for a resource.
pub(super) fn reference(scope: &Scope, id: &str) -> anyhow::Result<String> {
    if id == "ServerlessHttpApi" {
        return Ok("local".to_owned());
    }
    let (kind, _) = scope.resource(id)?;
    match kind {
        "AWS::SQS::Queue" => Ok(format!("{SQS_ENDPOINT}/{ACCOUNT}/{}", name(scope, id)?)),
        "AWS::SNS::Topic" | "AWS::SecretsManager::Secret" => attribute(scope, id, "Arn"),
        "AWS::KMS::Key" => Ok(key_id(id)),
        "AWS::Serverless::HttpApi" => Ok("local".to_owned()),
        _ => name(scope, id),
    }
}

/// What `Fn::GetAtt` gives.
pub(super) fn attribute(scope: &Scope, id: &str, attribute: &str) -> anyhow::Result<String> {
    // The role that SAM makes for a function is named after it, and is nowhere in the template.
    if attribute == "Arn"
        && let Some(function) = id.strip_suffix("Role")
        && matches!(scope.resource(function), Ok(("AWS::Serverless::Function", _)))
    {
        return Ok(format!("arn:aws:iam::{ACCOUNT}:role/{STACK}-{id}"));
    }
    let (kind, _) = scope.resource(id)?;
    let regional = |service: &str, rest: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}");
    let name = name(scope, id)?;
    Ok(match (kind, attribute) {
        ("AWS::DynamoDB::Table", "Arn") => regional("dynamodb", &format!("table/{name}")),
        ("AWS::Events::Rule", "Arn") => regional("events", &format!("rule/{name}")),
        ("AWS::IAM::Role", "Arn") => format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        ("AWS::KMS::Key", "Arn") => regional("kms", &format!("key/{}", key_id(id))),
        ("AWS::KMS::Key", "KeyId") => key_id(id),
        ("AWS::Logs::LogGroup", "Arn") => regional("logs", &format!("log-group:{name}:*")),
        ("AWS::S3::Bucket", "Arn") => format!("arn:aws:s3:::{name}"),
        ("AWS::S3::Bucket", "DomainName") => format!("{name}.s3.amazonaws.com"),
        ("AWS::S3::Bucket", "RegionalDomainName") => format!("{name}.s3.{REGION}.amazonaws.com"),
        ("AWS::SNS::Topic", "Arn" | "TopicArn") => regional("sns", &name),
        ("AWS::SNS::Topic", "TopicName") => name,
        ("AWS::SQS::Queue", "Arn") => regional("sqs", &name),
        ("AWS::SQS::Queue", "QueueName") => name,
        ("AWS::SQS::Queue", "QueueUrl") => reference(scope, id)?,
        ("AWS::SecretsManager::Secret", "Arn" | "Id") => regional("secretsmanager", &format!("secret:{name}-local1")),
        ("AWS::Serverless::Function", "Arn") => regional("lambda", &format!("function:{name}")),
        ("AWS::CloudWatch::Alarm", "Arn") => regional("cloudwatch", &format!("alarm:{name}")),
        (
            "AWS::DynamoDB::Table"
            | "AWS::IAM::Role"
            | "AWS::S3::Bucket"
            | "AWS::SQS::Queue"
            | "AWS::Serverless::Function",
            _,
        ) => {
            bail!("{kind} {id} has no attribute {attribute} that the local runner knows")
        }
        (_, "Arn") => regional("local", &name),
        _ => format!("{name}-{}", attribute.to_ascii_lowercase()),
    })
}

/// A stable id in the shape of a KMS key's.
pub(super) fn key_id(id: &str) -> String {
    let hash = hex::encode(Sha256::digest(id.as_bytes()));
    format!("{}-{}-4{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32])
}
