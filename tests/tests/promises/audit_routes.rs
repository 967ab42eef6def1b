//! Every route that could change something, tried once: it leaves one entry, or a reason why none.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Sender, TestStack, files,
    http::Asked,
    run,
    sender::{accept, signup},
};

use super::audit::left_by;

/// Routes that could change something, and leave no entry: why.
const SILENT: &[(&str, &str)] = &[
    ("POST /v1/signup", "there is no workspace yet whose trail it could be in"),
    ("POST /v1/session/refresh", "goes on with a session that has its entry; what it refuses has one too"),
    ("POST /v1/campaigns/{id}/preview", "only counts"),
    ("POST /v1/campaigns/{id}/check", "only looks and counts"),
    ("POST /u/{token}", "the opt-out is its own evidence, and is one write"),
    ("POST /consent/{token}", "the record says since when the consent is withdrawn, and it is one write"),
    ("POST /abuse", "the case is its own evidence, and whom it names nobody has looked at yet"),
    ("POST /rights", "nobody is looked up before the mailbox is proved"),
    (
        "POST /rights/proof/{token}",
        "the register of requests is its own evidence; what it changes for a Sender has an entry there",
    ),
    ("POST /rights/access/{token}", "a person reads what is held about themselves"),
    ("POST /rights/identity/{token}", "the register of requests is its own evidence, of each look at a copy too"),
];

/// What each of the others leaves.
const LEAVES: &[(&str, &str)] = &[
    ("POST /v1/signup/verify", "workspace.created"),
    ("POST /v1/session", "session.opened"),
    ("DELETE /v1/session", "session.ended"),
    ("DELETE /v1/sessions", "sessions.ended"),
    ("DELETE /v1/sessions/{id}", "session.ended"),
    ("POST /v1/second-factor", "second_factor.begun"),
    ("POST /v1/second-factor/confirm", "second_factor.on"),
    ("POST /v1/second-factor/disable", "second_factor.off"),
    ("PATCH /v1/me", "member.changed"),
    ("DELETE /v1/me", "member.left"),
    ("PATCH /v1/members/{id}", "member.role_changed"),
    ("DELETE /v1/members/{id}", "member.removed"),
    ("POST /v1/invitations", "invitation.sent"),
    ("DELETE /v1/invitations/{id}", "invitation.withdrawn"),
    ("POST /v1/invitations/accept", "member.joined"),
    ("POST /v1/api-keys", "api_key.created"),
    ("DELETE /v1/api-keys/{id}", "api_key.deleted"),
    ("POST /v1/mailboxes", "mailbox.created"),
    ("PUT /v1/mailboxes/{id}", "mailbox.changed"),
    ("DELETE /v1/mailboxes/{id}", "mailbox.deleted"),
    ("POST /v1/mailboxes/{id}/check", "mailbox.checked"),
    ("POST /v1/webhooks", "webhook.created"),
    ("PATCH /v1/webhooks/{id}", "webhook.changed"),
    ("DELETE /v1/webhooks/{id}", "webhook.deleted"),
    ("POST /v1/webhooks/{id}/secret", "webhook.secret_rotated"),
    ("POST /v1/webhooks/{id}/test", "webhook.tested"),
    ("POST /v1/webhooks/{id}/deliveries/{event}/replay", "webhook.replayed"),
    ("POST /v1/password/forgot", "password.forgotten"),
    ("POST /v1/password/reset", "password.changed"),
    ("PATCH /v1/workspace", "workspace.changed"),
    ("DELETE /v1/workspace", "workspace.closed"),
    ("POST /v1/workspace/reactivate", "workspace.reopened"),
    ("POST /v1/agreements", "agreement.accepted"),
    ("PUT /v1/sender", "sender.changed"),
    ("POST /v1/channels", "channel.created"),
    ("PATCH /v1/channels/{id}", "channel.changed"),
    ("DELETE /v1/channels/{id}", "channel.deleted"),
    ("POST /v1/channels/{id}/check", "channel.checked"),
    ("POST /v1/imports", "import.announced"),
    ("POST /v1/prospects", "prospect.created"),
    ("GET /v1/prospects/export", "prospect.exported"),
    ("PATCH /v1/prospects/{id}", "prospect.changed"),
    ("DELETE /v1/prospects/{id}", "prospect.deleted"),
    ("POST /v1/campaigns", "campaign.created"),
    ("PATCH /v1/campaigns/{id}", "campaign.changed"),
    ("DELETE /v1/campaigns/{id}", "campaign.deleted"),
    ("POST /v1/campaigns/{id}/test", "campaign.tested"),
    ("POST /v1/campaigns/{id}/launch", "campaign.launched"),
    ("POST /v1/campaigns/{id}/pause", "campaign.paused"),
    ("POST /v1/campaigns/{id}/resume", "campaign.resumed"),
    ("POST /v1/campaigns/{id}/cancel", "campaign.cancelled"),
    ("POST /v1/rights-tasks/{id}/handle", "rights.handled"),
    ("POST /v1/rights-tasks/{id}/extend", "rights.extended"),
    ("POST /v1/prospects/{id}/lift", "rights.lifted"),
    ("POST /v1/privacy/requests", "rights.requested"),
    ("GET /v1/privacy/export", "account.exported"),
    ("POST /v1/staff/grants", "staff_access.asked"),
    ("POST /v1/staff/grants/{id}/approve", "staff_access.approved"),
    ("POST /v1/staff/grants/{id}/end", "staff_access.ended"),
    ("GET /v1/staff/grants/{id}/prospects", "staff_access.read"),
    ("GET /v1/staff/grants/{id}/prospects/{prospect}", "staff_access.read"),
    ("POST /v1/staff/incidents", "incident.opened"),
    ("POST /v1/staff/incidents/{id}/notify", "incident.notified"),
    ("POST /v1/staff/incidents/{id}/authority", "incident.closed"),
    ("POST /v1/staff/abuse-cases/{id}/close", "workspace.warned"),
];

