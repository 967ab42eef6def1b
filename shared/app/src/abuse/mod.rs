//! Abuse (A71): reported on the page, to the mailbox or by a mailbox provider; looked into by staff; and what becomes
//! of a Sender that does harm (A70).

mod suspension;

use content::{
    abuse::LONGEST_REPORT,
    system::{AbuseMail, Notification},
};
use domain::{
    Timestamp,
    abuse::{self, AbuseKind, CaseChannel},
    email::EmailAddress,
    id::{CampaignId, CaseId, WorkspaceId},
    locale::Locale,
    unsubscribe::OptOutClaim,
};
use serde::Deserialize;
use storage::{
    WorkspaceScope,
    abuse::{AbuseCase, Reporter},
};

use crate::{App, Failure, fields::Fields, limits};

/// A report as it is made on the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    kind: String,
    message: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    locale: Option<Locale>,
}

/// A report that came to the mailbox for abuse, as the operator enters it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnteredReport {
    kind: AbuseKind,
    message: String,
    /// When it was received.
    received_at: Timestamp,
    /// Who wants an answer.
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    locale: Locale,
    /// Whom it is about, where the text does not say so.
    #[serde(default)]
    workspace: Option<WorkspaceId>,
}

/// A report, cleaned.
struct Checked {
    kind: AbuseKind,
    message: String,
    email: Option<EmailAddress>,
}

impl Report {
    /// From the fields of the page's form; a field that is not one of them is refused.
    pub fn from_form(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Failure> {
        let mut report = Self { kind: String::new(), message: String::new(), email: None, locale: None };
        for (name, value) in pairs {
            match name.as_str() {
                "kind" => report.kind = value,
                "message" => report.message = value,
                "email" => report.email = Some(value),
                _ => return Err(Failure::field("body", "only kind, message and email are read here")),
            }
        }
        Ok(report)
    }

    /// The language that was asked for.
    pub fn locale(&self) -> Option<Locale> {
        self.locale
    }

    fn checked(&self) -> Result<Checked, Failure> {
        let mut fields = Fields::default();
        let kind = AbuseKind::from_name(&self.kind);
        if kind.is_none() {
            let names: Vec<_> = AbuseKind::ALL.map(AbuseKind::as_str).into();
            fields.wrong("kind", format!("one of {}", names.join(", ")));
        }
        let (message, email) = words(&mut fields, &self.message, self.email.as_deref());
        fields.done()?;
        let kind = kind.ok_or_else(|| Failure::internal("a refused field was not reported"))?;
        Ok(Checked { kind, message, email })
    }
}

/// The text and the address of a report. Headers that are pasted have tabs.
fn words(fields: &mut Fields, message: &str, email: Option<&str>) -> (String, Option<EmailAddress>) {
    let message = fields.lines("message", &message.replace('\t', " "), LONGEST_REPORT);
    let email = email.filter(|text| !text.trim().is_empty()).and_then(|text| fields.email("email", text));
    (message, email)
}

impl App {
    /// Takes a report from the page. What is done and said does not depend on whom it names.
    pub async fn report_abuse(
        &self,
        report: &Report,
        locale: Locale,
        network: &str,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let Checked { kind, message, email } = report.checked()?;
        self.throttle(limits::REQUESTS, network, now).await?;
        let (workspace, campaign) = self.reported(&message).await?;
        let reporter = email.map(|email| Reporter { email, locale });
        let case = AbuseCase {
            text: Some(abuse::without_people(&message)),
            campaign,
            reporter,
            ..new_case(Some(kind), CaseChannel::Page, workspace, now)
        };
        self.db.open_case(&case).await?;
        self.tell_received(&case, kind, now).await
    }

    /// Takes a report that came to the mailbox.
    pub(crate) async fn enter_report(&self, entered: EnteredReport, now: Timestamp) -> Result<AbuseCase, Failure> {
        let mut fields = Fields::default();
        let (message, email) = words(&mut fields, &entered.message, entered.email.as_deref());
        if entered.received_at > now {
            fields.wrong("received_at", "when it was received; it cannot lie in the future");
        }
        let (found, campaign) = self.reported(&message).await?;
        let workspace = match entered.workspace {
            Some(named) if !self.is_there(named).await? => {
                fields.wrong("workspace", "there is no workspace of this name");
                None
            }
            Some(named) => Some(named),
            None => found,
        };
        fields.done()?;
        let case = AbuseCase {
            received_at: entered.received_at,
            text: Some(abuse::without_people(&message)),
            campaign: campaign.filter(|_| workspace == found),
            reporter: email.map(|email| Reporter { email, locale: entered.locale }),
            ..new_case(Some(entered.kind), CaseChannel::Mailbox, workspace, now)
        };
        self.db.open_case(&case).await?;
        self.tell_received(&case, entered.kind, now).await?;
        Ok(case)
    }

