//! The real SDKs against the emulated services: what a function would see.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use aws_sdk_sesv2::primitives::Blob;
use aws_sdk_sesv2::types::{Destination, EmailContent, RawMessage};
use serde_json::{Value, json};

use super::super::faults::{Plan, SesPlan};
use super::{SECRET, Stack};

/// A client of one SDK, signing in the name of `writer` or with the credentials given.
macro_rules! client {
    ($stack:expr, $sdk:ident, $service:literal) => {
        client!($stack, $sdk, $service, Credentials::from_keys("writer", SECRET, None))
    };
    ($stack:expr, $sdk:ident, $service:literal, $credentials:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("eu-west-3"))
            .credentials_provider($credentials)
            .endpoint_url($stack.url($service))
    };
}

#[tokio::test]
async fn dynamodb() {
    let stack = Stack::start().await;
    let client = aws_sdk_dynamodb::Client::from_conf(client!(stack, aws_sdk_dynamodb, "DYNAMODB").build());
    let insert = |sk: &str| {
        BatchStatementRequest::builder()
            .statement("INSERT INTO \"things\" VALUE {'pk': ?, 'sk': ?}")
            .parameters(AttributeValue::S("W#1".to_owned()))
            .parameters(AttributeValue::S(sk.to_owned()))
            .build()
            .unwrap()
    };
    for duplicate in [false, true] {
        let answer = client
            .batch_execute_statement()
            .statements(insert("a"))
            .statements(insert(if duplicate { "c" } else { "b" }))
            .send()
            .await
            .unwrap();
        let responses = answer.responses();
        assert_eq!(responses[0].error().is_some(), duplicate);
        assert!(responses[1].error().is_none());
    }
    let refused = client
        .put_item()
        .table_name("things")
        .item("pk", AttributeValue::S("W#1".to_owned()))
        .item("sk", AttributeValue::S("a".to_owned()))
        .condition_expression("attribute_not_exists(pk)")
        .send()
        .await
        .unwrap_err();
    assert!(refused.into_service_error().is_conditional_check_failed_exception());
}

#[tokio::test]
async fn sqs() {
    let stack = Stack::start().await;
    let client = aws_sdk_sqs::Client::from_conf(client!(stack, aws_sdk_sqs, "SQS").build());
    let url = client.get_queue_url().queue_name("work").send().await.unwrap();
    let url = url.queue_url().unwrap();
    client.send_message().queue_url(url).message_body("hé").send().await.unwrap();
    let received = client.receive_message().queue_url(url).wait_time_seconds(1).send().await.unwrap();
    let message = &received.messages()[0];
    assert_eq!(message.body(), Some("hé"));
    client.delete_message().queue_url(url).receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
    let empty = client.send_message_batch().queue_url(url).set_entries(Some(Vec::new())).send().await.unwrap_err();
    assert!(empty.into_service_error().code().unwrap().ends_with("EmptyBatchRequest"));
}

#[tokio::test]
async fn s3() {
    let mut stack = Stack::start().await;
    let config = client!(stack, aws_sdk_s3, "S3").force_path_style(true).build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let object = |key: &str| client.put_object().bucket("uploads-test").key(format!("uploads/{key}"));
    // A signed body with a checksum, as the SDK sends it by default.
    object("direct.csv").body(b"email\n".to_vec().into()).send().await.unwrap();
    assert_eq!(stack.created.recv().await.unwrap().key, "uploads/direct.csv");
    let for_a_minute = PresigningConfig::expires_in(Duration::from_secs(60)).unwrap();
    let presigned = object("presigned.csv").content_type("text/csv").presigned(for_a_minute).await.unwrap();
    let mut put = stack.http.put(presigned.uri()).body("email\na@example.com\n");
    for (name, value) in presigned.headers() {
        put = put.header(name, value);
    }
    assert_eq!(put.send().await.unwrap().status(), 200);
    let created = stack.created.recv().await.unwrap();
    assert_eq!((created.key.as_str(), created.size), ("uploads/presigned.csv", 20));
    let get = client.get_object().bucket("uploads-test").key("uploads/presigned.csv").range("bytes=6-");
    let body = get.send().await.unwrap().body.collect().await.unwrap().to_vec();
    assert_eq!(body, b"a@example.com\n");
    let missing = client.get_object().bucket("uploads-test").key("uploads/none").send().await.unwrap_err();
    assert!(missing.into_service_error().is_no_such_key());
    let refused = client.delete_object().bucket("uploads-test").key("uploads/direct.csv").send().await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("AccessDenied"));

    let batch = |key: &str| {
        let object = ObjectIdentifier::builder().key(key).build().unwrap();
        let delete = Delete::builder().objects(object).build().unwrap();
        client.delete_objects().bucket("uploads-test").delete(delete).send()
    };
    object("old/a.csv").body(b"x".to_vec().into()).send().await.unwrap();
    batch("uploads/old/a.csv").await.unwrap();
    let refused = batch("uploads/direct.csv").await.unwrap_err();
    assert_eq!(refused.into_service_error().code(), Some("AccessDenied"));
}

