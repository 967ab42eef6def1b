//! Access and portability (A38, A42): everything that is held, read at the moment it is handed over.
//!
//! Nothing is prepared or copied: a file that waits to be fetched would be one more place to erase.

use std::collections::{BTreeMap, BTreeSet};

use content::rights::{self, Facts, Whose};
use domain::{
    Timestamp,
    abuse::AbuseKind,
    email::EmailAddress,
    id::{CampaignId, RequestId, WorkspaceId},
    locale::Locale,
    member::Role,
    rights::{Channel, RequestKind, identity::Doubt},
    sender::{self, SenderIdentity, Transport},
    subject::Subject,
};
use serde::Serialize;
use serde_json::{Value, json};
use storage::{
    WorkspaceScope,
    abuse::AbuseCase,
    accounts::{invitation::Invitation, once::GoodFor},
    outreach::StoredCampaign,
    rights::RightsRequest,
    service_mail::ServiceMail,
};

use super::{
    desk::Line,
    forms::{Copied, Form, flatten, hand_over},
    proof::not_valid,
};
use crate::{
    App, Failure,
    campaigns::templates,
    letter,
    prospects::{Event, ProspectDetail},
    secret::hash_of,
};

/// What one Sender holds, with the information of article 15(1).
#[derive(Serialize)]
struct Held {
    sender: Value,
    information: Information,
    record: Value,
    /// What was sent, where there is no record any more that it would stand in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    history: Vec<Event>,
    messages: Vec<Sent>,
    fingerprint: Value,
    /// What they are asked to join.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invitations: Vec<Invited>,
}

/// An invitation that is open.
#[derive(Serialize)]
struct Invited {
    email: EmailAddress,
    role: Role,
    created_at: Timestamp,
}

/// What the operator itself holds about a person.
#[derive(Serialize)]
struct Registered {
    requests: Vec<Asked>,
    reports: Vec<Reported>,
    service_mails: Vec<ServiceMail>,
}

/// A report of abuse that is open.
#[derive(Serialize)]
struct Reported {
    kind: Option<AbuseKind>,
    received_at: Timestamp,
    text: Option<String>,
}

/// A request that is open. Of the others no one knows whose they were.
#[derive(Serialize)]
struct Asked {
    request: RequestId,
    kind: RequestKind,
    channel: Channel,
    received_at: Timestamp,
    due: Timestamp,
    waits_for: &'static str,
    message: Option<String>,
    doubt: Option<Doubt>,
}

impl Asked {
    fn of(request: RightsRequest, line: Line) -> Self {
        let Line { request: id, kind, channel, received_at, due, waits_for } = line;
        let RightsRequest { message, doubt, .. } = request;
        Self { request: id, kind, channel, received_at, due, waits_for, message, doubt }
    }
}

/// What a message said, with what is known of the person today: nothing more of it is kept.
#[derive(Serialize)]
struct Sent {
    at: Timestamp,
    kind: &'static str,
    subject: String,
    text: String,
}

#[derive(Serialize)]
struct Information {
    purposes: BTreeSet<String>,
    categories: &'static str,
    retention: Vec<String>,
    recipients: Vec<String>,
    transfers: &'static str,
    rights: String,
    complaint: &'static str,
    automated_decisions: &'static str,
    texts: &'static str,
}

impl App {
    /// The language of a link to somebody's data, if the link still works. Looking uses nothing up.
    pub async fn access_locale(&self, token: &str, now: Timestamp) -> Result<Locale, Failure> {
        let hash = hash_of(token).ok_or_else(not_valid)?;
        match self.db.token(&hash, now).await? {
            Some(GoodFor::RightsAccess(access)) => Ok(access.locale),
            _ => Err(not_valid()),
        }
    }

    /// Hands over everything that is held about whoever the token stands for, once in each form.
    pub async fn read_access(&self, token: &str, form: Form, now: Timestamp) -> Result<Copied, Failure> {
        let hash = hash_of(token).ok_or_else(not_valid)?;
        let Some(GoodFor::RightsAccess(access)) = self.db.token(&hash, now).await? else { return Err(not_valid()) };
        if let Some((workspace, member)) = access.member {
            let Some(scope) = self.scope_of_member(workspace, member).await? else { return Err(not_valid()) };
            let copied = self.copy_of_member(&scope, member, form, now).await?;
            return if self.db.take_once(&hash, form.name(), now).await? { Ok(copied) } else { Err(not_valid()) };
        }
        let mut held = Vec::with_capacity(access.places.len());
        for (workspace, subject) in access.places {
            held.extend(Box::pin(self.held_by(workspace, subject, access.locale, now)).await?);
        }
        let mut requests = Vec::with_capacity(access.requests.len());
        for id in access.requests {
            if let Some(request) = self.db.open_request(id).await? {
                let line = self.request_line(&request).await?;
                requests.push(Asked::of(request, line));
            }
        }
        let mut reports = Vec::with_capacity(access.reports.len());
        for id in access.reports {
            let case = self.db.abuse_case(id).await?;
            reports.extend(case.map(|AbuseCase { kind, received_at, text, .. }| Reported { kind, received_at, text }));
        }
        let service_mails = self.db.service_mails(&access.correspondent, now).await?;
        let registered = Registered { requests, reports, service_mails };
        let copied = copy(form, access.locale, &held, (&self.config.operator_name, &registered))?;
        if self.db.take_once(&hash, form.name(), now).await? { Ok(copied) } else { Err(not_valid()) }
    }

