//! Nothing leaves but to whom it is meant (A20): connections are opened in few places, each with its own rule.

use std::collections::BTreeSet;

use cargo_metadata::DependencyKind;

use super::{clean, dependencies::metadata, sources};

/// What opens connections or looks up names.
const MEANS: [&str; 9] = [
    "TcpStream",
    "TcpSocket",
    "UdpSocket",
    "UnixStream",
    "lookup_host",
    "ToSocketAddrs",
    "hyper_util::client",
    "aws_smithy_http_client",
    "AsyncSmtpConnection::",
];

/// Where it is done, and the rule there.
const PLACES: [(&str, &str); 6] = [
    ("shared/app/src/domain_check.rs", "asks the name server of the operator or of the machine"),
    ("shared/app/src/https.rs", "asks the endpoint, or for the token, that a Sender entered, where `relay` found it"),
    ("shared/app/src/imap/connect.rs", "reads the mailbox that a Sender entered, where `relay` found it"),
    ("shared/app/src/mailer/smtp.rs", "hands messages to the relay that a Sender entered, where `relay` found it"),
    ("shared/app/src/relay.rs", "looks up what a Sender entered, and takes public addresses only"),
    ("shared/edge/src/aws.rs", "talks to AWS through the fence around the register of processors"),
];

/// Crates that would open connections by themselves.
const CLIENTS: [&str; 8] = ["reqwest", "ureq", "isahc", "curl", "awc", "surf", "attohttpc", "minreq"];

fn check(sources: &[(String, String)]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    let product = |path: &str| path.split('/').any(|folder| folder == "src") && !path.ends_with("tests.rs");
    for (path, text) in sources.iter().filter(|(path, _)| product(path)) {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = product.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for means in MEANS.iter().filter(|means| code.iter().any(|line| line.contains(**means))) {
            match PLACES.iter().find(|(place, _)| place == path) {
                Some((place, _)) => {
                    used.insert(*place);
                }
                None => findings.push(format!("{path} has {means}: whom does it reach, and who says that it may?")),
            }
        }
    }
    let idle = PLACES.iter().filter(|(place, _)| !used.contains(place));
    findings.extend(idle.map(|(place, rule)| format!("{place} opens no connection any more ({rule})")));
    findings
}

#[test]
fn a20_connections_are_opened_where_a_rule_says_to_whom() {
    clean(check(&sources()));
}

#[test]
fn a20_no_function_has_a_client_that_reaches_anybody() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let on_aws = packages.iter().filter(|package| {
        ["shared", "functions"].iter().any(|top| package.manifest_path.starts_with(metadata.workspace_root.join(top)))
    });
    let needs =
        on_aws.flat_map(|package| &package.dependencies).filter(|need| need.kind != DependencyKind::Development);
    let clients: Vec<_> = needs.filter(|need| CLIENTS.contains(&need.name.as_str())).map(|need| &need.name).collect();
    assert_eq!(clients, [""; 0]);
}

#[test]
fn a_connection_of_anybody_elses_is_noticed() {
    let mut sources = sources();
    sources.push(("shared/app/src/tell.rs".into(), "let s = tokio::net::TcpStream::connect(host);".into()));
    assert!(check(&sources).iter().any(|finding| finding.contains("tell.rs has TcpStream")));
    sources.retain(|(path, _)| path != "shared/app/src/relay.rs");
    assert!(check(&sources).iter().any(|finding| finding.contains("relay.rs opens no connection any more")));
}
