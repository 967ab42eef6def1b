//! A campaign that does harm pauses itself.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tests::{TestStack, run};

/// Where an event that comes ahead of its chunk is looked at again soon.
async fn impatient() -> TestStack {
    TestStack::with(|options| options.visibility_timeout = Some(Duration::from_secs(2))).await
}

#[test]
fn too_many_bounces_pause_a_campaign_and_a_member_lets_it_go_on() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        let viewer = sender.join("viewer").await;
        let campaign = sender.campaign_that_harms(2_000, |n| (n % 8 == 0).then_some("bounce")).await;
        assert_eq!(campaign["paused_because"], "bounces", "{campaign}");
        let id = campaign["id"].as_str().unwrap();
        // Whoever may resume it is told what came back and what to do, once; the trail says that nobody asked for it.
        let told = |email: &str| {
            let mails = stack.mails_to(email).into_iter();
            mails.filter(|mail| mail.text.contains("s’est mise en pause")).collect::<Vec<_>>()
        };
        let [mail] = &told(&sender.email)[..] else { panic!("one mail") };
        assert!(mail.text.contains("Automne") && mail.text.contains("Reprenez-la"), "{}", mail.text);
        assert!(told(&viewer.email).is_empty());
        let entry = sender.all("/v1/audit?action=campaign.paused").await.remove(0);
        assert_eq!((&entry["about"], &entry["actor"]["kind"]), (&json!(id), &json!("system")), "{entry}");
        assert_eq!(entry["facts"], json!({"because": "bounces"}));

        // It goes on where it stopped, judged by what comes back from now on. Whoever lets it go on and on is suspended.
        let resumed = sender.command(id, "resume").await.expect(202).json();
        assert_eq!((&resumed["status"], &resumed["paused_because"]), (&json!("sending"), &Value::Null));
        let mut harms = 1;
        let over = loop {
            stack.settle().await;
            let campaign = sender.look(id).await;
            let over = campaign["status"] == "completed";
            harms += usize::from(campaign["paused_because"] == "bounces");
            let workspace = sender.get("/v1/workspace").await.expect(200).json();
            assert_eq!(workspace["suspended_at"].is_string(), harms == 3, "{harms}: {campaign} {workspace}");
            if over || harms == 3 {
                break over;
            }
            sender.command(id, "resume").await.expect(202);
        };
        assert!(harms > 1, "what comes back after a resume counts");
        if !over {
            assert_eq!(sender.command(id, "resume").await.status, 403);
        }
        let counts = sender.look(id).await["counts"].clone();
        let of = |name: &str| counts[name].as_u64().unwrap();
        assert_eq!(of("sent") + of("pending"), 2_000, "{counts}");
        let left = stack.mails().iter().filter(|mail| mail.header("List-Unsubscribe").is_some()).count();
        assert_eq!(left as u64, of("sent"));
        stack.finish().await;
    });
}

#[test]
fn several_campaigns_that_are_too_small_to_say_are_judged_together() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        let mut states = Vec::new();
        for number in 1..=3 {
            let row = |n: usize| match n < 10 {
                true => format!("bounce+{number}{n}@simulator.amazonses.com,n{number}\n"),
                false => format!("p{n}@few{number}.test,n{number}\n"),
            };
            let rows: String = (0..30).map(row).collect();
            sender.import(format!("email,tags\n{rows}").as_bytes()).await;
            let audience = json!({"tags_any": [format!("n{number}")]});
            let campaign = sender.campaign(json!({"name": format!("Petite {number}"), "audience": audience})).await;
            stack.settle().await;
            let campaign = sender.look(campaign["id"].as_str().unwrap()).await;
            let workspace = sender.get("/v1/workspace").await.expect(200).json();
            states.push((campaign["paused_because"].clone(), workspace["suspended_at"].is_null()));
        }
        // Thirty say nothing; sixty do, and the third campaign is the second that does harm.
        let bounces = json!("bounces");
        assert_eq!(states, [(Value::Null, true), (bounces.clone(), true), (bounces, false)]);
        stack.finish().await;
    });
}

