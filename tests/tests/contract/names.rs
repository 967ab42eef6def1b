//! A `!Ref`, `!GetAtt`, `!Sub`, `DependsOn` or condition that points to nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::{Template, each};
use super::{clean, notices, read};

const PSEUDO: [&str; 5] = ["AWS::AccountId", "AWS::NoValue", "AWS::Partition", "AWS::Region", "AWS::StackName"];

struct Names<'a> {
    template: &'a Template,
    known: Value,
    findings: Vec<String>,
    used: BTreeSet<String>,
}

pub(super) fn check(template: &Template) -> Vec<String> {
    let known = serde_json::from_str(&read("tests/fixtures/cfn-properties.json")).expect("a JSON fixture");
    let mut names = Names { template, known, findings: Vec::new(), used: BTreeSet::new() };
    for section in ["Globals", "Resources", "Conditions", "Rules", "Outputs"] {
        names.walk(&template.document[section], section);
    }
    for section in ["Resources", "Outputs"] {
        for (id, body) in template.document[section].as_object().into_iter().flatten() {
            if let Some(condition) = body["Condition"].as_str() {
                names.condition(condition, id);
            }
            for other in each(&body["DependsOn"]) {
                names.reference(other.as_str().unwrap_or_default(), id);
            }
        }
    }
    for parameter in template.document["Parameters"].as_object().into_iter().flatten().map(|(name, _)| name) {
        if !names.used.contains(parameter) {
            names.findings.push(format!("Parameters: nothing uses {parameter}"));
        }
    }
    names.findings
}

impl Names<'_> {
    fn walk(&mut self, value: &Value, at: &str) {
        match value {
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| self.walk(item, &format!("{at}[{i}]")));
            }
            Value::Object(object) => {
                for (key, inner) in object {
                    match key.as_str() {
                        "Ref" => self.reference(inner.as_str().unwrap_or_default(), at),
                        "Fn::GetAtt" => match inner.as_str().and_then(|path| path.split_once('.')) {
                            Some((id, attribute)) => self.attribute(id, attribute, at),
                            None => self.findings.push(format!("{at}: GetAtt {inner} names no attribute")),
                        },
                        "Fn::Sub" => self.substitute(inner, at),
                        "Fn::If" => self.condition(inner[0].as_str().unwrap_or_default(), at),
                        "Fn::FindInMap" => self.map(inner[0].as_str().unwrap_or_default(), at),
                        _ => {}
                    }
                    self.walk(inner, &format!("{at}.{key}"));
                }
            }
            _ => {}
        }
    }

    fn reference(&mut self, name: &str, at: &str) {
        self.used.insert(name.to_owned());
        let generated = name.split_once('.').is_some_and(|(id, attribute)| self.has(id, attribute));
        if !(PSEUDO.contains(&name) || generated || self.is_parameter(name) || self.template.resource(name).is_some()) {
            self.findings.push(format!("{at}: there is no {name}"));
        }
    }

    fn attribute(&mut self, id: &str, attribute: &str, at: &str) {
        // SAM makes a role for each function, named after it.
        let function = id.strip_suffix("Role").and_then(|function| self.template.resource(function));
        if attribute == "Arn" && function.is_some_and(|function| function.kind == "AWS::Serverless::Function") {
            return;
        }
        if self.template.resource(id).is_none() {
            self.findings.push(format!("{at}: there is no {id}"));
        } else if !self.has(id, attribute) {
            self.findings.push(format!("{at}: {id} has no attribute {attribute}"));
        }
    }

    fn has(&self, id: &str, attribute: &str) -> bool {
        self.template
            .resource(id)
            .is_some_and(|resource| each(&self.known[resource.kind]["attributes"]).any(|known| known == attribute))
    }

    fn is_parameter(&self, name: &str) -> bool {
        self.template.document["Parameters"].get(name).is_some()
    }

    fn substitute(&mut self, argument: &Value, at: &str) {
        let (text, own) = match argument {
            Value::Array(parts) => (parts[0].as_str(), parts.get(1)),
            other => (other.as_str(), None),
        };
        for name in text.unwrap_or_default().split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
            let given = own.is_some_and(|own| own.get(name).is_some());
            match name.split_once('.') {
                _ if given || name.starts_with('!') => {}
                Some((id, attribute)) => self.attribute(id, attribute, at),
                None => self.reference(name, at),
            }
        }
    }

    fn condition(&mut self, name: &str, at: &str) {
        if self.template.document["Conditions"].get(name).is_none() {
            self.findings.push(format!("{at}: there is no condition {name}"));
        }
    }

    fn map(&mut self, name: &str, at: &str) {
        if self.template.document["Mappings"].get(name).is_none() {
            self.findings.push(format!("{at}: there is no mapping {name}"));
        }
    }
}

#[test]
fn every_name_points_to_something() {
    clean(check(&Template::load()));
}

#[test]
fn a_name_that_points_to_nothing_is_noticed() {
    notices(check, "Queue: !GetAtt SendQueue.Arn", "Queue: !GetAtt SendQuue.Arn", "there is no SendQuue");
    notices(check, "!GetAtt ImportQueue.Arn", "!GetAtt ImportQueue.Arm", "ImportQueue has no attribute Arm");
    notices(check, "!Ref AccountsTable", "!Ref AccountTable", "there is no AccountTable");
    notices(check, "${UploadsBucket.Arn}", "${UploadBucket.Arn}", "there is no UploadBucket");
    notices(check, "!GetAtt ProspectsFunctionRole.Arn", "!GetAtt ProspectRole.Arn", "there is no ProspectRole");
    notices(check, "DependsOn: ImportQueuePolicy", "DependsOn: ImportPolicy", "there is no ImportPolicy");
    notices(check, "Condition: HasDomain", "Condition: HasDomains", "there is no condition HasDomains");
    notices(check, "!FindInMap [Place,", "!FindInMap [Places,", "there is no mapping Places");
    notices(check, "Endpoint: !Ref AlarmEmail", "Endpoint: x@example.com", "nothing uses AlarmEmail");
}
