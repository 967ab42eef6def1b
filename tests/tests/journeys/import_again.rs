//! Importing again: the same, a changed file, after an opt-out and after an erasure.

use serde_json::json;
use tests::{TestStack, run};

const FILE: &str = "email;first_name;company;tags\nann@again.test;Ann;Alpha;salon\nbob@again.test;Bob;Beta;salon\n\
                    cat@again.test;Cat;Gamma;salon\n";

#[test]
fn the_same_file_changes_nothing() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        assert_eq!(sender.import(FILE.as_bytes()).await["created"], 3);
        let before = sender.prospects().await;
        let again = sender.import(FILE.as_bytes()).await;
        assert_eq!((&again["unchanged"], &again["rows_read"]), (&json!(3), &json!(3)), "{again}");
        assert_eq!(sender.prospects().await, before);
        stack.check();
    });
}

#[test]
fn a_changed_file_updates_what_changed_and_keeps_edits() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(FILE.as_bytes()).await;
        let ann = sender.prospect("ann@again.test").await;
        let path = format!("/v1/prospects/{}", ann["id"].as_str().unwrap());
        let edited = sender.patch(&path, json!({"company": "Alpha, à elle"})).await.expect(200).json();
        assert_eq!(edited["edited"], json!(["company"]));

        let changed = FILE.replace("Alpha", "Omega").replace("Ann;", "Anne;").replace("Beta", "Bêta");
        let again = sender.import(changed.as_bytes()).await;
        assert_eq!((&again["updated"], &again["unchanged"]), (&json!(2), &json!(1)), "{again}");
        let ann = sender.prospect("ann@again.test").await;
        assert_eq!((&ann["first_name"], &ann["company"]), (&json!("Anne"), &json!("Alpha, à elle")));
        assert_eq!(sender.prospect("bob@again.test").await["company"], "Bêta");
        stack.check();
    });
}

#[test]
fn an_opt_out_and_an_erasure_are_never_revived() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(FILE.as_bytes()).await;
        sender.campaign(json!({})).await;
        let link = stack.only_mail_to("ann@again.test").unsubscribe();
        stack.client().request(reqwest::Method::POST, &link).send().await.expect(200);
        let bob = sender.prospect("bob@again.test").await;
        let path = format!("/v1/prospects/{}", bob["id"].as_str().unwrap());
        sender.delete(&path).await.expect(204);
        sender.get(&path).await.problem(404, "not-found");

        let shouted = FILE.replace("ann@again.test", "ANN@AGAIN.TEST").replace("Ann;", "Autre;");
        let again = sender.import(shouted.as_bytes()).await;
        assert_eq!((&again["suppressed"], &again["unchanged"]), (&json!(2), &json!(1)), "{again}");
        let people = sender.prospects().await;
        let active: Vec<_> = people.iter().filter(|p| p["state"] == "active").map(|p| p["email"].clone()).collect();
        assert_eq!(active, ["cat@again.test"]);
        assert!(!people.iter().any(|p| p["email"] == "bob@again.test"));
        let by_hand = json!({
            "email": "Bob@again.test", "lawful_basis": "consent",
            "source": {"kind": "form", "detail": "site", "collected_on": sender.today()},
        });
        let refused = sender.post("/v1/prospects", by_hand).await;
        assert!(refused.status == 409 || refused.status == 422, "{}", refused.text());
        assert_eq!(refused.json()["type"], "/problems/suppressed");
        stack.check();
    });
}
