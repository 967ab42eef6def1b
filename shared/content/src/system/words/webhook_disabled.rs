//! An endpoint for events was switched off, because it took nothing any more.

use super::super::WebhookTrouble;

/// Subject and text.
pub(super) fn french(host: &str, trouble: WebhookTrouble) -> (String, String) {
    let why = match trouble {
        WebhookTrouble::Failing => "il n’a rien accepté depuis plus d’un jour, malgré des essais répétés",
        WebhookTrouble::Gone => "il a répondu qu’il n’existe plus (410)",
    };
    let text = format!(
        "Bonjour,\n\nNous n’envoyons plus d’événements au point de réception chez {host} : {why}.\n\nVos envois continuent, rien \
         d’autre ne change. Réparez-le, puis réactivez-le (PATCH /v1/webhooks/{{id}} avec \"enabled\": true) : ce qui attend \
         sera remis, et ce qui a échoué peut être redemandé pendant quelques jours. S’il ne sert plus, supprimez-le."
    );
    ("Un point de réception d’événements est désactivé".to_owned(), text)
}

/// Subject and text.
pub(super) fn english(host: &str, trouble: WebhookTrouble) -> (String, String) {
    let why = match trouble {
        WebhookTrouble::Failing => "it has accepted nothing for more than a day, however often we tried",
        WebhookTrouble::Gone => "it answered that it is gone (410)",
    };
    let text = format!(
        "Hello,\n\nWe no longer send events to the endpoint at {host}: {why}.\n\nYour sending goes on, nothing else changes. \
         Repair it, then switch it on again (PATCH /v1/webhooks/{{id}} with \"enabled\": true): what waits will be delivered, and \
         what failed can be asked for again for some days. If it is of no use any more, delete it."
    );
    ("An endpoint for events is switched off".to_owned(), text)
}
