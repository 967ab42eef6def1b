//! Accesses: asked for, approved, ended, and listed for staff and for the workspace they are about.

use content::system::Notification;
use domain::{
    Timestamp,
    audit::Action,
    email::without_addresses,
    id::{GrantId, MemberId, WorkspaceId},
    member::Role,
    staff::{Access, Disclosure, Hand, Purpose, Status},
    subject::Subject,
};
use serde::{Deserialize, Serialize};
use storage::{WorkspaceScope, staff::StaffGrant};

use super::{LONGEST_LINE, LONGEST_TEXT, Staff};
use crate::{App, Failure, fields::Fields};

/// An access as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    workspace: WorkspaceId,
    purpose: AskedFor,
    reason: String,
    #[serde(default)]
    authority: Option<String>,
    #[serde(default)]
    legal_basis: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedFor {
    Maintenance,
    Abuse,
    Disclosure,
}

/// An access as staff sees it.
#[derive(Serialize)]
pub struct GrantView {
    workspace: WorkspaceId,
    asked_by: MemberId,
    approved_by: Vec<MemberId>,
    #[serde(flatten)]
    access: AccessView,
}

/// An access as the workspace that it is about sees it: by whom is a role, not a person.
#[derive(Serialize)]
pub struct AccessView {
    id: GrantId,
    purpose: &'static str,
    reason: String,
    authority: Option<String>,
    legal_basis: Option<String>,
    person: Option<Subject>,
    status: &'static str,
    /// Until when it waits for approval, or is open.
    until: Option<Timestamp>,
    asked: HandView,
    approved: Vec<HandView>,
    approvals_needed: usize,
    ended: Option<HandView>,
}

#[derive(Serialize)]
struct HandView {
    role: Role,
    at: Timestamp,
}

impl From<&Hand> for HandView {
    fn from(hand: &Hand) -> Self {
        Self { role: hand.role, at: hand.at }
    }
}

impl AccessView {
    fn of(grant: StaffGrant, now: Timestamp) -> Self {
        let StaffGrant { id, reason, access, .. } = grant;
        let status = access.status(now);
        let until = match status {
            Status::Waiting(until) | Status::Open(until) => Some(until),
            Status::Lapsed | Status::Over | Status::Ended => None,
        };
        let Access { purpose, asked, approved, ended } = access;
        let (name, approvals_needed) = (purpose.as_str(), purpose.approvals());
        let (authority, legal_basis, person) = match purpose {
            Purpose::Disclosure(Disclosure { person, authority, legal_basis }) => {
                (Some(authority), Some(legal_basis), Some(person))
            }
            Purpose::Maintenance | Purpose::Abuse => (None, None, None),
        };
        Self {
            id,
            purpose: name,
            reason,
            authority,
            legal_basis,
            person,
            status: status.as_str(),
            until,
            asked: HandView::from(&asked),
            approved: approved.iter().map(HandView::from).collect(),
            approvals_needed,
            ended: ended.as_ref().map(HandView::from),
        }
    }
}

impl GrantView {
    fn of(grant: StaffGrant, now: Timestamp) -> Self {
        let approved_by = grant.access.approved.iter().map(|hand| hand.by).collect();
        Self {
            workspace: grant.workspace,
            asked_by: grant.access.asked.by,
            approved_by,
            access: AccessView::of(grant, now),
        }
    }
}

impl App {
    /// Asks for access to another workspace. The address of a disclosure's person is not kept.
    pub async fn ask_staff_access(&self, staff: &Staff, asked: NewGrant, now: Timestamp) -> Result<GrantView, Failure> {
        let workspace = asked.workspace;
        let mut fields = Fields::default();
        let reason = without_addresses(&fields.lines("reason", &asked.reason, LONGEST_TEXT));
        if workspace == staff.home.workspace() {
            fields.wrong("workspace", "another one: in your own you need no access");
        }
        let given = [("authority", &asked.authority), ("legal_basis", &asked.legal_basis), ("email", &asked.email)];
        let purpose = match asked.purpose {
            AskedFor::Disclosure => {
                let text = |name: usize| given[name].1.as_deref().unwrap_or_default();
                let [authority, legal_basis] = [0, 1].map(|name| fields.line(given[name].0, text(name), LONGEST_LINE));
                let email = fields.email("email", text(2));
                let email = fields.require(email)?;
                let person = self.pepper().await?.subject(workspace, &email);
                Purpose::Disclosure(Disclosure { person, authority, legal_basis })
            }
            other => {
                given.iter().filter(|(_, text)| text.is_some()).for_each(|(name, _)| {
                    fields.wrong(name, "only goes with a disclosure");
                });
                fields.done()?;
                if other == AskedFor::Abuse { Purpose::Abuse } else { Purpose::Maintenance }
            }
        };
        let scope = staff.visiting(workspace);
        if self.db.accounts(&scope).workspace().await?.is_none() {
            return Err(Failure::field("workspace", "there is no workspace of this name"));
        }
        let access = Access::ask(purpose, staff.hand(now));
        let grant = StaffGrant::new(GrantId::new(now, crate::chance()), workspace, reason, access);
        let entry = scope.entry(Action::StaffAsked, now).about(grant.id).with("purpose", grant.access.purpose.as_str());
        self.db.ask_staff_access(&grant, &entry).await?;
        Ok(GrantView::of(grant, now))
    }

