//! The mailbox: its list, its pages, its memory.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;

const MESSAGE: &str = "From: =?utf-8?q?Caf=C3=A9?= <news@example.org>\r\nTo: ana@example.com\r\n\
Subject: <script>alert(1)</script> & more\r\nList-Unsubscribe: <mailto:u@example.org>, <https://example.org/u/t\"x>\r\n\
List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
See https://example.org/u/t <b>\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
<p onclick=\"x()\">Hi</p><script>evil()</script>\r\n--b--\r\n";

fn mailbox() -> Mailbox {
    Mailbox::open(None, Clock::new()).unwrap()
}

fn add(mailbox: &Mailbox, to: &str, raw: &str) -> String {
    mailbox.accept(Channel::Ses, "news@example.org", &[to.to_owned()], Bytes::copy_from_slice(raw.as_bytes()))
}

async fn get(mailbox: &Mailbox, path: &str, accept: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
    let response = mailbox.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_list_is_oldest_first() {
    let mailbox = mailbox();
    for n in 0..5 {
        add(&mailbox, &format!("p{n}@example.com"), MESSAGE);
    }
    let (_, body) = get(&mailbox, "/_local/mailbox", "application/json").await;
    let list: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(list.len(), 5);
    let first = list[0].as_object().unwrap();
    let mut fields: Vec<&str> = first.keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["accepted_at", "channel", "envelope_from", "envelope_to", "id", "raw_base64"]);
    assert_eq!(first["channel"], "ses");
    assert_eq!(first["envelope_to"][0], "p0@example.com");
    let after = list[2]["id"].as_str().unwrap();
    let (_, body) = get(&mailbox, &format!("/_local/mailbox?after={after}&limit=1"), "application/json").await;
    let rest: Vec<Value> = serde_json::from_str(&body).unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["envelope_to"][0], "p3@example.com");
}

#[tokio::test]
async fn pages_escape_what_a_message_says() {
    let mailbox = mailbox();
    let id = add(&mailbox, "\"><img src=x>@example.com", MESSAGE);
    let (_, list) = get(&mailbox, "/_local/mailbox", "text/html").await;
    let (status, page) = get(&mailbox, &format!("/_local/mailbox/{id}"), "text/html").await;
    assert_eq!(status, StatusCode::OK);
    for html in [&list, &page] {
        assert!(!html.contains("<script"), "no script, ours or theirs");
        assert!(!html.contains("<img"));
        assert!(html.contains("&lt;script&gt;alert(1)"));
    }
    assert!(page.contains("sandbox=\"\""));
    assert!(page.contains("srcdoc=\"&lt;p onclick=&quot;x()&quot;"));
    assert!(page.contains("Café &lt;news@example.org&gt;"));
    assert!(page.contains("href=\"https://example.org/u/t&quot;x\""), "the web address of List-Unsubscribe");
    assert!(page.contains("value=\"One-Click\""));
    assert!(page.contains("See <a href=\"https://example.org/u/t\""));
    let (_, source) = get(&mailbox, &format!("/_local/mailbox/{id}.eml"), "*/*").await;
    assert_eq!(source, MESSAGE);
    let (status, _) = get(&mailbox, "/_local/mailbox/m99999999", "text/html").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn ten_thousand_messages_stay_quick() {
    let mailbox = mailbox();
    for n in 0..10_000 {
        add(&mailbox, &format!("p{n}@example.com"), MESSAGE);
    }
    let started = Instant::now();
    let (_, page) = get(&mailbox, "/_local/mailbox?page=2", "text/html").await;
    let (_, found) = get(&mailbox, "/_local/mailbox?q=P77%40", "text/html").await;
    assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
    assert_eq!(page.matches("<li>").count(), 100);
    assert!(page.contains("Page 2 of 100"));
    assert!(page.contains("p9899@example.com"), "newest first");
    assert_eq!(found.matches("<li>").count(), 1);
}

#[test]
fn a_restart_finds_its_messages_again() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Mailbox::open(Some(directory.path()), Clock::new()).unwrap();
    let first = add(&open(), "a@example.com", MESSAGE);
    let again = open();
    let second = add(&again, "b@example.com", "Subject: two\r\n\r\n");
    assert!(second > first);
    let all = open().all();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0].raw, MESSAGE);
    assert_eq!(all[1].envelope.envelope_to, ["b@example.com"]);
}
