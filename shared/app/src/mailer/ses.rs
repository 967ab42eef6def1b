//! Amazon SES v2, raw messages. One attempt per hand-off: the SDK must not repeat a `SendEmail`.

use aws_sdk_sesv2::{
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{Destination, EmailContent, MessageTag, RawMessage},
};

use domain::{
    bounce::{Source, Term},
    cause::{Cause, Class},
    hindrance::Reason,
    message_name::MessageName,
};

use super::{About, Handed, Outgoing};
use crate::{App, Deadline, evidence::Refused};

/// Names of the tags that an event carries back.
pub(crate) mod tag {
    pub(crate) const WORKSPACE: &str = "workspace";
    pub(crate) const CAMPAIGN: &str = "campaign";
    pub(crate) const CHUNK: &str = "chunk";
    pub(crate) const STEP: &str = "step";
    pub(crate) const INDEX: &str = "index";
    /// The person's hash: who complains is suppressed even if nothing else is known.
    pub(crate) const SUBJECT: &str = "subject";
    /// The hash of the company of whoever answered. Of our own reports only: SES is told no such thing.
    pub(crate) const COMPANY: &str = "company";
    /// Which variant of the step it was, and whether its links were signed: of a run that died nothing else may say so.
    pub(crate) const VARIANT: &str = "variant";
}

impl App {
    /// One message, once it is this process's turn; [`Handed::Later`] when that would come too late.
    pub(super) async fn ses_send(&self, message: &Outgoing<'_>, deadline: Deadline) -> Handed {
        let tags: Result<Vec<_>, _> = message
            .about
            .iter()
            .flat_map(|about| {
                [
                    (tag::WORKSPACE, about.workspace.to_string()),
                    (tag::CAMPAIGN, about.campaign.to_string()),
                    (tag::CHUNK, about.chunk.to_string()),
                    (tag::STEP, about.step.to_string()),
                    (tag::INDEX, about.index.to_string()),
                    (tag::SUBJECT, about.subject.hex()),
                ]
                .into_iter()
                .chain((!about.got.is_plain()).then(|| (tag::VARIANT, about.got.to_string())))
            })
            .map(|(name, value)| MessageTag::builder().name(name).value(value).build())
            .collect();
        let raw = RawMessage::builder().data(Blob::new(message.bytes.clone())).build();
        let (Ok(tags), Ok(raw)) = (tags, raw) else { return Handed::Rejected(None) };
        // News of each delivery is as much again as all other news: only whoever wants it has it published.
        let set = match message.about {
            Some(About { delivery: true, .. }) => &self.config.ses_delivery_configuration_set,
            _ => &self.config.ses_configuration_set,
        };
        let configuration = Some(set.clone()).filter(|name| !name.is_empty());
        if message.about.is_some() && !self.ses_standing.turn(deadline).await {
            return Handed::Later;
        }
        let answer = self
            .ses
            .send_email()
            .from_email_address(message.from.expose())
            .destination(Destination::builder().to_addresses(message.to.expose()).build())
            .content(EmailContent::builder().raw(raw).build())
            .set_email_tags(Some(tags))
            .set_configuration_set_name(configuration)
            .send()
            .await;
        match answer {
            Ok(taken) => {
                self.ses_standing.accepted();
                Handed::Accepted(MessageName::given_by_ses(taken.message_id().unwrap_or_default()))
            }
            Err(error) => {
                let handed = judge(&error);
                self.ses_standing.refused(&handed);
                tracing::warn!(code = error.code().unwrap_or("no answer"), ?handed, "ses did not accept a message");
                handed
            }
        }
    }
}

/// Whether an error is about the messages of a day and not of a second: the code is the same.
fn is_of_the_day(message: &str) -> bool {
    message.to_ascii_lowercase().contains("daily message quota")
}

/// Whether an identity that the message is sent as is not verified.
fn is_of_an_identity(message: &str) -> bool {
    message.to_ascii_lowercase().contains("not verified")
}

/// What Amazon SES means when it refuses a message: it has not asked the receiver, so that nothing is said of an address.
fn refused(code: &str, message: &str) -> Refused {
    let found = inbound::judge(None, message);
    let (class, cause) = match (found.class, code) {
        (Class::Block, _) => (Class::Block, found.cause),
        _ => (Class::Block, Cause::Unknown),
    };
    Refused { by: Source::Ses, report: Term::new(code), found: inbound::Diagnosis { class, cause, ..found } }
}

/// What a failed `SendEmail` means for the message.
fn judge<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> Handed {
    match error {
        // Never left this process.
        SdkError::ConstructionFailure(_) => Handed::Rejected(None),
        SdkError::ServiceError(service) => match service.err().code() {
            Some("SendingPausedException" | "AccountSuspendedException") => Handed::Paused,
            Some(_) if service.err().message().is_some_and(is_of_the_day) => Handed::QuotaUsed,
            Some(
                "TooManyRequestsException"
                | "ThrottlingException"
                | "Throttling"
                | "LimitExceededException"
                | "AccessDeniedException"
                | "AccessDenied"
                | "ExpiredTokenException",
            ) => Handed::Later,
            // It would say so of anybody's message.
            Some("MailFromDomainNotVerifiedException" | "NotFoundException") => Handed::Hindered(Reason::SenderRefused),
            Some("MessageRejected") if service.err().message().is_some_and(is_of_an_identity) => {
                Handed::Hindered(Reason::SenderRefused)
            }
            Some(code @ ("MessageRejected" | "BadRequestException")) => {
                Handed::Rejected(Some(Box::new(refused(code, service.err().message().unwrap_or_default()))))
            }
            // 5xx and whatever is new: it may have been taken.
            _ => Handed::Unknown,
        },
        // Time-outs, resets, answers that cannot be read.
        _ => Handed::Unknown,
    }
}
