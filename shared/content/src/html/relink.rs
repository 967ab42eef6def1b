//! Other addresses for the links of safe HTML. Not a byte of anything else changes.

use super::walk::{Token, attributes, unescape, walk};
use crate::page::escape;

/// The HTML with the addresses that `instead` gives for its links, by their place from 1; `None` when it gives none.
pub(crate) fn relink(html: &str, mut instead: impl FnMut(usize, &str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(html.len() * 2);
    let (mut place, mut changed) = (0, false);
    for token in walk(html) {
        match token {
            Token::Text(text) => out.push_str(text),
            Token::Open { name, rest } => {
                out.push('<');
                out.push_str(name);
                let other = (name == "a").then(|| {
                    place += 1;
                    with_address(rest, |address| instead(place, address))
                });
                changed |= matches!(other, Some(Some(_)));
                out.push_str(other.flatten().as_deref().unwrap_or(rest));
                out.push('>');
            }
            Token::Close(name) => {
                out.push_str("</");
                out.push_str(name);
                out.push('>');
            }
            // Nothing that was made safe is.
            Token::Broken => return None,
        }
    }
    changed.then_some(out)
}

/// The attributes of a link with another address.
fn with_address(rest: &str, instead: impl FnOnce(&str) -> Option<String>) -> Option<String> {
    let all = attributes(rest)?;
    let (_, address) = all.iter().find(|(name, _)| *name == "href")?;
    let other = instead(unescape(address).trim())?;
    let with = |(name, value): &(&str, &str)| match *name {
        "href" => format!(" href=\"{}\"", escape(&other)),
        name => format!(" {name}=\"{value}\""),
    };
    Some(all.iter().map(with).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{sanitise, verify};
    use super::*;

    #[test]
    fn links_lead_elsewhere_and_nothing_else_changes() {
        let html = "<p title=\"a &gt; b\">One <a href=\"https://a.test/?x=1&amp;y=2\" title=\"t\">two</a>\
                    <a href=\"mailto:b@a.test\">mail</a><img src=\"https://a.test/i.png\"><a>no</a></p>";
        let mut seen = Vec::new();
        let other = relink(html, |place, address| {
            seen.push((place, address.to_owned()));
            address.starts_with("https://").then(|| "https://b.test/?c=1&d=2".to_owned())
        });
        let expected = html.replace("https://a.test/?x=1&amp;y=2", "https://b.test/?c=1&amp;d=2");
        assert_eq!(other, Some(expected));
        assert_eq!(seen, [(1, "https://a.test/?x=1&y=2".to_owned()), (2, "mailto:b@a.test".to_owned())]);
        assert_eq!(relink(html, |_, _| None), None);
    }

    proptest! {
        #[test]
        fn what_was_safe_stays_safe(html in "(<a href=\"https://[a-z]{1,3}.test/[!-~]{0,8}\">|</a>|<p>|[ -~éà]{0,9}){0,12}") {
            if let Ok(safe) = sanitise(&html) {
                let same = relink(&safe, |_, address| Some(address.to_owned()));
                let other = relink(&safe, |place, _| Some(format!("https://b.test/{place}\"<>&")));
                for html in [same, other].iter().flatten() {
                    prop_assert!(verify(html).is_ok(), "{html}");
                }
            }
        }
    }
}
