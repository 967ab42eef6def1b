//! YAML with CloudFormation's short forms → JSON with its long forms.

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};
use serde_yaml_ng::Value as Yaml;

/// Parses a template; `!Sub x` becomes `{"Fn::Sub": x}`.
pub(super) fn parse(text: &str) -> anyhow::Result<Value> {
    let document: Yaml = serde_yaml_ng::from_str(text).context("not YAML")?;
    long_forms(document)
}

fn long_forms(yaml: Yaml) -> anyhow::Result<Value> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => number_value(&number)?,
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => items.into_iter().map(long_forms).collect::<anyhow::Result<Vec<_>>>()?.into(),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_text(&key)?, long_forms(value)?);
            }
            Value::Object(object)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!');
            let argument = long_forms(tagged.value)?;
            single(&long_name(name)?, split_attribute(name, argument))
        }
    })
}

fn long_name(short: &str) -> anyhow::Result<String> {
    Ok(match short {
        "Ref" | "Condition" => short.to_owned(),
        "GetAtt" | "Sub" | "If" | "Equals" | "Not" | "And" | "Or" | "Join" | "Select" | "Split" | "FindInMap"
        | "ImportValue" | "Base64" | "GetAZs" | "Cidr" | "Transform" => {
            format!("Fn::{short}")
        }
        other => bail!("unknown tag !{other}"),
    })
}

/// `!GetAtt Queue.Arn` is the one short form whose argument differs from the long form's.
fn split_attribute(name: &str, argument: Value) -> Value {
    match argument {
        Value::String(path) if name == "GetAtt" => match path.split_once('.') {
            Some((resource, attribute)) => Value::from(vec![resource, attribute]),
            None => Value::String(path),
        },
        other => other,
    }
}

fn single(key: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), value)]))
}

fn key_text(key: &Yaml) -> anyhow::Result<String> {
    Ok(match key {
        Yaml::String(text) => text.clone(),
        Yaml::Number(number) => number.to_string(),
        Yaml::Bool(flag) => flag.to_string(),
        other => bail!("a key that is no text: {other:?}"),
    })
}

fn number_value(number: &serde_yaml_ng::Number) -> anyhow::Result<Value> {
    if let Some(whole) = number.as_i64() {
        return Ok(whole.into());
    }
    number.as_f64().map(Value::from).context("a number that JSON cannot hold")
}
