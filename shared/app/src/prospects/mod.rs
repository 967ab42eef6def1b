//! Prospects one by one: add, look at, correct, freeze, erase. Lists and exports are in the modules below.

mod change;
mod export;
mod list;
mod view;

use domain::{
    Timestamp,
    audit::{Action, Entry},
    clicks::Recorded,
    email::{self, NotProfessional},
    id::RequestId,
    prospect::{Prospect, ProspectState},
    subject::Subject,
    suppression::SuppressionReason,
};
use storage::{StoreError, WorkspaceScope};

pub use change::{NewProspect, ProspectChange};
pub use export::{Export, Format};
pub use list::Filter;
pub(crate) use view::Event;
pub use view::{ProspectDetail, ProspectView};

use crate::{App, Failure};

/// Attempts at a change that others get in the way of.
const ATTEMPTS: u32 = 5;

impl App {
    /// Adds one person by hand. Source and basis are as mandatory as in an import (A66).
    pub async fn add_prospect(
        &self,
        scope: &WorkspaceScope,
        new: NewProspect,
        now: Timestamp,
    ) -> Result<ProspectView, Failure> {
        let workspace = self.may_begin(scope, now).await?;
        let new = new.checked(workspace.retention_months, now)?;
        if let Some(consent) = &new.click_consent {
            is_switched_on(consent.opens, workspace.records())?;
        }
        email::professional(&new.email).map_err(not_professional)?;
        let subject = self.pepper().await?.subject(scope.workspace(), &new.email);
        let suppressions = self.db.suppressions(scope);
        if suppressions.find(subject, now).await?.is_some() {
            // Still needed (K9), as when an import is refused.
            suppressions.renew(subject, now).await?;
            return Err(suppressed());
        }
        let prospect = new.prospect(subject, now);
        let entry = scope.entry(Action::ProspectCreated, now).about(subject);
        match self.db.prospects(scope).create(&prospect, &entry).await {
            Ok(()) => Ok(ProspectView::new(prospect, None, workspace.retention_months)),
            Err(StoreError::Conflict) => Err(Failure::conflict(
                "prospect-exists",
                format!("This person is in the workspace already: change them at /v1/prospects/{subject}."),
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// One person with everything that is known, and what was sent to them.
    pub async fn prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        now: Timestamp,
    ) -> Result<ProspectDetail, Failure> {
        let found = self.whole_prospect(scope, subject, view::HISTORY, now).await?;
        found.ok_or_else(not_found)
    }

    /// The same with so much history; `None` when nobody of that name is held.
    pub(crate) async fn whole_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        history: usize,
        now: Timestamp,
    ) -> Result<Option<ProspectDetail>, Failure> {
        let (held, suppression, workspace) = futures::try_join!(
            async { Ok(Box::pin(self.db.prospects(scope).get(subject, true)).await?) },
            async { Ok(Box::pin(self.db.suppressions(scope).find(subject, now)).await?) },
            Box::pin(self.any_workspace(scope)),
        )?;
        let Some(held) = held else { return Ok(None) };
        let mut history = Box::pin(self.history(scope, subject, history)).await?;
        if history.iter().any(Event::has_template)
            && let Some(sender) = self.db.accounts(scope).sender().await?
        {
            history.iter_mut().for_each(|event| event.fill(&sender.identity, &held.prospect));
        }
        let view = ProspectView::new(held.prospect, suppression, workspace.retention_months);
        Ok(Some(ProspectDetail::new(view, suppression, history)))
    }

    /// Corrects or freezes one person, whoever has not asked that everything stay as it is (art. 18(2)). What a
    /// member changed, a later import leaves alone.
    pub async fn change_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        change: ProspectChange,
        now: Timestamp,
    ) -> Result<ProspectDetail, Failure> {
        let held = self.db.prospects(scope).get(subject, true).await?;
        if held.is_some_and(|held| held.prospect.restricted_by.is_some()) {
            return Err(restricted_at_request(subject));
        }
        self.rectify_prospect(scope, subject, change, now).await
    }

    /// The same for what the person asked to be corrected (art. 16), restricted or not.
    pub(crate) async fn rectify_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        change: ProspectChange,
        now: Timestamp,
    ) -> Result<ProspectDetail, Failure> {
        let change = change.checked()?;
        if let Some(consent) = change.consent() {
            is_switched_on(consent.opens, self.any_workspace(scope).await?.records())?;
        }
        if (change.state().is_some() || change.consent().is_some())
            && self.db.suppressions(scope).find(subject, now).await?.is_some()
        {
            return Err(opted_out());
        }
        let apply = |prospect: &mut Prospect| {
            // Whoever asked for it is told before it ends (art. 18(3)): see [`App::lift_restriction`].
            if prospect.restricted_by.is_some() && change.state() == Some(ProspectState::Active) {
                return Err(restricted_at_request(subject));
            }
            change.apply(prospect);
            change.apply_consent(prospect, now)
        };
        if !self.change_held(scope, subject, &changed(scope, subject, change.fields(), now), apply, now).await? {
            return Err(not_found());
        }
        self.prospect(scope, subject, now).await
    }

