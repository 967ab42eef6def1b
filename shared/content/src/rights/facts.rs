//! The information of article 15(1) GDPR that is the same for everybody.

use domain::{
    locale::Locale,
    policy::{
        processors::{self, ChosenBy},
        retention::{Class, Policy},
    },
};

use crate::legal::{clock, period};

/// What a person is told beside their data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Why the data exists, as the policy says; each campaign adds its own purpose.
    pub purpose: String,
    /// Which categories there are.
    pub categories: &'static str,
    /// How long each part is kept, and from when.
    pub retention: Vec<String>,
    /// Who else gets the data.
    pub recipients: Vec<String>,
    /// Whether it leaves the Union.
    pub transfers: &'static str,
    /// What else can be asked.
    pub rights: String,
    /// Where to complain.
    pub complaint: &'static str,
    /// Whether a machine decides.
    pub automated_decisions: &'static str,
    /// What the text of a message is made of.
    pub texts: &'static str,
}

/// In one language, for a Sender that sends through a relay of its own or not.
#[must_use]
pub fn facts(locale: Locale, public_url: &str, own_relay: bool) -> Facts {
    let processor = |one: &processors::Processor| {
        format!("{} ({}, {})", one.name.get(locale), one.purpose.get(locale), one.country.get(locale))
    };
    let mut recipients = vec![
        match locale {
            Locale::Fr => "les personnes habilitées chez l’Expéditeur",
            Locale::En => "authorised persons at the Sender",
        }
        .to_owned(),
    ];
    let takes_part = |one: &&processors::Processor| own_relay || one.chosen_by != ChosenBy::Sender;
    recipients.extend(processors::current().iter().filter(takes_part).map(processor));
    let kept = |class: Class| {
        let rule = Policy::current().rule(class);
        let (kept, since) = (period(rule.keep, locale), clock(rule.clock, locale));
        let (most, colon) = match locale {
            Locale::Fr => ("au plus ", " : "),
            Locale::En => ("at most ", ": "),
        };
        // A Sender may choose less for its prospects.
        let most = if class == Class::Prospect { most } else { "" };
        format!("{}{colon}{most}{kept} {since}", rule.label.get(locale))
    };
    let retention = [Class::Prospect, Class::Delivery, Class::Suppression].map(kept).into();
    let purpose = Policy::current().rule(Class::Prospect).purpose.get(locale).to_owned();
    match locale {
        Locale::Fr => Facts {
            purpose,
            retention,
            recipients,
            categories: "adresse électronique professionnelle ; nom, organisation, fonction, langue et pays lorsqu’ils sont \
                         connus ; étiquettes et notes de l’Expéditeur ; source et date de collecte ; historique des messages",
            transfers: "aucun par Prospectra ; l’Expéditeur répond de son propre relais d’envoi",
            rights: format!(
                "rectification, effacement, limitation, portabilité, opposition, retrait du consentement, directives après le \
                 décès : {public_url}/rights?lang=fr"
            ),
            complaint: "CNIL, https://www.cnil.fr/plaintes, ou l’autorité du pays où vous résidez",
            automated_decisions: "aucune décision automatisée, aucun profilage",
            texts: "le texte envoyé n’est pas conservé : il est recomposé à partir du modèle de l’Expéditeur et de vos données \
                    d’aujourd’hui",
        },
        Locale::En => Facts {
            purpose,
            retention,
            recipients,
            categories: "professional e-mail address; name, organisation, job title, language and country where known; the \
                         Sender’s tags and notes; source and date of collection; history of messages",
            transfers: "none by Prospectra; the Sender answers for its own delivery relay",
            rights: format!(
                "rectification, erasure, restriction, portability, objection, withdrawal of consent, directives after death: \
                 {public_url}/rights?lang=en"
            ),
            complaint: "CNIL, https://www.cnil.fr/plaintes, or the authority of the country where you live",
            automated_decisions: "no automated decision, no profiling",
            texts: "the text that was sent is not kept: it is put together again from the Sender’s template and your data of \
                    today",
        },
    }
}
