//! infra/openapi.yaml names every action that an entry of the audit trail can have.

use std::collections::BTreeSet;

use domain::audit::Action;
use serde_json::Value;

use super::openapi;
use super::{clean, read, yaml};

fn check(document: &Value) -> Vec<String> {
    let named = document["components"]["schemas"]["AuditAction"]["enum"].as_array().into_iter().flatten();
    let named: BTreeSet<&str> = named.filter_map(Value::as_str).collect();
    let all: BTreeSet<&str> = Action::ALL.iter().map(|action| action.code()).collect();
    let missing = all.difference(&named).map(|code| format!("AuditAction lacks {code}"));
    missing.chain(named.difference(&all).map(|code| format!("AuditAction: nothing leaves {code}"))).collect()
}

#[test]
fn a9_the_api_names_every_action() {
    clean(check(&openapi::load()));
}

#[test]
fn a9_an_action_that_only_one_of_them_has_is_noticed() {
    let damaged = read("infra/openapi.yaml").replacen("session.opened,", "session.open,", 1);
    let findings = check(&yaml::parse(&damaged));
    assert_eq!(findings, ["AuditAction lacks session.opened", "AuditAction: nothing leaves session.open"]);
}
