//! The mails the product itself sends to the people who use it, in French and English.
//!
//! Plain words, one thing to do, and `Auto-Submitted: auto-generated` (RFC 3834) so that no
//! out-of-office answers them. The HTML is made from the text, so the two never differ.

mod abuse;
mod breach;
mod rights;
mod words;

use std::borrow::Cow;

use domain::email::EmailAddress;
use domain::health::{Sample, Trouble};
use domain::hindrance::Reason;
use domain::locale::Locale;
use domain::mailbox::Stop;
use domain::news::Words;
use domain::staff::Purpose;
use jiff::Timestamp;

use crate::legal::Coming;
use crate::message::Preview;
use crate::mime::{self, Parts, ascii_value};
pub use crate::mime::{ComposeError, Message};
use crate::page::{PRODUCT, escape};
pub use abuse::{AboutAbuse, AbuseMail};
pub use breach::{BreachMail, Due, Told};
pub use rights::RightsMail;
pub(crate) use words::moment;

/// What happened, and what the person may do about it.
#[derive(Clone, Copy)]
pub enum Notification<'a> {
    /// Somebody signed up with this address: confirm it.
    VerifyAddress {
        /// The one-time token, as base64url or hex.
        token: &'a str,
        /// How long it works, in hours.
        hours: u16,
    },
    /// Somebody signed up with an address that has an account: nothing changed.
    AlreadyRegistered,
    /// Somebody asked for a new password.
    PasswordReset {
        /// The one-time token, as base64url or hex.
        token: &'a str,
        /// How long it works, in minutes.
        minutes: u16,
    },
    /// The password was changed.
    PasswordChanged {
        /// When, shown in Paris time.
        at: Timestamp,
    },
    /// Somebody asked them to join a workspace.
    Invitation {
        /// The one-time token, as base64url or hex.
        token: &'a str,
        /// Who asks.
        company: &'a str,
        /// Whether their address signs in to another workspace.
        elsewhere: bool,
        /// How long it works, in hours.
        hours: u16,
    },
    /// Signing in asks for a code from now on.
    SecondFactorOn {
        /// Since when, shown in Paris time.
        at: Timestamp,
    },
    /// Signing in asks for the password alone from now on.
    SecondFactorOff {
        /// Since when, shown in Paris time.
        at: Timestamp,
    },
    /// People of theirs have not been informed (article 14 GDPR), and will be deleted soon.
    NoticeDue {
        /// How many; one at least.
        people: u64,
        /// From when they are deleted: the earliest deadline, shown in Paris time.
        first: Timestamp,
    },
    /// Their workspace is closed.
    WorkspaceClosed {
        /// Until when it can be reopened, shown in Paris time; nothing when everything is erased at once.
        until: Option<Timestamp>,
    },
    /// A campaign of theirs paused itself.
    CampaignPaused {
        /// Its name.
        campaign: &'a str,
        /// What came back.
        sample: Sample,
        /// What there is too much of.
        trouble: Trouble,
        /// It was over before that came back.
        ended: bool,
    },
    /// A campaign of theirs was paused because none of its channels is left.
    CampaignWithoutChannel {
        /// Its name.
        campaign: &'a str,
    },
    /// A campaign of theirs was paused because Amazon SES had paused the operator's account.
    CampaignSendingPaused {
        /// Its name.
        campaign: &'a str,
    },
    /// A campaign of theirs was paused because the channel that its people wait for cannot be used.
    CampaignChannelUnusable {
        /// Its name.
        campaign: &'a str,
        /// The channel's name; nothing where it works again meanwhile.
        channel: Option<&'a str>,
        /// Why it cannot be used.
        reason: Option<Reason>,
    },
    /// An endpoint of theirs is told of nothing any more.
    WebhookDisabled {
        /// Where it is.
        host: &'a str,
        /// Why.
        trouble: WebhookTrouble,
    },
    /// A mailbox of theirs is not read for answers any more.
    MailboxDisabled {
        /// Where it is.
        host: &'a str,
        /// Why.
        stop: Stop,
    },
    /// Somebody exercises a right.
    Rights(RightsMail<'a>),
    /// Personal data got where it should not (A54).
    Breach(BreachMail<'a>),
    /// Abuse was reported, or looked into (A70, A71).
    Abuse(AbuseMail<'a>),
    /// The operator's staff may read in their workspace for a while (A18).
    StaffAccess {
        /// What for.
        purpose: &'a Purpose,
        /// Why, in the words of whoever asked.
        reason: &'a str,
        /// Until when, shown in Paris time.
        until: Timestamp,
    },
    /// Legal texts will change (A56).
    LegalChange {
        /// What changes; one at least.
        changes: &'a [Coming],
    },
    /// News of the product: the only mail here that can be turned off (A14).
    News {
        /// What it says.
        says: &'a Words,
        /// Where one click turns it off (RFC 8058).
        stop: &'a str,
    },
}

/// Why an endpoint is told of nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookTrouble {
    /// It took nothing for a day.
    Failing,
    /// It said that it is gone.
    Gone,
}

impl<'a> Notification<'a> {
    /// The name of what it says, as the evidence of it keeps it (A36).
    pub const fn template(&self) -> &'static str {
        match self {
            Self::VerifyAddress { .. } => "verify_address",
            Self::AlreadyRegistered => "already_registered",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::Invitation { .. } => "invitation",
            Self::SecondFactorOn { .. } => "second_factor_on",
            Self::SecondFactorOff { .. } => "second_factor_off",
            Self::NoticeDue { .. } => "notice_due",
            Self::WorkspaceClosed { .. } => "workspace_closed",
            Self::CampaignPaused { .. } => "campaign_paused",
            Self::CampaignWithoutChannel { .. } => "campaign_without_channel",
            Self::CampaignSendingPaused { .. } => "campaign_sending_paused",
            Self::CampaignChannelUnusable { .. } => "campaign_channel_unusable",
            Self::WebhookDisabled { .. } => "webhook_disabled",
            Self::MailboxDisabled { .. } => "mailbox_disabled",
            Self::Rights(mail) => mail.template(),
            Self::Breach(mail) => mail.template(),
            Self::Abuse(mail) => mail.template(),
            Self::StaffAccess { .. } => "staff_access",
            Self::LegalChange { .. } => "legal_change",
            Self::News { .. } => "news",
        }
    }

    /// The token it carries.
    const fn token(&self) -> Option<&'a str> {
        match *self {
            Self::VerifyAddress { token, .. } | Self::PasswordReset { token, .. } | Self::Invitation { token, .. } => {
                Some(token)
            }
            Self::Rights(mail) => mail.token(),
            Self::AlreadyRegistered
            | Self::PasswordChanged { .. }
            | Self::SecondFactorOn { .. }
            | Self::SecondFactorOff { .. }
            | Self::NoticeDue { .. }
            | Self::WorkspaceClosed { .. }
            | Self::CampaignPaused { .. }
            | Self::CampaignWithoutChannel { .. }
            | Self::CampaignSendingPaused { .. }
            | Self::CampaignChannelUnusable { .. }
            | Self::WebhookDisabled { .. }
            | Self::MailboxDisabled { .. }
            | Self::StaffAccess { .. }
            | Self::Breach(_)
            | Self::Abuse(_)
            | Self::LegalChange { .. }
            | Self::News { .. } => None,
        }
    }

    /// Where one click turns such mails off, if anything does.
    const fn stop(&self) -> Option<&'a str> {
        if let Self::News { stop, .. } = *self { Some(stop) } else { None }
    }
}

