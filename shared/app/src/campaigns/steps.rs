//! The messages of a campaign, as they are written in a request and as they are compiled.

use content::campaign::{CampaignTemplate, FieldError as Wrong};
use domain::{
    campaign::Content,
    sequence::{Delay, FIRST, LAST, Step},
};
use serde::Deserialize;

use super::check_text;
use crate::{Failure, FieldError};

/// A step as it is written in a request. What is `null` or left out is not there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedStep {
    delay: Option<Delay>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
}

/// A field of a step, by its path.
pub(super) fn field(index: usize, name: &str) -> String {
    format!("steps[{index}].{name}")
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
            Some(delay) => delay.check().unwrap_or_else(|message| wrong("delay", message)),
            None => {}
        }
        if asked.subject.as_deref().is_some_and(|subject| subject.trim().is_empty()) && index > 0 {
            wrong("subject", "leave it out to reply in the thread of the step before".into());
        }
        for (name, text, most) in
            [("subject", &asked.subject, 200), ("text", &asked.text, 50_000), ("html", &asked.html, 200_000)]
        {
            check_text(&field(index, name), text.as_deref().unwrap_or_default(), most, errors);
        }
        let said = |text: &String| !text.trim().is_empty();
        steps.push(Step {
            delay: asked.delay,
            subject: asked.subject.filter(said),
            text: asked.text.unwrap_or_default(),
            html: asked.html.filter(said),
            removed: Vec::new(),
        });
    }
    steps
}

/// Compiles the templates that are there, and keeps the HTML in its safe form.
pub(super) fn check_templates(content: &mut Content, errors: &mut Vec<FieldError>) {
    for (number, index) in (FIRST..=content.last_step()).zip(0..) {
        let subject = content.subject_of(number).into_owned();
        let Some(step) = content.steps.get_mut(index) else { continue };
        // What is not written yet is not wrong in a draft: the launch asks for it.
        let text = if step.has_body() { step.text.as_str() } else { "-" };
        let own = step.subject.is_some() && !subject.trim().is_empty();
        match CampaignTemplate::parse(if own { &subject } else { "-" }, text, step.html.as_deref()) {
            Ok(templates) => {
                step.html = templates.html_source().map(str::to_owned);
                // From HTML that was made safe before, nothing is removed again: what was is still worth saying.
                step.removed.extend(templates.removed().iter().map(|name| (*name).to_owned()));
            }
            Err(found) => errors.extend(found.into_iter().map(|wrong| named(index, wrong))),
        }
    }
}

fn named(index: usize, wrong: Wrong) -> FieldError {
    FieldError { field: field(index, wrong.field), message: wrong.error.to_string() }
}

/// The templates of one step.
pub(crate) fn compile(content: &Content, number: u8) -> Result<CampaignTemplate, Vec<Wrong>> {
    let nothing = Step::default();
    let step = content.step(number).unwrap_or(&nothing);
    CampaignTemplate::stored(&content.subject_of(number), &step.text, step.html.as_deref())
}

/// The templates of a step that is to be shown or sent.
pub(crate) fn templates(content: &Content, number: u8) -> Result<CampaignTemplate, Failure> {
    let index = usize::from(number.saturating_sub(FIRST));
    compile(content, number)
        .map_err(|errors| Failure::fields(errors.into_iter().map(|wrong| named(index, wrong)).collect()))
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
            (json!([step(), {"delay": {"hours": 0}}]), &["steps[1].delay"]),
            (json!([step(), {"delay": {"hours": 2161}}]), &["steps[1].delay"]),
            (json!([step(), {"delay": {"working_days": 66}}]), &["steps[1].delay"]),
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
