//! What the pages say.

use domain::{
    locale::Locale,
    policy::retention::{Class, Policy},
    rights::RequestKind,
};

use super::{Answer, Holder};
use crate::{legal::period, mime::one_line, system::moment};

pub(super) struct Ask {
    pub(super) title: &'static str,
    pub(super) intro: &'static str,
    pub(super) email: &'static str,
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) button: &'static str,
    pub(super) after: &'static str,
    pub(super) policy: &'static str,
}

pub(super) const fn ask(locale: Locale) -> Ask {
    match locale {
        Locale::Fr => Ask {
            title: "Vos droits sur vos données",
            intro: "Une entreprise vous a écrit avec Prospectra, ou vous vous demandez si l’une d’elles détient votre \
                    adresse ? Dites ce que vous voulez. Nous vérifions d’abord, par un message, que la boîte est bien la \
                    vôtre ; vous saurez ensuite quelles entreprises détiennent vos données, et votre demande leur parvient. \
                    C’est gratuit.",
            email: "Votre adresse électronique",
            kind: "Votre demande",
            message: "Précisions (nécessaires pour une rectification ou des directives, facultatives sinon)",
            button: "Envoyer",
            after: "Votre adresse est oubliée après 24 heures si vous ne confirmez pas la demande.",
            policy: "Vos données et vos droits",
        },
        Locale::En => Ask {
            title: "Your rights over your data",
            intro: "Has a company written to you with Prospectra, or do you wonder whether one of them holds your address? \
                    Say what you want. We first check, with a message, that the mailbox is yours; you will then know which \
                    companies hold your data, and your request reaches them. It is free.",
            email: "Your e-mail address",
            kind: "Your request",
            message: "Details (needed for a correction or for directives, optional otherwise)",
            button: "Send",
            after: "Your address is forgotten after 24 hours unless you confirm the request.",
            policy: "Your data and your rights",
        },
    }
}

/// What a kind of request is called, within a sentence.
pub(crate) const fn name(locale: Locale, kind: RequestKind) -> &'static str {
    match (locale, kind) {
        (Locale::Fr, RequestKind::Access) => "accès aux données",
        (Locale::Fr, RequestKind::Rectification) => "rectification",
        (Locale::Fr, RequestKind::Erasure) => "effacement",
        (Locale::Fr, RequestKind::Restriction) => "limitation",
        (Locale::Fr, RequestKind::Portability) => "portabilité",
        (Locale::Fr, RequestKind::Objection) => "opposition",
        (Locale::Fr, RequestKind::ConsentWithdrawal) => "retrait du consentement",
        (Locale::Fr, RequestKind::PostMortem) => "directives après le décès",
        (Locale::En, RequestKind::Access) => "access to data",
        (Locale::En, RequestKind::Rectification) => "rectification",
        (Locale::En, RequestKind::Erasure) => "erasure",
        (Locale::En, RequestKind::Restriction) => "restriction",
        (Locale::En, RequestKind::Portability) => "portability",
        (Locale::En, RequestKind::Objection) => "objection",
        (Locale::En, RequestKind::ConsentWithdrawal) => "withdrawal of consent",
        (Locale::En, RequestKind::PostMortem) => "directives after death",
    }
}

