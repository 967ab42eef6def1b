//! The resources that the runner plays.

use anyhow::{Context as _, bail};

use super::intrinsics::{self, Scope};
use super::names::{attribute, key_id, reference};
use super::{EventSource, Key, Template, functions, mail_events, receipt, roles, stores};

/// Resources that would be a second way to wire what the runner only reads in one.
const UNPLAYED: [&str; 9] = [
    "AWS::ApiGatewayV2::Route",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Pipes::Pipe",
    "AWS::Scheduler::Schedule",
    "AWS::Serverless::Api",
    "AWS::Serverless::SimpleTable",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::StateMachine",
];

/// Reads every resource; those without a local part are still resolved, so that a dangling
/// reference fails here and not in a deployment.
pub(super) fn read(scope: &Scope) -> anyhow::Result<Template> {
    let mut template = Template::default();
    for (id, kind, body) in scope.resources()? {
        let properties = || scope.resolve(&body["Properties"]).with_context(|| id.to_owned());
        let arn = || attribute(scope, id, "Arn");
        match kind {
            "AWS::Serverless::Function" => {
                let function = functions::read(scope, id, reference(scope, id)?, arn()?, body)?;
                template.functions.push(function);
            }
            // What a service of AWS assumes, nobody here does.
            "AWS::IAM::Role" if !roles::is_ours(body) => drop(properties()?),
            "AWS::IAM::Role" => template.roles.push(roles::read(scope, id, arn()?, body)?),
            "AWS::DynamoDB::Table" => {
                template.tables.push(stores::table(id, reference(scope, id)?, arn()?, properties()?)?);
            }
            "AWS::SQS::Queue" => template.queues.push(stores::queue(id, scope, properties()?)?),
            "AWS::S3::Bucket" => {
                template.buckets.push(stores::bucket(id, reference(scope, id)?, arn()?, properties()?)?);
            }
            "AWS::SecretsManager::Secret" => {
                template.secrets.push(stores::secret(scope, id, properties()?)?);
            }
            "AWS::KMS::Key" => {
                let key = Key {
                    logical_id: id.to_owned(),
                    id: reference(scope, id)?,
                    arn: arn()?,
                    aliases: aliases(scope, id)?,
                };
                template.keys.push(key);
            }
            "AWS::SES::ConfigurationSetEventDestination" => {
                template.mail_events.extend(mail_events::read(scope, id, properties()?)?);
            }
            "AWS::SES::ReceiptRule" => template.receipts.extend(receipt::read(scope, id, properties()?)?),
            "AWS::Serverless::HttpApi" if body["Properties"].get("DefinitionBody").is_some() => {
                bail!("{id}.DefinitionBody: routes are read from the functions' events")
            }
            "AWS::Events::Rule" if body["Properties"].get("ScheduleExpression").is_some() => {
                bail!("{id}: schedules are read from the functions' events")
            }
            unplayed if UNPLAYED.contains(&unplayed) => {
                bail!("{id}: {unplayed} is not understood by the local runner")
            }
            _ => drop(properties()?),
        }
    }
    for (name, output) in scope.document["Outputs"].as_object().into_iter().flatten() {
        let holds = output["Condition"].as_str().map_or(Ok(true), |condition| scope.condition(condition))?;
        if holds {
            let value = scope.resolve(&output["Value"]).with_context(|| format!("output {name}"))?;
            template.outputs.insert(name.clone(), intrinsics::text(&value)?);
        }
    }
    agree(&template)?;
    Ok(template)
}

/// Queues that are pointed to must exist, and binaries must be distinct.
fn agree(template: &Template) -> anyhow::Result<()> {
    let known = |arn: &str| template.queue(arn).with_context(|| format!("{arn} is no queue of the template"));
    for queue in &template.queues {
        queue.dead_letter.as_deref().map(known).transpose().with_context(|| queue.logical_id.clone())?;
    }
    for notification in template.buckets.iter().flat_map(|bucket| &bucket.notifications) {
        known(&notification.queue_arn).context("a bucket's notification")?;
    }
    let mut binaries: Vec<&str> = Vec::new();
    for function in &template.functions {
        if binaries.contains(&function.binary.as_str()) {
            bail!("{}: another function runs the binary {} too", function.logical_id, function.binary);
        }
        binaries.push(&function.binary);
        for event in &function.events {
            if let EventSource::Sqs { queue_arn, .. } = event {
                known(queue_arn).with_context(|| function.logical_id.clone())?;
            }
        }
    }
    Ok(())
}

fn aliases(scope: &Scope, key: &str) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for (id, kind, body) in scope.resources()? {
        if kind == "AWS::KMS::Alias" {
            let alias = scope.resolve(&body["Properties"]).with_context(|| id.to_owned())?;
            let target = alias["TargetKeyId"].as_str().unwrap_or_default();
            if target == key_id(key) || target == attribute(scope, key, "Arn")? {
                names.push(intrinsics::text(&alias["AliasName"])?);
            }
        }
    }
    Ok(names)
}
