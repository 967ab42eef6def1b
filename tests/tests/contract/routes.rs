//! template.yaml and infra/openapi.yaml hold the same routes, each answered by one function.

use std::collections::BTreeMap;

use super::openapi;
use super::template::{Route, Template};
use super::{clean, notices};

pub(super) fn check(template: &Template) -> Vec<String> {
    compare(template, openapi::routes(&openapi::load()))
}

fn compare(template: &Template, documented: Vec<Route>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut answered: BTreeMap<Route, &str> = BTreeMap::new();
    for function in template.functions() {
        for route in function.routes() {
            let Route { path, method } = &route;
            if !documented.contains(&route) {
                findings.push(format!("{}: {method} {path} is not in openapi.yaml", function.id));
            }
            if let Some(other) = answered.insert(route.clone(), function.id) {
                findings.push(format!("{method} {path} is answered by {other} and {}", function.id));
            }
        }
        for (name, kind, event) in function.events() {
            if kind == "HttpApi" && super::template::target(&event["ApiId"]) != Some("Api") {
                findings.push(format!("{}.{name}: names no ApiId, so SAM would make another API", function.id));
            }
        }
    }
    for route in documented.iter().filter(|route| !answered.contains_key(route)) {
        findings.push(format!("{} {} is answered by no function", route.method, route.path));
    }
    let settings = &template.resource("Api").map_or(&serde_json::Value::Null, |api| api.get("RouteSettings"));
    for key in settings.as_object().into_iter().flatten().map(|(key, _)| key) {
        let known = key.split_once(' ').is_some_and(|(method, path)| {
            answered.contains_key(&Route { path: path.to_owned(), method: method.to_owned() })
        });
        if !known {
            findings.push(format!("RouteSettings: there is no route {key}"));
        }
    }
    findings
}

#[test]
fn template_and_openapi_hold_the_same_routes() {
    clean(check(&Template::load()));
}

#[test]
fn a_route_that_only_one_of_them_has_is_noticed() {
    notices(check, "Path: /v1/signup/verify", "Path: /v1/signup/verfy", "/v1/signup/verfy is not in openapi.yaml");
    notices(check, "Path: /v1/signup/verify", "Path: /v1/signup/verfy", "POST /v1/signup/verify is answered by no");
    notices(check, "Method: PUT, Path: /v1/sender", "Method: GET, Path: /v1/sender", "GET /v1/sender is answered by");
    notices(check, "ApiId: !Ref Api, ", "", "names no ApiId");
    notices(
        check,
        "POST /v1/password/reset: {",
        "POST /v1/password/rest: {",
        "there is no route POST /v1/password/rest",
    );
}