/// Every route of the API's contract, as `METHOD /path`.
fn routes() -> Vec<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).unwrap();
    let api: Value = serde_yaml_ng::from_str(&text).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys().filter(|name| !matches!(name.as_str(), "parameters"));
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    routes
}

/// A fresh prospect of the sender's; its path.
async fn person(sender: &Sender<'_>, name: &str) -> String {
    let new = json!({"email": format!("{name}@trail.test"), "first_name": "Zwitscher",
        "source": sender.announcement()["source"], "lawful_basis": "consent"});
    sender.post("/v1/prospects", new).await.expect(201).header("location")
}

/// A campaign that cannot end as long as nothing else is broken; its path.
async fn under_way(sender: &Sender<'_>, number: usize) -> String {
    person(sender, &format!("waits{number}")).await;
    let id = sender.draft(json!({"name": "Voliere"})).await;
    sender.stack.break_things(serde_json::from_value(json!({"ses": {"throttle_every": 1}})).unwrap());
    sender.command(&id, "launch").await.expect(202);
    format!("/v1/campaigns/{id}")
}

/// Something done with an endpoint that was registered, and tried, for it.
async fn webhook(sender: &Sender<'_>, method: Method, path: &str) -> Asked {
    let url = sender.stack.backends().hooks().url("/trail");
    let new = json!({"url": url, "events": ["campaign.paused"]});
    if !path.contains("{id}") {
        let asked = sender.request(method.clone(), path);
        return if method == Method::POST { asked.json(&new) } else { asked };
    }
    let endpoint = sender.register("/trail", &["campaign.paused"]).await;
    let tried = sender.post(&format!("{}/test", endpoint.path), json!({})).await.expect(202).json();
    let path = path.replace("/v1/webhooks/{id}", &endpoint.path).replace("{event}", tried["id"].as_str().unwrap());
    let asked = sender.request(method.clone(), &path);
    if method == Method::PATCH { asked.json(&json!({"enabled": false})) } else { asked }
}

/// Something done with a mailbox that was entered for it. Nobody answers at its port.
async fn mailbox(sender: &Sender<'_>, method: Method, path: &str) -> Asked {
    let settings = json!({
        "name": "Zwitscher", "host": "localhost", "port": 1, "security": "tls", "username": "u", "password": "a mailbox word",
    });
    if !path.contains("{id}") {
        return sender.request(method, path).json(&settings);
    }
    let made = sender.post("/v1/mailboxes", settings.clone()).await.expect(200).json();
    let asked = sender.request(method.clone(), &path.replace("{id}", made["id"].as_str().unwrap()));
    if method == Method::PUT { asked.json(&settings) } else { asked }
}

