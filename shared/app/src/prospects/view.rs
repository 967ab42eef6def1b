//! A prospect as the API shows it: every category that is held, and no other (A64).

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Timestamp,
    campaign::Content,
    chunk::{Got, Outcome},
    clicks::ClickConsent,
    id::{CampaignId, ImportId, RequestId},
    locale::Locale,
    policy::retention::Policy,
    prospect::{Field, LawfulBasis, Prospect, ProspectState, Source},
    sender::SenderIdentity,
    sequence::Choice,
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
    variant::Letter,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use storage::{StoreError, WorkspaceScope, outreach::Delivery};

use crate::{App, Failure, campaigns::why_failed, evidence::EvidenceView, letter};

/// Deliveries that the API's history shows, the newest.
pub(super) const HISTORY: usize = 100;

/// Whether a person may be written to, the list of opt-outs included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Nothing speaks against it.
    Active,
    /// Art. 18: frozen.
    Restricted,
    /// Objected, complained, or was erased.
    OptedOut,
    /// The address does not exist, or nobody reads it.
    Bounced,
}

impl State {
    pub(super) fn of(prospect: &Prospect, suppression: Option<&Suppression>) -> Self {
        match (suppression.map(|s| s.reason), prospect.state) {
            (Some(reason), _) if reason.is_of_address() => Self::Bounced,
            (Some(_), _) => Self::OptedOut,
            (None, ProspectState::Restricted) => Self::Restricted,
            (None, ProspectState::Active) => Self::Active,
        }
    }

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Restricted => "restricted",
            Self::OptedOut => "opted_out",
            Self::Bounced => "bounced",
        }
    }
}

/// That a person agreed to have their clicks recorded, or their openings too, and whether that still holds.
#[derive(Clone, Serialize)]
pub(super) struct ConsentView {
    pub(super) given_on: Date,
    pub(super) how: String,
    pub(super) opens: bool,
    pub(super) withdrawn_at: Option<Timestamp>,
}

impl From<ClickConsent> for ConsentView {
    fn from(ClickConsent { given_on, how, opens, withdrawn_at }: ClickConsent) -> Self {
        Self { given_on, how, opens, withdrawn_at }
    }
}

/// A prospect.
#[derive(Clone, Serialize)]
pub struct ProspectView {
    pub(crate) id: Subject,
    pub(crate) email: String,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    pub(crate) company: Option<String>,
    pub(super) job_title: Option<String>,
    pub(super) locale: Option<Locale>,
    pub(super) country: Option<String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) notes: Option<String>,
    pub(super) state: State,
    pub(super) restricted_by: Option<RequestId>,
    pub(crate) source: Source,
    pub(super) lawful_basis: LawfulBasis,
    pub(super) import: Option<ImportId>,
    pub(super) edited: BTreeSet<Field>,
    pub(crate) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) last_contact_at: Option<Timestamp>,
    pub(super) last_click_at: Option<Timestamp>,
    pub(super) click_consent: Option<ConsentView>,
    pub(super) away_until: Option<Date>,
    pub(super) delete_after: Timestamp,
}

impl ProspectView {
    pub(super) fn new(prospect: Prospect, suppression: Option<Suppression>, retention_months: u8) -> Self {
        let (collected_on, own_contact) = (prospect.source.collected_on, prospect.own_contact());
        Self {
            state: State::of(&prospect, suppression.as_ref()),
            delete_after: Policy::current().prospect_expiry(collected_on, own_contact, Some(retention_months)),
            restricted_by: prospect.restricted_by,
            id: prospect.subject,
            email: prospect.email.expose().to_owned(),
            first_name: prospect.details.first_name,
            last_name: prospect.details.last_name,
            company: prospect.details.company,
            job_title: prospect.details.job_title,
            locale: prospect.details.locale,
            country: prospect.details.country,
            tags: prospect.details.tags,
            notes: prospect.details.notes,
            source: prospect.source,
            lawful_basis: prospect.lawful_basis,
            import: prospect.import.map(|mark| mark.import),
            edited: prospect.edited,
            created_at: prospect.created_at,
            updated_at: prospect.updated_at,
            last_contact_at: own_contact,
            last_click_at: prospect.last_click_at,
            click_consent: prospect.click_consent.map(ConsentView::from),
            away_until: prospect.away_until,
        }
    }

    /// Its public name.
    pub const fn id(&self) -> Subject {
        self.id
    }
}

/// A prospect with what was sent and what stands against sending.
#[derive(Serialize)]
pub struct ProspectDetail {
    #[serde(flatten)]
    prospect: ProspectView,
    suppression: Option<Suppressed>,
    history: Vec<Event>,
}

#[derive(Serialize)]
struct Suppressed {
    reason: SuppressionReason,
    since: Timestamp,
}

/// One thing that happened.
#[derive(Serialize)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) kind: &'static str,
    campaign: CampaignId,
    step: u8,
    subject: Option<String>,
    /// The name of the variant that it was, where the step has any.
    variant: Option<String>,
    detail: Option<&'static str>,
    /// What is known of it if it came back, or was not taken.
    evidence: Option<EvidenceView>,
    /// When they first followed a link of it, where they agreed to have that recorded.
    clicked_at: Option<Timestamp>,
    /// Which link that was, from 1.
    clicked_link: Option<u8>,
    /// The day on which they first opened it, where they agreed to have that recorded.
    opened_on: Option<Date>,
    /// Whether a program followed links of it, as those do that look for malware.
    scanned: bool,
    /// Which variants it was made of.
    #[serde(skip)]
    choice: Choice,
}

