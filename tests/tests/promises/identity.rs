//! A copy of an identity document: asked for on a recorded doubt, looked at, decided on, gone (A48).

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Sender, TestStack, run, store::Dump};

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);
const REASON: &str = "The letter is not signed and comes from another town.";
/// What is in a copy and must be nowhere once it is decided.
const CANARY: &str = "Zeisig-Ausweis-0815";

/// A PNG by its first bytes, with the canary in it, and bytes that are no text.
fn copy() -> Vec<u8> {
    [&b"\x89PNG\r\n\x1a\n\0\xff\xfe"[..], CANARY.as_bytes()].concat()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

/// A request by mail of somebody whom a Sender holds; its number.
async fn letter(stack: &TestStack, email: &str) -> String {
    stack.keep_secret(CANARY);
    let entered = json!({"enter": {
        "channel": "email", "kind": "objection", "email": email, "locale": "en", "received_at": stack.now().to_string(),
    }});
    let line = stack.desk(entered).await;
    assert_eq!(line["waits_for"], "proof");
    line["request"].as_str().unwrap().to_owned()
}

/// The same with a doubt; the token of its mail too.
async fn doubted(stack: &TestStack, email: &str) -> (String, String) {
    let request = letter(stack, email).await;
    let token = stack.doubt(&request, email, REASON).await;
    (request, token)
}

async fn copies(stack: &TestStack) -> Vec<String> {
    Dump::of(stack).await.objects.into_keys().filter(|path| path.contains("identitycopies")).collect()
}

async fn opted_out(sender: &Sender<'_>) -> usize {
    sender.get("/v1/prospects?state=opted_out").await.expect(200).json()["items"].as_array().unwrap().len()
}

/// No copy, no link to send one, no word of either, wherever one looks.
async fn nothing_is_left(stack: &TestStack, token: &str) {
    let dump = Dump::of(stack).await;
    assert!(!dump.objects.keys().any(|path| path.contains("identitycopies")), "{:?}", dump.objects.keys());
    assert_eq!(dump.mentions(CANARY), [""; 0]);
    assert!(!dump.table("AccountsTable").iter().any(|item| item["good_for"] == "identity"));
    assert!(!stack.logs().iter().any(|line| line.line.contains(CANARY) || line.line.contains(token)));
    stack.client().request(Method::GET, &format!("/rights/identity/{token}")).send().await.expect(410);
    stack.send_copy(token, &copy()).await.expect(410);
}

#[test]
fn a48_a_copy_is_asked_for_on_a_doubt_looked_at_and_gone_with_the_decision_that_accepts_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nyes@doubt.test\n").await;
        let request = letter(&stack, "yes@doubt.test").await;
        // No copy without a doubt, no doubt without a reason, no second one.
        for order in [json!({"request": request}), json!({"request": request, "reason": " "})] {
            stack.desk_refuses(json!({"doubt": order})).await;
        }
        stack.desk_refuses(json!({"look": {"request": request}})).await;
        stack.desk_refuses(json!({"decide": {"request": request, "accepted": true}})).await;
        let token = stack.doubt(&request, "yes@doubt.test", REASON).await;
        stack.desk_refuses(json!({"doubt": {"request": request, "reason": REASON}})).await;
        let mail = stack.mails_to("yes@doubt.test").pop().unwrap();
        for words in [REASON, "Black out", "deleted with the decision", "30 days", "/rights/identity/"] {
            assert!(mail.text.contains(words), "{words}: {}", mail.text);
        }
        // Looking at the page changes nothing.
        let path = format!("/rights/identity/{token}");
        let page = stack.client().request(Method::GET, &path).send().await.expect(200);
        assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(page.text().contains("multipart/form-data") && !page.text().contains("<script"), "{}", page.text());
        stack.desk_refuses(json!({"look": {"request": request}})).await;

        let sent = stack.send_copy(&token, &copy()).await.expect(200);
        assert!(sent.text().contains("The copy has arrived"), "{}", sent.text());
        let [place] = &copies(&stack).await[..] else { panic!("one copy") };
        assert!(place.contains(&request) && !place.contains("doubt.test"), "{place}");
        let shown = stack.desk(json!({"show": {"request": request}})).await;
        assert_eq!((&shown["waits_for"], &shown["doubt"]["reason"]), (&json!("identity"), &json!(REASON)));
        let received = time(&shown["doubt"]["copy"]["received_at"]);
        assert!(time(&shown["doubt"]["copy"]["deleted_at_the_latest"]) <= received + DAY * 30 + SECOND * 3600);
        // Nobody is believed for what nobody has looked at.
        stack.desk_refuses(json!({"decide": {"request": request, "accepted": true}})).await;
        let look = stack.desk(json!({"look": {"request": request}})).await;
        let url = look["url"].as_str().unwrap();
        assert!(time(&look["until"]) <= stack.now() + SECOND * 300);
        assert!(url.contains("X-Amz-Expires=300"), "{url}");
        let seen = reqwest::get(url).await.unwrap();
        assert_eq!(seen.headers()["content-disposition"], "attachment");
        assert_eq!(seen.bytes().await.unwrap(), copy());

        let decided = stack.desk(json!({"decide": {"request": request, "accepted": true}})).await;
        assert_eq!(decided["waits_for"], "nobody", "it is done");
        assert_eq!(opted_out(&sender).await, 1, "it goes on as after a proof of the mailbox");
        assert!(stack.mails_to("yes@doubt.test").pop().unwrap().text.contains("none of them will write to you again"));
        nothing_is_left(&stack, &token).await;
        // What is kept says that it was checked, when, and how it ended; not why, and not whose it was.
        let dump = Dump::of(&stack).await;
        let closed = dump.table("RightsTable").iter().find(|item| item["pk"] == "CLOSED").expect("closed");
        assert_eq!(closed["check"]["decision"]["accepted"], true, "{closed}");
        assert_eq!(closed["check"]["looked_at"].as_array().unwrap().len(), 1, "{closed}");
        assert_eq!(dump.mentions(REASON), [""; 0]);
        stack.finish().await;
    });
}

