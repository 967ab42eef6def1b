//! The operator's own mail to members: verification, passwords, alerts. Through SES, from MAIL_FROM.

use aws_sdk_sesv2::{
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{Destination, EmailContent, RawMessage},
};
use content::{
    forward::{self, Forward},
    system::{self, Message, Notification, SystemMail},
};
use domain::{Timestamp, email::EmailAddress, id::WorkspaceId, locale::Locale, member::Role};
use sha2::{Digest as _, Sha256};
use storage::{WorkspaceScope, service_mail::ServiceMail};

use crate::{App, Failure};

/// A system mail that is ready to go.
pub(crate) struct Letter {
    from: EmailAddress,
    message: Message,
    /// The unique part of its Message-ID.
    name: String,
    /// What is kept of it once it has gone.
    pub(crate) evidence: ServiceMail,
}

impl App {
    /// Tells the operator's contact for questions about data.
    pub(crate) async fn post_to_operator(&self, notification: Notification<'_>, now: Timestamp) -> Result<(), Failure> {
        let contact = EmailAddress::parse(&self.config.operator_privacy_contact)
            .map_err(|_| Failure::internal("OPERATOR_PRIVACY_CONTACT is not an address"))?;
        self.post(&contact, Locale::Fr, notification, now).await
    }

    /// Tells the owners of a workspace.
    pub(crate) async fn post_to_owners(
        &self,
        workspace: WorkspaceId,
        notification: Notification<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let scope = WorkspaceScope::internal(workspace);
        let accounts = self.db.accounts(&scope);
        let (workspace, members) = futures::try_join!(accounts.workspace(), accounts.members())?;
        let common = workspace.map(|workspace| workspace.locale).unwrap_or_default();
        for owner in members.iter().filter(|member| member.role == Role::Owner) {
            self.post(&owner.email, owner.language(common), notification, now).await?;
        }
        Ok(())
    }

    /// Sends a system mail, and keeps the evidence of it (A36). Such a mail may go twice when a time-out hides that it went: a second
    /// verification mail does no harm.
    pub async fn post(
        &self,
        to: &EmailAddress,
        locale: Locale,
        notification: Notification<'_>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let pseudonym = self.pepper().await?.correspondent(to);
        let letter = self.letter(to, locale, notification, now)?;
        let (name, sent) = (letter.name.clone(), letter.evidence.clone());
        self.hand_over(to, letter).await?;
        Ok(self.db.note_service_mail(&pseudonym, &name, sent).await?)
    }

    /// A system mail that is ready to go.
    pub(crate) fn letter(
        &self,
        to: &EmailAddress,
        locale: Locale,
        notification: Notification<'_>,
        now: Timestamp,
    ) -> Result<Letter, Failure> {
        let from = EmailAddress::parse(&self.config.mail_from)
            .map_err(|_| Failure::internal("MAIL_FROM is not an address"))?;
        let name = hex::encode(crate::chance::<16>());
        let message_id = format!("{name}@{}", from.domain());
        let mail = SystemMail {
            from: &from,
            to,
            locale,
            notification,
            public_url: &self.config.public_url,
            operator: &self.config.operator_name,
            contact: &self.config.operator_contact,
            message_id: &message_id,
            date: now,
        };
        let (shown, message) =
            system::compose(&mail).map_err(|error| Failure::internal(format!("system mail: {error}")))?;
        let evidence = ServiceMail {
            template: notification.template().to_owned(),
            locale,
            sha256: hex::encode(Sha256::digest(shown.text)),
            sent_at: now,
        };
        Ok(Letter { from, message, name, evidence })
    }

    /// Hands it to SES.
    pub(crate) async fn hand_over(&self, to: &EmailAddress, letter: Letter) -> Result<(), Failure> {
        self.hand_to_ses(&letter.from, to, letter.message).await
    }

    /// Passes on a mail that came in, and says so if it was taken as an opt-out. What is no mail is passed on to nobody.
    pub(crate) async fn forward(
        &self,
        (to, locale): (&EmailAddress, Locale),
        (raw, opted_out): (&[u8], bool),
        now: Timestamp,
    ) -> Result<(), Failure> {
        let from = EmailAddress::parse(&self.config.mail_from)
            .map_err(|_| Failure::internal("MAIL_FROM is not an address"))?;
        let message_id = format!("{}@{}", hex::encode(crate::chance::<16>()), from.domain());
        let mail = Forward { raw, from: &from, to, message_id: &message_id, date: now, locale, opted_out };
        let message = forward::compose(&mail).map_err(|error| Failure::internal(format!("forward: {error}")))?;
        match message {
            Some(message) => self.hand_to_ses(&from, to, message).await,
            None => Ok(()),
        }
    }

    async fn hand_to_ses(&self, from: &EmailAddress, to: &EmailAddress, message: Message) -> Result<(), Failure> {
        let raw = RawMessage::builder()
            .data(Blob::new(message.bytes))
            .build()
            .map_err(|_| Failure::internal("system mail without bytes"))?;
        let set = Some(self.config.ses_configuration_set.clone()).filter(|name| !name.is_empty());
        self.ses
            .send_email()
            .from_email_address(from.expose())
            .destination(Destination::builder().to_addresses(to.expose()).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_configuration_set_name(set)
            .send()
            .await
            .map_err(|error| Failure::unavailable("ses", error.code()))?;
        Ok(())
    }
}
