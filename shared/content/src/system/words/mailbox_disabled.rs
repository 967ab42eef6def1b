//! A mailbox is not read for answers any more, because that failed for a day.

use domain::mailbox::Stop;

/// Subject and text.
pub(super) fn french(host: &str, stop: Stop) -> (String, String) {
    let why = match stop {
        Stop::Unresolved => "le nom du serveur ne mène nulle part",
        Stop::NotPublic => "le nom du serveur mène à une adresse à laquelle nous ne nous connectons pas",
        Stop::Unreachable => "le serveur ne répond pas",
        Stop::NoEncryption => "le serveur n’offre pas de liaison chiffrée",
        Stop::Certificate => "le certificat du serveur n’est pas valable",
        Stop::Credentials => "le serveur refuse le nom d’utilisateur ou le mot de passe ; il a peut-être changé",
        Stop::NoMechanism => "le serveur n’offre aucune façon de s’identifier que nous connaissions",
        Stop::TokenRefused => "le fournisseur ne donne plus de jeton d’accès ; l’autorisation a peut-être été retirée",
        Stop::NoToken => "le fournisseur ne répond pas quand nous demandons un jeton d’accès",
        Stop::LoginLater => "le serveur ne laisse entrer personne",
        Stop::NoFolder => "un dossier à lire n’existe pas, ou plus",
        Stop::Silent => "le serveur interrompt la lecture",
        Stop::Garbled => "le serveur répond ce qu’aucun serveur de messagerie ne doit répondre",
    };
    let text = format!(
        "Bonjour,\n\nNous ne lisons plus les réponses dans la boîte aux lettres chez {host}. Depuis plus d’un jour : {why}.\n\nVos envois \
         continuent, mais une réponse reçue dans cette boîte n’arrête plus la suite d’une campagne. Corrigez ses réglages (PUT \
         /v1/mailboxes/{{id}}), puis vérifiez-les (POST /v1/mailboxes/{{id}}/check) : la lecture reprendra là où elle s’est arrêtée. Si \
         la boîte ne sert plus, supprimez-la."
    );
    ("Les réponses d’une boîte aux lettres ne sont plus lues".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(host: &str, stop: Stop) -> (String, String) {
    let why = match stop {
        Stop::Unresolved => "the server’s name leads nowhere",
        Stop::NotPublic => "the server’s name leads to an address that we do not connect to",
        Stop::Unreachable => "the server does not answer",
        Stop::NoEncryption => "the server offers no encrypted connection",
        Stop::Certificate => "the server’s certificate is not valid",
        Stop::Credentials => "the server refuses the user name or the password, which may have changed",
        Stop::NoMechanism => "the server offers no way to log in that we know",
        Stop::TokenRefused => "the provider gives no access token any more; the authorisation may have been withdrawn",
        Stop::NoToken => "the provider does not answer when we ask for an access token",
        Stop::LoginLater => "the server lets nobody in",
        Stop::NoFolder => "a folder to be read is not there, or not any more",
        Stop::Silent => "the server breaks off while we read",
        Stop::Garbled => "the server answers what no mail server may answer",
    };
    let text = format!(
        "Hello,\n\nWe no longer read the answers in the mailbox at {host}. For more than a day: {why}.\n\nYour sending goes on, but an \
         answer that comes to this mailbox does not stop the rest of a campaign any more. Correct its settings (PUT \
         /v1/mailboxes/{{id}}), then check them (POST /v1/mailboxes/{{id}}/check): reading goes on where it stopped. If the mailbox is \
         of no use any more, delete it."
    );
    ("The answers in a mailbox are not read any more".to_owned(), text)
}