#[test]
fn a48_a_decision_that_refuses_says_why_and_leaves_no_copy_either() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nno@doubt.test\n").await;
        let (request, token) = doubted(&stack, "no@doubt.test").await;
        stack.send_copy(&token, &copy()).await.expect(200);
        stack.desk_refuses(json!({"decide": {"request": request, "accepted": false}})).await;
        assert_eq!(copies(&stack).await.len(), 1, "what is refused by itself decides nothing");
        let why = "The name is another one.";
        stack.desk(json!({"decide": {"request": request, "accepted": false, "reason": why}})).await;
        let mail = stack.mails_to("no@doubt.test").pop().unwrap();
        assert!(mail.text.contains(why) && mail.text.contains("cnil.fr"), "{}", mail.text);
        assert_eq!(opted_out(&sender).await, 0);
        assert_eq!(stack.desk(json!({"list": {}})).await["open"], json!([]));
        nothing_is_left(&stack, &token).await;
        stack.finish().await;
    });
}

#[test]
fn a48_a_copy_that_nobody_decides_on_goes_after_thirty_days_to_the_second() {
    run(async {
        let stack = TestStack::start().await;
        let (request, token) = doubted(&stack, "late@doubt.test").await;
        stack.wait(SECOND * 60);
        stack.send_copy(&token, &copy()).await.expect(200);
        let shown = stack.desk(json!({"show": {"request": request}})).await;
        let end = time(&shown["doubt"]["copy"]["deleted_at_the_latest"]);
        let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
        let received = time(&shown["doubt"]["copy"]["received_at"]).to_zoned(zone);
        assert_eq!(end, received.checked_add(jiff::Span::new().days(30)).unwrap().timestamp());
        // The link is a minute older than the copy: it goes first, and by then opens nothing.
        let before = stack.purge_at(end - SECOND).await;
        assert_eq!(before["deleted"]["identity_copy"], 1, "the link: {before}");
        assert_eq!(copies(&stack).await.len(), 1, "deleted early");
        stack.set_time(end + SECOND);
        stack.client().request(Method::GET, &format!("/rights/identity/{token}")).send().await.expect(410);
        let foreseen = stack.foresee().await;
        assert_eq!(foreseen["due"]["identity_copy"]["why"], json!({"period_over": 1}), "{foreseen}");
        assert_eq!(time(&foreseen["due"]["identity_copy"]["earliest"]), end);
        assert_eq!(copies(&stack).await.len(), 1, "a dry run deletes nothing");
        // Nobody looks at what has to be gone, whether or not the purge has come by.
        assert_eq!(stack.desk(json!({"show": {"request": request}})).await["doubt"]["copy"], Value::Null);
        stack.desk_refuses(json!({"look": {"request": request}})).await;
        let report = stack.purge_at(end).await;
        assert_eq!(report["deleted"]["identity_copy"], 1, "{report}");
        let statement = &report["statement"]["statement"];
        assert_eq!((&statement["deleted"]["identity_copy"], &statement["residuals"]), (&json!(1), &json!({})));
        let touched = json!({"looked_at": 1, "deleted": 1, "changed": 0});
        assert_eq!(statement["stores"]["identity_bucket"], touched, "{statement}");
        assert!(copies(&stack).await.is_empty(), "still there at the second");
        // The request itself is open and chased like any other.
        assert_eq!(stack.rights_clock().await["open"], 1);
        let why = "Nothing came that settles the doubt.";
        stack.desk(json!({"decide": {"request": request, "accepted": false, "reason": why}})).await;
        nothing_is_left(&stack, &token).await;
        stack.finish().await;
    });
}

