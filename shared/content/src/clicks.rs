//! Links by which clicks are recorded, and the image by which openings are, of whoever agreed to it; and the pages behind
//! them.

use domain::locale::Locale;

use crate::{
    campaign::Rendered,
    html,
    page::{self, Html, Page, escape},
};

/// A message with the addresses that `sign` gives for the links of its HTML, by their place from 1; `None` when it gives
/// none, and nothing changes. The plain text keeps its addresses: they are read there, and a signed one says nothing to
/// a reader.
#[must_use]
pub fn signed(rendered: &Rendered, sign: impl FnMut(usize, &str) -> Option<String>) -> Option<Rendered> {
    let html = html::relink(&rendered.html, sign)?;
    Some(Rendered { html, ..rendered.clone() })
}

/// A message with an image at its end, of one transparent dot, that is loaded from `url` when it is opened. Whoever has
/// images read out hears nothing of it.
#[must_use]
pub fn with_pixel(rendered: &Rendered, url: &str) -> Rendered {
    let image = format!("<img src=\"{}\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0\">", escape(url));
    Rendered { html: format!("{}{image}", rendered.html), ..rendered.clone() }
}

/// The image: one transparent dot, as GIF.
pub const DOT: [u8; 43] =
    *b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// The page behind a link that nobody signed.
#[must_use]
pub fn nowhere(locale: Locale) -> Html {
    let (title, what) = match locale {
        Locale::Fr => (
            "Ce lien ne mène nulle part",
            "L’adresse est incomplète, ou n’a pas été faite ici. Ouvrez le lien depuis le message d’origine, ou écrivez à \
             qui vous l’a envoyé.",
        ),
        Locale::En => (
            "This link leads nowhere",
            "The address is incomplete, or was not made here. Open the link from the message itself, or write to whoever \
             sent it.",
        ),
    };
    lay_out(locale, title, &format!("<h1>{title}</h1>\n<p role=\"alert\">{what}</p>"))
}

/// The page that asks whether a consent is to be withdrawn; its one button POSTs to `action_url`, the page's own path.
#[must_use]
pub fn ask(locale: Locale, action_url: &str) -> Html {
    let action = escape(action_url);
    let (title, why, button, after) = match locale {
        Locale::Fr => (
            "Ne plus rien enregistrer de ce que je lis",
            "Vous aviez accepté que l’entreprise qui vous écrit sache sur quels liens de ses messages vous cliquez, ou si vous \
             les ouvrez. Un clic sur le bouton retire cet accord, aussi pour les messages déjà reçus : leurs liens continuent \
             de mener où ils mènent, et plus rien n’est enregistré. Rien d’autre ne change.",
            "Retirer mon accord",
            "Rien n’est modifié tant que vous n’avez pas cliqué.",
        ),
        Locale::En => (
            "Stop recording what I read",
            "You had agreed that the company that writes to you knows which links of its messages you click, or whether you \
             open them. One click on the button withdraws that consent, for messages that you have already, too: their links \
             go on leading where they lead, and nothing is recorded any more. Nothing else changes.",
            "Withdraw my consent",
            "Nothing changes until you click.",
        ),
    };
    let body = format!(
        "<h1>{title}</h1>\n<p>{why}</p>\n<form method=\"post\" action=\"{action}\">\n\
         <button type=\"submit\">{button}</button>\n</form>\n<p class=\"soft\">{after}</p>"
    );
    lay_out(locale, title, &body)
}

/// The page that answers the POST, whoever the token means.
#[must_use]
pub fn withdrawn(locale: Locale) -> Html {
    let (title, done, more, rights) = match locale {
        Locale::Fr => (
            "C’est fait",
            "Ni vos clics sur les liens de cette entreprise, ni l’ouverture de ses messages ne sont plus enregistrés, ni pour ce \
             message, ni pour les autres.",
            "Pour faire effacer ce qui l’a été, ou pour toute autre demande sur vos données :",
            "vos droits",
        ),
        Locale::En => (
            "Done",
            "Neither your clicks on this company’s links nor whether you open its messages is recorded any more, for this \
             message or any other.",
            "To have erased what was, or for anything else about your data:",
            "your rights",
        ),
    };
    let lang = locale.tag();
    let body = format!(
        "<h1>{title}</h1>\n<p role=\"status\">{done}</p>\n<p>{more} <a href=\"/rights?lang={lang}\">{rights}</a>.</p>"
    );
    lay_out(locale, title, &body)
}

fn lay_out(locale: Locale, title: &str, body_html: &str) -> Html {
    page::render(&Page { lang: locale, title, body_html, other_language: None, indexed: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::without_style;

    #[test]
    fn a45_the_pages_in_both_languages() {
        for locale in Locale::ALL {
            let lang = locale.tag();
            insta::assert_snapshot!(format!("ask_{lang}"), without_style(&ask(locale, "/consent/AbC-123_xyz")));
            insta::assert_snapshot!(format!("withdrawn_{lang}"), without_style(&withdrawn(locale)));
            insta::assert_snapshot!(format!("nowhere_{lang}"), without_style(&nowhere(locale)));
        }
    }

    #[test]
    fn a65_the_image_is_at_the_end_of_the_html_and_says_nothing_to_who_listens() {
        let rendered = Rendered { subject: "S".into(), text: "T".into(), html: "<p>T</p>".into() };
        let other = with_pixel(&rendered, "https://a.test/o/x?a&b");
        assert_eq!((other.subject, other.text), (rendered.subject, rendered.text));
        let image = "<img src=\"https://a.test/o/x?a&amp;b\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0\">";
        assert_eq!(other.html, format!("<p>T</p>{image}"));
    }

    #[test]
    fn a65_only_the_html_has_other_links() {
        let rendered = Rendered {
            subject: "https://a.test/".into(),
            text: "https://a.test/".into(),
            html: "<p><a href=\"https://a.test/\">https://a.test/</a></p>".into(),
        };
        let other = signed(&rendered, |place, _| Some(format!("https://b.test/{place}"))).unwrap();
        assert_eq!((other.subject, other.text), (rendered.subject.clone(), rendered.text.clone()));
        assert_eq!(other.html, "<p><a href=\"https://b.test/1\">https://a.test/</a></p>");
        assert!(signed(&rendered, |_, _| None).is_none());
    }
}
