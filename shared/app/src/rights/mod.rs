//! People's rights: a person asks, proves that the mailbox is theirs, and is answered (A38 to A49, A75, A76).
//!
//! Nothing is looked up before the proof, so that what a stranger sees cannot depend on who is held.

mod access;
mod at_once;
mod certificate;
mod clock;
mod desk;
mod export;
mod forms;
mod identity;
mod members;
mod own;
mod proof;
mod tasks;

use content::system::{Notification, RightsMail};
use domain::{
    Timestamp,
    email::EmailAddress,
    id::WorkspaceId,
    locale::Locale,
    policy::retention::{Class, Policy},
    rights::{Outcome, RequestKind},
};
use serde::Deserialize;
use storage::{
    WorkspaceScope,
    accounts::once::{GoodFor, RightsAsked},
    rights::{Ended, Person, RightsRequest},
};

pub use clock::ClockReport;
pub use desk::{DeskAnswer, DeskOrder};
pub use forms::{Copied, Form};
pub use own::NewOwnRequest;
pub use proof::{Proved, Sender};
pub use tasks::{Extend, Handle, TaskView};

use crate::{App, Failure, fields::Fields, limits, secret::Secret, signup::minutes};

/// A request as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    email: String,
    kind: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    locale: Option<Locale>,
}

/// The same, cleaned.
struct Checked {
    email: EmailAddress,
    kind: RequestKind,
    message: Option<String>,
}

impl Ask {
    /// From the fields of the page's form; a field that is not one of them is refused.
    pub fn from_form(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Failure> {
        let mut ask = Self { email: String::new(), kind: String::new(), message: None, locale: None };
        for (name, value) in pairs {
            match name.as_str() {
                "email" => ask.email = value,
                "kind" => ask.kind = value,
                "message" => ask.message = Some(value),
                _ => return Err(Failure::field("body", "only email, kind and message are read here")),
            }
        }
        Ok(ask)
    }

    /// The language that was asked for.
    pub fn locale(&self) -> Option<Locale> {
        self.locale
    }

    fn checked(&self) -> Result<Checked, Failure> {
        let mut fields = Fields::default();
        let email = fields.email("email", &self.email);
        let kind = RequestKind::from_name(&self.kind);
        if kind.is_none() {
            let names: Vec<_> = RequestKind::ALL.map(RequestKind::as_str).into();
            fields.wrong("kind", format!("one of {}", names.join(", ")));
        }
        let message = words(&mut fields, kind, self.message.as_deref());
        fields.done()?;
        let (Some(email), Some(kind)) = (email, kind) else {
            return Err(Failure::internal("a refused field was not reported"));
        };
        Ok(Checked { email, kind, message })
    }
}

/// What a person says beside the kind of their request.
fn words(fields: &mut Fields, kind: Option<RequestKind>, message: Option<&str>) -> Option<String> {
    let message = message.filter(|text| !text.trim().is_empty());
    match message {
        Some(text) => Some(fields.lines("message", text, content::rights::LONGEST_MESSAGE)),
        None => {
            if kind.is_some_and(RequestKind::needs_words) {
                fields.wrong("message", "say what is to be corrected, or what is to become of the data");
            }
            None
        }
    }
}

impl App {
    /// Takes a request and mails the proof of its mailbox. What is done does not depend on whether anybody
    /// holds the address: nobody is asked before it is proved.
    pub async fn ask_rights(&self, asked: &Ask, locale: Locale, network: &str, now: Timestamp) -> Result<(), Failure> {
        let Checked { email, kind, message } = asked.checked()?;
        self.throttle(limits::REQUESTS, network, now).await?;
        self.mail_proof(RightsAsked { email, kind, locale, message, asked_at: now, entered: None }, now).await
    }

    /// Mails the link that proves a mailbox, unless it has had too many mails.
    async fn mail_proof(&self, asked: RightsAsked, now: Timestamp) -> Result<(), Failure> {
        let allowed = self.may_mail(&self.pepper().await?.login(&asked.email), now).await?;
        let secret = Secret::new();
        let until = Policy::current().expiry(Class::OneTimeToken, now);
        self.db.issue_token(&secret.hash(), GoodFor::RightsProof(asked.clone()), until).await?;
        if !allowed {
            return Ok(());
        }
        let mail = RightsMail::Proof { kind: asked.kind, token: &secret.text(), hours: minutes(now, until) / 60 };
        self.post(&asked.email, asked.locale, Notification::Rights(mail), now).await
    }

