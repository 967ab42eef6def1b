//! "GDPR & data": what members can ask about themselves (A46).

use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    audit::Action,
    id::RequestId,
    rights::{Channel, Duty, RequestKind},
};
use serde::Deserialize;
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
            locale: record.language(workspace.locale),
            message,
            received_at: now,
            entered_at: now,
            unproved: false,
            holdings: Vec::new(),
            duty: Some(Duty::new(now, now)),
            carried_out: true,
            doubt: None,
            link: None,
            erased: Default::default(),
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
        self.post(&record.email, request.locale, Notification::Rights(mail), now).await?;
        self.tell_operator(mail, now).await?;
        Ok(noted)
    }

    /// A member's requests, oldest first.
    pub async fn own_rights(&self, scope: &WorkspaceScope) -> Result<Vec<OwnRequest>, Failure> {
        let member = scope.member().ok_or_else(Failure::unauthenticated)?;
        let mut requests = self.db.own_requests(scope, member).await?;
        // How long the note itself is kept is the store's business.
        requests.iter_mut().for_each(|request| request.ttl = None);
        Ok(requests)
    }
}
