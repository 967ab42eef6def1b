//! What the API says of campaigns and their recipients.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    Timestamp, absence,
    calendar::{Opening, Window},
    campaign::{Audience, CampaignStatus, Clicks, Counts, Halt, LegitimateInterest, Progress, Tallies},
    chunk::{Outcome, origin},
    health::Trouble,
    id::{CampaignId, ChannelId},
    locale::Locale,
    pace::{self, Wait},
    sender::Transport,
    sequence::{Delay, FIRST, Step},
    subject::Subject,
    variant::Letter,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use serde::Serialize;
use storage::{WorkspaceScope, outreach::StoredCampaign};

use super::compared::{VariantView, WinnerView};
use crate::{App, Failure};

/// A campaign as the API shows it. What is not said yet is `null`.
#[derive(Debug, Serialize)]
pub struct CampaignView {
    id: CampaignId,
    status: CampaignStatus,
    paused_because: Option<Because>,
    name: String,
    purpose: Option<String>,
    audience: Option<Audience>,
    steps: Vec<StepView>,
    window: Option<Window>,
    channels: Vec<ChannelId>,
    waiting: Vec<Waiting>,
    /// While messages wait for it: for people of whom no country is known.
    window_opens_at: Option<Timestamp>,
    stop_company_on_reply: bool,
    information_notice: Option<String>,
    legitimate_interest_assessment: Option<LegitimateInterest>,
    locale: Locale,
    counts: Counts,
    refused_by_reason: BTreeMap<&'static str, u64>,
    delivered: u64,
    replied: u64,
    bounced: u64,
    bounced_by_cause: BTreeMap<&'static str, u64>,
    complained: u64,
    opted_out: u64,
    clicks: Clicks,
    opened: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    launched_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

/// Why the product paused it, by its name.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Because {
    Harm(Trouble),
    Halt(Halt),
}

/// One of its channels that takes nothing now, why, and until when.
#[derive(Debug, Serialize)]
struct Waiting {
    channel: ChannelId,
    #[serde(flatten)]
    wait: Wait,
}

/// One of its messages, and what became of it.
#[derive(Debug, Serialize)]
struct StepView {
    step: u8,
    delay: Option<Delay>,
    subject: Option<String>,
    text: Option<String>,
    html: Option<String>,
    counts: Counts,
    refused_by_reason: BTreeMap<&'static str, u64>,
    delivered: u64,
    replied: u64,
    bounced: u64,
    bounced_by_cause: BTreeMap<&'static str, u64>,
    complained: u64,
    opted_out: u64,
    clicks: Clicks,
    opened: u64,
    variants: Vec<VariantView>,
    winner: Option<WinnerView>,
}

impl StepView {
    fn new(number: u8, step: Step, progress: &Progress, tallies: &Tallies, now: Timestamp) -> Self {
        let (audience, tally) = (progress.audience, &tallies.of(number));
        Self {
            step: number,
            delay: step.delay,
            winner: WinnerView::new(number, &step, progress, tallies, now),
            variants: VariantView::all(number, step.variants, tallies),
            subject: step.subject,
            text: Some(step.text).filter(|text| !text.is_empty()),
            html: step.html,
            counts: tally.counts(audience),
            refused_by_reason: tally.refused_by_reason(),
            delivered: tally.delivered(),
            replied: tally.of(Outcome::Replied),
            bounced: tally.of(Outcome::Bounced),
            bounced_by_cause: tallies.bounced_by_cause(Some(number)),
            complained: tally.of(Outcome::Complained),
            opted_out: tallies.opted_out(number, None),
            clicks: tallies.clicks(number, None),
            opened: tallies.opened(number),
        }
    }
}

impl CampaignView {
    pub(super) fn new(campaign: StoredCampaign, progress: Progress, tallies: &Tallies, now: Timestamp) -> Self {
        let StoredCampaign { id, content, created_at, updated_at, .. } = campaign;
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        let tally = tallies.total();
        let counts = tally.counts(progress.messages());
        let step = |(number, step)| StepView::new(number, step, &progress, tallies, now);
        let steps: Vec<StepView> = (FIRST..).zip(content.steps).map(step).collect();
        let opted_out = steps.iter().map(|step| step.opted_out).sum();
        let opened = steps.iter().map(|step| step.opened).sum();
        Self {
            id,
            status: progress.status,
            paused_because: progress.trouble.map(Because::Harm).or(progress.halt.map(Because::Halt)),
            name: content.name,
            purpose: said(content.purpose),
            audience: Some(content.audience).filter(|audience| !audience.is_empty()),
            steps,
            window: content.window,
            channels: content.channels,
            waiting: Vec::new(),
            window_opens_at: None,
            stop_company_on_reply: content.stop_company_on_reply,
            information_notice: said(content.information_notice),
            legitimate_interest_assessment: Some(content.legitimate_interest_assessment)
                .filter(|assessment| *assessment != LegitimateInterest::default()),
            locale: content.locale,
            refused_by_reason: tally.refused_by_reason(),
            delivered: tally.delivered(),
            replied: tally.of(Outcome::Replied),
            bounced: tally.of(Outcome::Bounced),
            bounced_by_cause: tallies.bounced_by_cause(None),
            complained: tally.of(Outcome::Complained),
            opted_out,
            clicks: tallies.all_clicks(),
            opened,
            counts,
            created_at,
            updated_at,
            launched_at: progress.launched_at,
            completed_at: progress.completed_at,
        }
    }

