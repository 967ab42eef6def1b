//! What a chunk is worked on with: the campaign, its channels, and what does not change meanwhile.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use content::campaign::CampaignTemplate;
use domain::{
    Timestamp,
    campaign::Progress,
    company::Company,
    id::{CampaignId, ChannelId},
    sequence::Choice,
    variant::Letter,
    webhook::EventKind,
};
use storage::{
    WorkspaceScope,
    accounts::Workspace,
    outreach::{Names, StoredCampaign},
};
use tokio::sync::Mutex;

use super::{after::Found, routes::Routes};
use crate::{App, Failure, campaigns::compile, chance, queues::ChunkMessage};

/// Templates compiled by this process, by campaign, version, step and the variants that they are made of.
pub(crate) type Compiled = Mutex<HashMap<(CampaignId, u64, u8, Choice), Arc<CampaignTemplate>>>;

/// So many of them, at most.
const COMPILED: usize = 256;

/// Everything about a chunk that does not change while it is worked on.
pub(super) struct Job<'a> {
    pub(super) scope: WorkspaceScope,
    pub(super) message: &'a ChunkMessage,
    pub(super) found: &'a Found,
    pub(super) workspace: Workspace,
    pub(super) campaign: StoredCampaign,
    /// The variant that whoever is left gets, if that is decided.
    pub(super) winner: Option<Letter>,
    /// Companies of which somebody answered, where that stops the campaign for all of them.
    pub(super) answered: HashSet<Company>,
    /// What the messages were called that this step replies to.
    pub(super) names: Names,
    /// The channels that its people's messages go by.
    pub(super) routes: Routes,
    /// Those of the launch.
    pub(super) channels: Vec<ChannelId>,
    /// Where the Sender is, whose holidays are no working days.
    pub(super) country: String,
    /// Whether each delivery is to be noted, or somebody wants to hear of it.
    pub(super) delivery: bool,
    /// Whether somebody wants to hear of objections.
    pub(super) objections: bool,
    /// Since when whoever answers anything gets no more of it.
    pub(super) launched_at: Option<Timestamp>,
    pub(super) nonce: String,
    pub(super) now: Timestamp,
}

impl App {
    /// Reads and opens what this chunk is worked on with.
    pub(super) async fn job<'a>(
        &self,
        scope: WorkspaceScope,
        message: &'a ChunkMessage,
        found: &'a Found,
        workspace: Option<Workspace>,
        progress: &Progress,
        now: Timestamp,
    ) -> Result<Job<'a>, Failure> {
        let missing = |what: &str| Failure::internal(format!("a campaign under way without its {what}"));
        let workspace = workspace.ok_or_else(|| missing("workspace"))?;
        let outreach = self.db.outreach(&scope);
        let campaign = outreach.campaign(message.campaign).await?.ok_or_else(|| missing("text"))?;
        let sender = self.db.accounts(&scope).sender().await?.ok_or_else(|| missing("sender"))?;
        let zone = sender.zone(workspace.time_zone.as_deref());
        let open = found.results.open().into_iter().filter_map(|index| Some((index, *found.people.get(index)?)));
        let (among, open) = (&progress.channels, (message.chunk, open));
        let routes = self.routes(&scope, (&sender, zone), among, open, now).await?;
        let names = match campaign.content.thread_of(message.step).is_empty() {
            true => Names::new(),
            false => self.names(&scope, message.campaign, message.chunk).await?,
        };
        Ok(Job {
            winner: self.winner(&scope, (&campaign, workspace.clicks), progress, message.step, now).await?,
            answered: self.answered(&scope, &campaign).await?,
            names,
            delivery: workspace.deliveries || self.is_wanted(&scope, EventKind::Delivered, now).await?,
            workspace,
            nonce: hex::encode(chance::<6>()),
            launched_at: progress.launched_at,
            country: sender.identity.country,
            objections: self.is_wanted(&scope, EventKind::OptedOut, now).await?,
            scope,
            message,
            found,
            campaign,
            routes,
            channels: progress.channels.clone(),
            now,
        })
    }

    /// The templates of a step as one choice of variants has them.
    pub(super) async fn compiled(
        &self,
        campaign: &StoredCampaign,
        step: u8,
        choice: Choice,
    ) -> Result<Arc<CampaignTemplate>, Failure> {
        let mut cache = self.compiled.lock().await;
        let key = (campaign.id, campaign.version, step, choice);
        if let Some(templates) = cache.get(&key) {
            return Ok(Arc::clone(templates));
        }
        let templates = compile(&campaign.content, step, choice)
            .map_err(|_| Failure::internal("a launched campaign whose templates cannot be read"))?;
        let templates = Arc::new(templates);
        if cache.len() >= COMPILED {
            cache.clear();
        }
        cache.insert(key, Arc::clone(&templates));
        Ok(templates)
    }

    /// Companies of which somebody answered a campaign that is to stop then; of others nothing is read.
    pub(super) async fn answered(
        &self,
        scope: &WorkspaceScope,
        campaign: &StoredCampaign,
    ) -> Result<HashSet<Company>, Failure> {
        match campaign.content.stop_company_on_reply {
            true => Ok(self.db.outreach(scope).stopped_companies(campaign.id).await?),
            false => Ok(HashSet::new()),
        }
    }
}
