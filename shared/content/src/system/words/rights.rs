//! Mails about requests of people about their rights: to the person, the Sender, the operator.

use std::fmt::Write as _;

use domain::{
    id::RequestId,
    locale::Locale,
    rights::{Outcome, RequestKind},
};

use super::{heures, hours_en, moment};
use crate::{
    rights::{care, holder, name, shown},
    system::RightsMail,
};

/// Subject and text of a mail, without its end.
pub(super) fn of(locale: Locale, public_url: &str, mail: &RightsMail<'_>) -> (String, String) {
    match locale {
        Locale::Fr => french(public_url, mail),
        Locale::En => english(public_url, mail),
    }
}

fn french(public_url: &str, mail: &RightsMail<'_>) -> (String, String) {
    let name = |kind| name(Locale::Fr, kind);
    match *mail {
        RightsMail::Proof { kind, token, hours } => (
            "Confirmez votre demande".to_owned(),
            format!(
                "Bonjour,\n\nQuelqu’un, sans doute vous, a fait une demande sur les données attachées à cette adresse : \
                 {}.\n\nPour confirmer qu’elle vient de vous, ouvrez cette page :\n\n{public_url}/rights/proof/{token}\n\nLe \
                 lien fonctionne une fois, pendant {}.\n\nVous n’avez rien demandé ? Ne faites rien : la demande est oubliée.",
                name(kind),
                heures(hours)
            ),
        ),
        RightsMail::Answer { kind, holders, due, access, certificate } => {
            let due = due.map(|due| moment(Locale::Fr, due));
            let mut text = list(Locale::Fr, "Bonjour,\n\nVotre demande est enregistrée", kind, holders, due.as_deref());
            if let Some((token, hours)) = access {
                text.push_str(&format!(
                    "\n\nVos données, à lire ou à télécharger une fois pendant {} :\n{public_url}/rights/access/{token}",
                    heures(hours)
                ));
            }
            if let Some(id) = certificate {
                text.push_str(&format!(
                    "\n\nUne attestation signée, que chacun peut vérifier et qui ne dit rien de vous, se trouve ici dès que les \
                     fichiers importés ont eux aussi disparu, au plus tard demain :\n{public_url}/rights/certificates/{id}"
                ));
            }
            (format!("Votre demande : {}", name(kind)), text)
        }
        RightsMail::Task { kind, person, id, due, done } => {
            let what = if done {
                "Nous l’avons exécutée dans Prospectra, parce qu’elle ne laisse rien à apprécier. Si vous détenez ces données \
                 ailleurs, faites-y de même."
                    .to_owned()
            } else {
                format!(
                    "Vous y répondez au plus tard le {} : elle est parmi vos tâches sous le numéro {id}, avec les précisions \
                     de la personne.",
                    moment(Locale::Fr, due)
                )
            };
            (
                format!("Demande d’une personne : {}", name(kind)),
                format!(
                    "Bonjour,\n\n{} a prouvé que cette boîte est la sienne et exerce un droit sur les données que vous \
                     détenez : {}.\n\n{what}\n\nVous êtes responsable de ce traitement ; nous vous transmettons la demande \
                     comme l’article 28 du RGPD le prévoit.",
                    person.expose(),
                    name(kind)
                ),
            )
        }
        RightsMail::Reminder { kind, id, due } => (
            format!("Rappel : une demande attend votre réponse ({})", name(kind)),
            format!(
                "Bonjour,\n\nLa demande {id} ({}) attend toujours votre réponse. Elle est due au plus tard le {}.\n\nS’il vous \
                 faut plus de temps parce que la demande est complexe, donnez-en la raison avant cette date : la personne en \
                 sera informée.",
                name(kind),
                moment(Locale::Fr, due)
            ),
        ),
        RightsMail::Overdue { kind, id, company, due } => (
            format!("Échéance dépassée : demande {id}"),
            format!(
                "Bonjour,\n\nLa demande {id} ({}) devait recevoir une réponse le {} au plus tard. Qui devait répondre : \
                 {company}.\n\nIntervenez maintenant.",
                name(kind),
                moment(Locale::Fr, due)
            ),
        ),
        RightsMail::Late { kind, id, due } => (
            format!("Échéance dépassée : une demande attend votre réponse ({})", name(kind)),
            format!(
                "Bonjour,\n\nLa demande {id} ({}) devait recevoir votre réponse le {} au plus tard, et l’attend toujours. \
                 Répondez maintenant : le délai est celui du RGPD, et la personne peut saisir la CNIL. L’exploitant de \
                 Prospectra est prévenu ; ce rappel revient chaque semaine jusqu’à votre réponse.",
                name(kind),
                moment(Locale::Fr, due)
            ),
        ),
        RightsMail::Extended { kind, company, reason, until } => (
            format!("Votre demande demande plus de temps : {}", name(kind)),
            format!(
                "Bonjour,\n\n{company} répondra à votre demande ({}) plus tard que prévu, au plus tard le {}. La raison \
                 :\n\n{reason}\n\nVous pouvez vous en plaindre auprès de la CNIL : https://www.cnil.fr/plaintes",
                name(kind),
                moment(Locale::Fr, until)
            ),
        ),
        RightsMail::Handled { kind, company, outcome, reason, access, certificate } => (
            format!("Réponse à votre demande : {}", name(kind)),
            format!(
                "Bonjour,\n\n{company} a {} votre demande ({}).{}{}\n\nSi cette réponse ne vous convient pas, vous pouvez vous \
                 adresser à la CNIL (https://www.cnil.fr/plaintes) ou au juge.",
                if outcome == Outcome::Refused { "refusé" } else { "traité" },
                name(kind),
                reason.map(|reason| format!("\n\n{reason}")).unwrap_or_default(),
                handed_over(Locale::Fr, access, certificate, public_url)
            ),
        ),
        RightsMail::Lifted { company, reason } => (
            "La limitation que vous aviez demandée prend fin".to_owned(),
            format!(
                "Bonjour,\n\n{company} va de nouveau utiliser vos données, dont vous aviez demandé la limitation. La raison \
                 :\n\n{reason}\n\nVous pouvez vous y opposer sans raison, ou demander l’effacement : \
                 {public_url}/rights?lang=fr\n\nVous pouvez aussi vous adresser à la CNIL : https://www.cnil.fr/plaintes"
            ),
        ),
        RightsMail::Identity { kind, reason, token, until } => (
            format!("Votre demande : une vérification est nécessaire ({})", name(kind)),
            format!(
                "Bonjour,\n\nAvant de répondre à votre demande ({}), nous devons nous assurer qu’elle vient bien de vous. La \
                 raison :\n\n{reason}\n\nVous pouvez lever ce doute avec la copie d’une pièce d’identité. {}\n\nPour l’envoyer, \
                 ouvrez cette page :\n\n{public_url}/rights/identity/{token}\n\nLe lien fonctionne jusqu’à la décision, et au \
                 plus tard jusqu’au {}. N’envoyez pas la copie en réponse à ce message.",
                name(kind),
                care(Locale::Fr),
                moment(Locale::Fr, until)
            ),
        ),
        RightsMail::Registered { kind, id, due } => (
            format!("Demande enregistrée : {}", name(kind)),
            format!(
                "Bonjour,\n\nLa demande {id} ({}) est enregistrée. Elle reçoit une réponse au plus tard le {}.",
                name(kind),
                moment(Locale::Fr, due)
            ),
        ),
    }
}