    /// Its id.
    pub const fn id(&self) -> CampaignId {
        self.id
    }
}

/// One recipient.
#[derive(Debug, Serialize)]
pub struct RecipientView {
    /// Nobody any more where somebody was erased.
    prospect: Option<Subject>,
    email: Option<String>,
    step: u8,
    /// The name of the variant that they got, or may have.
    variant: Option<String>,
    status: &'static str,
    /// The day before which they are not written to, because they are away.
    postponed_until: Option<Date>,
    reason: Option<String>,
}

impl App {
    /// What a campaign says and how far it is.
    pub async fn read_campaign(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<CampaignView, Failure> {
        let (campaign, progress) = self.campaign_and_progress(scope, id).await?;
        self.campaign_view(scope, campaign, progress, now).await
    }

    /// Campaigns, newest first.
    pub async fn list_campaigns(
        &self,
        scope: &WorkspaceScope,
        after: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<CampaignView>, Option<String>), Failure> {
        let (campaigns, next) = self.db.outreach(scope).campaigns(after, limit).await?;
        let views = stream::iter(campaigns)
            .map(async |campaign| {
                let progress = self.db.outreach(scope).progress(campaign.id).await?;
                let progress = progress.ok_or_else(|| Failure::internal("a campaign without progress"))?;
                self.campaign_view(scope, campaign, progress, now).await
            })
            .buffered(8)
            .try_collect()
            .await?;
        Ok((views, next))
    }

    async fn campaign_view(
        &self,
        scope: &WorkspaceScope,
        campaign: StoredCampaign,
        progress: Progress,
        now: Timestamp,
    ) -> Result<CampaignView, Failure> {
        // Who looks need not wait for the queue to notice that the last one is done.
        let progress = self.complete_if_done(scope, &progress, now).await?.unwrap_or(progress);
        let tallies = match progress.status {
            CampaignStatus::Draft => Tallies::default(),
            _ => self.db.outreach(scope).tallies(campaign.id).await?,
        };
        let pending = tallies.total().counts(progress.messages()).pending;
        let stands_still = progress.halt == Some(Halt::ChannelUnusable);
        let waiting = match progress.status {
            CampaignStatus::Sending if pending > 0 => self.waiting(scope, (&campaign, &progress), now).await?,
            CampaignStatus::Paused if stands_still => self.waiting(scope, (&campaign, &progress), now).await?,
            _ => (Vec::new(), None),
        };
        let (waiting, window_opens_at) = waiting;
        Ok(CampaignView { waiting, window_opens_at, ..CampaignView::new(campaign, progress, &tallies, now) })
    }

    /// Which channels of a campaign take nothing now, or not for everybody; and when its window opens, if it is closed.
    async fn waiting(
        &self,
        scope: &WorkspaceScope,
        (campaign, progress): (&StoredCampaign, &Progress),
        now: Timestamp,
    ) -> Result<(Vec<Waiting>, Option<Timestamp>), Failure> {
        let accounts = self.db.accounts(scope);
        let (sender, workspace) = futures::try_join!(accounts.sender(), accounts.workspace())?;
        let Some(sender) = sender else { return Ok((Vec::new(), None)) };
        let zone = sender.zone(workspace.and_then(|workspace| workspace.time_zone).as_deref());
        let (outreach, mut waiting) = (self.db.outreach(scope), Vec::new());
        let ses =
            [(progress.quota_until, pace::Because::SesQuota), (progress.ses_paused_until, pace::Because::SesPaused)];
        let ses = ses.into_iter().filter_map(|(until, because)| Some(Wait { until: until?, because }));
        let ses: Vec<Wait> = ses.filter(|wait| wait.until > now).collect();
        for channel in sender.among(&progress.channels) {
            let limits = channel.limits_at(&zone, now);
            let had = outreach.pace(channel.id).await?;
            let hindered = had.hindrance.map(|hindrance| hindrance.wait(now));
            let paced = limits.paces().then(|| had.pace.waits(&limits, now)).flatten();
            let by_domain = match limits.recipient_domain {
                Some(_) => outreach.receivers(channel.id).await?.receivers.waiting(now),
                None => None,
            };
            let by_ses = ses.iter().copied().filter(|_| matches!(channel.transport, Transport::Ses));
            let waits = hindered.into_iter().chain(paced).chain(by_domain).chain(by_ses);
            waiting.extend(waits.map(|wait| Waiting { channel: channel.id, wait }));
        }
        let content = &campaign.content;
        let opening = content.window.as_ref().map(|window| window.opening(None, &content.zone(&zone), now));
        let opens = opening.and_then(|opening| match opening {
            Opening::At(at) => Some(at),
            Opening::Now => None,
        });
        Ok((waiting, opens))
    }

    /// A page of recipients, chunk by chunk and step by step; those of chunks that no `send` has put down yet are
    /// pending.
    pub async fn list_recipients(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        (step, status): (Option<u8>, Option<&str>),
        after: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<RecipientView>, Option<String>), Failure> {
        let (campaign, _) = self.campaign_and_progress(scope, id).await?;
        let mut place = after.map_or_else(|| Some(Place::default()), Place::read).ok_or_else(wrong_cursor)?;
        let chunks = limit.div_ceil(u32::try_from(domain::chunk::CHUNK).unwrap_or(50)) + 1;
        let (chunks, more) = self.db.outreach(scope).chunks(id, place.after.as_deref(), Some(chunks)).await?;
        let mut people: Vec<(Subject, (u8, Option<Letter>), Outcome)> = Vec::new();
        let mut full = false;
        'page: for ((chunk, number), record) in &chunks {
            // Of a run that died before anything else was written down: they are where they were.
            let is_here = match origin(*chunk) {
                Some(place) => self.db.outreach(scope).is_postponed(id, place).await?,
                None => true,
            };
            let here = record.subjects.iter().copied().zip(record.results.iter()).enumerate();
            for (index, (subject, outcome)) in here.skip(std::mem::take(&mut place.skip)) {
                if people.len() >= limit as usize {
                    place.skip = index;
                    full = true;
                    break 'page;
                }
                // They are in a chunk of their own.
                if outcome == Outcome::Postponed || !is_here {
                    continue;
                }
                let wanted = status.is_none_or(|wanted| status_of(outcome) == wanted);
                if wanted && step.is_none_or(|wanted| *number == wanted) {
                    people.push((subject, (*number, record.results.variant(index)), outcome));
                }
            }
            place.after = Some(storage::keys::chunk(scope.workspace(), id, *chunk, *number).sk);
        }
        let next = (full || more.is_some()).then(|| place.write());
        let subjects: BTreeSet<Subject> = people.iter().map(|(subject, ..)| *subject).collect();
        let subjects: Vec<Subject> = subjects.into_iter().collect();
        let (mut emails, mut away) = (HashMap::new(), HashMap::new());
        for batch in subjects.chunks(100) {
            for prospect in self.db.prospects(scope).batch_get(batch).await? {
                emails.insert(prospect.subject, prospect.email.expose().to_owned());
                away.extend(prospect.away_until.map(|back| (prospect.subject, absence::first_day(back))));
            }
            // Who objected since counts in the campaign, and is no longer an address in it.
            for found in self.db.suppressions(scope).among(batch, now).await? {
                if !found.reason.is_of_address() {
                    emails.remove(&found.subject);
                }
            }
        }
        let named = |step, letter| Some(campaign.content.step(step)?.variant(letter)?.name.clone());
        let items = people.into_iter().map(|(prospect, (step, variant), outcome)| RecipientView {
            prospect: Some(prospect).filter(|prospect| *prospect != Subject::NOBODY),
            email: emails.get(&prospect).cloned(),
            step,
            variant: named(step, variant),
            status: status_of(outcome),
            postponed_until: away.get(&prospect).filter(|_| outcome == Outcome::Pending && step > FIRST).copied(),
            reason: match outcome {
                Outcome::Refused(reason) => Some(reason.as_str().to_owned()),
                Outcome::Delivered | Outcome::Replied | Outcome::Bounced | Outcome::Complained => Some(outcome.name()),
                outcome => why_failed(outcome).map(str::to_owned),
            },
        });
        Ok((items.collect(), next))
    }
}

/// A place among the recipients: after a chunk, and so many people into the next.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    after: Option<String>,
    skip: usize,
}

impl Place {
    /// Reads [`Place::write`].
    fn read(text: &str) -> Option<Self> {
        let (after, skip) = text.split_once('@')?;
        Some(Self { after: Some(after.to_owned()).filter(|after| !after.is_empty()), skip: skip.parse().ok()? })
    }

    fn write(&self) -> String {
        format!("{}@{}", self.after.as_deref().unwrap_or_default(), self.skip)
    }
}

fn wrong_cursor() -> Failure {
    Failure::field("cursor", "use `next_cursor` of the page before, unchanged")
}

/// Why a channel certainly does not have a message, in the words of the API.
pub(crate) const fn why_failed(outcome: Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Failed => Some("channel_refused"),
        Outcome::PutOff => Some("put_off"),
        _ => None,
    }
}

/// The five words of the API.
const fn status_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending | Outcome::Postponed => "pending",
        Outcome::Sent | Outcome::Delivered | Outcome::Replied | Outcome::Bounced | Outcome::Complained => "sent",
        Outcome::Refused(_) => "refused",
        Outcome::Failed | Outcome::PutOff => "failed",
        Outcome::Unknown => "unknown",
    }
}
