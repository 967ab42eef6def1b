//! From a campaign and a person to the message that person gets.

use content::{
    campaign::{CampaignTemplate, Forms, Rendered},
    clicks,
    message::{self, CampaignMail, ComposeError, Notice, Preview},
    template::{Kind, Person, RenderError, Template},
};
use domain::{
    Timestamp,
    campaign::Content,
    clicks::{ConsentClaim, MOST_LINKS, Pixel, Recorded, SignedLink},
    email::EmailAddress,
    id::{CampaignId, WorkspaceId},
    locale::Locale,
    message_name,
    policy::Refusal,
    prospect::Prospect,
    reply_address::ReplyAddress,
    sender::SenderIdentity,
    subject::{Pepper, Subject},
    unsubscribe::OptOutClaim,
};

use crate::Failure;

/// A campaign ready to be written to people: templates compiled, Sender known.
#[derive(Debug)]
pub struct Letters<'a> {
    /// The Sender's workspace.
    pub workspace: WorkspaceId,
    /// The campaign.
    pub campaign: CampaignId,
    /// What it says.
    pub content: &'a Content,
    /// Which of its steps.
    pub step: u8,
    /// The templates of that step.
    pub templates: &'a CampaignTemplate,
    /// Who sends.
    pub sender: &'a SenderIdentity,
    /// How long the Sender keeps prospects, in months.
    pub retention_months: u8,
    /// Base of every link.
    pub public_url: &'a str,
    /// Domain of the addresses that answers go to; blank where nothing comes in.
    pub inbound_domain: &'a str,
    /// Whether a system of the Sender's wants to hear of objections.
    pub objections: bool,
    /// What is recorded of whoever agreed to it.
    pub records: Recorded,
    /// Signs unsubscribe links, and makes those addresses.
    pub pepper: &'a Pepper,
}

/// A message as it leaves.
#[derive(Debug)]
pub struct Written {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Its links are signed: clicks on them are recorded.
    pub signed: bool,
}

/// What differs from one message of a campaign to the next, beside the person.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// What the messages were called that this one replies to, oldest first.
    pub thread: &'a [String],
    /// For the `Date` header.
    pub date: Timestamp,
    /// The person has been informed before (art. 14).
    pub informed: bool,
    /// A member's test.
    pub test: bool,
    /// Shown to the Sender, not sent: its unsubscribe link means nobody.
    pub preview: bool,
    /// The channel carries UTF-8 addresses.
    pub smtputf8: bool,
}

/// The member's words with a person's values.
pub(crate) fn render(
    templates: &CampaignTemplate,
    sender: &SenderIdentity,
    prospect: &Prospect,
) -> Result<Rendered, Refusal> {
    with_person(sender, prospect, |person| templates.render(person)).map_err(|error| match error {
        RenderError::MissingValue { .. } | RenderError::Blank => Refusal::MissingValue,
        _ => Refusal::AddressUnsupported,
    })
}

/// A subject as somebody gets it; `None` where it uses a value that is not known of them.
pub(crate) fn subject(template: &str, sender: &SenderIdentity, prospect: &Prospect) -> Option<String> {
    let template = Template::stored(template, Kind::Subject).ok()?;
    with_person(sender, prospect, |person| template.render(person)).ok()
}

