//! Personal data stays in the European Union (A21).

use serde_json::Value;

use super::template::{Template, each};
use super::{clean, notices};

/// AWS's regions in member states: not London, not Zurich.
const UNION: [&str; 6] = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3"];

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    let assertions = template.document["Rules"]
        .as_object()
        .into_iter()
        .flatten()
        // A rule with a condition does not always hold.
        .filter(|(_, rule)| rule["RuleCondition"].is_null())
        .map(|(_, rule)| &rule["Assertions"]);
    let region = Value::Object(serde_json::Map::from_iter([("Ref".to_owned(), "AWS::Region".into())]));
    let allowed = assertions
        .flat_map(each)
        .map(|assertion| &assertion["Assert"]["Fn::Contains"])
        .find(|contains| contains[1] == region);
    let mapped = template.document["Mappings"]["Place"].as_object();
    match (allowed, mapped) {
        (Some(allowed), Some(mapped)) => {
            let ruled = each(&allowed[0]).filter_map(Value::as_str);
            findings.extend(
                ruled
                    .chain(mapped.keys().map(String::as_str))
                    .filter(|name| !UNION.contains(name))
                    .map(|name| format!("{name} is not in the European Union")),
            );
        }
        _ => findings.push("no rule and no mapping refuse a region".to_owned()),
    }
    if !template.document["Resources"].to_string().contains(r#"{"Fn::FindInMap":["Place",{"Ref":"AWS::Region"}"#) {
        findings.push("no resource reads the mapping, so it refuses nothing".to_owned());
    }
    let outside = ["us-", "ap-", "eu-west-2", "eu-central-2", "ca-", "sa-", "me-", "af-", "il-", "mx-"];
    let text = template.document.to_string();
    let named = outside
        .into_iter()
        .filter(|prefix| text.contains(&format!("\"{prefix}")) || text.contains(&format!(":{prefix}")));
    findings.extend(named.map(|prefix| format!("a region outside the European Union is named: {prefix}")));
    findings
}

#[test]
fn a21_a_region_outside_the_union_is_refused() {
    clean(check(&Template::load()));
}

#[test]
fn a21_a_gap_in_the_refusal_is_noticed() {
    notices(check, "[eu-central-1, ", "[us-east-1, ", "us-east-1 is not in the European Union");
    notices(check, "    eu-north-1: {", "    eu-west-2: {", "eu-west-2 is not in the European Union");
    notices(check, "- !Ref AWS::Region", "- eu-west-3", "no rule");
    notices(check, "!FindInMap [Place, !Ref AWS::Region, Name]", "Paris", "no resource reads the mapping");
    notices(check, "arn:aws:ses:${AWS::Region}:", "arn:aws:ses:us-east-1:", "named: us-");
}
