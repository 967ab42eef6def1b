//! Clicks on signed links, and openings of messages: answered whatever else is down, recorded only while the person's
//! consent and the workspace's switch hold, judged half a minute later, when a program would have shown itself.
//!
//! A click means that the person is still there: it starts their three years again (A73). It changes nothing else. An
//! opening changes nothing at all: it is shown, and told.

use std::{future::Future, time::Duration};

use content::legal::{self, Agreement};
use domain::{
    Timestamp,
    clicks::{ConsentClaim, Found, JUDGED_AFTER, Pixel, Recorded, SignedLink, Visit, day_of, is_too_soon, look},
    id::{CampaignId, WorkspaceId},
    subject::Subject,
    webhook::{Event, EventKind},
};
use serde_json::json;
use storage::{StoreError, WorkspaceScope, outreach::Delivery};

use crate::{App, Failure, agreements::not_accepted, mailer::ses::tag};

/// Not SES's: the function `click` says so of a message of which a link was followed.
pub(crate) const CLICKED: &str = "Clicked";

/// What may be recorded once the texts say so: of whom, and how that ends. The first versions that do.
struct Announced {
    what: &'static str,
    policy: &'static str,
    terms: &'static str,
    cookies: &'static str,
}

const CLICKS: Announced = Announced { what: "click", policy: "2.0", terms: "2.1", cookies: "1.1" };
const OPENS: Announced = Announced { what: "opening", policy: "3.0", terms: "2.2", cookies: "1.2" };

/// The policy that says what is recorded.
const PROSPECTS: &str = "prospects-privacy";

/// Longest that a person waits for a click to be written down, before they are led on.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Attempts at writing down what was found, when others get in the way.
const ATTEMPTS: u32 = 5;

impl Announced {
    /// What of all that is switched on.
    fn of(switched_on: Recorded) -> impl Iterator<Item = Self> {
        let each = [(CLICKS, switched_on.clicks), (OPENS, switched_on.opens)];
        each.into_iter().filter(|(_, on)| *on).map(|(announced, _)| announced)
    }

    /// Whether all texts that say so apply.
    fn has_begun(&self, now: Timestamp) -> bool {
        let texts = [(PROSPECTS, self.policy), (Agreement::Terms.slug(), self.terms), ("cookies", self.cookies)];
        texts.iter().all(|(page, text)| legal::version(page, text, now).is_some_and(|text| text.has_begun(now)))
    }

    fn too_early(&self, now: Timestamp) -> Failure {
        let Self { what, policy, .. } = self;
        let known = legal::version(PROSPECTS, policy, now);
        let from = known.map_or_else(|| "that day".to_owned(), |text| text.effective.to_string());
        let detail = format!(
            "Until version {policy} of the privacy policy for prospects applies, it says that no {what} is recorded: see \
             /legal/{PROSPECTS}. Switch it on from {from} on."
        );
        Failure::conflict("not-announced", detail)
    }

    /// Whether this version of the terms, which a company accepted, says what it takes on with it.
    fn is_agreed_in(&self, accepted: &str, now: Timestamp) -> bool {
        let begins = |text: &str| legal::version(Agreement::Terms.slug(), text, now).map(|text| text.effective);
        begins(accepted).zip(begins(self.terms)).is_some_and(|(accepted, needed)| accepted >= needed)
    }
}

impl App {
    /// Whether a workspace may have recorded what it switches on: the texts in force say so, which were announced before,
    /// and a member accepted the terms that do.
    ///
    /// # Errors
    /// Until then.
    pub(crate) async fn may_record(
        &self,
        scope: &WorkspaceScope,
        switched_on: Recorded,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if let Some(early) = Announced::of(switched_on).find(|announced| !announced.has_begun(now)) {
            return Err(early.too_early(now));
        }
        if switched_on.is_nothing() {
            return Ok(());
        }
        let accepted = self.db.accounts(scope).agreements().await?;
        let terms = accepted.last(Agreement::Terms.slug()).map_or("", |last| last.version.as_str());
        match Announced::of(switched_on).all(|announced| announced.is_agreed_in(terms, now)) {
            true => Ok(()),
            false => Err(not_accepted(&[Agreement::Terms], now)),
        }
    }

    /// What a link says; `None` for one that nobody signed here.
    pub async fn signed_link(&self, token: &str) -> Result<Option<SignedLink>, Failure> {
        Ok(SignedLink::verify(token, self.pepper().await?))
    }

    /// Writes down that a link was followed, if that may be. Whatever goes wrong the person is led on: a click may be
    /// lost, and nobody waits for it for long.
    pub async fn note_click(&self, link: &SignedLink, automatic: bool, now: Timestamp) {
        if let Err(cause) = patiently(self.try_note_click(link, automatic, now)).await {
            tracing::warn!(campaign = %link.campaign, cause, "a click is lost");
        }
    }

    /// Writes down that an image was looked at, if that may be: as [`App::note_click`]. Nothing for one that nobody signed
    /// here.
    pub async fn note_opening(&self, token: &str, now: Timestamp) {
        if let Err(cause) = patiently(self.try_note_opening(token, now)).await {
            tracing::warn!(cause, "an opening is lost");
        }
    }

