//! YAML as CloudFormation reads it: `!Sub x` is `{"Fn::Sub": "x"}`.

use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// Parses a document; panics on what is no YAML, with the parser's reason.
pub(super) fn parse(text: &str) -> Value {
    plain(serde_yaml_ng::from_str(text).expect("valid YAML"))
}

fn plain(value: Yaml) -> Value {
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, real) => json!(real),
        },
        Yaml::String(text) => text.into(),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(entries) => entries.into_iter().map(|(key, value)| (key_text(key), plain(value))).collect(),
        Yaml::Tagged(tagged) => {
            let name = match tagged.tag.to_string().trim_start_matches('!') {
                "Ref" => "Ref".to_owned(),
                "Condition" => "Condition".to_owned(),
                function => format!("Fn::{function}"),
            };
            Value::Object(Map::from_iter([(name, plain(tagged.value))]))
        }
    }
}

fn key_text(key: Yaml) -> String {
    match plain(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[test]
fn a_short_form_is_its_long_form() {
    assert_eq!(
        parse("a: !GetAtt Q.Arn\nb: [!Ref X, !Sub '${Y}']"),
        json!({
            "a": {"Fn::GetAtt": "Q.Arn"}, "b": [{"Ref": "X"}, {"Fn::Sub": "${Y}"}]
        })
    );
}