/// A step of a member's second factor, with those before it done.
async fn second_factor(member: &Sender<'_>, route: &str) -> Asked {
    let post = |path: &str, body: Value| member.request(Method::POST, path).json(&body);
    let begin = post("/v1/second-factor", json!({"password": member.password}));
    if route.ends_with("/second-factor") {
        return begin;
    }
    let secret = begin.send().await.expect(200).json();
    let step = u64::try_from(member.stack.now().as_second()).unwrap() / 30;
    let code = domain::totp::code(&files::from_base32(secret["secret"].as_str().unwrap()), step);
    let confirm = post("/v1/second-factor/confirm", json!({"code": code}));
    if route.ends_with("/confirm") {
        return confirm;
    }
    let codes = confirm.send().await.expect(200).json();
    post("/v1/second-factor/disable", json!({"code": codes["recovery_codes"][0]}))
}

/// What staff does with a workspace, with what comes before it done.
async fn by_staff(sender: &Sender<'_>, method: Method, path: &str, number: usize) -> Asked {
    let [one, two, _] = sender.stack.staff().await;
    if path.contains("/incidents") {
        let now = sender.stack.now() - SignedDuration::from_secs(1);
        let about = json!({"from": (now - SignedDuration::from_hours(1)).to_string(), "to": now.to_string()});
        let both = json!({"fr": "Zwitscher", "en": "Zwitscher"});
        let incident = json!({"discovered_at": now.to_string(), "nature": both, "consequences": both, "measures": both, "affected": about});
        if !path.contains("{id}") {
            let asked = one.request(method.clone(), path);
            return if method == Method::POST { asked.json(&incident) } else { asked };
        }
        let incident = one.open_incident(true, now, about).await;
        sender.stack.staff_clock().await;
        let asked = one.request(method, &path.replace("/v1/staff/incidents/{id}", &incident));
        return if path.ends_with("/authority") { asked.json(&json!({"reference": "Zwitscher"})) } else { asked };
    }
    if path.contains("/abuse-cases") {
        let report = json!({"kind": "unlawful_list", "message": "Zwitscher", "received_at": sender.stack.now().to_string(),
            "workspace": sender.workspace});
        let case = sender.stack.staff_desk(json!({"report": report})).await["case"].as_str().unwrap().to_owned();
        let asked = one.request(method.clone(), &path.replace("{id}", &case));
        let warned = json!({"outcome": "warned", "note": "Zwitscher"});
        return if method == Method::POST { asked.json(&warned) } else { asked };
    }
    let ask = json!({"workspace": sender.workspace, "purpose": "maintenance", "reason": "Zwitscher"});
    if !path.contains("{id}") {
        let asked = one.request(method.clone(), path);
        return if method == Method::POST { asked.json(&ask) } else { asked };
    }
    let grant = one.post("/v1/staff/grants", ask).await.expect(200).json();
    let path = path.replace("{id}", grant["id"].as_str().unwrap());
    if path.ends_with("/approve") {
        return two.request(method, &path);
    }
    two.approve(path.split("/prospects").next().unwrap().trim_end_matches("/end")).await;
    let someone = person(sender, &format!("read{number}")).await;
    one.request(method, &path.replace("{prospect}", someone.rsplit('/').next().unwrap()))
}