#[tokio::test]
async fn ses() {
    let stack = Stack::start().await;
    let retries = aws_sdk_sesv2::config::retry::RetryConfig::disabled();
    let config = client!(stack, aws_sdk_sesv2, "SESV2").retry_config(retries).build();
    let client = aws_sdk_sesv2::Client::from_conf(config);
    let send = || {
        let raw = RawMessage::builder().data(Blob::new("From: news@example.org\r\nSubject: x\r\n\r\nx\r\n")).build();
        client
            .send_email()
            .from_email_address("news@example.org")
            .destination(Destination::builder().to_addresses("ana@example.com").build())
            .content(EmailContent::builder().raw(raw.unwrap()).build())
            .send()
    };
    assert!(send().await.unwrap().message_id().is_some());
    let fault = |ses| stack.backends.faults().set(Plan { ses, ..Plan::default() });
    fault(SesPlan { throttle_every: 1, ..SesPlan::default() });
    assert!(send().await.unwrap_err().into_service_error().is_too_many_requests_exception());
    fault(SesPlan { reject_every: 1, ..SesPlan::default() });
    assert!(send().await.unwrap_err().into_service_error().is_message_rejected());
    fault(SesPlan { drop_after_accept_every: 1, ..SesPlan::default() });
    let lost = send().await.unwrap_err();
    assert!(lost.as_service_error().is_none(), "no answer is no refusal: {lost:?}");
    assert_eq!(stack.backends.mailbox().len(), 2);
}

#[tokio::test]
async fn kms_and_secrets() {
    let stack = Stack::start().await;
    let kms = aws_sdk_kms::Client::from_conf(client!(stack, aws_sdk_kms, "KMS").build());
    let made = kms
        .generate_data_key()
        .key_id("alias/data")
        .key_spec(aws_sdk_kms::types::DataKeySpec::Aes256)
        .encryption_context("workspace", "ws_1")
        .send()
        .await
        .unwrap();
    let blob = made.ciphertext_blob().unwrap().clone();
    let opened =
        kms.decrypt().ciphertext_blob(blob.clone()).encryption_context("workspace", "ws_1").send().await.unwrap();
    assert_eq!(opened.plaintext(), made.plaintext());
    let refused = kms.decrypt().ciphertext_blob(blob).send().await.unwrap_err();
    assert!(refused.into_service_error().is_invalid_ciphertext_exception());

    let config = client!(stack, aws_sdk_secretsmanager, "SECRETS_MANAGER").build();
    let secrets = aws_sdk_secretsmanager::Client::from_conf(config);
    let value = secrets.get_secret_value().secret_id("pepper").send().await.unwrap();
    let json: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    assert_ne!(json["v1"], json!(null));
    let missing = secrets.get_secret_value().secret_id("none").send().await.unwrap_err();
    assert!(missing.into_service_error().is_resource_not_found_exception());
}

#[tokio::test]
async fn sts_opens_a_session_that_reaches_its_own_objects_and_items() {
    let stack = Stack::start().await;
    let objects = |who: Credentials| {
        aws_sdk_s3::Client::from_conf(client!(stack, aws_sdk_s3, "S3", who).force_path_style(true).build())
    };
    let operator = objects(Credentials::from_keys(super::OPERATOR, SECRET, None));
    for key in ["rejects/ws_1/a", "rejects/ws_10/a"] {
        operator.put_object().bucket("uploads-test").key(key).body(b"line".to_vec().into()).send().await.unwrap();
    }
    let reader = Credentials::from_keys("reader", SECRET, None);
    let sts = aws_sdk_sts::Client::from_conf(client!(stack, aws_sdk_sts, "STS", reader).build());
    let role = "arn:aws:iam::000000000000:role/prospectra-ReaderWorkspaceRole";
    let assume = || sts.assume_role().role_arn(role).role_session_name("ws_1").duration_seconds(900);
    let refused = assume().send().await.unwrap_err();
    assert_eq!(refused.code(), Some("AccessDenied"), "without a tag");
    let tag = aws_sdk_sts::types::Tag::builder().key("workspace").value("ws_1").build().unwrap();
    let given = assume().tags(tag).send().await.unwrap().credentials.unwrap();
    assert_eq!(given.expiration.secs() - stack.clock.now().as_second(), 900);
    let session = Credentials::from_keys(given.access_key_id, given.secret_access_key, Some(given.session_token));

    let theirs = objects(session.clone());
    let get = |key: &str| theirs.get_object().bucket("uploads-test").key(key);
    assert!(get("rejects/ws_1/a").send().await.is_ok());
    for key in ["rejects/ws_10/a", "rejects/ws_1"] {
        assert_eq!(get(key).send().await.unwrap_err().code(), Some("AccessDenied"), "{key}");
    }
    // What it signs carries its token, and ends with it.
    let signing = PresigningConfig::expires_in(Duration::from_secs(300)).unwrap();
    let link = get("rejects/ws_1/a").presigned(signing).await.unwrap();
    assert_eq!(stack.http.get(link.uri()).send().await.unwrap().status(), 200);

    let items = aws_sdk_dynamodb::Client::from_conf(client!(stack, aws_sdk_dynamodb, "DYNAMODB", session).build());
    let read = |pk: &str| {
        let key = |text: &str| AttributeValue::S(text.to_owned());
        items.get_item().table_name("things").key("pk", key(pk)).key("sk", key("a"))
    };
    assert!(read("W#ws_1").send().await.is_ok());
    assert_eq!(read("W#ws_2").send().await.unwrap_err().code(), Some("AccessDeniedException"));
    stack.clock.set(stack.clock.now() + jiff::SignedDuration::from_secs(901));
    assert_eq!(read("W#ws_1").send().await.unwrap_err().code(), Some("ExpiredTokenException"));
    assert_eq!(stack.http.get(link.uri()).send().await.unwrap().status(), 403);
}
