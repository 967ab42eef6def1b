//! Before a launch: the messages as a recipient gets them, and exactly who gets the first, who does not, and why.
//!
//! It asks the very questions that the sending asks, in the same order, of every person.

use std::collections::{BTreeMap, HashMap};

use content::{campaign::Forms, message};
use domain::{
    Timestamp,
    clicks::Recorded,
    email::EmailAddress,
    id::CampaignId,
    locale::Locale,
    policy::{Refusal, Rules, screen},
    prospect::{Details, LawfulBasis, Prospect, ProspectState, Source, SourceKind},
    sequence::FIRST,
    subject::{SHARDS, Subject},
    suppression::Suppression,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use storage::{WorkspaceScope, accounts::Workspace};

use super::{lifecycle::identity_of, templates};
use crate::{
    App, Failure,
    letter::{Letters, Manner},
};

/// The answer to a preview.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// Every step and variant, for the first person who will receive the first; for an invented one when nobody will.
    pub samples: Vec<Sample>,
    /// `audience = will_receive + refused`.
    pub counts: PreviewCounts,
    /// Why, and how many.
    pub refused_by_reason: BTreeMap<&'static str, u64>,
}

/// One message of a campaign.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// The number of its step.
    pub step: u8,
    /// The name of the variant, where the step has any.
    pub variant: Option<String>,
    /// What a mailbox shows.
    #[serde(flatten)]
    pub message: message::Preview,
    /// How it differs from person to person.
    pub forms: Forms,
}

/// How many get it.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct PreviewCounts {
    /// Everybody the audience names.
    pub audience: u64,
    /// Nothing speaks against writing to them.
    pub will_receive: u64,
    /// Something does.
    pub refused: u64,
}

/// Shards read at once.
pub(super) const SHARDS_AT_ONCE: usize = 4;

#[derive(Default)]
struct Found {
    will_receive: u64,
    refused: BTreeMap<Refusal, u64>,
    first: Option<Prospect>,
}

