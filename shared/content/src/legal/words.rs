//! What policy.toml says, in words: periods, clocks, bases, dates, in French and English.

use domain::{
    locale::Locale,
    policy::{
        inventory::About,
        retention::{Action, Basis, Clock, Retention, SeenBy, Store},
    },
};
use jiff::civil::Date;

/// A period: `36 mois (3 ans)`, `30 days`.
pub(crate) fn period(keep: Retention, locale: Locale) -> String {
    let (n, one, many) = match (keep, locale) {
        (Retention::Hours(n), Locale::Fr) => (n, "heure", "heures"),
        (Retention::Hours(n), Locale::En) => (n, "hour", "hours"),
        (Retention::Days(n), Locale::Fr) => (n, "jour", "jours"),
        (Retention::Days(n), Locale::En) => (n, "day", "days"),
        (Retention::Months(n), Locale::Fr) => (n, "mois", "mois"),
        (Retention::Months(n), Locale::En) => (n, "month", "months"),
        (Retention::Years(n), Locale::Fr) => (n, "an", "ans"),
        (Retention::Years(n), Locale::En) => (n, "year", "years"),
    };
    let words = format!("{n} {}", if n > 1 { many } else { one });
    match keep {
        Retention::Months(n) if n >= 12 && n % 12 == 0 => {
            format!("{words} ({})", period(Retention::Years(n / 12), locale))
        }
        _ => words,
    }
}

/// The event a period runs from: `après …`.
pub(crate) fn clock(clock: Clock, locale: Locale) -> &'static str {
    let (fr, en) = match clock {
        Clock::AccountClosed => ("après la fermeture du compte", "after the account is closed"),
        Clock::SignupRequested => ("après la demande d'inscription", "after the sign-up request"),
        Clock::LastUsed => ("après la dernière utilisation", "after the last use"),
        Clock::Issued => ("après l'émission", "after issue"),
        Clock::Attempted => ("après la première tentative comptée", "after the first attempt counted"),
        Clock::CollectedOrLastContact => (
            "après la collecte ou le dernier contact venant de la personne elle-même",
            "after collection or the last contact made by the person",
        ),
        Clock::CollectedOrEntered => (
            "après la collecte ou, si elle est plus tardive, l'entrée dans le service",
            "after collection or, if later, entry into the service",
        ),
        Clock::Uploaded => ("après le dépôt du fichier", "after the file is uploaded"),
        Clock::ImportFinished => ("après la fin de l'import", "after the end of the import"),
        Clock::Sent => ("après l'envoi", "after sending"),
        Clock::ObjectedOrBlocked => (
            "après l'opposition ou, s'il est plus tardif, le dernier import où elle a écarté la personne",
            "after the objection or, if later, the last import in which it kept the person out",
        ),
        Clock::ObjectedOrKeptFrom => (
            "après l'opposition ou, si elle est plus tardive, la dernière nouvelle qu'elle a retenue",
            "after the objection or, if later, the last news that it held back",
        ),
        Clock::Erased => ("après l'effacement", "after the erasure"),
        Clock::Recorded => ("après l'enregistrement", "after recording"),
        Clock::BackedUp => ("après la sauvegarde", "after the backup"),
        Clock::AccountingYearClosed => ("après la clôture de l'exercice", "after the close of the accounting year"),
        Clock::CaseClosed => ("après la clôture du dossier", "after the case is closed"),
        Clock::Answered => ("après la réponse", "after the answer"),
        Clock::Received => ("après la réception", "after receipt"),
    };
    pick(locale, fr, en)
}

/// What happens at the end of a period.
pub(super) fn action(action: Action, locale: Locale) -> &'static str {
    let (fr, en) = match action {
        Action::Delete => ("suppression", "deletion"),
        Action::Anonymise => ("anonymisation irréversible", "irreversible anonymisation"),
        Action::KeepMinimum => ("réduction au strict minimum", "reduction to the strict minimum"),
    };
    pick(locale, fr, en)
}

/// A legal basis.
pub(super) fn basis(basis: Basis, locale: Locale) -> &'static str {
    let (fr, en) = match basis {
        Basis::Consent => ("Consentement (art. 6.1.a)", "Consent (art. 6(1)(a))"),
        Basis::Contract => ("Exécution du contrat (art. 6.1.b)", "Performance of the contract (art. 6(1)(b))"),
        Basis::LegalObligation => ("Obligation légale (art. 6.1.c)", "Legal obligation (art. 6(1)(c))"),
        Basis::LegitimateInterest => (
            "Intérêt légitime (art. 6.1.f), celui que dit la finalité",
            "Legitimate interest (art. 6(1)(f)), the one that the purpose says",
        ),
        Basis::OnBehalfOfSender => (
            "Sur instruction de l'Expéditeur (art. 28), qui en détermine la base légale",
            "On the Sender's instructions (art. 28), who determines the legal basis",
        ),
    };
    pick(locale, fr, en)
}

