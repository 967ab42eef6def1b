//! Whatever a member writes, the footer and the headers stand.

use mail_parser::MessageParser;
use proptest::prelude::*;

use super::tests::{PRIVACY, RIGHTS, UNSUBSCRIBE, with_mail};
use super::*;
use crate::campaign::CampaignTemplate;
use crate::template::Person;

/// HTML by people who would rather not have a footer.
fn hostile_html() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "<div style=\"display:none\">",
            "<!--",
            "-->",
            "<style>",
            "</style>",
            "<style>table{display:none}</style>",
            "</body></html>",
            "<textarea>",
            "<title>",
            "<plaintext>",
            "<xmp>",
            "<noscript>",
            "<template>",
            "<svg>",
            "<math>",
            "<![CDATA[",
            "<script>",
            "<select><option>",
            "<table><tr><td>",
            "</td></tr></table>",
            "</div>",
            "<b>",
            "<a href=\"https://example.com\">",
            "<a href='",
            "<p style=\"",
            "\">",
            "<font color=#ffffff size=1>",
            "<iframe srcdoc=\"",
            "<details>",
            "<dialog>",
            "<object>",
            "<base href=https://example.com>",
            "&lt;",
            "&#0;",
            "<div style=\"position:fixed;height:100%\">",
            "<div hidden>",
            "<marquee>",
            "<frameset>",
            "<pre>",
            "<ul><li>",
            "{{ first_name }}",
            "{{ company | default: \"x\" }}",
            "{#",
            "#}",
            "\u{202E}",
            "\u{E000}0\u{E001}",
            "\r\n.\r\n",
            "--part-0000000000000000",
            "\0",
            "<img src=https://example.com/a.png>",
            "[[a|{{ first_name }}|[[b|c]]]]",
            "[[",
            "]]",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// What must be seen in both parts, in any language.
const ALWAYS: [&str; 7] =
    ["Ateliers Érable", "123 456 789", "12 rue de l’Exemple", "contact@example.com", UNSUBSCRIBE, PRIVACY, RIGHTS];

/// The HTML as a browser's parser rebuilds it, with nothing but visible structure kept.
fn seen(html: &str) -> String {
    // Every element that could swallow or hide text is left out of the list, with what is in it.
    let mut builder = ammonia::Builder::default();
    builder.add_clean_content_tags(["title"]).link_rel(None);
    builder.clean(html).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a62_identity_a59_link_and_headers_survive_every_template(
        subject in prop_oneof![Just("Hello {{ first_name }}".to_owned()), "\\PC{1,300}", "[ -~éà]{1,90}"],
        text in prop_oneof![hostile_html(), ".{0,400}"],
        html in prop::option::of(hostile_html()),
        first in any::<bool>(),
        french in any::<bool>(),
    ) {
        let Ok(template) = CampaignTemplate::parse(&subject, &text, html.as_deref()) else { return Ok(()) };
        let person = Person { first_name: Some("Élodie <b>"), company: Some("--\r\n<!--"), ..Person::default() };
        let Ok(rendered) = template.render(&person) else { return Ok(()) };
        let locale = if french { Locale::Fr } else { Locale::En };
        let message = with_mail(&rendered, locale, |mail| {
            compose(&if first { mail } else { CampaignMail { first_message: None, ..mail } })
        }).unwrap();

        let lines = message.bytes.split(|&b| b == b'\n');
        prop_assert!(lines.clone().all(|line| line.len() <= 998), "no line is too long");
        prop_assert!(lines.rev().skip(1).all(|line| line.ends_with(b"\r")), "lines end with CRLF");
        prop_assert!(message.bytes.iter().all(|b| b.is_ascii() && *b != 0), "seven bits, no NUL");

        let parsed = MessageParser::default().parse(&message.bytes).unwrap();
        let header = |name: &str| parsed.header_raw(name).unwrap_or_default().trim().to_owned();
        prop_assert_eq!(header("List-Unsubscribe"), format!("<{UNSUBSCRIBE}>"));
        prop_assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        prop_assert_eq!(parsed.subject().map(squeezed), Some(squeezed(&rendered.subject)));
        prop_assert_eq!(parsed.headers().len(), 13);
        prop_assert_eq!(parsed.parts.len(), 3);

        let text = parsed.body_text(0).unwrap();
        let html = parsed.body_html(0).unwrap();
        let html = seen(&html);
        for part in [text.as_ref(), &html] {
            for needle in ALWAYS {
                prop_assert!(part.contains(needle), "{needle} is missing in {part}");
            }
            for words in ["www.cnil.fr/plaintes", "6.1.f", "Salon des Exemples 2026"] {
                // The source is said in every message, the rest of the notice in the first (A69).
                prop_assert_eq!(part.contains(words), first || words.starts_with("Salon"));
            }
        }
        let footer = html.rfind("<table").unwrap();
        prop_assert!(html[footer..].contains(UNSUBSCRIBE), "the link is in the footer");
        let before = &html[..footer];
        let depth = before.matches("<div").count() - before.matches("</div").count();
        prop_assert_eq!(depth, 0, "the footer is inside nothing: {}", before);
    }

    #[test]
    fn any_source_is_parsed_or_refused_and_what_is_stored_renders_the_same(source in hostile_html()) {
        if let Ok(parsed) = CampaignTemplate::parse("Hi", "", Some(&source)) {
            let stored = CampaignTemplate::stored("Hi", "", parsed.html_source()).unwrap();
            let person = Person { first_name: Some("Élodie"), company: Some("R&D"), ..Person::default() };
            prop_assert_eq!(stored.render(&person), parsed.render(&person));
        }
    }
}

/// White space is folded in a header: only its presence counts.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