/// Calls `make` with what templates may know of a person.
pub(crate) fn with_person<T>(sender: &SenderIdentity, prospect: &Prospect, make: impl FnOnce(&Person<'_>) -> T) -> T {
    let details = &prospect.details;
    let tags: Vec<String> = details.tags.iter().cloned().collect();
    let [a, b, c, d, e, f, g, h, ..] = *prospect.subject.as_bytes();
    make(&Person {
        // A keyed hash: evenly spread, the same for every step, and nothing of the person's.
        seed: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        first_name: details.first_name.as_deref(),
        last_name: details.last_name.as_deref(),
        company: details.company.as_deref(),
        job_title: details.job_title.as_deref(),
        email: Some(prospect.email.expose()),
        country: details.country.as_deref(),
        tags: &tags,
        sender_name: Some(&sender.from_name),
        sender_company: Some(&sender.company),
    })
}

impl Letters<'_> {
    /// The member's words with this person's values.
    pub fn render(&self, prospect: &Prospect) -> Result<Rendered, Refusal> {
        render(self.templates, self.sender, prospect)
    }

    /// The forms that alternatives give its subject and its text, for this person.
    pub fn forms(&self, prospect: &Prospect) -> Forms {
        with_person(self.sender, prospect, |person| self.templates.forms(person))
    }

    /// The whole message as bytes. Of whoever agreed to nothing being recorded, it is the same as if nothing were of anybody.
    pub fn compose(&self, prospect: &Prospect, rendered: &Rendered, manner: Manner<'_>) -> Result<Written, Refusal> {
        if let Some((measured, what)) = self.measured(prospect, rendered, manner) {
            let withdraw = (what, self.withdraw_url(prospect));
            // One that is too long with such links leaves with its own.
            if let Ok(message) = self.with_mail(prospect, &measured, (manner, Some(&withdraw)), message::compose) {
                return Ok(Written { bytes: message.bytes, signed: what.clicks });
            }
        }
        self.with_mail(prospect, rendered, (manner, None), message::compose)
            .map(|message| Written { bytes: message.bytes, signed: false })
            .map_err(|_: ComposeError| Refusal::AddressUnsupported)
    }

    /// The message with signed links and with an image, as far as the person agreed to it, and which of them it has; `None`
    /// where nothing is to be recorded, or nothing is linked to.
    fn measured(&self, prospect: &Prospect, rendered: &Rendered, manner: Manner<'_>) -> Option<(Rendered, Recorded)> {
        let what = self.records.and(prospect.lets_be_recorded());
        if what.is_nothing() || manner.test || manner.preview {
            return None;
        }
        let signed = if what.clicks { self.signed(prospect, rendered) } else { None };
        let what = Recorded { clicks: signed.is_some(), ..what };
        let mut measured = signed.unwrap_or_else(|| rendered.clone());
        if what.opens {
            let Self { workspace, campaign, step, .. } = *self;
            let pixel = Pixel { workspace, campaign, step, subject: prospect.subject };
            measured = clicks::with_pixel(&measured, &format!("{}/o/{}", self.public_url, pixel.sign(self.pepper)));
        }
        (!what.is_nothing()).then_some((measured, what))
    }

    /// The message with signed links; `None` where nothing is linked to.
    fn signed(&self, prospect: &Prospect, rendered: &Rendered) -> Option<Rendered> {
        let link = |place: usize, address: &str| {
            let place = u8::try_from(place).ok().filter(|place| *place <= MOST_LINKS)?;
            // What leads here is no page of the Sender's.
            if address.starts_with(self.public_url) {
                return None;
            }
            let link = SignedLink {
                workspace: self.workspace,
                campaign: self.campaign,
                step: self.step,
                subject: prospect.subject,
                place,
                target: address.to_owned(),
            };
            Some(format!("{}/c/{}", self.public_url, link.sign(self.pepper)?))
        };
        clicks::signed(rendered, link)
    }

    /// Where this person withdraws their consent.
    fn withdraw_url(&self, prospect: &Prospect) -> String {
        let claim =
            ConsentClaim { workspace: self.workspace, subject: prospect.subject, locale: self.locale(prospect) };
        format!("{}/consent/{}", self.public_url, claim.sign(self.pepper))
    }

    /// How long its HTML is, footer included, in bytes; `None` when it is too long to be made.
    pub fn size(&self, prospect: &Prospect, manner: Manner<'_>) -> Result<Option<usize>, Failure> {
        let shown = match self.render(prospect) {
            Ok(rendered) => self.with_mail(prospect, &rendered, (manner, None), message::preview),
            Err(_) => Err(ComposeError::TooLong),
        };
        match shown {
            Ok(shown) => Ok(Some(shown.html.len())),
            Err(ComposeError::TooLong) => Ok(None),
            Err(error) => Err(Failure::internal(error.to_string())),
        }
    }

    /// Whether it is too long with what records clicks and openings, so that it leaves without.
    pub fn is_too_long_signed(&self, prospect: &Prospect, manner: Manner<'_>) -> bool {
        let measured = self.render(prospect).ok().and_then(|rendered| self.measured(prospect, &rendered, manner));
        measured.is_some_and(|(measured, what)| {
            let withdraw = (what, self.withdraw_url(prospect));
            self.with_mail(prospect, &measured, (manner, Some(&withdraw)), message::preview).is_err()
        })
    }

    /// The message as a mailbox will show it.
    pub fn preview(&self, prospect: &Prospect, rendered: &Rendered, manner: Manner<'_>) -> Result<Preview, Failure> {
        self.with_mail(prospect, rendered, (manner, None), message::preview).map_err(|error| {
            Failure::refused("message-not-possible", format!("The message cannot be written: {error}."))
        })
    }

    fn with_mail<T>(
        &self,
        prospect: &Prospect,
        rendered: &Rendered,
        (manner, recorded): (Manner<'_>, Option<&(Recorded, String)>),
        make: impl FnOnce(&CampaignMail<'_>) -> Result<T, ComposeError>,
    ) -> Result<T, ComposeError> {
        let locale = self.locale(prospect);
        let subject = if manner.preview { Subject::from_bytes([0; 16]) } else { prospect.subject };
        let claim = OptOutClaim { workspace: self.workspace, subject, locale, told: self.objections };
        let interest = &self.content.legitimate_interest_assessment.interest;
        let full_name = prospect.details.full_name();
        let domain = self.sender.from_email.domain();
        let answers = self.answers(subject, manner);
        make(&CampaignMail {
            sender: self.sender,
            reply_to: answers.as_ref().or(self.sender.reply_to.as_ref()),
            to: &prospect.email,
            to_name: full_name.as_deref(),
            rendered,
            locale,
            unsubscribe_url: &format!("{}/u/{}", self.public_url, claim.sign(self.pepper)),
            prospects_privacy_url: &format!("{}/legal/prospects-privacy?lang={}", self.public_url, locale.tag()),
            rights_url: &format!("{}/rights?lang={}", self.public_url, locale.tag()),
            recorded: recorded.map(|(what, withdraw_url)| (*what, withdraw_url.as_str())),
            source: &prospect.source,
            first_message: (!manner.informed).then_some(Notice {
                purpose: &self.content.purpose,
                lawful_basis: prospect.lawful_basis,
                interest: Some(interest.as_str()).filter(|text| !text.trim().is_empty()),
                retention_months: self.retention_months.into(),
                information: &self.content.information_notice,
            }),
            message_id: &message_name::ours(prospect.subject, self.campaign, self.step, domain),
            thread: manner.thread,
            date: manner.date,
            list_id: &format!("{}.{domain}", self.workspace),
            feedback_id: Some(&format!("{}:{}:prospectra", self.campaign, self.workspace)),
            smtputf8: manner.smtputf8,
            test: manner.test,
        })
    }

    /// Where this person's answers come in. Not where the Sender wants them at an address of its own, and not for a
    /// test: there is nobody whose answer it would be.
    fn answers(&self, subject: Subject, manner: Manner) -> Option<EmailAddress> {
        if self.inbound_domain.is_empty() || self.sender.reply_to.is_some() || manner.test {
            return None;
        }
        let address = ReplyAddress { workspace: self.workspace, subject };
        EmailAddress::parse(&format!("{}@{}", address.local_part(self.pepper), self.inbound_domain)).ok()
    }

    fn locale(&self, prospect: &Prospect) -> Locale {
        prospect.details.locale.unwrap_or(self.content.locale)
    }
}
