//! What an alarm waits for in a log is said there, and somebody is told.

use serde_json::Value;

use super::{
    clean, notices, read,
    template::{Template, each},
};

/// Which source says the line that each filter waits for.
const SAID_IN: [(&str, &str); 2] =
    [("ReviewsOverdue", "shared/app/src/rotate.rs"), ("AnnouncedLate", "shared/app/src/announce.rs")];

fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    for filter in template.of_kind("AWS::Logs::MetricFilter") {
        let id = filter.id;
        let Some((_, source)) = SAID_IN.iter().find(|(known, _)| *known == id) else {
            findings.push(format!("{id}: nobody wrote down what says its line"));
            continue;
        };
        let said = filter.get("FilterPattern").as_str().and_then(|pattern| pattern.split('"').nth(1));
        let said = said.unwrap_or("nothing");
        if !read(source).contains(&format!("\"{said}\"")) {
            findings.push(format!("{source} never says {said:?}"));
        }
        let metric = &filter.get("MetricTransformations")[0]["MetricName"];
        let waits = |alarm: &Value| alarm["MetricName"] == *metric && each(&alarm["AlarmActions"]).next().is_some();
        if !template.of_kind("AWS::CloudWatch::Alarm").any(|alarm| waits(&alarm.body["Properties"])) {
            findings.push(format!("{id}: nobody is told"));
        }
    }
    findings
}

#[test]
fn what_an_alarm_waits_for_is_said() {
    clean(check(&Template::load()));
}

#[test]
fn an_alarm_that_waits_in_vain_is_noticed() {
    notices(check, "review overdue", "review due", "rotate.rs never says");
    notices(check, "change announced late", "change announced", "announce.rs never says");
    notices(check, "  AnnouncedLate: #", "  ToldLate: #", "ToldLate: nobody wrote down");
    notices(
        check,
        "AlarmDescription: A security review is overdue., AlarmActions: [!Ref AlarmTopic],",
        "AlarmDescription: x,",
        "ReviewsOverdue: nobody is told",
    );
}
