//! Delivers what is due at one endpoint: one run at a time, a few requests at once, until it takes nothing.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use content::system::{Notification, WebhookTrouble};
use domain::{
    SignedDuration, Timestamp,
    audit::Action,
    id::{CampaignId, EventId, WebhookId},
    subject::Subject,
    webhook::{PATIENCE as DISABLED_AFTER, left_alone, next_attempt, signature},
};
use futures::{StreamExt, stream};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use storage::{
    StoreError, WorkspaceScope,
    webhooks::{Because, DeliveryStatus, Disabled, Turn, Webhook, WebhookDelivery},
};

use super::Receipt;
use crate::{
    App, Failure,
    evidence::Codes,
    https::{PATIENCE, Said, Target, Tls},
};

/// Requests to one endpoint at once.
const AT_ONCE: usize = 4;

/// Left of an invocation when nothing more is tried: what is under way ends before.
const RESERVE: Duration = Duration::from_secs(20);

/// After how long it is looked again whether whoever was at a corrected endpoint is done with it.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a turn is held: longer than any invocation.
const TURN: SignedDuration = SignedDuration::from_secs(120);

/// What the answer of an event whose chunk is not written down yet is called.
const NOT_READY: &str = "not_ready";

/// Attempts to change the endpoints while others do.
const ATTEMPTS: u32 = 5;

/// The people of chunks at steps, as read in one run; `None` for a chunk that is not there.
type People = HashMap<(CampaignId, u32, u8), Option<Vec<Subject>>>;

/// An endpoint with all that a run needs of it.
struct Line {
    id: WebhookId,
    target: Result<Target, String>,
    secrets: Vec<SecretString>,
    tls: Tls,
}

/// One delivery that is ready to be tried.
struct Ready {
    was_due: Timestamp,
    delivery: WebhookDelivery,
    body: String,
}

/// How a run ended.
#[derive(Debug, Default)]
struct Run {
    /// The endpoint took nothing of the last ones.
    failing: bool,
    /// It took something.
    took: bool,
    /// A delivery failed to its last attempt.
    gave_up: bool,
    /// It said that it is gone.
    gone: bool,
    /// There may be more that is due.
    more: bool,
}

impl App {
    /// Delivers what is due at an endpoint, if nobody else is at it.
    pub(super) async fn deliver_due(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        (at, corrected): (Option<Timestamp>, Option<Timestamp>),
        receipt: Receipt<'_>,
    ) -> Result<(), Failure> {
        let now = receipt.now;
        let hooks = self.db.hooks(scope);
        // The first receipt's time is long past: whoever comes anew knows the present one.
        if receipt.receives > 1 {
            hooks.give_up_turn(id, receipt.id).await?;
            return self.ask_to_try(scope, id, (None, corrected), now).await;
        }
        if at.is_some_and(|at| now < at) {
            return self.ask_to_try(scope, id, (at, corrected), now).await;
        }
        let webhooks = hooks.all(true).await?;
        let Some(webhook) = webhooks.find(id).filter(|webhook| webhook.disabled.is_none()) else { return Ok(()) };
        if self.db.accounts(scope).workspace().await?.is_none_or(|workspace| workspace.is_closed()) {
            return Ok(());
        }
        // Whoever was at it meanwhile may have left it alone for what it was before.
        if corrected.is_some() {
            hooks.start_over(id).await?;
        }
        let Some(turn) = hooks.take_turn(id, receipt.id, now, now + TURN).await? else {
            return match corrected {
                Some(_) => self.ask_to_try(scope, id, (Some(now + LOOK_AGAIN), corrected), now).await,
                None => Ok(()),
            };
        };
        let line = self.line(scope, webhook, now).await?;
        let run = self.run(scope, &line, corrected, receipt).await?;
        let next = self.after_run(scope, webhook, &turn, &run, now).await?;
        // Arranged before the turn is given back, so that nothing is forgotten by who dies in between.
        let wanted = run.failing.then(|| now + left_alone(next.failing_runs));
        let due = if run.more { None } else { hooks.next_due(id).await? };
        let wanted = wanted.or(due);
        // One that comes while the endpoint is left alone finds it so, and nobody comes after it.
        let is_too_soon = |timer: Timestamp| timer <= now || (run.failing && Some(timer) < wanted);
        let timer = match wanted {
            Some(wanted) if turn.timer.is_none_or(|timer| is_too_soon(timer) || timer > wanted) => {
                self.ask_to_deliver(scope, id, Some(wanted), now).await?;
                Some(wanted)
            }
            _ => turn.timer.filter(|timer| *timer > now),
        };
        let alone_until = wanted.filter(|_| run.failing);
        let came_by = hooks.end_turn(id, receipt.id, &Turn { timer, ..next }, alone_until).await?;
        if alone_until.is_none() && (run.more || came_by) {
            self.ask_to_try(scope, id, (None, corrected.filter(|_| run.more)), now).await?;
        }
        Ok(())
    }

