use proptest::prelude::*;

use super::*;

/// A first step's findings as `level code field`.
fn findings(subject: &str, text: &str, html: Option<&str>) -> Vec<String> {
    let templates = CampaignTemplate::parse(subject, text, html).unwrap();
    let removed: Vec<String> = templates.removed().iter().map(|name| (*name).to_owned()).collect();
    let written = Written {
        templates: &templates,
        begins_thread: true,
        has_text: !text.trim().is_empty(),
        has_html: html.is_some(),
        removed: &removed,
    };
    let level = |level| if level == Level::Error { "error" } else { "no error" };
    message(&written).into_iter().map(|f| format!("{} {} {}", level(f.level), f.code, f.field)).collect()
}

const SUBJECT: &str = "Une question pour {{ company | default: \"votre équipe\" }}";
const TEXT: &str = "Bonjour {{ first_name | default: \"à vous\" }},\n\nAvez-vous cinq minutes ? https://nos-tables.example.com/visite.";

#[test]
fn an_honest_letter_has_nothing_against_it() {
    assert_eq!(findings(SUBJECT, TEXT, None), [""; 0]);
    let html = "<p>Bonjour {{ first_name | default: \"à vous\" }},</p><p>Avez-vous cinq <b>minutes</b> ? \
                <a href=\"https://nos-tables.example.com/visite\">nos-tables.example.com</a></p>";
    let text = "Bonjour {{ first_name | default: \"à vous\" }},\n\nAvez-vous cinq minutes ? nos-tables.example.com";
    assert_eq!(findings(SUBJECT, text, Some(html)), [""; 0]);
    assert_eq!(findings(SUBJECT, "", Some(html)), [""; 0]);
}

#[test]
fn a_subject_is_judged_where_it_begins_a_thread() {
    for (subject, expected) in [
        ("Re: notre échange", "error fake_reply subject"),
        ("RE : notre échange", "error fake_reply subject"),
        ("Fwd: our call", "error fake_reply subject"),
        ("TR : devis", "error fake_reply subject"),
        ("Recrutement : trois profils", ""),
        ("Re-bonjour", ""),
        ("{{ company }}: trois idées", ""),
        ("OFFRE SPÉCIALE POUR VOUS", "no error capitals subject"),
        ("RGPD et DPO", ""),
        ("Des tables ! Des chaises !", "no error exclamation_marks subject"),
        ("Des tables !", ""),
        ("Cliquez ici pour nos tables", "no error spam_phrases subject"),
    ] {
        let expected: Vec<_> = Some(expected).filter(|e| !e.is_empty()).into_iter().collect();
        assert_eq!(findings(subject, TEXT, None), expected, "{subject}");
    }
    assert_eq!(findings(&"mot ".repeat(18), TEXT, None), ["no error long_subject subject"]);
    let templates = CampaignTemplate::parse("Re: Cliquez ici", TEXT, None).unwrap();
    let reply = Written { templates: &templates, begins_thread: false, has_text: true, has_html: false, removed: &[] };
    assert_eq!(message(&reply), []);
}

#[test]
fn what_other_tools_would_fill_in_is_told_of() {
    for (text, expected) in [
        ("{Bonjour|Salut}, avez-vous cinq minutes ?", "no error left_as_written text"),
        ("Bonjour {first_name}, avez-vous cinq minutes ?", "no error left_as_written text"),
        ("Bonjour { firstName }, avez-vous cinq minutes ?", "no error left_as_written text"),
        ("Bonjour {{ first_name | default: \"à vous\" }}, avez-vous cinq minutes ?", ""),
        ("[[Bonjour|Salut]], avez-vous cinq minutes ?", ""),
        ("Bonjour, une accolade { et une autre } ne font rien.", ""),
        ("Bonjour, {} ni {|} non plus.", ""),
    ] {
        let expected: Vec<_> = Some(expected).filter(|e| !e.is_empty()).into_iter().collect();
        assert_eq!(findings(SUBJECT, text, None), expected, "{text}");
    }
    assert_eq!(findings("{Tables|Chaises}", TEXT, None), ["no error left_as_written subject"]);
}

