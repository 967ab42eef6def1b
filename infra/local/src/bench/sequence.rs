//! A sequence of four steps, two of them replies in a thread: what each step costs, and a million messages of it.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::figure::{Bar, Figure};
use super::spent::{calls, reads, spent, writes};
use crate::Stack;
use crate::customer::Customer;
use crate::meter::{FunctionUsage, Prices};

/// What runs between a launch and the last event of the last step.
const FUNCTIONS: [&str; 4] = ["fan-out", "follow-up", "send", "feedback"];
/// Steps of the campaign.
const STEPS: usize = 4;
/// Hours between one step and the next.
const HOURS: i64 = 24;
/// What is due is found a little later.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// The longest that the queues may take over a step.
const STEP: Duration = Duration::from_secs(1_200);
/// How often `follow-up` may have to come by for one step: it takes as many chunks as one run has time for.
const RUNS: usize = 30;

pub(super) async fn measure(stack: &Stack, customer: &mut Customer, people: usize) -> anyhow::Result<Vec<Figure>> {
    let (mailbox, meter) = (stack.backends().mailbox(), stack.backends().meter());
    let id = customer.write(&letter()).await?.id;
    let already = mailbox.len();
    let mut steps: Vec<(usize, FunctionUsage)> = Vec::new();
    let mut all = FunctionUsage::default();
    let begin = meter.snapshot();
    for step in 1..=STEPS {
        let (before, sent) = (meter.snapshot(), mailbox.len());
        if step == 1 {
            customer.launch(&id).await?;
        } else {
            stack.set_clock(stack.clock().now() + SignedDuration::from_hours(HOURS) + LATE).await;
        }
        let mut runs = 0;
        loop {
            // A clock that jumps shows the delay of every message that waits.
            stack.skip_to_quiet(STEP).await?;
            if mailbox.len() - sent >= people || runs == RUNS {
                break;
            }
            stack.fire("follow-up").await?;
            runs += 1;
        }
        let after = meter.snapshot();
        steps.push((mailbox.len() - sent, spent(&before, &after, &FUNCTIONS)));
        all = spent(&begin, &after, &FUNCTIONS);
    }
    // Days have gone by since.
    customer.sign_in().await?;
    let campaign = customer.completed(&id, |_| {}).await?;
    let messages = mailbox.all().split_off(already);
    ensure!(!messages.is_empty(), "nobody was written to");
    let mut got: BTreeMap<&String, usize> = BTreeMap::new();
    for message in &messages {
        *got.entry(message.envelope.envelope_to.first().context("a message to nobody")?).or_default() += 1;
    }
    let wrong: usize = got.values().map(|times| times.abs_diff(STEPS)).sum();
    let lost = (people - got.len()) * STEPS;
    let total = messages.len() as f64;
    let mut figures = Vec::new();
    for (index, (sent, usage)) in steps.iter().enumerate() {
        let (step, sent) = (index + 1, *sent as f64);
        let how = match step {
            1 => "the launch and the fan-out with it",
            2 | 3 => "a reply in the thread of the step before",
            _ => "a subject of its own",
        };
        figures.extend([
            Figure::new(format!("sequence, step {step}: write units a recipient"), writes(usage) / sent, "")
                .bar(Bar::AtMost(1.1))
                .note(how),
            Figure::new(format!("sequence, step {step}: read units a recipient"), reads(usage) / sent, "")
                .bar(Bar::AtMost(1.0)),
            Figure::new(
                format!("sequence, step {step}: AWS calls per 1,000 recipients, without SES"),
                (calls(usage, "") - calls(usage, "ses:")) / sent * 1e3,
                "",
            ),
        ]);
    }
    let services = Prices::bundled()?.money(&all).services;
    let but_ses: f64 = services.iter().filter(|(service, _)| *service != "ses").map(|(_, usd)| usd).sum();
    let parts: Vec<String> = services
        .iter()
        .filter(|(service, _)| *service != "ses")
        .map(|(service, usd)| format!("{service} {:.3}", usd / total * 1e6))
        .collect();
    figures.push(
        Figure::new("sequence of 4 steps: all but SES, per million messages", but_ses / total * 1e6, "USD")
            .bar(Bar::AtMost(1.2))
            .note(parts.join(", ")),
    );
    figures.push(
        Figure::new("sequence: duplicates, and messages lost", (wrong + lost) as f64, "").bar(Bar::AtMost(0.0)).note(
            format!(
                "{} messages to {people} people, {} of them without an outcome",
                messages.len(),
                campaign.counts.pending
            ),
        ),
    );
    Ok(figures)
}

fn letter() -> Value {
    let text = "Bonjour {{ first_name | default: \"à vous\" }},\n\nUne visite de l'atelier vous dirait-elle ?\n\n";
    let delay = json!({ "hours": HOURS });
    json!({
        "name": "Sequence",
        "purpose": "Measure what a step costs",
        "audience": { "all": true },
        "steps": [
            { "subject": "Une visite pour {{ company | default: \"vous\" }} ?", "text": text },
            { "delay": delay, "text": text },
            { "delay": delay, "text": text },
            { "delay": delay, "subject": "Une dernière fois", "text": text },
        ],
        "information_notice": "Vos coordonnées viennent d'un salon.",
        "legitimate_interest_assessment": { "interest": "a", "necessity": "b", "balancing": "c" },
    })
}
