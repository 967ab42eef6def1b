//! The table of routes and permissions, and infra/openapi.yaml, hold the same guarded routes.

use std::collections::BTreeSet;

use domain::access::ROUTES;
use serde_json::Value;

use super::openapi;
use super::template::Route;
use super::{clean, read, yaml};

fn check(document: &Value) -> Vec<String> {
    let route = |&(method, path, _): &(&str, &str, _)| Route { path: path.to_owned(), method: method.to_owned() };
    let listed: BTreeSet<Route> = ROUTES.iter().map(route).collect();
    let guarded: BTreeSet<Route> = openapi::guarded(document).into_iter().collect();
    let missing = guarded.difference(&listed);
    let refused = missing.map(|Route { path, method }| format!("{method} {path} is in no role: nobody may use it"));
    let unknown = listed.difference(&guarded);
    let unknown = unknown.map(|Route { path, method }| format!("{method} {path} is no guarded route of openapi.yaml"));
    refused.chain(unknown).collect()
}

#[test]
fn a51_every_guarded_route_takes_a_permission() {
    clean(check(&openapi::load()));
}

#[test]
fn a51_a_route_that_only_one_of_them_has_is_noticed() {
    let finds = |old: &str, new: &str, expected: &str| {
        let text = read("infra/openapi.yaml");
        assert!(text.contains(old), "openapi.yaml no longer says {old:?}");
        let findings = check(&yaml::parse(&text.replacen(old, new, 1)));
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:#?}");
    };
    finds("  /v1/sender:", "  /v1/senders:", "GET /v1/senders is in no role");
    finds("  /v1/sender:", "  /v1/senders:", "PUT /v1/sender is no guarded route");
    finds("      security: []\n", "", "POST /v1/signup is in no role");
}
