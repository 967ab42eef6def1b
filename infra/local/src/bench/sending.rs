//! Campaigns through SES and through a relay: units, CPU, rate, duplicates, money; and an objection.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::boto;
use super::figure::{Bar, Figure};
use super::spent::{calls, reads, spent, sum, writes};
use crate::Stack;
use crate::customer::{Campaign, Customer, unsubscribe_link};
use crate::mailbox::Stored;
use crate::meter::{FunctionUsage, Prices, Snapshot};

/// What runs between a launch and the last event.
const FUNCTIONS: [&str; 3] = ["fan-out", "send", "feedback"];
/// Kernel ticks a second, on every Linux this runs on.
const TICKS: f64 = 100.0;
/// How often the text is repeated for the relay: its bar is for messages of 10 KB.
pub(super) const LONG: usize = 18;
/// Time for events to come back.
const EVENTS: Duration = Duration::from_secs(60);

/// One campaign and what it used.
struct Ran {
    campaign: Campaign,
    messages: Vec<Stored>,
    before: Snapshot,
    after: Snapshot,
    /// CPU of all processes of `send`.
    cpu: f64,
    seconds: f64,
}

impl Ran {
    fn sent(&self) -> f64 {
        self.messages.len() as f64
    }

    /// Messages that somebody got twice, and people without an outcome.
    fn wrong(&self) -> u64 {
        let people: BTreeSet<_> = self.messages.iter().flat_map(|message| &message.envelope.envelope_to).collect();
        let counts = &self.campaign.counts;
        let twice = self.messages.len() - people.len();
        twice as u64 + counts.audience.abs_diff(counts.settled()) + counts.sent.abs_diff(self.messages.len() as u64)
    }

    fn spent(&self, functions: &[&str]) -> FunctionUsage {
        spent(&self.before, &self.after, functions)
    }
}

pub(super) async fn measure(stack: &Stack, customer: &Customer, people: usize) -> anyhow::Result<Vec<Figure>> {
    let ses = campaign(stack, customer, SHORT).await?;
    ensure!(!ses.messages.is_empty(), "nobody was written to");
    let mut figures = of_ses(stack, &ses).await?;
    figures.extend(objection(stack, customer, &ses).await?);

    let smtp = stack.backends().smtp();
    let relay = json!({
        "kind": "smtp", "host": "localhost", "port": smtp.tls_port(), "security": "tls",
        "username": "atelier", "password": "a relay password",
    });
    customer.identify(&relay).await?;
    let smtp = campaign(stack, customer, &SHORT.repeat(LONG)).await?;
    figures.push(
        Figure::new("SMTP relay: messages a second, whole path with claims", smtp.sent() / smtp.seconds, "/s")
            .bar(Bar::AtLeast(1_500.0))
            .note(format!(
                "{} messages of {:.1} KB, the emulated store and relay on the same cores",
                smtp.messages.len(),
                mean_kb(&smtp)
            )),
    );
    figures.push(Figure::new("SMTP relay: our CPU a message", smtp.cpu / smtp.sent() * 1e6, "µs"));
    figures.push(
        Figure::new("duplicates, and people lost", (ses.wrong() + smtp.wrong()) as f64, "").bar(Bar::AtMost(0.0)).note(
            format!(
                "{} messages to {people} people; faults are the tests' part",
                ses.messages.len() + smtp.messages.len()
            ),
        ),
    );
    Ok(figures)
}

async fn of_ses(stack: &Stack, ses: &Ran) -> anyhow::Result<Vec<Figure>> {
    let sent = ses.sent();
    let (fan_out, send) = (ses.spent(&["fan-out"]), ses.spent(&["send"]));
    let all = ses.spent(&FUNCTIONS);
    let services = Prices::bundled()?.money(&all).services;
    let but_ses: f64 = services.iter().filter(|(service, _)| *service != "ses").map(|(_, usd)| usd).sum();
    let per_million = |value: f64| value / sent * 1e6;
    let scaled = format!("{} recipients, scaled", ses.messages.len());
    let parts: Vec<String> = services
        .iter()
        .filter(|(service, _)| *service != "ses")
        .map(|(service, usd)| format!("{service} {:.3}", per_million(*usd)))
        .collect();
    let ours = ses.cpu / sent * 1e6;
    let mut figures = vec![
        Figure::new(
            "fan-out: SendMessageBatch calls per million recipients",
            per_million(calls(&fan_out, "sqs:SendMessageBatch")),
            "",
        )
        .bar(Bar::AtMost(2_200.0))
        .note(scaled.clone()),
        Figure::new("fan-out: all AWS calls per million recipients", per_million(calls(&fan_out, "")), "")
            .note(scaled.clone()),
        Figure::new("fan-out: read units a recipient", reads(&fan_out) / sent, ""),
        Figure::new("send: write units a recipient", writes(&send) / sent, "").bar(Bar::AtMost(1.1)),
        Figure::new("send: read units a recipient", reads(&send) / sent, "").bar(Bar::AtMost(1.0)),
        Figure::new("send: our CPU a message, SES path", ours, "µs")
            .bar(Bar::AtMost(150.0))
            .note(format!("{:.1} KB each; claims, reads and rendering included", mean_kb(ses))),
        Figure::new("send: messages a second, SES path", sent / ses.seconds, "/s")
            .note("the emulated store and provider on the same cores"),
        Figure::new("all but SES, per million messages", per_million(but_ses), "USD")
            .bar(Bar::AtMost(1.2))
            .note(parts.join(", ")),
        Figure::new("Lambda milliseconds a message", all.duration_ms as f64 / sent, "ms")
            .note(format!("billed, {} invocations; busy cores make it longer", all.invocations)),
    ];
    let message = ses.messages.first().context("nobody was written to")?;
    figures.push(match boto::micros(stack, &message.raw).await {
        Ok(theirs) => Figure::new("boto3: its CPU for SendEmail of the same message", theirs, "µs")
            .note(format!("in the same run: {:.0} times ours", theirs / ours)),
        Err(error) => {
            Figure::new("boto3: its CPU for SendEmail of the same message", f64::NAN, "µs").note(format!("{error:#}"))
        }
    });
    Ok(figures)
}

