//! The main job, step by step.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Times;
use super::checks::Checks;
use super::letters;
use super::outcome::{Outcome, Purged};
use super::screen::{Screen, count};
use crate::Stack;
use crate::customer::{Campaign, Customer, Import, header, unsubscribe_link};
use crate::mailbox::Stored;
use crate::sources::schedules::Fired;

/// The list is always the same one.
const SEED: u64 = 2026;
/// How far the clock is moved for the second purge: uploads and reports are kept for 30 days.
const LATER: SignedDuration = SignedDuration::from_hours(31 * 24);
/// How long the queues are given to become empty before the purge.
const QUIET: Duration = Duration::from_secs(3);
/// The schedule that purges.
const PURGE: &str = "purge";

/// Everything a step needs.
pub(super) struct Story<'a> {
    pub(super) stack: &'a Stack,
    pub(super) screen: &'a Screen,
    pub(super) times: &'a mut Times,
    pub(super) rows: usize,
}

/// What one campaign did.
pub(super) struct Sent {
    pub(super) campaign: Campaign,
    /// The messages that the provider accepted.
    pub(super) messages: Vec<Stored>,
}

impl Story<'_> {
    pub(super) async fn play(mut self) -> anyhow::Result<Outcome> {
        let mut checks = Checks::default();

        let since = Instant::now();
        let mut customer = Customer::sign_up(self.stack, "camille@atelier.test").await?;
        customer.identify(&json!({ "kind": "ses" })).await?;
        // Somebody who never confirms: the purge will forget them.
        customer.ask_to_sign_up("never-confirmed@example.org").await?;
        self.times.note("account", since);
        self.screen.say("Signed up, confirmed by mail, signed in; the sender has an identity.");

        let import = self.import(&customer, &mut checks).await?;
        let first = self.campaign(&customer, "campaign 1", &letters::first(), &mut checks).await?;
        checks.equal(
            "the first campaign's audience is everybody who was created",
            &first.campaign.counts.audience,
            &import.created,
        );

        let objector = self.object(&customer, &first, &mut checks).await?;
        let second = self.campaign(&customer, "campaign 2", &letters::second(), &mut checks).await?;
        self.nobody_else_lost(&first, &second, &objector, &mut checks);
        let purged = self.purge(&mut customer, &first, &mut checks).await?;

        Ok(Outcome {
            unsubscribe: second.messages.last().and_then(|message| unsubscribe_link(&message.raw)),
            accepted: (first.messages.len() + second.messages.len()) as u64,
            email: customer.email.clone(),
            password: customer.password,
            import,
            campaigns: vec![first.campaign, second.campaign],
            purged,
            checks,
        })
    }

    async fn import(&mut self, customer: &Customer, checks: &mut Checks) -> anyhow::Result<Import> {
        let since = Instant::now();
        let file = intake::sample::messy_csv(self.rows, SEED);
        let yesterday = self.stack.clock().now() - SignedDuration::from_hours(24);
        let announced = customer.announce("contacts salons 2026.csv", yesterday).await?;
        let bytes = file.len() as u64;
        customer.upload(&announced, file).await?;
        let bar = self.screen.bar("import", self.rows as u64);
        let import = customer.imported(&announced.id, |import| bar.at(import.rows_read)).await?;
        drop(bar);
        let report = customer.rejects(&announced.id).await?;
        self.times.note("import", since);
        if let Some(detected) = &import.detected {
            self.screen.say(&format!(
                "Imported {} rows ({} bytes, {}, {:?} between cells): {} people, {} refused with a reason each.",
                count(import.rows_read),
                count(bytes),
                detected.encoding,
                detected.delimiter,
                count(import.created),
                count(import.rejected),
            ));
        }
        // Totals below the data are told as such, one by one: nothing in a file is passed over in silence.
        let no_data = import.rejected_by_reason.get("not_data").copied().unwrap_or(0);
        checks.equal("every row of the file was read", &(import.rows_read - no_data), &(self.rows as u64));
        checks.equal(
            "rows read = created + updated + unchanged + duplicates + rejected + suppressed",
            &import.sum(),
            &import.rows_read,
        );
        checks.equal("the whole upload was read", &import.bytes, &bytes);
        checks.equal("reasons of rejected rows add up", &import.rejected_by_reason.values().sum(), &import.rejected);
        checks.equal(
            "the report has a line for each rejected row",
            &(report.lines().count() as u64 - 1),
            &import.rejected,
        );
        Ok(import)
    }

    async fn campaign(
        &mut self,
        customer: &Customer,
        name: &'static str,
        letter: &Value,
        checks: &mut Checks,
    ) -> anyhow::Result<Sent> {
        let since = Instant::now();
        let mailbox = self.stack.backends().mailbox();
        let before = mailbox.len();
        let id = customer.write(letter).await?.id;
        let preview = customer.preview(&id).await?;
        self.screen.say(&format!(
            "{name}: “{}”, to {} of {}.",
            preview.samples.first().map_or("", |sample| sample.subject.as_str()),
            count(preview.counts.will_receive),
            count(preview.counts.audience)
        ));
        customer.launch(&id).await?;
        let bar = self.screen.bar("sending", preview.counts.audience);
        let campaign = customer.completed(&id, |campaign| bar.at(campaign.counts.settled())).await?;
        drop(bar);
        self.times.note(name, since);

        let messages = mailbox.all().split_off(before);
        let counts = &campaign.counts;
        let mut check =
            |what: &str, seen: u64, expected: u64| checks.equal(&format!("{name}: {what}"), &seen, &expected);
        check(
            "audience = sent + refused + failed + unknown, nobody pending",
            counts.settled() + counts.pending,
            counts.audience,
        );
        check("nobody is pending", counts.pending, 0);
        check("the preview said who gets it", preview.counts.will_receive, counts.sent);
        check("the preview said who does not", preview.counts.refused, counts.refused);
        check("refusals by reason add up", campaign.refused_by_reason.values().sum(), counts.refused);
        check("as many messages accepted as sent", messages.len() as u64, counts.sent);
        check("to as many different people", recipients(&messages).len() as u64, counts.sent);
        let one_click = |message: &&Stored| {
            unsubscribe_link(&message.raw).is_some()
                && header(&message.raw, "List-Unsubscribe-Post").as_deref() == Some("List-Unsubscribe=One-Click")
        };
        check("messages with a one-click unsubscribe", messages.iter().filter(one_click).count() as u64, counts.sent);
        Ok(Sent { campaign, messages })
    }

    /// One recipient presses the unsubscribe button of their mailbox provider.
    async fn object(&mut self, customer: &Customer, sent: &Sent, checks: &mut Checks) -> anyhow::Result<String> {
        let since = Instant::now();
        let message = sent.messages.get(sent.messages.len() / 2).context("nobody was written to")?;
        let link = unsubscribe_link(&message.raw).context("a message without List-Unsubscribe")?;
        let meter = self.stack.backends().meter();
        let before = meter.snapshot();
        let status = customer.one_click(&link).await?;
        let after = meter.snapshot();
        let put = "dynamodb:PutItem";
        let (was, is) = (before.of("unsubscribe", put), after.of("unsubscribe", put));
        checks.equal("one click is answered without a redirect", &status.as_u16(), &200);
        checks.equal(
            "one click costs one write of one unit",
            &(is.count - was.count, is.write_units - was.write_units),
            &(1, 1.0),
        );
        self.times.note("one click", since);
        self.screen.say("One recipient unsubscribed with one click.");
        message.envelope.envelope_to.first().cloned().context("a message to nobody")
    }

    fn nobody_else_lost(&self, first: &Sent, second: &Sent, objector: &str, checks: &mut Checks) {
        let (before, after) = (recipients(&first.messages), recipients(&second.messages));
        let lost: Vec<_> = before.difference(&after).collect();
        checks.equal("the second campaign leaves out one person", &lost.len(), &1);
        checks.equal("who is the one who objected", &lost.iter().any(|person| ***person == *objector), &true);
        checks.equal("and nobody was added", &after.difference(&before).count(), &0);
        let opted_out = |sent: &Sent| sent.campaign.refused_by_reason.get("opted_out").copied().unwrap_or(0);
        checks.equal(
            "refused as opted_out, in the first and in the second",
            &(opted_out(first), opted_out(second)),
            &(0, 1),
        );
    }

    /// Fires the purge now, then a month later, and comes back to the present.
    async fn purge(
        &mut self,
        customer: &mut Customer,
        first: &Sent,
        checks: &mut Checks,
    ) -> anyhow::Result<Vec<Purged>> {
        let since = Instant::now();
        // Events that overtook their chunk come again minutes later; they change nothing.
        let _ = self.stack.quiet(QUIET).await;
        let now = self.stack.clock().now();
        let at_once = purged("now", &self.stack.fire(PURGE).await?)?;
        let fired = self.stack.set_clock(now + LATER).await;
        let due = fired.iter().find(|fired| fired.function == PURGE).context("the purge was not due in 31 days")?;
        let later = purged("in 31 days", due)?;
        // A clock that was stopped would be seen: it goes on from where it would be.
        self.stack.set_clock(present(now, since)).await;
        customer.sign_in().await?;
        self.times.note("purge", since);
        self.screen.say("The purge ran twice: now, and as if a month had passed.");

        let of = |purged: &Purged, class: &str| purged.deleted.get(class).copied().unwrap_or(0);
        checks.equal("the purge went to its end", &(at_once.complete, later.complete), &(true, true));
        checks.equal(
            "due now: the person who objected, and nothing else",
            &at_once.deleted,
            &BTreeMap::from([("prospect".to_owned(), 1)]),
        );
        checks.equal("due in 31 days: the upload and its report", &of(&later, "upload"), &1);
        checks.equal("due in 31 days: the sign-up that nobody confirmed", &of(&later, "unverified_signup"), &1);
        let uninformed = first.campaign.counts.audience - first.campaign.counts.sent;
        checks.equal("due in 31 days: people who were never informed", &of(&later, "uninformed_prospect"), &uninformed);
        checks.equal(
            "due in 31 days: no prospect, no opt-out, no delivery",
            &["prospect", "suppression", "delivery"].map(|class| of(&later, class)),
            &[0; 3],
        );
        checks.equal("the account still has its prospects", &customer.has_prospects().await?, &true);
        Ok(vec![at_once, later])
    }
}

fn recipients(messages: &[Stored]) -> BTreeSet<&str> {
    messages.iter().flat_map(|message| &message.envelope.envelope_to).map(String::as_str).collect()
}

fn purged(when: &'static str, fired: &Fired) -> anyhow::Result<Purged> {
    let result = fired.ok.then_some(&fired.result).with_context(|| format!("the purge failed: {}", fired.result))?;
    let deleted = serde_json::from_value(result["deleted"].clone()).context("the purge's answer")?;
    let scanned = result["scanned"].as_u64().unwrap_or(0);
    Ok(Purged { when, complete: result["complete"] == true, scanned, deleted })
}

fn present(then: Timestamp, since: Instant) -> Timestamp {
    let passed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
    then.saturating_add(passed).unwrap_or(then)
}
