//! A campaign paused itself, because too much of it came back.

use domain::health::{Sample, Trouble};

/// Subject and text.
pub(super) fn french(campaign: &str, sample: Sample, trouble: Trouble, ended: bool) -> (String, String) {
    let Sample { handed, bounced, complained } = sample;
    let (what, todo) = match trouble {
        Trouble::Bounces => (
            format!(
                "sur {handed} messages remis, {bounced} sont revenus : leurs adresses n’existent pas ou n’acceptent pas de courrier"
            ),
            "Vérifiez d’où vient la liste et depuis quand elle n’a pas été relue ; supprimez les adresses anciennes ou devinées. \
             Les adresses qui n’existent pas sont déjà écartées. Une liste qui revient trop fait refuser tous vos messages.",
        ),
        Trouble::Complaints => (
            format!(
                "sur {handed} messages remis, {complained} ont été signalés comme indésirables par leurs destinataires"
            ),
            "Vérifiez que ces personnes attendent un message comme le vôtre, que l’objet dit vrai et que le texte leur est utile. \
             Celles qui se sont plaintes ne recevront plus rien. Au-delà de ce seuil, les messageries refusent tous vos messages.",
        ),
    };
    if ended {
        let text = format!(
            "Bonjour,\n\nLa campagne « {campaign} » est terminée, et {what}.\n\n{todo}\n\nFaites-le avant la prochaine : une campagne \
             plus longue se met en pause d’elle-même à ce seuil."
        );
        return ("Trop de retours pour votre campagne".to_owned(), text);
    }
    let text = format!(
        "Bonjour,\n\nLa campagne « {campaign} » s’est mise en pause : {what}.\n\n{todo}\n\nReprenez-la ensuite : elle sera jugée \
         sur ce qui vient après. Ou annulez-la.\n\nSi une autre de vos campagnes se met en pause dans les 30 jours, plus rien ne part de \
         votre espace de travail jusqu’à ce que nous en ayons parlé."
    );
    ("Votre campagne s’est mise en pause".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(campaign: &str, sample: Sample, trouble: Trouble, ended: bool) -> (String, String) {
    let Sample { handed, bounced, complained } = sample;
    let (what, todo) = match trouble {
        Trouble::Bounces => (
            format!(
                "of {handed} messages handed over, {bounced} came back: their addresses do not exist or take no mail"
            ),
            "Look at where the list comes from and when it was last gone through; delete addresses that are old or guessed. Those \
             that do not exist are left out already. A list that comes back too often gets all your messages refused.",
        ),
        Trouble::Complaints => (
            format!("of {handed} messages handed over, {complained} were reported as spam by those who got them"),
            "Make sure that these people expect a message like yours, that its subject is true and its text of use to them. Whoever \
             complained will get nothing more. Beyond this limit mailbox providers refuse all your messages.",
        ),
    };
    if ended {
        let text = format!(
            "Hello,\n\nThe campaign “{campaign}” is over, and {what}.\n\n{todo}\n\nDo so before the next one: a longer campaign pauses \
             itself at this limit."
        );
        return ("Too much of your campaign came back".to_owned(), text);
    }
    let text = format!(
        "Hello,\n\nThe campaign “{campaign}” has paused itself: {what}.\n\n{todo}\n\nThen resume it: it will be judged by what \
         comes after. Or cancel it.\n\nIf another of your campaigns pauses itself within 30 days, nothing leaves your workspace any more \
         until we have talked about it."
    );
    ("Your campaign has paused itself".to_owned(), text)
}