    /// Tells the operator's contact for questions about data.
    async fn tell_operator(&self, mail: RightsMail<'_>, now: Timestamp) -> Result<(), Failure> {
        self.post_to_operator(Notification::Rights(mail), now).await
    }

    /// Tells a Sender: at the contact address that its messages name, else its members.
    async fn tell_sender(&self, workspace: WorkspaceId, mail: RightsMail<'_>, now: Timestamp) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let (profile, sender) = futures::try_join!(accounts.workspace(), accounts.sender())?;
        let locale = profile.map(|workspace| workspace.locale).unwrap_or_default();
        let to: Vec<EmailAddress> = match sender {
            Some(sender) => vec![sender.identity.contact_email],
            None => accounts.members().await?.into_iter().map(|member| member.email).collect(),
        };
        for address in &to {
            self.post(address, locale, Notification::Rights(mail), now).await?;
        }
        Ok(())
    }

    /// Closes a request that nobody has anything left to do about. True when it is closed.
    async fn close_if_answered(&self, request: &RightsRequest, now: Timestamp) -> Result<bool, Failure> {
        if !request.carried_out || request.unproved {
            return Ok(false);
        }
        let mut ended = Vec::new();
        if let Some(duty) = &request.duty {
            let Some(handled) = &duty.handled else { return Ok(false) };
            ended.push(Ended { workspace: None, outcome: handled.outcome, at: handled.at, due: duty.due });
        }
        for holding in &request.holdings {
            let (workspace, due) = (Some(holding.workspace), domain::rights::due(request.received_at));
            match self.db.rights_task(holding.workspace, request.id).await? {
                Some(task) => {
                    let Some(handled) = &task.duty.handled else { return Ok(false) };
                    ended.push(Ended { workspace, outcome: handled.outcome, at: handled.at, due: task.duty.due });
                }
                None => ended.push(Ended { workspace, outcome: Outcome::DoneAtOnce, at: request.entered_at, due }),
            }
        }
        let certificate = match request.kind {
            RequestKind::Erasure
                if ended.iter().all(|ended| ended.outcome == Outcome::Done)
                    && let Person::Member { workspace, member, .. } = request.person =>
            {
                let Some(certificate) = Box::pin(self.certify_member(request, (workspace, member), now)).await? else {
                    return Ok(false);
                };
                Some(certificate)
            }
            RequestKind::Erasure if !request.holdings.is_empty() => {
                let Some(certificate) = Box::pin(self.certify_erasure(request, now)).await? else { return Ok(false) };
                Some(certificate)
            }
            _ => None,
        };
        self.delete_copy(request).await?;
        match request.person {
            // Nothing stays under the name of whoever was erased.
            Person::Member { workspace, member, .. } if certificate.is_some() => {
                self.db.close_nameless(request, (workspace, member), ended, certificate, now).await?;
            }
            _ => self.db.close_request(request, ended, certificate, now).await?,
        }
        tracing::info!(request = %request.id, kind = request.kind.as_str(), "request about rights closed");
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(kind: &str, message: Option<&str>) -> Ask {
        Ask { email: "ada@firm.test".into(), kind: kind.into(), message: message.map(Into::into), locale: None }
    }

    #[test]
    fn a43_an_objection_needs_no_reason() {
        assert!(ask("objection", None).checked().is_ok());
        assert!(ask("objection", Some(" ")).checked().unwrap().message.is_none());
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_field() {
        let wrong = |ask: Ask| {
            let failure = ask.checked().err().unwrap();
            failure.fields.into_iter().map(|field| field.field).collect::<Vec<_>>()
        };
        assert_eq!(wrong(ask("rectification", None)), ["message"]);
        assert_eq!(wrong(ask("everything", Some("x\0"))), ["kind", "message"]);
        assert_eq!(wrong(Ask { email: "no".into(), ..ask("access", None) }), ["email"]);
    }
}