/// A request that does what the route is for, with everything it needs in place.
async fn asked(sender: &Sender<'_>, route: &str, number: usize) -> Asked {
    let (method, path) = route.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let stranger = |path: &str| sender.stranger().request(method.clone(), path);
    let with = |path: &str| sender.request(method.clone(), path);
    let who = json!({"email": sender.email, "password": sender.password});
    match route {
        "POST /v1/signup" => stranger(path).json(&signup("new@trail.test", "a long enough password")),
        "POST /v1/signup/verify" => {
            sender.stranger().post("/v1/signup", signup("verify@trail.test", "a long enough password")).await;
            stranger(path).json(&json!({"token": sender.stack.only_mail_to("verify@trail.test").token()}))
        }
        "POST /v1/session" => stranger(path).json(&who),
        "POST /v1/session/refresh" => {
            let tokens = sender.log_in().await;
            stranger(path).json(&json!({"refresh_token": tokens["refresh_token"]}))
        }
        "DELETE /v1/session" => {
            sender.log_in().await;
            with(path)
        }
        "DELETE /v1/sessions" => {
            sender.log_in().await;
            sender.log_in().await;
            with(path)
        }
        "DELETE /v1/sessions/{id}" => {
            sender.log_in().await;
            let sessions = sender.all("/v1/sessions").await;
            let other = sessions.iter().find(|session| session["current"] == false).expect("another session");
            with(&path.replace("{id}", other["id"].as_str().unwrap()))
        }
        "POST /v1/second-factor" | "POST /v1/second-factor/confirm" | "POST /v1/second-factor/disable" => {
            second_factor(&sender.join("editor").await, route).await
        }
        "PATCH /v1/me" => {
            let colleague = sender.join("editor").await;
            colleague.request(method, path).json(&json!({"display_name": "Zwitscher", "news": false}))
        }
        "DELETE /v1/me" => sender.join("editor").await.request(method, path),
        "PATCH /v1/members/{id}" | "DELETE /v1/members/{id}" => {
            let member = sender.join("editor").await.get("/v1/me").await.json();
            with(&path.replace("{id}", member["id"].as_str().unwrap())).json(&json!({"role": "viewer"}))
        }
        "POST /v1/invitations" => with(path).json(&json!({"email": "ask@trail.test", "role": "viewer"})),
        "DELETE /v1/invitations/{id}" => {
            let asked = json!({"email": "back@trail.test", "role": "viewer"});
            let invitation = sender.post("/v1/invitations", asked).await.expect(201).json();
            with(&path.replace("{id}", invitation["id"].as_str().unwrap()))
        }
        "POST /v1/invitations/accept" => {
            let asked = json!({"email": "joins@trail.test", "role": "viewer"});
            sender.post("/v1/invitations", asked).await.expect(201);
            let token = sender.stack.only_mail_to("joins@trail.test").token();
            stranger(path).json(&accept(&token, "a long enough password"))
        }
        "POST /v1/api-keys" => with(path).json(&json!({"name": "Zwitscher", "scopes": ["audit.read"]})),
        "DELETE /v1/api-keys/{id}" => {
            let asked = json!({"name": "Zwitscher", "scopes": ["audit.read"]});
            let key = sender.post("/v1/api-keys", asked).await.expect(200).json();
            with(&path.replace("{id}", key["id"].as_str().unwrap()))
        }
        "POST /v1/password/forgot" => stranger(path).json(&json!({"email": sender.email})),
        "POST /v1/password/reset" => {
            sender.stranger().post("/v1/password/forgot", json!({"email": sender.email})).await.expect(202);
            let token = sender.stack.mails_to(&sender.email).last().unwrap().token();
            stranger(path).json(&json!({"token": token, "password": sender.password}))
        }
        "PATCH /v1/workspace" => with(path).json(&json!({"display_name": "Zwitscher", "locale": "en"})),
        "POST /v1/workspace/reactivate" => {
            sender.delete("/v1/workspace").await.expect(200);
            with(path)
        }
        "POST /v1/agreements" => with(path).json(&json!({"document": "terms", "version": "2.0"})),
        "PUT /v1/sender" => {
            let port = sender.stack.backends().smtp().tls_port();
            let channel = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
            sender.put("/v1/sender", sender.identity(channel)).await.expect(200);
            with(path).json(&sender.identity(json!({"kind": "ses"})))
        }
        "POST /v1/channels" => with(path).json(&json!({"name": "Zwitscher", "transport": {"kind": "ses"}})),
        "POST /v1/channels/{id}/check" | "GET /v1/channels/{id}/check" => {
            let port = sender.stack.backends().smtp().tls_port();
            let relay = json!({"kind": "smtp", "host": "localhost", "port": port, "security": "tls", "username": "u", "password": "relay word"});
            let path = path.replace("{id}", &sender.add_channel(json!({"transport": relay})).await);
            if method == Method::GET {
                sender.post(&path, json!({})).await.expect(200);
            }
            with(&path)
        }
        _ if path == "/v1/channels/{id}" => {
            let id = sender.add_channel(json!({"from_name": "Zwitscher"})).await;
            with(&path.replace("{id}", &id)).json(&json!({"name": "Zwitscher"}))
        }
        "POST /v1/imports" => with(path).json(&sender.announcement()),
        "POST /v1/prospects" => with(path).json(&json!({"email": "hand@trail.test",
            "source": sender.announcement()["source"], "lawful_basis": "consent"})),
        "PATCH /v1/prospects/{id}" => {
            with(&person(sender, &format!("p{number}")).await).json(&json!({"notes": "Zwitscher"}))
        }
        "POST /v1/prospects/{id}/lift" => {
            let prospect = person(sender, &format!("frozen{number}")).await;
            sender.stack.exercise(&format!("frozen{number}@trail.test"), "restriction", None).await;
            with(&format!("{prospect}/lift")).json(&json!({"reason": "Zwitscher"}))
        }
        "DELETE /v1/prospects/{id}" | "GET /v1/prospects/{id}" => with(&person(sender, &format!("p{number}")).await),
        "POST /v1/campaigns" => with(path).json(&json!({"name": "Zwitscher"})),
        "PATCH /v1/campaigns/{id}" => {
            let id = sender.draft(json!({})).await;
            with(&path.replace("{id}", &id)).json(&json!({"name": "Zwitscher"}))
        }
        "POST /v1/campaigns/{id}/pause" | "POST /v1/campaigns/{id}/cancel" => {
            let campaign = under_way(sender, number).await;
            with(&path.replace("/v1/campaigns/{id}", &campaign))
        }
        "POST /v1/campaigns/{id}/resume" => {
            let campaign = under_way(sender, number).await;
            sender.post(&format!("{campaign}/pause"), json!({})).await.expect(200);
            with(&path.replace("/v1/campaigns/{id}", &campaign))
        }
        _ if path.starts_with("/v1/mailboxes") => mailbox(sender, method.clone(), path).await,
        _ if path.starts_with("/v1/webhooks") => webhook(sender, method.clone(), path).await,
        _ if path.starts_with("/v1/staff/") => by_staff(sender, method.clone(), path, number).await,
        _ if path.starts_with("/v1/campaigns/{id}") => with(&path.replace("{id}", &sender.draft(json!({})).await)),
        _ if path.starts_with("/v1/imports/{id}") => {
            let import = sender.import(format!("email\nrow{number}@trail.test\n").as_bytes()).await;
            with(&path.replace("{id}", import["id"].as_str().unwrap()))
        }
        _ if path == "/u/{token}" => {
            let name = format!("leaves{number}@trail.test");
            sender.import(format!("email\n{name}\n").as_bytes()).await;
            sender.campaign(json!({})).await;
            stranger(&sender.stack.only_mail_to(&name).unsubscribe())
        }
        // Of the right form, and nobody's.
        _ if path == "/consent/{token}" => stranger(&format!("/consent/AWY{}", "A".repeat(56))),
        "POST /abuse" => stranger(path).json(&json!({"kind": "unlawful_list", "message": "Zwitscher"})),
        "POST /rights" => stranger(path).json(&json!({"email": "asks@trail.test", "kind": "access"})),
        "GET /rights/certificates/{id}" => {
            // Held by one Sender that waits for no file: certified at once.
            let name = format!("gone{number}");
            person(&sender.stack.sign_up().await, &name).await;
            let erased = sender.stack.exercise(&format!("{name}@trail.test"), "erasure", None).await;
            stranger(&path.replace("{id}", erased["request"].as_str().unwrap()))
        }
        "POST /v1/privacy/requests" => with(path).json(&json!({"kind": "access"})),
        _ if path == "/rights/proof/{token}" => {
            let token = sender.stack.ask_rights(&format!("proves{number}@trail.test"), "access", None).await;
            stranger(&path.replace("{token}", &token))
        }
        _ if path == "/rights/identity/{token}" => {
            let email = format!("doubted{number}@trail.test");
            let letter = json!({"enter": {"channel": "email", "kind": "access", "email": email,
                "received_at": sender.stack.now().to_string()}});
            let request = sender.stack.desk(letter).await["request"].clone();
            let token = sender.stack.doubt(request.as_str().unwrap(), &email, "Zwitscher").await;
            let (media, form) = files::form_of(b"%PDF-1.7");
            stranger(&path.replace("{token}", &token)).body(&media, form)
        }
        _ if path == "/rights/access/{token}" || path.starts_with("/v1/rights-tasks/") => {
            let email = format!("asks{number}@trail.test");
            person(sender, &format!("asks{number}")).await;
            let proved = sender.stack.exercise(&email, "access", None).await;
            let form = "application/x-www-form-urlencoded";
            match path.rsplit('/').next() {
                Some("handle") => {
                    with(&path.replace("{id}", proved["request"].as_str().unwrap())).json(&json!({"outcome": "done"}))
                }
                Some("extend") => {
                    with(&path.replace("{id}", proved["request"].as_str().unwrap())).json(&json!({"reason": "many"}))
                }
                _ => stranger(&path.replace("{token}", proved["access_token"].as_str().unwrap()))
                    .body(form, "format=csv"),
            }
        }
        _ => with(&path.replace("{page}", "privacy").replace("{version}", "1.0")),
    }
}

