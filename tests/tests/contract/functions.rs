//! Each function has its folder, size, log group, alarms and, where nobody waits for its answer,
//! a place where failures end up.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::template::{Resource, Template, target};
use super::{clean, notices, root};

/// Days that technical logs are kept (A33).
const LOG_DAYS: i64 = 365;

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = folders(template);
    for function in template.functions() {
        let id = function.id;
        let mut need = |holds: bool, what: &str| {
            if !holds {
                findings.push(format!("{id}: {what}"));
            }
        };
        let name = function.get("FunctionName")["Fn::Sub"].as_str().unwrap_or_default();
        need(name == format!("${{AWS::StackName}}-{}", function.binary()), "is not named like its folder");
        need(template.setting(function, "Runtime") == "provided.al2023", "does not run on provided.al2023");
        need(*template.setting(function, "Architectures") == json!(["arm64"]), "is not built for arm64");
        need(function.get("MemorySize").is_i64(), "has no MemorySize of its own");
        need(function.get("Timeout").is_i64(), "has no Timeout of its own");
        need(
            function.routes().next().is_none() || function.get("Timeout").as_i64() <= Some(29),
            "takes longer than an HTTP API waits (30 s)",
        );
        need(keeps_logs(template, function), "has no log group that keeps its logs for 365 days");
        for metric in ["Errors", "Throttles"] {
            need(has_alarm(template, metric, id), &format!("has no alarm on {metric}"));
        }
        for (name, kind, event) in function.events() {
            if kind.starts_with("Schedule") {
                need(
                    is_queue(template, &event["DeadLetterConfig"]["Arn"]),
                    &format!("{name} has no dead-letter queue"),
                );
                let failed = &function.get("EventInvokeConfig")["DestinationConfig"]["OnFailure"]["Destination"];
                need(is_queue(template, failed), "has no OnFailure destination, and nobody waits for its answer");
            }
        }
    }
    for group in template.of_kind("AWS::Logs::LogGroup") {
        if group.get("RetentionInDays").as_i64() != Some(LOG_DAYS) {
            findings.push(format!("{}: does not keep logs for {LOG_DAYS} days", group.id));
        }
    }
    for alarm in template.of_kind("AWS::CloudWatch::Alarm") {
        if !alarm.get("AlarmActions").as_array().is_some_and(|to| to.iter().any(|to| target(to) == Some("AlarmTopic")))
        {
            findings.push(format!("{}: wakes nobody", alarm.id));
        }
    }
    findings
}

/// The folders of `functions/` and the functions of the template are the same.
fn folders(template: &Template) -> Vec<String> {
    let entries = std::fs::read_dir(root().join("functions")).expect("functions/");
    let folders: BTreeSet<String> = entries
        .map(|entry| entry.expect("an entry of functions/"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let declared: BTreeSet<String> = template.functions().map(|function| function.binary().to_owned()).collect();
    let mut findings: Vec<String> =
        folders.difference(&declared).map(|name| format!("functions/{name} is no function of the template")).collect();
    findings.extend(declared.difference(&folders).map(|name| format!("there is no functions/{name}")));
    findings
}

fn keeps_logs(template: &Template, function: Resource<'_>) -> bool {
    let group = target(&function.get("LoggingConfig")["LogGroup"]).and_then(|id| template.resource(id));
    let expected = format!("${{AWS::StackName}}/{}", function.binary());
    group.is_some_and(|group| {
        group.get("RetentionInDays").as_i64() == Some(LOG_DAYS)
            && group.get("LogGroupName")["Fn::Sub"].as_str().is_some_and(|name| name.ends_with(&expected))
    })
}

fn has_alarm(template: &Template, metric: &str, function: &str) -> bool {
    template.of_kind("AWS::CloudWatch::Alarm").any(|alarm| {
        alarm.get("Namespace") == "AWS/Lambda"
            && alarm.get("MetricName") == metric
            && *alarm.get("Dimensions") == json!([{"Name": "FunctionName", "Value": {"Ref": function}}])
    })
}

fn is_queue(template: &Template, value: &Value) -> bool {
    target(value).and_then(|id| template.resource(id)).is_some_and(|found| found.kind == "AWS::SQS::Queue")
}

#[test]
fn a33_every_function_is_named_sized_logged_and_watched() {
    clean(check(&Template::load()));
}

#[test]
fn a_function_without_folder_alarm_log_or_dead_letters_is_noticed() {
    notices(check, "target/lambda/legal/", "target/lambda/legals/", "functions/legal is no function");
    notices(check, "target/lambda/legal/", "target/lambda/legals/", "there is no functions/legals");
    notices(check, "Architectures: [arm64]", "Architectures: [x86_64]", "is not built for arm64");
    notices(check, "      MemorySize: 256\n", "", "has no MemorySize");
    notices(check, "      Timeout: 29\n", "      Timeout: 60\n", "takes longer");
    notices(check, "{ LogGroup: !Ref SendLog }", "{ LogGroup: !Ref SessionLog }", "SendFunction: has no log group");
    notices(check, "/purge\", RetentionInDays: 365", "/purge\"", "PurgeFunction: has no log group");
    notices(check, "MetricName: Errors", "MetricName: Error", "SignupFunction: has no alarm on Errors");
    notices(check, "Value: !Ref SendFunction", "Value: !Ref PurgeFunction", "SendFunction: has no alarm");
    notices(check, "          OnFailure:", "          OnSuccess:", "has no OnFailure destination");
    notices(check, "AlarmActions: [!Ref AlarmTopic]", "AlarmActions: []", "wakes nobody");
    notices(
        check,
        "            DeadLetterConfig: { Arn: !GetAtt PurgeDeadLetters.Arn }\n",
        "",
        "purge has no dead-letter",
    );
}
