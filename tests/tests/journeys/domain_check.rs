//! What receivers find when they look up a Sender's domain.

use content::domain_check::USUAL_SELECTORS;
use jiff::SignedDuration;
use local::backends::dns::Zone;
use serde_json::{Value, json};
use tests::{Sender, TestStack, files::people, run};

fn zone(name: &str) -> Zone {
    Zone { name: name.to_owned(), txt: Vec::new(), mx: Vec::new(), a: Vec::new(), ptr: Vec::new() }
}

fn domain(sender: &Sender<'_>) -> String {
    sender.email.split('@').nth(1).unwrap().to_owned()
}

async fn codes(sender: &Sender<'_>, path: &str) -> Vec<String> {
    let found = sender.get(path).await.expect(200).json();
    found["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_check_says_what_is_missing_with_the_record_to_publish() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let (domain, dns) = (domain(&sender), stack.backends().dns());
        assert_eq!(codes(&sender, "/v1/sender/check").await, ["dkim_guessed"]);
        for selector in USUAL_SELECTORS {
            dns.set(zone(&format!("{selector}._domainkey.{domain}")));
        }
        assert_eq!(codes(&sender, "/v1/sender/check").await, ["dkim_not_looked_up"]);
        assert!(codes(&sender, "/v1/sender/check?selector=x1,x2").await.is_empty());

        dns.set(Zone { mx: vec!["mx.example.com".into()], ..zone(&domain) });
        dns.set(zone(&format!("_dmarc.{domain}")));
        dns.set(zone("_dmarc.test"));
        dns.set(zone(&format!("s1._domainkey.{domain}")));
        let found = sender.get("/v1/sender/check?selector=s1").await.expect(200).json();
        assert_eq!(found["domain"], domain.as_str());
        let publish = |code: &str| {
            let all = found["findings"].as_array().unwrap();
            all.iter().find(|one| one["code"] == code).unwrap_or_else(|| panic!("{code}: {found}"))["publish"].clone()
        };
        assert_eq!(
            publish("spf_missing"),
            json!({"name": domain, "type": "TXT", "value": "v=spf1 include:amazonses.com ~all"})
        );
        let dmarc = json!({"name": format!("_dmarc.{domain}"), "type": "TXT", "value": format!("v=DMARC1; p=none; rua=mailto:contact@{domain}")});
        assert_eq!(publish("dmarc_missing"), dmarc);
        assert_eq!(publish("dkim_missing")["value"], "s1.dkim.amazonses.com");

        // A relay is judged by its address, and the names that lead back to it.
        let port = stack.backends().smtp().tls_port();
        let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
        sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
        dns.set(Zone {
            mx: vec!["mx.example.com".into()],
            txt: vec!["v=spf1 ip4:192.0.2.1 -all".into()],
            ..zone(&domain)
        });
        dns.set(zone("1.0.0.127.in-addr.arpa"));
        let found = codes(&sender, "/v1/sender/check?selector=x2").await;
        for code in ["spf_without_channel", "relay_without_name", "dmarc_missing"] {
            assert!(found.iter().any(|found| found == code), "{code}: {found:?}");
        }
        // Another channel writes from another domain.
        let other = json!({"name": "2", "transport": {"kind": "ses"}, "from_email": "zoe@elsewhere.test"});
        let other = sender.post("/v1/channels", other).await.expect(200).json();
        let path = format!("/v1/sender/check?channel={}&selector=s1", other["id"].as_str().unwrap());
        assert!(codes(&sender, &path).await.is_empty());
        sender.get("/v1/sender/check?channel=chn_1").await.problem(404, "not-found");
        sender.get("/v1/sender/check?selector=a%20b").await.problem(422, "validation-failed");
        stack.finish().await;
    });
}

#[test]
fn blocklists_are_asked_where_the_operator_names_them_and_nowhere_else() {
    run(async {
        let relay = |stack: &TestStack| {
            let port = stack.backends().smtp().tls_port();
            json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"})
        };
        let list_all = |stack: &TestStack, domain: &str| {
            for name in ["1.0.0.127.zen.example", &format!("{domain}.dbl.example")] {
                let (a, txt) = (vec!["127.0.0.4".parse().unwrap()], vec!["https://zen.example/why".into()]);
                stack.backends().dns().set(Zone { a, txt, ..zone(name) });
            }
        };
        let path = "/v1/sender/check?selector=s1";
        let lists = "ip:zen.example, domain:dbl.example";
        for (named, expected) in [("", vec![]), (lists, vec!["blocklisted"; 2])] {
            let stack = TestStack::with(|options| {
                options.overrides.insert("Blocklists".to_owned(), named.to_owned());
            })
            .await;
            let sender = stack.sign_up().await;
            sender.put("/v1/sender", sender.identity(relay(&stack))).await.expect(200);
            let domain = domain(&sender);
            let listed = async || {
                let codes = codes(&sender, path).await;
                codes.into_iter().filter(|code| code == "blocklisted").collect::<Vec<_>>()
            };
            assert!(listed().await.is_empty());
            list_all(&stack, &domain);
            assert_eq!(listed().await, expected, "{named}");
            if !named.is_empty() {
                let found = sender.get(path).await.json();
                let said = found["findings"][0]["message"].as_str().unwrap();
                assert!(
                    said.starts_with("127.0.0.1 is on the blocklist zen.example (https://zen.example/why)"),
                    "{said}"
                );
                // How a list says that it does not answer us is no entry.
                let refused = vec!["127.255.255.254".parse().unwrap()];
                stack.backends().dns().set(Zone { a: refused, ..zone("1.0.0.127.zen.example") });
                assert_eq!(listed().await.len(), 1);
            }
            stack.finish().await;
        }
    });
}

