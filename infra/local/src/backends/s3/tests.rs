//! S3: signatures, permissions and the news of an upload.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::backends::tests::Stack;
use crate::backends::{ObjectCreated, SECRET};
use crate::clock::system_now;

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A presigned URL (Signature Version 4, query string, unsigned payload).
fn presign(endpoint: &str, method: &str, caller: &str, path: &str, now: Timestamp) -> String {
    let host = endpoint.strip_prefix("http://").unwrap();
    let day = now.strftime("%Y%m%d").to_string();
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let scope = format!("{day}/eu-west-3/s3/aws4_request");
    let query = format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={caller}%2F{}&X-Amz-Date={time}\
         &X-Amz-Expires=300&X-Amz-SignedHeaders=host",
        scope.replace('/', "%2F")
    );
    let canonical = format!("{method}\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}");
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in [day.as_str(), "eu-west-3", "s3", "aws4_request"] {
        key = hmac(&key, part);
    }
    let signature = hex::encode(hmac(&key, &to_sign));
    format!("{endpoint}{path}?{query}&X-Amz-Signature={signature}")
}

#[tokio::test]
async fn a_presigned_upload_arrives_and_is_told() {
    let mut stack = Stack::start().await;
    let endpoint = stack.url("S3");
    let sign = |method: &str, caller: &str, path: &str| presign(&endpoint, method, caller, path, system_now());
    let path = "/uploads-test/uploads/imp_1%20a%2Bb.csv";
    let put = sign("PUT", "writer", path);
    let response = stack.http.put(&put).body("email\nana@example.com\n").send().await.unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
    let told = stack.created.recv().await.unwrap();
    assert_eq!(
        told,
        ObjectCreated {
            bucket: "uploads-test".to_owned(),
            key: "uploads/imp_1 a+b.csv".to_owned(),
            size: 22,
            etag: crate::backends::sqs::md5(b"email\nana@example.com\n"),
        }
    );
    let get = sign("GET", "writer", path);
    let range = stack.http.get(&get).header("range", "bytes=6-8").send().await.unwrap();
    assert_eq!(range.status(), 206);
    assert_eq!(range.text().await.unwrap(), "ana");
    let usage = stack.backends.meter().snapshot().of("writer", "s3:PutObject");
    assert_eq!((usage.count, usage.bytes), (1, 22));

    let tampered = put.replace("imp_1", "imp_2");
    assert_eq!(stack.http.put(&tampered).body("x").send().await.unwrap().status(), 403);
    let elsewhere = sign("PUT", "writer", "/uploads-test/reports/a");
    assert_eq!(stack.http.put(&elsewhere).body("x").send().await.unwrap().status(), 403, "not in its statement");
    let reader = sign("GET", "reader", path);
    let refused = stack.http.get(&reader).send().await.unwrap();
    assert_eq!(refused.status(), 403);
    assert!(refused.text().await.unwrap().contains("<Code>AccessDenied</Code>"));
    let unsigned = format!("{}{path}", stack.url("S3"));
    assert_eq!(stack.http.get(&unsigned).send().await.unwrap().status(), 403);
    assert!(stack.created.try_recv().is_err(), "nothing else was created");

    // Whoever may read but not list is not told that something is missing.
    let missing = sign("GET", "reader", "/uploads-test/open/none");
    assert_eq!(stack.http.get(&missing).send().await.unwrap().status(), 403);
    let missing = sign("GET", "writer", "/uploads-test/uploads/none");
    assert_eq!(stack.http.get(&missing).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn what_a_bucket_encrypts_needs_its_key_too() {
    let stack = Stack::start().await;
    let endpoint = stack.url("S3");
    let sign = |method: &str, caller: &str| presign(&endpoint, method, caller, "/sealed-test/a", system_now());
    let put = stack.http.put(sign("PUT", "reader")).body("x").send().await.unwrap();
    assert_eq!(put.status(), 403);
    assert!(put.text().await.unwrap().contains("kms:GenerateDataKey"));
    assert_eq!(stack.http.put(sign("PUT", "writer")).body("x").send().await.unwrap().status(), 200);
    assert_eq!(stack.http.get(sign("GET", "writer")).send().await.unwrap().status(), 200);
    let get = stack.http.get(sign("GET", "reader")).send().await.unwrap();
    assert_eq!(get.status(), 403);
    assert!(get.text().await.unwrap().contains("kms:Decrypt"));
}
