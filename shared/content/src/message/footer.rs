//! The end of every campaign message, as text and as HTML, from one list of lines.

use std::fmt::Write as _;

use domain::locale::Locale;
use domain::policy::retention::{Class, Policy};
use domain::prospect::{LawfulBasis, Source, SourceKind};
use domain::sender::SenderIdentity;
use jiff::civil::Date;

use super::{CampaignMail, Notice};
use crate::mime::one_line;
use crate::page::escape;

/// The footer as plain text and as an HTML fragment that depends on nothing before it.
pub(super) fn both(mail: &CampaignMail<'_>) -> (String, String) {
    let mut text = String::with_capacity(1_024);
    let mut html = String::with_capacity(2_048);
    text.push_str("________________________________________\n");
    html.push_str("<table role=\"presentation\" lang=\"");
    html.push_str(mail.locale.tag());
    html.push_str(
        "\" dir=\"ltr\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" \
         style=\"display:table;visibility:visible;width:100%;background-color:#ffffff;border-top:1px solid #cccccc\">\
         <tbody><tr><td style=\"padding:16px;color:#444444;background-color:#ffffff;text-align:left;\
         font-family:Arial,Helvetica,sans-serif;font-size:13px;line-height:1.5\">\n",
    );
    for block in blocks(mail) {
        push_text(&mut text, &block);
        push_html(&mut html, &block);
    }
    html.push_str("</td></tr></tbody></table>");
    text.truncate(text.trim_end().len());
    text.push('\n');
    (text, html)
}

/// A paragraph: an optional heading, then lines.
struct Block {
    heading: Option<&'static str>,
    lines: Vec<Line>,
}

enum Line {
    Words(String),
    /// Words that are a link.
    Link(&'static str, String),
}

fn push_text(out: &mut String, block: &Block) {
    if let Some(heading) = block.heading {
        out.push_str(heading);
        out.push('\n');
    }
    for line in &block.lines {
        match line {
            Line::Words(words) => out.push_str(words),
            Line::Link(words, url) => {
                for piece in [*words, " ", url] {
                    out.push_str(piece);
                }
            }
        }
        out.push('\n');
    }
    out.push('\n');
}

fn push_html(out: &mut String, block: &Block) {
    out.push_str("<p style=\"margin:0 0 12px 0\">");
    // Writing to a String cannot fail.
    if let Some(heading) = block.heading {
        let _ = writeln!(out, "<strong>{}</strong><br>", escape(heading));
    }
    for (i, line) in block.lines.iter().enumerate() {
        if i > 0 {
            out.push_str("<br>\n");
        }
        let _ = match line {
            Line::Words(words) => write!(out, "{}", escape(words)),
            Line::Link(words, url) => write!(
                out,
                "<a href=\"{}\" style=\"color:#0b57d0;text-decoration:underline\">{}</a>",
                escape(url),
                escape(words.trim_end_matches([' ', ':', '\u{a0}']))
            ),
        };
    }
    out.push_str("</p>\n");
}

fn blocks(mail: &CampaignMail<'_>) -> Vec<Block> {
    let fr = mail.locale == Locale::Fr;
    let company = one_line(&mail.sender.company);
    let origin = origin(mail.locale, mail.source);
    let why = if fr {
        format!(
            "Vous recevez ce message parce que votre adresse professionnelle figure dans le fichier de prospection \
             tenu par {company}. Origine : {origin}."
        )
    } else {
        format!(
            "You receive this message because your professional address is in the prospecting file kept by {company}. \
             Origin: {origin}."
        )
    };
    let stop = if fr {
        format!(
            "Vous pouvez vous y opposer à tout moment, sans motif : {company} ne vous écrira plus."
        )
    } else {
        format!(
            "You may object at any time, without giving a reason: {company} will not write to you again."
        )
    };
    let (unsubscribe, privacy) = if fr {
        ("Se désinscrire :", "Vos données et vos droits :")
    } else {
        ("Unsubscribe:", "Your data and your rights:")
    };
    let mut blocks = vec![
        Block {
            heading: Some(if fr {
                "Qui vous écrit"
            } else {
                "Who is writing to you"
            }),
            lines: identity(mail.locale, mail.sender),
        },
        Block {
            heading: Some(if fr {
                "Pourquoi ce message"
            } else {
                "Why this message"
            }),
            lines: vec![Line::Words(why)],
        },
        Block {
            heading: Some(if fr {
                "Ne plus recevoir de messages"
            } else {
                "Stop these messages"
            }),
            lines: vec![
                Line::Words(stop),
                Line::Link(unsubscribe, mail.unsubscribe_url.to_owned()),
            ],
        },
    ];
    if let Some(notice) = &mail.first_message {
        blocks.extend(notice_blocks(mail, notice, &company, &origin));
    }
    blocks.push(Block {
        heading: None,
        lines: vec![Line::Link(privacy, mail.prospects_privacy_url.to_owned())],
    });
    blocks
}

/// The legal identity and contact (A62).
fn identity(locale: Locale, sender: &SenderIdentity) -> Vec<Line> {
    let mut name = one_line(&sender.company).into_owned();
    if let Some(form) = sender
        .legal_form
        .as_deref()
        .map(one_line)
        .filter(|form| !form.is_empty())
    {
        name = format!("{name}, {form}");
    }
    let number = one_line(&sender.registration_number);
    let name = match locale {
        Locale::Fr => format!("{name}, n° d’immatriculation {number}"),
        Locale::En => format!("{name}, registration no. {number}"),
    };
    let address = sender
        .address
        .lines()
        .map(one_line)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let mut contact = format!("Contact{} {}", colon(locale), sender.contact_email.expose());
    for more in [&sender.phone, &sender.website].into_iter().flatten() {
        let more = one_line(more);
        if !more.is_empty() {
            contact.push_str(" · ");
            contact.push_str(&more);
        }
    }
    vec![
        Line::Words(name),
        Line::Words(format!("{address}, {}", one_line(&sender.country))),
        Line::Words(contact),
    ]
}

const fn colon(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "\u{a0}:",
        Locale::En => ":",
    }
}

