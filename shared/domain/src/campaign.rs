//! A campaign: what is written, to whom, on what grounds, and the states it passes through.

mod tally;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    calendar::Window,
    health::{Sample, Trouble},
    id::{CampaignId, ChannelId, ImportId},
    locale::Locale,
    prospect::Prospect,
    sequence::{FIRST, Step},
    variant::Decision,
};

pub use self::tally::{Clicks, Counts, Tallies, Tally};

/// Who a campaign is for. Several conditions all have to hold; an empty audience is nobody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audience {
    /// Every prospect of the workspace.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Has at least one of these tags.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags_any: BTreeSet<String>,
    /// Has all of these tags.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub tags_all: BTreeSet<String>,
    /// Last written by this import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportId>,
    /// This text occurs in the name, company, job title or address, whatever the case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Audience {
    /// True when nothing was asked for: such an audience is refused at launch.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this person belongs to it.
    pub fn includes(&self, prospect: &Prospect) -> bool {
        let details = &prospect.details;
        !self.is_empty()
            && (self.tags_any.is_empty() || !self.tags_any.is_disjoint(&details.tags))
            && self.tags_all.is_subset(&details.tags)
            && self.import.is_none_or(|wanted| prospect.import.is_some_and(|mark| mark.import == wanted))
            && self.text.as_deref().is_none_or(|text| mentions(prospect, text))
    }
}

/// Longest text that is searched for, in characters.
pub const LONGEST_SEARCH: usize = 200;

/// What `text` is searched for as: trimmed. `None` when it is blank or too long, which finds nobody.
pub fn search(text: &str) -> Option<&str> {
    let text = text.trim();
    (1..=LONGEST_SEARCH).contains(&text.chars().count()).then_some(text)
}

/// Whether `text` occurs in what identifies a prospect, ignoring case.
pub fn mentions(prospect: &Prospect, text: &str) -> bool {
    let Some(needle) = search(text).map(str::to_lowercase) else { return false };
    let details = &prospect.details;
    let full_name = details.full_name();
    [Some(prospect.email.expose()), full_name.as_deref(), details.company.as_deref(), details.job_title.as_deref()]
        .into_iter()
        .flatten()
        .any(|hay| hay.to_lowercase().contains(&needle))
}

/// Art. 6.1.f: the assessment without which nothing is launched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LegitimateInterest {
    /// What the Sender is after.
    pub interest: String,
    /// Why a message is needed for it.
    pub necessity: String,
    /// Why it does not weigh more than the person's own interests.
    pub balancing: String,
    /// What protects the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safeguards: Option<String>,
}

/// What a member writes. Incomplete drafts are allowed; [`Content::missing`] says what a launch needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The campaign's name, for the Sender only.
    pub name: String,
    /// What it is for, told to every recipient (art. 14).
    #[serde(default)]
    pub purpose: String,
    /// To whom.
    #[serde(default)]
    pub audience: Audience,
    /// Its messages, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// The hours in which they leave; at any hour without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// The channels it goes by; by all of the Sender's when none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelId>,
    /// Whether an answer stops it for everybody else of the same company, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_company_on_reply: bool,
    /// What the Sender tells people about the use of their data, in its own words (art. 14).
    #[serde(default)]
    pub information_notice: String,
    /// The assessment.
    #[serde(default)]
    pub legitimate_interest_assessment: LegitimateInterest,
    /// The language of the message, for people whose own is unknown.
    #[serde(default)]
    pub locale: Locale,
}

