//! Dependencies point one way: functions → {edge, app} → storage → domain, app → {intake, content}.
//! What runs on AWS knows nothing of the runner or the tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use super::{clean, root};

/// The workspace and everything it is built from.
pub(super) fn metadata() -> &'static Metadata {
    static METADATA: OnceLock<Metadata> = OnceLock::new();
    METADATA.get_or_init(|| {
        let mut command = MetadataCommand::new();
        command.manifest_path(root().join("Cargo.toml"));
        // Only what this machine builds with, which is here already: the test needs no network.
        command.other_options(["--locked", "--filter-platform", &host()].map(str::to_owned).to_vec());
        command.exec().expect("cargo metadata")
    })
}

/// The target triple of this machine.
fn host() -> String {
    let said = std::process::Command::new("rustc").arg("-vV").output().expect("rustc");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// Who depends on whom within the workspace; what only tests need is left out.
type Edges = BTreeMap<String, BTreeSet<String>>;

fn edges(metadata: &Metadata) -> Edges {
    let packages = metadata.workspace_packages();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let needs = packages.iter().map(|package| {
        let needed = package.dependencies.iter().filter(|needed| needed.kind != DependencyKind::Development);
        let needed = needed.map(|needed| needed.name.clone()).filter(|name| ours.contains(name.as_str()));
        (package.name.to_string(), needed.collect())
    });
    needs.collect()
}

/// What a crate may depend on. A function is any crate that is not named here.
fn may(name: &str) -> &'static [&'static str] {
    match name {
        "domain" => &[],
        "inbound" | "intake" | "content" | "storage" => &["domain"],
        "app" => &["inbound", "storage", "domain", "intake", "content"],
        "edge" => &["app", "storage", "domain", "content"],
        // The runner starts the functions as processes; it shares pure rules with them and nothing else.
        "local" => &["domain", "inbound", "intake", "content"],
        "tests" => &["domain", "intake", "content", "storage", "local"],
        _ => &["edge", "app", "storage", "domain", "intake", "content"],
    }
}

fn check(edges: &Edges) -> Vec<String> {
    let pairs = edges.iter().flat_map(|(from, needed)| needed.iter().map(move |to| (from, to)));
    let wrong = pairs.filter(|(from, to)| !may(from).contains(&to.as_str()));
    wrong.map(|(from, to)| format!("{from} may not depend on {to}")).collect()
}

/// A pure crate has no clock, no network, no runtime.
fn impure(metadata: &Metadata) -> Vec<String> {
    let pure = ["domain", "inbound", "intake", "content"];
    let packages = metadata.workspace_packages().into_iter().filter(|package| pure.contains(&package.name.as_str()));
    packages
        .flat_map(|package| package.dependencies.iter().map(move |needed| (package, needed)))
        .filter(|(_, needed)| needed.kind != DependencyKind::Development)
        .filter(|(_, needed)| {
            needed.name == "tokio" || needed.name.starts_with("aws-") || needed.name.starts_with("lambda")
        })
        .map(|(package, needed)| format!("{} is pure and may not depend on {}", package.name, needed.name))
        .collect()
}

#[test]
fn dependencies_point_one_way() {
    clean(check(&edges(metadata())));
}

#[test]
fn pure_crates_stay_pure() {
    clean(impure(metadata()));
}

#[test]
fn an_edge_that_points_the_other_way_is_noticed() {
    let known = edges(metadata());
    assert_eq!(known.len(), metadata().workspace_members.len());
    for (from, to) in [
        ("domain", "storage"),
        ("storage", "app"),
        ("content", "intake"),
        ("inbound", "storage"),
        ("send", "local"),
        ("send", "tests"),
    ] {
        let mut wrong = known.clone();
        wrong.entry(from.to_owned()).or_default().insert(to.to_owned());
        assert_eq!(check(&wrong), [format!("{from} may not depend on {to}")]);
    }
}
