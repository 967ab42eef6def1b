//! Each role may do what it is for, over HTTP, on every guarded route.

use domain::{access::ROUTES, member::Role};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Sender, TestStack, run};

/// What ends the caller's session, or the workspace: tried last.
const LAST: [(&str, &str); 3] = [("DELETE", "/v1/session"), ("DELETE", "/v1/me"), ("DELETE", "/v1/workspace")];

/// Names something of the path's kind that is nowhere.
fn nowhere(path: &str) -> String {
    let prefix = match path.split('/').nth(2) {
        Some("imports") => "imp_",
        Some("campaigns") => "cmp_",
        Some("members") => "mem_",
        Some("sessions") => "ses_",
        Some("invitations") => "inv_",
        Some("api-keys") => "key_",
        _ => "pro_",
    };
    path.replace("{id}", &format!("{prefix}{}", "0".repeat(20)))
}

async fn ask(member: &Sender<'_>, method: &str, path: &str) -> Answer {
    let method: Method = method.parse().unwrap();
    let asked = member.request(method.clone(), path);
    let asked = if method == Method::GET { asked } else { asked.json(&json!({})) };
    asked.send().await
}

/// All that a role without the right to it might have changed.
async fn state(owner: &Sender<'_>) -> Value {
    let mut state = Vec::new();
    for path in ["/v1/workspace", "/v1/sender", "/v1/members", "/v1/invitations", "/v1/api-keys", "/v1/imports"] {
        state.push(owner.get(path).await.expect(200).json());
    }
    state.push(json!(owner.prospects().await));
    state.push(owner.get("/v1/campaigns").await.expect(200).json());
    json!(state)
}

#[test]
fn a51_every_role_may_use_exactly_the_routes_it_is_for() {
    run(async {
        let stack = TestStack::start().await;
        let owner = stack.sign_up().await;
        let import = owner.import(b"email;first_name\nrole@matrix.test;Zoe\n").await;
        let prospect = owner.prospect("role@matrix.test").await;
        let campaign = owner.draft(json!({})).await;
        let mut members = Vec::new();
        for role in [Role::Admin, Role::Editor, Role::Viewer, Role::Billing] {
            members.push((role, owner.join(role.name()).await));
        }
        let me = owner.get("/v1/me").await.json()["id"].clone();
        let invitation = owner.post("/v1/invitations", json!({"email": "x@matrix.test", "role": "viewer"})).await;
        let key =
            owner.post("/v1/api-keys", json!({"name": "x", "scopes": ["prospects.read"]})).await.expect(200).json();
        stack.keep_secret(key["key"].as_str().unwrap());
        let invitation = invitation.expect(201).json();
        let real = |path: &str| {
            let id = match path.split('/').nth(2) {
                Some("imports") => &import["id"],
                Some("campaigns") => &json!(campaign),
                Some("members") => &me,
                Some("invitations") => &invitation["id"],
                Some("api-keys") => &key["id"],
                _ => &prospect["id"],
            };
            path.replace("{id}", id.as_str().unwrap())
        };
        let before = state(&owner).await;
        for (role, member) in &members {
            let mut refused = 0;
            for (method, path, needed) in ROUTES.iter().filter(|(_, _, needed)| !role.may(*needed)) {
                let answer = ask(member, method, &real(path)).await;
                assert_eq!(answer.status, 403, "{role:?} {method} {path} ({needed:?}): {}", answer.text());
                answer.problem(403, "forbidden");
                refused += 1;
            }
            assert!(refused > 0, "{role:?} may do everything");
        }
        assert_eq!(state(&owner).await, before, "a refused request had an effect");

        members.push((Role::Owner, owner));
        for (role, member) in &members {
            let allowed = ROUTES.iter().filter(|(_, _, needed)| role.may(*needed));
            let allowed = allowed.map(|&(method, path, _)| (method, path));
            let (last, first): (Vec<_>, Vec<_>) = allowed.partition(|route| LAST.contains(route));
            for (method, path) in first.into_iter().chain(last) {
                let answer = ask(member, method, &nowhere(path)).await;
                if path.starts_with("/v1/staff/") {
                    // The role would do, but nobody of this workspace was appointed.
                    answer.problem(403, "not-staff");
                    continue;
                }
                assert!(!matches!(answer.status, 401 | 403 | 500..), "{role:?} {method} {path}: {}", answer.text());
                if (method, path) == LAST[0] {
                    member.log_in().await;
                }
            }
        }
        stack.finish().await;
    });
}
