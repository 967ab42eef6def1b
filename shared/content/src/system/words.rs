//! What the system mails say.

mod abuse;
mod breach;
mod campaign_channel_unusable;
mod campaign_paused;
mod campaign_sending_paused;
mod campaign_without_channel;
mod invitation;
mod legal_change;
mod mailbox_disabled;
mod news;
mod notice_due;
mod rights;
mod second_factor;
mod staff_access;
mod webhook_disabled;

use domain::locale::Locale;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Notification, SystemMail};
use crate::message::day;
use crate::mime::one_line;
use crate::page::PRODUCT;

/// Subject and text of a mail, without its end.
pub(super) fn of(mail: &SystemMail<'_>) -> (String, String) {
    match mail.locale {
        Locale::Fr => french(mail),
        Locale::En => english(mail),
    }
}

fn french(mail: &SystemMail<'_>) -> (String, String) {
    let (subject, text) = match mail.notification {
        Notification::VerifyAddress { token, hours } => (
            format!("Confirmez votre adresse pour ouvrir votre compte {PRODUCT}"),
            format!(
                "Bienvenue,\n\nIl ne reste qu’une étape : confirmer que cette adresse est bien la vôtre. Voici votre code \
                 de confirmation :\n\n{token}\n\nIl fonctionne une seule fois, pendant {}.\n\n\
                 Vous n’avez pas demandé de compte ? Ne faites rien : sans confirmation, votre adresse est effacée.",
                heures(hours)
            ),
        ),
        Notification::AlreadyRegistered => (
            format!("Vous avez déjà un compte {PRODUCT}"),
            format!(
                "Bonjour,\n\nQuelqu’un vient de demander l’ouverture d’un compte {PRODUCT} avec votre adresse. Vous en avez \
                 déjà un : rien n’a changé.\n\nSi c’était vous, connectez-vous avec votre mot de passe habituel ; si vous \
                 l’avez oublié, demandez-en un nouveau depuis la page de connexion.\n\nSi ce n’était pas vous, ne faites \
                 rien : personne n’a eu accès à votre compte."
            ),
        ),
        Notification::PasswordReset { token, minutes } => (
            format!("Choisissez un nouveau mot de passe {PRODUCT}"),
            format!(
                "Bonjour,\n\nQuelqu’un, sans doute vous, a demandé un nouveau mot de passe pour votre compte. Voici le code qui permet de le choisir :\n\n{token}\n\n\
                 Il fonctionne une seule fois, pendant {minutes} minutes. Toutes vos sessions ouvertes seront alors \
                 fermées.\n\nVous n’avez rien demandé ? Ne faites rien, et ne donnez ce code à personne : votre mot de \
                 passe actuel reste valable."
            ),
        ),
        Notification::PasswordChanged { at } => (
            format!("Votre mot de passe {PRODUCT} a été modifié"),
            format!(
                "Bonjour,\n\nVotre mot de passe a été modifié le {}. Toutes les sessions qui étaient ouvertes ont été \
                 fermées.\n\nSi ce n’était pas vous, demandez tout de suite un nouveau mot de passe depuis la page de \
                 connexion, puis écrivez-nous.",
                moment(Locale::Fr, at)
            ),
        ),
        Notification::Invitation { token, company, elsewhere, hours } => {
            invitation::french(token, &one_line(company), elsewhere, &heures(hours))
        }
        Notification::SecondFactorOn { at } => second_factor::french(true, &moment(Locale::Fr, at)),
        Notification::SecondFactorOff { at } => second_factor::french(false, &moment(Locale::Fr, at)),
        Notification::WorkspaceClosed { until } => (
            "Votre espace de travail est fermé".to_owned(),
            match until {
                Some(until) => format!(
                    "Bonjour,\n\nVotre espace de travail est fermé : plus rien ne part, et les clés des programmes sont \
                     supprimées. Jusqu’au {}, vous pouvez le rouvrir et exporter vos données ; tout est ensuite supprimé.\n\nCe \
                     n’est pas vous ? Connectez-vous et rouvrez-le ; le journal dit qui l’a fermé.",
                    moment(Locale::Fr, until)
                ),
                None => "Bonjour,\n\nVotre espace de travail est fermé définitivement, à la demande de l’un de ses propriétaires : \
                         tout est supprimé dans l’heure, et rien ne peut être rouvert. Nous n’en gardons que ce que la loi \
                         demande."
                    .to_owned(),
            },
        ),
        Notification::CampaignPaused { campaign, sample, trouble, ended } => {
            campaign_paused::french(campaign, sample, trouble, ended)
        }
        Notification::CampaignWithoutChannel { campaign } => campaign_without_channel::french(campaign),
        Notification::CampaignSendingPaused { campaign } => campaign_sending_paused::french(campaign),
        Notification::CampaignChannelUnusable { campaign, channel, reason } => {
            campaign_channel_unusable::french(campaign, channel.map(one_line).as_deref(), reason)
        }
        Notification::WebhookDisabled { host, trouble } => webhook_disabled::french(&one_line(host), trouble),
        Notification::MailboxDisabled { host, stop } => mailbox_disabled::french(&one_line(host), stop),
        Notification::NoticeDue { people, first } => notice_due::french(people, &moment(Locale::Fr, first)),
        Notification::Rights(about) => rights::of(Locale::Fr, mail.public_url, &about),
        Notification::Breach(about) => breach::of(Locale::Fr, &about),
        Notification::Abuse(about) => abuse::of(Locale::Fr, &about),
        Notification::StaffAccess { purpose, reason, until } => {
            staff_access::french(purpose, reason, &moment(Locale::Fr, until))
        }
        Notification::LegalChange { changes } => legal_change::french(changes, mail.public_url),
        Notification::News { says, stop } => news::french(says, stop),
    };
    (subject, text)
}