    async fn line(&self, scope: &WorkspaceScope, webhook: &Webhook, now: Timestamp) -> Result<Line, Failure> {
        let former = webhook.former.as_ref().filter(|former| now < former.until).map(|former| &former.secret);
        let mut secrets = Vec::with_capacity(2);
        for sealed in [&webhook.secret].into_iter().chain(former) {
            secrets.push(self.open_webhook_secret(scope, sealed).await?);
        }
        let roots = &self.config.webhook_root_certificates;
        let tls = self.webhook_tls.get_or_try_init(async || Tls::new(roots)).await?.clone();
        let target = Target::parse(&webhook.url, &self.config.webhook_networks);
        Ok(Line { id: webhook.id, target, secrets, tls })
    }

    async fn run(
        &self,
        scope: &WorkspaceScope,
        line: &Line,
        corrected: Option<Timestamp>,
        receipt: Receipt<'_>,
    ) -> Result<Run, Failure> {
        let hooks = self.db.hooks(scope);
        let (mut run, mut people) = (Run::default(), People::new());
        // Clocks differ: what this run tried is not tried by it again.
        let corrected = corrected.map(|corrected| corrected.min(receipt.now));
        let mut after = None;
        loop {
            if receipt.deadline.left() < RESERVE {
                run.more = true;
                return Ok(run);
            }
            let at_once = AT_ONCE.try_into().unwrap_or(1);
            let due = match corrected {
                Some(_) => hooks.waiting(line.id, after, at_once).await?,
                None => hooks.due(line.id, receipt.now, at_once).await?,
            };
            let Some(last) = due.last() else { return Ok(run) };
            after = Some(*last);
            let mut ready = Vec::with_capacity(due.len());
            for due in due {
                ready.extend(self.prepare_delivery(scope, line.id, due, corrected, &mut people, receipt.now).await?);
            }
            if ready.is_empty() {
                continue;
            }
            let tried: Vec<(Ready, Said)> = stream::iter(ready)
                .map(async |ready: Ready| {
                    let said = self.try_delivery(line, &ready, receipt.now).await;
                    (ready, said)
                })
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            run.failing = true;
            for (ready, said) in tried {
                let Ready { was_due, delivery, .. } = ready;
                let after = judged(delivery, said, receipt.now, crate::chance::<1>()[0]);
                run.gone |= said == Ok(410);
                run.gave_up |= after.status == DeliveryStatus::Failed;
                if after.status == DeliveryStatus::Delivered {
                    (run.failing, run.took) = (false, true);
                }
                hooks.record(line.id, &after, Some(was_due)).await?;
            }
            if run.failing || run.gone {
                return Ok(run);
            }
        }
    }

    /// A delivery with its body. What is not waiting any more is forgotten; what is about nobody who is still there is
    /// dropped; what is ahead of its chunk waits.
    async fn prepare_delivery(
        &self,
        scope: &WorkspaceScope,
        webhook: WebhookId,
        (was_due, id): (Timestamp, EventId),
        corrected: Option<Timestamp>,
        people: &mut People,
        now: Timestamp,
    ) -> Result<Option<Ready>, Failure> {
        let hooks = self.db.hooks(scope);
        let delivery = hooks.delivery(webhook, id).await?;
        // Of an event that is due at another time, this note is one that somebody did not get to forget.
        let Some(delivery) = delivery.filter(|delivery| delivery.due == Some(was_due)) else {
            hooks.forget_due(webhook, was_due, id).await?;
            return Ok(None);
        };
        let tried_since = delivery.tried_at >= corrected;
        if was_due > now && tried_since {
            return Ok(None);
        }
        let event = &delivery.event;
        let (Some(campaign), Some(chunk), Some(step)) = (event.campaign, event.chunk, event.step) else {
            let body = body(scope, &delivery, &[]);
            return Ok(Some(Ready { was_due, delivery, body }));
        };
        let subjects = match people.entry((campaign, chunk, step)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => {
                let record = self.db.outreach(scope).chunk(campaign, chunk, step).await?;
                free.insert(record.map(|record| record.subjects))
            }
        };
        let Some(subjects) = subjects else {
            let gone = self.db.outreach(scope).progress(campaign).await?.is_none();
            let after = if gone { dropped(delivery) } else { judged(delivery, Err(NOT_READY), now, 0) };
            hooks.record(webhook, &after, Some(was_due)).await?;
            return Ok(None);
        };
        let named = event.places.iter().filter_map(|place| subjects.get(usize::from(*place)));
        let named: Vec<Subject> = named.copied().filter(|subject| *subject != Subject::NOBODY).collect();
        if named.is_empty() {
            hooks.record(webhook, &dropped(delivery), Some(was_due)).await?;
            return Ok(None);
        }
        let body = body(scope, &delivery, &named);
        Ok(Some(Ready { was_due, delivery, body }))
    }