/// One click, then the same click again.
async fn objection(stack: &Stack, customer: &Customer, ses: &Ran) -> anyhow::Result<Vec<Figure>> {
    let links: Vec<String> =
        ses.messages.iter().rev().take(2).filter_map(|message| unsubscribe_link(&message.raw)).collect();
    let [first, second] = links.as_slice() else { anyhow::bail!("fewer than two messages with a link") };
    // The first starts the process and reads its secret.
    ensure!(customer.one_click(first).await?.is_success(), "an objection was not taken");
    let meter = stack.backends().meter();
    let before = meter.snapshot();
    ensure!(customer.one_click(second).await?.is_success(), "an objection was not taken");
    let usage = spent(&before, &meter.snapshot(), &["unsubscribe"]);
    let token = second.rsplit('/').next().unwrap_or_default().len();
    Ok(vec![
        Figure::new("unsubscribe POST: AWS calls", calls(&usage, ""), "").bar(Bar::AtMost(1.0)),
        Figure::new("unsubscribe POST: write units", writes(&usage), "").bar(Bar::AtMost(1.0)),
        Figure::new("unsubscribe POST: read units", reads(&usage), "").bar(Bar::AtMost(0.0)),
        Figure::new("unsubscribe token", token as f64, "characters").bar(Bar::AtMost(72.0)),
    ])
}

/// A campaign to everybody, from its launch to its last event.
async fn campaign(stack: &Stack, customer: &Customer, text: &str) -> anyhow::Result<Ran> {
    let (mailbox, meter) = (stack.backends().mailbox(), stack.backends().meter());
    let id = customer.write(&letter(text)).await?.id;
    let (before, already, cpu, began) = (meter.snapshot(), mailbox.len(), cpu_of(stack), Instant::now());
    customer.launch(&id).await?;
    let campaign = customer.completed(&id, |_| {}).await?;
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu_of(stack) - cpu);
    // Events that overtook their chunk come again minutes later: their few calls are missing here.
    let _ = stack.quiet(EVENTS).await;
    let after = meter.snapshot();
    let used = spent(&before, &after, &["send"]);
    let handed = sum(&used, "ses:SendEmail", |usage| usage.requests as f64);
    let messages = mailbox.all().split_off(already);
    ensure!(
        handed == 0.0 || handed == messages.len() as f64,
        "SES was asked {handed} times and has {} messages",
        messages.len()
    );
    Ok(Ran { campaign, messages, before, after, cpu, seconds })
}

/// Seconds of CPU that the processes of `send` have used.
fn cpu_of(stack: &Stack) -> f64 {
    let ticks = |pid: u32| -> Option<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything but a closing bracket: state is field 3, utime 14, stime 15.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
    };
    stack.pids("send").into_iter().filter_map(ticks).sum::<f64>() / TICKS
}

fn mean_kb(ran: &Ran) -> f64 {
    ran.messages.iter().map(|message| message.raw.len()).sum::<usize>() as f64 / ran.sent() / 1e3
}

/// A text that makes a short message; what the law asks for is longer.
pub(super) const SHORT: &str = "Bonjour {{ first_name | default: \"à vous\" }},\n\nNous fabriquons des pièces sur mesure. Une visite \
    de l'atelier vous dirait-elle, avec {{ company | default: \"votre équipe\" }} ?\n\n";

fn letter(text: &str) -> Value {
    json!({
        "name": "Measured",
        "purpose": "Measure what a campaign costs",
        "audience": { "all": true },
        "steps": [{ "subject": "Une visite pour {{ company | default: \"vous\" }} ?", "text": text }],
        "information_notice": "Vos coordonnées viennent d'un salon.",
        "legitimate_interest_assessment": { "interest": "a", "necessity": "b", "balancing": "c" },
    })
}
