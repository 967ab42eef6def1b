//! Which organisation a domain is of: the name that somebody registered, by the public suffix list.
//!
//! `fr.firm.test` is of `firm.test`; `firm.co.uk` and `other.co.uk` are two organisations, and so are two names at a host that
//! rents them out (`a.github.io`), by the list's section of private domains.

use std::{collections::HashSet, sync::OnceLock};

/// Endings under which names are registered, one a line; `*.` and `!` as the list has them.
const LIST: &str = include_str!("../data/public_suffixes.txt");

/// The part of a domain that somebody registered; the domain itself where it is an ending for others.
#[must_use]
pub fn registrable(domain: &str) -> &str {
    let ascii = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_ascii_lowercase());
    let labels: Vec<&str> = ascii.split('.').collect();
    let kept = labels.len().min(ending(&labels) + 1);
    // Its last labels, as they were written: the ASCII form has as many.
    let start = domain.rmatch_indices('.').nth(kept.saturating_sub(1)).map_or(0, |(dot, _)| dot + 1);
    &domain[start..]
}

/// Whether two domains are of one organisation, so that DMARC takes one for the other (RFC 7489 §3.1, relaxed).
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    registrable(one).eq_ignore_ascii_case(registrable(other))
}

/// How many labels are the ending under which names are registered.
fn ending(labels: &[&str]) -> usize {
    let rules = rules();
    for first in 0..labels.len() {
        let name = labels[first..].join(".");
        let length = labels.len() - first;
        if rules.contains(format!("!{name}").as_str()) {
            return length - 1;
        }
        let above = labels.get(first + 1..).filter(|above| !above.is_empty()).map(|above| above.join("."));
        if rules.contains(name.as_str()) || above.is_some_and(|above| rules.contains(format!("*.{above}").as_str())) {
            return length;
        }
    }
    // A top-level domain that is not on it.
    1
}

fn rules() -> &'static HashSet<&'static str> {
    static RULES: OnceLock<HashSet<&'static str>> = OnceLock::new();
    RULES.get_or_init(|| LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_of_whoever_registered_it() {
        // The list's own tests, those that show each kind of rule.
        for (domain, expected) in [
            ("example.com", "example.com"),
            ("WwW.example.COM", "example.COM"),
            ("a.b.example.example", "example.example"),
            ("a.b.example.uk.com", "example.uk.com"),
            ("test.ac", "test.ac"),
            ("a.b.c.mm", "b.c.mm"),
            ("www.test.ac.jp", "test.ac.jp"),
            ("a.b.ide.kyoto.jp", "b.ide.kyoto.jp"),
            ("a.b.c.kobe.jp", "b.c.kobe.jp"),
            ("www.city.kobe.jp", "city.kobe.jp"),
            ("a.b.test.ck", "b.test.ck"),
            ("www.www.ck", "www.ck"),
            ("www.test.k12.ak.us", "test.k12.ak.us"),
            ("www.食狮.公司.cn", "食狮.公司.cn"),
            ("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
            ("fr.firm.test", "firm.test"),
            ("mail.firm.co.uk", "firm.co.uk"),
            ("a.b.github.io", "b.github.io"),
            // Endings themselves, and what is no domain of anybody's.
            ("co.uk", "co.uk"),
            ("github.io", "github.io"),
            ("com", "com"),
            ("test", "test"),
        ] {
            assert_eq!(registrable(domain), expected, "{domain}");
        }
        assert!(is_same("mail.firm.co.uk", "FIRM.co.uk") && !is_same("firm.co.uk", "other.co.uk"));
        assert!(rules().len() > 9_000);
    }
}
