//! Tables, bucket, secrets and topics are private, encrypted, and survive the stack where they must.

use serde_json::{Value, json};

use super::queues::tls_only;
use super::template::{Resource, Template, each, target};
use super::{clean, notices};

pub(super) fn check(template: &Template) -> Vec<String> {
    let mut findings = Vec::new();
    for resource in template.resources() {
        let faults = match resource.kind {
            "AWS::DynamoDB::Table" => table(resource),
            "AWS::S3::Bucket" => bucket(template, resource),
            "AWS::KMS::Key" => given(resource, &[("/EnableKeyRotation", json!(true), "is never rotated")]),
            "AWS::SNS::Topic" if resource.get("KmsMasterKeyId").is_null() => {
                vec!["is not encrypted"]
            }
            "AWS::SES::ConfigurationSet" => {
                given(resource, &[("/DeliveryOptions/TlsPolicy", json!("REQUIRE"), "sends without TLS")])
            }
            "AWS::SES::ConfigurationSetEventDestination" => mail_events(resource),
            _ => Vec::new(),
        };
        findings.extend(faults.into_iter().map(|fault| format!("{}: {fault}", resource.id)));
    }
    // Copies of identity documents are in a place of their own under a key of their own (A48).
    let encrypts = template.resource("IdentityCopies").map(|bucket| bucket.get("BucketEncryption").to_string());
    if !encrypts.is_some_and(|with| with.contains("aws:kms") && with.contains("IdentityKey")) {
        findings.push("IdentityCopies: is not under a key of its own".to_owned());
    }
    for bucket in template.of_kind("AWS::S3::Bucket").filter(|bucket| !bucket.get("VersioningConfiguration").is_null())
    {
        findings.push(format!("{}: keeps what was deleted", bucket.id));
    }
    for selection in template.of_kind("AWS::Backup::BackupSelection") {
        if selection.get("BackupSelection").to_string().contains("IdentityCopies") {
            findings.push(format!("{}: copies what is deleted with a decision", selection.id));
        }
    }
    // Losing one of these loses what it names or unlocks.
    for id in ["PepperSecret", "DataKey", "UploadsBucket"] {
        if template.resource(id).is_none_or(|resource| !retained(resource)) {
            findings.push(format!("{id}: would be deleted with the stack"));
        }
    }
    findings
}

fn given(resource: Resource<'_>, wanted: &[(&str, Value, &'static str)]) -> Vec<&'static str> {
    let properties = &resource.body["Properties"];
    let missing = wanted.iter().filter(|(path, value, _)| properties.pointer(path) != Some(value));
    missing.map(|(_, _, fault)| *fault).collect()
}

fn retained(resource: Resource<'_>) -> bool {
    resource.body["DeletionPolicy"] == "Retain" && resource.body["UpdateReplacePolicy"] == "Retain"
}

fn table(table: Resource<'_>) -> Vec<&'static str> {
    let keys = json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]);
    let types = json!([{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]);
    let mut faults = given(
        table,
        &[
            ("/BillingMode", json!("PAY_PER_REQUEST"), "is not paid per request"),
            ("/KeySchema", keys, "is not keyed by pk and sk"),
            ("/AttributeDefinitions", types, "is not keyed by texts"),
            ("/TimeToLiveSpecification", json!({"AttributeName": "ttl", "Enabled": true}), "has no ttl"),
            ("/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled", json!(true), "cannot be restored"),
            ("/SSESpecification/SSEEnabled", json!(true), "is not encrypted"),
            ("/DeletionProtectionEnabled", json!(true), "is not protected from deletion"),
        ],
    );
    // A key that a backup keeps would undo its shredding.
    let days = table.get("PointInTimeRecoverySpecification")["RecoveryPeriodInDays"].as_i64().unwrap_or(35);
    if table.id == "KeysTable" && days > 7 {
        faults.push("is backed up for longer than a week");
    }
    if !retained(table) {
        faults.push("would be deleted with the stack");
    }
    faults
}

fn bucket(template: &Template, bucket: Resource<'_>) -> Vec<&'static str> {
    let closed = json!({
        "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true
    });
    let mut faults = given(bucket, &[("/PublicAccessBlockConfiguration", closed, "may be public")]);
    if bucket.get("BucketEncryption").is_null() {
        faults.push("is not encrypted");
    }
    let rules = &bucket.get("LifecycleConfiguration")["Rules"];
    if !each(rules).any(|rule| rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"].is_i64()) {
        faults.push("keeps unfinished uploads");
    }
    let mut policies = template.of_kind("AWS::S3::BucketPolicy");
    if !policies.any(|policy| target(policy.get("Bucket")) == Some(bucket.id) && tls_only(&policy)) {
        faults.push("may be used without TLS");
    }
    faults
}

fn mail_events(destination: Resource<'_>) -> Vec<&'static str> {
    let types = &destination.get("EventDestination")["MatchingEventTypes"];
    // Asking for either makes SES put a pixel in and rewrite every link.
    if each(types).any(|kind| kind == "open" || kind == "click") { vec!["tracks opens or clicks"] } else { Vec::new() }
}

#[test]
fn every_store_is_private_encrypted_and_kept() {
    clean(check(&Template::load()));
}

#[test]
fn a_store_left_open_is_noticed() {
    notices(check, "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "protected from deletion");
    notices(check, "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "cannot be restored");
    notices(check, "RecoveryPeriodInDays: 7", "RecoveryPeriodInDays: 35", "KeysTable: is backed up");
    notices(check, "SSEEnabled: true", "SSEEnabled: false", "is not encrypted");
    notices(check, "AttributeName: ttl", "AttributeName: expires", "has no ttl");
    notices(check, "AttributeName: sk, AttributeType: S", "AttributeName: sk, AttributeType: B", "keyed by texts");
    notices(check, "    DeletionPolicy: Retain\n", "", "AccountsTable: would be deleted");
    notices(check, "BlockPublicAcls: true", "BlockPublicAcls: false", "UploadsBucket: may be public");
    notices(check, "KMSMasterKeyID: !GetAtt IdentityKey.Arn", "KMSMasterKeyID: other", "not under a key of its own");
    notices(
        check,
        "          - !GetAtt RightsTable.Arn",
        "          - !GetAtt IdentityCopies.Arn",
        "BackupSelection: copies what is deleted with a decision",
    );
    notices(check, "Bucket: !Ref IdentityCopies", "Bucket: other", "IdentityCopies: may be used without TLS");
    notices(
        check,
        "      BucketEncryption:\n",
        "      VersioningConfiguration: { Status: Enabled }\n      BucketEncryption:\n",
        "UploadsBucket: keeps what was deleted",
    );
    notices(check, "{ DaysAfterInitiation: 1 }", "{}", "keeps unfinished uploads");
    notices(check, "Bucket: !Ref UploadsBucket", "Bucket: other", "UploadsBucket: may be used without TLS");
    notices(check, "TlsPolicy: REQUIRE", "TlsPolicy: OPTIONAL", "sends without TLS");
    notices(check, "[send, reject,", "[open, send, reject,", "tracks opens");
    notices(check, "EnableKeyRotation: true", "EnableKeyRotation: false", "is never rotated");
    notices(check, "      KmsMasterKeyId: !Ref EventsKey\n", "", "InboundTopic: is not encrypted");
}