impl Content {
    /// The fields still to be filled in before a launch, by their names in the API.
    pub fn missing(&self) -> Vec<String> {
        let assessment = &self.legitimate_interest_assessment;
        let texts = [
            ("name", &self.name),
            ("purpose", &self.purpose),
            ("information_notice", &self.information_notice),
            ("legitimate_interest_assessment.interest", &assessment.interest),
            ("legitimate_interest_assessment.necessity", &assessment.necessity),
            ("legitimate_interest_assessment.balancing", &assessment.balancing),
        ];
        let mut missing: Vec<_> =
            texts.into_iter().filter(|(_, text)| text.trim().is_empty()).map(|(name, _)| name.to_owned()).collect();
        if self.audience.is_empty() {
            missing.push("audience".into());
        }
        if self.steps.is_empty() {
            missing.push("steps".into());
        }
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 && step.delay.is_none() {
                missing.push(format!("steps[{index}].delay"));
            }
            for letter in step.letters() {
                let (words, variant) =
                    (step.words(letter), letter.map(|letter| format!(".variants[{}]", letter.index())));
                // A later step without a subject is a reply.
                let lacks = [("subject", index == 0 && words.subject.is_none()), ("text", !words.has_body())];
                let lacks = lacks.into_iter().filter(|(_, lacking)| *lacking);
                let variant = variant.unwrap_or_default();
                missing.extend(lacks.map(|(name, _)| format!("steps[{index}]{variant}.{name}")));
            }
        }
        missing
    }
}

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignStatus {
    /// Being written.
    Draft,
    /// Leaving.
    Sending,
    /// Stopped for now; nothing leaves.
    Paused,
    /// Every recipient has an outcome.
    Completed,
    /// Stopped for good; who was not written to never will be.
    Cancelled,
}

/// What stands in the way of a campaign, until somebody does something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// None of the channels that it was launched with is there any more.
    NoChannel,
    /// Amazon SES has paused the sending of the operator's account.
    SendingPaused,
    /// The channels that somebody still waits for cannot be used.
    ChannelUnusable,
    /// The workspace is suspended because of abuse (A70).
    WorkspaceSuspended,
    /// The workspace is closed, or was, and its relays have lost their passwords with that (A29).
    WorkspaceClosed,
}

impl Halt {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoChannel => "no_channel",
            Self::SendingPaused => "sending_paused",
            Self::ChannelUnusable => "channel_unusable",
            Self::WorkspaceSuspended => "workspace_suspended",
            Self::WorkspaceClosed => "workspace_closed",
        }
    }
}

/// What a member may do to a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Send it.
    Launch,
    /// Hold it.
    Pause,
    /// Go on.
    Resume,
    /// End it.
    Cancel,
}

impl CampaignStatus {
    /// The status a command leads to; `None` when it makes no sense now.
    pub fn after(self, command: Command) -> Option<CampaignStatus> {
        use CampaignStatus::{Cancelled, Draft, Paused, Sending};
        match (self, command) {
            (Draft, Command::Launch) | (Paused, Command::Resume) => Some(Sending),
            (Sending, Command::Pause) => Some(Paused),
            (Sending | Paused, Command::Cancel) => Some(Cancelled),
            _ => None,
        }
    }
}

/// The moving part of a launched campaign, small enough for one read unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The campaign.
    pub campaign: CampaignId,
    /// Where it stands.
    pub status: CampaignStatus,
    /// Raised by every launch, pause, resume and cancel: what was decided under an older one is void.
    pub epoch: u64,
    /// When it was launched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Timestamp>,
    /// People planned so far; the whole audience once `planned` is true.
    #[serde(default)]
    pub audience: u64,
    /// True when the fan-out has been through all prospects.
    #[serde(default)]
    pub planned: bool,
    /// Messages that everybody is to get, one after the other.
    #[serde(default = "one_step")]
    pub steps: u8,
    /// True when messages may wait for hours: `fan-out` does not then look for the end.
    #[serde(default)]
    pub waits: bool,
    /// When the last recipient got an outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// Why it was paused without anybody asking; `None` when somebody did, and when it is not paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What stands in its way, when that is why it was paused without anybody asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// The channels it goes by, as they were at its launch: everybody keeps theirs in all its steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelId>,
    /// What had come back when a member let it go on: it is judged by what comes after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_from: Option<Sample>,
    /// The variants that have won, by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub winners: Vec<Decision>,
    /// Until when somebody waits because the messages of the day of the account at SES are used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_until: Option<Timestamp>,
    /// When it is looked at again whether the account at SES, which is paused, sends again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ses_paused_until: Option<Timestamp>,
    /// Looks for its end that were asked for since it was launched or resumed: of several that are on the queue, only the last
    /// asks for another.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub looks: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(looks: &u32) -> bool {
    *looks == 0
}

const fn one_step() -> u8 {
    FIRST
}

impl Progress {
    /// Of a campaign that is being written.
    pub const fn draft(campaign: CampaignId) -> Self {
        Self {
            campaign,
            status: CampaignStatus::Draft,
            epoch: 0,
            launched_at: None,
            audience: 0,
            planned: false,
            steps: FIRST,
            waits: false,
            completed_at: None,
            trouble: None,
            halt: None,
            channels: Vec::new(),
            judged_from: None,
            winners: Vec::new(),
            quota_until: None,
            ses_paused_until: None,
            looks: 0,
        }
    }