fn english(mail: &SystemMail<'_>) -> (String, String) {
    let (subject, text) = match mail.notification {
        Notification::VerifyAddress { token, hours } => (
            format!("Confirm your address to open your {PRODUCT} account"),
            format!(
                "Welcome,\n\nOne step is left: confirming that this address is yours. Here is your confirmation code:\n\n\
                 {token}\n\nIt works once, for {}.\n\nYou did not ask for an account? Do nothing: unless it is confirmed, \
                 your address is erased.",
                hours_en(hours)
            ),
        ),
        Notification::AlreadyRegistered => (
            format!("You already have a {PRODUCT} account"),
            format!(
                "Hello,\n\nSomebody just asked to open a {PRODUCT} account with your address. You already have one: nothing \
                 has changed.\n\nIf it was you, sign in with your usual password; if you have forgotten it, ask for a new \
                 one on the sign-in page.\n\nIf it was not you, do nothing: nobody has had access to your account."
            ),
        ),
        Notification::PasswordReset { token, minutes } => (
            format!("Choose a new {PRODUCT} password"),
            format!(
                "Hello,\n\nSomebody, most likely you, asked for a new password for your account. Here is the code that lets you choose it:\n\n{token}\n\nIt works once, \
                 for {minutes} minutes. All your open sessions will then be closed.\n\nYou did not ask for anything? Do \
                 nothing, and give this code to nobody: your current password remains valid."
            ),
        ),
        Notification::PasswordChanged { at } => (
            format!("Your {PRODUCT} password was changed"),
            format!(
                "Hello,\n\nYour password was changed on {}. All sessions that were open have been closed.\n\nIf it was not \
                 you, ask for a new password on the sign-in page right away, then write to us.",
                moment(Locale::En, at)
            ),
        ),
        Notification::Invitation { token, company, elsewhere, hours } => {
            invitation::english(token, &one_line(company), elsewhere, &hours_en(hours))
        }
        Notification::SecondFactorOn { at } => second_factor::english(true, &moment(Locale::En, at)),
        Notification::SecondFactorOff { at } => second_factor::english(false, &moment(Locale::En, at)),
        Notification::WorkspaceClosed { until } => (
            "Your workspace is closed".to_owned(),
            match until {
                Some(until) => format!(
                    "Hello,\n\nYour workspace is closed: nothing leaves any more, and the keys of programs are deleted. Until {}, \
                     you can reopen it and export your data; then everything is deleted.\n\nIt was not you? Sign in and reopen \
                     it; the trail says who closed it.",
                    moment(Locale::En, until)
                ),
                None => "Hello,\n\nYour workspace is closed for good, as one of its owners asked: everything is deleted within the \
                         hour, and nothing can be reopened. We keep nothing of it but what the law asks for."
                    .to_owned(),
            },
        ),
        Notification::CampaignPaused { campaign, sample, trouble, ended } => {
            campaign_paused::english(campaign, sample, trouble, ended)
        }
        Notification::CampaignWithoutChannel { campaign } => campaign_without_channel::english(campaign),
        Notification::CampaignSendingPaused { campaign } => campaign_sending_paused::english(campaign),
        Notification::CampaignChannelUnusable { campaign, channel, reason } => {
            campaign_channel_unusable::english(campaign, channel.map(one_line).as_deref(), reason)
        }
        Notification::WebhookDisabled { host, trouble } => webhook_disabled::english(&one_line(host), trouble),
        Notification::MailboxDisabled { host, stop } => mailbox_disabled::english(&one_line(host), stop),
        Notification::NoticeDue { people, first } => notice_due::english(people, &moment(Locale::En, first)),
        Notification::Rights(about) => rights::of(Locale::En, mail.public_url, &about),
        Notification::Breach(about) => breach::of(Locale::En, &about),
        Notification::Abuse(about) => abuse::of(Locale::En, &about),
        Notification::StaffAccess { purpose, reason, until } => {
            staff_access::english(purpose, reason, &moment(Locale::En, until))
        }
        Notification::LegalChange { changes } => legal_change::english(changes, mail.public_url),
        Notification::News { says, stop } => news::english(says, stop),
    };
    (subject, text)
}

