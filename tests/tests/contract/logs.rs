//! The access log of the API holds when, which route, how it went and with what program: nothing that is
//! anybody's (A7, A8).

use std::collections::BTreeSet;

use super::template::Template;
use super::{clean, notices};

/// What may be written down.
const LISTED: [&str; 8] = [
    "identity.userAgent",
    "integrationErrorMessage",
    "requestId",
    "requestTime",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
];

pub(super) fn check(template: &Template) -> Vec<String> {
    let api = template.resource("Api").expect("the API");
    let format = api.get("AccessLogSettings")["Format"].as_str().unwrap_or_default();
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect::<String>();
    let written: BTreeSet<String> = format.split("$context.").skip(1).map(word).collect();
    let listed: BTreeSet<String> = LISTED.iter().map(|&name| name.to_owned()).collect();
    let more = written.difference(&listed).map(|name| format!("Api: the access log holds {name}"));
    let less = listed.difference(&written).map(|name| format!("Api: the access log does not hold {name}"));
    more.chain(less).collect()
}

#[test]
fn a8_the_access_log_holds_what_is_listed() {
    clean(check(&Template::load()));
}

#[test]
fn an_access_log_with_more_is_noticed() {
    notices(
        check,
        "\"route\":\"$context.routeKey\"",
        "\"ip\":\"$context.identity.sourceIp\"",
        "holds identity.sourceIp",
    );
    notices(check, "\"route\":\"$context.routeKey\"", "\"route\":\"\"", "does not hold routeKey");
}