    /// Which variant of a step has won, if that is decided.
    pub fn winner(&self, step: u8) -> Option<&Decision> {
        self.winners.iter().find(|decision| decision.step == step)
    }

    /// How many messages the audience planned so far is to get.
    pub const fn messages(&self) -> u64 {
        self.audience * self.steps as u64
    }

    /// The same at `now`, moved on to another status.
    #[must_use]
    pub fn moved(&self, next: CampaignStatus, now: Timestamp) -> Self {
        let mut moved = Self { status: next, epoch: self.epoch + 1, trouble: None, halt: None, ..self.clone() };
        match next {
            CampaignStatus::Sending if self.launched_at.is_none() => moved.launched_at = Some(now),
            CampaignStatus::Completed => moved.completed_at = Some(now),
            _ => {}
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a63_nothing_is_complete_without_the_senders_own_words() {
        let complete = serde_json::json!({
            "name": "Autumn", "purpose": "tools", "audience": {"all": true},
            "steps": [{"subject": "s", "text": "t"}],
            "information_notice": "n",
            "legitimate_interest_assessment": {"interest": "i", "necessity": "n", "balancing": "b"},
        });
        let missing = |json: &serde_json::Value| serde_json::from_value::<Content>(json.clone()).unwrap().missing();
        assert_eq!(missing(&complete), [""; 0]);
        for field in ["name", "purpose", "audience", "steps", "information_notice"] {
            let mut without = complete.clone();
            without.as_object_mut().unwrap().remove(field);
            let found = if field == "name" {
                without["name"] = " ".into();
                missing(&without)
            } else {
                missing(&without)
            };
            assert_eq!(found, [field]);
        }
        for part in ["interest", "necessity", "balancing"] {
            let mut without = complete.clone();
            without["legitimate_interest_assessment"][part] = " ".into();
            assert_eq!(missing(&without), [format!("legitimate_interest_assessment.{part}")]);
        }
    }

    #[test]
    fn every_step_needs_something_to_say_and_a_later_one_its_delay() {
        let missing = |steps: serde_json::Value| -> Vec<String> {
            let content: Content = serde_json::from_value(serde_json::json!({"name": "x", "steps": steps})).unwrap();
            content.missing().into_iter().filter(|field| field.starts_with("steps")).collect()
        };
        for (steps, expected) in [
            (serde_json::json!([{"text": "t"}]), ["steps[0].subject"].as_slice()),
            (serde_json::json!([{"subject": "s", "text": " "}]), &["steps[0].text"]),
            (serde_json::json!([{"subject": "s", "html": "<p>h"}]), &[]),
            (serde_json::json!([{"subject": "s", "text": "t"}, {"text": "u"}]), &["steps[1].delay"]),
            (serde_json::json!([{"subject": "s", "text": "t"}, {"delay": {"hours": 1}}]), &["steps[1].text"]),
            (serde_json::json!([{"subject": "s", "text": "t"}, {"delay": {"working_days": 2}, "text": "u"}]), &[]),
            (
                serde_json::json!([{"text": "t", "variants": [{"name": "A", "weight": 1, "subject": "s"}, {"name": "B", "weight": 1}]}]),
                &["steps[0].variants[1].subject"],
            ),
        ] {
            assert_eq!(missing(steps.clone()), expected, "{steps}");
        }
    }

    #[test]
    fn commands_make_sense_only_where_they_do() {
        use CampaignStatus::{Cancelled, Completed, Draft, Paused, Sending};
        use Command::{Cancel, Launch, Pause, Resume};
        let table = [
            (Draft, [Some(Sending), None, None, None]),
            (Sending, [None, Some(Paused), None, Some(Cancelled)]),
            (Paused, [None, None, Some(Sending), Some(Cancelled)]),
            (Completed, [None; 4]),
            (Cancelled, [None; 4]),
        ];
        for (from, expected) in table {
            for (command, to) in [Launch, Pause, Resume, Cancel].into_iter().zip(expected) {
                assert_eq!(from.after(command), to, "{from:?} {command:?}");
            }
        }
    }
}
