//! The information of art. 14 GDPR that the first message to a person gives.

use domain::locale::Locale;
use domain::prospect::LawfulBasis;

use super::{Block, Line, colon, words};
use crate::message::{CampaignMail, Notice};
use crate::mime::one_line;

/// The information of art. 14 GDPR (A69).
pub(super) fn blocks(mail: &CampaignMail<'_>, notice: &Notice<'_>, company: &str, origin: &str) -> Vec<Block> {
    let contact = mail.sender.contact_email.expose();
    let purpose = one_line(notice.purpose);
    let basis = basis(mail.locale, notice);
    let recorded = recorded(mail);
    let period = words::period(mail.locale, notice.retention_months.into());
    let opt_outs = words::opt_outs_kept(mail.locale);
    let (heading, lines) = match mail.locale {
        Locale::Fr => (
            "Information sur vos données (article 14 du RGPD)",
            [
                format!("Responsable du traitement : {company}, aux coordonnées ci-dessus."),
                format!(
                    "Données traitées : vos nom et prénom, adresse électronique professionnelle, organisation et fonction \
                     lorsqu’ils sont connus, et l’historique des messages qui vous sont adressés{recorded}."
                ),
                format!("Origine des données : {origin}."),
                format!("Finalité : {purpose}"),
                format!("Base légale : {basis}."),
                format!(
                    "Destinataires : les personnes habilitées chez {company} et son sous-traitant technique Prospectra, \
                     qui héberge les données dans l’Union européenne. Vos données ne sont ni vendues ni cédées."
                ),
                format!(
                    "Durée de conservation : {period} après la collecte ou votre dernier contact ; si vous vous opposez, \
                     seules une empreinte de votre adresse et la date sont gardées, {opt_outs}, pour respecter votre \
                     choix."
                ),
                format!(
                    "Vos droits : accès, rectification, effacement, limitation, portabilité, opposition et directives \
                     après votre décès, en écrivant à {contact} ; réponse sous un mois. Vous pouvez aussi saisir la \
                     CNIL : https://www.cnil.fr/plaintes"
                ),
            ],
        ),
        Locale::En => (
            "Information about your data (article 14 GDPR)",
            [
                format!("Controller: {company}, at the contact details above."),
                format!(
                    "Data processed: your name, professional e-mail address, organisation and job title where known, and \
                     the history of the messages sent to you{recorded}."
                ),
                format!("Source of the data: {origin}."),
                format!("Purpose: {purpose}"),
                format!("Legal basis: {basis}."),
                format!(
                    "Recipients: authorised persons at {company} and its technical processor Prospectra, which hosts \
                     the data in the European Union. Your data are neither sold nor passed on."
                ),
                format!(
                    "Retention: {period} after collection or your last contact; if you object, only a fingerprint of \
                     your address and the date are kept, for {opt_outs}, to honour your choice."
                ),
                format!(
                    "Your rights: access, rectification, erasure, restriction, portability, objection and directives \
                     after your death, by writing to {contact}; an answer within one month. You may also complain to \
                     the CNIL: https://www.cnil.fr/plaintes"
                ),
            ],
        ),
    };
    let mut blocks = vec![Block { heading: Some(heading), lines: lines.map(Line::Words).into() }];
    let own: Vec<_> = notice
        .information
        .lines()
        .map(one_line)
        .filter(|line| !line.is_empty())
        .map(|line| Line::Words(line.into_owned()))
        .collect();
    if !own.is_empty() {
        blocks.push(Block { heading: None, lines: own });
    }
    blocks
}

/// What is recorded besides, and on which basis: consent, whatever the rest rests on.
fn recorded(mail: &CampaignMail<'_>) -> &'static str {
    match (mail.locale, mail.recorded.map(|(what, _)| (what.clicks, what.opens))) {
        (_, None | Some((false, false))) => "",
        (Locale::Fr, Some((true, false))) => " ; avec votre consentement (article 6.1.a du RGPD), vos clics",
        (Locale::Fr, Some((false, true))) => {
            " ; avec votre consentement (article 6.1.a du RGPD), le jour où vous les ouvrez"
        }
        (Locale::Fr, Some((true, true))) => {
            " ; avec votre consentement (article 6.1.a du RGPD), vos clics et le jour où vous les ouvrez"
        }
        (Locale::En, Some((true, false))) => "; with your consent (article 6.1.a GDPR), your clicks",
        (Locale::En, Some((false, true))) => "; with your consent (article 6.1.a GDPR), the day on which you open them",
        (Locale::En, Some((true, true))) => {
            "; with your consent (article 6.1.a GDPR), your clicks and the day on which you open them"
        }
    }
}

fn basis(locale: Locale, notice: &Notice<'_>) -> String {
    let (interest, consent, contract) = match locale {
        Locale::Fr => (
            "l’intérêt légitime (article 6.1.f du RGPD)",
            "votre consentement (article 6.1.a du RGPD), que vous pouvez retirer à tout moment",
            "un contrat ou des démarches qui le précèdent (article 6.1.b du RGPD)",
        ),
        Locale::En => (
            "legitimate interest (article 6.1.f GDPR)",
            "your consent (article 6.1.a GDPR), which you may withdraw at any time",
            "a contract or steps prior to it (article 6.1.b GDPR)",
        ),
    };
    match notice.lawful_basis {
        LawfulBasis::Consent => consent.to_owned(),
        LawfulBasis::Contract => contract.to_owned(),
        LawfulBasis::LegitimateInterest => match notice.interest.map(one_line).filter(|words| !words.is_empty()) {
            Some(words) => format!("{interest}{} {}", colon(locale), words.trim_end_matches('.')),
            None => interest.to_owned(),
        },
    }
}
