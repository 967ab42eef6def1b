//! What the provider says later about a message: it settles what was unknown, and stops what must stop.
//!
//! SES events come late, twice and in any order; outcomes are joined, so the order does not matter.
//! A complaint is an objection (RFC 5965); a permanent bounce means the address does not exist.

mod delivered;
mod event;

use std::collections::HashMap;

use domain::{
    Timestamp,
    bounce::Evidence,
    cause::Class,
    chunk::{Got, Outcome, Results},
    company::Company,
    id::{CampaignId, WorkspaceId},
    message_name::MessageName,
    sequence::FIRST,
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
    webhook::Event,
};
use storage::WorkspaceScope;

pub(crate) use self::event::DELAYED;
pub use self::event::SesEvent;
use crate::{App, Failure, abuse::complained, clicks::CLICKED, mailer::ses::tag, objection::OBJECTED};

/// Not SES's either: `send` says so of a campaign that it paused because nothing can leave.
pub(crate) const HALTED: &str = "Halted";

/// Nor is this one: it says so of a campaign of which its channel refused addresses that are bad.
pub(crate) const RETURNED: &str = "Returned";

/// Where in a campaign a message was, and whether nobody had noted that it left.
struct Told {
    scope: WorkspaceScope,
    at: (CampaignId, u32, u8),
    index: usize,
    unheard_of: bool,
    evidence: Option<Evidence>,
}

impl App {
    /// Takes one event in. Events about mail that is not a campaign's mean nothing here.
    pub async fn feedback(&self, event: &SesEvent, now: Timestamp) -> Result<(), Failure> {
        if event.event_type == RETURNED {
            let (workspace, campaign) = (event.tag::<WorkspaceId>(tag::WORKSPACE), event.tag(tag::CAMPAIGN));
            let Some((workspace, campaign)) = workspace.zip(campaign) else { return Ok(()) };
            return Box::pin(self.mind_health(&WorkspaceScope::internal(workspace), campaign, now)).await;
        }
        if event.event_type == HALTED {
            let (workspace, campaign) = (event.tag::<WorkspaceId>(tag::WORKSPACE), event.tag(tag::CAMPAIGN));
            let Some((workspace, campaign)) = workspace.zip(campaign) else { return Ok(()) };
            return self.tell_halted(&WorkspaceScope::internal(workspace), campaign, now).await;
        }
        if event.event_type == OBJECTED {
            let Some((workspace, subject)) = event.tag::<WorkspaceId>(tag::WORKSPACE).zip(event.subject()) else {
                return Ok(());
            };
            let at = event.happened_at().unwrap_or(now);
            return self.note_objection(&WorkspaceScope::internal(workspace), subject, at, now).await;
        }
        if event.event_type == CLICKED {
            let message = event.tag::<CampaignId>(tag::CAMPAIGN).zip(event.tag::<u8>(tag::STEP));
            let (Some(workspace), Some(message), Some(subject)) =
                (event.tag::<WorkspaceId>(tag::WORKSPACE), message, event.subject())
            else {
                return Ok(());
            };
            return Box::pin(self.judge_clicks(workspace, message, subject, now)).await;
        }
        let Some(Told { scope, at, index, unheard_of, evidence }) = self.settle_event(event, now).await? else {
            return Ok(());
        };
        let Some((kind, because)) = event.told(unheard_of) else { return Ok(()) };
        let happened_at = event.happened_at().unwrap_or(now);
        let told = || {
            let told = Event::of_places(scope.workspace(), kind, at, &[index], happened_at).with_evidence(evidence);
            Event { because: because.map(str::to_owned), ..told }
        };
        self.tell_webhooks(&scope, kind, now, told).await
    }

    /// Somebody of a company answered: where the Sender wants it so, nobody else there gets any more of the campaign.
    /// Before the answer itself is put down, after which its event means nothing new.
    async fn mind_company(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        company: Company,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        let campaign = outreach.campaign(id).await?;
        if campaign.is_some_and(|campaign| campaign.content.stop_company_on_reply) {
            outreach.stop_company(id, company, now).await?;
        }
        Ok(())
    }

    /// A message came back for a reason that may pass. After so many in a row nobody writes there any more. Looked for
    /// once it is put down, so that of several at the same moment the last one sees the others.
    async fn mind_soft_bounces(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        about: (CampaignId, u8),
        now: Timestamp,
    ) -> Result<(), Failure> {
        let workspace = self.db.accounts(scope).workspace().await?;
        let rule = workspace.and_then(|workspace| workspace.soft_bounces).unwrap_or_default();
        let outreach = self.db.outreach(scope);
        let mut deliveries = outreach.deliveries_of(subject).await?;
        deliveries.sort_unstable_by_key(|delivery| (delivery.at, delivery.campaign, delivery.step));
        let here = deliveries.iter().position(|delivery| (delivery.campaign, delivery.step) == about);
        let Some(here) = here else { return Ok(()) };
        let near = deliveries
            .into_iter()
            .skip(here.saturating_sub(rule.reach()))
            .take(here.min(rule.reach()) + 1 + rule.reach());
        let mut messages = Vec::new();
        for delivery in near {
            let chunk = outreach.chunk(delivery.campaign, delivery.chunk, delivery.step).await?;
            let outcome = chunk.and_then(|chunk| chunk.results.get(delivery.index)).unwrap_or(Outcome::Pending);
            // Who refused the sender, or the message, said nothing of the mailbox.
            let blocked = delivery.evidence.is_some_and(|evidence| evidence.class == Some(Class::Block));
            messages.push((delivery.at, if blocked { Outcome::Unknown } else { outcome }));
        }
        if rule.are_in(&messages) {
            let suppression = Suppression::new(subject, SuppressionReason::SoftBounced, now);
            self.db.suppressions(scope).record(&suppression).await?;
        }
        Ok(())
    }

