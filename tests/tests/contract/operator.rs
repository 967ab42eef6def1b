//! Nothing deploys without an operator who can be named (A1), and the local one is invented.

use regex::Regex;

use super::template::Template;
use super::{clean, notices, read};

const IDENTITY: [&str; 7] = [
    "OperatorName",
    "OperatorSiren",
    "OperatorAddress",
    "OperatorContact",
    "OperatorPrivacyContact",
    "OperatorAbuseContact",
    "OperatorHost",
];

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    let parameters = &template.document["Parameters"];
    for name in IDENTITY {
        let parameter = &parameters[name];
        let pattern = parameter["AllowedPattern"].as_str().unwrap_or(".*");
        if parameter["Default"].is_string() || ["", " ", "\t"].iter().any(|blank| allows(pattern, blank)) {
            findings.push(format!("{name} may be blank"));
        }
    }
    for (name, parameter) in parameters.as_object().into_iter().flatten() {
        if parameter["Description"].as_str().is_none_or(str::is_empty) {
            findings.push(format!("{name} does not say what it is"));
        }
    }
    findings.extend(local(template));
    findings
}

/// Every parameter without a default has a local value that AWS would take. The runner knows PublicUrl.
fn local(template: &Template) -> Vec<String> {
    let given: toml::Table = read("infra/local/parameters.toml").parse().expect("parameters.toml");
    let parameters = template.document["Parameters"].as_object().expect("Parameters");
    let mut findings = Vec::new();
    for (name, parameter) in parameters.iter().filter(|(name, _)| *name != "PublicUrl") {
        match (given.get(name).and_then(toml::Value::as_str), parameter["AllowedPattern"].as_str()) {
            (None, _) if parameter["Default"].is_null() => {
                findings.push(format!("parameters.toml has no {name}"));
            }
            (Some(value), Some(pattern)) if !allows(pattern, value) => {
                findings.push(format!("parameters.toml: AWS would refuse {name}"));
            }
            _ => {}
        }
    }
    let strays = given.keys().filter(|name| !parameters.contains_key(*name));
    findings.extend(strays.map(|name| format!("parameters.toml: the template has no {name}")));
    findings
}

/// CloudFormation holds the whole value against the pattern.
fn allows(pattern: &str, value: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).expect("a pattern").is_match(value)
}

#[test]
fn a1_a_blank_operator_is_refused() {
    clean(check(&Template::load()));
}

#[test]
fn a1_a_way_to_be_blank_is_noticed() {
    notices(check, "AllowedPattern: '.*\\S.*'", "AllowedPattern: '.*'", "OperatorName may be blank");
    notices(check, "    AllowedPattern: '[0-9]{9}'", "    Default: \"\"", "OperatorSiren may be blank");
    notices(check, "AllowedPattern: '[0-9]{9}'", "AllowedPattern: '[0-9]{14}'", "AWS would refuse OperatorSiren");
    notices(check, "  OperatorName:", "  OperatorsName:", "the template has no OperatorName");
    notices(check, "    Description: Who is woken by an alarm.\n", "", "AlarmEmail does not say");
}
