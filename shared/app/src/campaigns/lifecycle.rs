//! Launch, pause, resume, cancel, and the test to oneself.

use content::check::Level;
use domain::{
    Timestamp,
    audit::Action,
    campaign::{CampaignStatus, Command, Content, Halt, Progress},
    clicks::Recorded,
    health::Sample,
    id::{CampaignId, ChannelId},
    policy::test_to_oneself,
    sender::{Channel, Sender, SenderIdentity},
    sequence::{FIRST, Step},
    variant::By,
    webhook::{Event, EventKind},
};
use serde_json::json;
use storage::{StoreError, WorkspaceScope, accounts::Workspace, outreach::StoredCampaign};

use super::{
    CampaignView, Finding,
    preview::{invented, no_sender, unrenderable},
    templates,
};
use crate::{
    App, Deadline, Failure, FieldError, Kind,
    feedback::HALTED,
    letter::{Letters, Manner},
    mailer::{Handed, Outgoing, ses::tag},
    queues::FanOutTask,
};

impl App {
    /// Carries a command out. What follows from it is asked for first, and waits until the status is durable.
    pub async fn command_campaign(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        command: Command,
        now: Timestamp,
    ) -> Result<CampaignView, Failure> {
        let (campaign, progress) = self.campaign_and_progress(scope, id).await?;
        let next = progress.status.after(command).ok_or_else(|| not_now(&progress, command))?;
        if command == Command::Resume {
            self.sending_workspace(scope).await?;
        }
        if command == Command::Launch {
            let workspace = self.may_begin(scope, now).await?;
            self.may_launch(scope, &workspace, &campaign, now).await?;
        }
        let mut moved = progress.moved(next, now);
        match command {
            Command::Launch => {
                (moved.steps, moved.waits) = (campaign.content.last_step(), campaign.content.waits());
                self.fix_channels(scope, &campaign, &mut moved).await?;
            }
            // Whoever lets it go on has seen what came back so far.
            Command::Resume => {
                self.fix_channels(scope, &campaign, &mut moved).await?;
                moved.judged_from = Some(Sample::of(&self.db.outreach(scope).tallies(id).await?.total()));
            }
            Command::Pause | Command::Cancel => {}
        }
        // Whoever lets it go says that its channels work: they are tried at once.
        if matches!(command, Command::Launch | Command::Resume) {
            for channel in &moved.channels {
                self.unhinder(scope, *channel).await?;
            }
        }
        let task = match command {
            Command::Launch => Some(FanOutTask::Advance),
            // Those who are left get their outcome from the same hands: refused, for `cancelled`.
            Command::Resume | Command::Cancel => Some(FanOutTask::Resume),
            Command::Pause => None,
        };
        if let Some(task) = task {
            self.ask_to_follow(scope, &moved, task).await?;
        }
        let entry = scope.entry(action(command), now).about(id);
        let moved = self.db.outreach(scope).transition(&progress, moved, Some(&entry)).await?;
        let (workspace, kind) = (scope.workspace(), told(command));
        self.try_tell_webhooks(scope, kind, now, || Event::of_campaign(workspace, kind, id, now)).await;
        let tallies = self.db.outreach(scope).tallies(id).await?;
        Ok(CampaignView::new(campaign, moved, &tallies, now))
    }

    /// Says by which channels it goes from here on: as long as one of those that it was launched with is there, by
    /// those, so that nobody's thread changes its sender; or else by those that it names, and once they are gone, too, by all.
    async fn fix_channels(
        &self,
        scope: &WorkspaceScope,
        campaign: &StoredCampaign,
        moved: &mut Progress,
    ) -> Result<(), Failure> {
        let sender = self.db.accounts(scope).sender().await?;
        let known = |id: &ChannelId| sender.as_ref().is_some_and(|sender| sender.channel(*id).is_some());
        let launched = !moved.channels.is_empty();
        let named: &[ChannelId] = if moved.channels.iter().any(known) {
            &moved.channels
        } else if launched && !campaign.content.channels.iter().any(known) {
            &[]
        } else {
            &campaign.content.channels
        };
        if let Some(missing) = lacks_of_sender(sender.as_ref(), named) {
            return Err(missing_to("resumed", vec![missing]));
        }
        let Some(sender) = sender else { return Ok(()) };
        let channels = sender.among(named);
        moved.waits |= channels.iter().any(|channel| !channel.limits.is_empty());
        moved.channels = channels.into_iter().map(|channel| channel.id).collect();
        Ok(())
    }

