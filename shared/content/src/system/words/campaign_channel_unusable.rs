//! A campaign was paused because the channel that its people wait for cannot be used.

use domain::hindrance::Reason;

/// Subject and text.
pub(super) fn french(campaign: &str, channel: Option<&str>, reason: Option<Reason>) -> (String, String) {
    let (why, what) = match reason {
        Some(Reason::Unreachable) => (
            "nous n’arrivons pas à le joindre depuis plusieurs heures",
            "Vérifiez l’adresse, le port et le certificat du serveur, ou ceux qui délivrent ses jetons",
        ),
        Some(Reason::Credentials) => (
            "il refuse la connexion avec l’identifiant enregistré",
            "Entrez le mot de passe ou le jeton en vigueur (PATCH /v1/channels/{id})",
        ),
        Some(Reason::SenderRefused) => {
            ("il refuse votre adresse d’expédition", "Autorisez-la auprès de son fournisseur, ou changez-la")
        }
        Some(Reason::MessagesRefused) => (
            "il refuse tous les messages à cause de leur contenu ou de la réputation de l’expéditeur",
            "Envoyez-vous un message par lui pour lire sa réponse (POST /v1/channels/{id}/check), et voyez avec son fournisseur",
        ),
        Some(Reason::ChannelQuota) => (
            "il dit depuis plusieurs jours que votre compte a envoyé tout ce qu’il peut",
            "Voyez votre limite d’envoi avec son fournisseur, et donnez au canal une limite plus basse",
        ),
        Some(Reason::ChannelBusy) => {
            ("il remet tout à plus tard depuis plusieurs heures", "Voyez avec son fournisseur ce qui l’occupe")
        }
        None => ("il n’acceptait plus rien", "Vérifiez-le (POST /v1/channels/{id}/check)"),
    };
    let which = channel.map_or_else(|| "un de ses canaux".to_owned(), |name| format!("le canal « {name} »"));
    let text = format!(
        "Bonjour,\n\nLa campagne « {campaign} » est en pause : ceux qui attendent encore leur message dépendent d’un canal inutilisable, \
         {which} : {why}. Ceux-là ne sont pas perdus, et personne ne recevra un message deux fois.\n\n\
         {what}, puis reprenez la campagne. Elle s’arrêtera de nouveau si rien n’a changé. Ou annulez-la."
    );
    ("Votre campagne attend : un canal est inutilisable".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(campaign: &str, channel: Option<&str>, reason: Option<Reason>) -> (String, String) {
    let (why, what) = match reason {
        Some(Reason::Unreachable) => (
            "we have not been able to reach it for some hours",
            "Look at the address, the port and the certificate of the server, or of what gives its tokens",
        ),
        Some(Reason::Credentials) => (
            "it refuses the login that is stored",
            "Enter the password or the token that is good now (PATCH /v1/channels/{id})",
        ),
        Some(Reason::SenderRefused) => {
            ("it refuses the address that you send from", "Have its provider allow that address, or change it")
        }
        Some(Reason::MessagesRefused) => (
            "it refuses every message for what is in it, or for the sender’s reputation",
            "Send yourself a message by it to read its answer (POST /v1/channels/{id}/check), and ask its provider",
        ),
        Some(Reason::ChannelQuota) => (
            "it has said for days that your account has sent as much as it may",
            "Ask its provider for your sending limit, and give the channel a lower one",
        ),
        Some(Reason::ChannelBusy) => {
            ("it has put everything off for some hours", "Ask its provider what keeps it busy")
        }
        None => ("it took nothing any more", "Check it (POST /v1/channels/{id}/check)"),
    };
    let which = channel.map_or_else(|| "one of its channels".to_owned(), |name| format!("the channel “{name}”"));
    let text = format!(
        "Hello,\n\nThe campaign “{campaign}” is paused: whoever still waits for a message depends on a channel that cannot be used, \
         {which}: {why}. None of these people is lost, and nobody will get a message twice.\n\n\
         {what}, then resume the campaign. It will stop again if nothing has changed. Or cancel it."
    );
    ("Your campaign waits: a channel cannot be used".to_owned(), text)
}
