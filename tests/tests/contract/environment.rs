//! The environment that the template gives and the one that the code reads are the same.

use std::collections::BTreeSet;

use regex::Regex;

use super::template::Template;
use super::{clean, notices, sources};

pub(super) fn check(template: &Template) -> Vec<String> {
    let given: BTreeSet<&str> =
        template.functions().flat_map(|function| template.environment(function)).map(|(name, _)| name).collect();
    let read = names_read();
    let mut findings: Vec<String> = given
        .iter()
        .filter(|name| !read.contains(**name))
        .map(|name| format!("{name} is given and no code reads it"))
        .collect();
    let missing = read.iter().filter(|name| !given.contains(name.as_str()));
    findings.extend(missing.map(|name| format!("{name} is read and given to no function")));
    findings
}

/// `var("NAME")`, `env::var("NAME")`, `read("NAME", …)` in what runs on AWS.
fn names_read() -> BTreeSet<String> {
    let call =
        Regex::new(r#"\b(?:var|var_os|read|get|need)\(\s*"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)""#).expect("a pattern");
    let mut names = BTreeSet::new();
    for (_, text) in sources() {
        names.extend(call.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    // AWS itself sets these; AWS_ENDPOINT_URL… exist only where something stands in for AWS.
    names.retain(|name| !name.starts_with("AWS_"));
    names
}

#[test]
fn the_code_reads_what_the_template_gives() {
    clean(check(&Template::load()));
}

#[test]
fn a_name_that_only_one_of_them_knows_is_noticed() {
    notices(check, "SESSION_SECRET:", "SESSION_KEY:", "SESSION_KEY is given and no code reads it");
    notices(check, "SESSION_SECRET:", "SESSION_KEY:", "SESSION_SECRET is read and given to no function");
}
