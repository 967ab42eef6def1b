//! What comes in for a message: an answer, an automatic one, a bounce, a complaint, or something else.
//!
//! The address says whose message it is about ([`ReplyAddress`]); nothing in the mail has to be believed for
//! that. A mail is deleted once it is read: what is kept of it is an outcome and a date.

use domain::{
    Timestamp, absence,
    bounce::{Evidence, Fate},
    cause::Class,
    channel_check::CheckAddress,
    company::Company,
    email::EmailAddress,
    id::CampaignId,
    member::Role,
    policy::retention::TIME_ZONE,
    reply_address::ReplyAddress,
    subject::Subject,
    suppression::{Suppression, SuppressionReason},
};
use inbound::{Complaint, Failure as Returned, Inbound, Kind, Reply};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::json;
use storage::{WorkspaceScope, inbox::Inbox};

use crate::{App, Failure, evidence, feedback::DELAYED, mailer::ses::tag};

/// What SES says of a mail that it received, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Received {
    receipt: Receipt,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    recipients: Vec<String>,
    spam_verdict: Option<Verdict>,
    virus_verdict: Option<Verdict>,
    dkim_verdict: Option<Verdict>,
    action: Action,
}

#[derive(Debug, Deserialize)]
struct Verdict {
    status: String,
}

