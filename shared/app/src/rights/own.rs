//! "GDPR & data": what members can ask about themselves (A46), and everything that is held about them (A38).

use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    audit::Action,
    id::RequestId,
    member::Role,
    rights::{Channel, Duty, RequestKind},
};
use serde::Deserialize;
use serde_json::{Value, json};
use storage::{
    WorkspaceScope,
    rights::{OwnRequest, Person, RightsRequest},
};

use super::{desk::own, words};
use crate::{App, Failure, fields::Fields};

/// A member's own request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOwnRequest {
    kind: RequestKind,
    #[serde(default)]
    message: Option<String>,
}

impl App {
    /// Enters a member's request. The session has proved who asks; the operator answers, and is told. A copy
    /// needs nobody's answer: GET /v1/privacy/export gives it at once.
    pub async fn ask_own_rights(
        &self,
        scope: &WorkspaceScope,
        asked: NewOwnRequest,
        now: Timestamp,
    ) -> Result<OwnRequest, Failure> {
        let mut fields = Fields::default();
        let message = words(&mut fields, Some(asked.kind), asked.message.as_deref());
        fields.done()?;
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        let workspace = self.any_workspace(scope).await?;
        let record = self.db.accounts(scope).member(member).await?.ok_or_else(Failure::unauthenticated)?;
        let request = RightsRequest {
            id: RequestId::new(now, crate::chance()),
            kind: asked.kind,
            channel: Channel::Product,
            person: Person::Member { workspace: workspace.id, member, email: record.email.clone() },
            locale: workspace.locale,
            message,
            received_at: now,
            entered_at: now,
            unproved: false,
            holdings: Vec::new(),
            duty: Some(Duty::new(now, now)),
            carried_out: true,
            v: 1,
        };
        let noted = own(&request);
        let entry = scope.entry(Action::RightsRequested, now).about(request.id).with("kind", request.kind.as_str());
        let writes = vec![
            self.db.enter_request(&request)?,
            self.db.note_own_request(workspace.id, member, &noted)?,
            self.db.recording(&entry)?,
        ];
        self.db.commit(writes).await?;
        let mail = RightsMail::Registered { kind: request.kind, id: request.id, due: noted.due };
        self.post(&record.email, workspace.locale, Notification::Rights(mail), now).await?;
        self.tell_operator(mail, now).await?;
        Ok(noted)
    }

    /// A member's requests, oldest first.
    pub async fn own_rights(&self, scope: &WorkspaceScope) -> Result<Vec<OwnRequest>, Failure> {
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        Ok(self.db.own_requests(scope, member).await?)
    }

    /// Everything that is held about a member and, for who owns it, their workspace. Secrets are left out: they
    /// are hashes or sealed, and nobody reads them back. Prospects have an export of their own.
    pub async fn own_data(&self, scope: &WorkspaceScope, now: Timestamp) -> Result<Value, Failure> {
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        let accounts = self.db.accounts(scope);
        let record = accounts.member(member).await?.ok_or_else(Failure::unauthenticated)?;
        let requests = self.db.own_requests(scope, member).await?;
        let mails = self.db.service_mails(&self.pepper().await?.correspondent(&record.email), now).await?;
        let facts = content::rights::facts(self.any_workspace(scope).await?.locale);
        let (workspace, identity) = if record.role == Role::Owner {
            let identity = accounts.sender().await?.map(|sender| sender.identity);
            (Some(Box::pin(self.workspace(scope)).await?), identity)
        } else {
            (None, None)
        };
        self.db.record(&scope.entry(Action::AccountExported, now).about(member)).await?;
        Ok(json!({
            "exported_at": now,
            "member": {
                "id": record.id, "email": record.email, "display_name": record.display_name,
                "role": record.role, "created_at": record.created_at,
            },
            "requests": requests,
            "service_mails": mails,
            "workspace": workspace,
            "sender": identity,
            "information": {
                "recipients": facts.recipients, "complaint": facts.complaint,
                "automated_decisions": facts.automated_decisions, "policy": "/legal/privacy",
            },
        }))
    }
}
