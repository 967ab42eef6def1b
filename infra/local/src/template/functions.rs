//! SAM functions: Globals, environment, policies, events.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::intrinsics::{self, Scope};
use super::properties::Properties;
use super::roles::{self, statements};
use super::{Function, Statement, events, names};

const READ: [&str; 9] = [
    "CodeUri",
    "Environment",
    "Events",
    "FunctionName",
    "MemorySize",
    "Policies",
    "ReservedConcurrentExecutions",
    "Role",
    "Timeout",
];

/// What changes nothing of what a function does on this machine.
const IGNORED: [&str; 16] = [
    "Architectures",
    "AssumeRolePolicyDocument",
    "DeadLetterQueue",
    "Description",
    "EphemeralStorage",
    "EventInvokeConfig",
    "Handler",
    "KmsKeyArn",
    "LoggingConfig",
    "PermissionsBoundary",
    "PropagateTags",
    "RecursiveLoop",
    "Runtime",
    "RuntimeManagementConfig",
    "Tags",
    "Tracing",
];

/// Managed policies that only let a function log and trace.
const LOGGING_POLICIES: [&str; 3] =
    ["AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess"];

/// Reads one `AWS::Serverless::Function`, with `Globals.Function` under it.
pub(super) fn read(scope: &Scope, id: &str, name: String, arn: String, body: &Value) -> anyhow::Result<Function> {
    let globals = scope.resolve(&scope.document["Globals"]["Function"]).context("Globals.Function")?;
    let own = scope.resolve(&body["Properties"]).with_context(|| id.to_owned())?;
    let known: Vec<&str> = READ.iter().chain(&IGNORED).copied().collect();
    let properties = Properties::new(id, merge(globals, own), &known)?;

    let code = properties.need("CodeUri")?;
    let binary = code.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if binary.is_empty() || binary == "." {
        bail!("{id}.CodeUri names no binary: {code}");
    }
    let mut env = BTreeMap::new();
    if let Some(environment) = properties.nested("Environment", &["Variables"])? {
        for (key, value) in environment.entries("Variables")? {
            let value = intrinsics::text(&value).with_context(|| format!("{id}: environment variable {key}"))?;
            env.insert(key, value);
        }
    }
    let mut statements = policies(id, &properties)?;
    let role = match properties.text("Role")? {
        Some(role) => {
            statements.extend(role_statements(scope, id, &role)?);
            role
        }
        None => names::attribute(scope, &format!("{id}Role"), "Arn")?,
    };
    let sources = properties.entries("Events")?;
    let events = sources.iter().map(|(event, body)| events::read(&format!("{id}.{event}"), body));
    Ok(Function {
        logical_id: id.to_owned(),
        name,
        arn,
        binary: binary.to_owned(),
        timeout: properties.seconds("Timeout")?.unwrap_or(Duration::from_secs(3)),
        memory: u32::try_from(properties.number("MemorySize")?.unwrap_or(128))?,
        reserved_concurrency: properties.number("ReservedConcurrentExecutions")?.map(usize::try_from).transpose()?,
        env,
        role,
        statements,
        events: events.collect::<anyhow::Result<_>>()?,
    })
}

/// SAM's rule: maps merge, lists join with the global one first, anything else is overridden.
fn merge(global: Value, own: Value) -> Value {
    match (global, own) {
        (Value::Object(mut global), Value::Object(own)) => {
            for (key, value) in own {
                let merged = match global.remove(&key) {
                    Some(under) => merge(under, value),
                    None => value,
                };
                global.insert(key, merged);
            }
            Value::Object(global)
        }
        (Value::Array(mut global), Value::Array(own)) => {
            global.extend(own);
            Value::Array(global)
        }
        (global, Value::Null) => global,
        (_, own) => own,
    }
}

fn policies(id: &str, properties: &Properties) -> anyhow::Result<Vec<Statement>> {
    let mut all = Vec::new();
    for policy in properties.list("Policies") {
        match policy {
            Value::String(name) => {
                let bare = name.rsplit('/').next().unwrap_or_default();
                if !LOGGING_POLICIES.contains(&bare) {
                    bail!("{id}.Policies: the managed policy {name} is not understood by the local runner");
                }
            }
            Value::Object(object) if object.contains_key("Statement") => {
                all.extend(statements(id, &object["Statement"])?);
            }
            other => bail!("{id}.Policies: write statements out instead of {other}"),
        }
    }
    Ok(all)
}

/// The statements of an `AWS::IAM::Role` of the same template.
fn role_statements(scope: &Scope, id: &str, arn: &str) -> anyhow::Result<Vec<Statement>> {
    for (role, kind, body) in scope.resources()? {
        if kind == "AWS::IAM::Role" && names::attribute(scope, role, "Arn")? == arn {
            return Ok(roles::read(scope, role, arn.to_owned(), body)?.statements);
        }
    }
    bail!("{id}.Role: {arn} is no role of this template")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use serde_json::Map;

    use super::*;

    #[test]
    fn globals_merge_as_sam_merges_them() {
        let global = json!({"Timeout": 5, "Environment": {"Variables": {"A": "1", "B": "2"}}, "Layers": ["x"]});
        let own = json!({"Timeout": 9, "Environment": {"Variables": {"B": "3"}}, "Layers": ["y"]});
        let merged = json!({"Timeout": 9, "Environment": {"Variables": {"A": "1", "B": "3"}}, "Layers": ["x", "y"]});
        assert_eq!(merge(global, own), merged);
        assert_eq!(merge(Value::Null, Value::Object(Map::new())), json!({}));
    }
}
