use super::*;

fn only(source: &str) -> Tag {
    match scan(source, false).unwrap().as_slice() {
        [Piece::Tag(tag, 0)] => tag.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_ways_of_writing_a_fallback_mean_the_same() {
    let expected =
        Tag { variable: Variable::FirstName, filters: vec![Filter::Default("there".into()), Filter::Plain("upper")] };
    for source in [
        r#"{{ first_name | default: "there" | upper }}"#,
        r#"{{first_name|default:"there"|upper}}"#,
        r#"{{ first_name | default("there") | upper }}"#,
        "{{ first_name | default: 'there' | upper }}",
        "{{ first_name | default: “there” | upper }}",
        "{{\u{a0}first_name | default: \"there\"\n| upper }}",
    ] {
        assert_eq!(only(source), expected, "{source}");
    }
    assert_eq!(only(&expected.source()), expected);
}

#[test]
fn quotes_protect_braces_and_bars() {
    let tag = only(r#"{{ company | default: "a }} | b \" }}"#);
    assert_eq!(tag.filters, [Filter::Default("a }} | b \\".into())]);
    assert_eq!(tag.expression(), r#"company|default("a }} | b \\", true)"#);
}

#[test]
fn an_editors_entities_inside_a_tag_are_read() {
    let pieces = scan("{{&nbsp;company | default: &quot;R&amp;D&quot; }}", true).unwrap();
    assert!(matches!(&pieces[..], [Piece::Tag(tag, 0)] if tag.filters == [Filter::Default("R&D".into())]));
}

#[test]
fn what_is_not_a_merge_tag_is_refused_with_its_place() {
    for (source, line, column, says) in [
        ("Hi {{ first_name", 1, 4, "no }}"),
        ("a\n  {% if x %}", 2, 3, "{% if %}"),
        ("{{ }}", 1, 4, "name of a variable"),
        ("{{ firstname }}", 1, 4, "write first_name"),
        ("{{ prenom }}", 1, 4, "write first_name"),
        ("é {{ password }}", 1, 6, "there are: first_name"),
        ("{{ email.local }}", 1, 9, "only filters"),
        ("{{ email['x'] }}", 1, 9, "only filters"),
        ("{{ email + email }}", 1, 10, "only filters"),
        ("{{ 7 * 7 }}", 1, 4, "not a variable"),
        ("{{ \"x\" }}", 1, 4, "name of a variable"),
        ("{{ self() }}", 1, 4, "not a variable"),
        ("{{ email | safe }}", 1, 12, "not a filter"),
        ("{{ email | upper() }}", 1, 17, "only filters"),
        ("{{ email | default }}", 1, 20, "needs a text"),
        ("{{ email | default: there }}", 1, 21, "between quotes"),
        ("{{ email | default: \"x }}", 1, 21, "not closed"),
        ("{{ email | default: \"a\nb\" }}", 1, 21, "one line"),
        ("{{ email | default(\"x\" }}", 1, 24, "parenthesis"),
        ("{{- email -}}", 1, 3, "name of a variable"),
    ] {
        let error = scan(source, false).unwrap_err();
        assert_eq!((error.line, error.column), (line, column), "{source}: {error}");
        assert!(error.message.contains(says), "{source}: {error}");
    }
}

#[test]
fn lone_braces_are_text() {
    let text: String = scan("{ a } }} {# b #} {", false)
        .unwrap()
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => *text,
            Piece::Tag(..) | Piece::Spin(..) => panic!("no tag here"),
        })
        .collect();
    assert_eq!(text, "{ a } }} {# b #} {");
}
