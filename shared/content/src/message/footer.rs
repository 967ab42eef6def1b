//! The end of every campaign message, as text and as HTML, from one list of lines.

mod notice;
mod words;

use std::fmt::Write as _;

use domain::clicks::Recorded;
use domain::locale::Locale;
use domain::sender::SenderIdentity;

use super::CampaignMail;
use crate::mime::one_line;
use crate::page::escape;
pub(crate) use words::{day, opt_outs_kept};

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
    let origin = words::origin(mail.locale, mail.source);
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
        format!("Vous pouvez vous y opposer à tout moment, sans motif : {company} ne vous écrira plus.")
    } else {
        format!("You may object at any time, without giving a reason: {company} will not write to you again.")
    };
    let (unsubscribe, privacy, rights) = if fr {
        ("Se désinscrire :", "Vos données et vos droits :", "Accès, rectification, effacement :")
    } else {
        ("Unsubscribe:", "Your data and your rights:", "Access, rectification, erasure:")
    };
    let mut blocks = vec![
        Block {
            heading: Some(if fr { "Qui vous écrit" } else { "Who is writing to you" }),
            lines: identity(mail.locale, mail.sender),
        },
        Block {
            heading: Some(if fr { "Pourquoi ce message" } else { "Why this message" }),
            lines: vec![Line::Words(why)],
        },
        Block {
            heading: Some(if fr { "Ne plus recevoir de messages" } else { "Stop these messages" }),
            lines: vec![Line::Words(stop), Line::Link(unsubscribe, mail.unsubscribe_url.to_owned())],
        },
    ];
    if let Some((what, url)) = mail.recorded {
        blocks.push(recorded(mail.locale, &company, what, url));
    }
    if let Some(notice) = &mail.first_message {
        blocks.extend(notice::blocks(mail, notice, &company, &origin));
    }
    let links = [(privacy, mail.prospects_privacy_url), (rights, mail.rights_url)];
    let lines = links.map(|(words, url)| Line::Link(words, url.to_owned())).into();
    blocks.push(Block { heading: None, lines });
    blocks
}

/// What is recorded of the message, and how that ends (A45).
fn recorded(locale: Locale, company: &str, what: Recorded, url: &str) -> Block {
    let (what, withdraw) = match locale {
        Locale::Fr => {
            let what = match what {
                Recorded { opens: false, .. } => "enregistre les clics sur les liens de ce message",
                Recorded { clicks: false, .. } => "enregistre si vous ouvrez ce message",
                Recorded { .. } => "enregistre si vous ouvrez ce message, et les clics sur ses liens",
            };
            (format!("Avec votre accord, {company} {what}."), "Retirer cet accord :")
        }
        Locale::En => {
            let what = match what {
                Recorded { opens: false, .. } => "records clicks on the links of this message",
                Recorded { clicks: false, .. } => "records whether you open this message",
                Recorded { .. } => "records whether you open this message, and clicks on its links",
            };
            (format!("With your consent, {company} {what}."), "Withdraw it:")
        }
    };
    Block { heading: None, lines: vec![Line::Words(what), Line::Link(withdraw, url.to_owned())] }
}

/// The legal identity and contact (A62).
fn identity(locale: Locale, sender: &SenderIdentity) -> Vec<Line> {
    let mut name = one_line(&sender.company).into_owned();
    if let Some(form) = sender.legal_form.as_deref().map(one_line).filter(|form| !form.is_empty()) {
        name = format!("{name}, {form}");
    }
    let number = one_line(&sender.registration_number);
    let name = match locale {
        Locale::Fr => format!("{name}, n° d’immatriculation {number}"),
        Locale::En => format!("{name}, registration no. {number}"),
    };
    let address = sender.address.lines().map(one_line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
    let mut contact = format!("Contact{} {}", colon(locale), sender.contact_email.expose());
    for more in [&sender.phone, &sender.website].into_iter().flatten() {
        let more = one_line(more);
        if !more.is_empty() {
            contact.push_str(" · ");
            contact.push_str(&more);
        }
    }
    vec![Line::Words(name), Line::Words(format!("{address}, {}", one_line(&sender.country))), Line::Words(contact)]
}

const fn colon(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "\u{a0}:",
        Locale::En => ":",
    }
}