    async fn try_delivery(&self, line: &Line, ready: &Ready, now: Timestamp) -> Said {
        let Ok(target) = &line.target else { return Err("not_public") };
        let (id, second) = (ready.delivery.event.id.to_string(), now.as_second());
        let signed = line.secrets.iter().filter_map(|s| signature(s.expose_secret(), &id, second, &ready.body));
        let signatures = signed.collect::<Vec<_>>().join(" ");
        let headers =
            [("webhook-id", id), ("webhook-timestamp", second.to_string()), ("webhook-signature", signatures)];
        target.post(&line.tls, &self.config.webhook_networks, &headers, ready.body.clone()).await
    }

    /// What follows for the endpoint from a run; how its turn is given back.
    async fn after_run(
        &self,
        scope: &WorkspaceScope,
        webhook: &Webhook,
        turn: &Turn,
        run: &Run,
        now: Timestamp,
    ) -> Result<Turn, Failure> {
        let since = turn.failing_since.filter(|_| !run.took).or(run.failing.then_some(now));
        let before = if run.took { 0 } else { turn.failing_runs };
        let failing_runs = before.saturating_add(u32::from(run.failing));
        let next = Turn { timer: turn.timer, failing_runs, failing_since: since };
        let a_day = since.is_some_and(|since| now.duration_since(since) >= DISABLED_AFTER);
        let because = match run {
            Run { gone: true, .. } => Because::Gone,
            Run { gave_up: true, failing: true, .. } if a_day => Because::Failing,
            _ => return Ok(next),
        };
        self.disable_webhook(scope, webhook.id, because, now).await?;
        Ok(next)
    }

