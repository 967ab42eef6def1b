//! A session of a workspace's role reaches that workspace and nothing else (A78). What IAM makes of these
//! statements is tested while they run; here that each of them is bound, and bound in the one way that holds.

use serde_json::{Value, json};

use super::permissions::narrow;
use super::template::{Resource, Template, each, target};
use super::{clean, notices};

const ROLE: &str = "WORKSPACE_ROLE";
const MINE: &str = "W#${aws:PrincipalTag/workspace}";

/// What is written in one transaction with something of the workspace, and read by no session: the sign-ins and
/// tokens that find its people by a keyed hash, that it is closed, and which of its people want no news.
const BESIDE: [&str; 6] = ["LOGIN#*", "TOKEN#*", "MAILBOXES", "CLOSED", "NEWS_OFF", "REMOVED"];

/// The one role that is no function's: AWS Backup copies tables with it, and nobody else can assume it.
const BACKUPS: &str = "BackupRole";

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    for role in template.of_kind("AWS::IAM::Role") {
        if role.id == BACKUPS {
            findings.extend(backups(role));
            continue;
        }
        findings.extend(trust(template, role));
        for policy in each(role.get("Policies")) {
            let document = &policy["PolicyDocument"];
            if document["Version"] != "2012-10-17" {
                findings.push(format!("{}: its policy knows no variables", role.id));
            }
            findings.extend(narrow(role.id, each(&document["Statement"])));
            findings.extend(each(&document["Statement"]).filter_map(|statement| bound(role.id, statement)));
        }
    }
    for function in template.functions().filter(|function| role_of(template, *function).is_some()) {
        findings.extend(function.statements().filter_map(|statement| apart(function.id, statement)));
    }
    findings
}

/// The role that a function's sessions are of.
fn role_of<'a>(template: &'a Template, function: Resource<'a>) -> Option<&'a str> {
    template.environment(function).find(|(name, _)| *name == ROLE).and_then(|(_, value)| target(value))
}

/// Exactly the function that is given the role may assume it, with the one tag.
fn trust(template: &Template, role: Resource<'_>) -> Vec<String> {
    let document = role.get("AssumeRolePolicyDocument");
    let holders: Vec<_> =
        template.functions().filter(|function| role_of(template, *function) == Some(role.id)).collect();
    let [holder] = holders[..] else { return vec![format!("{}: is not the role of one function", role.id)] };
    let expected = json!([{
        "Sid": "OfOneWorkspace",
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::GetAtt": format!("{}Role.Arn", holder.id)}},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {
            "StringLike": {"aws:RequestTag/workspace": "ws_*"},
            "ForAllValues:StringEquals": {"aws:TagKeys": ["workspace"]},
        },
    }]);
    let right = document["Statement"] == expected && document["Version"] == "2012-10-17";
    (!right).then(|| format!("{}: trusts others than {} with one workspace", role.id, holder.id)).into_iter().collect()
}

fn backups(role: Resource<'_>) -> Option<String> {
    let trusted = &role.get("AssumeRolePolicyDocument")["Statement"];
    let only = trusted.as_array().is_some_and(|all| all.len() == 1)
        && trusted[0]["Principal"] == json!({"Service": "backup.amazonaws.com"})
        && trusted[0]["Condition"]["StringEquals"]["aws:SourceAccount"] == json!({"Ref": "AWS::AccountId"});
    let managed = role.get("ManagedPolicyArns").to_string();
    let narrow = managed.ends_with("AWSBackupServiceRolePolicyForBackup\"}]") && role.get("Policies").is_null();
    (!only || !narrow).then(|| format!("{}: is for copying tables by AWS Backup, and for nothing else", role.id))
}