/// Whole days from two of them on: nobody counts in 168 hours.
const fn days(hours: u16) -> Option<u16> {
    if hours >= 48 && hours.is_multiple_of(24) { Some(hours / 24) } else { None }
}

fn heures(hours: u16) -> String {
    if let Some(days) = days(hours) {
        return format!("{days} jours");
    }
    format!("{hours} heure{}", if hours > 1 { "s" } else { "" })
}

fn hours_en(hours: u16) -> String {
    if let Some(days) = days(hours) {
        return format!("{days} days");
    }
    format!("{hours} hour{}", if hours == 1 { "" } else { "s" })
}

/// Day and time as a person in France reads them.
pub(crate) fn moment(locale: Locale, at: Timestamp) -> String {
    let zoned = at.to_zoned(TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC));
    let (day, time) = (day(locale, zoned.date()), zoned.strftime("%H:%M"));
    let place = if zoned.time_zone().iana_name() == Some("Europe/Paris") { "Paris" } else { "UTC" };
    match locale {
        Locale::Fr => format!("{day} à {time} (heure de {place})"),
        Locale::En => format!("{day} at {time} ({place} time)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_the_way_people_say_it() {
        let said: Vec<_> = [1, 24, 48, 50, 168].map(|hours| (heures(hours), hours_en(hours))).into();
        let expected = [
            ("1 heure", "1 hour"),
            ("24 heures", "24 hours"),
            ("2 jours", "2 days"),
            ("50 heures", "50 hours"),
            ("7 jours", "7 days"),
        ];
        assert_eq!(said, expected.map(|(fr, en)| (fr.to_owned(), en.to_owned())));
    }
}