/// Everything one system mail is made of.
#[derive(Clone, Copy)]
pub struct SystemMail<'a> {
    /// The operator's own address for system mails.
    pub from: &'a EmailAddress,
    /// The member's address.
    pub to: &'a EmailAddress,
    /// The member's language.
    pub locale: Locale,
    /// What happened.
    pub notification: Notification<'a>,
    /// Base of every link, https, without a slash at the end.
    pub public_url: &'a str,
    /// The company that runs the service, named in every mail.
    pub operator: &'a str,
    /// Where to ask for help.
    pub contact: &'a str,
    /// `unique@domain`, without brackets.
    pub message_id: &'a str,
    /// For the `Date` header.
    pub date: Timestamp,
}

/// Subject, text and HTML of a system mail: what [`compose`] sends.
///
/// # Errors
/// A link that is not https; a token that is not plain ASCII.
pub fn preview(mail: &SystemMail<'_>) -> Result<Preview, ComposeError> {
    mime::link("public", mail.public_url)?;
    if let Some(token) = mail.notification.token() {
        ascii_value("token", token, "-_.")?;
    }
    if let Some(stop) = mail.notification.stop() {
        mime::link("unsubscribe", stop)?;
    }
    let (subject, body) = words::of(mail);
    let (operator, contact) = (mime::one_line(mail.operator), mime::one_line(mail.contact));
    let end = match mail.locale {
        Locale::Fr => format!(
            "L’équipe {PRODUCT}\n{PRODUCT} est un service édité par {operator}. Une question ? Écrivez à {contact}.\n{}/legal/notice?lang=fr",
            mail.public_url
        ),
        Locale::En => format!(
            "The {PRODUCT} team\n{PRODUCT} is a service run by {operator}. A question? Write to {contact}.\n{}/legal/notice?lang=en",
            mail.public_url
        ),
    };
    let text = format!("{body}\n\n{end}\n");
    let (lang, title, html) = (mail.locale.tag(), escape(&subject), crate::html::html_of(&text));
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n</head>\n\
         <body style=\"margin:0;padding:16px;max-width:640px;background-color:#ffffff;color:#222222;\
         font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5\">\n{html}\n</body>\n</html>\n"
    );
    Ok(Preview { subject, text, html })
}

