//! Variants of a step, as they are written in a request.

use std::collections::BTreeSet;

use domain::{
    sequence::Step,
    variant::{After, By, Contest, FEWEST, Letter, MOST, MOST_WEIGHT, Variant},
};
use serde::Deserialize;

use super::{
    check_text,
    steps::{check_lengths, said},
};
use crate::FieldError;

/// A variant as it is written in a request. What it leaves out is as in its step; its name is its letter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedVariant {
    name: Option<String>,
    weight: Option<i64>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
}

/// How one of them is to win.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedWinner {
    by: String,
    after: After,
}

/// The share of whoever names none.
const WEIGHT: u8 = 1;

/// Longest name, in characters.
const LONGEST_NAME: usize = 40;

/// A field of a variant, by its path within its step.
pub(super) fn field(at: usize, name: &str) -> String {
    format!("variants[{at}].{name}")
}

/// Writes the variants of a step into it, and how one of them wins.
pub(super) fn write(
    step: &mut Step,
    (index, asked, winner): (usize, Vec<AskedVariant>, Option<AskedWinner>),
    errors: &mut Vec<FieldError>,
) {
    let before = errors.len();
    let path = |name: &str| format!("steps[{index}].{name}");
    if let Some(message) = wrong_number(asked.len()) {
        errors.push(FieldError { field: path("variants"), message });
        return;
    }
    for (at, asked) in asked.into_iter().enumerate() {
        let here = format!("steps[{index}].variants[{at}]");
        let letter = Letter::at(at).map(|letter| letter.to_string()).unwrap_or_default();
        let name = asked.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).unwrap_or(&letter).to_owned();
        check_text(&format!("{here}.name"), &name, LONGEST_NAME, errors);
        check_lengths(&here, [&asked.subject, &asked.text, &asked.html], errors);
        let weight = asked.weight.map_or(Some(WEIGHT), |weight| u8::try_from(weight).ok());
        let weight = weight.filter(|weight| *weight <= MOST_WEIGHT);
        if weight.is_none() {
            let message = format!("a whole number from 0 to {MOST_WEIGHT}");
            errors.push(FieldError { field: format!("{here}.weight"), message });
        }
        step.variants.push(Variant {
            name,
            weight: weight.unwrap_or(MOST_WEIGHT),
            subject: asked.subject.filter(|text| said(text)),
            text: asked.text.filter(|text| said(text)).unwrap_or_default(),
            html: asked.html.filter(|text| said(text)),
            removed: Vec::new(),
        });
    }
    if errors.len() == before {
        let wrong = wrong_together(&step.variants).into_iter().chain(wrong_words(step, index > 0));
        errors.extend(wrong.map(|(name, message)| FieldError { field: path(&name), message }));
    }
    if let Some(winner) = winner {
        match contest(winner, !step.variants.is_empty()) {
            Ok(contest) => step.winner = Some(contest),
            Err((name, message)) => errors.push(FieldError { field: path(&name), message }),
        }
    }
}

fn wrong_number(many: usize) -> Option<String> {
    match many {
        0 => None,
        many if many < FEWEST => Some("one variant is compared with nothing: give another one, or none".into()),
        many if many > MOST => Some(format!("{MOST} variants at most; these are {many}")),
        _ => None,
    }
}

fn wrong_together(variants: &[Variant]) -> Option<(String, String)> {
    let mut names = BTreeSet::new();
    let twice = variants.iter().position(|variant| !names.insert(variant.name.to_lowercase()));
    if let Some(at) = twice {
        let message = format!("another variant is called {} already: give each a name of its own", variants[at].name);
        return Some((field(at, "name"), message));
    }
    let shares = variants.iter().filter(|variant| variant.weight > 0).count();
    let message = match shares {
        _ if variants.is_empty() => return None,
        0 => "all weights are 0, so that nobody would get anything: give two of them or more a weight of 1 to 100",
        1 => "only one has a weight above 0, and would be compared with nothing: give another one a weight of 1 to 100",
        _ => return None,
    };
    Some(("variants".into(), message.into()))
}

/// Two that say the same, and a reply beside what begins a thread.
fn wrong_words(step: &Step, may_reply: bool) -> Option<(String, String)> {
    let words: Vec<_> = step.letters().map(|letter| step.words(letter)).collect();
    for (at, one) in words.iter().enumerate().filter(|(_, words)| words.has_body()) {
        let same = |other: &domain::sequence::Words<'_>| {
            (other.subject, other.text, other.html) == (one.subject, one.text, one.html)
        };
        if let Some(other) = words[..at].iter().position(same) {
            let name = &step.variants[other].name;
            let message = format!("it says the same as {name}: give it another subject, text or html, or leave it out");
            return Some((format!("variants[{at}]"), message));
        }
    }
    let replies = words.iter().filter(|words| words.subject.is_none()).count();
    let at = words.iter().position(|words| words.subject.is_none()).filter(|_| may_reply && replies < words.len())?;
    let message = "the others begin a thread, and this one would reply: give all variants a subject, or none";
    Some((field(at, "subject"), message.into()))
}