fn english(public_url: &str, mail: &RightsMail<'_>) -> (String, String) {
    let name = |kind| name(Locale::En, kind);
    match *mail {
        RightsMail::Proof { kind, token, hours } => (
            "Confirm your request".to_owned(),
            format!(
                "Hello,\n\nSomebody, most likely you, made a request about the data attached to this address: {}.\n\nTo confirm \
                 that it comes from you, open this page:\n\n{public_url}/rights/proof/{token}\n\nThe link works once, for \
                 {}.\n\nYou did not ask for anything? Do nothing: the request is forgotten.",
                name(kind),
                hours_en(hours)
            ),
        ),
        RightsMail::Answer { kind, holders, due, access, certificate } => {
            let due = due.map(|due| moment(Locale::En, due));
            let mut text = list(Locale::En, "Hello,\n\nYour request is registered", kind, holders, due.as_deref());
            if let Some((token, hours)) = access {
                text.push_str(&format!(
                    "\n\nYour data, to read or download once within {}:\n{public_url}/rights/access/{token}",
                    hours_en(hours)
                ));
            }
            if let Some(id) = certificate {
                text.push_str(&format!(
                    "\n\nA signed certificate that anybody can verify, and that says nothing about you, is here as soon as the \
                     imported files are gone too, by tomorrow at the latest:\n{public_url}/rights/certificates/{id}"
                ));
            }
            (format!("Your request: {}", name(kind)), text)
        }
        RightsMail::Task { kind, person, id, due, done } => {
            let what = if done {
                "We have carried it out in Prospectra, because it leaves nothing to weigh. If you hold this data elsewhere, do \
                 the same there."
                    .to_owned()
            } else {
                format!(
                    "You answer it by {}: it is among your tasks under the number {id}, with what the person says.",
                    moment(Locale::En, due)
                )
            };
            (
                format!("A person’s request: {}", name(kind)),
                format!(
                    "Hello,\n\n{} has proved that this mailbox is theirs, and exercises a right over the data you hold: \
                     {}.\n\n{what}\n\nYou are the controller of this processing; we forward the request as article 28 GDPR \
                     provides.",
                    person.expose(),
                    name(kind)
                ),
            )
        }
        RightsMail::Reminder { kind, id, due } => (
            format!("Reminder: a request waits for your answer ({})", name(kind)),
            format!(
                "Hello,\n\nThe request {id} ({}) still waits for your answer. It is due by {}.\n\nIf you need longer because the \
                 request is complex, give the reason before that date: the person will be told.",
                name(kind),
                moment(Locale::En, due)
            ),
        ),
        RightsMail::Overdue { kind, id, company, due } => (
            format!("Overdue: request {id}"),
            format!(
                "Hello,\n\nThe request {id} ({}) had to be answered by {}. Who had to answer: {company}.\n\nStep in now.",
                name(kind),
                moment(Locale::En, due)
            ),
        ),
        RightsMail::Late { kind, id, due } => (
            format!("Overdue: a request waits for your answer ({})", name(kind)),
            format!(
                "Hello,\n\nThe request {id} ({}) had to be answered by {}, and still waits for you. Answer now: the time limit \
                 is that of the GDPR, and the person may complain to the CNIL. The operator of Prospectra knows; this reminder \
                 comes back every week until you have answered.",
                name(kind),
                moment(Locale::En, due)
            ),
        ),
        RightsMail::Extended { kind, company, reason, until } => (
            format!("Your request takes longer: {}", name(kind)),
            format!(
                "Hello,\n\n{company} will answer your request ({}) later than planned, by {} at the latest. The \
                 reason:\n\n{reason}\n\nYou may complain about it to the CNIL: https://www.cnil.fr/plaintes",
                name(kind),
                moment(Locale::En, until)
            ),
        ),
        RightsMail::Handled { kind, company, outcome, reason, access, certificate } => (
            format!("Answer to your request: {}", name(kind)),
            format!(
                "Hello,\n\n{company} has {} your request ({}).{}{}\n\nIf this answer does not satisfy you, you may turn to the \
                 CNIL (https://www.cnil.fr/plaintes) or to a court.",
                if outcome == Outcome::Refused { "refused" } else { "dealt with" },
                name(kind),
                reason.map(|reason| format!("\n\n{reason}")).unwrap_or_default(),
                handed_over(Locale::En, access, certificate, public_url)
            ),
        ),
        RightsMail::Lifted { company, reason } => (
            "The restriction you asked for ends".to_owned(),
            format!(
                "Hello,\n\n{company} will use your data again, the use of which you had asked to restrict. The \
                 reason:\n\n{reason}\n\nYou may object without any reason, or ask for erasure: \
                 {public_url}/rights?lang=en\n\nYou may also turn to the CNIL: https://www.cnil.fr/plaintes"
            ),
        ),
        RightsMail::Identity { kind, reason, token, until } => (
            format!("Your request: a check is needed ({})", name(kind)),
            format!(
                "Hello,\n\nBefore we answer your request ({}), we have to make sure that it comes from you. The \
                 reason:\n\n{reason}\n\nYou can settle this doubt with the copy of an identity document. {}\n\nTo send it, open \
                 this page:\n\n{public_url}/rights/identity/{token}\n\nThe link works until the decision, and until {} at the \
                 latest. Do not send the copy in a reply to this message.",
                name(kind),
                care(Locale::En),
                moment(Locale::En, until)
            ),
        ),
        RightsMail::Registered { kind, id, due } => (
            format!("Request registered: {}", name(kind)),
            format!(
                "Hello,\n\nThe request {id} ({}) is registered. It is answered by {} at the latest.",
                name(kind),
                moment(Locale::En, due)
            ),
        ),
    }
}

