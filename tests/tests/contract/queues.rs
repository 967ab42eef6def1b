//! Queues redrive into dead letters that wake somebody, and a function's queue hides a message for
//! six times as long as the function may take, as AWS advises.

use std::collections::BTreeSet;

use serde_json::json;

use super::template::{Resource, Template, each, target};
use super::{clean, notices};

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    let mut dead_letters: BTreeSet<&str> = BTreeSet::new();
    for function in template.functions() {
        for (name, _, event) in function.events().filter(|(_, kind, _)| *kind == "SQS") {
            let at = format!("{}.{name}", function.id);
            if event["FunctionResponseTypes"] != json!(["ReportBatchItemFailures"]) {
                findings.push(format!("{at}: one failed record would fail its batch"));
            }
            let Some(queue) = target(&event["Queue"]).and_then(|id| template.resource(id)) else {
                findings.push(format!("{at}: names no queue"));
                continue;
            };
            let timeout = function.get("Timeout").as_i64().unwrap_or(i64::MAX / 6);
            if queue.get("VisibilityTimeout").as_i64().unwrap_or(30) < 6 * timeout {
                findings.push(format!("{}: hides a message for less than six times {timeout} s", queue.id));
            }
            let redrive = queue.get("RedrivePolicy");
            match target(&redrive["deadLetterTargetArn"]).and_then(|id| template.resource(id)) {
                Some(dead) if redrive["maxReceiveCount"].as_i64() >= Some(2) => {
                    dead_letters.insert(dead.id);
                }
                _ => findings.push(format!("{}: has no dead-letter queue", queue.id)),
            }
        }
    }
    for function in template.functions() {
        let failed = &function.get("EventInvokeConfig")["DestinationConfig"]["OnFailure"]["Destination"];
        dead_letters.extend(target(failed));
    }
    findings.extend(events_outlive_chunks(template));
    for id in dead_letters {
        if !has_alarm(template, id) {
            findings.push(format!("{id}: has no alarm on its depth"));
        }
        if template.resource(id).and_then(|queue| queue.get("MessageRetentionPeriod").as_i64()) != Some(14 * 86_400) {
            findings.push(format!("{id}: does not keep what failed for 14 days"));
        }
    }
    for queue in template.of_kind("AWS::SQS::Queue") {
        if queue.get("SqsManagedSseEnabled") != &json!(true) {
            findings.push(format!("{}: is not encrypted", queue.id));
        }
        match policies(template, queue.id).as_slice() {
            [policy] if tls_only(policy) => {}
            [_] => findings.push(format!("{}: may be used without TLS", queue.id)),
            several => findings.push(format!("{}: has {} policies; only one can hold", queue.id, several.len())),
        }
    }
    findings
}

/// A provider's events come before a chunk that was cut short is tried again: they must still be there after
/// its last try, or nobody learns what became of its people.
fn events_outlive_chunks(template: &Template) -> Option<String> {
    let patience = |id: &str| {
        let queue = template.resource(id)?;
        Some(queue.get("VisibilityTimeout").as_i64()? * (queue.get("RedrivePolicy")["maxReceiveCount"].as_i64()? - 1))
    };
    let (events, chunks) = (patience("FeedbackQueue").unwrap_or(0), patience("SendQueue").unwrap_or(i64::MAX));
    (events <= chunks).then(|| format!("FeedbackQueue: gives events up after {events} s, a chunk may take {chunks} s"))
}

fn has_alarm(template: &Template, queue: &str) -> bool {
    template.of_kind("AWS::CloudWatch::Alarm").any(|alarm| {
        alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
            && target(&alarm.get("Dimensions")[0]["Value"]) == Some(queue)
    })
}

fn policies<'a>(template: &'a Template, queue: &str) -> Vec<Resource<'a>> {
    let policies = template.of_kind("AWS::SQS::QueuePolicy");
    policies.filter(|policy| each(policy.get("Queues")).any(|named| target(named) == Some(queue))).collect()
}

/// Whether a resource's policy denies everybody everything without TLS.
pub(super) fn tls_only(policy: &Resource<'_>) -> bool {
    each(&policy.get("PolicyDocument")["Statement"]).any(|statement| {
        statement["Effect"] == "Deny"
            && statement["Principal"] == "*"
            && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
    })
}

#[test]
fn a50_queues_redrive_alarm_and_speak_tls_only() {
    clean(check(&Template::load()));
}

#[test]
fn a_queue_that_loses_or_repeats_is_noticed() {
    notices(check, "FunctionResponseTypes: [ReportBatchItemFailures]", "Enabled: true", "would fail its batch");
    notices(check, "VisibilityTimeout: 1800", "VisibilityTimeout: 1799", "ImportQueue: hides");
    notices(check, "maxReceiveCount: 5", "maxReceiveCount: 1", "ImportQueue: has no dead-letter queue");
    notices(check, "Value: !GetAtt SendDeadLetters.QueueName", "Value: x", "SendDeadLetters: has no alarm");
    notices(
        check,
        "MessageRetentionPeriod: 1209600\n      SqsManagedSse",
        "MessageRetentionPeriod: 60\n      SqsManagedSse",
        "for 14 days",
    );
    notices(check, "      SqsManagedSseEnabled: true\n", "", "is not encrypted");
    notices(check, "        - !Ref SendDeadLetters\n", "", "SendDeadLetters: has 0 policies");
    notices(check, "Condition: { Bool: { aws:SecureTransport: \"false\" } }", "Condition: {}", "without TLS");
}