    /// What stands in the way of a campaign is seen in it, and waits for whoever does something about it.
    pub(crate) async fn pause_halted(
        &self,
        scope: &WorkspaceScope,
        progress: Progress,
        halt: Halt,
        now: Timestamp,
    ) -> Result<Progress, Failure> {
        let Some(paused) = progress.status.after(Command::Pause) else { return Ok(progress) };
        let outreach = self.db.outreach(scope);
        let moved = Progress { halt: Some(halt), ..progress.moved(paused, now) };
        match outreach.transition(&progress, moved, None).await {
            // Another chunk's run has paused it, most likely.
            Err(StoreError::Conflict) => match outreach.progress(progress.campaign).await? {
                Some(moved) if moved.status != CampaignStatus::Sending => Ok(moved),
                _ => Err(Failure::too_early("a campaign that moved while it was looked at")),
            },
            result => {
                let moved = result?;
                // A closed workspace's endpoints hear nothing.
                if halt != Halt::WorkspaceClosed {
                    self.try_report(scope, moved.campaign, HALTED).await;
                }
                Ok(moved)
            }
        }
    }

    /// Asks `feedback`, which knows of pauses and of members, to tell of one, or to see whether there has to be one.
    pub(crate) async fn try_report(&self, scope: &WorkspaceScope, id: CampaignId, what: &str) {
        let tags = json!({ tag::WORKSPACE: [scope.workspace()], tag::CAMPAIGN: [id] });
        let event = json!({ "eventType": what, "mail": { "tags": tags } });
        if let Err(failure) = self.enqueue(&self.config.feedback_queue_url, &event, 0).await {
            tracing::warn!(campaign = %id, cause = failure.cause.as_deref(), what, "nobody hears of it");
        }
    }

    /// Nothing leaves without the Sender's identity, the notice, the purpose and the assessment, nor what nobody
    /// should get.
    async fn may_launch(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        campaign: &StoredCampaign,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let sender = self.db.accounts(scope).sender().await?;
        let mut missing: Vec<FieldError> = campaign.content.missing().into_iter().map(to_fill_in).collect();
        missing.extend(lacks_of_sender(sender.as_ref(), &campaign.content.channels));
        missing.extend(judged_by_clicks(&campaign.content).filter(|_| !workspace.clicks));
        let sender = match sender {
            Some(sender) if missing.is_empty() => sender,
            _ => return Err(missing_to("launched", missing)),
        };
        let identity = identity_of(&sender, &campaign.content);
        let findings = self.findings_of_messages(scope, workspace, &identity, campaign, now).await?;
        let of_channels = self.findings_of_channels(scope, workspace, &sender, campaign, now).await?;
        let of_nobody = self.findings_of_nobody(scope, workspace, &identity, campaign, now).await?;
        let all = of_channels.into_iter().chain(findings).chain(of_nobody);
        let wrong: Vec<_> = all.filter(|finding| finding.level == Level::Error).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong_to_launch(wrong)) }
    }

    /// Sends a sample of every step, and of each of its variants, to the member who asks, and to nobody else.
    pub async fn test_campaign(&self, scope: &WorkspaceScope, id: CampaignId, now: Timestamp) -> Result<(), Failure> {
        let (campaign, _) = self.campaign_and_progress(scope, id).await?;
        let workspace = self.sending_workspace(scope).await?;
        let accounts = self.db.accounts(scope);
        let sender = accounts.sender().await?.ok_or_else(no_sender)?;
        let channel = first_of(&sender, &campaign.content).ok_or_else(no_channel)?;
        let identity = sender.identity_by(channel);
        let member = match scope.member() {
            Some(member) => accounts.member(member).await?,
            None => None,
        };
        let member = member.ok_or_else(Failure::unauthenticated)?;
        let content = &campaign.content;
        let pepper = self.pepper().await?;
        let person = invented(&member.email, content.locale, now);
        let manner = Manner { thread: &[], date: now, informed: false, test: true, preview: false, smtputf8: false };
        let steps = (FIRST..=content.last_step().max(FIRST))
            .flat_map(|step| content.choices(step, None).into_iter().map(move |choice| (step, choice)));
        let messages = steps.map(|(step, choice)| {
            let templates = templates(content, step, choice)?;
            let letters = Letters {
                objections: false,
                workspace: scope.workspace(),
                campaign: id,
                content,
                step,
                templates: &templates,
                sender: &identity,
                retention_months: workspace.retention_months,
                public_url: &self.config.public_url,
                inbound_domain: &self.config.inbound_domain,
                records: Recorded::default(),
                pepper,
            };
            let rendered = letters.render(&person).map_err(|_| unrenderable())?;
            letters.compose(&person, &rendered, manner).map(|message| message.bytes).map_err(|_| unrenderable())
        });
        let messages = messages.collect::<Result<Vec<_>, Failure>>()?;
        let mailer = self.mailer(scope, channel).await?.map_err(|_| channel_unavailable())?;
        let deadline = Deadline::after(std::time::Duration::from_secs(20));
        // Before it leaves: a message without an entry would be worse than an entry without a message.
        self.db.of(scope).record(&scope.entry(Action::CampaignTested, now).about(id)).await?;
        for bytes in messages {
            let message = Outgoing { from: &identity.from_email, to: &member.email, bytes, about: None };
            tested(mailer.hand_over(self, test_to_oneself(person.subject), &message, deadline).await)?;
        }
        Ok(())
    }
}

