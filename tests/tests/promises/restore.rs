//! A backup is put back: who left since then is gone again before anything is sent.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::store::{Backup, Dump};
use tests::{Sender, TestStack, run};

/// What is put back. The table of opt-outs never is.
const TABLES: [&str; 3] = ["AccountsTable", "ProspectsTable", "OutreachTable"];

/// How to come back to a workspace.
struct Who([String; 3]);

impl Who {
    fn of(sender: &Sender<'_>) -> Who {
        Who([&sender.email, &sender.password, &sender.workspace].map(Clone::clone))
    }

    async fn at<'a>(&self, stack: &'a TestStack) -> Sender<'a> {
        Sender::back(stack, &self.0[0], &self.0[1], &self.0[2]).await
    }
}

#[test]
fn a30_a_restore_starts_muted_and_replays_objections_erasures_and_closings() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = |options: &mut local::Options| {
            options.ephemeral = false;
            options.state_dir = Some(folder.path().to_owned());
        };
        let stack = TestStack::with(kept).await;
        let (stayer, leaver, gone) = (stack.sign_up().await, stack.sign_up().await, stack.sign_up().await);
        stayer
            .import(
                b"email\nstays@restored.test\nobjects@restored.test\nerased@restored.test\nboth@restored.test\n\
                  by-herself@restored.test\nfrozen@restored.test\n",
            )
            .await;
        leaver.import(b"email\nleft@restored.test\n").await;
        gone.import(b"email\ngiven-up@restored.test\n").await;
        let removed = stayer.join("editor").await;
        stayer.campaign(json!({})).await;
        let waiting = leaver.draft(json!({"name": "Jamais"})).await;
        stack.settle().await;
        let [accounts, people, outreach] = TABLES.map(|table| Backup::of(&stack, &[table]));

        // After the backup one objects, one is erased, one company leaves, one for good. The hourly purge comes by.
        let link = stack.only_mail_to("objects@restored.test").unsubscribe();
        stack.client().request(Method::POST, &link).send().await.expect(200);
        let erased = stayer.prospect("erased@restored.test").await;
        stayer.delete(&format!("/v1/prospects/{}", erased["id"].as_str().unwrap())).await.expect(204);
        // Who objects first and is erased afterwards is erased all the same: by the Sender, or at their own request.
        let both = stayer.prospect("both@restored.test").await;
        let herself = stayer.prospect("by-herself@restored.test").await;
        for address in ["both@restored.test", "by-herself@restored.test"] {
            let link = stack.only_mail_to(address).unsubscribe();
            stack.client().request(Method::POST, &link).send().await.expect(200);
        }
        stayer.delete(&format!("/v1/prospects/{}", both["id"].as_str().unwrap())).await.expect(204);
        // Her record goes with the purge, her history when she asks for it.
        stack.purge().await;
        stack.exercise("by-herself@restored.test", "erasure", None).await;
        // One asks that their data be kept and not used, and a member is erased.
        stack.exercise("frozen@restored.test", "restriction", None).await;
        let erasure = removed.post("/v1/privacy/requests", json!({"kind": "erasure"})).await.expect(201).json();
        stack.desk(json!({"answer": {"request": erasure["id"], "refused": false}})).await;
        assert_eq!(Dump::of(&stack).await.mentions(&removed.email), [""; 0]);
        leaver.delete("/v1/workspace").await.expect(200);
        gone.give_up().await.expect(200);
        stack.wait(SignedDuration::from_hours(1));
        stack.purge().await;
        assert_eq!(Dump::of(&stack).await.mentions("given-up@restored.test"), [""; 0]);
        assert_eq!(stayer.prospects().await.len(), 2);
        let removed_one = [removed.email.clone(), removed.password.clone()];
        let (stays, left) = (Who::of(&stayer), Who::of(&leaver));
        stack.finish().await;

        // A day later the tables are lost. The operator names the restore, then puts back one after the other.
        let stack = TestStack::with(|options| {
            kept(options);
            options.overrides.insert("Restore".into(), "drill-1".into());
        })
        .await;
        stack.wait(SignedDuration::from_hours(25));
        let before = stack.mails().len();
        let written_to = |address: &str| stack.mails()[before..].iter().any(|mail| mail.to == address);
        [&accounts, &people, &outreach].iter().for_each(|table| table.lose(&stack));
        people.put_back(&stack);
        stack.purge().await;
        let there = Dump::of(&stack).await.table("ProspectsTable").len();
        assert_eq!(there, 8, "whose company may still come back is not nobody's");
        [&accounts, &outreach].iter().for_each(|table| table.put_back(&stack));

        let (stayer, leaver) = (stays.at(&stack).await, left.at(&stack).await);
        assert_eq!(stayer.prospects().await.len(), 6, "they are back");
        assert_eq!(stayer.prospect("frozen@restored.test").await["state"], "active");
        assert_eq!(stayer.all("/v1/members").await.len(), 2);
        let history = async |of: &Value| {
            let subject = of["id"].as_str().unwrap().trim_start_matches("pro_").to_owned();
            let dump = Dump::of(&stack).await;
            let theirs = |item: &&Value| item["sk"].as_str().is_some_and(|sk| sk.starts_with(&subject));
            dump.table("OutreachTable").iter().filter(theirs).count()
        };
        for who in [&erased, &both, &herself] {
            assert_eq!(history(who).await, 1, "what was sent to whoever was erased is back, too");
        }
        assert_eq!(leaver.get("/v1/workspace").await.json()["status"], "active", "and so is the account");
        let next = stayer.draft(json!({"name": "Après"})).await;
        for (sender, id) in [(&stayer, &next), (&leaver, &waiting)] {
            sender.command(id, "launch").await.expect(202);
        }
        let seen = muted(&stack, 0).await;
        assert_eq!(stayer.look(&next).await["status"], "sending");
        let chased = stack.fire("rights-clock").await.expect("the template has a clock");
        assert_eq!((chased.ok, &chased.result["complete"]), (true, &json!(false)), "nobody is chased");

        // The hourly purge comes by. It knows not whether everything is back, so nothing leaves yet.
        stack.purge().await;
        people.put_back(&stack);
        stack.wait(SignedDuration::from_mins(1));
        muted(&stack, seen).await;
        assert_eq!(stack.mails().len(), before, "something was sent before the replay");

        // All is back: the operator asks for the replay, and only then something leaves, when its Sender says so.
        let report = stack.replay().await;
        for who in [&erased, &both, &herself] {
            assert_eq!(history(who).await, 0, "{report}");
        }
        assert_eq!(report["statement"]["statement"]["restore"], "drill-1", "{report}");
        let emails: Vec<_> = stayer.prospects().await.iter().map(|p| p["email"].clone()).collect();
        assert_eq!(emails.len(), 2, "{emails:?}");
        assert_eq!(stayer.prospect("frozen@restored.test").await["state"], "restricted");
        assert_eq!(stayer.all("/v1/members").await.len(), 1);
        assert_eq!(Dump::of(&stack).await.mentions(&removed_one[0]), [""; 0], "a member who was erased is back");
        let who = json!({"email": removed_one[0], "password": removed_one[1]});
        stack.client().post("/v1/session", who).await.expect(401);
        assert_eq!(leaver.get("/v1/workspace").await.json()["status"], "closed");
        assert_eq!(stayer.look(&next).await["status"], "paused");
        assert_eq!(stack.mails().len(), before, "something was sent before its Sender looked");
        stayer.command(&next, "resume").await.expect(202);
        assert_eq!(stayer.wait_ended(&next).await["counts"]["sent"], 1);
        stack.wait(SignedDuration::from_mins(1));
        stack.settle().await;
        assert!(written_to("stays@restored.test"));
        let names = ["objects", "erased", "both", "by-herself", "frozen", "left"];
        for gone in names.map(|name| format!("{name}@restored.test")) {
            assert!(!written_to(&gone), "{gone} was written to");
        }
        // What was given up is gone again; the other account ends when it would have.
        assert_eq!(Dump::of(&stack).await.mentions("given-up@restored.test"), [""; 0]);
        stack.wait(SignedDuration::from_hours(24 * 31));
        stack.purge().await;
        assert_eq!(Dump::of(&stack).await.mentions("left@restored.test"), [""; 0]);
        stack.finish().await;
    });
}

