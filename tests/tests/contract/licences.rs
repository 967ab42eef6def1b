//! deny.toml, held against the tree by `cargo metadata`: so that licences, banned crates and sources
//! are checked wherever the tests run, cargo-deny or not.

use std::collections::BTreeSet;

use cargo_metadata::Package;
use toml::Value;

use super::dependencies::metadata;
use super::{clean, read};

fn deny() -> toml::Table {
    read("deny.toml").parse().expect("deny.toml")
}

fn check(deny: &toml::Table, packages: &[Package]) -> Vec<String> {
    let allowed: BTreeSet<&str> =
        deny["licenses"]["allow"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let banned: BTreeSet<&str> = deny["bans"]["deny"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get("crate").and_then(Value::as_str))
        .collect();
    let mut findings = Vec::new();
    let mut needed = BTreeSet::new();
    for package in packages {
        let name = format!("{} {}", package.name, package.version);
        match package.license.as_deref() {
            Some(licence) if satisfied(licence, &allowed, &mut needed) => {}
            licence => findings.push(format!("{name}: {} is not allowed", licence.unwrap_or("no licence"))),
        }
        if banned.contains(package.name.as_str()) {
            findings.push(format!("{name} is banned"));
        }
        if package.source.as_ref().is_some_and(|source| !source.is_crates_io()) {
            findings.push(format!("{name} does not come from the default registry"));
        }
    }
    let unused = allowed.iter().filter(|licence| !needed.contains(**licence));
    findings.extend(unused.map(|licence| format!("{licence} is allowed and nothing needs it")));
    findings
}

/// Whether an SPDX expression can be met: `OR` (and the old `/`) by any, `AND` by all, brackets first.
fn satisfied<'a>(expression: &str, allowed: &BTreeSet<&'a str>, needed: &mut BTreeSet<&'a str>) -> bool {
    let expression = expression.replace('/', " OR ");
    split(&expression, " OR ").into_iter().any(|choice| {
        split(choice, " AND ").into_iter().all(|part| {
            let part = part.trim();
            match part.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                Some(inner) => satisfied(inner, allowed, needed),
                None => allowed.get(part).is_some_and(|licence| {
                    needed.insert(licence);
                    true
                }),
            }
        })
    })
}

/// Splits outside brackets.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(separator) => {
                parts.push(&text[start..at]);
                start = at + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn the_tree_is_what_deny_toml_allows() {
    clean(check(&deny(), &metadata().packages));
}

#[test]
fn what_deny_toml_forbids_is_noticed() {
    let packages = &metadata().packages;
    let finds = |text: &str, expected: &str| {
        let findings = check(&text.parse().expect("TOML"), packages);
        assert!(findings.iter().any(|finding| finding.contains(expected)), "{expected}: {findings:#?}");
    };
    let text = read("deny.toml");
    finds(&text.replace("\"MIT\",", ""), "MIT is not allowed");
    finds(&text.replace("\"openssl\"", "\"tokio\""), "is banned");
    finds(&text.replace("\"MIT\",", "\"MIT\", \"GPL-3.0-only\","), "GPL-3.0-only is allowed and nothing needs it");
}

#[test]
fn an_expression_is_met_as_spdx_says() {
    let allowed = BTreeSet::from(["MIT", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"]);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT/GPL-3.0-only", true),
        ("GPL-3.0-only AND MIT", false),
        ("(GPL-3.0-only OR MIT) AND BSD-3-Clause", true),
        ("(GPL-3.0-only AND MIT) OR ISC", false),
        ("Apache-2.0 WITH LLVM-exception OR Apache-2.0", true),
    ] {
        assert_eq!(satisfied(expression, &allowed, &mut BTreeSet::new()), met, "{expression}");
    }
}
