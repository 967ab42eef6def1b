//! Before a launch: what is wrong with the messages, and what to do about it.

use std::{collections::BTreeSet, iter};

use content::{
    campaign::{CampaignTemplate, FieldError as Wrong},
    channel_check::ChannelFinding,
    check::{self, Level, Need, Written},
    domain_check::{DomainFinding, Publish},
};
use domain::{
    Timestamp,
    campaign::Content,
    clicks::ClickConsent,
    health::{Sample, Trouble},
    id::CampaignId,
    policy::{Rules, screen},
    prospect::Prospect,
    sender::{Channel, Sender, SenderIdentity},
    sequence::{Choice, FIRST, Words},
    subject::SHARDS,
    volume,
};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use storage::{WorkspaceScope, accounts::Workspace, outreach::StoredCampaign};

use super::{
    health::Left,
    lifecycle::{identity_of, lacks_of_sender, to_fill_in},
    preview::{SHARDS_AT_ONCE, invented},
    steps::{compile, field, field_of},
};
use crate::{
    App, Failure, FieldError,
    letter::{Letters, Manner, with_person},
};

/// Pages of people that a launch looks at, at most: it has some seconds.
const MOST_PAGES: usize = 300;

/// The answer to a check.
#[derive(Debug, Serialize)]
pub struct Check {
    /// By step, the worst first.
    pub findings: Vec<Finding>,
}

/// One thing that there is to say, and what to do.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The number of the step; none for what concerns the whole campaign.
    pub step: Option<u8>,
    /// The name of the variant; none for what concerns the whole step.
    pub variant: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// Its stable name.
    pub code: &'static str,
    /// The field, as in an error.
    pub field: String,
    /// What it is, and what to do.
    pub message: String,
}

impl Finding {
    fn of(content: &Content, (step, choice): (u8, Choice), found: check::Finding) -> Self {
        let check::Finding { field: name, level, code, message } = found;
        let named = field_of(content, step, choice, name);
        // What a variant has from its step is the step's.
        let own = named.contains(".variants[").then(|| content.step(step)?.variant(choice.own)).flatten();
        Self { step: Some(step), variant: own.map(|variant| variant.name.clone()), level, code, field: named, message }
    }

    /// What receivers find of the Sender's domain, with the record that would mend it.
    pub(super) fn of_domain(found: DomainFinding) -> Self {
        let DomainFinding { level, code, message, publish } = found;
        let message = match publish {
            Some(Publish { name, kind, value }) => format!("{message}. Publish: {name} {kind} {value}"),
            None => message,
        };
        Self { step: None, variant: None, level, code, field: "sender.identity.from_email".into(), message }
    }

    /// What a check of a relay found, or that nobody has checked it.
    pub(super) fn of_relay((channel, found): (&Channel, ChannelFinding)) -> Self {
        let ChannelFinding { level, code, message } = found;
        let message = format!("channel \u{201c}{}\u{201d}: {message}", channel.name);
        Self { step: None, variant: None, level, code, field: "channels".into(), message }
    }

    /// That too much of what went by a channel lately came back.
    fn of_harm(channel: &str, (sample, trouble): (Sample, Trouble)) -> Self {
        let (code, what, count) = match trouble {
            Trouble::Bounces => ("channel_bounces", "came back", sample.bounced),
            Trouble::Complaints => ("channel_complaints", "were reported as spam", sample.complained),
        };
        let message = format!(
            "channel \u{201c}{channel}\u{201d}: {count} of its last {} messages {what} (GET /v1/health): let it rest, or send \
             less by it, until that share falls",
            sample.handed
        );
        Self { step: None, variant: None, level: Level::Warning, code, field: "channels".into(), message }
    }

    fn missing(FieldError { field: name, message }: FieldError) -> Self {
        let step =
            (FIRST..=domain::sequence::LAST).find(|number| name.starts_with(&field((number - FIRST).into(), "")));
        Self { step, variant: None, level: Level::Error, code: "missing", field: name, message }
    }
}

/// People of the audience, and how many of them lack each value.
#[derive(Default, Clone)]
struct Lacks {
    people: u64,
    of: Vec<u64>,
    /// Pages that were looked at.
    pages: usize,
}

/// Whose lacks of what are looked for.
#[derive(Clone, Copy)]
struct Survey<'a> {
    campaign: &'a StoredCampaign,
    sender: &'a SenderIdentity,
    rules: Rules,
    needs: &'a [((u8, Choice), Need)],
    now: Timestamp,
}

impl Lacks {
    fn none(survey: Survey<'_>) -> Self {
        Self { people: 0, of: vec![0; survey.needs.len()], pages: 0 }
    }

