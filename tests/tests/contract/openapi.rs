//! infra/openapi.yaml keeps its own conventions.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::Route;
use super::{clean, read, yaml};

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// The parsed document.
pub(super) fn load() -> Value {
    yaml::parse(&read("infra/openapi.yaml"))
}

/// Every operation.
pub(super) fn routes(document: &Value) -> Vec<Route> {
    operations(document).map(|(route, _)| route).collect()
}

/// Every operation that needs a session.
pub(super) fn guarded(document: &Value) -> Vec<Route> {
    operations(document).filter(|(_, operation)| !is_public(operation)).map(|(route, _)| route).collect()
}

fn is_public(operation: &Value) -> bool {
    operation["security"] == Value::Array(Vec::new())
}

fn operations(document: &Value) -> impl Iterator<Item = (Route, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.iter().filter_map(move |method| {
            let operation = item.get(*method)?;
            Some((Route { path: path.clone(), method: method.to_uppercase() }, operation))
        })
    })
}

fn check(document: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut ids = BTreeSet::new();
    for (Route { path, method }, operation) in operations(document) {
        let mut need = |holds: bool, what: &str| {
            if !holds {
                findings.push(format!("{method} {path} {what}"));
            }
        };
        need(operation["operationId"].as_str().is_some_and(|id| ids.insert(id)), "needs an operationId of its own");
        need(operation["summary"].is_string(), "needs a summary");
        need(operation["responses"].get("default").is_some(), "does not say what an error looks like");
        let public = is_public(operation);
        let open = [
            "/u/",
            "/c/",
            "/o/",
            "/consent/",
            "/legal/",
            "/trust",
            "/abuse",
            "/rights",
            "/healthz",
            "/v1/signup",
            "/v1/password/",
            "/v1/invitations/accept",
        ]
        .iter()
        .any(|head| path.starts_with(head));
        let login = path == "/v1/session/refresh" || (path == "/v1/session" && method == "POST");
        need(public == (open || login), "has the wrong security");
        // A key belongs to a workspace; before there is one, a token that works once does the same.
        let created = operation["responses"].get("201").is_some() && !public;
        let parameters = operation["parameters"].to_string();
        need(!created || parameters.contains("/IdempotencyKey"), "creates without an Idempotency-Key");
        let body = follow(document, &operation["requestBody"]);
        if let Some(schema) = body["content"].get("application/json").map(|content| &content["schema"]) {
            strict(document, schema, &format!("{method} {path}"), &mut findings);
        }
    }
    references(document, document, &mut findings);
    findings
}

/// Requests refuse what is not listed (A3, A64), however deep.
fn strict(document: &Value, schema: &Value, at: &str, findings: &mut Vec<String>) {
    let schema = follow(document, schema);
    if schema["type"] == "object" && schema["additionalProperties"] != Value::Bool(false) {
        findings.push(format!("{at} takes fields that are not listed"));
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        strict(document, inner, &format!("{at}.{name}"), findings);
    }
    for choice in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        strict(document, choice, at, findings);
    }
    if schema["items"].is_object() {
        strict(document, &schema["items"], at, findings);
    }
}

fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#'))) {
        Some(found) => follow(document, found),
        None => value,
    }
}

fn references(document: &Value, value: &Value, findings: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            if let Some(reference) = object.get("$ref").and_then(Value::as_str)
                && document.pointer(reference.trim_start_matches('#')).is_none()
            {
                findings.push(format!("there is no {reference}"));
            }
            object.values().for_each(|inner| references(document, inner, findings));
        }
        Value::Array(items) => items.iter().for_each(|inner| references(document, inner, findings)),
        _ => {}
    }
}

#[test]
fn a3_a64_requests_take_only_what_is_listed() {
    clean(check(&load()));
}

#[test]
fn a_broken_convention_is_noticed() {
    let finds = |old: &str, new: &str, expected: &str| {
        let text = read("infra/openapi.yaml");
        assert!(text.contains(old), "openapi.yaml no longer says {old:?}");
        let findings = check(&yaml::parse(&text.replacen(old, new, 1)));
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:#?}");
    };
    finds("additionalProperties: false", "additionalProperties: true", "takes fields that are not listed");
    finds("operationId: logIn", "operationId: signUp", "needs an operationId of its own");
    finds("        default: { $ref: \"#/components/responses/Problem\" }\n", "", "what an error looks like");
    finds("      security: []\n", "", "has the wrong security");
    finds("#/components/schemas/Source\"", "#/components/schemas/Sauce\"", "there is no #/components/schemas/Sauce");
    finds(
        "has arrived.\n      parameters: [{ $ref: \"#/components/parameters/IdempotencyKey\" }]",
        "has arrived.",
        "creates without an Idempotency-Key",
    );
}
