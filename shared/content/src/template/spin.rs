//! Alternatives: `[[Hello|Good morning|Dear {{ first_name }}]]` is one of three, and always the same one for a person.
//!
//! Square brackets, because `{a|b}` could not hold a merge tag: `{{{ first_name }}|you}` would be two things at once.

use super::tag::{Tag, TemplateError, tag_at, undone};

/// Alternatives of one place, at most.
const MOST: usize = 20;

/// Alternatives within alternatives, at most so deep.
const DEEPEST: usize = 4;

/// One place with alternatives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spin {
    pub(crate) options: Vec<Vec<Part>>,
}

/// A piece of an alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Words, never markup.
    Text(String),
    Tag(Tag),
    Spin(Spin),
}

impl Spin {
    /// The place as its author would write it; `escape` makes words of it HTML where it stands in HTML.
    pub(crate) fn source(&self, html: bool) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) if html => text.replace('&', "&amp;"),
            Part::Text(text) => text.clone(),
            Part::Tag(tag) => tag.source(),
            Part::Spin(spin) => spin.source(html),
        };
        let options: Vec<String> = self.options.iter().map(|parts| parts.iter().map(part).collect()).collect();
        format!("[[{}]]", options.join("|"))
    }

    /// The tags in it, those of alternatives within it too.
    pub(crate) fn tags(&self) -> Vec<&Tag> {
        let of = |part| match part {
            &Part::Text(_) => Vec::new(),
            Part::Tag(tag) => vec![tag],
            Part::Spin(spin) => spin.tags(),
        };
        self.options.iter().flatten().flat_map(of).collect()
    }
}

/// Reads the place that begins at `found`, and where it ends.
pub(crate) fn spin_at(source: &str, found: usize, html: bool) -> Result<(Spin, usize), TemplateError> {
    within(source, found, html, 1)
}

fn within(source: &str, found: usize, html: bool, depth: usize) -> Result<(Spin, usize), TemplateError> {
    let refuse = |at, message: String| Err(TemplateError::at(source, at, message));
    if depth > DEEPEST {
        return refuse(found, format!("alternatives within alternatives, {DEEPEST} deep at most"));
    }
    let (mut options, mut parts, mut at) = (Vec::new(), Vec::new(), found + 2);
    loop {
        let rest = &source[at..];
        let Some(length) = rest.find(['[', ']', '|', '{', '\n', '<', '>']) else {
            return refuse(found, "this [[ has no ]] after it: close it, as in [[Hello|Good morning]]".into());
        };
        push(&mut parts, &rest[..length], html);
        at += length;
        let rest = &source[at..];
        if rest.starts_with("[[") {
            let (spin, end) = within(source, at, html, depth + 1)?;
            parts.push(Part::Spin(spin));
            at = end;
        } else if rest.starts_with("{{") {
            let (tag, end) = tag_at(source, at, html)?;
            parts.push(Part::Tag(tag));
            at = end;
        } else if rest.starts_with("{%") {
            return refuse(at, "instructions such as {% if %} are not available".into());
        } else if rest.starts_with("]]") || rest.starts_with('|') {
            options.push(std::mem::take(&mut parts));
            if rest.starts_with('|') {
                at += 1;
                continue;
            }
            return match options.len() {
                1 => refuse(found, "give two alternatives or more, as in [[Hello|Good morning]]".into()),
                many if many > MOST => refuse(found, format!("{MOST} alternatives at most; these are {many}")),
                _ => Ok((Spin { options }, at + 2)),
            };
        } else if rest.starts_with('\n') {
            return refuse(at, "alternatives stand on one line: close this [[ with ]] before the line ends".into());
        } else if html && rest.starts_with(['<', '>']) {
            return refuse(at, "only words and merge tags stand between [[ and ]]: put the HTML around it".into());
        } else {
            let one = rest.chars().next().map_or(1, char::len_utf8);
            push(&mut parts, &rest[..one], html);
            at += one;
        }
    }
}

fn push(parts: &mut Vec<Part>, text: &str, html: bool) {
    if text.is_empty() {
        return;
    }
    let text = if html { undone(text) } else { text.to_owned() };
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(&text),
        _ => parts.push(Part::Text(text)),
    }
}