    async fn try_note_opening(&self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let Some(pixel) = Pixel::verify(token, self.pepper().await?) else { return Ok(()) };
        let Pixel { workspace, campaign, step, subject } = pixel;
        let scope = WorkspaceScope::internal(workspace);
        if !self.records_of(&scope, subject, now).await?.opens
            || !self.db.outreach(&scope).opening(campaign, step, subject, now).await?
        {
            return Ok(());
        }
        self.judge_later(workspace, (campaign, step), subject).await
    }

    async fn try_note_click(&self, link: &SignedLink, automatic: bool, now: Timestamp) -> Result<(), Failure> {
        let SignedLink { workspace, campaign, step, subject, place, .. } = *link;
        let scope = WorkspaceScope::internal(workspace);
        if !self.records_of(&scope, subject, now).await?.clicks {
            return Ok(());
        }
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let visit = Visit { at, link: place, automatic };
        if !self.db.outreach(&scope).visited(campaign, step, subject, visit).await? {
            return Ok(());
        }
        self.judge_later(workspace, (campaign, step), subject).await
    }

    /// Has what waits on a message judged, once whatever belongs to it can have been written down.
    async fn judge_later(
        &self,
        workspace: WorkspaceId,
        (campaign, step): (CampaignId, u8),
        subject: Subject,
    ) -> Result<(), Failure> {
        let tags = json!({
            tag::WORKSPACE: [workspace], tag::SUBJECT: [subject.hex()], tag::CAMPAIGN: [campaign],
            tag::STEP: [step.to_string()],
        });
        let event = json!({ "eventType": CLICKED, "mail": { "tags": tags } });
        let delay = u16::try_from(JUDGED_AFTER.as_secs()).unwrap_or(u16::MAX);
        self.enqueue(&self.config.feedback_queue_url, &event, delay).await
    }

    /// What of a person may be recorded now: the workspace switched it on, they agreed, and nothing of what they asked for
    /// since stands against it.
    async fn records_of(&self, scope: &WorkspaceScope, subject: Subject, now: Timestamp) -> Result<Recorded, Failure> {
        let (accounts, prospects, suppressions) =
            (self.db.accounts(scope), self.db.prospects(scope), self.db.suppressions(scope));
        let (workspace, held, objection) = futures::try_join!(
            Box::pin(accounts.workspace()),
            Box::pin(prospects.get(subject, true)),
            Box::pin(suppressions.find(subject, now))
        )?;
        let switched_on = workspace.filter(|workspace| !workspace.is_silent()).map(|workspace| workspace.records());
        let agreed = held.filter(|_| objection.is_none()).map(|held| held.prospect.lets_be_recorded());
        Ok(switched_on.unwrap_or_default().and(agreed.unwrap_or_default()))
    }

    /// Looks at the clicks on a message, and at its opening, that wait for it. Those of somebody who withdrew meanwhile go
    /// unseen.
    pub(crate) async fn judge_clicks(
        &self,
        workspace: WorkspaceId,
        (campaign, step): (CampaignId, u8),
        subject: Subject,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let outreach = self.db.outreach(&scope);
        for _ in 0..ATTEMPTS {
            let Some(clicked) = outreach.clicks(campaign, step, subject).await? else { return Ok(()) };
            if clicked.waiting.is_empty() && clicked.opening.is_none() {
                return Ok(());
            }
            let recorded = self.records_of(&scope, subject, now).await?;
            let delivery = &clicked.delivery;
            let opened = clicked.opening.filter(|at| recorded.opens && !is_too_soon(*at, delivery.at));
            if let Some(at) = opened {
                self.tell_used(&scope, delivery, EventKind::Opened, at, now).await?;
            }
            match outreach.opening_judged(subject, &clicked, opened.map(day_of)).await {
                // Another run looked at it at the same moment.
                Err(StoreError::Conflict) => continue,
                other => other?,
            }
            let found = match recorded.clicks {
                true => look(&clicked.waiting, delivery.at, now),
                false => Found { done: clicked.waiting.clone(), ..Found::default() },
            };
            if let Some(at) = found.last {
                self.db.prospects(&scope).clicked(subject, at).await?;
            }
            if let Some(click) = found.first.filter(|_| delivery.click.is_none()) {
                self.tell_used(&scope, delivery, EventKind::Clicked, click.at, now).await?;
            }
            match outreach.judged(subject, &clicked, &found).await {
                // Another run looked at them at the same moment.
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Tells endpoints that a person first clicked in a message, or opened it, before it is written down: a run that dies in
    /// between has told what the next one finds again, under the same name.
    async fn tell_used(
        &self,
        scope: &WorkspaceScope,
        delivery: &Delivery,
        kind: EventKind,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let place = (delivery.campaign, delivery.chunk, delivery.step);
        let event = || Event::of_places(scope.workspace(), kind, place, &[delivery.index], at);
        self.tell_webhooks(scope, kind, now, event).await
    }

    /// Notes that neither a person's clicks nor their openings may be recorded any more; holds when this returns. A token that
    /// means nobody
    /// writes nothing and is answered the same.
    pub async fn withdraw_click_consent(&self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let Some(claim) = ConsentClaim::verify(token, self.pepper().await?) else { return Ok(()) };
        let scope = WorkspaceScope::internal(claim.workspace);
        Ok(self.db.prospects(&scope).withdraw_click_consent(claim.subject, now).await?)
    }
}

/// What went wrong with something that nobody waits for, if anything did.
async fn patiently(noting: impl Future<Output = Result<(), Failure>>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, noting).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(failure.cause.unwrap_or(failure.detail)),
        Err(_) => Err("took too long".to_owned()),
    }
}
