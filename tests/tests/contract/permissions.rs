//! Each function may do what it names, on what it names. That it does all it may, and nothing it
//! may not, is known only while it runs: the local runner enforces these same statements.

use std::collections::BTreeSet;

use serde_json::Value;

use super::template::{Resource, Template, each, target};
use super::{clean, notices};

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    for function in template.functions() {
        if function.get("Policies").as_array().is_some_and(|all| all.iter().any(|policy| !policy.is_object())) {
            findings.push(format!("{}: takes a managed policy", function.id));
        }
        findings.extend(narrow(function.id, function.statements()));
        for (secret, holder) in
            [("SessionSecret", "session"), ("StatementSecret", "purge"), ("CertificateSecret", "rights")]
        {
            findings.extend(only(function, secret, holder));
        }
        findings.extend(no_copies(function));
    }
    findings
}

/// Each statement is named, allows what it names, and names all of it.
pub(super) fn narrow<'a>(owner: &str, statements: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let (mut findings, mut sids) = (Vec::new(), BTreeSet::new());
    for statement in statements {
        let sid = statement["Sid"].as_str().unwrap_or_default();
        let at = format!("{owner}.{sid}");
        if sid.is_empty() || !sids.insert(sid) {
            findings.push(format!("{at}: a statement needs a Sid of its own"));
        }
        if statement["Effect"] != "Allow" || each(&statement["Action"]).count() == 0 {
            findings.push(format!("{at}: allows nothing"));
        }
        for action in each(&statement["Action"]).filter_map(Value::as_str) {
            if action.contains(['*', '?']) || action.split_once(':').is_none() {
                findings.push(format!("{at}: {action} is not one action"));
            }
        }
        // Where a call names no key, `ForAllValues` has nothing to say no to.
        let condition = &statement["Condition"];
        let bound = condition.as_object().into_iter().flatten().filter(|(test, _)| test.starts_with("ForAllValues:"));
        for key in bound.filter_map(|(_, keys)| keys.as_object()).flatten().map(|(key, _)| key) {
            if condition["Null"][key.as_str()] != "false" {
                findings.push(format!("{at}: {key} may be absent"));
            }
        }
        if each(&statement["Resource"]).count() == 0 {
            findings.push(format!("{at}: names no resource"));
        }
        // What is about the account as a whole has no resource to name.
        let whole = each(&statement["Action"]).all(|action| action == "ses:GetAccount");
        for resource in each(&statement["Resource"]).filter(|resource| !is_specific(resource) && !whole) {
            findings.push(format!("{at}: {resource} is not specific"));
        }
    }
    findings
}

/// `!Ref`, `!GetAtt`, or a `!Sub` whose only star stands for objects of a bucket or identities of SES.
fn is_specific(resource: &Value) -> bool {
    match resource["Fn::Sub"].as_str() {
        Some(arn) => match arn.strip_suffix('*') {
            Some(head) => {
                let objects = ["${UploadsBucket.Arn}/", "${IdentityCopies.Arn}/", "${InboundMail.Arn}/"];
                !head.contains('*')
                    && (objects.iter().any(|bucket| head.starts_with(bucket)) || head.ends_with(":identity/"))
            }
            None => !arn.contains('*'),
        },
        None => target(resource).is_some(),
    }
}

/// Who signs sessions signs no statements, and the other way round. `rotate` replaces all of these.
fn only(function: Resource<'_>, secret: &str, holder: &str) -> Option<String> {
    let reads = function.statements().any(|statement| each(&statement["Resource"]).any(|r| target(r) == Some(secret)));
    let holds = [holder, "rotate"].contains(&function.binary());
    (reads != holds).then(|| format!("{}: {secret} is for `{holder}` alone", function.id))
}

/// Copies of identity documents are for `rights`; `purge` lists and deletes them, and reads none (A48).
fn no_copies(function: Resource<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let is_theirs =
        |resource: &Value| ["IdentityCopies", "IdentityKey"].iter().any(|name| resource.to_string().contains(name));
    for statement in function.statements().filter(|statement| is_theirs(&statement["Resource"])) {
        let deletes = |action: &Value| ["s3:ListBucket", "s3:DeleteObject"].iter().any(|allowed| action == allowed);
        let allowed = match function.binary() {
            "rights" => true,
            "purge" => each(&statement["Action"]).all(deletes),
            _ => false,
        };
        if !allowed {
            findings.push(format!("{}: copies of identity documents are not for it", function.id));
        }
    }
    findings
}

#[test]
fn every_statement_is_named_and_narrow() {
    clean(check(&Template::load()));
}

#[test]
fn a_wide_statement_is_noticed() {
    notices(check, "            - Sid: Accounts\n              Effect", "            - Effect", "needs a Sid");
    notices(check, "\"Null\": { \"dynamodb:LeadingKeys\": \"false\" }", "StringLike: {}", "LeadingKeys may be absent");
    notices(check, "Sid: ReadPepper", "Sid: Accounts", "needs a Sid of its own");
    notices(check, "Action: secretsmanager:GetSecretValue", "Action: secretsmanager:*", "is not one action");
    notices(check, "Resource: !GetAtt EvidenceTable.Arn", "Resource: \"*\"", "is not specific");
    notices(check, "${UploadsBucket.Arn}/uploads/*", "arn:aws:s3:::*", "is not specific");
    notices(
        check,
        "Resource: !Ref PepperSecret",
        "Resource: !Ref SessionSecret",
        "SessionSecret is for `session` alone",
    );
    notices(
        check,
        "Resource: !Ref PepperSecret",
        "Resource: !Ref StatementSecret",
        "StatementSecret is for `purge` alone",
    );
    notices(
        check,
        "Action: s3:DeleteObject, Resource: !Sub \"${IdentityCopies.Arn}/*\"",
        "Action: s3:GetObject, Resource: !Sub \"${IdentityCopies.Arn}/*\"",
        "PurgeFunction: copies of identity documents",
    );
    notices(
        check,
        "Resource: !Sub \"${UploadsBucket.Arn}/uploads/*\"",
        "Resource: !Sub \"${IdentityCopies.Arn}/*\"",
        "ImportsFunction: copies of identity documents",
    );
    notices(
        check,
        "      Policies:\n        - Statement:",
        "      Policies:\n        - AdministratorAccess\n        - Statement:",
        "managed policy",
    );
}