/// Which of `options` alternatives a person gets at the place of this number: spread evenly, and always the same.
pub(crate) fn choice(seed: u64, number: usize, options: usize) -> usize {
    // SplitMix64's last steps: neighbours in, strangers out.
    let mut mixed = seed.wrapping_add((number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    usize::try_from(mixed % (options.max(1) as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Kind, Person, Template};
    use super::*;

    fn forms(source: &str, kind: Kind) -> Vec<String> {
        let template = Template::parse(source, kind).unwrap();
        let all = template.every_form(&Person { first_name: Some("Zoé & Co"), ..Person::default() }, 100).unwrap();
        assert_eq!(all.len() as u64, template.forms());
        let stored = Template::stored(&template.source(), kind).unwrap();
        assert_eq!(stored.source(), template.source());
        assert_eq!(stored.forms(), template.forms());
        all
    }

    #[test]
    fn every_form_is_a_choice_at_each_place() {
        assert_eq!(forms("Hello", Kind::Text), ["Hello"]);
        assert_eq!(forms("[[a|b|[[c|d]]]]!", Kind::Text), ["a!", "b!", "c!", "d!"]);
        assert_eq!(forms("[[a|b]] [[c|d]]", Kind::Subject), ["a c", "a d", "b c", "b d"]);
        assert_eq!(forms("[[Hi|Dear {{ first_name }}|]],", Kind::Text), ["Hi,", "Dear Zoé & Co,", ","]);
        let html = forms("<p>[[R&amp;D|{{ first_name }}]]</p>", Kind::Html);
        assert_eq!(html, ["<p>R&amp;D</p>", "<p>Zoé &amp; Co</p>"]);
        // Brackets and bars of other kinds are only what they are.
        assert_eq!(forms("a | b [1] ]] {x|y}", Kind::Text), ["a | b [1] ]] {x|y}"]);
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_place() {
        for (source, kind, line, column) in [
            ("Hello [[a|b", Kind::Text, 1, 7),
            // One of its forms would say nothing.
            ("[[|]]", Kind::Subject, 1, 1),
            ("[[a| ]] [[b|[[c|]]]]", Kind::Text, 1, 1),
            ("x\n[[a]]", Kind::Text, 2, 1),
            ("[[a|\nb]]", Kind::Text, 1, 5),
            ("[[a|{{ nobody }}]]", Kind::Text, 1, 8),
            ("[[a|{% if %}]]", Kind::Text, 1, 5),
            ("[[1|[[2|[[3|[[4|[[5|6]]]]]]]]]]", Kind::Text, 1, 17),
            ("[[a|<b>b</b>]]", Kind::Html, 1, 5),
        ] {
            let error = Template::parse(source, kind).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{source}: {error}");
        }
        let many = format!("[[{}]]", vec!["x"; 21].join("|"));
        assert!(Template::parse(&many, Kind::Text).is_err());
    }

    #[test]
    fn both_parts_of_a_message_make_the_same_choices() {
        let text = Template::parse("[[a|b]]\n\n[[c|d|[[e|f]]]]", Kind::Text).unwrap();
        let html = text.to_html().unwrap();
        for seed in 0..50 {
            let person = Person { seed, ..Person::default() };
            let (text, html) = (text.render(&person).unwrap(), html.render(&person).unwrap());
            let words = |text: &str| text.chars().filter(|c| "abcdef".contains(*c)).collect::<String>();
            assert_eq!(words(&text), words(&html.replace("<p>", "").replace("</p>", "")), "{seed}");
        }
    }

    #[test]
    fn more_forms_than_asked_for_are_counted_and_not_listed() {
        let source = "[[a|b]]".repeat(80);
        let template = Template::parse(&source, Kind::Text).unwrap();
        assert_eq!(template.forms(), u64::MAX);
        assert_eq!(template.every_form(&Person::default(), 20), None);
    }

    #[test]
    fn choices_are_spread_evenly() {
        for number in 0..3 {
            let mut counts = [0; 3];
            (0..3_000_u64).for_each(|seed| counts[choice(seed << 32, number, 3)] += 1);
            assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
        }
    }

    proptest! {
        /// Whatever is written, a template is refused or renders the same for the same person, before and after it
        /// was stored.
        #[test]
        fn a_person_always_gets_the_same(source in "[\\[\\]|{}a-c &;\n]{0,40}", seed in any::<u64>()) {
            let Ok(template) = Template::parse(&source, Kind::Text) else { return Ok(()) };
            let person = Person { seed, ..Person::default() };
            let stored = Template::stored(&template.source(), Kind::Text).unwrap();
            prop_assert_eq!(template.render(&person), template.render(&person));
            prop_assert_eq!(stored.render(&person), template.render(&person));
        }
    }
}
