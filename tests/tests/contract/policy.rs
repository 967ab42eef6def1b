//! What the template itself keeps and deletes, against infra/policy/policy.toml.

use super::template::{Template, each};
use super::{clean, notices, read};

pub(super) fn check(template: &Template) -> Vec<String> {
    let policy: toml::Table = read("infra/policy/policy.toml").parse().expect("policy.toml");
    let days = |class: &str| days_of(policy["class"][class]["keep"].as_str().unwrap_or_default());
    let mut findings = Vec::new();
    let mut need = |holds: bool, what: String| {
        if !holds {
            findings.push(what);
        }
    };
    for group in template.of_kind("AWS::Logs::LogGroup") {
        let kept = group.get("RetentionInDays").as_i64();
        need(kept == days("technical_log"), format!("{}: policy.toml keeps technical logs for another time", group.id));
    }
    for queue in template.of_kind("AWS::SQS::Queue") {
        let kept = queue.get("MessageRetentionPeriod").as_i64().map(|seconds| seconds / 86_400);
        need(
            kept.is_some_and(|kept| Some(kept) <= days("queue_message")),
            format!("{}: keeps messages longer than policy.toml", queue.id),
        );
    }
    for table in template.of_kind("AWS::DynamoDB::Table") {
        let kept = table.get("PointInTimeRecoverySpecification")["RecoveryPeriodInDays"].as_i64();
        need(
            kept.is_some_and(|kept| Some(kept) <= days("point_in_time_backup")),
            format!("{}: can be restored longer than policy.toml says", table.id),
        );
    }
    let lag = policy["promises"]["purge_lag"].as_str().and_then(hours_of);
    for (name, at_most) in [("purge", lag), ("rights-clock", Some(24)), ("staff-clock", Some(24)), ("rotate", Some(24))]
    {
        let rate = rate_of(template, name);
        need(
            rate.is_some_and(|rate| at_most.is_some_and(|most| rate <= most)),
            format!("the schedule {name} comes by too rarely for what is promised"),
        );
    }
    backups(template, days("backup"), &mut need);
    // The purge acts first, at the very moment; the bucket's own rules act within a day after it.
    for (bucket, prefix, class) in [
        ("UploadsBucket", "uploads/", "upload"),
        ("UploadsBucket", "rejects/", "import_report"),
        ("IdentityCopies", "", "identity_copy"),
    ] {
        let rules = template.resource(bucket).map(|bucket| &bucket.get("LifecycleConfiguration")["Rules"]);
        let rule = rules.into_iter().flat_map(each).find(|rule| rule["Prefix"] == prefix);
        let expires = rule.and_then(|rule| rule["ExpirationInDays"].as_i64());
        need(
            expires.is_some_and(|expires| days(class).is_some_and(|kept| expires == kept + 1)),
            format!("{bucket}: {prefix} is not the net below `{class}` of policy.toml"),
        );
    }
    // Nothing else deletes a mail that cannot be read: a rule acts up to two days after the day it names.
    let rules = template.resource("InboundMail").map(|bucket| &bucket.get("LifecycleConfiguration")["Rules"]);
    let expires = rules.into_iter().flat_map(each).find_map(|rule| rule["ExpirationInDays"].as_i64());
    need(
        expires.is_some_and(|expires| days("inbound_mail").is_some_and(|kept| expires + 2 <= kept)),
        "InboundMail: keeps mail longer than policy.toml".to_owned(),
    );
    let format = template.resource("Api").map(|api| api.get("AccessLogSettings")["Format"].clone());
    let line: serde_json::Value =
        format.and_then(|format| serde_json::from_str(format.as_str()?).ok()).unwrap_or_default();
    let logged: Vec<&String> = line.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    let listed = domain::policy::inventory::Inventory::current().kind("access_log").map(|kind| &kind.fields);
    need(
        listed.is_some_and(|listed| logged.len() == listed.len() && logged.iter().all(|n| listed.contains_key(*n))),
        format!("Api: logs {logged:?}, and inventory.toml lists something else"),
    );
    findings
}

