//! Incidents (A54): opened by staff, searched in the trails, told to whoever is affected, closed with the authority.

use domain::{
    Timestamp,
    audit::{Action, network_of},
    id::{IncidentId, MemberId, WorkspaceId},
    staff::{Closed, Reason, Search, Timer},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use storage::staff::{Affected, Both, Incident};

use super::{LONGEST_LINE, LONGEST_TEXT, Staff};
use crate::{App, Failure, fields::Fields};

/// An incident as it is opened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewIncident {
    discovered_at: Timestamp,
    #[serde(default)]
    drill: bool,
    nature: Both,
    consequences: Both,
    measures: Both,
    affected: Search,
}

/// That the authority was told, or why not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    #[serde(default)]
    reference: Option<String>,
    #[serde(default)]
    not_needed: Option<String>,
}

/// An incident as staff sees it.
#[derive(Serialize)]
pub struct IncidentView {
    id: IncidentId,
    drill: bool,
    opened_at: Timestamp,
    discovered_at: Timestamp,
    due: Timestamp,
    status: &'static str,
    nature: Both,
    consequences: Both,
    measures: Both,
    affected: Search,
    /// Whether all trails were looked through.
    searched: bool,
    notified_at: Option<Timestamp>,
    told_at: Option<Timestamp>,
    reference: Option<String>,
    not_needed: Option<String>,
    closed_at: Option<Timestamp>,
}

impl IncidentView {
    fn of(incident: Incident, now: Timestamp) -> Self {
        let (due, closed) = (incident.timer.due(), incident.timer.closed);
        let status = match &closed {
            Some(_) => "closed",
            None if now >= due => "overdue",
            None => "open",
        };
        let closed_at = closed.as_ref().map(|closed| closed.hand.at);
        let (reference, not_needed) = closed.map(|closed| (closed.reference, closed.not_needed)).unwrap_or_default();
        Self {
            id: incident.id,
            drill: incident.drill,
            opened_at: incident.opened.at,
            discovered_at: incident.timer.discovered_at,
            due,
            status,
            nature: incident.nature,
            consequences: incident.consequences,
            measures: incident.measures,
            affected: incident.search,
            searched: incident.searched,
            notified_at: incident.notified.map(|hand| hand.at),
            told_at: incident.told_at,
            reference,
            not_needed,
            closed_at,
        }
    }
}

/// One who is affected, as staff sees it: names of ours, nobody's address.
#[derive(Serialize)]
pub struct AffectedView {
    workspace: WorkspaceId,
    member: Option<MemberId>,
    reasons: BTreeSet<Reason>,
    told_at: Option<Timestamp>,
}

impl App {
    /// Opens an incident. The clock of 72 hours runs from the moment at which it was known, not from here.
    pub async fn open_incident(
        &self,
        staff: &Staff,
        asked: NewIncident,
        now: Timestamp,
    ) -> Result<IncidentView, Failure> {
        let mut fields = Fields::default();
        let mut both = |name: &str, text: &Both| Both {
            fr: fields.lines(&format!("{name}.fr"), &text.fr, LONGEST_TEXT),
            en: fields.lines(&format!("{name}.en"), &text.en, LONGEST_TEXT),
        };
        let nature = both("nature", &asked.nature);
        let consequences = both("consequences", &asked.consequences);
        let measures = both("measures", &asked.measures);
        if asked.discovered_at > now {
            fields.wrong("discovered_at", "when it was known; it cannot lie in the future");
        }
        let mut search = asked.affected;
        if search.from >= search.to || search.to > now {
            fields.wrong("affected.to", "after `from`, and not in the future: the trail is looked through once");
        }
        if search.workspaces.as_ref().is_some_and(|some| some.is_empty() || some.len() > MOST_WORKSPACES) {
            fields.wrong("affected.workspaces", format!("1 to {MOST_WORKSPACES} of them, or left out for all"));
        }
        if let Some(asked) = &search.network {
            let network = network_of(asked);
            if network.is_none() {
                fields.wrong("affected.network", "an IP address, or its /24 (IPv4) or /48 (IPv6) as the trail has it");
            }
            search.network = network;
        }
        fields.done()?;
        let incident = Incident {
            id: IncidentId::new(now, crate::chance()),
            drill: asked.drill,
            opened: staff.hand(now),
            nature,
            consequences,
            measures,
            search,
            timer: Timer::since(asked.discovered_at),
            looked_at: None,
            searched: false,
            notified: None,
            told_at: None,
            ttl: Incident::ends(now),
            v: 1,
        };
        let entry = staff.home.entry(Action::IncidentOpened, now).about(incident.id);
        let entry = entry.with("drill", if incident.drill { "yes" } else { "no" });
        self.db.open_incident(&incident, &entry).await?;
        Ok(IncidentView::of(incident, now))
    }

