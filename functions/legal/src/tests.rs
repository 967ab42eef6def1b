use std::collections::HashMap;

use lambda_http::{RequestExt as _, http};

use super::*;

fn operator() -> Identity {
    in_region("eu-west-3")
}

fn in_region(region: &str) -> Identity {
    identity(|name| {
        let value = match name {
            "AWS_REGION" => region,
            "OPERATOR_SIREN" => "732829320",
            "OPERATOR_CONTACT" | "OPERATOR_PRIVACY_CONTACT" => "privacy@operator.example.com",
            "OPERATOR_ABUSE_CONTACT" => "abuse@operator.example.com",
            _ => "Exemple SAS",
        };
        Some(value.to_owned())
    })
}

/// After the data processing agreement was published, before the terms change.
const NOW: &str = "2026-12-01T12:00:00Z";

struct Get {
    page: Option<&'static str>,
    version: Option<&'static str>,
    lang: Option<&'static str>,
    now: &'static str,
    headers: Vec<(&'static str, String)>,
}

fn get(page: &'static str) -> Get {
    Get { page: Some(page), version: None, lang: None, now: NOW, headers: Vec::new() }
}

impl Get {
    fn lang(self, lang: &'static str) -> Self {
        Self { lang: Some(lang), ..self }
    }

    fn version(self, version: &'static str) -> Self {
        Self { version: Some(version), ..self }
    }

    fn at(self, now: &'static str) -> Self {
        Self { now, ..self }
    }

    fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn from(&self, operator: &Identity) -> Result<Response, Failure> {
        let path = match self.page {
            Some(page) if page.starts_with('/') => page.to_owned(),
            Some(page) => format!("/legal/{page}"),
            None => "/healthz".to_owned(),
        };
        let mut request = http::Request::get(format!("https://prospectra.test{path}"));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let one = |name: &str, value: Option<&str>| {
            value.map_or_else(HashMap::new, |v| HashMap::from([(name.to_owned(), vec![v.to_owned()])]))
        };
        let request = request
            .body(Body::Empty)
            .unwrap()
            .with_path_parameters(one("page", self.page.filter(|page| !page.starts_with('/'))))
            .with_query_string_parameters(
                one("lang", self.lang).into_iter().chain(one("version", self.version)).collect::<HashMap<_, _>>(),
            );
        answer(operator, &Request(request), self.now.parse().unwrap())
    }
}

fn text(response: &Response) -> &str {
    match response.body() {
        Body::Text(text) => text,
        other => panic!("not a text: {other:?}"),
    }
}

#[test]
fn a58_every_page_is_public_and_in_the_language_asked_for() {
    for slug in legal::slugs() {
        for (request, lang) in [
            (get(slug), "fr"),
            (get(slug).lang("en"), "en"),
            (get(slug).header("accept-language", "en-GB,fr;q=0.5"), "en"),
            (get(slug).lang("fr").header("accept-language", "en"), "fr"),
            (get(slug).lang("xx").header("accept-language", "de"), "fr"),
        ] {
            let response = request.from(&operator()).unwrap();
            assert_eq!(response.status(), 200, "{slug}");
            assert_eq!(response.headers()["content-language"], lang);
            assert!(text(&response).contains(&format!("<html lang=\"{lang}\">")));
            assert_eq!(response.headers()["cache-control"], "public, max-age=300");
            assert_eq!(response.headers()["vary"], "accept, accept-language");
        }
    }
}

#[test]
fn a55_pages_set_no_cookie_and_carry_their_security_headers() {
    let response = get("cookies").from(&operator()).unwrap();
    assert!(!response.headers().contains_key("set-cookie"));
    for (name, value) in page::headers() {
        assert_eq!(response.headers()[*name], *value);
    }
}

#[test]
fn a1_no_page_is_served_while_the_operator_is_unknown() {
    let blank = identity(|name| (name != "OPERATOR_SIREN").then(|| "Exemple SAS".into()));
    for slug in legal::slugs() {
        let failure = get(slug).from(&blank).unwrap_err();
        assert_eq!(failure.slug, "operator-not-identified");
        assert_eq!(failure.kind, Kind::Unavailable);
        assert!(failure.cause.unwrap().contains("OPERATOR_SIREN is blank"));
        assert!(!failure.detail.contains("OPERATOR_"), "for the log only");
    }
    let health = Get { page: None, ..get("") };
    assert_eq!(health.from(&blank).unwrap().status(), 200);
}

#[test]
fn a23_no_page_is_served_where_the_register_names_no_host() {
    let failure = get("subprocessors").from(&in_region("eu-central-1")).unwrap_err();
    assert_eq!(failure.slug, "processors-not-current");
    assert!(failure.cause.unwrap().contains("eu-central-1"));
}

#[test]
fn an_unknown_page_is_a_404_that_lists_the_pages() {
    for slug in ["imprint", "rights", "../privacy", "Privacy", ""] {
        let failure = get(slug).from(&operator()).unwrap_err();
        assert_eq!(failure.kind, Kind::NotFound, "{slug}");
        assert!(failure.detail.contains("prospects-privacy"));
    }
}

#[test]
fn a_page_that_has_not_changed_is_not_sent_again() {
    let first = get("terms").from(&operator()).unwrap();
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
        let again = get("terms").header("if-none-match", &known).from(&operator()).unwrap();
        assert_eq!(again.status(), 304, "{known}");
        assert!(matches!(again.body(), Body::Empty));
        assert_eq!(again.headers()["etag"], *tag);
    }
    let other = get("terms").lang("en").header("if-none-match", &tag).from(&operator()).unwrap();
    assert_eq!(other.status(), 200, "another language is another text");
}