#[test]
fn a9_every_mutating_route_leaves_exactly_one_entry() {
    run(async {
        let stack = TestStack::start().await;
        // A version of the terms is announced, so that there is something to accept.
        stack.set_time("2026-12-02T12:00:00Z".parse().unwrap());
        let sender = stack.sign_up().await;
        let mut mutating = BTreeSet::new();
        for (number, route) in routes().iter().enumerate() {
            let known = |list: &[(&str, &'static str)]| list.iter().find(|(r, _)| r == route).map(|(_, said)| *said);
            let expected = known(LEAVES);
            if !["GET ", "HEAD ", "OPTIONS "].iter().any(|safe| route.starts_with(safe)) {
                assert!(
                    expected.is_some() != known(SILENT).is_some(),
                    "{route}: say in LEAVES which entry it leaves, or in SILENT why none"
                );
            }
            sender.post("/v1/workspace/reactivate", json!({})).await.expect(200);
            let request = asked(&sender, route, number).await;
            let (left, answer) = left_by(&stack, request.send()).await;
            // No link is signed before the policy says that there are any: see `clicks`, which follows one.
            let nowhere = route.ends_with("/c/{token}") && answer.status == 404;
            assert!(answer.status < 400 || nowhere, "{route}: {} {}", answer.status, answer.text());
            let codes: Vec<&str> = left.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
            assert_eq!(codes, Vec::from_iter(expected), "{route}");
            let Some(entry) = left.first() else { continue };
            mutating.insert(route.clone());
            // Who, when, from where; and nobody's name, address or words.
            let text = entry.to_string();
            for never in ["@", "Zwitscher", "Voliere", "relay word", "127.0.0.1", &sender.password] {
                assert!(!text.contains(never), "{route}: {never} in {text}");
            }
            assert_eq!(entry["origin"]["network"], "127.0.0.0/24", "{text}");
            let staff = ["/v1/staff/grants", "/v1/staff/abuse-cases"].iter().any(|theirs| route.contains(theirs));
            let kind = if staff { "staff" } else { "member" };
            let named = entry["actor"]["kind"] == kind && entry["actor"]["id"].as_str().is_some();
            if route.contains("/v1/staff/") {
                let theirs = entry["workspace"] == sender.workspace.as_str();
                assert_eq!(
                    theirs, staff,
                    "{route}: in the trail of the workspace that it is about, else in staff's own"
                );
            }
            assert_eq!(named, route.as_str() != "POST /v1/password/forgot", "{route}: {}", entry["actor"]);
            let at: Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
            assert!(stack.now().duration_since(at).abs() < SignedDuration::from_mins(5), "{text}");
            if route.contains("{id}") {
                let prefixes = [
                    "cmp_", "chn_", "mbx_", "pro_", "mem_", "ses_", "inv_", "key_", "whk_", "req_", "grt_", "inc_",
                    "abu_",
                ];
                let named = |part: &&str| prefixes.iter().any(|prefix| part.starts_with(prefix));
                let id = answer.asked().rsplit('/').find(named);
                assert_eq!(entry["about"].as_str(), id, "{route}");
            }
        }
        assert_eq!(mutating.len(), LEAVES.len(), "a route of LEAVES is not in openapi.yaml");
        stack.finish().await;
    });
}