fn tested(handed: Handed) -> Result<(), Failure> {
    match handed {
        Handed::Accepted(_) => Ok(()),
        Handed::Rejected(_) => Err(Failure::refused(
            "test-refused",
            "The channel refuses this message. Check the sender's address and the relay.",
        )),
        Handed::PutOff(_)
        | Handed::Hindered(_)
        | Handed::Later
        | Handed::QuotaUsed
        | Handed::Paused
        | Handed::Unknown => Err(channel_unavailable()),
    }
}

fn channel_unavailable() -> Failure {
    Failure::new(
        Kind::Unavailable,
        "channel-unavailable",
        "The channel did not take the message. Check PUT /v1/sender (host, port, credentials) and try again.",
    )
}

/// A field that has to be filled in before a launch.
pub(super) fn to_fill_in(field: String) -> FieldError {
    FieldError { field, message: "fill it in before launching".into() }
}

/// The first of the channels that a campaign goes by: samples are as it sends them.
pub(super) fn first_of<'a>(sender: &'a Sender, content: &Content) -> Option<&'a Channel> {
    sender.among(&content.channels).into_iter().next()
}

/// Who such samples come from.
pub(super) fn identity_of(sender: &Sender, content: &Content) -> SenderIdentity {
    first_of(sender, content).map_or_else(|| sender.identity.clone(), |channel| sender.identity_by(channel))
}

fn no_channel() -> Failure {
    Failure::refused(
        "launch-refused",
        "None of the campaign's channels is there any more. Name others: GET /v1/channels.",
    )
}

/// What the Sender still has to enter of itself before anything can leave by these channels; by all when none is named.
pub(super) fn lacks_of_sender(sender: Option<&Sender>, named: &[ChannelId]) -> Option<FieldError> {
    let wrong = |field: &str, message: &str| Some(FieldError { field: field.into(), message: message.into() });
    let Some(sender) = sender else { return wrong("sender", "say who sends first: PUT /v1/sender") };
    let channels = sender.among(named);
    if channels.is_empty() {
        let message = "there is no such channel in this workspace, or none any more; name others: GET /v1/channels";
        return wrong("channels", message);
    }
    if channels.iter().any(|channel| channel.transport.lacks_password()) {
        let message =
            "was given up when the workspace was closed; enter it again: PUT /v1/sender, or PATCH /v1/channels/{id}";
        return wrong("sender.channel.password", message);
    }
    None
}

fn wrong_to_launch(findings: Vec<Finding>) -> Failure {
    let fields = findings.into_iter().map(|finding| FieldError { field: finding.field, message: finding.message });
    let wrong = Failure::fields(fields.collect());
    let detail = format!("The campaign cannot be launched yet. {}.", wrong.detail);
    Failure { fields: wrong.fields, ..Failure::refused("launch-refused", detail) }
}

fn missing_to(be: &str, missing: Vec<FieldError>) -> Failure {
    let names: Vec<&str> = missing.iter().map(|m| m.field.as_str()).collect();
    let detail = format!("The campaign cannot be {be} yet. Missing: {}.", names.join(", "));
    Failure { fields: missing, ..Failure::refused("launch-refused", detail) }
}

const fn told(command: Command) -> EventKind {
    match command {
        Command::Launch => EventKind::CampaignLaunched,
        Command::Pause => EventKind::CampaignPaused,
        Command::Resume => EventKind::CampaignResumed,
        Command::Cancel => EventKind::CampaignCancelled,
    }
}

const fn action(command: Command) -> Action {
    match command {
        Command::Launch => Action::CampaignLaunched,
        Command::Pause => Action::CampaignPaused,
        Command::Resume => Action::CampaignResumed,
        Command::Cancel => Action::CampaignCancelled,
    }
}

fn not_now(progress: &Progress, command: Command) -> Failure {
    let (verb, needs) = match command {
        Command::Launch => ("launched", "a draft"),
        Command::Pause => ("paused", "sending"),
        Command::Resume => ("resumed", "paused"),
        Command::Cancel => ("cancelled", "sending or paused"),
    };
    let is = match progress.status {
        CampaignStatus::Draft => "a draft",
        CampaignStatus::Sending => "sending",
        CampaignStatus::Paused => "paused",
        CampaignStatus::Completed => "completed",
        CampaignStatus::Cancelled => "cancelled",
    };
    Failure::conflict("conflict", format!("The campaign is {is}; only one that is {needs} can be {verb}."))
}

/// The steps whose variants are judged by clicks: where none is recorded none of them would ever win.
fn judged_by_clicks(content: &Content) -> impl Iterator<Item = FieldError> {
    let judged = |(_, step): &(usize, &Step)| step.winner.is_some_and(|contest| contest.by == By::Clicks);
    content.steps.iter().enumerate().filter(judged).map(|(index, _)| FieldError {
        field: format!("steps[{index}].winner.by"),
        message: "clicks are not recorded here: switch them on with PATCH /v1/workspace and `clicks`, or judge by \"replies\""
            .into(),
    })
}
