//! A campaign is paused because Amazon SES had paused the operator's account. It is read once SES takes messages again.

/// Subject and text.
pub(super) fn french(campaign: &str) -> (String, String) {
    let text = format!(
        "Bonjour,\n\nLa campagne « {campaign} » est en pause : Amazon SES avait suspendu les envois de notre compte, et plus rien ne pouvait \
         partir, pas même ce message. Personne n’est perdu et personne n’a reçu un message deux fois : ceux qui n’ont rien reçu attendent.\n\n\
         Amazon SES accepte de nouveau nos messages. Reprenez la campagne quand vous le voulez, ou annulez-la."
    );
    ("Votre campagne attend : les envois étaient suspendus".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(campaign: &str) -> (String, String) {
    let text = format!(
        "Hello,\n\nThe campaign “{campaign}” is paused: Amazon SES had paused sending for our account, and nothing could leave, not even \
         this message. Nobody is lost, and nobody got a message twice: whoever got nothing waits.\n\n\
         Amazon SES takes our messages again. Resume the campaign when you like, or cancel it."
    );
    ("Your campaign waits: sending was paused".to_owned(), text)
}
