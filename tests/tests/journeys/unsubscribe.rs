//! The link in every message.

use reqwest::Method;
use serde_json::json;
use tests::{Answer, Sender, TestStack, run, store::Dump};

async fn opted_out(sender: &Sender<'_>, email: &str) -> bool {
    sender.prospect(email).await["state"] == "opted_out"
}

#[track_caller]
fn plain_page(answer: &Answer) {
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.headers.get("set-cookie").is_none() && answer.headers.get("location").is_none());
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert!(!answer.text().contains("<script"));
}

/// What differs from person to person in a page: nothing but the address it posts to.
fn anonymous(answer: &Answer, url: &str) -> String {
    let token = url.rsplit('/').next().unwrap();
    answer.text().replace(token, "TOKEN")
}

#[test]
fn looking_changes_nothing_and_every_kind_of_post_stops_it() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let names = ["form", "multi", "empty", "button", "json"];
        let csv: String = names.iter().map(|name| format!("{name}@stop.test;{name}\n")).collect();
        sender.import(format!("email;first_name\n{csv}").as_bytes()).await;
        sender.campaign(json!({})).await;
        let client = stack.client();

        let link = |name: &str| stack.only_mail_to(&format!("{name}@stop.test")).unsubscribe();
        for name in names {
            let email = format!("{name}@stop.test");
            let page = client.get(&link(name)).await;
            plain_page(&page);
            assert_eq!(page.header("content-language"), "fr");
            let head = client.request(Method::HEAD, &link(name)).send().await.expect(200);
            assert!(head.body.is_empty());
            let options = client.request(Method::OPTIONS, &link(name)).send().await.expect(204);
            assert_eq!(options.header("allow"), "GET, HEAD, OPTIONS, POST");
            assert!(!opted_out(&sender, &email).await, "{name}: looking opted out");
        }

        let post = |name: &str| client.request(Method::POST, &link(name));
        let one_click = "List-Unsubscribe=One-Click";
        let part = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
        let page = client.get(&link("button")).await.text();
        let action = page.split("action=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a form");
        assert!(page.contains("method=\"post\""), "{page}");
        assert!(link("button").ends_with(action), "{action}");
        let answers = [
            post("form").body("application/x-www-form-urlencoded", one_click).send().await,
            post("multi").body("multipart/form-data; boundary=b", part).send().await,
            post("empty").send().await,
            client.request(Method::POST, action).body("application/x-www-form-urlencoded", "").send().await,
            post("json").body("application/json", "{}").send().await,
        ];
        for (name, answer) in names.iter().zip(&answers) {
            plain_page(answer);
            assert!(opted_out(&sender, &format!("{name}@stop.test")).await, "{name}: not stopped");
        }
        // Again is no different.
        plain_page(&post("form").send().await);
        stack.check();
    });
}

#[test]
fn a_token_that_means_nobody_gets_the_same_answer_and_leaves_no_trace() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;first_name\nreal@token.test;R\n").await;
        sender.campaign(json!({})).await;
        let real = stack.only_mail_to("real@token.test").unsubscribe();
        let (base, token) = real.rsplit_once('/').unwrap();
        assert!(token.len() <= 72, "{} characters", token.len());
        // Not its last character, of which not every bit counts.
        let (head, tail) = token.split_at(token.len() - 2);
        let other = if tail.starts_with('A') { 'B' } else { 'A' };
        let forged = format!("{base}/{head}{other}{}", &tail[1..]);
        let client = stack.client();

        let stranger = client.request(Method::POST, &forged).send().await;
        assert_eq!(Dump::of(&stack).await.table("SuppressionsTable").len(), 0);
        let known = client.request(Method::POST, &real).send().await;
        assert_eq!(Dump::of(&stack).await.table("SuppressionsTable").len(), 1);
        assert_eq!((stranger.status, anonymous(&stranger, &forged)), (known.status, anonymous(&known, &real)));
        let names =
            |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names(&stranger), names(&known));
        let (asked, asked_forged) = (client.get(&real).await, client.get(&forged).await);
        assert_eq!(anonymous(&asked, &real), anonymous(&asked_forged, &forged));
        // What a mail program cut is no token: it stops nothing, and nobody is told that it does.
        for bad in ["x", "%00", "a.b.c", &token[..token.len() - 3], &"A".repeat(400)] {
            for method in [Method::GET, Method::POST] {
                let answer =
                    client.request(method, &format!("{base}/{bad}")).header("accept-language", "en").send().await;
                assert_eq!(answer.status, 404, "{bad}");
                assert!(answer.text().contains("Nothing was changed"), "{}", answer.text());
            }
        }
        assert_eq!(Dump::of(&stack).await.table("SuppressionsTable").len(), 1);
        stack.finish().await;
    });
}

#[test]
fn the_page_speaks_the_recipients_language() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(b"email;langue\njane@lang.test;en\njeanne@lang.test;fr\n").await;
        sender.campaign(json!({})).await;
        for (email, language, word) in
            [("jane@lang.test", "en", "lang=\"en\""), ("jeanne@lang.test", "fr", "lang=\"fr\"")]
        {
            let link = stack.only_mail_to(email).unsubscribe();
            let asked = stack.client().request(Method::GET, &link).header("accept-language", "de").send().await;
            assert_eq!(asked.header("content-language"), language, "{email}");
            assert!(asked.text().contains(word));
            let done = stack.client().request(Method::POST, &link).send().await;
            assert_eq!(done.header("content-language"), language, "{email}");
        }
        stack.check();
    });
}
