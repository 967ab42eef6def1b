//! Whatever a member writes as a campaign is refused with a reason or renders safely, and what was
//! stored renders the same. Input: subject, text and HTML, separated by NUL.
#![no_main]

use content::campaign::CampaignTemplate;
use content::template::Person;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let mut parts = data.splitn(3, '\0');
    let (subject, text, html) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    let parsed = match CampaignTemplate::parse(subject, text, html) {
        Ok(parsed) => parsed,
        Err(errors) => {
            assert!(!errors.is_empty() && errors.iter().all(|e| e.error.line > 0 && e.error.column > 0));
            return;
        }
    };
    let stored = CampaignTemplate::stored(subject, text, parsed.html_source()).expect("what was parsed can be stored");
    let tags = ["a <b>".to_owned(), "--\r\n\0".to_owned()];
    let person = Person {
        first_name: Some("<script>"),
        company: Some("R&D \"Conseil\""),
        email: Some("elodie@example.org"),
        tags: &tags,
        ..Person::default()
    };
    let rendered = parsed.render(&person);
    assert_eq!(rendered, stored.render(&person));
    if let Ok(rendered) = rendered {
        assert!(!rendered.subject.chars().any(char::is_control));
        assert!(!rendered.text.contains('\0') && !rendered.html.contains('\0'));
        let html = rendered.html.to_ascii_lowercase();
        assert!(["<script", "<style", "<!--", "<form"].iter().all(|forbidden| !html.contains(forbidden)));
        for element in ["div", "table", "p", "a", "b"] {
            let open = html.matches(&format!("<{element}>")).count() + html.matches(&format!("<{element} ")).count();
            assert_eq!(open, html.matches(&format!("</{element}>")).count(), "{element} is closed as often as opened");
        }
    }
});
