//! After a breach: what the mails say.

use domain::locale::Locale;

use super::moment;
use crate::page::PRODUCT;
use crate::system::BreachMail;

/// Subject and text of a mail, without its end.
pub(super) fn of(locale: Locale, mail: &BreachMail<'_>) -> (String, String) {
    let (subject, text) = match locale {
        Locale::Fr => french(mail),
        Locale::En => english(mail),
    };
    if !mail.is_drill() {
        return (subject, text);
    }
    match locale {
        Locale::Fr => (
            format!("[EXERCICE] {subject}"),
            format!("CECI EST UN EXERCICE. Rien de ce qui suit n’a eu lieu, et vous n’avez rien à faire.\n\n{text}"),
        ),
        Locale::En => (
            format!("[EXERCISE] {subject}"),
            format!("THIS IS AN EXERCISE. Nothing of what follows has happened, and there is nothing to do.\n\n{text}"),
        ),
    }
}

fn french(mail: &BreachMail<'_>) -> (String, String) {
    let day = |at| moment(Locale::Fr, at);
    match mail {
        BreachMail::Member(told) => (
            format!("Violation de données concernant votre compte {PRODUCT}"),
            format!(
                "Bonjour,\n\nNous avons découvert le {} une violation de données personnelles qui concerne votre compte. Nous \
                 vous en informons comme l’article 34 du RGPD le prévoit.\n\nCe qui s’est passé :\n\n{}\n\nCe qui peut en \
                 résulter :\n\n{}\n\nCe que nous avons fait, et ce que vous pouvez faire :\n\n{}\n\nVos questions : {}.",
                day(told.discovered_at),
                told.nature,
                told.consequences,
                told.measures,
                told.contact
            ),
        ),
        BreachMail::Sender(told) => (
            format!("Violation de données concernant vos prospects dans {PRODUCT}"),
            format!(
                "Bonjour,\n\nNous avons découvert le {} une violation de données personnelles qui concerne les prospects de \
                 votre espace de travail. Vous êtes responsable de ces données : nous vous en informons comme l’article 33.2 du \
                 RGPD le prévoit. Il vous revient d’en informer votre autorité, en 72 heures, et au besoin les personnes.\n\nCe \
                 qui s’est passé :\n\n{}\n\nCe qui peut en résulter :\n\n{}\n\nCe que nous avons fait, et ce que vous pouvez \
                 faire :\n\n{}\n\nVos questions : {}.",
                day(told.discovered_at),
                told.nature,
                told.consequences,
                told.measures,
                told.contact
            ),
        ),
        BreachMail::Reminder(todo) => (
            format!("Violation de données : l’autorité doit être informée ({})", todo.id),
            format!(
                "Bonjour,\n\nL’incident {} est ouvert, et rien ne dit encore que l’autorité de contrôle en a été informée. \
                 L’article 33 du RGPD laisse 72 heures : jusqu’au {}.\n\nUne fois l’autorité informée, notez sa référence ; si \
                 l’incident n’expose personne à un risque, notez pourquoi. Les rappels s’arrêtent alors.",
                todo.id,
                day(todo.due)
            ),
        ),
        BreachMail::Overdue(todo) => (
            format!("Violation de données : le délai de 72 heures est dépassé ({})", todo.id),
            format!(
                "Bonjour,\n\nPour l’incident {}, le délai de l’article 33 du RGPD s’est achevé le {}, et rien ne dit que \
                 l’autorité de contrôle a été informée. Informez-la sans attendre, avec les motifs du retard, puis notez sa \
                 référence.",
                todo.id,
                day(todo.due)
            ),
        ),
    }
}

fn english(mail: &BreachMail<'_>) -> (String, String) {
    let day = |at| moment(Locale::En, at);
    match mail {
        BreachMail::Member(told) => (
            format!("A data breach concerns your {PRODUCT} account"),
            format!(
                "Hello,\n\nOn {} we discovered a personal data breach that concerns your account. We tell you, as article 34 \
                 GDPR asks.\n\nWhat happened:\n\n{}\n\nWhat may follow from it:\n\n{}\n\nWhat we have done, and what you can \
                 do:\n\n{}\n\nQuestions: {}.",
                day(told.discovered_at),
                told.nature,
                told.consequences,
                told.measures,
                told.contact
            ),
        ),
        BreachMail::Sender(told) => (
            format!("A data breach concerns your prospects in {PRODUCT}"),
            format!(
                "Hello,\n\nOn {} we discovered a personal data breach that concerns the prospects of your workspace. You are \
                 the controller of this data: we tell you, as article 33(2) GDPR asks. Telling your authority, within 72 \
                 hours, and if need be the people, is up to you.\n\nWhat happened:\n\n{}\n\nWhat may follow from \
                 it:\n\n{}\n\nWhat we have done, and what you can do:\n\n{}\n\nQuestions: {}.",
                day(told.discovered_at),
                told.nature,
                told.consequences,
                told.measures,
                told.contact
            ),
        ),
        BreachMail::Reminder(todo) => (
            format!("Data breach: the authority has to be told ({})", todo.id),
            format!(
                "Hello,\n\nIncident {} is open, and nothing says yet that the supervisory authority was told. Article 33 GDPR \
                 leaves 72 hours: until {}.\n\nOnce it is told, note its reference; if the incident is a risk to nobody, note \
                 why. The reminders then stop.",
                todo.id,
                day(todo.due)
            ),
        ),
        BreachMail::Overdue(todo) => (
            format!("Data breach: the 72 hours are over ({})", todo.id),
            format!(
                "Hello,\n\nFor incident {} the time of article 33 GDPR ended on {}, and nothing says that the supervisory \
                 authority was told. Tell it without delay, with the reasons for being late, then note its reference.",
                todo.id,
                day(todo.due)
            ),
        ),
    }
}
