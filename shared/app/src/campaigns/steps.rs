//! The messages of a campaign, as they are written in a request and as they are compiled.

use content::campaign::{CampaignTemplate, FieldError as Wrong};
use domain::{
    campaign::Content,
    sequence::{Choice, Delay, FIRST, LAST, Step},
};
use serde::Deserialize;

use super::{
    check_text,
    variants::{self, AskedVariant, AskedWinner},
};
use crate::{Failure, FieldError};

/// A step as it is written in a request. What is `null` or left out is not there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedStep {
    delay: Option<Delay>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    variants: Option<Vec<AskedVariant>>,
    winner: Option<AskedWinner>,
}

/// A field of a step, by its path.
pub(super) fn field(index: usize, name: &str) -> String {
    format!("steps[{index}].{name}")
}

/// The path of what a step, or one of its variants, says.
pub(super) fn field_of(content: &Content, number: u8, choice: Choice, name: &str) -> String {
    let index = usize::from(number.saturating_sub(FIRST));
    let own = choice.own.filter(|letter| {
        let variant = content.step(number).and_then(|step| step.variant(Some(*letter)));
        variant.is_some_and(|variant| if name == "subject" { variant.subject.is_some() } else { variant.has_body() })
    });
    match own {
        Some(letter) => field(index, &variants::field(letter.index(), name)),
        None => field(index, name),
    }
}

/// Words as they are written in a request, checked for their length.
pub(super) fn check_lengths(path: &str, [subject, text, html]: [&Option<String>; 3], errors: &mut Vec<FieldError>) {
    for (name, text, most) in [("subject", subject, 200), ("text", text, 50_000), ("html", html, 200_000)] {
        check_text(&format!("{path}.{name}"), text.as_deref().unwrap_or_default(), most, errors);
    }
}

/// True of what says something.
pub(super) fn said(text: &str) -> bool {
    !text.trim().is_empty()
}

/// The steps, all of them at once: who changes one sends them all.
pub(super) fn checked(asked: Vec<AskedStep>, errors: &mut Vec<FieldError>) -> Vec<Step> {
    if asked.len() > LAST.into() {
        let message = format!("{LAST} steps at most; these are {}", asked.len());
        errors.push(FieldError { field: "steps".into(), message });
        return Vec::new();
    }
    let mut steps = Vec::with_capacity(asked.len());
    for (index, asked) in asked.into_iter().enumerate() {
        let mut wrong = |name: &str, message: String| errors.push(FieldError { field: field(index, name), message });
        match asked.delay {
            Some(_) if index == 0 => wrong("delay", "the first step leaves at the launch: leave it out".into()),
            Some(delay) => {
                delay.check().unwrap_or_else(|message| wrong(&format!("delay.{}", delay.unit()), message));
            }
            None => {}
        }
        if asked.subject.as_deref().is_some_and(|subject| !said(subject)) && index > 0 {
            wrong("subject", "leave it out to reply in the thread of the step before".into());
        }
        let path = format!("steps[{index}]");
        check_lengths(&path, [&asked.subject, &asked.text, &asked.html], errors);
        let mut step = Step {
            delay: asked.delay,
            subject: asked.subject.filter(|text| said(text)),
            text: asked.text.unwrap_or_default(),
            html: asked.html.filter(|text| said(text)),
            ..Step::default()
        };
        variants::write(&mut step, (index, asked.variants.unwrap_or_default(), asked.winner), errors);
        steps.push(step);
    }
    steps
}

/// Compiles the templates that are there, and keeps the HTML in its safe form.
pub(super) fn check_templates(content: &mut Content, errors: &mut Vec<FieldError>) {
    for (index, step) in content.steps.iter_mut().enumerate() {
        let mut words = vec![(None, step.subject.as_deref(), &step.text, &mut step.html, &mut step.removed)];
        words.extend(step.variants.iter_mut().enumerate().map(|(at, variant)| {
            (Some(at), variant.subject.as_deref(), &variant.text, &mut variant.html, &mut variant.removed)
        }));
        for (variant, subject, text, html, removed) in words {
            // What is not written yet is not wrong in a draft: the launch asks for it.
            let text = if said(text) || html.is_some() { text.as_str() } else { "-" };
            match CampaignTemplate::parse(subject.unwrap_or("-"), text, html.as_deref()) {
                Ok(templates) => {
                    *html = templates.html_source().map(str::to_owned);
                    // From HTML that was made safe before, nothing is removed again: what was is still worth saying.
                    removed.extend(templates.removed().iter().map(|name| (*name).to_owned()));
                }
                Err(found) => errors.extend(found.into_iter().map(|Wrong { field: name, error }| {
                    let name = variant.map_or_else(|| name.to_owned(), |at| variants::field(at, name));
                    FieldError { field: field(index, &name), message: error.to_string() }
                })),
            }
        }
    }
}

/// The templates of one step, for whoever gets this choice of variants.
pub(crate) fn compile(content: &Content, number: u8, choice: Choice) -> Result<CampaignTemplate, Vec<Wrong>> {
    let nothing = Step::default();
    let words = content.step(number).unwrap_or(&nothing).words(choice.own);
    CampaignTemplate::stored(&content.subject_of(number, choice.first), words.text, words.html)
}

/// The templates of a step that is to be shown or sent.
pub(crate) fn templates(content: &Content, number: u8, choice: Choice) -> Result<CampaignTemplate, Failure> {
    let named = |Wrong { field: name, error }| FieldError {
        field: field_of(content, number, choice, name),
        message: error.to_string(),
    };
    compile(content, number, choice).map_err(|errors| Failure::fields(errors.into_iter().map(named).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wrong(steps: serde_json::Value) -> Vec<String> {
        let mut errors = Vec::new();
        checked(serde_json::from_value(steps).unwrap(), &mut errors);
        errors.into_iter().map(|error| error.field).collect()
    }

    #[test]
    fn steps_that_make_no_sense_are_refused_by_their_place() {
        let step = || json!({"subject": "s", "text": "t"});
        for (steps, fields) in [
            (json!([step(), {"delay": {"hours": 48}, "text": "t"}]), [].as_slice()),
            (json!([{"subject": "", "text": ""}]), &[]),
            (json!([{"subject": "s", "delay": {"hours": 1}}]), &["steps[0].delay"]),
            (json!([step(), {"delay": {"hours": 0}}]), &["steps[1].delay.hours"]),
            (json!([step(), {"delay": {"hours": -1}}]), &["steps[1].delay.hours"]),
            (json!([step(), {"delay": {"hours": 2161}}]), &["steps[1].delay.hours"]),
            (json!([step(), {"delay": {"working_days": 99_999}}]), &["steps[1].delay.working_days"]),
            (json!([step(), {"subject": " ", "delay": {"hours": 1}}]), &["steps[1].subject"]),
            (json!([{"subject": "x".repeat(201)}]), &["steps[0].subject"]),
            (json!((0..17).map(|_| step()).collect::<Vec<_>>()), &["steps"]),
        ] {
            assert_eq!(wrong(steps.clone()), fields, "{steps}");
        }
        assert!(serde_json::from_value::<AskedStep>(json!({"delay": {"weeks": 1}})).is_err());
        assert!(serde_json::from_value::<AskedStep>(json!({"delay": {"hours": 1, "working_days": 1}})).is_err());
    }
}