#[test]
fn a48_only_a_small_document_is_taken_by_its_own_link_and_the_last_one_counts() {
    run(async {
        let stack = TestStack::start().await;
        let (one, token) = doubted(&stack, "one@doubt.test").await;
        let (two, other) = doubted(&stack, "two@doubt.test").await;
        let of_size = |size: usize| [&b"%PDF-1.7\n"[..], &vec![b'x'; size - 9]].concat();
        let most = 4 * 1024 * 1024;
        for (bytes, status) in [
            (b"GIF89a and so on".to_vec(), 415),
            (b"<html><script>alert(1)</script>".to_vec(), 415),
            (b"".to_vec(), 422),
            (of_size(most + 1), 413),
        ] {
            let page = stack.send_copy(&token, &bytes).await.expect(status);
            assert!(page.text().contains("role=\"alert\"") && page.text().contains("<form"), "{}", page.text());
        }
        let path = format!("/rights/identity/{token}");
        let post = |media: &str, body: &[u8]| stack.client().request(Method::POST, &path).body(media, body);
        post("application/x-www-form-urlencoded", b"copy=x").send().await.expect(415);
        post("multipart/form-data; boundary=x", b"no form").header("accept", "text/html").send().await.expect(400);
        post("application/json", b"{}").send().await.problem(415, "unsupported-media-type");
        stack.send_copy(&"A".repeat(43), &copy()).await.expect(410);
        // A token that is good for something else opens nothing here.
        let proof = stack.ask_rights("three@doubt.test", "access", None).await;
        stack.send_copy(&proof, &copy()).await.expect(410);
        assert!(copies(&stack).await.is_empty());

        stack.send_copy(&token, &of_size(most)).await.expect(200);
        stack.wait(SECOND);
        stack.send_copy(&token, &copy()).await.expect(200);
        let [place] = &copies(&stack).await[..] else { panic!("the second takes the place of the first") };
        assert!(place.contains(&one) && !place.contains(&two));
        // Of the other request there is none, and its link puts it nowhere else.
        stack.desk_refuses(json!({"look": {"request": two}})).await;
        stack.send_copy(&other, b"\xff\xd8\xff\xe0 JFIF").await.expect(200);
        let look = stack.desk(json!({"look": {"request": two}})).await;
        let seen = reqwest::get(look["url"].as_str().unwrap()).await.unwrap();
        assert_eq!(seen.headers()["content-type"], "image/jpeg", "what it is, not what it was called");
        // One decision ends one doubt.
        stack.desk(json!({"decide": {"request": two, "accepted": true}})).await;
        assert_eq!(copies(&stack).await.len(), 1);
        // Another copy since the look: it is looked at first.
        stack.desk(json!({"look": {"request": one}})).await;
        stack.wait(SECOND);
        stack.send_copy(&token, &copy()).await.expect(200);
        stack.desk_refuses(json!({"decide": {"request": one, "accepted": true}})).await;
        stack.desk(json!({"answer": {"request": one, "refused": true, "reason": "No."}})).await;
        nothing_is_left(&stack, &token).await;
        stack.finish().await;
    });
}