/// A statement about tables or objects that is not bound to the session's workspace.
fn bound(role: &str, statement: &Value) -> Option<String> {
    let at = format!("{role}.{}", statement["Sid"].as_str().unwrap_or_default());
    for action in each(&statement["Action"]).filter_map(Value::as_str) {
        let own = match action.split_once(':') {
            // Names of objects are identifiers. Without it S3 says 403 of what is not there.
            Some(("s3", "ListBucket")) => true,
            Some(("s3", _)) => each(&statement["Resource"]).all(|arn| {
                arn["Fn::Sub"].as_str().is_some_and(|arn| arn.ends_with("/${!aws:PrincipalTag/workspace}/*"))
            }),
            Some(("dynamodb", "Scan")) => false,
            Some(("dynamodb", call)) if call.starts_with("PartiQL") => false,
            Some(("dynamodb", _)) => {
                let with_it =
                    statement["Condition"]["StringEquals"]["dynamodb:EnclosingOperation"] == "TransactWriteItems";
                let fits = |key: &&str| {
                    key.strip_prefix(MINE).is_some_and(closed) || (with_it && writes(action) && BESIDE.contains(key))
                };
                keys(statement).is_some_and(|keys| keys.iter().all(fits))
            }
            _ => false,
        };
        if !own {
            return Some(format!("{at}: {action} reaches other workspaces"));
        }
    }
    None
}

fn writes(action: &str) -> bool {
    ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"].contains(&action)
}

/// Nothing, or the delimiter: `W#ws_1*` would reach `W#ws_10`.
fn closed(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('#')
}

/// What a function with a workspace role still does itself is nobody's.
fn apart(function: &str, statement: &Value) -> Option<String> {
    let at = format!("{function}.{}", statement["Sid"].as_str().unwrap_or_default());
    let of_tables = each(&statement["Action"]).filter_map(Value::as_str).any(|action| action.starts_with("dynamodb:"));
    let nobodys = || keys(statement).is_some_and(|keys| !keys.iter().any(|key| key.starts_with(['W', '*', '?', '$'])));
    (of_tables && !nobodys()).then(|| format!("{at}: reaches workspaces without a session"))
}

/// The leading keys that a statement is bound to; `None` when it is not, or not when a call names no key.
fn keys(statement: &Value) -> Option<Vec<&str>> {
    let condition = &statement["Condition"];
    let guarded = condition["Null"]["dynamodb:LeadingKeys"] == "false";
    let keys: Vec<&str> =
        each(&condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]).filter_map(Value::as_str).collect();
    (guarded && !keys.is_empty()).then_some(keys)
}

#[test]
fn a78_a_workspace_role_is_bound_to_the_tag_of_its_session() {
    clean(check(&Template::load()));
}

#[test]
fn a52_nobody_but_aws_backup_copies_tables() {
    notices(check, "Service: backup.amazonaws.com", "Service: lambda.amazonaws.com", "BackupRole: is for copying");
    notices(check, "ForBackup\"", "ForRestores\"", "BackupRole: is for copying");
}

#[test]
fn a_role_that_reaches_further_is_noticed() {
    let before = "                    \"dynamodb:LeadingKeys\": [\"W#${aws:PrincipalTag/workspace}\", \"W#${aws:PrincipalTag/workspace}#*\"]\n";
    let guard = "                  \"Null\": { \"dynamodb:LeadingKeys\": \"false\" }\n";
    let (widened, with_guard) = (before.replace("}#*", "}*"), format!("{before}{guard}"));
    let reaches = "reaches other workspaces";
    notices(check, &with_guard, before, reaches);
    notices(check, before, &widened, reaches);
    notices(check, "[\"W#${aws:PrincipalTag/workspace}#A#*\"]", "[\"W#*#A#*\"]", reaches);
    notices(check, "[sts:AssumeRole, sts:TagSession]", "[sts:AssumeRole]", "trusts others");
    notices(check, "{ AWS: !GetAtt ProspectsFunctionRole.Arn }", "{ AWS: \"*\" }", "trusts others");
    notices(check, "StringLike: { \"aws:RequestTag/workspace\": \"ws_*\" }", "Null: {}", "trusts others");
    notices(check, "!GetAtt ProspectsWorkspaceRole.Arn", "!Ref OperatorName", "is not the role of one function");
    let transaction = "                  StringEquals: { \"dynamodb:EnclosingOperation\": TransactWriteItems }\n                  ForAllValues:StringLike:\n";
    notices(check, transaction, "                  ForAllValues:StringLike:\n", reaches);
    let public = "GetItem\n              Resource: !GetAtt KeysTable.Arn\n              Condition:\n                ForAllValues:StringLike: { \"dynamodb:LeadingKeys\": [\"JWK#*\"] }\n";
    notices(check, public, &public.replace("JWK#", ""), "reaches workspaces without a session");
}
