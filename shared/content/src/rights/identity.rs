//! The page that a copy of an identity document is sent on (A48).

use std::fmt::Write as _;

use domain::{
    locale::Locale,
    policy::retention::{Class, Policy},
};
use jiff::Timestamp;

use super::lay_out;
use crate::{
    legal::period,
    page::{Html, escape},
    system::moment,
};

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// More than four megabytes.
    TooLarge,
    /// Neither PDF nor JPEG nor PNG.
    WrongType,
    /// None, an empty one, several, or only a part of one.
    NoFile,
}

/// What may be blacked out, and what becomes of a copy: in the mail and on the page.
pub(crate) fn care(locale: Locale) -> String {
    let keep = period(Policy::current().keep(Class::IdentityCopy), locale);
    match locale {
        Locale::Fr => format!(
            "Masquez tout ce qui n’est pas utile : votre nom et ce qui vous relie à la demande suffisent. La photo, le numéro \
             de la pièce, la date et le lieu de naissance, la signature peuvent être noircis. La copie ne sert qu’à cette \
             vérification. Elle est chiffrée, gardée à part, et supprimée avec la décision, au plus tard {keep} après son envoi."
        ),
        Locale::En => format!(
            "Black out whatever is not needed: your name and what links you to the request are enough. The photograph, the \
             number of the document, the date and place of birth and the signature may be hidden. The copy is used for this \
             check alone. It is encrypted, kept apart, and deleted with the decision, {keep} after you send it at the latest."
        ),
    }
}

/// The form, which POSTs to `action`, the page's own path. `refused` says what was wrong with a file.
#[must_use]
pub fn identity(locale: Locale, action: &str, refused: Option<Refused>) -> Html {
    let (title, why, label, button, again) = match locale {
        Locale::Fr => (
            "Copie d’une pièce d’identité",
            "Un doute sur l’auteur de votre demande empêche d’y répondre ; sa raison est dans le message que vous avez reçu.",
            "Fichier PDF, JPEG ou PNG, de 4 Mo au plus",
            "Envoyer la copie",
            "Un nouvel envoi remplace le précédent.",
        ),
        Locale::En => (
            "Copy of an identity document",
            "A doubt about who made your request keeps us from answering it; its reason is in the message you received.",
            "PDF, JPEG or PNG file of 4 MB at most",
            "Send the copy",
            "Sending another one replaces the one before.",
        ),
    };
    let mut body = format!("<h1>{title}</h1>\n<p>{why}</p>\n<p>{}</p>\n", care(locale));
    if let Some(refused) = refused {
        let _ = writeln!(body, "<p role=\"alert\"><strong>{}</strong></p>", wrong(locale, refused));
    }
    let _ = write!(
        body,
        "<form method=\"post\" enctype=\"multipart/form-data\" action=\"{}\">\n<p><label for=\"copy\">{label}</label><br>\
         <input id=\"copy\" name=\"copy\" type=\"file\" required accept=\"application/pdf,image/jpeg,image/png\"></p>\n\
         <button type=\"submit\">{button}</button>\n</form>\n<p class=\"soft\">{again}</p>",
        escape(action)
    );
    lay_out(locale, title, &body)
}

/// The answer once a copy is there, which is kept until `until` at the latest.
#[must_use]
pub fn received(locale: Locale, until: Timestamp) -> Html {
    let moment = moment(locale, until);
    let (title, text) = match locale {
        Locale::Fr => (
            "La copie est reçue",
            format!(
                "Elle est supprimée avec la décision, dont un message vous informe, et au plus tard le {moment}. Pour la \
                 remplacer, ouvrez de nouveau le lien."
            ),
        ),
        Locale::En => (
            "The copy has arrived",
            format!(
                "It is deleted with the decision, of which a message will tell you, and by {moment} at the latest. To replace \
                 it, open the link again."
            ),
        ),
    };
    lay_out(locale, title, &format!("<h1>{title}</h1>\n<p role=\"status\">{text}</p>"))
}

const fn wrong(locale: Locale, refused: Refused) -> &'static str {
    match (locale, refused) {
        (Locale::Fr, Refused::TooLarge) => "Ce fichier dépasse 4 Mo : réduisez-le, puis envoyez-le de nouveau.",
        (Locale::Fr, Refused::WrongType) => "Ce fichier n’est ni un PDF, ni un JPEG, ni un PNG.",
        (Locale::Fr, Refused::NoFile) => "Choisissez un fichier, un seul, qui n’est pas vide.",
        (Locale::En, Refused::TooLarge) => "This file is larger than 4 MB: make it smaller and send it again.",
        (Locale::En, Refused::WrongType) => "This file is neither a PDF nor a JPEG nor a PNG.",
        (Locale::En, Refused::NoFile) => "Choose a file, one alone, that is not empty.",
    }
}