#[test]
fn a48_whatever_else_ends_a_request_takes_the_copy_with_it() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        // The mailbox is proved after all.
        let request = letter(&stack, "proves@doubt.test").await;
        let proof = stack.only_mail_to("proves@doubt.test").token();
        let token = stack.doubt(&request, "proves@doubt.test", REASON).await;
        stack.send_copy(&token, &copy()).await.expect(200);
        stack.prove(&proof).await.expect(200);
        nothing_is_left(&stack, &token).await;
        // A request of Senders is not the operator's to doubt.
        sender.import(b"email\nheld@doubt.test\n").await;
        let held = stack.exercise("held@doubt.test", "rectification", Some("name")).await;
        stack.desk_refuses(json!({"doubt": {"request": held["request"], "reason": REASON}})).await;

        // An account's own: believed, the operator still has to answer it.
        let ask = || sender.post("/v1/privacy/requests", json!({"kind": "access"}));
        let own = ask().await.expect(201).json();
        let own = own["id"].as_str().unwrap();
        let token = stack.doubt(own, &sender.email, REASON).await;
        stack.send_copy(&token, &copy()).await.expect(200);
        stack.desk(json!({"look": {"request": own}})).await;
        let line = stack.desk(json!({"decide": {"request": own, "accepted": true}})).await;
        assert_eq!(line["waits_for"], "operator");
        nothing_is_left(&stack, &token).await;
        stack.desk_refuses(json!({"doubt": {"request": own, "reason": REASON}})).await;
        stack.desk(json!({"answer": {"request": own, "refused": false}})).await;

        // One that ends with its account, and one that was cut short after its decision.
        let own = ask().await.expect(201).json();
        let token = stack.doubt(own["id"].as_str().unwrap(), &sender.email, REASON).await;
        let closed = sender.delete("/v1/workspace").await.expect(200).json();
        stack.set_time(time(&closed["deleted_after"]) - SECOND * 3600);
        stack.send_copy(&token, &copy()).await.expect(200);
        stack.set_time(time(&closed["deleted_after"]) + SECOND);
        stack.purge().await;
        let clock = stack.rights_clock().await;
        assert_eq!((&clock["closed"], &clock["failed"]), (&json!(2), &json!(0)), "and what the Sender had to answer");
        nothing_is_left(&stack, &token).await;
        let buckets = &stack.template().buckets;
        let bucket = buckets.iter().find(|bucket| bucket.name.contains("identitycopies")).expect("a bucket");
        let folder = stack.backends().objects().join(&bucket.name).join(own["id"].as_str().unwrap());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(stack.now().as_millisecond().to_string()), copy()).unwrap();
        let report = stack.purge().await;
        assert_eq!(report["deleted"]["identity_copy"], 1, "{report} {:?}", copies(&stack).await);
        nothing_is_left(&stack, &token).await;
        stack.finish().await;
    });
}
