//! What linters miss: that template.yaml, infra/openapi.yaml, policy.toml and the code say the same,
//! and that the template keeps the promises it can keep.
//!
//! Each check is a function from a template to a list of findings. Each is also run on a template
//! that has been damaged on purpose, because a check that cannot fail proves nothing.

mod access;
mod alarms;
mod audit;
mod dependencies;
mod egress;
mod environment;
mod functions;
mod licences;
mod logs;
mod names;
mod openapi;
mod operator;
mod permissions;
mod policy;
mod properties;
mod queues;
mod region;
mod routes;
mod security;
mod stores;
mod template;
mod transport;
mod workspace_roles;
mod yaml;

use std::path::PathBuf;

use template::Template;

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The text of a file of the repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every source file of what runs on AWS: the path from the root, and the text.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("shared"), root().join("functions")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file");
                found.push((path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned(), text));
            }
        }
    }
    found
}

/// Fails with every finding, one a line.
#[track_caller]
fn clean(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

/// Runs `check` on template.yaml with its first `old` replaced by `new`, and fails unless one of
/// the findings mentions `expected` and the undamaged template has none.
#[track_caller]
fn notices(check: fn(&Template) -> Vec<String>, old: &str, new: &str, expected: &str) {
    let text = read("template.yaml");
    assert!(text.contains(old), "template.yaml no longer says {old:?}");
    let findings = check(&Template::parse(&text.replacen(old, new, 1)));
    assert!(
        findings.iter().any(|finding| finding.contains(expected)),
        "with {new:?} for {old:?} no finding mentions {expected:?}: {findings:#?}"
    );
}
