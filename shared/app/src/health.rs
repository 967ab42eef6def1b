//! A campaign that does harm pauses itself, and says why; one that is over already, only says so. A workspace
//! whose campaigns keep doing harm is suspended.

use aws_sdk_dynamodb::types::TransactWriteItem;
use content::system::{AboutAbuse, AbuseMail, Notification};
use domain::{
    Timestamp,
    access::Permission,
    audit::Action,
    campaign::{CampaignStatus, Command, Halt},
    health::{Sample, Trouble, Verdict, window::Day},
    hindrance::{Hindrance, Reason},
    id::CampaignId,
    sender::{Channel, Transport},
    webhook::{Event, EventKind},
};
use storage::{StoreError, WorkspaceScope};

use crate::{App, Failure, abuse::harmful};

/// Why a campaign was paused without anybody asking, as its members are told.
#[derive(Clone, Copy)]
enum Pause {
    /// What came back of it, and whether it was over before that.
    Harm(Sample, Trouble, bool),
    NoChannel,
    SendingPaused,
    ChannelUnusable,
}

/// Looks at a campaign that others move meanwhile, at most.
const ATTEMPTS: u32 = 5;

/// A channel by its name, and by what carries its messages: the name may be but a number.
fn called(channel: &Channel) -> String {
    match &channel.transport {
        Transport::Smtp { host, .. } => format!("{} ({host})", channel.name),
        Transport::Ses => format!("{} (Amazon SES)", channel.name),
    }
}

