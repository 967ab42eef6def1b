//! About abuse: what the mails say.

use domain::{abuse::CaseOutcome, locale::Locale};

use crate::abuse::name;
use crate::page::PRODUCT;
use crate::system::{AboutAbuse, AbuseMail};

/// Subject and text of a mail, without its end.
pub(super) fn of(locale: Locale, mail: &AbuseMail<'_>) -> (String, String) {
    match locale {
        Locale::Fr => french(mail),
        Locale::En => english(mail),
    }
}

fn french(mail: &AbuseMail<'_>) -> (String, String) {
    match mail {
        AbuseMail::Received { id, kind } => (
            "Votre signalement est enregistré".to_owned(),
            format!(
                "Bonjour,\n\nVotre signalement ({}) est enregistré sous le numéro {id}. Une personne de notre équipe le lit ; vous \
                 recevrez une réponse, puis votre adresse sera effacée du dossier.\n\nVous n’avez rien signalé ? Ne faites rien.",
                name(Locale::Fr, *kind)
            ),
        ),
        AbuseMail::Answered { id, outcome } => (
            "Réponse à votre signalement".to_owned(),
            format!(
                "Bonjour,\n\nNous avons examiné votre signalement {id}. {} Votre adresse est maintenant effacée du dossier.",
                match outcome {
                    CaseOutcome::Nothing => "Nous n’avons pas trouvé de manquement à nos conditions d’utilisation.",
                    CaseOutcome::Warned => "L’entreprise a reçu un avertissement.",
                    CaseOutcome::Suspended => "L’entreprise ne peut plus rien envoyer.",
                }
            ),
        ),
        AbuseMail::Warned(about) => (
            "Avertissement après un signalement d’abus".to_owned(),
            format!(
                "Bonjour,\n\nUn abus nous a été signalé à propos de vos envois{}. Nous l’avons examiné :\n\n{}\n\nFaites en sorte \
                 que cela ne se reproduise pas : nos conditions d’utilisation prévoient la suspension des envois.\n\nUne \
                 objection ? Écrivez à {}.",
                reported(Locale::Fr, about),
                why(Locale::Fr, about),
                about.contact
            ),
        ),
        AbuseMail::Suspended(about) => (
            format!("Les envois de votre espace {PRODUCT} sont suspendus"),
            format!(
                "Bonjour,\n\nLes envois de votre espace de travail sont suspendus{}. La raison :\n\n{}\n\nRien n’est plus envoyé, \
                 importé ni lancé. Les campagnes en cours sont en pause. Les exports, les demandes des personnes et les \
                 désinscriptions fonctionnent comme avant.\n\nUne objection, ou tout est en ordre ? Écrivez à {}.",
                reported(Locale::Fr, about),
                why(Locale::Fr, about),
                about.contact
            ),
        ),
        AbuseMail::Released(about) => (
            format!("Les envois de votre espace {PRODUCT} sont rétablis"),
            format!(
                "Bonjour,\n\nLa suspension des envois de votre espace de travail est levée :\n\n{}\n\nLes campagnes restent en \
                 pause jusqu’à ce que vous les repreniez.\n\nUne question ? Écrivez à {}.",
                why(Locale::Fr, about),
                about.contact
            ),
        ),
    }
}

fn english(mail: &AbuseMail<'_>) -> (String, String) {
    match mail {
        AbuseMail::Received { id, kind } => (
            "Your report is registered".to_owned(),
            format!(
                "Hello,\n\nYour report ({}) is registered under the number {id}. Somebody of our staff reads it; you will get an \
                 answer, and then your address is erased from the case.\n\nYou did not report anything? Do nothing.",
                name(Locale::En, *kind)
            ),
        ),
        AbuseMail::Answered { id, outcome } => (
            "Answer to your report".to_owned(),
            format!(
                "Hello,\n\nWe have looked at your report {id}. {} Your address is now erased from the case.",
                match outcome {
                    CaseOutcome::Nothing => "We found nothing against our terms of use.",
                    CaseOutcome::Warned => "The company was warned.",
                    CaseOutcome::Suspended => "The company cannot send anything any more.",
                }
            ),
        ),
        AbuseMail::Warned(about) => (
            "A warning after a report of abuse".to_owned(),
            format!(
                "Hello,\n\nAn abuse was reported to us about your messages{}. We have looked at it:\n\n{}\n\nSee to it that this \
                 does not happen again: under our terms of use sending can be suspended.\n\nYou object? Write to {}.",
                reported(Locale::En, about),
                why(Locale::En, about),
                about.contact
            ),
        ),
        AbuseMail::Suspended(about) => (
            format!("Sending is suspended in your {PRODUCT} workspace"),
            format!(
                "Hello,\n\nSending is suspended in your workspace{}. The reason:\n\n{}\n\nNothing is sent, imported or launched any \
                 more. Campaigns that are under way are paused. Exports, people’s requests and unsubscribing work as \
                 before.\n\nYou object, or all is in order? Write to {}.",
                reported(Locale::En, about),
                why(Locale::En, about),
                about.contact
            ),
        ),
        AbuseMail::Released(about) => (
            format!("Your {PRODUCT} workspace may send again"),
            format!(
                "Hello,\n\nThe suspension of your workspace has ended:\n\n{}\n\nCampaigns stay paused until you resume \
                 them.\n\nA question? Write to {}.",
                why(Locale::En, about),
                about.contact
            ),
        ),
    }
}

/// What was reported, in brackets.
fn reported(locale: Locale, about: &AboutAbuse<'_>) -> String {
    about.kind.map(|kind| format!(" ({})", name(locale, kind))).unwrap_or_default()
}

fn why<'a>(locale: Locale, about: &AboutAbuse<'a>) -> &'a str {
    about.note.unwrap_or(match locale {
        Locale::Fr => {
            "Deux campagnes se sont mises en pause d’elles-mêmes en trente jours : trop de leurs messages sont revenus, ou ont été \
             signalés comme indésirables. Dites-nous d’où viennent ces listes, et ce que vous changez."
        }
        Locale::En => {
            "Two campaigns paused themselves within thirty days: too many of their messages came back, or were reported as spam. \
             Tell us where these lists come from, and what you change."
        }
    })
}
