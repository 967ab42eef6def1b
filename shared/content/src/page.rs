//! The one HTML page: every page a person opens in a browser is laid out here.
//!
//! No script, no cookie, nothing fetched from anywhere (A55): the policy in [`headers`] allows the
//! page's own style sheet, by its hash, and forms to this very host. Nothing else.

use std::fmt;

use domain::locale::Locale;

/// The product's name, as pages and mails write it.
pub const PRODUCT: &str = "Prospectra";

const STYLE: &str = include_str!("page.css");

/// `default-src 'none'` and what little is allowed. A test recomputes the hash of the style sheet.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; \
     style-src 'sha256-6gjssFLZ4H7PuYXyEPhMeeUetPqV3rpH4+J0SlLGvsY='; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A whole HTML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// The document as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The document as text, by value.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Text in which nothing can be markup: what a person or a file wrote, made safe for a page.
#[must_use]
pub fn escape(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// See [`escape`].
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split_inclusive(['&', '<', '>', '"', '\'']) {
            let (text, entity) = match piece.as_bytes().last() {
                Some(b'&') => (&piece[..piece.len() - 1], "&amp;"),
                Some(b'<') => (&piece[..piece.len() - 1], "&lt;"),
                Some(b'>') => (&piece[..piece.len() - 1], "&gt;"),
                Some(b'"') => (&piece[..piece.len() - 1], "&quot;"),
                Some(b'\'') => (&piece[..piece.len() - 1], "&#39;"),
                _ => (piece, ""),
            };
            f.write_str(text)?;
            f.write_str(entity)?;
        }
        Ok(())
    }
}

/// What goes into the layout.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Language of the page: its `lang` and the words of the layout.
    pub lang: Locale,
    /// Title, as plain text.
    pub title: &'a str,
    /// Content, as markup: whatever comes from a person must have gone through [`escape`].
    pub body_html: &'a str,
    /// The same page in the other language: path and query, as plain text.
    pub other_language: Option<&'a str>,
    /// Whether search engines may list it. Pages reached by a personal link say no.
    pub indexed: bool,
}

/// Lays a page out.
#[must_use]
pub fn render(page: &Page<'_>) -> Html {
    let lang = page.lang.tag();
    let title = escape(page.title);
    let body = page.body_html;
    let robots = if page.indexed { "" } else { "<meta name=\"robots\" content=\"noindex, nofollow\">\n" };
    let (skip, legal) = match page.lang {
        Locale::Fr => ("Aller au contenu", "Informations légales"),
        Locale::En => ("Skip to content", "Legal information"),
    };
    let switch = page.other_language.map(|href| switch(page.lang, href)).unwrap_or_default();
    let nav = crate::legal::navigation(page.lang);
    Html(format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{robots}\
         <title>{title} · {PRODUCT}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">{skip}</a>\n\
         <header><span class=\"brand\">{PRODUCT}</span>{switch}</header>\n\
         <main id=\"content\">\n{body}\n</main>\n\
         <footer><nav aria-label=\"{legal}\">{nav}</nav></footer>\n</body>\n</html>\n"
    ))
}

fn switch(lang: Locale, href: &str) -> String {
    let (other, name) = match lang {
        Locale::Fr => ("en", "English"),
        Locale::En => ("fr", "Français"),
    };
    let href = escape(href);
    format!("<a href=\"{href}\" lang=\"{other}\" hreflang=\"{other}\">{name}</a>")
}

/// The security headers of every page. What may be cached is the caller's to say.
#[must_use]
pub const fn headers() -> &'static [(&'static str, &'static str)] {
    &[
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ]
}

/// A page without its style sheet, which has a test of its own: for snapshots.
#[cfg(test)]
pub(crate) fn without_style(html: &Html) -> String {
    let (before, rest) = html.as_str().split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    format!("{before}<style>…</style>{after}")
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn page(title: &str) -> Html {
        render(&Page {
            lang: Locale::En,
            title,
            body_html: "<h1>Hello</h1>",
            other_language: Some("/legal/terms?lang=fr&x=\"1\""),
            indexed: false,
        })
    }

    #[test]
    fn a55_the_style_sheet_is_allowed_by_its_hash_and_nothing_else_is() {
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert!(
            CONTENT_SECURITY_POLICY.contains(&format!("style-src 'sha256-{hash}';")),
            "the style sheet changed: write {hash}"
        );
        assert!(CONTENT_SECURITY_POLICY.starts_with("default-src 'none';"));
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
        assert!(headers().iter().all(|(name, _)| *name != "set-cookie"));
    }

    #[test]
    fn a55_a_page_fetches_nothing_and_runs_nothing() {
        let html = page("Hello").into_string();
        for forbidden in
            ["<script", "<img", "<iframe", "<link", "src=", "url(", "@import", "style=\"", "onclick", "http:", "https:"]
        {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn what_people_write_cannot_become_markup() {
        let html = page("<script>\"'&").into_string();
        assert!(html.contains("<title>&lt;script&gt;&quot;&#39;&amp; · Prospectra</title>"));
        assert!(html.contains("lang=fr&amp;x=&quot;1&quot;\""));
    }

    #[test]
    fn a_page_says_its_language_and_can_be_skipped_into() {
        let html = page("Hello").into_string();
        assert!(html.contains("<html lang=\"en\">"));
        assert!(html.contains("href=\"#content\"") && html.contains("id=\"content\""));
        assert!(html.contains("noindex"));
        assert!(html.contains("/legal/prospects-privacy?lang=en"));
    }

    #[test]
    fn header_names_are_lower_case_and_said_once() {
        let mut names: Vec<_> = headers().iter().map(|(name, _)| *name).collect();
        assert!(names.iter().all(|name| *name == name.to_ascii_lowercase()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), headers().len());
    }
}