    /// What one Sender holds about a person; nothing when it is gone.
    async fn held_by(
        &self,
        workspace: WorkspaceId,
        subject: Subject,
        locale: Locale,
        now: Timestamp,
    ) -> Result<Option<Held>, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let (profile, sender) = futures::try_join!(accounts.workspace(), accounts.sender())?;
        let Some(profile) = profile else { return Ok(None) };
        let record = Box::pin(self.whole_prospect(&scope, subject, usize::MAX, now)).await?;
        let fingerprint = self.db.suppressions(&scope).find(subject, now).await?;
        let history = match &record {
            Some(_) => Vec::new(),
            None => Box::pin(self.history(&scope, subject, usize::MAX)).await?,
        };
        if record.is_none() && fingerprint.is_none() && history.is_empty() {
            return Ok(None);
        }
        let pepper = self.pepper().await?;
        let invitations = accounts.invitations(now).await?.into_iter();
        let invitations = invitations.filter(|invitation| pepper.subject(workspace, &invitation.email) == subject);
        let by_relay = |channel: &sender::Channel| matches!(channel.transport, Transport::Smtp { .. });
        let relay = sender.as_ref().is_some_and(|sender| sender.channels.iter().any(by_relay));
        let Facts {
            purpose,
            categories,
            retention,
            recipients,
            transfers,
            rights,
            complaint,
            automated_decisions,
            texts,
        } = rights::facts(locale, &self.config.public_url, relay);
        let mut purposes = BTreeSet::from([purpose]);
        let campaigns = record.as_ref().map(|record| record.campaigns()).unwrap_or_default();
        let campaigns = self.campaigns_of(&scope, campaigns).await?;
        purposes.extend(campaigns.values().map(|campaign| campaign.content.purpose.clone()));
        let messages = match (&record, &sender) {
            (Some(record), Some(sender)) => {
                self.messages(&scope, subject, record, &campaigns, &sender.identity).await?
            }
            _ => Vec::new(),
        };
        let sender = match sender {
            Some(sender) => value(&sender.identity)?,
            None => json!({ "company": profile.company }),
        };
        let fingerprint = fingerprint
            .map(|found| json!({ "reason": found.reason, "since": found.since, "objected": found.objected }));
        let information = Information {
            purposes,
            categories,
            retention,
            recipients,
            transfers,
            rights,
            complaint,
            automated_decisions,
            texts,
        };
        Ok(Some(Held {
            sender,
            information,
            record: value(&record)?,
            history,
            messages,
            fingerprint: value(&fingerprint)?,
            invitations: invitations
                .map(|Invitation { email, role, created_at, .. }| Invited { email, role, created_at })
                .collect(),
        }))
    }

    async fn campaigns_of(
        &self,
        scope: &WorkspaceScope,
        ids: BTreeSet<CampaignId>,
    ) -> Result<BTreeMap<CampaignId, StoredCampaign>, Failure> {
        let mut campaigns = BTreeMap::new();
        for id in ids {
            campaigns.extend(self.db.outreach(scope).campaign(id).await?.map(|campaign| (id, campaign)));
        }
        Ok(campaigns)
    }

    /// The messages that left, or may have.
    async fn messages(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        record: &ProspectDetail,
        campaigns: &BTreeMap<CampaignId, StoredCampaign>,
        identity: &SenderIdentity,
    ) -> Result<Vec<Sent>, Failure> {
        let Some(held) = self.db.prospects(scope).get(subject, true).await? else { return Ok(Vec::new()) };
        let mut messages = Vec::new();
        for (at, kind, id, step, choice) in record.deliveries().filter(|(_, kind, ..)| *kind != "refused") {
            let Some(campaign) = campaigns.get(&id) else { continue };
            let rendered = templates(&campaign.content, step, choice)
                .ok()
                .and_then(|templates| letter::render(&templates, identity, &held.prospect).ok());
            let content = &campaign.content;
            let (subject, text) = match rendered {
                Some(rendered) => (rendered.subject, rendered.text),
                // A value it needs is not known any more.
                None => {
                    let text =
                        content.step(step).map(|step| step.words(choice.own).text.to_owned()).unwrap_or_default();
                    (content.subject_of(step, choice.first).into_owned(), text)
                }
            };
            messages.push(Sent { at, kind, subject, text });
        }
        Ok(messages)
    }
}

fn value(of: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(of).map_err(|error| Failure::internal(error.to_string()))
}

fn copy(
    form: Form,
    locale: Locale,
    held: &[Held],
    (operator, registered): (&str, &Registered),
) -> Result<Copied, Failure> {
    let registered = value(registered)?;
    let mut rows = Vec::new();
    for one in held {
        let sender = one.sender["company"].as_str().unwrap_or_default();
        flatten(sender, &value(one)?, &mut rows);
    }
    flatten(operator, &registered, &mut rows);
    let whole = json!({ "senders": value(&held)?, "operator": registered });
    hand_over(form, locale, &whole, &rows, Whose::Person { by_nobody: held.is_empty() })
}
