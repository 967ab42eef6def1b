//! What the operator does for a member when it answers their request: a "done" is what was done (A46).

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    audit::{Action, Actor, Caller, Origin},
    id::{MemberId, WorkspaceId},
    policy::retention::{Class, Policy, Store},
    rights::RequestKind,
};
use storage::{
    WorkspaceScope,
    accounts::once::{GoodFor, RightsAccess},
    rights::RightsRequest,
};

use super::certificate::{Erasure, LOOKS, stated};
use crate::{App, Failure, secret::Secret, signup::minutes};

/// What is left of a member: what they did in the trail of the workspace, that mails went to a pseudonym, that they want
/// no news of ours, and the dates and outcomes of what they asked.
const KEPT: [Class; 4] = [Class::SecurityLog, Class::MailEvidence, Class::NewsObjection, Class::RightsRequest];

/// What an answer hands over.
#[derive(Default)]
pub(super) struct HandedOver {
    /// The token of the person's data, and how many hours it works.
    pub(super) access: Option<(String, u16)>,
    /// There will be a certificate.
    pub(super) certified: bool,
}

impl App {
    /// Does what a member's request asks for. What cannot be done here is done by hand, and the answer says what it was:
    /// `last-owner` names the one case in which nobody but the member can go on.
    pub(super) async fn do_for_member(
        &self,
        request: &RightsRequest,
        (workspace, member): (WorkspaceId, MemberId),
        said: Option<&str>,
        now: Timestamp,
    ) -> Result<HandedOver, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        match request.kind {
            RequestKind::Erasure => {
                let accounts = self.db.accounts(&scope);
                let roster = accounts.roster().await?;
                if let Some(member) = accounts.member(member).await? {
                    self.remove(&scope, roster, member, Action::MemberRemoved, now).await?;
                }
                Ok(HandedOver { certified: true, ..HandedOver::default() })
            }
            RequestKind::Access | RequestKind::Portability => {
                let secret = Secret::new();
                let until = Policy::current().expiry(Class::OneTimeToken, now);
                let access = RightsAccess {
                    places: Vec::new(),
                    requests: Vec::new(),
                    reports: Vec::new(),
                    correspondent: String::new(),
                    member: Some((workspace, member)),
                    locale: request.locale,
                };
                self.db.issue_token(&secret.hash(), GoodFor::RightsAccess(access), until).await?;
                Ok(HandedOver { access: Some((secret.text(), minutes(now, until) / 60)), ..HandedOver::default() })
            }
            _ if said.is_none() => Err(Failure::field("reason", "what was done, for the person to read")),
            _ => Ok(HandedOver::default()),
        }
    }

    /// The scope in which a member reads what is held about them; `None` when they have gone.
    pub(super) async fn scope_of_member(
        &self,
        workspace: WorkspaceId,
        member: MemberId,
    ) -> Result<Option<WorkspaceScope>, Failure> {
        let record = self.db.accounts(&WorkspaceScope::internal(workspace)).member(member).await?;
        Ok(record.map(|record| {
            let actor = Actor::Member { id: member, role: record.role, session: None };
            WorkspaceScope::acting(workspace, Caller::new(actor, Origin::new(None, "")))
        }))
    }

    /// The certificate of a member's erasure; `None` while anything of theirs is there.
    pub(super) async fn certify_member(
        &self,
        request: &RightsRequest,
        (workspace, member): (WorkspaceId, MemberId),
        now: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let login = self.pepper().await?.login(request.person.email());
        let mut erased = BTreeMap::from([(Class::Account.key().to_owned(), 1)]);
        for _ in 0..LOOKS {
            let (record, sessions, login) =
                futures::try_join!(accounts.member(member), accounts.sessions_of(member, now), self.db.login(&login))?;
            let theirs = login.is_some_and(|login| login.member == member);
            let mut look = Erasure::default();
            look.looked(Store::Accounts, Class::Account, usize::from(record.is_some()) + usize::from(theirs));
            look.looked(Store::Accounts, Class::Session, sessions.len());
            if !look.is_clean() {
                return Ok(None);
            }
            self.forget_asked(request, &mut look, now).await?;
            if look.is_clean() {
                let signed = self.sign_statement(stated(request, &erased, &look, &KEPT, now), now).await?;
                let text = serde_json::to_string(&signed).map_err(|error| Failure::internal(error.to_string()))?;
                return Ok(Some(text));
            }
            look.add_to(&mut erased);
        }
        Ok(None)
    }
}
