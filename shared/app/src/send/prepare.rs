//! Reading the people of a group, and writing the message of everyone whom nothing speaks against so far. Nobody is
//! claimed here.

use std::collections::{HashMap, HashSet};

use domain::{
    calendar::{Opening, Place},
    chunk::{Got, Outcome},
    company::Company,
    id::WorkspaceId,
    policy::{Cleared, Refusal, Rules, screen},
    prospect::Prospect,
    sequence::{Earlier, answered_since},
    subject::{Pepper, Subject},
};

use super::{
    Work,
    job::Job,
    late::{Postponed, away},
    variants::choice,
};
use crate::{
    App, Failure,
    letter::{Letters, Manner},
    mailer::Mailer,
};

/// One person of a group, with everything that must be known before the claim.
pub(super) struct Ready {
    pub(super) index: usize,
    /// The place of their channel among the routes.
    pub(super) route: usize,
    pub(super) got: Got,
    pub(super) prospect: Prospect,
    pub(super) cleared: Cleared,
    pub(super) bytes: Vec<u8>,
}

impl App {
    /// Reads the people, and writes the message of everyone whom nothing speaks against so far. Whose window is
    /// closed is left for when the first of them opens.
    pub(super) async fn prepare(
        &self,
        job: &Job<'_>,
        group: &[(usize, usize)],
        work: &mut Work,
    ) -> Result<Vec<Ready>, Failure> {
        let earlier = Earlier::new(&job.found.earlier);
        let mut wanted = Vec::with_capacity(group.len());
        for &(index, route) in group {
            match earlier.stops(index) {
                _ if earlier.is_elsewhere(index) => work.results.join(index, Outcome::Postponed),
                Some(refusal) => work.results.join(index, Outcome::Refused(refusal)),
                None => match job.found.people.get(index) {
                    // Erased since the chunk was put down.
                    Some(&Subject::NOBODY) => work.results.join(index, Outcome::Refused(Refusal::Erased)),
                    place => wanted.extend(place.map(|subject| (index, route, *subject))),
                },
            }
        }
        let subjects: Vec<Subject> = wanted.iter().map(|(.., subject)| *subject).collect();
        let mut found: HashMap<Subject, Prospect> =
            self.db.prospects(&job.scope).batch_get(&subjects).await?.into_iter().map(|p| (p.subject, p)).collect();
        let gone = self.why_gone(job, subjects, &found).await?;
        let pepper = self.pepper().await?;
        let rules = Rules { retention_months: job.workspace.retention_months };
        let mut ready = Vec::with_capacity(wanted.len());
        for (index, at, subject) in wanted {
            let Some(route) = job.routes.get(at) else { continue };
            let choice = choice(job, pepper, index, subject);
            let templates = self.compiled(&job.campaign, job.message.step, choice).await?;
            let letters = Letters {
                objections: job.objections,
                workspace: job.scope.workspace(),
                campaign: job.campaign.id,
                content: &job.campaign.content,
                step: job.message.step,
                templates: &templates,
                sender: &route.identity,
                retention_months: job.workspace.retention_months,
                public_url: &self.config.public_url,
                inbound_domain: &self.config.inbound_domain,
                records: job.workspace.records(),
                pepper,
            };
            let prospect = found.remove(&subject);
            let thread = self.thread(job, index, subject);
            let manner = Manner {
                thread: &thread,
                date: job.now,
                informed: job.message.informed(index),
                test: false,
                preview: false,
                smtputf8: route.mailer.as_ref().is_some_and(Mailer::smtputf8),
            };
            let answered = answered_since(prospect.as_ref().and_then(|person| person.last_contact_at), job.launched_at);
            let cleared = match gone.get(&subject) {
                Some(refusal) => Err(*refusal),
                None => screen(prospect.as_ref(), rules, job.now),
            };
            let of_company = prospect
                .as_ref()
                .and_then(|person| company_stops(&job.answered, person, job.scope.workspace(), pepper));
            let stop = answered.then_some(Refusal::Replied).or(of_company);
            let cleared = cleared.and_then(|cleared| stop.map_or(Ok(cleared), Err));
            if let (Ok(_), Some(until)) = (&cleared, prospect.as_ref().and_then(|person| away(job, person))) {
                match self.postpone(job, (index, subject), until, None).await? {
                    Postponed::Yes => {
                        work.results.join(index, Outcome::Postponed);
                        continue;
                    }
                    Postponed::Waits => {
                        work.wait(until);
                        continue;
                    }
                    Postponed::Claimed => {}
                }
            }
            if let (Ok(_), Some(person), Some(window)) = (&cleared, &prospect, &job.campaign.content.window) {
                let place = Place::of(person.details.country.as_deref(), &person.email);
                let zone = job.campaign.content.zone(&job.routes.zone);
                if let Opening::At(at) = window.opening(place, &zone, job.now) {
                    work.wait(at);
                    continue;
                }
            }
            let written = cleared.and_then(|cleared| {
                let prospect = prospect.ok_or(Refusal::Erased)?;
                let rendered = letters.render(&prospect)?;
                let message = letters.compose(&prospect, &rendered, manner)?;
                let got = Got { variant: choice.own, signed: message.signed };
                Ok(Ready { index, route: at, got, prospect, cleared, bytes: message.bytes })
            });
            match written {
                Ok(person) => ready.push(person),
                Err(refusal) => work.results.join(index, Outcome::Refused(refusal)),
            }
        }
        Ok(ready)
    }

    /// Why people whose records are gone get nothing, where something still says so: whoever objected is deleted within the
    /// hour, and is no less somebody who objected.
    async fn why_gone(
        &self,
        job: &Job<'_>,
        mut people: Vec<Subject>,
        found: &HashMap<Subject, Prospect>,
    ) -> Result<HashMap<Subject, Refusal>, Failure> {
        people.retain(|subject| !found.contains_key(subject));
        let suppressed = self.db.suppressions(&job.scope).among(&people, job.now).await?;
        Ok(suppressed.into_iter().map(|one| (one.subject, one.reason.into())).collect())
    }

    /// What the messages to a person were called that this step replies to.
    fn thread(&self, job: &Job<'_>, index: usize, subject: Subject) -> Vec<String> {
        let region = self.ses.config().region().map_or("", |region| region.as_ref());
        let name = |step| {
            let name = job.names.get(&(step, index))?;
            Some(name.message_id(subject, job.message.campaign, step, region))
        };
        job.campaign.content.thread_of(job.message.step).filter_map(name).collect()
    }
}

/// Whether somebody else where this person works has answered.
pub(super) fn company_stops(
    answered: &HashSet<Company>,
    person: &Prospect,
    workspace: WorkspaceId,
    pepper: &Pepper,
) -> Option<Refusal> {
    let company = (!answered.is_empty()).then(|| Company::of(&person.email, workspace, pepper))?;
    answered.contains(&company?).then_some(Refusal::CompanyReplied)
}