/// The same in the form, for somebody who has not read the law.
pub(super) const fn option(locale: Locale, kind: RequestKind) -> &'static str {
    match (locale, kind) {
        (Locale::Fr, RequestKind::Access) => "Accès : qui détient mes données, et lesquelles",
        (Locale::Fr, RequestKind::Rectification) => "Rectification : corriger mes données",
        (Locale::Fr, RequestKind::Erasure) => "Effacement : supprimer mes données, ne plus m’écrire",
        (Locale::Fr, RequestKind::Restriction) => "Limitation : geler mes données, sans les supprimer",
        (Locale::Fr, RequestKind::Portability) => "Portabilité : recevoir mes données dans un format réutilisable",
        (Locale::Fr, RequestKind::Objection) => "Opposition : ne plus m’écrire",
        (Locale::Fr, RequestKind::ConsentWithdrawal) => "Retrait du consentement que j’ai donné",
        (Locale::Fr, RequestKind::PostMortem) => "Directives : ce qu’il adviendra de mes données après mon décès",
        (Locale::En, RequestKind::Access) => "Access: who holds my data, and which",
        (Locale::En, RequestKind::Rectification) => "Rectification: correct my data",
        (Locale::En, RequestKind::Erasure) => "Erasure: delete my data, do not write to me again",
        (Locale::En, RequestKind::Restriction) => "Restriction: freeze my data without deleting it",
        (Locale::En, RequestKind::Portability) => "Portability: receive my data in a format to use elsewhere",
        (Locale::En, RequestKind::Objection) => "Objection: do not write to me again",
        (Locale::En, RequestKind::ConsentWithdrawal) => "Withdrawal of a consent that I gave",
        (Locale::En, RequestKind::PostMortem) => "Directives: what becomes of my data after my death",
    }
}

/// What has to be put right in the form.
#[must_use]
pub const fn wrong(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => {
            "Vérifiez l’adresse. Une rectification ou des directives ont besoin de précisions, de 2 000 caractères au plus."
        }
        Locale::En => "Check the address. A correction or directives need details, of 2,000 characters at most.",
    }
}

pub(super) const fn sent(locale: Locale) -> (&'static str, &'static str) {
    match locale {
        Locale::Fr => (
            "Regardez votre boîte de réception",
            "Un message part pour l’adresse que vous avez donnée. Le lien qu’il contient confirme votre demande ; il \
             fonctionne une fois, pendant 24 heures. Une adresse reçoit au plus cinq messages par heure : s’il n’en vient pas, \
             redemandez plus tard. Cette réponse est la même pour tout le monde, que l’adresse soit connue \
             ou non.",
        ),
        Locale::En => (
            "Look into your mailbox",
            "A message is on its way to the address you gave. The link in it confirms your request; it works once, for 24 \
             hours. An address gets five messages an hour at most: if none comes, ask again later. This answer is the same for everybody, whether the address is known or not.",
        ),
    }
}

pub(super) const fn prove(locale: Locale) -> (&'static str, &'static str, &'static str) {
    match locale {
        Locale::Fr => (
            "Confirmer votre demande",
            "En cliquant, vous confirmez que cette boîte est la vôtre et que la demande vient de vous. Rien ne se passe tant \
             que vous n’avez pas cliqué.",
            "Confirmer",
        ),
        Locale::En => (
            "Confirm your request",
            "By clicking you confirm that this mailbox is yours and that the request comes from you. Nothing happens until you \
             click.",
            "Confirm",
        ),
    }
}

pub(super) const fn over(locale: Locale) -> (&'static str, &'static str, &'static str) {
    match locale {
        Locale::Fr => (
            "Ce lien ne fonctionne plus",
            "Il a déjà servi, il est trop ancien, ou il est incomplet. S’il a servi, la réponse est dans votre boîte de \
             réception.",
            "Faire une nouvelle demande",
        ),
        Locale::En => (
            "This link does not work any more",
            "It was used already, is too old, or is incomplete. If it was used, the answer is in your mailbox.",
            "Make a new request",
        ),
    }
}

/// Title and paragraphs; the list of holders comes after the first.
pub(super) fn answer(locale: Locale, answer: &Answer<'_>) -> (&'static str, Vec<String>) {
    let title = match locale {
        Locale::Fr => "Votre demande est enregistrée",
        Locale::En => "Your request is registered",
    };
    (title, shown(locale, answer.kind, answer.holders, answer.due.map(|due| moment(locale, due)).as_deref()))
}

