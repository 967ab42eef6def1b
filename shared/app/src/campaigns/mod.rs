//! Campaigns: drafting them, saying who gets them, and moving them from one state to the next.

mod audience;
mod check;
mod compared;
mod health;
mod lifecycle;
mod preview;
mod read;
mod steps;
mod variants;

use domain::{
    Timestamp,
    audit::Action,
    calendar::{BadWindow, Window},
    campaign::{Audience, CampaignStatus, Content, LegitimateInterest, Progress, Tallies},
    email::without_addresses,
    id::{CampaignId, ChannelId},
    locale::Locale,
    sender::MOST_CHANNELS,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use storage::{WorkspaceScope, outreach::StoredCampaign};

pub use check::{Check, Finding};
pub use health::HealthView;
pub(crate) use preview::invented;
pub use preview::{Preview, PreviewCounts, Sample};
pub(crate) use read::why_failed;
pub use read::{CampaignView, RecipientView};
pub(crate) use steps::{compile, templates};

use self::{audience::AskedAudience, steps::AskedStep};
use crate::{
    App, Failure, FieldError, chance,
    fields::{not_null, present, visible},
};

/// What a member writes: all of it optional, unknown fields refused. `null` takes away the window and the channels.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    #[serde(deserialize_with = "not_null")]
    name: Option<String>,
    #[serde(deserialize_with = "not_null")]
    purpose: Option<String>,
    #[serde(deserialize_with = "not_null")]
    audience: Option<AskedAudience>,
    #[serde(deserialize_with = "not_null")]
    steps: Option<Vec<AskedStep>>,
    #[serde(deserialize_with = "present")]
    window: Option<Option<Window>>,
    #[serde(deserialize_with = "present")]
    channels: Option<Option<Vec<ChannelId>>>,
    #[serde(deserialize_with = "not_null")]
    stop_company_on_reply: Option<bool>,
    #[serde(deserialize_with = "not_null")]
    information_notice: Option<String>,
    #[serde(deserialize_with = "not_null")]
    legitimate_interest_assessment: Option<Assessment>,
    #[serde(deserialize_with = "not_null")]
    locale: Option<Locale>,
}

/// The assessment in its parts, or as one text that answers for all of them.
#[derive(Debug)]
enum Assessment {
    Parts(LegitimateInterest),
    Text(String),
}

impl<'de> Deserialize<'de> for Assessment {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Assessment;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object with interest, necessity and balancing, or one text for all of them")
            }

            fn visit_str<E>(self, text: &str) -> Result<Assessment, E> {
                Ok(Assessment::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, parts: A) -> Result<Assessment, A::Error> {
                LegitimateInterest::deserialize(MapAccessDeserializer::new(parts)).map(Assessment::Parts)
            }
        }

        given.deserialize_any(Either)
    }
}

impl From<Assessment> for LegitimateInterest {
    fn from(assessment: Assessment) -> Self {
        match assessment {
            Assessment::Parts(parts) => parts,
            Assessment::Text(text) => {
                Self { interest: text.clone(), necessity: text.clone(), balancing: text, safeguards: None }
            }
        }
    }
}

impl Draft {
    /// Whether nothing is there.
    const fn is_empty(&self) -> bool {
        let Self { name, purpose, audience, steps, window, channels, stop_company_on_reply, .. } = self;
        let Self { information_notice, legitimate_interest_assessment, locale, .. } = self;
        let texts = name.is_none() && purpose.is_none() && information_notice.is_none();
        let ways = window.is_none() && channels.is_none() && stop_company_on_reply.is_none() && locale.is_none();
        texts && ways && audience.is_none() && steps.is_none() && legitimate_interest_assessment.is_none()
    }

    /// Writes what is there into a campaign's content, and checks all of it.
    fn apply(self, content: &mut Content) -> Result<(), Failure> {
        let mut errors = Vec::new();
        let texts = [
            ("name", self.name, &mut content.name, 200),
            ("purpose", self.purpose, &mut content.purpose, 500),
            ("information_notice", self.information_notice, &mut content.information_notice, 5_000),
        ];
        for (field, new, old, most) in texts {
            let Some(new) = new else { continue };
            check_text(field, &new, most, &mut errors);
            *old = new;
        }
        // Its name is shown to every member for as long as the account lasts.
        content.name = without_addresses(&content.name);
        if let Some(asked) = self.steps {
            content.steps = steps::checked(asked, &mut errors);
        }
        if let Some(window) = self.window {
            if let Some(Err(BadWindow(field, message))) = window.as_ref().map(Window::check) {
                errors.push(FieldError { field: format!("window.{field}"), message });
            }
            content.window = window;
        }
        if let Some(channels) = self.channels {
            content.channels = check_channels(channels.unwrap_or_default(), &mut errors);
        }
        if let Some(audience) = self.audience {
            content.audience = audience.checked(&mut errors);
        }
        if let Some(assessment) = self.legitimate_interest_assessment {
            let assessment = LegitimateInterest::from(assessment);
            for (part, text) in [
                ("interest", &assessment.interest),
                ("necessity", &assessment.necessity),
                ("balancing", &assessment.balancing),
            ] {
                check_text(&format!("legitimate_interest_assessment.{part}"), text, 2_000, &mut errors);
            }
            content.legitimate_interest_assessment = assessment;
        }
        content.stop_company_on_reply = self.stop_company_on_reply.unwrap_or(content.stop_company_on_reply);
        content.locale = self.locale.unwrap_or(content.locale);
        if content.name.contains(char::is_control) {
            errors.push(FieldError { field: "name".into(), message: "one line, without control characters".into() });
        } else if visible(&content.name).trim().is_empty() {
            errors.push(FieldError { field: "name".into(), message: "give the campaign a name".into() });
        }
        if errors.is_empty() {
            steps::check_templates(content, &mut errors);
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::fields(errors)) }
    }
}

