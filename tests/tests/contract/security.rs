//! infra/policy/security.toml, template.yaml and the code agree about secrets, keys and reviews (A53).

use std::collections::BTreeSet;

use domain::policy::security;

use super::{clean, notices, template::Template};

fn check(template: &Template) -> Vec<String> {
    let rules = security::current();
    let mut findings = Vec::new();
    let mut compare = |kind: &str, listed: BTreeSet<&str>| {
        let there: BTreeSet<&str> = template.of_kind(kind).map(|resource| resource.id).collect();
        findings.extend(there.difference(&listed).map(|id| format!("{id} is not in infra/policy/security.toml")));
        findings.extend(listed.difference(&there).map(|id| format!("{id} is in infra/policy/security.toml only")));
    };
    compare("AWS::SecretsManager::Secret", rules.secrets.iter().map(|secret| secret.name.as_str()).collect());
    compare("AWS::KMS::Key", rules.kms.keys.iter().map(String::as_str).collect());
    let rotated: BTreeSet<&str> =
        rules.secrets.iter().filter(|s| s.rotate.is_some()).map(|secret| secret.name.as_str()).collect();
    for function in template.functions() {
        let may_write = function.get("Policies").to_string().contains("secretsmanager:PutSecretValue");
        if may_write != (function.id == "RotateFunction") {
            findings.push(format!("{}: only rotate writes secrets", function.id));
        }
    }
    let rotate = template.resource("RotateFunction").map(|function| function.get("Environment").to_string());
    let rotate = rotate.unwrap_or_default();
    for name in &rotated {
        if !rotate.contains(&format!("{name}=${{{name}}}")) {
            findings.push(format!("{name} is to be rotated, and rotate does not know it"));
        }
    }
    findings
}

#[test]
fn a53_every_secret_and_key_is_replaced_as_the_policy_says() {
    clean(check(&Template::load()));
}

#[test]
fn a53_what_is_forgotten_is_noticed() {
    notices(check, "  StatementSecret: #", "  OtherSecret: #", "OtherSecret is not in infra/policy/security.toml");
    notices(check, "  StatementSecret: #", "  OtherSecret: #", "StatementSecret is in infra/policy/security.toml only");
    notices(check, "  EventsKey: #", "  MailKey: #", "MailKey is not in");
    notices(check, " StatementSecret=${StatementSecret}", "", "StatementSecret is to be rotated");
    notices(
        check,
        "Action: secretsmanager:GetSecretValue",
        "Action: secretsmanager:PutSecretValue",
        "only rotate writes",
    );
}
