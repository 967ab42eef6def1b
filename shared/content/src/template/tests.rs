use super::*;

fn elodie<'a>() -> Person<'a> {
    Person {
        first_name: Some("Élodie"),
        company: Some("R&D <Conseil>"),
        email: Some("elodie@example.org"),
        ..Person::default()
    }
}

fn render(source: &str, kind: Kind, person: &Person<'_>) -> Result<String, RenderError> {
    Template::parse(source, kind).unwrap().render(person)
}

#[test]
fn values_and_fallbacks_are_filled_in() {
    for (source, expected) in [
        ("Bonjour {{ first_name }},", "Bonjour Élodie,"),
        ("{{ first_name | upper }} {{ first_name | lower }}", "ÉLODIE élodie"),
        ("{{ last_name | default: \"ami\" }}", "ami"),
        ("{{ last_name | trim | upper | default(\"ami\") | upper }}", "AMI"),
        ("{{ first_name | default: \"ami\" }}", "Élodie"),
        ("{{ last_name | default: \"\" }}.", "."),
        ("{{ job_title | default: \"chef de projet\" | title }}", "Chef De Projet"),
        ("{{ job_title | default: \"chef de projet\" | capitalize }}", "Chef de projet"),
        ("{{ company | default: \"a \\ b\" }}", "R&D <Conseil>"),
        ("{{ last_name | default: \"{{ email }} \\n\" }}", "{{ email }} \\n"),
        ("{# not a comment #} { } }}", "{# not a comment #} { } }}"),
    ] {
        assert_eq!(render(source, Kind::Text, &elodie()).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn a_missing_value_refuses_the_person() {
    let missing = Err(RenderError::MissingValue { variable: Variable::LastName });
    for source in ["{{ last_name }}", "{{ last_name | upper | trim | title | lower | capitalize }}"] {
        assert_eq!(render(source, Kind::Text, &elodie()), missing, "{source}");
        let blank = Person { last_name: Some(" \u{a0} "), ..elodie() };
        assert_eq!(render(source, Kind::Text, &blank), missing, "{source}");
    }
}

#[test]
fn values_are_escaped_in_html_and_defaults_too() {
    let html = "<p>{{ company }} {{ last_name | default: \"<b>&amp;\" }}</p>";
    assert_eq!(render(html, Kind::Html, &elodie()).as_deref(), Ok("<p>R&amp;D &lt;Conseil&gt; &lt;b&gt;&amp;</p>"));
}

#[test]
fn no_value_can_break_a_header_or_turn_a_text_around() {
    for nasty in ["A\r\nBcc: x@example.org", "A\nB", "A\0B", "A\u{202E}B"] {
        let person = Person { first_name: Some(nasty), ..Person::default() };
        assert_eq!(
            render("Hi {{ first_name }}", Kind::Subject, &person),
            Err(RenderError::UnsafeValue { variable: Variable::FirstName })
        );
        let text = render("Hi {{ first_name }}", Kind::Text, &person).unwrap();
        assert!(!text.contains(is_stripped), "{text:?}");
    }
    for source in ["a\nb", "a\rb", "a\0b", "a\u{85}b"] {
        assert!(Template::parse(source, Kind::Subject).is_err(), "{source:?}");
    }
    assert_eq!(Template::parse(" Hi \n", Kind::Subject).unwrap().source(), "Hi");
    assert!(Template::parse(" \n", Kind::Subject).is_err());
}

#[test]
fn sizes_are_capped() {
    assert!(Template::parse(&"x".repeat(MAX_BODY + 1), Kind::Text).is_err());
    assert!(Template::parse(&"x".repeat(MAX_SUBJECT_SOURCE + 1), Kind::Subject).is_err());
    let long = "x".repeat(MAX_VALUE);
    let person = Person { company: Some(&long), ..Person::default() };
    assert!(render("{{ company }}", Kind::Text, &person).is_ok());
    assert_eq!(render("{{ company }}", Kind::Subject, &person), Err(RenderError::TooLong));
    assert_eq!(render(&"{{ company }}".repeat(81), Kind::Text, &person), Err(RenderError::TooLong));
    let longer = "x".repeat(MAX_VALUE + 1);
    let person = Person { company: Some(&longer), ..Person::default() };
    assert_eq!(render("{{ company }}", Kind::Text, &person), Err(RenderError::TooLong));
}

#[test]
fn variables_stay_out_of_markup() {
    for source in [
        "<p>a</p>\n<a href=\"https://example.com/{{ company }}\">x</a>",
        "<p>a</p>\n<p title=\"{{ company | default: 'x' }}\">x</p>",
        "<p>a</p>\n<img src=\"https://example.com/{{ email }}.png\">",
    ] {
        let error = Template::parse(source, Kind::Html).unwrap_err();
        assert_eq!(error.line, 2, "{error}");
        assert!(error.message.contains("move it out"), "{error}");
    }
    // What is dropped anyway does no harm.
    let template = Template::parse("<p class=\"{{ company }}\">x<!-- {{ email }} --></p>", Kind::Html).unwrap();
    assert_eq!(template.source(), "<p>x</p>");
}

#[test]
fn the_stored_form_is_the_safe_form() {
    let source = "<P onclick=x>Bonjour {{first_name|default:\"R&D <x>\"}}\u{E000}1\u{E001}<script>x</script>";
    let template = Template::parse(source, Kind::Html).unwrap();
    let stored = template.source();
    assert_eq!(stored, "<p>Bonjour {{ first_name | default: \"R&D <x>\" }}1</p>");
    let again = Template::stored(&stored, Kind::Html).unwrap();
    assert_eq!(again.render(&elodie()), template.render(&elodie()));
    assert!(Template::stored(source, Kind::Html).unwrap_err().message.contains("save the campaign again"));
}

#[test]
fn the_other_part_is_derived_with_its_tags() {
    let html = Template::parse("<p>Bonjour <b>{{ first_name }}</b>,</p><p>{{ company }}</p>", Kind::Html).unwrap();
    assert_eq!(html.to_text().unwrap().render(&elodie()).as_deref(), Ok("Bonjour Élodie,\n\nR&D <Conseil>"));
    let text = Template::parse("Bonjour {{ first_name }},\n\n{{ company }} <3", Kind::Text).unwrap();
    assert_eq!(
        text.to_html().unwrap().render(&elodie()).as_deref(),
        Ok("<p>Bonjour Élodie,</p>\n<p>R&amp;D &lt;Conseil&gt; &lt;3</p>")
    );
}

#[test]
fn long_gaps_in_a_text_are_closed() {
    assert_eq!(Template::parse("a\r\n\r\n\r\n \r\n\r\n\r\nb\rc", Kind::Text).unwrap().source(), "a\n\n\n b\nc");
}

#[test]
fn a_template_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Template>();
}

#[test]
fn errors_and_debug_carry_no_personal_data() {
    assert_eq!(format!("{:?}", elodie()), "Person(…)");
}
