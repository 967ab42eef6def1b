//! Clicks on signed links: followed whatever else is down, recorded only while the person's consent and the workspace's
//! switch hold, judged half a minute later, when a program would have shown itself.
//!
//! A click means that the person is still there: it starts their three years again (A73). It changes nothing else.

use std::time::Duration;

use content::legal;
use domain::{
    Timestamp,
    clicks::{ConsentClaim, Found, JUDGED_AFTER, SignedLink, Visit, look},
    id::{CampaignId, WorkspaceId},
    subject::Subject,
    webhook::{Event, EventKind},
};
use serde_json::json;
use storage::{StoreError, WorkspaceScope, outreach::Clicked};

use crate::{App, Failure, mailer::ses::tag};

/// Not SES's: the function `click` says so of a message of which a link was followed.
pub(crate) const CLICKED: &str = "Clicked";

/// The first versions of the texts that say that clicks may be recorded, of whom, and how that ends.
const SAID_IN: [(&str, &str); 3] = [("prospects-privacy", "2.0"), ("terms", "2.1"), ("cookies", "1.1")];

/// Longest that a person waits for a click to be written down, before they are led on.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Attempts at writing down what was found, when others get in the way.
const ATTEMPTS: u32 = 5;

/// Whether the texts in force say that clicks may be recorded. They were announced before.
///
/// # Errors
/// Until they apply.
pub(crate) fn may_be_recorded(now: Timestamp) -> Result<(), Failure> {
    let said = |(page, version): &(&str, &str)| {
        legal::version(page, version, now).is_some_and(|version| version.has_begun(now))
    };
    let detail = "Until version 2.0 of the privacy policy for prospects applies, it says that no click is recorded: see \
                  /legal/prospects-privacy. Switch it on from that day on.";
    SAID_IN.iter().all(said).then_some(()).ok_or_else(|| Failure::conflict("not-announced", detail))
}

impl App {
    /// What a link says; `None` for one that nobody signed here.
    pub async fn signed_link(&self, token: &str) -> Result<Option<SignedLink>, Failure> {
        Ok(SignedLink::verify(token, self.pepper().await?))
    }

    /// Writes down that a link was followed, if that may be. Whatever goes wrong the person is led on: a click may be
    /// lost, and nobody waits for it for long.
    pub async fn note_click(&self, link: &SignedLink, automatic: bool, now: Timestamp) {
        let cause = match tokio::time::timeout(PATIENCE, self.try_note_click(link, automatic, now)).await {
            Ok(Ok(())) => return,
            Ok(Err(failure)) => failure.cause.unwrap_or(failure.detail),
            Err(_) => "took too long".to_owned(),
        };
        tracing::warn!(campaign = %link.campaign, cause, "a click is lost");
    }

    async fn try_note_click(&self, link: &SignedLink, automatic: bool, now: Timestamp) -> Result<(), Failure> {
        let SignedLink { workspace, campaign, step, subject, place, .. } = *link;
        let scope = WorkspaceScope::internal(workspace);
        if !self.records_clicks_of(&scope, subject, now).await? {
            return Ok(());
        }
        let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let visit = Visit { at, link: place, automatic };
        if !self.db.outreach(&scope).visited(campaign, step, subject, visit).await? {
            return Ok(());
        }
        let tags = json!({
            tag::WORKSPACE: [workspace], tag::SUBJECT: [subject.hex()], tag::CAMPAIGN: [campaign],
            tag::STEP: [step.to_string()],
        });
        let event = json!({ "eventType": CLICKED, "mail": { "tags": tags } });
        let delay = u16::try_from(JUDGED_AFTER.as_secs()).unwrap_or(u16::MAX);
        self.enqueue(&self.config.feedback_queue_url, &event, delay).await
    }

    /// Whether clicks of a person may be recorded now: the workspace switched it on, they agreed, and nothing of what
    /// they asked for since stands against it.
    async fn records_clicks_of(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let (accounts, prospects, suppressions) =
            (self.db.accounts(scope), self.db.prospects(scope), self.db.suppressions(scope));
        let (workspace, held, objection) = futures::try_join!(
            Box::pin(accounts.workspace()),
            Box::pin(prospects.get(subject, true)),
            Box::pin(suppressions.find(subject, now))
        )?;
        let switched_on = workspace.is_some_and(|workspace| workspace.clicks && !workspace.is_silent());
        let agreed = held.is_some_and(|held| held.prospect.lets_clicks_be_recorded());
        Ok(switched_on && agreed && objection.is_none())
    }

    /// Looks at the clicks on a message that wait for it. Those of somebody who withdrew meanwhile go unseen.
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
            if clicked.waiting.is_empty() {
                return Ok(());
            }
            let found = match self.records_clicks_of(&scope, subject, now).await? {
                true => look(&clicked.waiting, clicked.delivery.at, now),
                false => Found { done: clicked.waiting.clone(), ..Found::default() },
            };
            if let Some(at) = found.last {
                self.db.prospects(&scope).clicked(subject, at).await?;
            }
            self.tell_clicked(&scope, &clicked, &found, now).await?;
            match outreach.judged(subject, &clicked, &found).await {
                // Another run looked at them at the same moment.
                Err(StoreError::Conflict) => {}
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Tells endpoints of the person's first click on a message, before it is written down: a run that dies in between
    /// has told what the next one finds again, under the same name.
    async fn tell_clicked(
        &self,
        scope: &WorkspaceScope,
        clicked: &Clicked,
        found: &Found,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let delivery = &clicked.delivery;
        let Some(click) = found.first.filter(|_| delivery.click.is_none()) else { return Ok(()) };
        let at = (delivery.campaign, delivery.chunk, delivery.step);
        let event = || Event::of_places(scope.workspace(), EventKind::Clicked, at, &[delivery.index], click.at);
        self.tell_webhooks(scope, EventKind::Clicked, now, event).await
    }

    /// Notes that a person's clicks may not be recorded any more; holds when this returns. A token that means nobody
    /// writes nothing and is answered the same.
    pub async fn withdraw_click_consent(&self, token: &str, now: Timestamp) -> Result<(), Failure> {
        let Some(claim) = ConsentClaim::verify(token, self.pepper().await?) else { return Ok(()) };
        let scope = WorkspaceScope::internal(claim.workspace);
        Ok(self.db.prospects(&scope).withdraw_click_consent(claim.subject, now).await?)
    }
}
