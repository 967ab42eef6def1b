//! How it stands with what a workspace sent over a window that moves: altogether, by channel and by campaign.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Timestamp,
    campaign::CampaignStatus,
    health::{
        Sample, Trouble, Verdict,
        window::{DAYS, Day, Days},
    },
    id::{CampaignId, ChannelId},
    sender::Sender,
    volume,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use storage::{WorkspaceScope, outreach::StoredCampaign};

use crate::{App, Failure};

/// Campaigns read in one page, and pages at most, the newest first: whoever has more than a thousand is judged by the last thousand.
const CAMPAIGNS: u32 = 100;
const PAGES: usize = 10;

/// Days after its end when nothing comes back of a campaign any more that counts today.
const LONG_OVER: i64 = 4 * DAYS;

/// The answer.
#[derive(Debug, Serialize)]
pub struct HealthView {
    window_days: i64,
    limits: Limits,
    workspace: Standing,
    channels: Vec<OfChannel>,
    campaigns: Vec<OfCampaign>,
}

/// Shares at which a campaign pauses itself.
#[derive(Debug, Serialize)]
struct Limits {
    bounce_rate: f64,
    complaint_rate: f64,
}

#[derive(Debug, Serialize)]
struct OfChannel {
    channel: ChannelId,
    /// `null` of one that is gone.
    name: Option<String>,
    #[serde(flatten)]
    standing: Standing,
}

#[derive(Debug, Serialize)]
struct OfCampaign {
    campaign: CampaignId,
    name: String,
    status: CampaignStatus,
    #[serde(flatten)]
    standing: Standing,
}

/// What was handed over and came back, how that is, and what to do.
#[derive(Debug, Serialize)]
struct Standing {
    #[serde(flatten)]
    sample: Sample,
    bounce_rate: Option<f64>,
    complaint_rate: Option<f64>,
    verdict: Verdict,
    advice: Option<&'static str>,
}

impl Standing {
    fn of(sample: Sample) -> Self {
        let verdict = sample.verdict();
        let rate = |part: u64| (sample.handed > 0).then(|| rate(part, sample.handed));
        Self {
            sample,
            bounce_rate: rate(sample.bounced),
            complaint_rate: rate(sample.complained),
            verdict,
            advice: advice(sample),
        }
    }
}

/// A share, to the hundredth of a percent.
#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn rate(part: u64, whole: u64) -> f64 {
    (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0
}

/// What to do about it.
fn advice(sample: Sample) -> Option<&'static str> {
    let doubled = Sample { bounced: sample.bounced * 2, complained: sample.complained * 2, ..sample };
    Some(match doubled.trouble()? {
        Trouble::Bounces => {
            "Too many addresses take no mail: stop importing from the source of those that bounced \
             (GET /v1/campaigns/{id}/recipients names them), and send less until the share falls."
        }
        Trouble::Complaints => {
            "People report this as spam: write to fewer, who have a reason to hear from you, and say sooner who you are \
             and how to stop. Providers act at 0.1 %."
        }
    })
}

/// What one campaign had in the window.
struct Looked {
    campaign: CampaignId,
    name: String,
    status: CampaignStatus,
    channels: Vec<ChannelId>,
    days: Days,
    /// People it is for so far, where it was launched today: they may all be written to before the day ends.
    launched_today: Option<u64>,
}

/// What leaves from a domain in a day.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    /// Messages of the day of the window on which most left.
    pub(super) busiest: u64,
    /// Messages of today, counting those of campaigns launched today that are still to leave.
    pub(super) today: u64,
}