#[test]
fn health_says_ok() {
    let response = Get { page: None, ..get("") }.from(&operator()).unwrap();
    assert_eq!(text(&response), r#"{"status":"ok"}"#);
    assert_eq!(response.headers()["content-type"], "application/json");
}

#[test]
fn a58_every_public_version_is_served_and_no_other() {
    let old = get("terms").version("1.0").at("2027-06-01T00:00:00Z").from(&operator()).unwrap();
    let page = text(&old).replace('\u{a0}', " ");
    assert!(page.contains("Remplacée") && page.contains("Cette partie vaut contrat au sens de l'article 28"), "{page}");
    assert!(page.contains("noindex"), "search engines keep what applies");
    let new = get("terms").version("2.0").lang("en").from(&operator()).unwrap();
    assert!(text(&new).contains("Announced, in force from"));
    for (request, pages) in [
        (get("terms").version("9.9"), "/legal/terms"),
        (get("terms").version("2.0").at("2026-11-30T12:00:00Z"), "/legal/terms"),
        (get("imprint").version("1.0"), "prospects-privacy"),
    ] {
        let failure = request.from(&operator()).unwrap_err();
        assert_eq!((failure.kind, failure.slug), (Kind::NotFound, "no-such-page"));
        assert!(failure.detail.contains(pages), "{}", failure.detail);
    }
}

#[test]
fn a56_the_page_says_what_comes_and_changes_at_its_second() {
    let said = |now| text(&get("terms").lang("en").at(now).from(&operator()).unwrap()).to_owned();
    let before = said("2026-12-31T22:59:59Z");
    assert!(before.contains("version 1.0</p>") && before.contains("1 January 2027"), "{before}");
    assert!(before.contains("This part is the contract that article 28 requires"));
    let after = said("2026-12-31T23:00:00Z");
    assert!(after.contains("version 2.0</p>") && after.contains("data processing agreement"), "{after}");
    assert!(!after.contains("This part is the contract that article 28 requires"));
}

#[test]
fn the_promises_are_public_as_a_page_and_as_json() {
    for lang in ["fr", "en"] {
        let response = get("/trust").lang(lang).from(&operator()).unwrap();
        assert_eq!(response.headers()["content-language"], lang);
        assert!(text(&response).contains("id=\"a82\""));
        for (name, value) in page::headers() {
            assert_eq!(response.headers()[*name], *value);
        }
    }
    for request in [get("/trust.json"), get("/trust").header("accept", "application/json")] {
        let response = request.from(&operator()).unwrap();
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(text(&response).contains("\"id\":\"A1\""));
    }
}