    /// Freezes one person at their own request (A41). False when nobody of that name is held.
    pub(crate) async fn freeze_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        request: RequestId,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let freeze = |prospect: &mut Prospect| {
            prospect.state = ProspectState::Restricted;
            prospect.restricted_by = Some(request);
            Ok(())
        };
        self.change_held(scope, subject, &changed(scope, subject, vec!["state"], now), freeze, now).await
    }

    /// Ends what that request froze, and nothing that a later one did.
    pub(crate) async fn unfreeze_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        request: RequestId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let unfreeze = |prospect: &mut Prospect| {
            if prospect.restricted_by == Some(request) {
                prospect.state = ProspectState::Active;
                prospect.restricted_by = None;
            }
            Ok(())
        };
        let entry = scope.entry(Action::RightsLifted, now).about(subject);
        self.change_held(scope, subject, &entry, unfreeze, now).await.map(|_| ())
    }

    /// Makes a change, with its entry; one that changes nothing leaves no trace. False when nobody of that
    /// name is held.
    async fn change_held(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        entry: &Entry,
        change: impl Fn(&mut Prospect) -> Result<(), Failure>,
        now: Timestamp,
    ) -> Result<bool, Failure> {
        let prospects = self.db.prospects(scope);
        for _ in 0..ATTEMPTS {
            let Some(held) = prospects.get(subject, true).await? else { return Ok(false) };
            let mut prospect = held.prospect.clone();
            change(&mut prospect)?;
            if prospect == held.prospect {
                return Ok(true);
            }
            prospect.updated_at = now;
            // A backup may bring the record back as it was before the person asked.
            let asked = prospect.restricted_by != held.prospect.restricted_by;
            let noted = |request| self.db.noting_frozen(scope.workspace(), subject, request, now);
            let noted = asked.then(|| noted(prospect.restricted_by)).transpose()?;
            let withdrawn = held.prospect.agrees_to_clicks() && !prospect.agrees_to_clicks();
            let withdrawal = || self.db.noting_click_withdrawal(scope.workspace(), subject, now);
            let noted = noted.or(withdrawn.then(withdrawal).transpose()?);
            match prospects.change(&prospect, held.version, entry, noted).await {
                Ok(()) => return Ok(true),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Deletes one person because a member wants it. Not whoever asked for the data to be kept and not used
    /// (art. 18(1)(b)): they are told before that ends.
    pub async fn delete_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let held = self.db.prospects(scope).get(subject, true).await?;
        if held.is_some_and(|held| held.prospect.restricted_by.is_some()) {
            return Err(restricted_at_request(subject));
        }
        self.erase_prospect(scope, subject, now).await
    }

    /// Erases one person (A40). The record goes and what keeps every later import from reviving them
    /// stands, at one moment. Who is erased already is erased.
    pub(crate) async fn erase_prospect(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let suppressions = self.db.suppressions(scope);
        let entry = scope.entry(Action::ProspectDeleted, now).about(subject);
        match self.db.prospects(scope).erase(suppressions, subject, &entry).await {
            Ok(()) => {
                tracing::info!(workspace = %scope.workspace(), "prospect erased");
                Ok(())
            }
            Err(StoreError::Conflict) => {
                let known = suppressions.find(subject, now).await?;
                let erased = known.is_some_and(|s| s.reason == SuppressionReason::Erased);
                if erased { Ok(()) } else { Err(not_found()) }
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn changed(scope: &WorkspaceScope, subject: Subject, fields: Vec<&'static str>, now: Timestamp) -> Entry {
    scope.entry(Action::ProspectChanged, now).about(subject).with("fields", fields)
}

fn not_found() -> Failure {
    Failure::not_found("prospect")
}

fn suppressed() -> Failure {
    Failure::refused(
        "suppressed",
        "This person objected to your messages, or was erased at their request: they cannot be added again.",
    )
}

/// A consent, to openings as well or not, is recorded where what it is to is.
pub(crate) fn is_switched_on(opens: bool, records: Recorded) -> Result<(), Failure> {
    match records {
        Recorded { clicks: false, .. } => Err(clicks_are_off()),
        Recorded { opens: false, .. } if opens => Err(Failure::conflict(
            "opens-are-off",
            "A consent to openings is recorded where they are: an owner or administrator switches them on with PATCH \
             /v1/workspace and `opens`.",
        )),
        Recorded { .. } => Ok(()),
    }
}

fn clicks_are_off() -> Failure {
    Failure::conflict(
        "clicks-are-off",
        "A consent is recorded where clicks are: an owner or administrator switches them on with PATCH /v1/workspace \
         and `clicks`.",
    )
}

fn opted_out() -> Failure {
    Failure::conflict(
        "opted-out",
        "This person is on the list of opt-outs, which no state of their record changes: nobody writes to them.",
    )
}

fn restricted_at_request(subject: Subject) -> Failure {
    Failure::conflict(
        "restricted-at-request",
        format!(
            "This person asked that their data be kept as it is and not used, and is told before that ends: give the reason at /v1/prospects/{subject}/lift."
        ),
    )
}

fn not_professional(why: NotProfessional) -> Failure {
    let detail = match why {
        NotProfessional::Freemail => {
            "This is a personal mailbox. Only professional addresses may be written to: use the one at the person's organisation."
        }
        NotProfessional::Disposable => "This is a throw-away mailbox. Use the address at the person's organisation.",
    };
    Failure::refused("not-professional", detail)
}