    /// What follows from a message that came back, or was complained of, once that is put down: for whoever's mailbox may be at fault,
    /// and for the campaign.
    async fn mind_returned(
        &self,
        scope: &WorkspaceScope,
        soft: Option<Subject>,
        about: (CampaignId, u8),
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if let Some(subject) = soft {
            self.mind_soft_bounces(scope, subject, about, now).await?;
        }
        if matches!(outcome, Outcome::Bounced | Outcome::Complained) {
            Box::pin(self.mind_health(scope, about.0, now)).await?;
        }
        Ok(())
    }

    /// Puts down what an event says; where the message was, unless that is unknown or gone.
    async fn settle_event(&self, event: &SesEvent, now: Timestamp) -> Result<Option<Told>, Failure> {
        let (Some(news), Some(workspace)) = (event.news(), event.tag::<WorkspaceId>(tag::WORKSPACE)) else {
            return Ok(None);
        };
        let scope = WorkspaceScope::internal(workspace);
        // First of all, and whatever else is known: who complains is not written to again.
        if let (Some(reason), Some(subject)) = (news.suppress, event.subject()) {
            self.db.suppressions(&scope).record(&Suppression::new(subject, reason, now)).await?;
        }
        let (Some(campaign), Some(chunk), Some(index)) =
            (event.tag::<CampaignId>(tag::CAMPAIGN), event.tag::<u32>(tag::CHUNK), event.tag::<usize>(tag::INDEX))
        else {
            return Ok(None);
        };
        // Of a message that left before there were steps, it was the first.
        let step = event.tag::<u8>(tag::STEP).unwrap_or(FIRST);
        if let (Outcome::Replied, Some(company)) = (news.outcome, event.tag::<Company>(tag::COMPANY)) {
            self.mind_company(&scope, campaign, company, now).await?;
        }
        let evidence = event.evidence(now);
        let told = |unheard_of| {
            let (scope, at, evidence) = (scope.clone(), (campaign, chunk, step), evidence.clone());
            Some(Told { scope, at, index, unheard_of, evidence })
        };
        let returned = news.outcome == Outcome::Bounced && news.suppress.is_none();
        let soft = returned && evidence.as_ref().is_none_or(|evidence| evidence.class != Some(Class::Block));
        // Most events say what the sender has written down already: one read answers for a whole chunk.
        if news.suppress.is_none()
            && evidence.is_none()
            && !returned
            && self.settled.lock().await.knows((campaign, chunk, step), index, news.outcome)
        {
            return Ok(told(false));
        }
        let outreach = self.db.outreach(&scope);
        // Before the sender has put its results down there is nothing to join; the queue tries again.
        let record = outreach.chunk(campaign, chunk, step).await?;
        let Some(record) = record else {
            // Gone with its campaign, or not yet there: only the progress can tell.
            return match outreach.progress(campaign).await? {
                Some(_) => Err(Failure::too_early("an event ahead of its chunk")),
                None => Ok(None),
            };
        };
        // Before what became of it, so that whoever sees that finds out why.
        if let (Some(evidence), Some(subject)) = (&evidence, event.subject()) {
            outreach.note_evidence(campaign, (chunk, step), subject, evidence).await?;
        }
        let mut results = record.results.clone();
        results.join(index, news.outcome);
        results.note(index, event.tag::<Got>(tag::VARIANT).unwrap_or_default());
        if results == record.results {
            self.settled.lock().await.remember((campaign, chunk, step), results);
            // The run that put it down may have died before it looked.
            self.mind_returned(&scope, event.subject().filter(|_| soft), (campaign, step), news.outcome, now).await?;
            return Ok(told(false));
        }
        // The run that handed it over has died, before it noted what it is called.
        let unheard_of = matches!(record.results.get(index), Some(Outcome::Pending | Outcome::Unknown));
        if let Some(id) = event.mail.message_id.as_ref().filter(|_| unheard_of) {
            let name = (index, MessageName::given_by_ses(id));
            outreach.note_names(campaign, (chunk, step), &[name], now).await?;
        }
        let (at, outcomes) = ((chunk, step), (record.subjects.as_slice(), &results));
        let joined = match news.outcome {
            // Once, however often the event comes: the case counts what the results did not know.
            Outcome::Complained => {
                let case = complained(workspace, campaign, now);
                outreach.settle_complaint(campaign, at, outcomes, &case, now).await?
            }
            _ => outreach.settle(campaign, at, outcomes, None, now).await?,
        };
        self.mind_returned(&scope, event.subject().filter(|_| soft), (campaign, step), news.outcome, now).await?;
        self.settled.lock().await.remember((campaign, chunk, step), joined);
        Ok(told(unheard_of))
    }
}

/// Results of chunks that this process has seen. Outcomes only ever grow, so what an old copy makes
/// redundant a newer one does too.
#[derive(Debug, Default)]
pub(crate) struct Settled(HashMap<(CampaignId, u32, u8), Results>);

impl Settled {
    /// Chunks remembered, at most: 50 outcomes each.
    const MOST: usize = 2_000;

    fn knows(&self, chunk: (CampaignId, u32, u8), index: usize, news: Outcome) -> bool {
        let known = self.0.get(&chunk).and_then(|results| results.get(index));
        known.is_some_and(|known| known.join(news) == known)
    }

    fn remember(&mut self, chunk: (CampaignId, u32, u8), results: Results) {
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(chunk, results);
    }
}
