//! Whose answer a mail in a Sender's mailbox is, by a few of its headers: of somebody who was written to, or of nobody.

use domain::{email::EmailAddress, message_name::read_ours, subject::Subject};
use inbound::glance::Glance;
use storage::WorkspaceScope;

use crate::{App, Failure};

/// Messages of ours that one mail is looked up by, at most.
const NAMES: usize = 4;

/// People of one report that are looked up, at most.
const PEOPLE: usize = 8;

/// Whom a mail concerns.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Concern {
    /// Nobody whom we wrote to: it is not read.
    Nobody,
    /// These, each of whom was written to.
    People(Vec<Subject>),
    /// A report about a message: what it says of whom has to be looked at first.
    Report,
}

impl App {
    /// Whom a mail concerns. A message of ours is one of which there is a delivery: whoever makes its name up would have
    /// to know the keyed hash of somebody who was written to. Amazon SES names messages itself, so that an answer to one of
    /// those is found by who writes.
    pub(super) async fn concern(&self, scope: &WorkspaceScope, glance: &Glance) -> Result<Concern, Failure> {
        let ours = glance.answers.iter().filter_map(|name| read_ours(name)).take(NAMES);
        for (subject, campaign, step) in ours {
            let deliveries = self.db.outreach(scope).deliveries_of(subject).await?;
            if deliveries.iter().any(|delivery| (delivery.campaign, delivery.step) == (campaign, step)) {
                return Ok(Concern::People(vec![subject]));
            }
        }
        let named = self.written_to(scope, glance.from.iter().chain(&glance.failed)).await?;
        Ok(match named {
            named if !named.is_empty() => Concern::People(named),
            _ if glance.is_report => Concern::Report,
            _ => Concern::Nobody,
        })
    }

    /// Those of these addresses that anybody of the workspace wrote to.
    pub(super) async fn written_to(
        &self,
        scope: &WorkspaceScope,
        addresses: impl Iterator<Item = &EmailAddress>,
    ) -> Result<Vec<Subject>, Failure> {
        let pepper = self.pepper().await?;
        let mut people = Vec::new();
        for address in addresses.take(PEOPLE) {
            let subject = pepper.subject(scope.workspace(), address);
            let known = people.contains(&subject);
            if !known && !self.db.outreach(scope).deliveries_of(subject).await?.is_empty() {
                people.push(subject);
            }
        }
        Ok(people)
    }
}
