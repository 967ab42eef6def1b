//! From signing up to the purge.

use jiff::SignedDuration;
use serde_json::json;
use tests::{TestStack, run, store::Dump};

#[test]
fn a_company_signs_up_imports_sends_is_refused_by_one_and_is_purged() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;

        let csv = "Prénom;Nom;E-mail;Société;Fonction\r\nZoé;Dupont;zoe@alpha.test;Alpha;Directrice\r\n\
                   Luc;Petit;luc@beta.test;Bêta;Acheteur\r\nBad;Row;pas une adresse;X;Y\r\nFree;Mail;x@gmail.com;X;Y\r\n";
        let import = sender.import(csv.as_bytes()).await;
        assert_eq!(import["status"], "done", "{import}");
        assert_eq!((&import["created"], &import["rejected"]), (&json!(2), &json!(2)), "{import}");
        let report = sender.get(&format!("/v1/imports/{}/rejects", import["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(report.text().lines().count(), 3, "{}", report.text());

        let id = sender.draft(json!({})).await;
        let preview = sender.command(&id, "preview").await.expect(200).json();
        assert_eq!(preview["counts"], json!({"audience": 2, "will_receive": 2, "refused": 0}));
        sender.command(&id, "launch").await.expect(202);
        let campaign = sender.wait_ended(&id).await;
        assert_eq!(campaign["counts"]["sent"], 2, "{campaign}");

        let mail = stack.only_mail_to("zoe@alpha.test");
        assert_eq!(mail.subject, "Une question pour Alpha");
        assert!(mail.text.starts_with("Bonjour Zoé,\n\nAvez-vous cinq minutes ?"), "{}", mail.text);
        let stop = stack.client().request(reqwest::Method::POST, &mail.unsubscribe());
        stop.body("application/x-www-form-urlencoded", "List-Unsubscribe=One-Click").send().await.expect(200);

        let again = sender.campaign(json!({"name": "Été"})).await;
        assert_eq!(again["counts"]["sent"], 1, "{again}");
        assert_eq!(again["refused_by_reason"], json!({"opted_out": 1}), "{again}");
        assert_eq!(stack.mails_to("zoe@alpha.test").len(), 1);
        assert_eq!(stack.mails_to("luc@beta.test").len(), 2);

        // Three years and a day later nothing about either of them is left.
        stack.wait(SignedDuration::from_hours(24 * (3 * 365 + 2)));
        stack.purge().await;
        let dump = Dump::of(&stack).await;
        for gone in ["zoe@alpha.test", "luc@beta.test", "Dupont"] {
            assert_eq!(dump.mentions(gone), [""; 0], "{gone}");
        }
        assert!(dump.table("SuppressionsTable").is_empty());
        stack.finish().await;
    });
}
