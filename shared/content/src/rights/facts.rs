//! The information of article 15(1) GDPR that is the same for everybody: for prospects, and for members.

use std::collections::BTreeSet;

use domain::{
    locale::Locale,
    policy::{
        inventory::{About, Inventory},
        processors::{self, ChosenBy, Processor},
        retention::{Class, Policy},
    },
};
use serde::Serialize;

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
    let mut recipients = vec![
        match locale {
            Locale::Fr => "les personnes habilitées chez l’Expéditeur",
            Locale::En => "authorised persons at the Sender",
        }
        .to_owned(),
    ];
    let takes_part = |one: &&Processor| own_relay || one.chosen_by != ChosenBy::Sender;
    recipients.extend(processors::current().iter().filter(takes_part).map(|one| processor(one, locale)));
    let retention = [Class::Prospect, Class::Delivery, Class::Suppression].map(|class| kept(class, locale)).into();
    let purpose = Policy::current().rule(Class::Prospect).purpose.get(locale).to_owned();
    match locale {
        Locale::Fr => Facts {
            purpose,
            retention,
            recipients,
            categories: "adresse électronique professionnelle ; nom, organisation, fonction, langue et pays lorsqu’ils sont \
                         connus ; étiquettes et notes de l’Expéditeur ; source et date de collecte ; historique des messages ; accord à l’enregistrement des clics et \
                         des ouvertures, s’il a été donné, et ce qui en a été enregistré",
            transfers: "aucun par Prospectra ; l’Expéditeur répond de son propre relais d’envoi",
            rights: format!(
                "rectification, effacement, limitation, portabilité, opposition, retrait du consentement, directives après le \
                 décès : {public_url}/rights?lang=fr"
            ),
            complaint: complaint(locale),
            automated_decisions: automated_decisions(locale),
            texts: "le texte envoyé n’est pas conservé : il est recomposé à partir du modèle de l’Expéditeur et de vos données \
                    d’aujourd’hui",
        },
        Locale::En => Facts {
            purpose,
            retention,
            recipients,
            categories: "professional e-mail address; name, organisation, job title, language and country where known; the \
                         Sender’s tags and notes; source and date of collection; history of messages; consent to clicks and \
                         openings being recorded, where it was given, and what was",
            transfers: "none by Prospectra; the Sender answers for its own delivery relay",
            rights: format!(
                "rectification, erasure, restriction, portability, objection, withdrawal of consent, directives after death: \
                 {public_url}/rights?lang=en"
            ),
            complaint: complaint(locale),
            automated_decisions: automated_decisions(locale),
            texts: "the text that was sent is not kept: it is put together again from the Sender’s template and your data of \
                    today",
        },
    }
}

/// What a member is told beside their data: the same article, of what their account is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberFacts {
    /// Why the data exists.
    pub purposes: BTreeSet<String>,
    /// Which categories there are.
    pub categories: Vec<String>,
    /// How long each is kept, and from when.
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
    /// The policy that says all of this at length.
    pub policy: String,
}

/// In one language.
#[must_use]
pub fn member_facts(locale: Locale, public_url: &str) -> MemberFacts {
    let theirs = |class: &&Class| {
        Inventory::current().kinds().any(|(_, kind)| kind.class == **class && kind.about == About::Member)
    };
    let classes: Vec<Class> = Class::ALL.iter().filter(theirs).copied().collect();
    let rule = |class: &Class| Policy::current().rule(*class);
    let (own, transfers, rights) = match locale {
        Locale::Fr => (
            "les personnes habilitées chez Prospectra ; les membres de votre espace de travail",
            "aucun",
            "rectification, effacement, limitation, portabilité, opposition, directives après le décès : POST \
             /v1/privacy/requests",
        ),
        Locale::En => (
            "authorised persons at Prospectra; the members of your workspace",
            "none",
            "rectification, erasure, restriction, portability, objection, directives after death: POST /v1/privacy/requests",
        ),
    };
    // A relay that a Sender chose gets no mail of the product's to its members.
    let ours = processors::current().iter().filter(|one| one.chosen_by != ChosenBy::Sender);
    MemberFacts {
        purposes: classes.iter().map(|class| rule(class).purpose.get(locale).to_owned()).collect(),
        categories: classes.iter().map(|class| rule(class).label.get(locale).to_owned()).collect(),
        retention: classes.iter().map(|class| kept(*class, locale)).collect(),
        recipients: [own.to_owned()].into_iter().chain(ours.map(|one| processor(one, locale))).collect(),
        transfers,
        rights: rights.to_owned(),
        complaint: complaint(locale),
        automated_decisions: automated_decisions(locale),
        policy: format!("{public_url}/legal/privacy?lang={}", locale.tag()),
    }
}

fn processor(one: &Processor, locale: Locale) -> String {
    format!("{} ({}, {})", one.name.get(locale), one.purpose.get(locale), one.country.get(locale))
}

/// How long a class is kept, and from when.
fn kept(class: Class, locale: Locale) -> String {
    let rule = Policy::current().rule(class);
    let (kept, since) = (period(rule.keep, locale), clock(rule.clock, locale));
    let (most, colon) = match locale {
        Locale::Fr => ("au plus ", " : "),
        Locale::En => ("at most ", ": "),
    };
    // A Sender may choose less for its prospects.
    let most = if class == Class::Prospect { most } else { "" };
    format!("{}{colon}{most}{kept} {since}", rule.label.get(locale))
}

const fn complaint(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "CNIL, https://www.cnil.fr/plaintes, ou l’autorité du pays où vous résidez",
        Locale::En => "CNIL, https://www.cnil.fr/plaintes, or the authority of the country where you live",
    }
}

const fn automated_decisions(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "aucune décision automatisée, aucun profilage",
        Locale::En => "no automated decision, no profiling",
    }
}
