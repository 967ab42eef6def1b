//! The demo's two campaigns.

use serde_json::{Value, json};

/// The first: in French, with English below it for whoever reads that better.
pub(super) fn first() -> Value {
    json!({
        "name": "Visite d'atelier, printemps",
        "purpose": "Proposer une visite de notre atelier aux personnes chargées des achats et de la production",
        "audience": { "all": true },
        "locale": "fr",
        "steps": [{
            "subject": "Une visite d'atelier pour {{ company | default: \"votre équipe\" }} ?",
            "text": "Bonjour {{ first_name | default: \"à vous\" }},\n\n\
                Nous fabriquons des pièces sur mesure en petite série, à Lyon. En tant que \
                {{ job_title | default: \"responsable\" }} chez {{ company | default: \"votre entreprise\" }}, \
                vous cherchez peut-être un atelier qui répond le jour même.\n\n\
                Un mardi vous conviendrait-il pour une visite d'une heure ?\n\n\
                —\n\n\
                Dear {{ first_name | default: \"reader\" }},\n\n\
                We make custom parts in small series in Lyon. Would {{ company | default: \"your team\" }} like to see \
                the workshop one Tuesday? It takes an hour.\n\n\
                {{ sender_name }}\n{{ sender_company }}",
        }],
        "information_notice": NOTICE,
        "legitimate_interest_assessment": assessment(),
    })
}

/// The second: in English.
pub(super) fn second() -> Value {
    json!({
        "name": "Workshop visit, the dates",
        "purpose": "Tell the people in charge of purchasing and production when the workshop can be visited",
        "audience": { "all": true },
        "locale": "en",
        "steps": [{
            "subject": "Three Tuesdays in May, {{ first_name | default: \"if you like\" }}",
            "text": "Hello {{ first_name | default: \"there\" }},\n\n\
                The workshop is open to visitors on three Tuesdays in May. Tell me which one suits \
                {{ company | default: \"you\" }}.\n\n{{ sender_name }}",
        }],
        "information_notice": NOTICE,
        "legitimate_interest_assessment": assessment(),
    })
}

const NOTICE: &str = "Nous avons noté vos coordonnées professionnelles lors d'un salon. Elles servent à vous proposer nos \
    services, et à rien d'autre.";

fn assessment() -> Value {
    json!({
        "interest": "Trouver de nouveaux clients parmi les entreprises qui achètent des pièces sur mesure.",
        "necessity": "Une adresse professionnelle et une fonction suffisent ; rien de moins ne permet d'écrire à la bonne personne.",
        "balancing": "Deux messages par an au plus, en rapport avec la fonction, et une objection en un clic.",
        "safeguards": "Aucun suivi des ouvertures ; effacement au plus tard trois ans après le dernier contact.",
    })
}