/// Each of them once. Whether they are there is asked at the launch.
fn check_channels(mut channels: Vec<ChannelId>, errors: &mut Vec<FieldError>) -> Vec<ChannelId> {
    channels.sort_unstable();
    channels.dedup();
    if channels.len() > MOST_CHANNELS {
        errors.push(FieldError { field: "channels".into(), message: format!("{MOST_CHANNELS} channels at most") });
    }
    channels
}

fn check_text(field: &str, text: &str, most: usize, errors: &mut Vec<FieldError>) {
    let length = text.chars().count();
    if length > most {
        errors
            .push(FieldError { field: field.into(), message: format!("{most} characters at most; this has {length}") });
    }
}

impl App {
    /// Drafts a campaign.
    pub async fn create_campaign(
        &self,
        scope: &WorkspaceScope,
        draft: Draft,
        now: Timestamp,
    ) -> Result<CampaignView, Failure> {
        let workspace = self.may_begin(scope, now).await?;
        let mut content = Content {
            name: String::new(),
            purpose: String::new(),
            audience: Audience::default(),
            steps: Vec::new(),
            window: None,
            channels: Vec::new(),
            stop_company_on_reply: false,
            information_notice: String::new(),
            legitimate_interest_assessment: LegitimateInterest::default(),
            locale: workspace.locale,
        };
        draft.apply(&mut content)?;
        let id = CampaignId::new(now, chance());
        let campaign =
            StoredCampaign { id, content, made_by: scope.member(), created_at: now, updated_at: now, version: 1 };
        let progress = Progress::draft(id);
        let entry = scope.entry(Action::CampaignCreated, now).about(id);
        self.db.outreach(scope).create_campaign(&campaign, &progress, &entry).await?;
        Ok(CampaignView::new(campaign, progress, &Tallies::default(), now))
    }

    /// Changes a draft. A launched campaign is what its recipients got, so it stays.
    pub async fn change_campaign(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        draft: Draft,
        now: Timestamp,
    ) -> Result<CampaignView, Failure> {
        let (mut campaign, progress) = self.campaign_and_progress(scope, id).await?;
        if progress.status != CampaignStatus::Draft {
            return Err(Failure::conflict(
                "conflict",
                "Only a draft can be changed: this campaign was launched. Make a new one.",
            ));
        }
        if draft.is_empty() {
            let detail = "Send at least one of name, purpose, audience, steps, window, channels, stop_company_on_reply, \
                          information_notice, legitimate_interest_assessment and locale.";
            return Err(Failure::refused("validation-failed", detail));
        }
        let before = campaign.content.clone();
        draft.apply(&mut campaign.content)?;
        if campaign.content != before {
            campaign.version += 1;
            campaign.updated_at = now;
            let entry = scope.entry(Action::CampaignChanged, now).about(id);
            self.db.outreach(scope).replace_campaign(&campaign, &entry).await?;
        }
        Ok(CampaignView::new(campaign, progress, &Tallies::default(), now))
    }

    /// Deletes a draft, or a campaign that has ended.
    pub async fn delete_campaign(&self, scope: &WorkspaceScope, id: CampaignId, now: Timestamp) -> Result<(), Failure> {
        let (_, progress) = self.campaign_and_progress(scope, id).await?;
        if matches!(progress.status, CampaignStatus::Sending | CampaignStatus::Paused) {
            return Err(Failure::conflict("conflict", "The campaign is under way. Cancel it first."));
        }
        let entry = scope.entry(Action::CampaignDeleted, now).about(id);
        Ok(self.db.outreach(scope).delete_campaign(id, &entry).await?)
    }

    pub(crate) async fn campaign_and_progress(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
    ) -> Result<(StoredCampaign, Progress), Failure> {
        let outreach = self.db.outreach(scope);
        let (campaign, progress) = futures::try_join!(outreach.campaign(id), outreach.progress(id))?;
        campaign.zip(progress).ok_or_else(|| Failure::not_found("campaign"))
    }
}
