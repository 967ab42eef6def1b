//! Joining a workspace: what the mail says.

use crate::page::PRODUCT;

/// Subject and text in French.
pub(super) fn french(token: &str, company: &str, elsewhere: bool, time: &str) -> (String, String) {
    let more = if elsewhere {
        format!(
            "\n\nVotre adresse ouvre déjà un autre espace de travail {PRODUCT}, et une adresse n’en ouvre qu’un. Pour \
             rejoindre celui-ci, quittez d’abord l’autre, ou demandez une invitation à une autre adresse. {company} ne \
             sait rien de votre autre espace."
        )
    } else {
        String::new()
    };
    let text = format!(
        "Bonjour,\n\n{company} vous invite à rejoindre son espace de travail {PRODUCT}. Voici le code qui permet \
         d’accepter et de choisir votre mot de passe :\n\n{token}\n\nIl fonctionne une seule fois, pendant {time}.{more}\n\n\
         Vous ne souhaitez pas accepter, ou ne connaissez pas {company} ? Ne faites rien : l’invitation s’efface d’elle-même."
    );
    (format!("{company} vous invite à rejoindre {PRODUCT}"), text)
}

/// Subject and text in English.
pub(super) fn english(token: &str, company: &str, elsewhere: bool, time: &str) -> (String, String) {
    let more = if elsewhere {
        format!(
            "\n\nYour address already signs in to another {PRODUCT} workspace, and an address signs in to one only. To \
             join this one, leave the other first, or ask to be invited at another address. {company} knows nothing of \
             your other workspace."
        )
    } else {
        String::new()
    };
    let text = format!(
        "Hello,\n\n{company} invites you to join its {PRODUCT} workspace. Here is the code that lets you accept and choose \
         your password:\n\n{token}\n\nIt works once, for {time}.{more}\n\n\
         You would rather not, or do not know {company}? Do nothing: the invitation erases itself."
    );
    (format!("{company} invites you to join {PRODUCT}"), text)
}