impl Verdict {
    fn is_bad(&self) -> bool {
        self.status == "FAIL"
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    object_key: String,
}

/// What a mail means for the message that it is about.
#[derive(Debug, Clone, Copy)]
enum News<'a> {
    /// It was answered by somebody of this company.
    Reply(Option<Company>),
    /// It was reported as spam.
    Complaint(&'a Complaint),
    /// It came back.
    Bounce(&'a Returned),
    /// It waits at a server on the way.
    Delay(&'a Returned),
}

impl News<'_> {
    fn evidence(self, now: Timestamp) -> Option<Evidence> {
        match self {
            News::Reply(_) => None,
            News::Complaint(complaint) => Some(evidence::of_complaint(complaint, now)),
            News::Bounce(returned) => Some(evidence::of_failure(returned, Fate::Bounced, now)),
            News::Delay(waiting) => Some(evidence::of_failure(waiting, Fate::Delayed, now)),
        }
    }
}

impl Receipt {
    /// Nobody is bothered with it, and nobody opens it.
    fn is_harmful(&self) -> bool {
        self.virus_verdict.as_ref().is_some_and(Verdict::is_bad)
    }

    /// Nobody is bothered with it.
    fn is_unwanted(&self) -> bool {
        self.is_harmful() || self.spam_verdict.as_ref().is_some_and(Verdict::is_bad)
    }
}

impl App {
    /// Takes one mail in. One that was taken in before is not there any more, and means nothing.
    ///
    /// # Errors
    /// When a service does not answer: the mail is still there for the next attempt. An answer may then be
    /// passed on a second time.
    pub async fn take_in(&self, received: &Received, now: Timestamp) -> Result<(), Failure> {
        let inbox = Inbox::new(&self.s3, &self.config.inbound_bucket);
        let Receipt { recipients, action, .. } = &received.receipt;
        let pepper = self.pepper().await?;
        let local_parts = || recipients.iter().filter_map(|address| address.split('@').next());
        let whose = local_parts().find_map(|local| ReplyAddress::verify(local, pepper));
        let checked = local_parts().find_map(|local| CheckAddress::verify(local, pepper));
        if let Some(checked) = checked
            && let Some(raw) = inbox.read(&action.object_key).await?
        {
            let signed = received.receipt.dkim_verdict.as_ref().is_some_and(|verdict| verdict.status == "PASS");
            self.take_check_back(checked, &raw, signed, received.receipt.is_unwanted(), now).await?;
        }
        if let Some(whose) = whose.filter(|_| !received.receipt.is_harmful())
            && let Some(raw) = inbox.read(&action.object_key).await?
        {
            self.mind(whose, &raw, received.receipt.is_unwanted(), now).await?;
        }
        Ok(inbox.delete(&action.object_key).await?)
    }

    /// Of what is taken for spam, an answer counts all the same, and nothing else does: a wish to be left alone that
    /// nobody reads would be one more message to somebody who had asked for none.
    async fn mind(&self, whose: ReplyAddress, raw: &[u8], is_spam: bool, now: Timestamp) -> Result<(), Failure> {
        let Inbound { mut kind, author, .. } = inbound::read_on(raw, Some(now.to_zoned(TimeZone::UTC).date()));
        // Nobody else knows the address: what they write to it is an answer, whatever their program calls it.
        if matches!(kind, Kind::Other)
            && let Some(author) = author
            && self.pepper().await?.subject(whose.workspace, &author) == whose.subject
        {
            kind = Kind::Reply(Reply { is_opt_out: false });
        }
        match kind {
            Kind::Reply(_) if is_spam => self.heed(whose, kind, None, now).await,
            _ if is_spam => Ok(()),
            _ => self.heed(whose, kind, Some(raw), now).await,
        }
    }

    /// Does what a mail asks for. `forward` is the mail itself, where its Sender does not have it already.
    pub(crate) async fn heed(
        &self,
        whose: ReplyAddress,
        mail: Kind,
        forward: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let ReplyAddress { workspace, subject } = whose;
        let scope = WorkspaceScope::internal(workspace);
        tracing::info!(%workspace, kind = mail.as_str(), "mail came in");
        match mail {
            Kind::Reply(reply) => {
                if reply.is_opt_out {
                    let objection = Suppression::new(subject, SuppressionReason::OptedOut, now);
                    self.db.suppressions(&scope).record(&objection).await?;
                    self.report_objection(workspace, subject, now).await?;
                }
                // What a person writes themselves starts their time again (A73), and ends the sequence.
                self.db.prospects(&scope).contacted(subject, now).await?;
                let (person, pepper) = (self.db.prospects(&scope).get(subject, true).await?, self.pepper().await?);
                let company = person.and_then(|person| Company::of(&person.prospect.email, workspace, pepper));
                let about = self.report(&scope, subject, News::Reply(company), now).await?;
                self.pass_on(&scope, about, forward.map(|raw| (raw, reply.is_opt_out)), now).await
            }
            Kind::Complaint(complaint) if complaint.is_objection() => {
                self.report(&scope, subject, News::Complaint(&complaint), now).await.map(drop)
            }
            // That it is no spam, or that a signature failed: no person objects.
            Kind::Complaint(_) => Ok(()),
            Kind::Bounce(ref failures) | Kind::Delay(ref failures) => {
                let pepper = self.pepper().await?;
                let theirs = |address: &EmailAddress| pepper.subject(workspace, address) == subject;
                // Whoever bounces may write anything: it has to name the very address that was written to, as the one that
                // failed or as the one that mail was forwarded from.
                let theirs = failures.iter().filter(|failure| {
                    theirs(&failure.address) || failure.evidence.original_recipient.as_ref().is_some_and(theirs)
                });
                let Some(found) = theirs.max_by_key(|failure| failure.class) else { return Ok(()) };
                let news = if matches!(mail, Kind::Delay(_)) { News::Delay(found) } else { News::Bounce(found) };
                self.report(&scope, subject, news, now).await.map(drop)
            }
            Kind::Other => self.pass_on(&scope, None, forward.map(|raw| (raw, false)), now).await,
            // Nobody wrote it: it ends nothing, and nobody is bothered with it. Whoever is away is written to later.
            Kind::AutoReply(answer) => {
                let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
                let today = zone.to_datetime(now).date();
                match answer.until.filter(|back| absence::is_waited_for(*back, today)) {
                    Some(back) => Ok(self.db.prospects(&scope).away(subject, back).await?),
                    None => Ok(()),
                }
            }
        }
    }

    /// Tells `feedback` of the latest message that left to this person what SES would tell it; the campaign.
    async fn report(
        &self,
        scope: &WorkspaceScope,
        subject: Subject,
        news: News<'_>,
        now: Timestamp,
    ) -> Result<Option<CampaignId>, Failure> {
        let deliveries = self.db.outreach(scope).deliveries_of(subject).await?;
        let latest = deliveries.into_iter().max_by_key(|delivery| delivery.at);
        let mut tags = json!({ tag::WORKSPACE: [scope.workspace()], tag::SUBJECT: [subject.hex()] });
        if let Some(latest) = &latest {
            tags[tag::CAMPAIGN] = json!([latest.campaign]);
            tags[tag::CHUNK] = json!([latest.chunk.to_string()]);
            tags[tag::STEP] = json!([latest.step.to_string()]);
            tags[tag::INDEX] = json!([latest.index.to_string()]);
            if !latest.got.is_plain() {
                tags[tag::VARIANT] = json!([latest.got.to_string()]);
            }
        }
        let (kind, bounce) = match news {
            News::Reply(company) => {
                if let Some(company) = company {
                    tags[tag::COMPANY] = json!([company.to_string()]);
                }
                ("Reply", json!({}))
            }
            News::Complaint(_) => ("Complaint", json!({})),
            News::Delay(_) => (DELAYED, json!({})),
            News::Bounce(returned) => {
                let kind = if returned.class == Class::Hard { "Permanent" } else { "Transient" };
                ("Bounce", json!({ "bounceType": kind }))
            }
        };
        let evidence = news.evidence(now);
        let event = json!({ "eventType": kind, "mail": { "tags": tags }, "bounce": bounce, "evidence": evidence });
        self.enqueue(&self.config.feedback_queue_url, &event, 0).await?;
        Ok(latest.map(|latest| latest.campaign))
    }

    /// Sends an answer on, and whether it was taken as an opt-out: to whoever made the campaign, or to the owners where that is
    /// nobody any more.
    async fn pass_on(
        &self,
        scope: &WorkspaceScope,
        about: Option<CampaignId>,
        answer: Option<(&[u8], bool)>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Some(answer) = answer else { return Ok(()) };
        let campaign = match about {
            Some(id) => self.db.outreach(scope).campaign(id).await?,
            None => None,
        };
        let accounts = self.db.accounts(scope);
        let (members, workspace) = futures::try_join!(accounts.members(), accounts.workspace())?;
        let common = workspace.map(|workspace| workspace.locale).unwrap_or_default();
        let maker = campaign.and_then(|campaign| campaign.made_by);
        let made = |member: &&storage::accounts::Member| Some(member.id) == maker;
        let readers: Vec<_> = match members.iter().find(made) {
            Some(maker) => vec![maker],
            None => members.iter().filter(|member| member.role == Role::Owner).collect(),
        };
        for reader in readers {
            self.forward((&reader.email, reader.language(common)), answer, now).await?;
        }
        Ok(())
    }
}