/// The vault: every table but that of the keys, encrypted with a key of its own, as long as policy.toml says (A52).
fn backups(template: &Template, kept: Option<i64>, need: &mut impl FnMut(bool, String)) {
    let locked =
        template.resource("BackupVault").map(|vault| vault.get("LockConfiguration")["MaxRetentionDays"].as_i64());
    need(locked == Some(kept), "BackupVault: may keep copies for another time than policy.toml says".to_owned());
    let key = template.resource("BackupVault").map(|vault| vault.get("EncryptionKeyArn").to_string());
    need(
        key.is_some_and(|key| key.contains("BackupKey")),
        "BackupVault: is not encrypted with a key of its own".to_owned(),
    );
    let plan = template
        .resource("BackupPlan")
        .map(|plan| plan.get("BackupPlan")["BackupPlanRule"].clone())
        .unwrap_or_default();
    let rules: Vec<_> = each(&plan).collect();
    need(!rules.is_empty(), "BackupPlan: has no rule".to_owned());
    for rule in rules {
        let deleted = rule["Lifecycle"]["DeleteAfterDays"].as_i64();
        need(
            deleted.is_some_and(|days| Some(days) <= kept),
            "BackupPlan: keeps copies longer than policy.toml".to_owned(),
        );
        need(rule["ScheduleExpression"].as_str().is_some(), "BackupPlan: is not regular".to_owned());
    }
    let chosen = template.resource("BackupSelection").map(|one| one.get("BackupSelection")["Resources"].to_string());
    for table in template.of_kind("AWS::DynamoDB::Table") {
        let copied = chosen.as_ref().is_some_and(|chosen| chosen.contains(&format!("{}.Arn", table.id)));
        need(
            copied == (table.id != "KeysTable"),
            format!("BackupSelection: {} does not belong there, or is missing", table.id),
        );
    }
}

/// The days in "30 days".
fn hours_of(period: &str) -> Option<i64> {
    period.strip_suffix(" hours").or_else(|| period.strip_suffix(" hour"))?.parse().ok()
}

/// Hours between one run of a schedule and the next; `None` when it is no `rate(…)` of hours or days, or is off.
fn rate_of(template: &Template, name: &str) -> Option<i64> {
    let schedules =
        template.functions().flat_map(|function| function.events()).filter(|(_, kind, _)| *kind == "Schedule");
    let (_, _, schedule) = schedules.into_iter().find(|(.., schedule)| schedule["Name"] == name)?;
    let rate = schedule["Schedule"].as_str()?.strip_prefix("rate(")?.strip_suffix(')')?;
    let days = || Some(24 * rate.strip_suffix(" days").or_else(|| rate.strip_suffix(" day"))?.parse::<i64>().ok()?);
    let hours = hours_of(rate).or_else(days)?;
    (schedule["Enabled"] != false).then_some(hours)
}

fn days_of(period: &str) -> Option<i64> {
    period.strip_suffix(" days").or_else(|| period.strip_suffix(" day"))?.parse().ok()
}

#[test]
fn a33_a30_the_template_keeps_what_the_policy_says() {
    clean(check(&Template::load()));
}

#[test]
fn a52_every_table_but_the_keys_is_copied_each_week_into_an_encrypted_vault() {
    clean(check(&Template::load()));
    notices(check, "DeleteAfterDays: 90", "DeleteAfterDays: 91", "BackupPlan: keeps copies longer");
    notices(check, "MaxRetentionDays: 90", "MaxRetentionDays: 120", "BackupVault: may keep copies");
    notices(
        check,
        "EncryptionKeyArn: !GetAtt BackupKey.Arn",
        "EncryptionKeyArn: !GetAtt EventsKey.Arn",
        "BackupVault: is not encrypted",
    );
    notices(check, "          - !GetAtt RightsTable.Arn\n", "", "RightsTable does not belong there, or is missing");
    notices(
        check,
        "          - !GetAtt RightsTable.Arn\n",
        "          - !GetAtt KeysTable.Arn\n",
        "KeysTable does not belong",
    );
}

#[test]
fn a_period_that_differs_is_noticed() {
    let purge = "Description: Deletes what is due.\n            Schedule: rate(1 hour)";
    notices(check, purge, &purge.replace("1 hour", "7 days"), "the schedule purge comes by too rarely");
    notices(check, purge, &format!("{purge}\n            Enabled: false"), "the schedule purge comes by too rarely");
    notices(check, "RetentionInDays: 365", "RetentionInDays: 400", "SignupLog: policy.toml keeps");
    notices(check, "MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 1296000", "ImportQueue: keeps messages");
    notices(check, "RecoveryPeriodInDays: 35", "RecoveryPeriodInDays: 91", "AccountsTable: can be restored");
    notices(
        check,
        "Prefix: uploads/, ExpirationInDays: 31",
        "Prefix: uploads/, ExpirationInDays: 30",
        "not the net below `upload`",
    );
    notices(
        check,
        "\"agent\":",
        "\"address\":\"$context.identity.sourceIp\",\"agent\":",
        "inventory.toml lists something else",
    );
    notices(check, "Prefix: rejects/", "Prefix: reports/", "not the net below `import_report`");
    notices(
        check,
        "Prefix: \"\", ExpirationInDays: 31",
        "Prefix: \"\", ExpirationInDays: 60",
        "not the net below `identity_copy`",
    );
}