#[test]
fn every_alternative_is_looked_at() {
    let text = "[[Bonjour|Salut|Bonsoir]], voyez [[https://example.com/|https://localhost/|nos tables]].";
    assert_eq!(
        findings("[[Tables|Re: tables|Chaises]]", text, None),
        ["error fake_reply subject", "error link_private text"]
    );
}

#[test]
fn links_are_judged_by_their_form() {
    for (link, expected) in [
        ("https://example.com", ""),
        ("https://www.example.com:8443/a?b=c#d", ""),
        ("http://example.com/a", "no error link_insecure"),
        ("https://bit.ly/3abc", "no error link_shortened"),
        ("https://www.TinyURL.com/3abc", "no error link_shortened"),
        ("https://notbit.ly/3abc", ""),
        ("https://localhost:3000/a", "error link_private"),
        ("https://intranet/a", "error link_private"),
        ("https://shop.local/a", "error link_private"),
        ("https://192.168.1.10/a", "error link_private"),
        ("https://0x7f.1/a", "error link_private"),
        ("https://[::1]/a", "error link_private"),
        ("https://user@example.com/a", "error link_credentials"),
        ("https:///a", "error link_private"),
        ("https://exa%mple.com/", "error link_broken"),
    ] {
        let expected = |field: &str| {
            let expected = Some(expected).filter(|e| !e.is_empty());
            expected.map(|e| format!("{e} {field}")).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(findings("Tables", &format!("Voyez ({link}), puis {link}."), None), expected("text"), "{link}");
        let html = format!("<p>Voyez <a href=\"{link}\">nos tables</a></p>");
        assert_eq!(findings("Tables", "", Some(&html)), expected("html"), "{link}");
    }
}

#[test]
fn a_link_without_a_site_is_broken() {
    for (link, broken) in [("/visite", true), ("#", true), ("visite.html", true), ("mailto:a@example.com", false)] {
        let html = format!("<p>Voyez <a href=\"{link}\">nos tables</a></p>");
        let expected = if broken { vec!["error link_broken html"] } else { Vec::new() };
        assert_eq!(findings("Tables", "", Some(&html)), expected, "{link}");
    }
}

#[test]
fn values_in_links_are_noticed() {
    for (link, expected) in [
        ("https://{{ company }}.example.com/", "error link_host_varies text"),
        ("https://example.com/{{ first_name | default: \"a b\" }}", "no error link_varies text"),
    ] {
        assert_eq!(findings("Tables", &format!("Voyez {link} ou pas."), None), [expected], "{link}");
    }
}

#[test]
fn a_link_shows_where_it_leads() {
    for (shown, differs) in [
        ("https://example.com/a", false),
        ("www.example.com", false),
        ("nos tables", false),
        ("https://other.example.org", true),
        ("www.other.example", true),
    ] {
        let html = format!("<p>Voyez <a href=\"https://example.com/a/b\">{shown}</a></p>");
        let expected = if differs { vec!["no error link_differs html"] } else { Vec::new() };
        assert_eq!(findings("Tables", "", Some(&html)), expected, "{shown}");
    }
}

#[test]
fn bodies_of_images_disguise_and_spam_are_noticed() {
    let image = "<img src=\"https://example.com/a.png\" alt=\"Nos tables\">";
    let words = "mot ".repeat(FEW_WORDS);
    for (text, html, expected) in [
        ("", image.to_owned(), "no error image_only html"),
        ("", format!("<p>{words}</p>{image}"), ""),
        ("Tout autre chose que cela", "<p>Nos tables sont en chêne</p>".into(), "no error parts_differ text"),
        ("Nos tables", "<p>Nos tables sont en chêne massif</p>".into(), "no error parts_differ text"),
        ("Nos tables sont en chêne massif", "<p>Nos tables</p>".into(), "no error parts_differ text"),
        ("NOS TABLES, sont en chêne !", "<h1>Nos tables</h1>sont en <i>chêne</i>".into(), ""),
        ("", "<style>p{}</style><p>Nos tables</p><script>a()</script>".into(), "no error removed html"),
        ("", "<p>Nos tables</p><form><input></form>".into(), "no error removed html"),
        ("", "<p>Gagnez de l’argent avec nos tables</p>".into(), "no error spam_phrases html"),
        ("", "<p>Our tables: 100% FREE</p>".into(), "no error spam_phrases html"),
        ("", "<p>Your 100 freezers</p>".into(), ""),
        ("", "<p>Nos tables !!</p>".into(), "no error exclamation_marks html"),
    ] {
        let expected: Vec<_> = Some(expected).filter(|e| !e.is_empty()).into_iter().collect();
        assert_eq!(findings("Tables", text, Some(&html)), expected, "{text} {html}");
    }
}

#[test]
fn what_nobody_sees_may_go_without_a_warning() {
    let level = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut found = Vec::new();
        removed(&names, &mut found);
        found.first().map(|finding| finding.level)
    };
    assert_eq!(level(&[]), None);
    assert_eq!(level(&["script", "style"]), Some(Level::Note));
    assert_eq!(level(&["form", "style"]), Some(Level::Warning));
}