fn contest(AskedWinner { by, after }: AskedWinner, has_variants: bool) -> Result<Contest, (String, String)> {
    if !has_variants {
        return Err((
            "winner".into(),
            format!("there is nothing to choose from: give the step {FEWEST} to {MOST} variants"),
        ));
    }
    let by = match by.as_str() {
        "replies" => By::Replies,
        "clicks" => By::Clicks,
        _ => {
            let message = "\"replies\" or \"clicks\"; variants are not judged by anything else";
            return Err(("winner.by".into(), message.into()));
        }
    };
    after.check().map_err(|message| (format!("winner.after.{}", after.unit()), message))?;
    Ok(Contest { by, after })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::steps::{AskedStep, checked};

    fn wrong(steps: &Value) -> Vec<(String, String)> {
        let mut errors = Vec::new();
        checked(serde_json::from_value::<Vec<AskedStep>>(steps.clone()).unwrap(), &mut errors);
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn variants_that_compare_nothing_are_refused_with_what_to_do() {
        let step = |variants: Value| json!({"subject": "s", "text": "t", "variants": variants});
        let [a, b] = [json!({"subject": "a"}), json!({"subject": "b"})];
        let later =
            |variants: Value| json!([step(json!([a, b])), {"delay": {"hours": 1}, "text": "t", "variants": variants}]);
        let won = |winner: Value| json!([{"subject": "s", "text": "t", "variants": [a, b], "winner": winner}]);
        let many: Vec<_> = (0..9).map(|n| json!({"subject": n.to_string()})).collect();
        for (steps, field, says) in [
            (json!([step(json!([a, b]))]), "", ""),
            (json!([step(json!([{"name": "court"}, b]))]), "", ""),
            (json!([step(json!([]))]), "", ""),
            (json!([step(json!([a]))]), "steps[0].variants", "compared with nothing"),
            (json!([step(json!(many))]), "steps[0].variants", "8 variants at most; these are 9"),
            (
                json!([step(json!([a, {"name": " a ", "subject": "b"}]))]),
                "steps[0].variants[1].name",
                "a name of its own",
            ),
            (json!([step(json!([{"name": "x".repeat(41)}, b]))]), "steps[0].variants[0].name", "40 characters"),
            (json!([step(json!([{"weight": 101, "subject": "a"}, b]))]), "steps[0].variants[0].weight", "0 to 100"),
            (json!([step(json!([{"weight": -1, "subject": "a"}, b]))]), "steps[0].variants[0].weight", "0 to 100"),
            (
                json!([step(json!([{"weight": 0, "subject": "a"}, {"weight": 0, "subject": "b"}]))]),
                "steps[0].variants",
                "all weights are 0",
            ),
            (json!([step(json!([{"weight": 0, "subject": "a"}, b]))]), "steps[0].variants", "only one has a weight"),
            (json!([step(json!([a, a]))]), "steps[0].variants[1]", "says the same as A"),
            (json!([step(json!([{}, {"text": "t"}]))]), "steps[0].variants[1]", "says the same as A"),
            (json!([step(json!([{"subject": "x".repeat(201)}, b]))]), "steps[0].variants[0].subject", "200 characters"),
            (later(json!([a, {"text": "u"}])), "steps[1].variants[1].subject", "a subject, or none"),
            (later(json!([{"text": "v"}, {"text": "u"}])), "", ""),
            (later(json!([a, b])), "", ""),
            (won(json!({"by": "replies", "after": {"messages": 100}})), "", ""),
            (won(json!({"by": "replies", "after": {"hours": 48}})), "", ""),
            (won(json!({"by": "replies", "after": {"hours": 0}})), "steps[0].winner.after.hours", "from 1 to 2160"),
            (won(json!({"by": "replies", "after": {"hours": -1}})), "steps[0].winner.after.hours", "from 1 to 2160"),
            (
                won(json!({"by": "replies", "after": {"messages": 5_000_000_000_u64}})),
                "steps[0].winner.after.messages",
                "from 1 to 1000000",
            ),
            (won(json!({"by": "opens", "after": {"hours": 4}})), "steps[0].winner.by", "\"replies\""),
            (
                json!([{"subject": "s", "text": "t", "winner": {"by": "replies", "after": {"hours": 4}}}]),
                "steps[0].winner",
                "2 to 8 variants",
            ),
        ] {
            let found = wrong(&steps);
            match field {
                "" => assert_eq!(found, [], "{steps}"),
                field => {
                    assert!(
                        found.len() == 1 && found[0].0 == field && found[0].1.contains(says),
                        "{found:?} of {steps}"
                    );
                }
            }
        }
        assert!(serde_json::from_value::<AskedStep>(json!({"variants": [{"letter": "A"}]})).is_err());
        assert!(
            serde_json::from_value::<AskedStep>(json!({"winner": {"by": "replies", "after": {"days": 1}}})).is_err()
        );
    }
}