    /// Agrees to what somebody else asked for. With the last approval it is open, and the owners of the workspace are
    /// told before it is: what they do not know of does not open.
    pub async fn approve_staff_access(&self, staff: &Staff, id: GrantId, now: Timestamp) -> Result<GrantView, Failure> {
        let mut grant = self.staff_grant(id).await?;
        let approved = grant.access.approve(staff.hand(now));
        grant.access = approved.map_err(|why| refused("not-approved", &why))?;
        if let Status::Open(until) = grant.access.status(now) {
            self.tell_owners(&grant, until, now).await?;
        }
        let entry = self.about_grant(staff, &grant, Action::StaffApproved, now);
        self.db.save_staff_access(&mut grant, &entry).await?;
        Ok(GrantView::of(grant, now))
    }

    /// Puts an end to an access before its time.
    pub async fn end_staff_access(&self, staff: &Staff, id: GrantId, now: Timestamp) -> Result<GrantView, Failure> {
        let mut grant = self.staff_grant(id).await?;
        let ended = grant.access.end(staff.hand(now));
        grant.access = ended.map_err(|why| refused("not-ended", &why))?;
        let entry = self.about_grant(staff, &grant, Action::StaffEnded, now);
        self.db.save_staff_access(&mut grant, &entry).await?;
        Ok(GrantView::of(grant, now))
    }

    /// A page of all accesses, newest first, for staff.
    pub async fn list_staff_accesses(
        &self,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<GrantView>, Option<String>), Failure> {
        let (grants, next) = self.db.staff_accesses(place(cursor)?, limit).await?;
        Ok((grants.into_iter().map(|grant| GrantView::of(grant, now)).collect(), next.map(|id| id.to_string())))
    }

    /// A page of the accesses to one's own workspace, newest first.
    pub async fn list_accesses_to(
        &self,
        scope: &WorkspaceScope,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<AccessView>, Option<String>), Failure> {
        let (grants, next) = self.db.staff_accesses_to(scope.workspace(), place(cursor)?, limit).await?;
        Ok((grants.into_iter().map(|grant| AccessView::of(grant, now)).collect(), next.map(|id| id.to_string())))
    }

    /// An access, whatever workspace it is about.
    pub(super) async fn staff_grant(&self, id: GrantId) -> Result<StaffGrant, Failure> {
        self.db.staff_access(id).await?.ok_or_else(|| Failure::not_found("access"))
    }

    fn about_grant(&self, staff: &Staff, grant: &StaffGrant, action: Action, now: Timestamp) -> domain::audit::Entry {
        let entry = staff.visiting(grant.workspace).entry(action, now);
        entry.about(grant.id).with("purpose", grant.access.purpose.as_str())
    }

    /// Tells the owners of a workspace that staff may read in it.
    async fn tell_owners(&self, grant: &StaffGrant, until: Timestamp, now: Timestamp) -> Result<(), Failure> {
        let mail = Notification::StaffAccess { purpose: &grant.access.purpose, reason: &grant.reason, until };
        self.post_to_owners(grant.workspace, mail, now).await
    }
}

fn place(cursor: Option<&str>) -> Result<Option<GrantId>, Failure> {
    let wrong = || Failure::field("cursor", "a `next_cursor` of this list");
    cursor.map(|cursor| cursor.parse().map_err(|_| wrong())).transpose()
}

fn refused(slug: &'static str, why: &impl std::fmt::Display) -> Failure {
    Failure::conflict(slug, format!("Nothing was changed: {why}."))
}