#[test]
fn a_value_that_may_be_missing_needs_a_default() {
    let fields = |subject: &str, text: &str, html: Option<&str>| -> Vec<_> {
        let templates = CampaignTemplate::parse(subject, text, html).unwrap();
        needs(&templates).into_iter().map(|need| (need.field, need.variable)).collect()
    };
    assert_eq!(fields(SUBJECT, TEXT, None), []);
    assert_eq!(fields("[[{{ email }}|{{ company }}]]", TEXT, None), [("subject", Variable::Company)]);
    assert_eq!(fields("{{ email }}", "{{ sender_name }} {{ sender_company }}", None), []);
    assert_eq!(
        fields("{{ company }}", "{{ first_name }} {{ company | default: \"x\" }}", Some("<p>{{ tags }}</p>")),
        [("text", Variable::FirstName), ("subject", Variable::Company), ("html", Variable::Tags)]
    );
    let always = |text: &str| {
        let templates = CampaignTemplate::parse(SUBJECT, text, None).unwrap();
        needs(&templates).into_iter().map(|need| need.always).collect::<Vec<_>>()
    };
    assert_eq!(always("Bonjour {{ first_name }}"), [true]);
    assert_eq!(always("[[Bonjour|Salut {{ first_name }}]]"), [false]);
    let need = Need { field: "text", variable: Variable::FirstName, always: true };
    assert_eq!(no_fallback(need, 0, 9).level, Level::Note);
    let found = no_fallback(need, 2, 9);
    assert_eq!((found.level, found.field), (Level::Warning, "text"));
    let all = no_fallback(Need { always: false, ..need }, 9, 9);
    assert_eq!(all.level, Level::Warning, "who gets another alternative gets it");
    let all = no_fallback(need, 9, 9);
    assert_eq!((all.level, all.message.contains("nobody in the audience has a first_name")), (Level::Error, true));
    assert!(found.message.contains("2 of 9") && found.message.contains("{{ first_name | default: \"…\" }}"));
}

#[test]
fn what_gmail_would_cut_is_refused() {
    let level = |bytes| size(bytes, true).map(|finding| finding.level);
    assert_eq!(level(Some(NEARLY_CUT)), None);
    assert_eq!(level(Some(NEARLY_CUT + 1)), Some(Level::Warning));
    assert_eq!(level(None), Some(Level::Error));
}

#[test]
fn a_text_that_nobody_reads_costs_reach() {
    let of = |words: usize| {
        let found = findings("Tables", &"Nos tables. ".repeat(words), None);
        found.iter().any(|finding| finding.starts_with("warning long_text") || finding.contains("long_text"))
    };
    assert!(!of(2_400) && of(2_600));
}

#[test]
fn phrases_are_written_as_they_are_looked_for() {
    for phrase in words::SPAMMY {
        assert_eq!(words::spammy(&phrase.to_uppercase()), [phrase]);
    }
}

proptest! {
    #[test]
    fn no_text_breaks_a_check(text in "\\PC{1,60}", link in "[a-z0-9:/.@%-]{0,10}\\[?[a-z0-9:/.@\\]%-]{0,20}") {
        let text = format!("x{} https://{link} http{link}", text.replace(['{', '}', '['], ""));
        findings("Tables", &text, Some(&format!("<p>{text}</p>")));
    }
}
