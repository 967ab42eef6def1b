//! A second factor turned on or off: what the mail says.

use crate::page::PRODUCT;

/// Subject and text in French.
pub(super) fn french(on: bool, at: &str) -> (String, String) {
    let (subject, what) = if on {
        (
            format!("Votre compte {PRODUCT} demande désormais un second facteur"),
            "À chaque connexion, un code de votre application vous sera demandé après le mot de passe. Vos autres sessions \
             ont été fermées. Gardez vos codes de secours en lieu sûr : ils ne sont montrés qu’une fois.",
        )
    } else {
        (
            format!("Votre compte {PRODUCT} ne demande plus de second facteur"),
            "Le mot de passe seul suffit de nouveau pour se connecter.",
        )
    };
    let text = format!(
        "Bonjour,\n\nCe changement date du {at}. {what}\n\nSi ce n’était pas vous, choisissez tout de suite un nouveau mot de \
         passe depuis la page de connexion, puis écrivez-nous."
    );
    (subject, text)
}

/// Subject and text in English.
pub(super) fn english(on: bool, at: &str) -> (String, String) {
    let (subject, what) = if on {
        (
            format!("Your {PRODUCT} account now asks for a second factor"),
            "Each time you sign in, you will be asked for a code from your application after the password. Your other \
             sessions have been closed. Keep your recovery codes in a safe place: they are shown only once.",
        )
    } else {
        (
            format!("Your {PRODUCT} account no longer asks for a second factor"),
            "The password alone is enough to sign in again.",
        )
    };
    let text = format!(
        "Hello,\n\nThis changed on {at}. {what}\n\nIf it was not you, choose a new password on the sign-in page right away, \
         then write to us."
    );
    (subject, text)
}