    /// A page of incidents, newest first.
    pub async fn list_incidents(
        &self,
        cursor: Option<&str>,
        limit: u32,
        now: Timestamp,
    ) -> Result<(Vec<IncidentView>, Option<String>), Failure> {
        let wrong = || Failure::field("cursor", "a `next_cursor` of this list");
        let after = cursor.map(|cursor| cursor.parse().map_err(|_| wrong())).transpose()?;
        let (incidents, next) = self.db.incidents(after, limit).await?;
        Ok((incidents.into_iter().map(|one| IncidentView::of(one, now)).collect(), next.map(|id| id.to_string())))
    }

    /// A page of those whom the trail shows to be affected, each with the reasons.
    pub async fn list_affected(
        &self,
        id: IncidentId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<AffectedView>, Option<String>), Failure> {
        self.an_incident(id).await?;
        let (affected, next) = self.db.affected(id, cursor, limit).await?;
        let view = |one: Affected| AffectedView {
            workspace: one.workspace,
            member: one.member,
            reasons: one.reasons,
            told_at: one.told_at,
        };
        Ok((affected.into_iter().map(view).collect(), next))
    }

    /// Has the affected told, by the clock. Once they are all found: nobody is told of half a list.
    pub async fn notify_affected(
        &self,
        staff: &Staff,
        id: IncidentId,
        now: Timestamp,
    ) -> Result<IncidentView, Failure> {
        let mut incident = self.an_incident(id).await?;
        if !incident.searched {
            let detail = "The trails are still being looked through: `searched` says when all were.";
            return Err(Failure::conflict("not-searched", detail));
        }
        if incident.notified.is_none() {
            incident.notified = Some(staff.hand(now));
            let entry = staff.home.entry(Action::IncidentNotified, now).about(id);
            self.db.save_incident(&mut incident, Some(&entry)).await?;
        }
        Ok(IncidentView::of(incident, now))
    }

    /// Notes that the authority was told, or why it does not have to be: the clock stops.
    pub async fn close_incident(
        &self,
        staff: &Staff,
        id: IncidentId,
        asked: &Authority,
        now: Timestamp,
    ) -> Result<IncidentView, Failure> {
        let mut fields = Fields::default();
        let reference = fields.optional("reference", asked.reference.as_deref(), LONGEST_LINE);
        let not_needed = fields.optional("not_needed", asked.not_needed.as_deref(), LONGEST_TEXT);
        if reference.is_some() == not_needed.is_some() {
            fields.wrong("reference", "the authority's reference, or why it does not have to be told (`not_needed`)");
        }
        fields.done()?;
        let mut incident = self.an_incident(id).await?;
        if incident.timer.closed.is_some() {
            return Err(Failure::conflict("incident-closed", "This was noted already."));
        }
        let told = if reference.is_some() { "told" } else { "not_needed" };
        incident.timer.closed = Some(Closed { hand: staff.hand(now), reference, not_needed });
        let entry = staff.home.entry(Action::IncidentClosed, now).about(id).with("authority", told);
        self.db.save_incident(&mut incident, Some(&entry)).await?;
        Ok(IncidentView::of(incident, now))
    }

    async fn an_incident(&self, id: IncidentId) -> Result<Incident, Failure> {
        self.db.incident(id).await?.ok_or_else(|| Failure::not_found("incident"))
    }
}

/// Workspaces that one incident can name; an item of DynamoDB holds 400 KB.
const MOST_WORKSPACES: usize = 1_000;
