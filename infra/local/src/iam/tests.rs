//! What is allowed, what is refused, and what is remembered of it.

use super::*;
use serde_json::{Value, json};

const TABLE: &str = "arn:aws:dynamodb:eu-west-3:000000000000:table/prospects";

fn iam(statements: &[Value]) -> Iam {
    let statements = statements.iter().map(|json| Statement::new(&read(json)).unwrap()).collect();
    Iam::new(BTreeMap::from([("send".to_owned(), statements)]))
}

fn read(json: &Value) -> template::Statement {
    let many = |value: &Value| match value {
        Value::String(one) => vec![one.clone()],
        other => serde_json::from_value(other.clone()).unwrap_or_default(),
    };
    template::Statement {
        sid: json["Sid"].as_str().unwrap_or_default().to_owned(),
        effect: if json["Effect"] == "Deny" { Effect::Deny } else { Effect::Allow },
        actions: many(&json["Action"]),
        resources: many(&json["Resource"]),
        condition: json["Condition"].clone(),
    }
}

fn keys(keys: &[&str]) -> Context {
    Context::new().with_many("dynamodb:LeadingKeys", keys.iter().copied())
}

#[test]
fn an_action_needs_a_statement_for_its_resource() {
    let iam = iam(&[json!({
        "Sid": "ReadProspects", "Effect": "Allow",
        "Action": ["dynamodb:Query", "dynamodb:Get*"], "Resource": [TABLE, format!("{TABLE}/index/*")],
    })]);
    let none = Context::new();
    let ask = |who, action: &str, resource: &str| iam.authorize(who, action, resource, &none).is_ok();
    assert!(ask(Some("send"), "dynamodb:Query", TABLE));
    assert!(ask(Some("send"), "dynamodb:GetItem", TABLE));
    assert!(ask(Some("send"), "dynamodb:Query", &format!("{TABLE}/index/due")));
    assert!(!ask(Some("send"), "dynamodb:PutItem", TABLE));
    assert!(!ask(Some("send"), "dynamodb:Query", &format!("{TABLE}s")));
    assert!(!ask(Some("import"), "dynamodb:Query", TABLE));
    assert!(!ask(None, "dynamodb:Query", TABLE));
    assert!(ask(Some(OPERATOR), "dynamodb:DeleteTable", TABLE));
    assert_eq!(iam.denied().len(), 4);
    assert_eq!(iam.used().len(), 3);
}

#[test]
fn deny_wins() {
    let iam = iam(&[
        json!({"Sid": "All", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}),
        json!({"Sid": "NoScan", "Effect": "Deny", "Action": "dynamodb:Scan", "Resource": "*"}),
    ]);
    let none = Context::new();
    assert!(iam.authorize(Some("send"), "dynamodb:PutItem", TABLE, &none).is_ok());
    let refusal = iam.authorize(Some("send"), "dynamodb:Scan", TABLE, &none).unwrap_err();
    assert!(refusal.contains("explicit deny"), "{refusal}");
}

#[test]
fn leading_keys_with_null_bind_a_call_to_its_partition() {
    let iam = iam(&[json!({
        "Sid": "OneWorkspace", "Effect": "Allow", "Action": "dynamodb:*", "Resource": TABLE,
        "Condition": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["W#ws_1", "W#ws_1#*"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
    })]);
    let ask = |context: &Context| iam.authorize(Some("send"), "dynamodb:PutItem", TABLE, context).is_ok();
    assert!(ask(&keys(&["W#ws_1#7", "W#ws_1"])));
    assert!(!ask(&keys(&["W#ws_1#7", "W#ws_2#7"])));
    assert!(!ask(&keys(&["W#ws_10#7"])));
    assert!(!ask(&Context::new()), "an absent key must not slip through");
}

#[test]
fn unused_parts_are_listed_until_they_are_used() {
    let iam = iam(&[
        json!({
            "Sid": "Queue", "Effect": "Allow",
            "Action": ["sqs:SendMessage", "sqs:DeleteMessage"], "Resource": "arn:q",
        }),
        json!({"Sid": "Logs", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}),
    ]);
    let none = Context::new();
    iam.authorize(Some("send"), "sqs:SendMessage", "arn:q", &none).unwrap();
    let unused = iam.unused();
    assert_eq!(unused.len(), 1);
    assert_eq!(unused[0].part, "sqs:DeleteMessage");
    iam.authorize(Some("send"), "sqs:DeleteMessage", "arn:q", &none).unwrap();
    assert!(iam.unused().is_empty());
}

#[test]
fn what_cannot_be_enforced_is_refused_at_load() {
    for bad in [
        json!({"Effect": "Allow", "Action": [], "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "s3:*"}),
        json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*",
               "Condition": {"NumericGrob": {"a": "1"}}}),
    ] {
        assert!(Statement::new(&read(&bad)).is_err(), "{bad}");
    }
}