impl App {
    /// Counts everybody, now. An opt-out that arrives before a message leaves still wins.
    pub async fn preview_campaign(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<Preview, Failure> {
        let (campaign, _) = self.campaign_and_progress(scope, id).await?;
        let workspace = self.db.accounts(scope).workspace().await?.ok_or_else(Failure::unauthenticated)?;
        let sender = self.db.accounts(scope).sender().await?.ok_or_else(no_sender)?;
        let pepper = self.pepper().await?;
        let content = &campaign.content;
        let identity = identity_of(&sender, content);
        let steps = (FIRST..=content.last_step().max(FIRST))
            .flat_map(|step| content.choices(step, None).into_iter().map(move |choice| (step, choice)));
        let compiled = steps.map(|(step, choice)| Ok((step, choice.own, templates(content, step, choice)?)));
        let compiled = compiled.collect::<Result<Vec<_>, Failure>>()?;
        let letters = |step: u8, templates| Letters {
            objections: false,
            workspace: scope.workspace(),
            campaign: campaign.id,
            content,
            step,
            templates,
            sender: &identity,
            retention_months: workspace.retention_months,
            public_url: &self.config.public_url,
            inbound_domain: &self.config.inbound_domain,
            records: Recorded::default(),
            pepper,
        };
        let first = compiled.iter().filter(|(step, ..)| *step == FIRST);
        let first: Vec<_> = first.map(|(step, _, templates)| letters(*step, templates)).collect();
        let shards: Vec<Found> = stream::iter(0..SHARDS)
            .map(|shard| self.preview_shard(scope, &first, &workspace, shard, now))
            .buffered(SHARDS_AT_ONCE)
            .try_collect()
            .await?;
        let mut all = Found::default();
        for found in shards {
            all.will_receive += found.will_receive;
            all.first = all.first.or(found.first);
            for (reason, count) in found.refused {
                *all.refused.entry(reason).or_default() += count;
            }
        }
        let refused = all.refused.values().sum();
        let person = all.first.unwrap_or_else(|| invented(&identity.from_email, content.locale, now));
        let manner = Manner { thread: &[], date: now, informed: false, test: false, preview: true, smtputf8: false };
        let samples = compiled.iter().map(|(step, own, templates)| {
            let letters = letters(*step, templates);
            let rendered = letters.render(&person).map_err(|_| unrenderable())?;
            let variant = content.step(*step).and_then(|step| step.variant(*own)).map(|variant| variant.name.clone());
            let message = letters.preview(&person, &rendered, manner)?;
            Ok(Sample { step: *step, variant, message, forms: letters.forms(&person) })
        });
        Ok(Preview {
            samples: samples.collect::<Result<_, Failure>>()?,
            counts: PreviewCounts { audience: all.will_receive + refused, will_receive: all.will_receive, refused },
            refused_by_reason: all.refused.into_iter().map(|(reason, count)| (reason.as_str(), count)).collect(),
        })
    }

    async fn preview_shard(
        &self,
        scope: &WorkspaceScope,
        variants: &[Letters<'_>],
        workspace: &Workspace,
        shard: u8,
        now: Timestamp,
    ) -> Result<Found, Failure> {
        let rules = Rules { retention_months: workspace.retention_months };
        let suppressed: HashMap<Subject, Suppression> =
            self.db.suppressions(scope).of_shard(shard, now).await?.into_iter().map(|s| (s.subject, s)).collect();
        let mut found = Found::default();
        let mut after = None;
        let Some(any) = variants.first() else { return Ok(found) };
        loop {
            let page = self.db.prospects(scope).page(shard, after, None).await?;
            for prospect in page.prospects.into_iter().filter(|p| any.content.audience.includes(p)) {
                // The one that they will get.
                let lot = any.pepper.lot(any.campaign, any.step, prospect.subject);
                let variant = any.content.step(any.step).and_then(|step| step.pick(lot));
                let letters = variant.and_then(|variant| variants.get(variant.index())).unwrap_or(any);
                let answer = screen(Some(&prospect), rules, now)
                    .and_then(|_| letters.render(&prospect))
                    .and_then(|_| suppressed.get(&prospect.subject).map_or(Ok(()), |s| Err(s.reason.into())));
                match answer {
                    Ok(()) => {
                        found.will_receive += 1;
                        found.first.get_or_insert(prospect);
                    }
                    Err(reason) => *found.refused.entry(reason).or_default() += 1,
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }
}

pub(super) fn no_sender() -> Failure {
    Failure::refused("launch-refused", "Say who sends first: PUT /v1/sender. Every message carries that identity.")
}

pub(super) fn unrenderable() -> Failure {
    Failure::refused("message-not-possible", "The message uses a value that is missing. Give each merge tag a default.")
}

/// Somebody to show the message for when there is nobody yet.
pub(crate) fn invented(email: &EmailAddress, locale: Locale, now: Timestamp) -> Prospect {
    let text = |fr: &str, en: &str| Some(if locale == Locale::Fr { fr } else { en }.to_owned());
    Prospect {
        subject: Subject::from_bytes([0; 16]),
        email: email.clone(),
        details: Details {
            first_name: Some("Camille".into()),
            last_name: Some("Exemple".into()),
            company: text("Société Exemple", "Example Company"),
            job_title: text("Responsable des achats", "Head of purchasing"),
            ..Details::default()
        },
        source: Source {
            kind: SourceKind::Other,
            detail: text("aperçu, personne inventée", "preview, an invented person").unwrap_or_default(),
            collected_on: now.to_zoned(jiff::tz::TimeZone::UTC).date(),
        },
        lawful_basis: LawfulBasis::LegitimateInterest,
        state: ProspectState::Active,
        restricted_by: None,
        edited: Default::default(),
        import: None,
        created_at: now,
        updated_at: now,
        last_contact_at: None,
        away_until: None,
        last_click_at: None,
        click_consent: None,
    }
}
