//! Staff may read in a workspace: what the mail to its owners says.

use domain::staff::{Disclosure, Purpose};

use crate::mime::one_line;
use crate::page::PRODUCT;

/// Subject and text in French.
pub(super) fn french(purpose: &Purpose, reason: &str, until: &str) -> (String, String) {
    let what = match purpose {
        Purpose::Maintenance => {
            "lire les données de vos prospects, pour la maintenance technique du service".to_owned()
        }
        Purpose::Abuse => "lire les données de vos prospects, pour traiter un signalement d’abus".to_owned(),
        Purpose::Disclosure(Disclosure { person, authority, legal_basis }) => format!(
            "remettre à une autorité un extrait des données d’une seule personne ({person}). L’autorité : {}. Le fondement : {}",
            one_line(authority),
            one_line(legal_basis)
        ),
    };
    let text = format!(
        "Bonjour,\n\nUne personne de notre équipe a demandé à {what}.\n\nLa raison qu’elle donne :\n\n{reason}\n\nUne autre \
         personne au moins a vérifié et approuvé cette demande. L’accès s’ouvre maintenant et se ferme de lui-même le \
         {until} au plus tard. Chaque lecture est inscrite dans votre journal, et la liste de ces accès se trouve dans \
         votre espace de travail.\n\nUn doute ? Écrivez à l’adresse ci-dessous."
    );
    (format!("Notre équipe accède à votre espace {PRODUCT}"), text)
}

/// Subject and text in English.
pub(super) fn english(purpose: &Purpose, reason: &str, until: &str) -> (String, String) {
    let what = match purpose {
        Purpose::Maintenance => "read your prospects’ data, for the technical maintenance of the service".to_owned(),
        Purpose::Abuse => "read your prospects’ data, to deal with a report of abuse".to_owned(),
        Purpose::Disclosure(Disclosure { person, authority, legal_basis }) => format!(
            "hand an extract of one person’s data ({person}) to an authority. The authority: {}. The legal basis: {}",
            one_line(authority),
            one_line(legal_basis)
        ),
    };
    let text = format!(
        "Hello,\n\nSomebody of our staff asked to {what}.\n\nThe reason they give:\n\n{reason}\n\nAt least one other person \
         checked and approved this. The access opens now and closes by itself on {until} at the latest. Each reading is \
         entered in your audit trail, and your workspace has the list of these accesses.\n\nAny doubt? Write to the address \
         below."
    );
    (format!("Our staff accesses your {PRODUCT} workspace"), text)
}