impl App {
    /// How it stands with what was sent in the last days.
    pub async fn health(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<HealthView, Failure> {
        let sender = self.db.accounts(scope).sender().await?;
        let today = Day::of(now);
        let looked = self.look_at_health(scope, today).await?;
        let of_channels = by_channel(&looked, today);
        let name = |id| sender.as_ref().and_then(|sender: &Sender| sender.channel(id)).map(|found| found.name.clone());
        let campaigns: Vec<_> = looked.into_iter().map(|looked| (looked.days.within(today), looked)).collect();
        let workspace = campaigns.iter().fold(Sample::default(), |sum, (sample, _)| sum.and(*sample));
        Ok(HealthView {
            window_days: DAYS,
            limits: Limits { bounce_rate: limit(Trouble::Bounces), complaint_rate: limit(Trouble::Complaints) },
            workspace: Standing::of(workspace),
            channels: of_channels
                .into_iter()
                .map(|(channel, sample)| OfChannel { channel, name: name(channel), standing: Standing::of(sample) })
                .collect(),
            campaigns: campaigns
                .into_iter()
                .filter(|(sample, _)| *sample != Sample::default())
                .map(|(sample, Looked { campaign, name, status, .. })| OfCampaign {
                    campaign,
                    name,
                    status,
                    standing: Standing::of(sample),
                })
                .collect(),
        })
    }

    /// What all campaigns together had in the window.
    pub(crate) async fn health_of_workspace(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Sample, Failure> {
        let today = Day::of(now);
        let looked = self.look_at_health(scope, today).await?;
        Ok(looked.iter().fold(Sample::default(), |sum, looked| sum.and(looked.days.within(today))))
    }

    /// Channels of which too much comes back, with what did.
    pub(super) async fn harmful_channels(
        &self,
        scope: &WorkspaceScope,
        now: Timestamp,
    ) -> Result<BTreeMap<ChannelId, (Sample, Trouble)>, Failure> {
        let today = Day::of(now);
        let of_channels = by_channel(&self.look_at_health(scope, today).await?, today);
        let harmful = of_channels.into_iter().filter_map(|(id, sample)| Some((id, (sample, sample.trouble()?))));
        Ok(harmful.collect())
    }

    /// What all campaigns together have leave in a day, by the domain of the address that they leave from. That of a channel
    /// that is gone is not known.
    pub(super) async fn left_by_domain(
        &self,
        scope: &WorkspaceScope,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<BTreeMap<String, Left>, Failure> {
        let today = Day::of(now);
        let looked = self.look_at_health(scope, today).await?;
        let domain_of = |channel: ChannelId| {
            let channel = sender.channel(channel)?;
            Some(sender.identity_by(channel).from_email.domain().to_ascii_lowercase())
        };
        let mut by_day = BTreeMap::<(String, Day), u64>::new();
        for campaign in &looked {
            let mut of_campaign = BTreeMap::<(String, Day), u64>::new();
            for (day, place, sample) in campaign.days.iter().filter(|(day, ..)| day.counts(today)) {
                let Some(domain) = campaign.channels.get(place).copied().and_then(domain_of) else { continue };
                *of_campaign.entry((domain, day)).or_default() += sample.handed;
            }
            if let Some(people) = campaign.launched_today {
                for domain in campaign.channels.iter().copied().filter_map(domain_of).collect::<BTreeSet<_>>() {
                    let most = volume::most_a_day(sender, &campaign.channels, &domain, people);
                    let left = of_campaign.entry((domain, today)).or_default();
                    *left = most.max(*left);
                }
            }
            for (at, left) in of_campaign {
                *by_day.entry(at).or_default() += left;
            }
        }
        let mut left = BTreeMap::<String, Left>::new();
        for ((domain, day), messages) in by_day {
            let known = left.entry(domain).or_default();
            known.busiest = known.busiest.max(messages);
            known.today = if day == today { messages } else { known.today };
        }
        Ok(left)
    }

    /// All that was launched: a sequence of months ago may have sent today, and what a message of last week did comes back now.
    async fn look_at_health(&self, scope: &WorkspaceScope, today: Day) -> Result<Vec<Looked>, Failure> {
        let outreach = self.db.outreach(scope);
        let (mut looked, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let (campaigns, next) = outreach.campaigns(after.as_deref(), CAMPAIGNS).await?;
            let page =
                stream::iter(campaigns).map(|campaign| self.look_at_campaign(scope, campaign, today)).buffered(8);
            looked.extend(page.try_collect::<Vec<_>>().await?.into_iter().flatten());
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(looked)
    }

    /// `None` of one that was not launched, or has been over for so long that nothing of it counts.
    async fn look_at_campaign(
        &self,
        scope: &WorkspaceScope,
        campaign: StoredCampaign,
        today: Day,
    ) -> Result<Option<Looked>, Failure> {
        let outreach = self.db.outreach(scope);
        let Some(progress) = outreach.progress(campaign.id).await? else { return Ok(None) };
        let over = progress.completed_at.is_some_and(|at| Day::of(at).number() < today.number() - LONG_OVER);
        if progress.status == CampaignStatus::Draft || over {
            return Ok(None);
        }
        let days = outreach.tallies(campaign.id).await?.days().clone();
        Ok(Some(Looked {
            campaign: campaign.id,
            name: campaign.content.name,
            status: progress.status,
            launched_today: progress.launched_at.filter(|at| Day::of(*at) == today).map(|_| progress.audience),
            channels: progress.channels,
            days,
        }))
    }
}

fn limit(trouble: Trouble) -> f64 {
    rate(trouble.limit().0, 10_000)
}

/// Of all campaigns together.
fn by_channel(looked: &[Looked], today: Day) -> BTreeMap<ChannelId, Sample> {
    let mut sum = BTreeMap::<ChannelId, Sample>::new();
    for campaign in looked {
        for (place, sample) in campaign.days.by_channel(today) {
            if let Some(channel) = campaign.channels.get(place) {
                let known = sum.entry(*channel).or_default();
                *known = known.and(sample);
            }
        }
    }
    sum
}