/// The information of art. 14 GDPR (A69).
fn notice_blocks(
    mail: &CampaignMail<'_>,
    notice: &Notice<'_>,
    company: &str,
    origin: &str,
) -> Vec<Block> {
    let contact = mail.sender.contact_email.expose();
    let purpose = one_line(notice.purpose);
    let basis = basis(mail.locale, notice);
    let period = period(mail.locale, notice.retention_months.into());
    let opt_outs = opt_outs_kept(mail.locale);
    let (heading, lines) = match mail.locale {
        Locale::Fr => (
            "Information sur vos données (article 14 du RGPD)",
            [
                format!("Responsable du traitement : {company}, aux coordonnées ci-dessus."),
                "Données traitées : vos nom et prénom, adresse électronique professionnelle, organisation et fonction \
                 lorsqu’ils sont connus, et l’historique des messages qui vous sont adressés."
                    .to_owned(),
                format!("Origine des données : {origin}."),
                format!("Finalité : {purpose}"),
                format!("Base légale : {basis}."),
                format!(
                    "Destinataires : les personnes habilitées chez {company} et son sous-traitant technique Prospectra, \
                     qui héberge les données dans l’Union européenne. Elles ne sont ni vendues ni cédées."
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
                "Data processed: your name, professional e-mail address, organisation and job title where known, and \
                 the history of the messages sent to you."
                    .to_owned(),
                format!("Source of the data: {origin}."),
                format!("Purpose: {purpose}"),
                format!("Legal basis: {basis}."),
                format!(
                    "Recipients: authorised persons at {company} and its technical processor Prospectra, which hosts \
                     the data in the European Union. They are neither sold nor passed on."
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
    let mut blocks = vec![Block {
        heading: Some(heading),
        lines: lines.map(Line::Words).into(),
    }];
    let own: Vec<_> = notice
        .information
        .lines()
        .map(one_line)
        .filter(|line| !line.is_empty())
        .map(|line| Line::Words(line.into_owned()))
        .collect();
    if !own.is_empty() {
        blocks.push(Block {
            heading: None,
            lines: own,
        });
    }
    blocks
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
        LawfulBasis::LegitimateInterest => {
            match notice
                .interest
                .map(one_line)
                .filter(|words| !words.is_empty())
            {
                Some(words) => format!(
                    "{interest}{} {}",
                    colon(locale),
                    words.trim_end_matches('.')
                ),
                None => interest.to_owned(),
            }
        }
    }
}

/// How long an opt-out is kept, as policy.toml has it.
pub(crate) fn opt_outs_kept(locale: Locale) -> String {
    let months = Policy::current().keep(Class::Suppression).months();
    period(locale, months.unwrap_or_default())
}

fn period(locale: Locale, months: u32) -> String {
    let (count, unit) = if months >= 12 && months.is_multiple_of(12) {
        (
            months / 12,
            if locale == Locale::Fr { "an" } else { "year" },
        )
    } else {
        (
            months,
            if locale == Locale::Fr {
                "mois"
            } else {
                "month"
            },
        )
    };
    let plural = if count > 1 && unit != "mois" { "s" } else { "" };
    format!("{count} {unit}{plural}")
}

/// Where the address comes from, in words: kind, detail, day.
fn origin(locale: Locale, source: &Source) -> String {
    let kind = match (locale, source.kind) {
        (Locale::Fr, SourceKind::Directory) => "annuaire professionnel",
        (Locale::Fr, SourceKind::Form) => "formulaire que vous avez rempli",
        (Locale::Fr, SourceKind::BusinessExchange) => "échange professionnel",
        (Locale::Fr, SourceKind::TradeFair) => "salon professionnel",
        (Locale::Fr, SourceKind::Website) => "site internet public de votre organisation",
        (Locale::Fr, SourceKind::Customer) => "fichier de clients et partenaires",
        (Locale::Fr, SourceKind::Other) => "autre",
        (Locale::En, SourceKind::Directory) => "professional directory",
        (Locale::En, SourceKind::Form) => "form you filled in",
        (Locale::En, SourceKind::BusinessExchange) => "business exchange",
        (Locale::En, SourceKind::TradeFair) => "trade fair",
        (Locale::En, SourceKind::Website) => "public website of your organisation",
        (Locale::En, SourceKind::Customer) => "customer and partner file",
        (Locale::En, SourceKind::Other) => "other",
    };
    let detail = one_line(&source.detail);
    let detail = detail.trim_end_matches('.');
    let day = day(locale, source.collected_on);
    match locale {
        Locale::Fr if detail.is_empty() => format!("{kind}, recueillie le {day}"),
        Locale::Fr => format!("{kind} ({detail}), recueillie le {day}"),
        Locale::En if detail.is_empty() => format!("{kind}, collected on {day}"),
        Locale::En => format!("{kind} ({detail}), collected on {day}"),
    }
}

/// `1er mars 2026`, `1 March 2026`.
pub(crate) fn day(locale: Locale, date: Date) -> String {
    const FRENCH: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    const ENGLISH: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let names = if locale == Locale::Fr {
        FRENCH
    } else {
        ENGLISH
    };
    let month = usize::try_from(date.month())
        .ok()
        .and_then(|month| names.get(month.checked_sub(1)?))
        .unwrap_or(&"");
    let number = if date.day() == 1 && locale == Locale::Fr {
        "1er".to_owned()
    } else {
        date.day().to_string()
    };
    format!("{number} {month} {}", date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_and_days_read_like_words() {
        assert_eq!(opt_outs_kept(Locale::Fr), "3 ans");
        assert_eq!(period(Locale::Fr, 36), "3 ans");
        assert_eq!(period(Locale::Fr, 12), "1 an");
        assert_eq!(period(Locale::En, 24), "2 years");
        assert_eq!(period(Locale::Fr, 18), "18 mois");
        assert_eq!(period(Locale::En, 1), "1 month");
        let date = jiff::civil::date(2026, 3, 1);
        assert_eq!(day(Locale::Fr, date), "1er mars 2026");
        assert_eq!(day(Locale::En, date), "1 March 2026");
    }
}
