//! A campaign was paused because none of its channels is left.

/// Subject and text.
pub(super) fn french(campaign: &str) -> (String, String) {
    let text = format!(
        "Bonjour,\n\nLa campagne « {campaign} » est en pause : aucun des canaux avec lesquels elle a été lancée n’existe plus. Personne \
         n’est perdu : ceux qui n’ont rien reçu attendent.\n\nAjoutez un canal ou vérifiez ceux qui restent, puis reprenez-la : elle \
         repart par les canaux qu’elle nomme, ou par tous si elle n’en nomme pas. Ou annulez-la."
    );
    ("Votre campagne n’a plus de canal".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(campaign: &str) -> (String, String) {
    let text = format!(
        "Hello,\n\nThe campaign “{campaign}” is paused: none of the channels that it was launched with is there any more. Nobody is \
         lost: whoever got nothing waits.\n\nAdd a channel or look at those that are left, then resume it: it goes by the channels \
         that it names, or by all of them if it names none. Or cancel it."
    );
    ("Your campaign has no channel left".to_owned(), text)
}