    fn add(&mut self, people: u64, lacking: impl Iterator<Item = u64>) {
        self.people += people;
        self.of.iter_mut().zip(lacking).for_each(|(sum, more)| *sum += more);
    }
}

impl App {
    /// Looks at everything that a launch would look at, and at what only costs reach. Changes nothing.
    pub async fn check_campaign(
        &self,
        scope: &WorkspaceScope,
        id: CampaignId,
        now: Timestamp,
    ) -> Result<Check, Failure> {
        let (campaign, _) = self.campaign_and_progress(scope, id).await?;
        let accounts = self.db.accounts(scope);
        let workspace = accounts.workspace().await?.ok_or_else(Failure::unauthenticated)?;
        let sender = accounts.sender().await?;
        let missing = campaign.content.missing().into_iter().map(to_fill_in);
        let mut findings: Vec<_> =
            missing.chain(lacks_of_sender(sender.as_ref(), &campaign.content.channels)).map(Finding::missing).collect();
        if let Some(sender) = &sender {
            let identity = identity_of(sender, &campaign.content);
            findings.extend(self.findings_of_messages(scope, &workspace, &identity, &campaign, now).await?);
            findings.extend(self.findings_of_channels(scope, &workspace, sender, &campaign, now).await?);
            let harmful = self.harmful_channels(scope, now).await?;
            let going_by = sender.among(&campaign.content.channels);
            findings.extend(going_by.into_iter().filter_map(|c| Some(Finding::of_harm(&c.name, *harmful.get(&c.id)?))));
            findings.extend(self.findings_of_audience(scope, &workspace, &identity, &campaign, now).await?);
        }
        findings.sort_by_key(|finding| (finding.step, finding.level));
        Ok(Check { findings })
    }

    /// What can be said of the steps that are written, whoever gets them.
    pub(super) async fn findings_of_messages(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        sender: &SenderIdentity,
        campaign: &StoredCampaign,
        now: Timestamp,
    ) -> Result<Vec<Finding>, Failure> {
        let content = &campaign.content;
        let pepper = self.pepper().await?;
        let person = somebody(sender, campaign, now);
        let manner = Manner { thread: &[], date: now, informed: false, test: false, preview: true, smtputf8: false };
        let mut findings = Vec::new();
        for (number, choice, templates) in written(campaign) {
            let finding = |found| Finding::of(content, (number, choice), found);
            let templates = match templates {
                Ok(templates) => templates,
                Err(wrong) => {
                    findings.extend(wrong.iter().map(check::unusable).map(finding));
                    continue;
                }
            };
            let Some(words) = content.step(number).map(|step| step.words(choice.own)) else { continue };
            let message = Written {
                templates: &templates,
                begins_thread: words.subject.is_some(),
                has_text: !words.text.trim().is_empty(),
                has_html: words.html.is_some(),
                removed: words.removed,
            };
            let letters = Letters {
                objections: false,
                workspace: scope.workspace(),
                campaign: campaign.id,
                content,
                step: number,
                templates: &templates,
                sender,
                retention_months: workspace.retention_months,
                public_url: &self.config.public_url,
                inbound_domain: &self.config.inbound_domain,
                records: workspace.records(),
                pepper,
            };
            let size = letters.size(&person, manner)?;
            let signed = size.is_some() && letters.is_too_long_signed(&person, Manner { preview: false, ..manner });
            let size = check::size(size, message.has_html);
            let signed = signed.then(|| check::too_long_for_clicks(message.has_html));
            findings.extend(check::message(&message).into_iter().chain(size).chain(signed).map(finding));
        }
        Ok(each_once(findings))
    }

    /// What the domains and the relays lack that it goes by. What receivers hold bulk senders to is an error where it may
    /// send as much in a day.
    pub(super) async fn findings_of_channels(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        sender: &Sender,
        campaign: &StoredCampaign,
        now: Timestamp,
    ) -> Result<Vec<Finding>, Failure> {
        let named = &campaign.content.channels;
        let of_domains = self.findings_of_domain(scope, sender, named).await?;
        let of_relays = self.findings_of_relays(scope, sender, named, now).await?;
        let from = |channel: &Channel| sender.identity_by(channel).from_email.domain().to_owned();
        let at_domains =
            of_domains.iter().filter(|(_, found)| found.counts_in_bulk()).map(|(domain, _)| domain.clone());
        let at_relays = of_relays.iter().filter(|(_, found)| found.counts_in_bulk()).map(|(channel, _)| from(channel));
        let concerned: BTreeSet<String> = at_domains.chain(at_relays).collect();
        let bulk = self.in_bulk(scope, workspace, sender, campaign, concerned, now).await?;
        let of_domains = of_domains
            .into_iter()
            .map(|(domain, found)| Finding::of_domain(if bulk.contains(&domain) { found.in_bulk() } else { found }));
        let of_relays = of_relays.into_iter().map(|(channel, found)| {
            Finding::of_relay((channel, if bulk.contains(&from(channel)) { found.in_bulk() } else { found }))
        });
        Ok(of_domains.chain(of_relays).collect())
    }