/// Who may see a class of data.
pub(super) fn reader(reader: SeenBy, locale: Locale) -> &'static str {
    let (fr, en) = match reader {
        SeenBy::WorkspaceMembers => ("membres de l'espace de travail", "members of the workspace"),
        SeenBy::OperatorStaff => ("personnel habilité de l'opérateur", "authorised staff of the operator"),
        SeenBy::OperatorStaffForMaintenanceOrAbuse => (
            "personnel habilité de l'opérateur, pour la maintenance ou un signalement d'abus",
            "authorised staff of the operator, for maintenance or an abuse report",
        ),
        SeenBy::Recipients => ("destinataires des messages", "recipients of the messages"),
        SeenBy::Anybody => ("tout le monde", "anybody"),
        SeenBy::Nobody => ("personne (traitement automatique)", "nobody (automatic processing)"),
    };
    pick(locale, fr, en)
}

/// Whose data something is.
pub(super) fn about(about: About, locale: Locale) -> &'static str {
    let (fr, en) = match about {
        About::Prospect => ("personnes prospectées", "people who are written to"),
        About::Member => ("membres des espaces de travail", "members of workspaces"),
        About::Sender => ("entreprises clientes", "client companies"),
        About::Nobody => ("personne (données techniques)", "nobody (technical data)"),
    };
    pick(locale, fr, en)
}

/// Where something is.
pub(super) fn store(store: Store, locale: Locale) -> &'static str {
    let (fr, en) = match store {
        Store::Accounts => ("table des comptes", "table of accounts"),
        Store::Prospects => ("table des prospects", "table of prospects"),
        Store::Outreach => ("table des campagnes", "table of campaigns"),
        Store::Suppressions => ("table des oppositions", "table of objections"),
        Store::Evidence => ("table des preuves", "table of evidence"),
        Store::Rights => ("table des demandes d'exercice de droits", "table of requests about rights"),
        Store::Keys => ("table des clés", "table of keys"),
        Store::UploadsBucket => ("espace des fichiers déposés", "bucket of uploaded files"),
        Store::IdentityBucket => ("espace des copies de pièces d'identité", "bucket of copies of identity documents"),
        Store::InboundBucket => ("espace des messages reçus", "bucket of mail that came in"),
        Store::Queues => ("files d'attente", "queues"),
        Store::LogGroups => ("journaux", "logs"),
        Store::Backups => ("sauvegardes", "backups"),
    };
    pick(locale, fr, en)
}

/// A date in full: `1er décembre 2026`, `1 December 2026`.
pub(super) fn date(date: Date, locale: Locale) -> String {
    const FR: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::from(date.month().unsigned_abs()) - 1;
    let day = match (date.day(), locale) {
        (1, Locale::Fr) => "1er".to_owned(),
        (day, _) => day.to_string(),
    };
    format!("{day} {} {}", pick(locale, FR[month], EN[month]), date.year())
}

/// The no-break spaces of French typography.
pub(super) fn typeset(html: &str, locale: Locale) -> String {
    match locale {
        Locale::En => html.to_owned(),
        Locale::Fr => [
            (" :", "\u{a0}:"),
            (" ;", "\u{a0};"),
            (" ?", "\u{a0}?"),
            (" !", "\u{a0}!"),
            ("« ", "«\u{a0}"),
            (" »", "\u{a0}»"),
        ]
        .iter()
        .fold(html.to_owned(), |text, (plain, tied)| text.replace(plain, tied)),
    }
}

pub(super) fn pick(locale: Locale, fr: &'static str, en: &'static str) -> &'static str {
    match locale {
        Locale::Fr => fr,
        Locale::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_read_as_people_say_them() {
        for (keep, fr, en) in [
            (Retention::Months(36), "36 mois (3 ans)", "36 months (3 years)"),
            (Retention::Months(13), "13 mois", "13 months"),
            (Retention::Months(12), "12 mois (1 an)", "12 months (1 year)"),
            (Retention::Months(1), "1 mois", "1 month"),
            (Retention::Days(30), "30 jours", "30 days"),
            (Retention::Days(1), "1 jour", "1 day"),
            (Retention::Hours(24), "24 heures", "24 hours"),
            (Retention::Years(3), "3 ans", "3 years"),
        ] {
            assert_eq!(period(keep, Locale::Fr), fr);
            assert_eq!(period(keep, Locale::En), en);
        }
    }

    #[test]
    fn dates_read_as_people_say_them() {
        let first: Date = "2026-12-01".parse().unwrap();
        assert_eq!(date(first, Locale::Fr), "1er décembre 2026");
        assert_eq!(date(first, Locale::En), "1 December 2026");
    }

    #[test]
    fn french_punctuation_never_begins_a_line() {
        assert_eq!(typeset("Qui ? « Nous » : voilà", Locale::Fr), "Qui\u{a0}? «\u{a0}Nous\u{a0}»\u{a0}: voilà");
        assert_eq!(typeset("Who? Us : there", Locale::En), "Who? Us : there");
    }
}