/// Waits until more than `seen` messages were put back because nothing may be sent; gives how many.
async fn muted(stack: &TestStack, seen: usize) -> usize {
    let put_back = || stack.logs().iter().filter(|line| line.line.contains("muted until")).count();
    tests::wait_for("a message to be put back", || async { Some(put_back()).filter(|count| *count > seen) }).await
}

#[test]
fn a30_a_step_that_is_due_waits_for_the_replay_and_then_for_its_sender() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = |options: &mut local::Options| {
            options.ephemeral = false;
            options.state_dir = Some(folder.path().to_owned());
        };
        let stack = TestStack::with(kept).await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nwaits@restored.test\n").await;
        let id = sender.launch(sender.sequence(json!([{"delay": {"hours": 20}, "text": "Encore."}]))).await;
        let who = Who::of(&sender);
        stack.finish().await;

        let stack = TestStack::with(|options| {
            kept(options);
            options.overrides.insert("Restore".into(), "drill-2".into());
        })
        .await;
        let written = || stack.mails_to("waits@restored.test").len();
        let before = written();
        stack.wait(SignedDuration::from_hours(21));
        let muted = stack.fire("follow-up").await.expect("the template has a follow-up");
        assert_eq!((muted.ok, &muted.result), (true, &json!({"complete": false, "chunks": 0})));
        stack.replay().await;
        let sender = who.at(&stack).await;
        assert_eq!(sender.look(&id).await["status"], "paused");
        assert_eq!(stack.pass(SignedDuration::from_mins(1)).await, 1, "what was due is due still");
        assert_eq!(written(), before, "something was sent before its Sender looked");
        sender.command(&id, "resume").await.expect(202);
        assert_eq!(sender.wait_ended(&id).await["counts"]["sent"], 2);
        assert_eq!(written(), before + 1);
        stack.finish().await;
    });
}