/// The mail as it is read, and as bytes.
///
/// # Errors
/// As [`preview`]; and an address or Message-ID that cannot be written, see [`ComposeError`].
pub fn compose(mail: &SystemMail<'_>) -> Result<(Preview, Message), ComposeError> {
    let shown = preview(mail)?;
    let mut extra = vec![("Auto-Submitted", Cow::Borrowed("auto-generated"))];
    if let Some(stop) = mail.notification.stop() {
        extra.extend(mime::one_click(stop));
    }
    let message = mime::assemble(&Parts {
        from: (PRODUCT, mail.from),
        to: (None, mail.to),
        reply_to: None,
        subject: &shown.subject,
        text: &shown.text,
        html: &shown.html,
        language: mail.locale.tag(),
        message_id: mail.message_id,
        thread: &[],
        date: mail.date,
        smtputf8: false,
        extra,
    })?;
    Ok((shown, message))
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use domain::{
        abuse::{AbuseKind, CaseOutcome},
        id::{CaseId, IncidentId, RequestId},
        rights::{Outcome, RequestKind},
        staff::Disclosure,
        subject::Subject,
    };
    use mail_parser::MessageParser;

    use super::*;
    use crate::rights::Holder;

    const TOKEN: &str = "tok_AbC-123_xyz";

    const STOP: &str = "https://prospectra.test/u/AbC-123_xyz";

    static NEWS: LazyLock<Words> = LazyLock::new(|| Words {
        subject: "Vos relances partent\r\nBcc: toutes seules".into(),
        text: "Une étape peut suivre une autre <après> quelques jours.\n\nEssayez !".into(),
    });

    const fn invitation(elsewhere: bool) -> Notification<'static> {
        Notification::Invitation { token: TOKEN, company: "Atelier\r\nExemple", elsewhere, hours: 168 }
    }

    static DISCLOSURE: LazyLock<Purpose> = LazyLock::new(|| {
        Purpose::Disclosure(Disclosure {
            person: Subject::from_bytes([7; 16]),
            authority: "Tribunal judiciaire\r\nde Lyon".into(),
            legal_basis: "article 60-1 du code de procédure pénale".into(),
        })
    });

    fn staff_access(purpose: &'static Purpose) -> Notification<'static> {
        let until = "2026-04-05T07:07:08Z".parse().unwrap();
        Notification::StaffAccess { purpose, reason: "Un import\nne se termine pas.", until }
    }

    fn paused(trouble: Trouble, ended: bool) -> Notification<'static> {
        let sample = Sample { handed: 1_250, bounced: 50, complained: 1 };
        Notification::CampaignPaused { campaign: "Automne 2026", sample, trouble, ended }
    }

    const fn disabled(trouble: WebhookTrouble) -> Notification<'static> {
        Notification::WebhookDisabled { host: "hooks.example.com", trouble }
    }

    /// The change that was announced in December 2026, as it is in the register.
    fn changes() -> &'static [Coming] {
        static CHANGES: LazyLock<Vec<Coming>> =
            LazyLock::new(|| crate::legal::changes("2026-12-02T12:00:00Z".parse().unwrap()));
        &CHANGES
    }

    fn unusable(channel: Option<&'static str>, reason: Option<Reason>) -> Notification<'static> {
        Notification::CampaignChannelUnusable { campaign: "Automne 2026", channel, reason }
    }

    fn all() -> Vec<(&'static str, Notification<'static>)> {
        let first = "2026-04-12T06:07:08Z".parse().unwrap();
        let mut all = vec![
            ("verify_address", Notification::VerifyAddress { token: TOKEN, hours: 24 }),
            ("already_registered", Notification::AlreadyRegistered),
            ("password_reset", Notification::PasswordReset { token: TOKEN, minutes: 60 }),
            ("password_changed", Notification::PasswordChanged { at: "2026-04-05T06:07:08Z".parse().unwrap() }),
            ("invitation", invitation(false)),
            ("invitation_elsewhere", invitation(true)),
            ("second_factor_on", Notification::SecondFactorOn { at: first }),
            ("second_factor_off", Notification::SecondFactorOff { at: first }),
            ("notice_due", Notification::NoticeDue { people: 12, first }),
            ("notice_due_one", Notification::NoticeDue { people: 1, first }),
            ("workspace_closed", Notification::WorkspaceClosed { until: Some(first) }),
            ("workspace_closed_for_good", Notification::WorkspaceClosed { until: None }),
            ("campaign_without_channel", Notification::CampaignWithoutChannel { campaign: "Automne 2026" }),
            ("campaign_sending_paused", Notification::CampaignSendingPaused { campaign: "Automne 2026" }),
            ("campaign_channel_unusable", unusable(Some("Relais"), None)),
            ("campaign_channel_unreachable", unusable(Some("Relais"), Some(Reason::Unreachable))),
            ("campaign_channel_credentials", unusable(Some("Relais"), Some(Reason::Credentials))),
            ("campaign_channel_sender_refused", unusable(Some("Relais"), Some(Reason::SenderRefused))),
            ("campaign_channel_messages_refused", unusable(Some("Relais"), Some(Reason::MessagesRefused))),
            ("campaign_channel_quota", unusable(Some("Relais"), Some(Reason::ChannelQuota))),
            ("campaign_channel_busy", unusable(None, Some(Reason::ChannelBusy))),
            ("campaign_paused_bounces", paused(Trouble::Bounces, false)),
            ("campaign_paused_complaints", paused(Trouble::Complaints, false)),
            ("campaign_ended_badly", paused(Trouble::Bounces, true)),
            ("webhook_failing", disabled(WebhookTrouble::Failing)),
            ("webhook_gone", disabled(WebhookTrouble::Gone)),
            ("mailbox_disabled", Notification::MailboxDisabled { host: "imap.example.com", stop: Stop::Credentials }),
            ("legal_change", Notification::LegalChange { changes: changes() }),
            ("news", Notification::News { says: &NEWS, stop: STOP }),
            ("staff_access", staff_access(&Purpose::Maintenance)),
            ("staff_access_disclosure", staff_access(&DISCLOSURE)),
        ];
        all.extend(after_a_breach().map(|(name, mail)| (name, Notification::Breach(mail))));
        all.extend(about_abuse().map(|(name, mail)| (name, Notification::Abuse(mail))));
        all.extend(about_rights().map(|(name, mail)| (name, Notification::Rights(mail))));
        all
    }

    fn after_a_breach() -> [(&'static str, BreachMail<'static>); 5] {
        let at: Timestamp = "2026-04-05T06:07:08Z".parse().unwrap();
        let told = |drill| Told {
            drill,
            nature: "Des mots de passe ont été devinés.",
            consequences: "Vos listes ont pu être lues.",
            measures: "Les sessions sont fermées.\nChangez de mot de passe.",
            contact: "donnees@prospectra.test",
            discovered_at: at,
        };
        let due = |drill| Due { drill, id: IncidentId::from_bytes([1; 10]), due: at };
        [
            ("breach_member", BreachMail::Member(told(false))),
            ("breach_member_drill", BreachMail::Member(told(true))),
            ("breach_sender", BreachMail::Sender(told(false))),
            ("breach_reminder", BreachMail::Reminder(due(true))),
            ("breach_overdue", BreachMail::Overdue(due(false))),
        ]
    }

    fn about_abuse() -> [(&'static str, AbuseMail<'static>); 7] {
        let (id, kind) = (CaseId::from_bytes([1; 10]), AbuseKind::DespiteUnsubscribe);
        let about = |note, kind| AboutAbuse { note, kind, contact: "abus@prospectra.test" };
        let note = Some("Deux personnes désinscrites ont reçu un message.\nDites-nous pourquoi.");
        [
            ("abuse_received", AbuseMail::Received { id, kind }),
            ("abuse_answered", AbuseMail::Answered { id, outcome: CaseOutcome::Warned }),
            ("abuse_answered_nothing", AbuseMail::Answered { id, outcome: CaseOutcome::Nothing }),
            ("abuse_warned", AbuseMail::Warned(about(note, Some(kind)))),
            ("abuse_suspended", AbuseMail::Suspended(about(note, None))),
            ("abuse_suspended_itself", AbuseMail::Suspended(about(None, None))),
            ("abuse_released", AbuseMail::Released(about(note, None))),
        ]
    }

    fn about_rights() -> [(&'static str, RightsMail<'static>); 15] {
        static PERSON: LazyLock<EmailAddress> = LazyLock::new(|| EmailAddress::parse("elodie@example.org").unwrap());
        const HOLDERS: &[Holder<'_>] = &[
            Holder { company: "Ateliers Érable SAS", contact: Some("contact@example.com"), record: true },
            Holder { company: "Autre SARL", contact: None, record: false },
        ];
        let (due, id): (Timestamp, _) = ("2026-05-05T06:07:08Z".parse().unwrap(), RequestId::from_bytes([1; 10]));
        let (access, person, company) = (RequestKind::Access, &*PERSON, "Ateliers Érable SAS");
        let (rectify, erase) = (RequestKind::Rectification, RequestKind::Erasure);
        let reason = "Nous avons échangé plus de mille messages.";
        const DOUBT: &str = "Votre lettre vient d’une autre adresse.\nElle n’est pas signée.";
        [
            ("rights_proof", RightsMail::Proof { kind: access, token: TOKEN, hours: 24 }),
            (
                "rights_answer",
                RightsMail::Answer {
                    kind: access,
                    holders: HOLDERS,
                    due: Some(due),
                    access: Some((TOKEN, 24)),
                    certificate: None,
                },
            ),
            (
                "rights_nobody",
                RightsMail::Answer { kind: access, holders: &[], due: None, access: None, certificate: None },
            ),
            (
                "rights_erased",
                RightsMail::Answer { kind: erase, holders: HOLDERS, due: None, access: None, certificate: Some(id) },
            ),
            ("rights_task", RightsMail::Task { kind: rectify, person, id, due, done: false }),
            ("rights_task_done", RightsMail::Task { kind: erase, person, id, due, done: true }),
            ("rights_reminder", RightsMail::Reminder { kind: rectify, id, due }),
            ("rights_overdue", RightsMail::Overdue { kind: rectify, id, company, due }),
            ("rights_late", RightsMail::Late { kind: rectify, id, due }),
            ("rights_extended", RightsMail::Extended { kind: access, company, reason, until: due }),
            (
                "rights_handled",
                RightsMail::Handled {
                    kind: rectify,
                    company,
                    outcome: Outcome::Done,
                    reason: None,
                    access: Some((TOKEN, 24)),
                    certificate: Some(id),
                },
            ),
            (
                "rights_refused",
                RightsMail::Handled {
                    kind: rectify,
                    company,
                    outcome: Outcome::Refused,
                    reason: Some(reason),
                    access: None,
                    certificate: None,
                },
            ),
            ("rights_lifted", RightsMail::Lifted { company, reason }),
            ("rights_identity", RightsMail::Identity { kind: access, reason: DOUBT, token: TOKEN, until: due }),
            ("rights_registered", RightsMail::Registered { kind: access, id, due }),
        ]
    }

    fn with_mail<T>(notification: Notification<'_>, locale: Locale, f: impl FnOnce(SystemMail<'_>) -> T) -> T {
        let from = EmailAddress::parse("bonjour@prospectra.test").unwrap();
        let to = EmailAddress::parse("zoe@example.com").unwrap();
        f(SystemMail {
            from: &from,
            to: &to,
            locale,
            notification,
            public_url: "https://prospectra.test",
            operator: "Exemple SAS",
            contact: "aide@prospectra.test",
            message_id: "sys_0001@prospectra.test",
            date: "2026-04-05T06:07:08Z".parse().unwrap(),
        })
    }

    #[test]
    fn every_system_mail_in_both_languages() {
        for (name, notification) in all() {
            for locale in Locale::ALL {
                let (_, message) = with_mail(notification, locale, |mail| compose(&mail).unwrap());
                let raw = String::from_utf8(message.bytes).unwrap();
                insta::assert_snapshot!(format!("{name}_{}", locale.tag()), raw);
            }
        }
    }

    #[test]
    fn a_system_mail_says_that_it_is_one_and_is_complete() {
        for (name, notification) in all() {
            for locale in Locale::ALL {
                let (_, message) = with_mail(notification, locale, |mail| compose(&mail).unwrap());
                let parsed = MessageParser::default().parse(&message.bytes).unwrap();
                assert_eq!(parsed.header_raw("Auto-Submitted").map(str::trim), Some("auto-generated"), "{name}");
                let stop = parsed.header_raw("List-Unsubscribe").map(str::trim);
                assert_eq!(stop.is_some(), name == "news", "{name}: only news is turned off");
                for part in [parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap()] {
                    let needs_token = notification.token().is_some();
                    assert_eq!(part.contains(TOKEN), needs_token, "{name}");
                    assert!(part.contains("Exemple SAS") && part.contains("aide@prospectra.test"), "{name}");
                    assert!(!part.contains("<img"), "{name}");
                }
            }
        }
    }

    #[test]
    fn a49_what_a_person_is_answered_names_the_authority() {
        let answers = ["rights_answer", "rights_extended", "rights_handled", "rights_lifted"];
        let mails = all();
        let named: Vec<_> = mails.iter().filter(|(name, _)| answers.iter().any(|a| name.starts_with(a))).collect();
        assert!(named.len() >= answers.len(), "{}", named.len());
        for (name, notification) in named {
            for locale in Locale::ALL {
                let (_, message) = with_mail(*notification, locale, |mail| compose(&mail).unwrap());
                let parsed = MessageParser::default().parse(&message.bytes).unwrap();
                for part in [parsed.body_text(0).unwrap(), parsed.body_html(0).unwrap()] {
                    assert!(part.contains("https://www.cnil.fr/plaintes"), "{name}: {part}");
                }
            }
        }
    }

    #[test]
    fn a_token_or_link_that_is_not_plain_is_refused() {
        let notification = Notification::PasswordReset { token: "a\r\nb", minutes: 60 };
        with_mail(notification, Locale::Fr, |mail| {
            assert_eq!(compose(&mail).map(drop), Err(ComposeError::UnsafeHeader("token")));
        });
        with_mail(Notification::AlreadyRegistered, Locale::Fr, |mail| {
            let mail = SystemMail { public_url: "http://prospectra.test", ..mail };
            assert_eq!(compose(&mail).map(drop), Err(ComposeError::UnsafeLink("public")));
        });
    }
}
