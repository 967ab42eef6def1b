//! What the page says.

use domain::{abuse::AbuseKind, locale::Locale};

pub(super) struct Ask {
    pub(super) intro: &'static str,
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) email: &'static str,
    pub(super) button: &'static str,
    pub(super) mailbox: &'static str,
    pub(super) after: &'static str,
    pub(super) rights: &'static str,
}

/// What the page is called, in links too.
pub(crate) const fn title(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Signaler un abus",
        Locale::En => "Report abuse",
    }
}

pub(super) const fn ask(locale: Locale) -> Ask {
    match locale {
        Locale::Fr => Ask {
            intro: "Une entreprise vous a écrit avec Prospectra d’une manière qu’elle ne devrait pas ? Écrivez-lui d’abord, à \
                    l’adresse abuse@ de son domaine ; si elle ne répond pas, ou si vous préférez, dites-le-nous ici. Une \
                    personne de notre équipe lit chaque signalement.",
            kind: "Ce que vous signalez",
            message: "Ce qui s’est passé. Collez le lien de désinscription du message ou ses en-têtes : nous saurons qui l’a \
                      envoyé",
            email: "Votre adresse, seulement si vous voulez une réponse",
            button: "Signaler",
            mailbox: "Vous pouvez aussi écrire à",
            after: "De ce que vous collez, nous ne gardons ni votre adresse ni le lien ; l’adresse que vous laissez pour la \
                    réponse est effacée avec la clôture. Pour ne plus rien recevoir, ou savoir qui détient vos données :",
            rights: "vos droits",
        },
        Locale::En => Ask {
            intro: "Has a company written to you with Prospectra in a way it should not? Write to it first, at the abuse@ \
                    address of its domain; if it does not answer, or if you prefer, tell us here. Somebody of our staff reads \
                    each report.",
            kind: "What you report",
            message: "What happened. Paste the message’s unsubscribe link or its headers: we will know who sent it",
            email: "Your address, only if you want an answer",
            button: "Report",
            mailbox: "You can also write to",
            after: "Of what you paste we keep neither your address nor the link; the address you leave for the answer is \
                    erased when the case is closed. To receive nothing more, or to know who holds your data:",
            rights: "your rights",
        },
    }
}

/// What is reported, within a sentence.
pub(crate) const fn name(locale: Locale, kind: AbuseKind) -> &'static str {
    match (locale, kind) {
        (Locale::Fr, AbuseKind::DespiteUnsubscribe) => "message malgré une désinscription",
        (Locale::Fr, AbuseKind::UnlawfulList) => "liste obtenue illégalement",
        (Locale::Fr, AbuseKind::UnlawfulContent) => "contenu illicite",
        (Locale::En, AbuseKind::DespiteUnsubscribe) => "message despite unsubscribing",
        (Locale::En, AbuseKind::UnlawfulList) => "list obtained unlawfully",
        (Locale::En, AbuseKind::UnlawfulContent) => "unlawful content",
    }
}

/// The same in the form.
pub(super) const fn option(locale: Locale, kind: AbuseKind) -> &'static str {
    match (locale, kind) {
        (Locale::Fr, AbuseKind::DespiteUnsubscribe) => "On m’écrit encore, malgré ma désinscription",
        (Locale::Fr, AbuseKind::UnlawfulList) => {
            "Mon adresse vient d’une liste obtenue illégalement, ou c’est une adresse privée"
        }
        (Locale::Fr, AbuseKind::UnlawfulContent) => "Le contenu du message est illicite",
        (Locale::En, AbuseKind::DespiteUnsubscribe) => "They still write to me although I unsubscribed",
        (Locale::En, AbuseKind::UnlawfulList) => {
            "My address comes from a list that was obtained unlawfully, or is a private one"
        }
        (Locale::En, AbuseKind::UnlawfulContent) => "What the message says is unlawful",
    }
}

/// What has to be put right in the form.
#[must_use]
pub const fn wrong(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => {
            "Dites ce qui s’est passé, en 20 000 caractères au plus, et vérifiez l’adresse si vous en laissez une."
        }
        Locale::En => "Say what happened, in 20,000 characters at most, and check the address if you leave one.",
    }
}

pub(super) const fn sent(locale: Locale) -> (&'static str, &'static str) {
    match locale {
        Locale::Fr => (
            "Merci, nous avons votre signalement",
            "Une personne de notre équipe le lit et décide de ce qui suit. Si vous avez laissé une adresse, son numéro vous \
             parvient par un message. Cette réponse est la même pour tout le monde.",
        ),
        Locale::En => (
            "Thank you, we have your report",
            "Somebody of our staff reads it and decides what follows. If you left an address, a message brings you its number. \
             This answer is the same for everybody.",
        ),
    }
}