    /// Switches an endpoint off, and tells the owners. A mail may be lost; the reason is not.
    async fn disable_webhook(
        &self,
        scope: &WorkspaceScope,
        id: WebhookId,
        because: Because,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let hooks = self.db.hooks(scope);
        for _ in 0..ATTEMPTS {
            let mut webhooks = hooks.all(true).await?;
            let still_on = webhooks.endpoints.iter_mut().find(|webhook| webhook.id == id && webhook.disabled.is_none());
            let Some(webhook) = still_on else { return Ok(()) };
            webhook.disabled = Some(Disabled { at: now, because });
            let url = webhook.url.clone();
            let entry = scope.entry(Action::WebhookDisabled, now).about(id).with("because", because.as_str());
            match hooks.put(webhooks, &entry).await {
                Ok(()) => {
                    tracing::warn!(workspace = %scope.workspace(), endpoint = %id, because = because.as_str(), "endpoint disabled");
                    let trouble = if because == Because::Gone { WebhookTrouble::Gone } else { WebhookTrouble::Failing };
                    let host =
                        Target::parse(&url, &self.config.webhook_networks).map(|target| target.host().to_owned());
                    let host = host.unwrap_or_default();
                    let mail = Notification::WebhookDisabled { host: &host, trouble };
                    if let Err(failure) = Box::pin(self.post_to_owners(scope.workspace(), mail, now)).await {
                        tracing::warn!(slug = failure.slug, cause = failure.cause, endpoint = %id, "no mail about an endpoint");
                    }
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::too_early("endpoints that keep changing"))
    }
}

/// A delivery after an attempt.
fn judged(delivery: WebhookDelivery, said: Said, now: Timestamp, chance: u8) -> WebhookDelivery {
    let attempts = delivery.attempts.saturating_add(1);
    let answer = Some(said.map_or_else(str::to_owned, |status| status.to_string()));
    let (status, due) = match (said, next_attempt(attempts, now, chance)) {
        (Ok(200..=299), _) => (DeliveryStatus::Delivered, None),
        (_, Some(next)) => (DeliveryStatus::Waiting, Some(next)),
        (_, None) => (DeliveryStatus::Failed, None),
    };
    WebhookDelivery { status, attempts, due, tried_at: Some(now), answer, ..delivery }
}

/// One that nobody is to be told of any more.
fn dropped(delivery: WebhookDelivery) -> WebhookDelivery {
    WebhookDelivery { status: DeliveryStatus::Dropped, due: None, ..delivery }
}

/// What an endpoint reads. People are named by the identifier that the API knows them by, never by their address:
/// whoever may read that asks for it, and finds nobody who was erased.
fn body(scope: &WorkspaceScope, delivery: &WebhookDelivery, people: &[Subject]) -> String {
    let event = &delivery.event;
    let mut data = json!({ "workspace": scope.workspace() });
    if let Some(campaign) = event.campaign {
        data["campaign"] = json!(campaign);
    }
    if let Some(import) = event.import {
        data["import"] = json!(import);
    }
    if let Some(step) = event.step {
        (data["step"], data["prospects"]) = (json!(step), json!(people));
    }
    if let Some(because) = &event.because {
        data["because"] = json!(because);
    }
    if let Some(evidence) = &event.evidence {
        data["evidence"] = json!(Codes::from(evidence));
    }
    json!({ "type": event.kind, "timestamp": event.at, "data": data }).to_string()
}

const _: () = assert!(PATIENCE.as_secs() < RESERVE.as_secs(), "what is under way ends before the invocation does");

#[cfg(test)]
mod tests {
    use domain::{
        id::WorkspaceId,
        webhook::{Event, EventKind},
    };

    use super::*;

    fn delivery(event: Event) -> WebhookDelivery {
        let status = DeliveryStatus::Waiting;
        WebhookDelivery { event, status, attempts: 0, due: None, tried_at: None, answer: None, ttl: 0 }
    }

    #[test]
    fn what_an_endpoint_reads_names_people_by_identifier_only() {
        let (ws, now) = (WorkspaceId::from_bytes([1; 10]), "2026-11-26T10:00:00Z".parse().unwrap());
        let scope = WorkspaceScope::internal(ws);
        let campaign = CampaignId::from_bytes([2; 10]);
        let event = Event::of_places(ws, EventKind::Bounced, (campaign, 3, 2), &[4], now).because("permanent");
        let person = Subject::from_bytes([5; 16]);
        let read: serde_json::Value = serde_json::from_str(&body(&scope, &delivery(event), &[person])).unwrap();
        let expected = json!({
            "type": "message.bounced", "timestamp": "2026-11-26T10:00:00Z",
            "data": {"workspace": ws, "campaign": campaign, "step": 2, "prospects": [person], "because": "permanent"},
        });
        assert_eq!(read, expected);
        let event = Event::of_campaign(ws, EventKind::CampaignCompleted, campaign, now);
        let read: serde_json::Value = serde_json::from_str(&body(&scope, &delivery(event), &[])).unwrap();
        assert_eq!(read["data"], json!({"workspace": ws, "campaign": campaign}));
    }

    #[test]
    fn only_a_2xx_is_a_delivery_and_the_last_failure_is_the_end() {
        let (ws, now) = (WorkspaceId::from_bytes([1; 10]), "2026-11-26T10:00:00Z".parse().unwrap());
        let fresh = delivery(Event::new(ws, EventKind::Test, now));
        for said in [Ok(200), Ok(204), Ok(299)] {
            let after = judged(fresh.clone(), said, now, 0);
            assert_eq!((after.status, after.due), (DeliveryStatus::Delivered, None), "{said:?}");
        }
        for said in [Ok(199), Ok(301), Ok(404), Ok(500), Err("timeout")] {
            let after = judged(fresh.clone(), said, now, 0);
            assert_eq!(after.status, DeliveryStatus::Waiting, "{said:?}");
            assert_eq!(after.due, Some(now + SignedDuration::from_secs(5)));
        }
        let last = judged(WebhookDelivery { attempts: 9, ..fresh }, Err("tls"), now, 0);
        assert_eq!((last.status, last.due, last.answer.as_deref()), (DeliveryStatus::Failed, None, Some("tls")));
    }
}
