//! What the fields of an answer are called, for somebody who never saw the API.

use domain::{locale::Locale, policy::inventory::Inventory};

/// Names of the answer, with what they say in French and in English.
const NAMES: [(&str, &str, &str); 99] = [
    ("sender", "Expéditeur", "Sender"),
    ("information", "Informations", "Information"),
    ("record", "Fiche", "Record"),
    ("messages", "Messages", "Messages"),
    ("fingerprint", "Empreinte gardée", "Fingerprint kept"),
    // The Sender.
    ("company", "organisation", "organisation"),
    ("legal_form", "forme juridique", "legal form"),
    ("registration_number", "numéro d’immatriculation", "registration number"),
    ("address", "adresse postale", "postal address"),
    ("contact_email", "adresse pour exercer vos droits", "address for your rights"),
    ("phone", "téléphone", "telephone"),
    ("website", "site", "website"),
    ("from_name", "nom de l’expéditeur", "name of whoever writes"),
    ("from_email", "adresse de l’expéditeur", "address of whoever writes"),
    ("reply_to", "adresse de réponse", "address for answers"),
    // The information of article 15.
    ("purposes", "finalités", "purposes"),
    ("categories", "catégories de données", "categories of data"),
    ("retention", "durées de conservation", "how long it is kept"),
    ("recipients", "destinataires", "recipients"),
    ("transfers", "transferts hors de l’Union européenne", "transfers out of the European Union"),
    ("rights", "vos autres droits", "your other rights"),
    ("complaint", "réclamation", "complaint"),
    ("automated_decisions", "décisions automatisées", "automated decisions"),
    ("texts", "texte des messages", "text of the messages"),
    // The record.
    ("id", "identifiant", "identifier"),
    ("email", "adresse électronique", "e-mail address"),
    ("first_name", "prénom", "first name"),
    ("last_name", "nom", "last name"),
    ("job_title", "fonction", "job title"),
    ("locale", "langue", "language"),
    ("country", "pays", "country"),
    ("tags", "étiquettes", "tags"),
    ("notes", "notes", "notes"),
    ("state", "état", "state"),
    ("restricted_by", "demande de limitation", "request for restriction"),
    ("source", "source", "source"),
    ("kind", "nature", "kind"),
    ("detail", "précision", "detail"),
    ("collected_on", "date de collecte", "day of collection"),
    ("lawful_basis", "base légale", "legal basis"),
    ("import", "import", "import"),
    ("edited", "champs corrigés à la main", "fields corrected by hand"),
    ("created_at", "entrée dans le service", "entered into the service"),
    ("updated_at", "dernière modification", "last change"),
    ("last_contact_at", "votre dernier contact", "your last contact"),
    ("last_click_at", "votre dernier clic", "your last click"),
    ("click_consent", "accord à l’enregistrement des clics", "consent to clicks being recorded"),
    ("given_on", "donné le", "given on"),
    ("how", "façon dont il a été donné", "how it was given"),
    ("withdrawn_at", "retiré le", "withdrawn"),
    ("clicked_at", "votre premier clic", "your first click"),
    ("opened_on", "votre première ouverture", "your first opening"),
    ("opens", "vaut aussi pour l’ouverture des messages", "also holds for messages being opened"),
    ("clicked_link", "lien, dans l’ordre du message", "link, in the order of the message"),
    ("scanned", "liens suivis par un logiciel", "links followed by software"),
    ("away_until", "absence annoncée jusqu'au", "said to be away until"),
    ("delete_after", "suppression prévue", "will be deleted"),
    ("suppression", "opposition", "objection"),
    ("reason", "motif", "reason"),
    ("since", "depuis", "since"),
    ("history", "historique", "history"),
    ("at", "date", "date"),
    ("campaign", "campagne", "campaign"),
    ("step", "étape", "step"),
    ("variant", "variante", "variant"),
    ("subject", "objet", "subject"),
    ("text", "texte", "text"),
    // What the operator holds.
    ("requests", "Demandes en cours", "Open requests"),
    ("reports", "Signalements en cours", "Open reports"),
    ("invitations", "Invitations en attente", "Pending invitations"),
    ("role", "rôle", "role"),
    ("request", "numéro", "number"),
    ("channel", "voie", "channel"),
    ("received_at", "reçue le", "received"),
    ("due", "réponse au plus tard le", "answered by"),
    ("waits_for", "attend", "waits for"),
    ("message", "vos mots", "your words"),
    ("doubt", "vérification d’identité", "check of identity"),
    ("copy", "copie reçue le", "copy received"),
    ("check", "vérification", "check"),
    ("asked_at", "demandée le", "asked for"),
    ("looked_at", "consultée le", "looked at"),
    ("decision", "décision", "decision"),
    ("accepted", "acceptée", "accepted"),
    // What a member gets.
    ("exported_at", "copie du", "copy of"),
    ("member", "Membre", "Member"),
    ("second_factor_on_since", "Second facteur depuis", "Second factor since"),
    ("sessions", "Sessions", "Sessions"),
    ("activity", "Activité", "Activity"),
    ("workspace", "Espace de travail", "Workspace"),
    ("policy", "politique de confidentialité", "privacy policy"),
    ("members", "membres", "members"),
    ("campaigns", "campagnes", "campaigns"),
    ("imports", "imports", "imports"),
    ("too_long_for_one_answer", "trop long ici ; voir", "too long for here; see"),
    ("service_mails", "Courriels de service", "Service mails"),
    ("template", "modèle", "template"),
    ("sha256", "empreinte du texte (SHA-256)", "hash of the text (SHA-256)"),
    ("sent_at", "envoyé le", "sent"),
];

/// What the inventory calls an attribute of that name, whatever it belongs to.
fn inventoried(locale: Locale, name: &str) -> Option<String> {
    let fields = Inventory::current().kinds().flat_map(|(_, kind)| &kind.fields);
    let (_, field) = fields.into_iter().find(|(path, _)| path.rsplit('.').next() == Some(name))?;
    Some(field.label(locale).to_lowercase())
}

/// A path of the answer in words: `record.history.2.at` is "Fiche › historique › 2 › date". A name that nobody knows
/// stays as it is, but for its underscores.
pub(super) fn label(locale: Locale, path: &str) -> String {
    let name = |part: &str| {
        let known = NAMES.iter().find(|(name, ..)| *name == part);
        let known = known.map(|(_, fr, en)| (*if locale == Locale::Fr { fr } else { en }).to_owned());
        known.or_else(|| inventoried(locale, part)).unwrap_or_else(|| part.replace('_', " "))
    };
    path.split('.').map(name).collect::<Vec<_>>().join(" › ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_said_in_words_and_an_unknown_name_stays() {
        assert_eq!(label(Locale::Fr, "record.history.2.at"), "Fiche › historique › 2 › date");
        assert_eq!(label(Locale::En, "record.new_thing"), "Record › new thing");
        assert_eq!(label(Locale::Fr, "member.display_name"), "Membre › nom affiché");
    }
}
