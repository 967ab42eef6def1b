use super::*;
use crate::routes::Routes;
use crate::template::{EventSource, Function};

fn event_of(request: Request<()>, body: &[u8]) -> Value {
    let function = Function {
        logical_id: "F".to_owned(),
        name: "f".to_owned(),
        arn: String::new(),
        binary: "f".to_owned(),
        timeout: std::time::Duration::from_secs(1),
        memory: 128,
        reserved_concurrency: None,
        env: std::collections::BTreeMap::new(),
        role: String::new(),
        statements: Vec::new(),
        events: vec![EventSource::HttpApi { method: "ANY".to_owned(), path: "/u/{token}".to_owned() }],
    };
    let routes = Routes::of(&[function]);
    let matched = routes.find(request.method().as_str(), request.uri().path()).unwrap();
    let origin =
        Origin { source_ip: "127.0.0.1".to_owned(), port: 8787, now: "2020-03-12T19:03:58.390Z".parse().unwrap() };
    event(&request, &Bytes::copy_from_slice(body), &matched, &origin)
}

#[test]
fn a_request_becomes_a_2_0_event() {
    let request = Request::post("/u/a%20b?x=1&x=2&name=J%C3%A9r%C3%B4me+D")
        .header("Content-Type", "application/json; charset=utf-8")
        .header("User-Agent", "test/1")
        .header("X-Twice", "a")
        .header("X-Twice", "b")
        .header("Cookie", "one=1; two=2")
        .header("Cookie", "three=3")
        .body(())
        .unwrap();
    let event = event_of(request, br#"{"a":1}"#);
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "ANY /u/{token}");
    assert_eq!(event["rawPath"], "/u/a%20b");
    assert_eq!(event["rawQueryString"], "x=1&x=2&name=J%C3%A9r%C3%B4me+D");
    assert_eq!(event["queryStringParameters"], json!({"x": "1,2", "name": "Jérôme D"}));
    assert_eq!(event["pathParameters"], json!({"token": "a b"}));
    assert_eq!(event["headers"]["x-twice"], "a,b");
    assert_eq!(event["headers"]["x-forwarded-for"], "127.0.0.1");
    assert!(event["headers"].get("cookie").is_none());
    assert_eq!(event["cookies"], json!(["one=1", "two=2", "three=3"]));
    assert_eq!(event["body"], r#"{"a":1}"#);
    assert_eq!(event["isBase64Encoded"], false);
    let context = &event["requestContext"];
    assert_eq!(context["time"], "12/Mar/2020:19:03:58 +0000");
    assert_eq!(context["timeEpoch"], 1_584_039_838_390_i64);
    let http = json!({"method": "POST", "path": "/u/a%20b", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test/1"});
    assert_eq!(context["http"], http);
}

#[test]
fn absent_members_are_left_out() {
    let event = event_of(Request::get("/u/x").body(()).unwrap(), b"");
    for member in ["cookies", "queryStringParameters", "body"] {
        assert!(event.get(member).is_none(), "{member}");
    }
    assert_eq!(event["rawQueryString"], "");
}

#[test]
fn forms_and_binary_bodies_are_base64() {
    for (kind, body, encoded) in [
        ("application/x-www-form-urlencoded", &b"List-Unsubscribe=One-Click"[..], true),
        ("application/octet-stream", b"abc", true),
        ("application/json", b"\xff\xfe", true),
        ("application/problem+json", b"{}", false),
        ("TEXT/csv", b"a,b", false),
        ("multipart/form-data; boundary=x", b"--x", true),
    ] {
        let event = event_of(Request::post("/u/x").header("content-type", kind).body(()).unwrap(), body);
        assert_eq!(event["isBase64Encoded"], encoded, "{kind}");
        let received = event["body"].as_str().unwrap();
        let bytes = if encoded { STANDARD.decode(received).unwrap() } else { received.into() };
        assert_eq!(bytes, body);
    }
}

async fn answered(answer: Value) -> (StatusCode, HeaderMap, String) {
    let response = response(answer.to_string().as_bytes()).expect("a response");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn an_answer_becomes_a_response() {
    let (status, headers, body) = answered(json!({
        "statusCode": 201, "headers": {"Content-Type": "text/html", "content-length": "7", "x-n": 1},
        "cookies": ["a=1; Secure", "b=2"], "body": "w6k=", "isBase64Encoded": true,
    }))
    .await;
    assert_eq!((status.as_u16(), body.as_str()), (201, "é"));
    assert_eq!(headers["content-type"], "text/html");
    assert_eq!(headers["x-n"], "1");
    assert!(!headers.contains_key("content-length"));
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1; Secure", "b=2"]);

    let (status, headers, body) = answered(json!({"statusCode": 204})).await;
    assert_eq!((status.as_u16(), headers.len(), body.as_str()), (204, 0, ""));

    let (_, headers, _) = answered(json!({"statusCode": 200, "body": "x"})).await;
    assert_eq!(headers["content-type"], "text/plain;charset=utf-8");
}

#[tokio::test]
async fn an_answer_without_a_status_is_the_body() {
    let (status, headers, body) = answered(json!({"hello": "world"})).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, r#"{"hello":"world"}"#));
    assert_eq!(headers["content-type"], "application/json");
}

#[test]
fn nonsense_is_no_response() {
    for answer in [
        &br#"{"statusCode": 20000}"#[..],
        b"not json",
        br#"{"statusCode": 200, "headers": {"x": "a\nb"}}"#,
        br#"{"statusCode": 200, "body": "%%", "isBase64Encoded": true}"#,
    ] {
        assert!(response(answer).is_none());
    }
}