    /// Whom a report is about: the Sender of an unsubscribe link in it, which only we can make; else the one that
    /// its headers name, if there is one.
    async fn reported(&self, message: &str) -> Result<(Option<WorkspaceId>, Option<CampaignId>), Failure> {
        let (clues, pepper) = (abuse::clues(message), self.pepper().await?);
        let signed = clues.tokens.iter().find_map(|token| OptOutClaim::verify(token, pepper));
        let Some(workspace) = signed.map(|claim| claim.workspace).or(clues.workspace) else { return Ok((None, None)) };
        if !self.is_there(workspace).await? {
            return Ok((None, None));
        }
        let scope = WorkspaceScope::internal(workspace);
        let campaign = match clues.campaign {
            Some(campaign) => self.db.outreach(&scope).progress(campaign).await?.map(|progress| progress.campaign),
            None => None,
        };
        Ok((Some(workspace), campaign))
    }

    async fn is_there(&self, workspace: WorkspaceId) -> Result<bool, Failure> {
        Ok(self.db.accounts(&WorkspaceScope::internal(workspace)).workspace().await?.is_some())
    }

    /// Tells whoever wants an answer the number of the case, unless their mailbox has had too many mails. The case is
    /// open whether or not a mail can be sent.
    async fn tell_received(&self, case: &AbuseCase, kind: AbuseKind, now: Timestamp) -> Result<(), Failure> {
        let Some(Reporter { email, locale }) = &case.reporter else { return Ok(()) };
        if self.may_mail(&self.pepper().await?.login(email), now).await? {
            let mail = Notification::Abuse(AbuseMail::Received { id: case.id, kind });
            if let Err(failure) = self.post(email, *locale, mail, now).await {
                tracing::warn!(case = %case.id, slug = failure.slug, cause = failure.cause.as_deref(), "no mail about a report");
            }
        }
        Ok(())
    }
}

/// The case that a complaint about a campaign opens, unless there is one. Nobody says yet what is wrong (A71).
pub(crate) fn complained(workspace: WorkspaceId, campaign: CampaignId, now: Timestamp) -> AbuseCase {
    AbuseCase { campaign: Some(campaign), ..new_case(None, CaseChannel::Complaint, Some(workspace), now) }
}

/// The case that a workspace opens whose campaigns keep pausing themselves (A70).
pub(crate) fn harmful(workspace: WorkspaceId, campaign: CampaignId, now: Timestamp) -> AbuseCase {
    AbuseCase { campaign: Some(campaign), ..new_case(None, CaseChannel::Threshold, Some(workspace), now) }
}

/// A case of one report that came at `now`.
fn new_case(
    kind: Option<AbuseKind>,
    channel: CaseChannel,
    workspace: Option<WorkspaceId>,
    now: Timestamp,
) -> AbuseCase {
    AbuseCase {
        id: CaseId::new(now, crate::chance()),
        kind,
        channel,
        received_at: now,
        text: None,
        workspace,
        campaign: None,
        reports: 1,
        reporter: None,
        v: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a71_what_cannot_be_followed_is_refused_by_field() {
        let report = |kind: &str, message: &str, email: &str| Report {
            kind: kind.into(),
            message: message.into(),
            email: Some(email.into()),
            locale: None,
        };
        let wrong = |report: Report| {
            let failure = report.checked().err().unwrap();
            failure.fields.into_iter().map(|field| field.field).collect::<Vec<_>>()
        };
        assert_eq!(wrong(report("spam", " ", "nobody")), ["kind", "message", "email"]);
        assert_eq!(wrong(report("unlawful_list", &"x".repeat(LONGEST_REPORT + 1), "")), ["message"]);
        let headers = report("unlawful_list", "Received: by x\r\n\tfor y", " ").checked().unwrap();
        assert_eq!((headers.message.as_str(), headers.email), ("Received: by x\n for y", None));
    }
}