/// What came of a request, in paragraphs: on the page and in the mail.
pub(crate) fn shown(locale: Locale, kind: RequestKind, holders: &[Holder<'_>], due: Option<&str>) -> Vec<String> {
    if holders.is_empty() {
        let kept = period(Policy::current().keep(Class::Upload), locale);
        return vec![match locale {
            Locale::Fr => format!(
                "Aucune entreprise ne détient cette adresse dans Prospectra. Un fichier dont la ligne a été refusée peut \
                     encore la contenir : il est supprimé au plus tard {kept} après son envoi, et personne n’écrit à ce qui a \
                     été refusé. Si vous avez un compte, connectez-vous : vos propres données sont à l’adresse /v1/privacy/export."
            ),
            Locale::En => format!(
                "No company holds this address in Prospectra. A file of which the row was refused may still contain it: it is \
                     deleted at most {kept} after it was uploaded, and nobody writes to what was refused. If you have an \
                     account, sign in: your own data is at /v1/privacy/export."
            ),
        }];
    }
    let mut said = vec![
        match locale {
            Locale::Fr => "Ces entreprises détiennent des données qui vous concernent :",
            Locale::En => "These companies hold data about you:",
        }
        .to_owned(),
    ];
    said.push(done(locale, kind).to_owned());
    if let Some(due) = due {
        said.push(match locale {
            Locale::Fr => format!(
                "Chaque entreprise qui détient une fiche a reçu votre demande et doit y répondre au plus tard le {due}. Nous \
                 la relançons jusque-là."
            ),
            Locale::En => format!(
                "Each company that holds a record has received your request and has to answer it by {due}. We remind it until \
                 then."
            ),
        });
    }
    said
}

/// What the product has done itself.
const fn done(locale: Locale, kind: RequestKind) -> &'static str {
    match (locale, kind) {
        (Locale::Fr, RequestKind::Access | RequestKind::Portability) => {
            "Tout ce qu’elles détiennent ici est à votre disposition dès maintenant."
        }
        (Locale::Fr, RequestKind::Objection | RequestKind::ConsentWithdrawal) => {
            "C’est fait : aucune ne vous écrira plus avec Prospectra."
        }
        (Locale::Fr, RequestKind::Erasure) => {
            "C’est fait : vos données sont supprimées. Seules une empreinte de votre adresse et la date restent, pour que \
             personne ne vous écrive plus avec Prospectra."
        }
        (Locale::Fr, RequestKind::Restriction) => {
            "C’est fait : vos données sont gelées. Elles sont conservées, et plus aucun message ne part."
        }
        (Locale::Fr, RequestKind::Rectification | RequestKind::PostMortem) => {
            "Elles seules peuvent faire ce que vous demandez."
        }
        (Locale::En, RequestKind::Access | RequestKind::Portability) => {
            "Everything they hold here is at your disposal from now on."
        }
        (Locale::En, RequestKind::Objection | RequestKind::ConsentWithdrawal) => {
            "It is done: none of them will write to you again with Prospectra."
        }
        (Locale::En, RequestKind::Erasure) => {
            "It is done: your data is deleted. Only a fingerprint of your address and the date remain, so that nobody writes \
             to you again with Prospectra."
        }
        (Locale::En, RequestKind::Restriction) => {
            "It is done: your data is frozen. It is kept, and no message leaves any more."
        }
        (Locale::En, RequestKind::Rectification | RequestKind::PostMortem) => "Only they can do what you ask.",
    }
}

/// One line about one holder.
pub(crate) fn holder(locale: Locale, holder: &Holder<'_>) -> String {
    let company = one_line(holder.company);
    let contact = holder.contact.map(|contact| format!(" ({contact})")).unwrap_or_default();
    let what = match (locale, holder.record) {
        (_, true) => "",
        (Locale::Fr, false) => " : une empreinte et une date seulement, pour ne plus vous écrire",
        (Locale::En, false) => ": a fingerprint and a date only, so as not to write to you again",
    };
    format!("{company}{contact}{what}")
}

/// What the page of a certificate says.
pub(super) struct CertificatePage {
    pub(super) title: &'static str,
    pub(super) intro: &'static str,
    pub(super) request: &'static str,
    pub(super) received: &'static str,
    pub(super) erased: &'static str,
    pub(super) senders: &'static str,
    pub(super) what: &'static str,
    pub(super) stores: &'static str,
    pub(super) left: &'static str,
    pub(super) nothing: &'static str,
    pub(super) kept: &'static str,
    pub(super) key: &'static str,
    pub(super) verify: &'static str,
    pub(super) signed: &'static str,
    pub(super) keys: &'static str,
}