    /// Those of some domains from which a campaign may send as much in a day as a bulk sender, with what other campaigns send
    /// from there today, or from which as much has left on a day of late. Where caps rule that out nobody is counted, and
    /// elsewhere only as many as it takes.
    async fn in_bulk(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        sender: &Sender,
        campaign: &StoredCampaign,
        mut domains: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<BTreeSet<String>, Failure> {
        let named = &campaign.content.channels;
        if domains.is_empty() {
            return Ok(domains);
        }
        let left = self.left_by_domain(scope, sender, now).await?;
        let is_bulk = |domain: &String, people| {
            let Left { busiest, today } = left.get(&domain.to_ascii_lowercase()).copied().unwrap_or_default();
            let more = volume::most_a_day(sender, named, domain, people);
            busiest.max(today.saturating_add(more)) >= volume::BULK
        };
        domains.retain(|domain| is_bulk(domain, u64::MAX));
        if domains.is_empty() {
            return Ok(domains);
        }
        let identity = identity_of(sender, &campaign.content);
        let rules = Rules { retention_months: workspace.retention_months };
        let enough = volume::enough(sender, named);
        let survey = Survey { campaign, sender: &identity, rules, needs: &[], now };
        let people = self.survey(scope, survey, enough).await?.people;
        domains.retain(|domain| is_bulk(domain, people));
        Ok(domains)
    }

    /// What is wrong where nobody would get the message: an audience of nobody, or values without a fallback that nobody of it
    /// has. Only as many people are looked at as it takes to see somebody who would.
    pub(super) async fn findings_of_nobody(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        sender: &SenderIdentity,
        campaign: &StoredCampaign,
        now: Timestamp,
    ) -> Result<Vec<Finding>, Failure> {
        let needs = needs_of(campaign);
        let rules = Rules { retention_months: workspace.retention_months };
        let found = self.survey(scope, Survey { campaign, sender, rules, needs: &needs, now }, 1).await?;
        // Where not everybody was looked at there may be somebody.
        Ok(if found.pages >= MOST_PAGES { Vec::new() } else { of_audience(campaign, needs, found) })
    }

    /// Goes through the audience until there are `enough` people in it, and each value is somebody's; or until a launch has
    /// looked long enough.
    async fn survey(&self, scope: &WorkspaceScope, survey: Survey<'_>, enough: u64) -> Result<Lacks, Failure> {
        let mut found = Lacks::none(survey);
        let seen = |found: &Lacks| {
            let everything = found.people >= enough && found.of.iter().all(|lacking| *lacking < found.people);
            everything || found.pages >= MOST_PAGES
        };
        for shard in 0..SHARDS {
            self.survey_shard(scope, survey, shard, &mut found, seen).await?;
            if seen(&found) {
                break;
            }
        }
        Ok(found)
    }

    /// Who would be left out for want of a value.
    async fn findings_of_audience(
        &self,
        scope: &WorkspaceScope,
        workspace: &Workspace,
        sender: &SenderIdentity,
        campaign: &StoredCampaign,
        now: Timestamp,
    ) -> Result<Vec<Finding>, Failure> {
        let needs = needs_of(campaign);
        let rules = Rules { retention_months: workspace.retention_months };
        let survey = Survey { campaign, sender, rules, needs: &needs, now };
        let of_shards: Vec<Lacks> = stream::iter(0..SHARDS)
            .map(async |shard| {
                let mut found = Lacks::none(survey);
                self.survey_shard(scope, survey, shard, &mut found, |_| false).await?;
                Ok::<_, Failure>(found)
            })
            .buffered(SHARDS_AT_ONCE)
            .try_collect()
            .await?;
        let mut all = Lacks::none(survey);
        of_shards.into_iter().for_each(|found| all.add(found.people, found.of.into_iter()));
        Ok(of_audience(campaign, needs, all))
    }

    /// Adds the people of a shard that are in the audience and may be written to, and what they lack, page by page until
    /// that is `enough`.
    async fn survey_shard(
        &self,
        scope: &WorkspaceScope,
        Survey { campaign, sender, rules, needs, now }: Survey<'_>,
        shard: u8,
        found: &mut Lacks,
        enough: impl Fn(&Lacks) -> bool,
    ) -> Result<(), Failure> {
        let audience = &campaign.content.audience;
        let in_it = |p: &&Prospect| audience.includes(p) && screen(Some(p), rules, now).is_ok();
        let mut after = None;
        loop {
            let page = self.db.prospects(scope).page(shard, after, None).await?;
            found.pages += 1;
            for prospect in page.prospects.iter().filter(in_it) {
                with_person(sender, prospect, |person| {
                    found.add(1, needs.iter().map(|(_, need)| person.value(need.variable).is_none().into()));
                });
            }
            match page.next {
                Some(next) if !enough(found) => after = Some(next),
                Some(_) | None => return Ok(()),
            }
        }
    }
}

/// What to say of those who are in the audience: that it is nobody, or what they lack.
fn of_audience(campaign: &StoredCampaign, needs: Vec<((u8, Choice), Need)>, found: Lacks) -> Vec<Finding> {
    let nobody = found.people == 0 && !campaign.content.audience.is_empty();
    let empty = nobody.then(|| Finding {
        step: None,
        variant: None,
        level: Level::Error,
        code: "audience_empty",
        field: "audience".into(),
        message: "there is nobody in it who can be written to: import people, or say it otherwise".into(),
    });
    empty.into_iter().chain(of_needs(campaign, needs, found)).collect()
}

/// What to say of values without a fallback. Of a step with variants somebody gets something as long as one of them needs
/// nothing that everybody lacks.
fn of_needs(
    campaign: &StoredCampaign,
    needs: Vec<((u8, Choice), Need)>,
    Lacks { people, of, .. }: Lacks,
) -> Vec<Finding> {
    let lacked = |(((step, choice), need), lacking): (&((u8, Choice), Need), &u64)| {
        (need.always && people > 0 && *lacking == people).then_some((*step, *choice))
    };
    let hopeless: Vec<_> = iter::zip(&needs, &of).filter_map(lacked).collect();
    let of_step = |step| written(campaign).filter(move |(number, ..)| *number == step);
    let mut reach_nobody: Vec<u8> = hopeless.iter().map(|(step, _)| *step).collect();
    reach_nobody.dedup();
    reach_nobody.retain(|step| of_step(*step).all(|(number, choice, _)| hopeless.contains(&(number, choice))));
    each_once(iter::zip(needs, of).map(|((at, need), lacking)| {
        let need = Need { always: need.always && reach_nobody.contains(&at.0), ..need };
        Finding::of(&campaign.content, at, check::no_fallback(need, lacking, people))
    }))
}

/// The values without a fallback that its messages use.
fn needs_of(campaign: &StoredCampaign) -> Vec<((u8, Choice), Need)> {
    let of = |(number, choice, templates): (u8, Choice, Result<_, _>)| {
        let needs = templates.map(|templates| check::needs(&templates)).unwrap_or_default();
        needs.into_iter().map(move |need| ((number, choice), need))
    };
    written(campaign).flat_map(of).collect()
}

/// The messages that are written, of each step and variant: those with a subject and something to read, and their
/// templates. Each of a reply's variants answers the first variant of what it replies to.
fn written(campaign: &StoredCampaign) -> impl Iterator<Item = (u8, Choice, Result<CampaignTemplate, Vec<Wrong>>)> {
    let content = &campaign.content;
    let all = (FIRST..).zip(&content.steps).flat_map(|(number, step)| {
        content.choices(number, None).into_iter().map(move |choice| (number, choice, step.words(choice.own)))
    });
    let can_be = |(number, choice, words): &(u8, Choice, Words<'_>)| {
        words.has_body() && !content.subject_of(*number, choice.first).trim().is_empty()
    };
    all.filter(can_be).map(|(number, choice, _)| (number, choice, compile(content, number, choice)))
}

/// What several variants have from their step is said once.
fn each_once(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    let mut once = Vec::new();
    for finding in findings {
        if !once.contains(&finding) {
            once.push(finding);
        }
    }
    once
}

/// Somebody of whom everything is known.
fn somebody(sender: &SenderIdentity, campaign: &StoredCampaign, now: Timestamp) -> Prospect {
    let mut person = invented(&sender.from_email, campaign.content.locale, now);
    person.details.country = Some("FR".into());
    person.details.tags.insert("salon".into());
    let given_on = person.source.collected_on;
    person.click_consent = Some(ClickConsent { given_on, how: String::new(), opens: true, withdrawn_at: None });
    person
}
