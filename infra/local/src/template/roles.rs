//! IAM roles and statements.

use std::time::Duration;

use anyhow::bail;
use serde_json::{Value, json};

use super::intrinsics::Scope;
use super::properties::Properties;
use super::{Effect, Role, Statement, Trust};

/// How long a session lasts at most, unless the role says so.
const LONGEST: Duration = Duration::from_secs(3600);

/// The one language of policies in which `${aws:PrincipalTag/…}` is a variable, and not a text.
const VERSION: &str = "2012-10-17";

/// Whether anybody but a service of AWS may assume a role.
pub(super) fn is_ours(body: &Value) -> bool {
    let statements = &body["Properties"]["AssumeRolePolicyDocument"]["Statement"];
    let one = std::slice::from_ref(statements);
    let mut each = statements.as_array().map_or(one, Vec::as_slice).iter();
    !each
        .all(|statement| statement["Principal"].get("Service").is_some() && statement["Principal"].get("AWS").is_none())
}

/// Reads one `AWS::IAM::Role`.
pub(super) fn read(scope: &Scope, id: &str, arn: String, body: &Value) -> anyhow::Result<Role> {
    let known = ["AssumeRolePolicyDocument", "Description", "MaxSessionDuration", "Policies", "RoleName", "Tags"];
    let properties = Properties::new(id, scope.resolve(&body["Properties"])?, &known)?;
    let trust = document(&properties.at("AssumeRolePolicyDocument"), properties.get("AssumeRolePolicyDocument"))?;
    let mut all = Vec::new();
    for policy in properties.list("Policies") {
        let policy = Properties::new(&properties.at("Policies"), policy, &["PolicyName", "PolicyDocument"])?;
        all.extend(statements(id, &document(&policy.at("PolicyDocument"), policy.get("PolicyDocument"))?)?);
    }
    let each = trust.as_array().into_iter().flatten();
    Ok(Role {
        logical_id: id.to_owned(),
        arn,
        longest: properties.seconds("MaxSessionDuration")?.unwrap_or(LONGEST),
        trust: each.map(|body| trusted(id, body)).collect::<anyhow::Result<_>>()?,
        statements: all,
    })
}

/// The statements of a policy document.
fn document(at: &str, value: Option<&Value>) -> anyhow::Result<Value> {
    let document = Properties::new(at, value.cloned().unwrap_or_default(), &["Version", "Statement"])?;
    if document.text("Version")?.as_deref() != Some(VERSION) {
        bail!("{at} is not of Version {VERSION}: it would know no variables");
    }
    Ok(document.list("Statement").into())
}

fn trusted(id: &str, body: &Value) -> anyhow::Result<Trust> {
    let mut body = body.clone();
    let principal = body.as_object_mut().and_then(|body| body.remove("Principal")).unwrap_or_default();
    let principal = Properties::new(&format!("{id}.Principal"), principal, &["AWS", "Service"])?;
    body["Resource"] = json!("*");
    Ok(Trust { principals: principal.texts("AWS")?, statement: statement(id, &body)? })
}

/// Reads `Statement`: one, or a list.
pub(super) fn statements(id: &str, value: &Value) -> anyhow::Result<Vec<Statement>> {
    let one = std::slice::from_ref(value);
    let list = value.as_array().map_or(one, Vec::as_slice);
    list.iter().map(|body| statement(id, body)).collect()
}

fn statement(id: &str, body: &Value) -> anyhow::Result<Statement> {
    let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
    let sid = body["Sid"].as_str().unwrap_or_default().to_owned();
    let properties = Properties::new(&format!("{id}.Policies.{sid}"), body.clone(), &known)?;
    let effect = match properties.need("Effect")?.as_str() {
        "Allow" => Effect::Allow,
        "Deny" => Effect::Deny,
        other => bail!("{}: {other}", properties.at("Effect")),
    };
    let statement = Statement {
        sid,
        effect,
        actions: properties.texts("Action")?,
        resources: properties.texts("Resource")?,
        condition: properties.get("Condition").cloned().unwrap_or(Value::Null),
    };
    if statement.actions.is_empty() || statement.resources.is_empty() {
        bail!("{} names no action or no resource", properties.at("Action"));
    }
    Ok(statement)
}