impl Event {
    /// Whether its subject has places for values, or alternatives.
    pub(super) fn has_template(&self) -> bool {
        self.subject.as_deref().is_some_and(|subject| subject.contains("{{") || subject.contains("[["))
    }

    /// Shows its subject with the values that are known of the person today; as it was written where one is missing.
    pub(super) fn fill(&mut self, sender: &SenderIdentity, person: &Prospect) {
        if let Some(written) = self.subject.as_mut().filter(|written| written.contains(['{', '[']))
            && let Some(shown) = letter::subject(written, sender, person)
        {
            *written = shown;
        }
    }
}

impl ProspectDetail {
    /// The campaigns of the history, each once.
    pub(crate) fn campaigns(&self) -> BTreeSet<CampaignId> {
        self.history.iter().map(|event| event.campaign).collect()
    }

    /// What was sent, or was about to be: when, what became of it, of which campaign and step, and of which variants.
    pub(crate) fn deliveries(&self) -> impl Iterator<Item = (Timestamp, &'static str, CampaignId, u8, Choice)> {
        self.history.iter().map(|event| (event.at, event.kind, event.campaign, event.step, event.choice))
    }

    /// The person, and what was sent to them.
    pub(crate) fn into_parts(self) -> (ProspectView, Vec<Event>) {
        (self.prospect, self.history)
    }

    pub(super) fn new(prospect: ProspectView, suppression: Option<Suppression>, history: Vec<Event>) -> Self {
        let suppression = suppression.map(|s| Suppressed { reason: s.reason, since: s.since });
        Self { prospect, suppression, history }
    }
}

/// Kind and detail of an outcome. What has none yet is on its way: whether it leaves is not known.
const fn told(outcome: Outcome) -> (&'static str, Option<&'static str>) {
    match outcome {
        Outcome::Sent => ("sent", None),
        Outcome::Delivered => ("delivered", None),
        Outcome::Replied => ("replied", None),
        Outcome::Bounced => ("bounced", None),
        Outcome::Complained => ("complained", None),
        Outcome::Failed | Outcome::PutOff => ("failed", why_failed(outcome)),
        Outcome::Pending | Outcome::Postponed | Outcome::Unknown => ("unknown", None),
        Outcome::Refused(reason) => ("refused", Some(reason.as_str())),
    }
}

impl App {
    /// What was sent to a person, or was about to be: newest first, `most` of it. One query, then the chunks
    /// it names.
    pub(crate) async fn history(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        most: usize,
    ) -> Result<Vec<Event>, Failure> {
        let outreach = self.db.outreach(scope);
        let mut deliveries = outreach.deliveries_of(subject).await?;
        let got: BTreeMap<(CampaignId, u8), Option<Letter>> =
            deliveries.iter().map(|delivery| ((delivery.campaign, delivery.step), delivery.got.variant)).collect();
        deliveries.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.at));
        deliveries.truncate(most);
        let places: Vec<_> = deliveries.iter().map(|d| (d.campaign, d.chunk, d.step, d.index)).collect();
        let outcomes: Vec<Outcome> = stream::iter(places)
            .map(|(campaign, chunk, step, index)| async move {
                let chunk = outreach.chunk(campaign, chunk, step).await?;
                let outcome = chunk.and_then(|chunk| chunk.results.get(index));
                Ok::<_, StoreError>(outcome.unwrap_or(Outcome::Pending))
            })
            .buffered(8)
            .try_collect()
            .await?;
        let mut contents: BTreeMap<CampaignId, Option<Content>> = BTreeMap::new();
        for id in deliveries.iter().map(|delivery| delivery.campaign).collect::<BTreeSet<_>>() {
            let campaign = outreach.campaign(id).await?;
            contents.insert(id, campaign.map(|campaign| campaign.content));
        }
        let events = deliveries.into_iter().zip(outcomes).map(|(delivery, outcome)| {
            let (kind, detail) = told(outcome);
            let Delivery { at, campaign, step, got: Got { variant, .. }, click, opened_on, scanned, evidence, .. } =
                delivery;
            let (clicked_at, clicked_link) = click.map(|click| (click.at, click.link)).unzip();
            let content = contents.get(&campaign).and_then(Option::as_ref);
            let first = |begins| got.get(&(campaign, begins)).copied().flatten();
            let choice = content.map(|content| content.choice(step, variant, first)).unwrap_or_default();
            let subject = content.map(|content| content.subject_of(step, choice.first).into_owned());
            let variant = content.and_then(|content| content.step(step)?.variant(variant)).map(|v| v.name.clone());
            let evidence = evidence.map(EvidenceView::from);
            Event {
                at,
                kind,
                campaign,
                step,
                subject,
                variant,
                detail,
                evidence,
                clicked_at,
                clicked_link,
                opened_on,
                scanned,
                choice,
            }
        });
        Ok(events.collect())
    }
}