#[test]
fn a_launch_warns_of_what_costs_reach_and_refuses_what_receivers_refuse() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let (domain, dns) = (domain(&sender), stack.backends().dns());
        sender.import(b"email\nzoe@checked.test\n").await;
        let id = sender.draft(json!({})).await;
        let of_domain = async |id: &str| -> Vec<Value> {
            let check = sender.command(id, "check").await.expect(200).json();
            let findings = check["findings"].as_array().unwrap().iter();
            findings.filter(|one| one["field"] == "sender.identity.from_email").cloned().collect()
        };
        assert!(of_domain(&id).await.is_empty());
        dns.set(zone(&domain));
        let found = of_domain(&id).await;
        assert!(found.iter().any(|one| one["code"] == "no_such_domain" && one["level"] == "error"), "{found:?}");
        sender.command(&id, "launch").await.problem(422, "launch-refused");
        dns.set(Zone { mx: vec!["mx.example.com".into()], ..zone(&domain) });
        let found = of_domain(&id).await;
        let warned = found.iter().find(|one| one["code"] == "spf_missing").expect("a warning");
        assert_eq!(warned["level"], "warning");
        assert!(warned["message"].as_str().unwrap().contains("v=spf1 include:amazonses.com"), "{warned}");
        sender.command(&id, "launch").await.expect(202);
        sender.wait_ended(&id).await;
        stack.finish().await;
    });
}

#[test]
fn campaigns_of_one_day_are_added_up_before_one_is_refused() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let (domain, dns) = (domain(&sender), stack.backends().dns());
        let of = |tag: &str| (0..2_500).map(|n| format!("{tag}{n}@bulk.test;{tag}\n")).collect::<String>();
        sender.import(format!("email;tags\n{}{}", of("one"), of("two")).as_bytes()).await;
        dns.set(Zone { mx: vec!["mx.example.com".into()], ..zone(&domain) });
        let draft = async |tag: &str| sender.draft(json!({"audience": {"tags_any": [tag]}})).await;
        let (one, two) = (draft("one").await, draft("two").await);
        let levels = async |id: &str| {
            let check = sender.command(id, "check").await.expect(200).json();
            let findings = check["findings"].as_array().unwrap().iter();
            let of_domain = findings.filter(|one| one["field"] == "sender.identity.from_email");
            of_domain.map(|one| format!("{} {}", one["level"], one["code"]).replace('"', "")).collect::<Vec<_>>()
        };
        assert_eq!(levels(&two).await, ["warning spf_missing"]);
        sender.command(&one, "launch").await.expect(202);
        sender.wait_ended(&one).await;
        assert_eq!(levels(&two).await, ["error spf_missing"]);
        sender.command(&two, "launch").await.problem(422, "launch-refused");
        // The day after, one alone is no bulk.
        stack.wait(SignedDuration::from_hours(24));
        assert_eq!(levels(&two).await, ["warning spf_missing"]);
        stack.finish().await;
    });
}

#[test]
fn a_launch_of_thousands_a_day_is_refused_until_spf_and_dmarc_are_there() {
    run(async {
        let stack = TestStack::start().await;
        let sender = stack.sign_up().await;
        let (domain, dns) = (domain(&sender), stack.backends().dns());
        sender.import(&people("bulk", 5_000)).await;
        let id = sender.draft(json!({})).await;
        dns.set(Zone { mx: vec!["mx.example.com".into()], ..zone(&domain) });
        dns.set(zone(&format!("_dmarc.{domain}")));
        dns.set(zone("_dmarc.test"));
        let levels = async || {
            let check = sender.command(&id, "check").await.expect(200).json();
            let findings = check["findings"].as_array().unwrap().iter();
            let of_domain = findings.filter(|one| one["field"] == "sender.identity.from_email");
            of_domain.map(|one| format!("{} {}", one["level"], one["code"]).replace('"', "")).collect::<Vec<_>>()
        };
        assert_eq!(levels().await, ["error spf_missing", "error dmarc_missing"]);
        let refused = sender.command(&id, "launch").await;
        refused.problem(422, "launch-refused");
        assert_eq!(refused.fields(), ["sender.identity.from_email"; 2]);
        for record in ["v=spf1 include:amazonses.com ~all", "v=DMARC1; p=none; rua=mailto:contact@"] {
            assert!(refused.text().contains(record), "{record}: {}", refused.text());
        }
        // A cap below the number, or the records.
        sender.limit(json!({"per_day": 4_999})).await;
        assert_eq!(levels().await, ["warning spf_missing", "warning dmarc_missing"]);
        sender.limit(json!({"per_hour": 300})).await;
        assert_eq!(levels().await, ["error spf_missing", "error dmarc_missing"]);
        dns.set(Zone {
            mx: vec!["mx.example.com".into()],
            txt: vec!["v=spf1 include:amazonses.com ~all".into()],
            ..zone(&domain)
        });
        dns.set(Zone { txt: vec!["v=DMARC1; p=none".into()], ..zone(&format!("_dmarc.{domain}")) });
        assert!(levels().await.is_empty());
        sender.command(&id, "launch").await.expect(202);
        sender.command(&id, "cancel").await.expect(200);
        stack.finish().await;
    });
}
