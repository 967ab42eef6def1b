//! People: found, corrected, frozen, erased, taken elsewhere.

use reqwest::Method;
use serde_json::json;
use tests::{TestStack, run};

const FILE: &str = "email;first_name;last_name;company;job_title;tags;notes;country;langue\n\
    ann@people.test;Ann;Été;Alpha;Acheteuse;salon, vip;rappeler;FR;fr\n\
    bob@people.test;Bob;Roux;=Beta;Directeur;salon;\"deux\nlignes\";BE;en\n\
    cat@people.test;;;;;;;;\n";

#[test]
fn people_are_found_corrected_and_erased() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        let import = sender.import(FILE.as_bytes()).await;
        let import_id = import["id"].as_str().unwrap();
        let emails = async |query: &str| {
            let mut found: Vec<_> = sender.all(&format!("/v1/prospects?{query}")).await;
            found.sort_by_key(|p| p["email"].as_str().unwrap().to_owned());
            found.iter().map(|p| p["email"].as_str().unwrap().split('@').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(emails("tag=vip").await, ["ann"]);
        assert_eq!(emails("tag=salon").await, ["ann", "bob"]);
        assert_eq!(emails("text=roux").await, ["bob"]);
        assert_eq!(emails("text=DIRECT").await, ["bob"]);
        assert_eq!(emails(&format!("import={import_id}")).await, ["ann", "bob", "cat"]);
        assert_eq!(emails("state=restricted").await, [""; 0]);

        let by_hand = json!({
            "email": "dan@people.test", "first_name": "Dan", "tags": ["vip"], "lawful_basis": "consent",
            "source": {"kind": "form", "detail": "Formulaire du site", "collected_on": sender.today()},
        });
        let added = sender.post("/v1/prospects", by_hand.clone()).await.expect(201);
        let dan = added.header("location");
        assert_eq!(dan, format!("/v1/prospects/{}", added.json()["id"].as_str().unwrap()));
        let again = sender.post("/v1/prospects", by_hand).await;
        again.problem(409, "prospect-exists");

        let path = format!("/v1/prospects/{}", sender.prospect("ann@people.test").await["id"].as_str().unwrap());
        let changed = json!({"last_name": "Hiver", "job_title": null, "tags": ["client"], "state": "restricted"});
        let ann = sender.patch(&path, changed).await.expect(200).json();
        assert_eq!(
            (&ann["last_name"], &ann["job_title"], &ann["tags"]),
            (&json!("Hiver"), &json!(null), &json!(["client"]))
        );
        assert_eq!(emails("state=restricted").await, ["ann"]);
        assert_eq!(emails("tag=vip").await, ["dan"]);
        for (change, field) in [
            (json!({"email": "x@people.test"}), "email"),
            (json!({"country": "France"}), "country"),
            (json!({"company": "a\r\nBcc: b@c.test"}), "company"),
        ] {
            let refused = sender.patch(&path, change).await;
            refused.problem(422, "validation-failed");
            assert_eq!(refused.fields(), [field]);
        }
        sender.delete(&dan).await.expect(204);
        sender.get(&dan).await.problem(404, "not-found");
        assert_eq!(emails("").await, ["ann", "bob", "cat"]);
        stack.check();
    });
}

#[test]
fn an_export_imports_again_and_changes_nothing() {
    run(async {
        let stack = TestStack::shared().await;
        let sender = stack.sign_up().await;
        sender.import(FILE.as_bytes()).await;
        let before = sender.prospects().await;
        let csv = sender.get("/v1/prospects/export").await.expect(200);
        assert!(csv.header("content-type").starts_with("text/csv"));
        assert!(csv.header("content-disposition").starts_with("attachment"));
        assert!(csv.text().contains("'=Beta"), "a formula left as one: {}", csv.text());

        let again = sender.import(&csv.body).await;
        assert_eq!(again["rows_read"], 3, "{again}");
        assert_eq!((&again["rejected"], &again["created"]), (&json!(0), &json!(0)), "{again}");
        assert_eq!(again["unchanged"], 3, "{again}");
        assert_eq!(sender.prospects().await, before);
        // The same file makes the same people in a new workspace.
        let other = stack.sign_up().await;
        assert_eq!(other.import(&csv.body).await["created"], 3);
        let fields = ["email", "first_name", "last_name", "company", "job_title", "tags", "notes", "country", "locale"];
        for (here, there) in before.iter().zip(other.prospects().await) {
            for field in fields {
                assert_eq!(here[field], there[field], "{field}");
            }
        }

        let as_json = sender.get("/v1/prospects/export?format=json").await.expect(200).json();
        assert_eq!(as_json["items"].as_array().map(Vec::len), Some(3));
        let accepted = sender.request(Method::GET, "/v1/prospects/export").header("accept", "application/json");
        assert_eq!(accepted.send().await.expect(200).json(), as_json);
        let some = sender.get("/v1/prospects/export?tag=vip").await.expect(200);
        assert_eq!(some.text().lines().count(), 2);
        stack.check();
    });
}
