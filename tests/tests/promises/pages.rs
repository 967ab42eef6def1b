//! Every page that is open to anybody, crawled from the legal ones: no cookie, nothing foreign, the security
//! headers, and what people who cannot see or use a mouse need.

use std::collections::{BTreeSet, VecDeque};

use regex::Regex;
use reqwest::Method;
use tests::{Answer, TestStack, run};

/// Every link of a page that stays in the product.
fn links(html: &str) -> Vec<String> {
    let href = Regex::new(r#"href="(/[^"]*)""#).unwrap();
    href.captures_iter(html).map(|found| found[1].replace("&amp;", "&")).collect()
}

#[track_caller]
fn is_safe(path: &str, answer: &Answer) {
    assert!(answer.headers.get("set-cookie").is_none(), "{path} sets a cookie");
    for (name, value) in content::page::headers() {
        assert_eq!(answer.header(name), *value, "{path}: {name}");
    }
    let policy = answer.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{path}: {policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{path}: {policy}");
}

/// What a machine can see of accessibility: language, title, one heading of the first level, levels that do not
/// jump, names for tables, links and buttons, and nothing that takes the page away from who zooms.
#[track_caller]
fn is_readable(path: &str, html: &str) {
    let count = |text: &str| html.matches(text).count();
    assert!(html.contains("<html lang=\"fr\">") || html.contains("<html lang=\"en\">"), "{path}: no language");
    assert_eq!((count("<title>"), count("<h1>"), count("<main")), (1, 1, 1), "{path}");
    assert!(count("<table") == count("<caption>"), "{path}: a table without a name");
    assert!(!html.contains("user-scalable") && !html.contains("maximum-scale"), "{path}: no zoom");
    // What scrolls is reached with the keyboard, in the order of the text.
    assert_eq!(
        count("tabindex"),
        count("class=\"wide\" role=\"region\" tabindex=\"0\""),
        "{path}: an order of its own"
    );
    assert!(!html.contains("autofocus"), "{path}: takes the focus");
    let heading = Regex::new(r"<h([1-6])").unwrap();
    let levels: Vec<u8> = heading.captures_iter(html).map(|found| found[1].parse().unwrap()).collect();
    assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{path}: headings jump: {levels:?}");
    let empty = Regex::new(r"<(a|button|th|summary|h[1-6])[^>]*>\s*</").unwrap();
    assert!(!empty.is_match(html), "{path}: something has no name: {:?}", empty.find(html));
    let ids = Regex::new(r#" id="([^"]+)""#).unwrap();
    let all: Vec<&str> = ids.captures_iter(html).map(|found| found.get(1).unwrap().as_str()).collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "{path}: an id twice");
}

/// An unsubscribe link of the right form that means nobody.
const NOBODY: &str = "/u/AWYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[test]
fn a55_no_page_sets_a_cookie_and_every_page_is_safe_and_readable() {
    run(async {
        let stack = TestStack::shared().await;
        let client = stack.client();
        let consent = NOBODY.replace("/u/", "/consent/");
        let mut waiting = VecDeque::from(["/legal/privacy".to_owned(), NOBODY.to_owned(), consent.clone()]);
        let mut seen = BTreeSet::new();
        while let Some(path) = waiting.pop_front() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let answer = client.get(&path).await;
            assert!(answer.headers.get("set-cookie").is_none(), "{path} sets a cookie");
            if !answer.header("content-type").starts_with("text/html") {
                assert_eq!(answer.status, 200, "{path}");
                continue;
            }
            let html = answer.clone().expect(200).text();
            is_safe(&path, &answer);
            is_readable(&path, &html);
            waiting.extend(links(&html));
        }
        // Each document in both languages and in each of its versions, the promises, and an unsubscribe page.
        for page in content::legal::slugs() {
            for language in ["fr", "en"] {
                assert!(seen.contains(&format!("/legal/{page}?lang={language}")), "{page} is linked from nowhere");
                assert!(seen.contains(&format!("/legal/{page}/versions/1.0?lang={language}")), "{page} 1.0 is linked");
            }
        }
        assert!(seen.contains("/trust?lang=fr") && seen.contains("/trust?lang=en") && seen.contains("/trust.json"));
        assert!(seen.contains("/abuse?lang=fr") && seen.contains("/abuse?lang=en"));
        // What answers a button, and what is no page at all.
        let stopped = client.request(Method::POST, NOBODY).send().await.expect(200);
        is_safe(NOBODY, &stopped);
        let withdrawn = client.request(Method::POST, &consent).send().await.expect(200);
        is_safe(&consent, &withdrawn);
        is_readable(&consent, &withdrawn.text());
        let nowhere = client.get("/c/AAAA").await.expect(404);
        is_safe("a link that nobody signed", &nowhere);
        is_readable("a link that nobody signed", &nowhere.text());
        let cut = client.request(Method::POST, &NOBODY[..40]).send().await.expect(404);
        is_safe("a link that was cut", &cut);
        is_readable("a link that was cut", &cut.text());
        for path in ["/healthz", "/legal/nothing", "/v1/workspace"] {
            assert!(client.get(path).await.headers.get("set-cookie").is_none(), "{path} sets a cookie");
        }
        stack.check();
    });
}