#[test]
fn a_small_campaign_that_is_over_before_anything_comes_back_is_spoken_of_once() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        let row = |n: usize| {
            if n < 20 { format!("bounce+{n}@simulator.amazonses.com\n") } else { format!("p{n}@few.test\n") }
        };
        let rows: String = (0..100).map(row).collect();
        sender.import(format!("email\n{rows}").as_bytes()).await;
        let campaign = sender.campaign(json!({"name": "Petite"})).await;
        stack.settle().await;
        let campaign = sender.look(campaign["id"].as_str().unwrap()).await;
        assert_eq!(
            (&campaign["status"], &campaign["paused_because"]),
            (&json!("completed"), &json!("bounces")),
            "{campaign}"
        );
        let mails = stack.mails_to(&sender.email);
        let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains("est terminée, et")).collect();
        assert_eq!(told.len(), 1);
        assert!(sender.all("/v1/audit?action=campaign.paused").await.is_empty(), "nothing was paused");

        // Whoever looks sees the same of the workspace, of the channel and of the campaign, for a week.
        let health = sender.get("/v1/health").await.expect(200).json();
        for of in [&health["workspace"], &health["channels"][0], &health["campaigns"][0]] {
            assert_eq!(
                (&of["handed"], &of["bounced"], &of["complained"]),
                (&json!(100), &json!(20), &json!(0)),
                "{of}"
            );
            assert_eq!((&of["bounce_rate"], &of["verdict"]), (&json!(0.2), &json!("harmful")), "{of}");
            assert!(of["advice"].as_str().is_some_and(|advice| advice.contains("addresses")), "{of}");
        }
        assert_eq!(health["limits"], json!({"bounce_rate": 0.04, "complaint_rate": 0.0008}));
        assert_eq!(health["campaigns"][0]["campaign"], campaign["id"]);
        assert_eq!(health["channels"].as_array().map(Vec::len), Some(1));
        let stranger = stack.sign_up().await;
        let theirs = stranger.get("/v1/health").await.expect(200).json();
        assert_eq!((&theirs["workspace"]["verdict"], &theirs["campaigns"]), (&json!("too_few"), &json!([])));

        // A campaign that would go by that channel is warned of it.
        let codes = async |sender: &tests::Sender<'_>| {
            let path = format!("/v1/campaigns/{}/check", campaign["id"].as_str().unwrap());
            let findings = sender.post(&path, json!({})).await.expect(200).json()["findings"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert!(codes(&sender).await.contains(&"channel_bounces".to_owned()));
        stack.wait(SignedDuration::from_hours(8 * 24));
        sender.log_in().await;
        let health = sender.get("/v1/health").await.expect(200).json();
        assert_eq!((&health["workspace"]["handed"], &health["channels"]), (&json!(0), &json!([])), "{health}");
        assert!(!codes(&sender).await.contains(&"channel_bounces".to_owned()));
        stack.finish().await;
    });
}

#[test]
fn one_complaint_in_a_thousand_pauses_a_campaign_and_one_bounce_does_not() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nbounce@simulator.amazonses.com\n").await;
        let campaign = sender.campaign(json!({"name": "Un seul"})).await;
        stack.settle().await;
        assert_eq!(sender.look(campaign["id"].as_str().unwrap()).await["status"], "completed");
        let campaign = sender.campaign_that_harms(2_000, |n| (n % 200 == 0).then_some("complaint")).await;
        assert_eq!(campaign["paused_because"], "complaints", "{campaign}");
        let id = campaign["id"].as_str().unwrap();
        sender.command(id, "cancel").await.expect(200);
        stack.settle().await;
        let counts = sender.look(id).await["counts"].clone();
        assert_eq!(counts["pending"], 0, "{counts}");
        assert!(counts["refused"].as_u64() > Some(0), "{counts}");
        stack.finish().await;
    });
}

#[test]
fn what_was_sent_counts_however_many_campaigns_were_written_since() {
    run(async {
        let stack = impatient().await;
        let sender = stack.sign_up().await;
        sender.import(b"email\nsomebody@counted.test\n").await;
        let sent = sender.campaign(json!({})).await;
        stack.settle().await;
        for _ in 0..101 {
            sender.draft(json!({})).await;
        }
        let health = sender.get("/v1/health").await.expect(200).json();
        assert_eq!((&health["workspace"]["handed"], &health["campaigns"][0]["campaign"]), (&json!(1), &sent["id"]));
        // What has been over for months is not looked at, and nothing of it counts.
        stack.wait(SignedDuration::from_hours(24 * 60));
        sender.log_in().await;
        let health = sender.get("/v1/health").await.expect(200).json();
        assert_eq!((&health["workspace"]["handed"], &health["campaigns"]), (&json!(0), &json!([])));
        stack.finish().await;
    });
}
