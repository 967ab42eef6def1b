//! A misspelt property is dropped in silence by SAM and passed by linters: `FunctionResponseTyp`
//! would make a whole batch fail for one record.
//!
//! fixtures/cfn-properties.json lists the names that AWS documents for the types we use, as deep as
//! we use them: `true` is any value, `[x]` a list, `{"*": x}` names of our own, `"@event"` an event
//! by its `Type`, `"@statement"` an IAM statement.

use serde_json::Value;

use super::template::Template;
use super::{clean, notices, read};

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
];
const RESOURCE: [&str; 7] =
    ["Condition", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdateReplacePolicy"];
const PARAMETER: [&str; 11] = [
    "AllowedPattern",
    "AllowedValues",
    "ConstraintDescription",
    "Default",
    "Description",
    "MaxLength",
    "MaxValue",
    "MinLength",
    "MinValue",
    "NoEcho",
    "Type",
];
const OUTPUT: [&str; 4] = ["Condition", "Description", "Export", "Value"];
const RULE: [&str; 2] = ["Assertions", "RuleCondition"];

pub(super) fn check(template: &Template) -> Vec<String> {
    let known: Value = serde_json::from_str(&read("tests/fixtures/cfn-properties.json")).expect("a JSON fixture");
    let mut findings = Vec::new();
    keys(&template.document, &SECTIONS, "template", &mut findings);
    for (section, names) in
        [("Parameters", &PARAMETER[..]), ("Outputs", &OUTPUT), ("Rules", &RULE), ("Resources", &RESOURCE)]
    {
        for (id, body) in template.document[section].as_object().into_iter().flatten() {
            keys(body, names, id, &mut findings);
        }
    }
    let function = &known["AWS::Serverless::Function"]["properties"];
    walk(&template.document["Globals"]["Function"], function, &known, "Globals.Function", &mut findings);
    for resource in template.resources() {
        match known.get(resource.kind) {
            Some(kind) => walk(&resource.body["Properties"], &kind["properties"], &known, resource.id, &mut findings),
            None => findings.push(format!("{}: {} is not in cfn-properties.json", resource.id, resource.kind)),
        }
    }
    findings
}

fn keys(value: &Value, names: &[&str], at: &str, findings: &mut Vec<String>) {
    for name in value.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !names.contains(&name.as_str()) {
            findings.push(format!("{at}: there is no {name}"));
        }
    }
}

fn walk(value: &Value, schema: &Value, known: &Value, at: &str, findings: &mut Vec<String>) {
    match (value, schema) {
        (Value::Object(object), _) if is_call(object) => {}
        (Value::Object(_), Value::String(named)) => {
            let kind = match named.as_str() {
                "@event" => format!("@event {}", value["Type"].as_str().unwrap_or_default()),
                other => other.to_owned(),
            };
            let part = if named == "@event" { &value["Properties"] } else { value };
            match known.get(&kind) {
                Some(schema) => walk(part, &schema["properties"], known, at, findings),
                None => findings.push(format!("{at}: {kind} is not in cfn-properties.json")),
            }
        }
        (Value::Object(object), Value::Object(names)) => {
            for (name, value) in object {
                match names.get(name).or_else(|| names.get("*")) {
                    Some(schema) => walk(value, schema, known, &format!("{at}.{name}"), findings),
                    None => findings.push(format!("{at}: there is no {name}")),
                }
            }
        }
        (Value::Array(items), Value::Array(one)) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &one[0], known, &format!("{at}[{index}]"), findings);
            }
        }
        (_, Value::Object(_) | Value::Array(_)) if !value.is_null() => {
            findings.push(format!("{at}: {value} has the wrong shape"));
        }
        _ => {}
    }
}

fn is_call(object: &serde_json::Map<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|name| name == "Ref" || name.starts_with("Fn::"))
}

#[test]
fn every_property_exists() {
    clean(check(&Template::load()));
}

#[test]
fn a_misspelt_property_is_noticed_wherever_it_is() {
    notices(check, "FunctionResponseTypes", "FunctionResponseTyp", "there is no FunctionResponseTyp");
    notices(check, "deadLetterTargetArn", "deadLetterTarget", "there is no deadLetterTarget");
    notices(check, "AbortIncompleteMultipartUpload", "AbortMultipartUpload", "there is no AbortMultipartUpload");
    notices(check, "Sid: Accounts", "Sidd: Accounts", "there is no Sidd");
    notices(check, "AllowedPattern", "AlowedPattern", "there is no AlowedPattern");
    notices(check, "RawMessageDelivery", "RawDelivery", "there is no RawDelivery");
    notices(check, "    DeletionPolicy", "    DeletePolicy", "there is no DeletePolicy");
    notices(check, "Handler: bootstrap", "Handle: bootstrap", "there is no Handle");
    notices(check, "Type: AWS::SQS::Queue\n", "Type: AWS::SQS::Quue\n", "AWS::SQS::Quue is not in");
}
