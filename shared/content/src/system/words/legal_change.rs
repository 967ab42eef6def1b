//! A legal text will change: what, when, and what that asks for (A56).

use domain::locale::Locale;

use crate::legal::{self, Agreement, Coming};
use crate::message::day;

/// Subject and text.
pub(super) fn french(changes: &[Coming], public_url: &str) -> (String, String) {
    let subject = format!("Nos textes changent le {}", first(changes, Locale::Fr));
    let mut text = "Bonjour,\n\nNous modifions des textes qui nous lient. Le texte actuel s’applique jusqu’à la date indiquée, et \
                    chaque version reste publique.\n\n"
        .to_owned();
    for Coming { slug, version } in changes {
        let title = legal::title(slug, Locale::Fr).unwrap_or(slug);
        let (name, date, change) = (&version.version, day(Locale::Fr, version.effective), &version.change.fr);
        text += &format!(
            "{title}, version {name}, à partir du {date} : {change}\n{public_url}/legal/{slug}/versions/{name}?lang=fr\n\n"
        );
    }
    if asks(changes) {
        text += "À partir de cette date, un membre de votre espace doit accepter la nouvelle version avant tout nouvel import, \
                 ajout, campagne ou lancement ; vous pouvez le faire dès maintenant. Lire, exporter et supprimer vos données, ou \
                 fermer votre compte, reste possible sans cela.\n\n";
    }
    text += "Ce message va à tous les membres : il fait partie du service et ne peut pas être désactivé.";
    (subject, text)
}

/// Subject and text.
pub(super) fn english(changes: &[Coming], public_url: &str) -> (String, String) {
    let subject = format!("Our texts change on {}", first(changes, Locale::En));
    let mut text =
        "Hello,\n\nWe are changing texts that bind us. The current text applies until the date given, and every \
                    version stays public.\n\n"
            .to_owned();
    for Coming { slug, version } in changes {
        let title = legal::title(slug, Locale::En).unwrap_or(slug);
        let (name, date, change) = (&version.version, day(Locale::En, version.effective), &version.change.en);
        text += &format!(
            "{title}, version {name}, from {date}: {change}\n{public_url}/legal/{slug}/versions/{name}?lang=en\n\n"
        );
    }
    if asks(changes) {
        text += "From that date, a member of your workspace has to accept the new version before any new import, addition, \
                 campaign or launch; you can do so already. Reading, exporting and deleting your data, or closing your account, \
                 stays possible without it.\n\n";
    }
    text += "This message goes to every member: it is part of the service and cannot be turned off.";
    (subject, text)
}

fn first(changes: &[Coming], locale: Locale) -> String {
    changes.iter().map(|change| change.version.effective).min().map(|date| day(locale, date)).unwrap_or_default()
}

/// Whether one of them has to be accepted.
fn asks(changes: &[Coming]) -> bool {
    changes.iter().any(|change| Agreement::ALL.iter().any(|agreement| agreement.slug() == change.slug))
}