pub(super) const fn certificate_page(locale: Locale) -> CertificatePage {
    match locale {
        Locale::Fr => CertificatePage {
            title: "Attestation d’effacement",
            intro: "Voici ce qui a été effacé, où et quand, à la demande d’une personne. Rien ici ne dit qui elle est.",
            request: "Demande",
            received: "Reçue le",
            erased: "Effacement achevé le",
            senders: "Expéditeurs concernés",
            what: "Effacé",
            stores: "Cherché dans",
            left: "Trouvé après l’effacement",
            nothing: "rien",
            kept: "Conservé, pour qu’aucun import ne fasse revenir la personne",
            key: "Clé de signature",
            verify: "L’attestation est signée ; chacun peut la vérifier :",
            signed: "le texte signé (JSON)",
            keys: "les clés publiques",
        },
        Locale::En => CertificatePage {
            title: "Certificate of erasure",
            intro: "This is what was erased, where and when, at a person’s request. Nothing here says who they are.",
            request: "Request",
            received: "Received on",
            erased: "Erasure complete on",
            senders: "Senders concerned",
            what: "Erased",
            stores: "Looked for in",
            left: "Found after the erasure",
            nothing: "nothing",
            kept: "Kept, so that no import brings the person back",
            key: "Signing key",
            verify: "The certificate is signed; anybody can verify it:",
            signed: "the signed text (JSON)",
            keys: "the public keys",
        },
    }
}

pub(super) const fn certificate(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "L’attestation d’effacement (dès que les fichiers importés ont eux aussi disparu)",
        Locale::En => "The certificate of erasure (once the imported files are gone too)",
    }
}

pub(super) const fn read(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Lire ou télécharger vos données",
        Locale::En => "Read or download your data",
    }
}

type Buttons = [(&'static str, &'static str); 3];

pub(super) const fn access(locale: Locale) -> (&'static str, &'static str, Buttons) {
    match locale {
        Locale::Fr => (
            "Vos données",
            "Tout ce que les entreprises détiennent sur vous dans Prospectra, tel que c’est au moment où vous cliquez. Chaque \
             bouton fonctionne une fois.",
            [("page", "Lire"), ("json", "Télécharger en JSON"), ("csv", "Télécharger en CSV")],
        ),
        Locale::En => (
            "Your data",
            "Everything that companies hold about you in Prospectra, as it is when you click. Each button works once.",
            [("page", "Read"), ("json", "Download as JSON"), ("csv", "Download as CSV")],
        ),
    }
}

pub(super) const fn member_data(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => {
            "Voici tout ce qui est détenu sur vous et, si vous êtes propriétaire de l’espace de travail, sur votre entreprise, avec \
             les informations de l’article 15 du RGPD. Les prospects ont un export à part."
        }
        Locale::En => {
            "This is everything that is held about you and, if you own the workspace, about your company, with the information of \
             article 15 GDPR. Prospects have an export of their own."
        }
    }
}

pub(super) const fn data(locale: Locale) -> (&'static str, &'static str, &'static str, &'static str, &'static str) {
    match locale {
        Locale::Fr => (
            "Vos données",
            "Voici tout ce qui est détenu sur vous, et les informations de l’article 15 du RGPD. Enregistrez cette page si \
             vous voulez la garder : elle ne s’affiche qu’une fois.",
            "Donnée",
            "Valeur",
            "Plus aucun Expéditeur ne détient quoi que ce soit sur vous.",
        ),
        Locale::En => (
            "Your data",
            "This is everything that is held about you, and the information of article 15 GDPR. Save this page if you want to \
             keep it: it is shown once.",
            "Item",
            "Value",
            "No Sender holds anything about you any more.",
        ),
    }
}