/// What came of a request, with the holders as a list.
fn list(
    locale: Locale,
    begin: &str,
    kind: RequestKind,
    holders: &[crate::rights::Holder<'_>],
    due: Option<&str>,
) -> String {
    let mut text = format!("{begin} ({}).", name(locale, kind));
    for (i, paragraph) in shown(locale, kind, holders, due).into_iter().enumerate() {
        text.push_str("\n\n");
        text.push_str(&paragraph);
        if i == 0 {
            for one in holders {
                text.push_str(&format!("\n– {}", holder(locale, one)));
            }
        }
    }
    text.push_str(match locale {
        Locale::Fr => "\n\nVous pouvez aussi vous adresser à la CNIL : https://www.cnil.fr/plaintes",
        Locale::En => "\n\nYou may also turn to the CNIL: https://www.cnil.fr/plaintes",
    });
    text
}

/// Where what an answer hands over to a member is.
fn handed_over(
    locale: Locale,
    access: Option<(&str, u16)>,
    certificate: Option<RequestId>,
    public_url: &str,
) -> String {
    let mut said = String::new();
    if let Some((token, hours)) = access {
        let _ = match locale {
            Locale::Fr => write!(
                said,
                "\n\nVos données, une fois dans chaque forme et pendant {hours} heures : {public_url}/rights/access/{token}"
            ),
            Locale::En => write!(
                said,
                "\n\nYour data, once in each form and for {hours} hours: {public_url}/rights/access/{token}"
            ),
        };
    }
    if let Some(id) = certificate {
        let _ = match locale {
            Locale::Fr => write!(said, "\n\nL’attestation d’effacement : {public_url}/rights/certificates/{id}"),
            Locale::En => write!(said, "\n\nThe certificate of erasure: {public_url}/rights/certificates/{id}"),
        };
    }
    said
}
