//! Reading under an access: the entry is in the workspace's trail before the data is handed out (A79).

use domain::{
    Timestamp,
    audit::Action,
    id::GrantId,
    staff::{Purpose, Wanted},
    subject::Subject,
};
use serde::Serialize;
use storage::staff::StaffGrant;

use super::{Staff, extract::Extract};
use crate::{
    App, Failure, Kind,
    prospects::{Filter, ProspectDetail, ProspectView},
};

/// A person as staff reads them.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Person {
    /// The whole record with its history.
    Whole(Box<ProspectDetail>),
    /// What an authority gets.
    Extract(Box<Extract>),
}

impl App {
    /// A page of the people of the workspace that an access opens.
    pub async fn staff_prospects(
        &self,
        staff: &Staff,
        id: GrantId,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<ProspectView>, Option<String>), Failure> {
        let grant = self.opened(staff, id, Wanted::Everybody, now).await?;
        let scope = staff.visiting(grant.workspace);
        let (people, next) = self.list_prospects(&scope, &Filter::default(), cursor, limit, now).await?;
        let read: Vec<Subject> = people.iter().map(ProspectView::id).collect();
        self.note_reading(staff, &grant, Wanted::Everybody, &read, now).await?;
        Ok((people, next))
    }

    /// One person of that workspace; of a disclosure's person, the extract.
    pub async fn staff_prospect(
        &self,
        staff: &Staff,
        id: GrantId,
        person: Option<Subject>,
        now: Timestamp,
    ) -> Result<Person, Failure> {
        let person = person.ok_or_else(|| Failure::not_found("prospect"))?;
        let grant = self.opened(staff, id, Wanted::One(person), now).await?;
        let scope = staff.visiting(grant.workspace);
        let read = Box::pin(self.prospect(&scope, person, now)).await?;
        self.note_reading(staff, &grant, Wanted::One(person), &[person], now).await?;
        Ok(match grant.access.purpose {
            Purpose::Disclosure(_) => Person::Extract(Box::new(Extract::of(read))),
            Purpose::Maintenance | Purpose::Abuse => Person::Whole(Box::new(read)),
        })
    }

    /// The access, if it opens that now.
    async fn opened(&self, staff: &Staff, id: GrantId, wanted: Wanted, now: Timestamp) -> Result<StaffGrant, Failure> {
        let grant = self.staff_grant(id).await?;
        let shut = |why| Failure::new(Kind::Forbidden, "access-not-open", format!("Nothing is read: {why}."));
        grant.access.opens(staff.id, wanted, now).map_err(shut)?;
        Ok(grant)
    }

    async fn note_reading(
        &self,
        staff: &Staff,
        grant: &StaffGrant,
        wanted: Wanted,
        read: &[Subject],
        now: Timestamp,
    ) -> Result<(), Failure> {
        let entry = staff.visiting(grant.workspace).entry(Action::StaffRead, now);
        Ok(self.db.record(&grant.access.reading(entry, grant.id, wanted, read)).await?)
    }
}