impl App {
    /// Pauses a campaign if too much of it comes back, counted from where a member last let it go on.
    pub(crate) async fn mind_health(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let outreach = self.db.outreach(scope);
        for _ in 0..ATTEMPTS {
            let Some(progress) = outreach.progress(id).await? else { return Ok(()) };
            // A small campaign is over before anything comes back: there is nothing to pause, and it is said.
            let ended = progress.status == CampaignStatus::Completed && progress.trouble.is_none();
            if progress.status != CampaignStatus::Sending && !ended {
                return Ok(());
            }
            let tallies = outreach.tallies(id).await?;
            // Of a window that moves, and of that what came after a member let it go on.
            let since = Sample::of(&tallies.total()).since(progress.judged_from.unwrap_or_default());
            let sample = tallies.days().within(Day::of(now)).later(since);
            let Some((sample, trouble)) = self.trouble_of(scope, sample, now).await? else { return Ok(()) };
            let mut moved = progress.moved(progress.status.after(Command::Pause).unwrap_or(progress.status), now);
            (moved.trouble, moved.completed_at) = (Some(trouble), progress.completed_at);
            let entry = scope.entry(Action::CampaignPaused, now).about(id).with("because", trouble.as_str());
            let (also, suspended) = self.noting_harm(scope, id, now).await?;
            match outreach.transition_with(&progress, moved, Some(&entry).filter(|_| !ended), also).await {
                Ok(_) => {
                    let because = trouble.as_str();
                    tracing::warn!(workspace = %scope.workspace(), campaign = %id, because, ended, suspended, "campaign does harm");
                    if !ended {
                        let (workspace, kind) = (scope.workspace(), EventKind::CampaignPaused);
                        let event = || Event::of_campaign(workspace, kind, id, now).because(because);
                        self.try_tell_webhooks(scope, kind, now, event).await;
                    }
                    Box::pin(self.tell_paused(scope, id, Pause::Harm(sample, trouble, ended), now)).await?;
                    if suspended {
                        let contact = &self.config.operator_abuse_contact;
                        let about = AboutAbuse { note: None, kind: None, contact };
                        Box::pin(self.try_tell_owners(scope.workspace(), AbuseMail::Suspended(about), now)).await;
                    }
                    return Ok(());
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::too_early("a campaign that keeps moving"))
    }

    /// What is wrong with a campaign, and what that is a share of: its own messages, or the workspace's where it has too few.
    async fn trouble_of(
        &self,
        scope: &WorkspaceScope,
        sample: Sample,
        now: Timestamp,
    ) -> Result<Option<(Sample, Trouble)>, Failure> {
        if let Some(trouble) = sample.trouble() {
            return Ok(Some((sample, trouble)));
        }
        if sample.verdict() != Verdict::TooFew || sample.bounced + sample.complained == 0 {
            return Ok(None);
        }
        let workspace = self.health_of_workspace(scope, now).await?;
        Ok(sample.trouble_within(workspace).map(|trouble| (workspace, trouble)))
    }

    /// That another campaign of the workspace does harm, as part of that transaction. The second within thirty days
    /// suspends it, and opens a case for staff to look at (A70).
    async fn noting_harm(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(Vec<TransactWriteItem>, bool), Failure> {
        let accounts = self.db.accounts(scope);
        let Some(workspace) = accounts.workspace().await? else { return Ok((Vec::new(), false)) };
        let harms = workspace.harms.and(id, now);
        let suspend = harms.are_too_many() && workspace.suspended_at.is_none();
        let mut writes = vec![accounts.noting_harm(&workspace, &harms, suspend.then_some(now))?];
        if suspend {
            let case = harmful(workspace.id, id, now);
            let entry = scope.entry(Action::WorkspaceSuspended, now).about(case.id);
            writes.extend([self.db.opening_case(&case)?, self.db.recording(&entry)?]);
        }
        Ok((writes, suspend))
    }

    /// Tells endpoints and members of a campaign that is paused because nothing can leave. No mail of the operator's leaves either
    /// while Amazon SES has paused its account: the purge, which comes by every hour, sends it once some does.
    pub(crate) async fn tell_halted(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let progress = self.db.outreach(scope).progress(id).await?;
        // Whoever has resumed it meanwhile knows.
        let Some(halt) = progress.and_then(|progress| progress.halt) else { return Ok(()) };
        let (workspace, kind) = (scope.workspace(), EventKind::CampaignPaused);
        let event = || Event::of_campaign(workspace, kind, id, now).because(halt.as_str());
        self.try_tell_webhooks(scope, kind, now, event).await;
        match halt {
            Halt::NoChannel => Box::pin(self.tell_paused(scope, id, Pause::NoChannel, now)).await.map(drop),
            Halt::ChannelUnusable => Box::pin(self.tell_paused(scope, id, Pause::ChannelUnusable, now)).await.map(drop),
            // The owners were told why when that happened.
            Halt::SendingPaused | Halt::WorkspaceSuspended | Halt::WorkspaceClosed => Ok(()),
        }
    }

    /// Tells members of a campaign that waits since Amazon SES paused the operator's account. Whether a mail has left.
    pub(crate) async fn tell_sending_paused(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        Box::pin(self.tell_paused(scope, id, Pause::SendingPaused, now)).await
    }

    /// The channel of a campaign that cannot be used, by its name, and why that is; the one that stood still first.
    async fn unusable_channel(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
    ) -> Result<Option<(String, Reason)>, Failure> {
        let outreach = self.db.outreach(scope);
        let accounts = self.db.accounts(scope);
        let (progress, sender) = futures::try_join!(outreach.progress(id), accounts.sender())?;
        let Some((progress, sender)) = progress.zip(sender) else { return Ok(None) };
        let mut found: Option<(Hindrance, String)> = None;
        for channel in sender.among(&progress.channels) {
            let Some(hindrance) = outreach.pace(channel.id).await?.hindrance else { continue };
            if found.as_ref().is_none_or(|(first, _)| hindrance.since() < first.since()) {
                found = Some((hindrance, called(channel)));
            }
        }
        Ok(found.map(|(hindrance, name)| (name, hindrance.reason)))
    }

    /// Tells those who can do something about it. A mail may be lost; the pause is not. Whether one has left.
    async fn tell_paused(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        pause: Pause,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let accounts = self.db.accounts(scope);
        let outreach = self.db.outreach(scope);
        let (workspace, members, campaign) =
            futures::try_join!(accounts.workspace(), accounts.members(), outreach.campaign(id))?;
        let (Some(workspace), Some(campaign)) = (workspace, campaign) else { return Ok(false) };
        let unusable = match pause {
            Pause::ChannelUnusable => self.unusable_channel(scope, id).await?,
            _ => None,
        };
        let campaign = campaign.content.name.as_str();
        let mail = match pause {
            Pause::Harm(sample, trouble, ended) => Notification::CampaignPaused { campaign, sample, trouble, ended },
            Pause::NoChannel => Notification::CampaignWithoutChannel { campaign },
            Pause::SendingPaused => Notification::CampaignSendingPaused { campaign },
            Pause::ChannelUnusable => {
                let (channel, reason) = unusable.as_ref().map(|(name, reason)| (name.as_str(), *reason)).unzip();
                Notification::CampaignChannelUnusable { campaign, channel, reason }
            }
        };
        let mut left = false;
        for member in members.into_iter().filter(|member| member.role.may(Permission::Launch)) {
            match self.post(&member.email, member.language(workspace.locale), mail, now).await {
                Ok(()) => left = true,
                Err(failure) => tracing::warn!(
                    slug = failure.slug,
                    cause = failure.cause.as_deref(),
                    campaign = %id,
                    "no mail about a pause"
                ),
            }
        }
        Ok(left)
    }
}
