//! The pages behind the unsubscribe link of a message.
//!
//! They name nobody: the same page answers a token that means somebody and one that means nobody.
//! The first changes nothing (A59): only its button, or a mail program's one-click POST, does.

use domain::{locale::Locale, unsubscribe::Whose};

use crate::message::opt_outs_kept;
use crate::page::{self, Html, PRODUCT, Page, escape};

/// The page that asks; its one button POSTs to `action_url`, the page's own path.
#[must_use]
pub fn ask(whose: Whose, locale: Locale, action_url: &str) -> Html {
    let action = escape(action_url);
    let (title, button, after) = match locale {
        Locale::Fr => {
            ("Ne plus recevoir de messages", "Me désinscrire", "Rien n’est modifié tant que vous n’avez pas cliqué.")
        }
        Locale::En => ("Stop these messages", "Unsubscribe me", "Nothing changes until you click."),
    };
    let why = match (whose, locale) {
        (Whose::Senders, Locale::Fr) => format!(
            "Un clic sur le bouton suffit : l’entreprise qui vous a écrit ne vous enverra plus aucun message par {PRODUCT}. \
             C’est immédiat, gratuit, sans compte et sans motif à donner."
        ),
        (Whose::Senders, Locale::En) => format!(
            "One click on the button is enough: the company that wrote to you will send you no further message through \
             {PRODUCT}. It is immediate, free, and needs no account and no reason."
        ),
        (Whose::Operators, Locale::Fr) => format!(
            "Un clic sur le bouton suffit : l’éditeur de {PRODUCT} ne vous enverra plus de nouvelles du produit. C’est \
             immédiat, sans motif à donner. Les messages du service (sécurité, alertes, conditions) continuent."
        ),
        (Whose::Operators, Locale::En) => format!(
            "One click on the button is enough: the company that runs {PRODUCT} will send you no more news of the product. It \
             is immediate and needs no reason. Messages of the service (security, alerts, terms) go on."
        ),
    };
    let body = format!(
        "<h1>{title}</h1>\n<p>{why}</p>\n<form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"List-Unsubscribe\" value=\"One-Click\">\n\
         <button type=\"submit\">{button}</button>\n</form>\n<p class=\"soft\">{after}</p>"
    );
    lay_out(locale, title, &body)
}

/// The page that answers the POST, whoever the token means.
#[must_use]
pub fn confirmed(whose: Whose, locale: Locale) -> Html {
    let period = opt_outs_kept(locale);
    let (title, kept, policy) = match locale {
        Locale::Fr => (
            "C’est fait",
            format!(
                "Pour respecter votre choix, nous gardons pendant {period} une empreinte de votre adresse et la date de \
                 votre demande, rien d’autre. Pour toute autre demande sur vos données :"
            ),
            "vos données et vos droits",
        ),
        Locale::En => (
            "Done",
            format!(
                "To honour your choice, we keep a fingerprint of your address and the date of your request for {period}, \
                 and nothing else. For anything else about your data:"
            ),
            "your data and your rights",
        ),
    };
    let (page, done) = match (whose, locale) {
        (Whose::Senders, Locale::Fr) => {
            ("prospects-privacy", "L’entreprise qui vous a écrit ne vous enverra plus de message par Prospectra.")
        }
        (Whose::Senders, Locale::En) => {
            ("prospects-privacy", "The company that wrote to you will send you no further message through Prospectra.")
        }
        (Whose::Operators, Locale::Fr) => (
            "privacy",
            "Vous ne recevrez plus de nouvelles de Prospectra. Si vous changez d’avis, rétablissez-les dans votre compte.",
        ),
        (Whose::Operators, Locale::En) => (
            "privacy",
            "You will receive no more news of Prospectra. If you change your mind, turn it on again in your account.",
        ),
    };
    let lang = locale.tag();
    let body = format!(
        "<h1>{title}</h1>\n<p role=\"status\">{done}</p>\n\
         <p>{kept} <a href=\"/legal/{page}?lang={lang}\">{policy}</a>.</p>"
    );
    lay_out(locale, title, &body)
}

/// The page for a link that was cut on its way: nothing is stopped by it, and nobody must believe so.
#[must_use]
pub fn incomplete(locale: Locale) -> Html {
    let (title, what, then, rights) = match locale {
        Locale::Fr => (
            "Ce lien est incomplet",
            "Rien n’a été modifié : une partie de l’adresse manque, sans doute coupée par une messagerie.",
            "Ouvrez le lien depuis le message d’origine, ou copiez l’adresse en entier. Vous pouvez aussi vous opposer ici :",
            "vos droits sur vos données",
        ),
        Locale::En => (
            "This link is incomplete",
            "Nothing was changed: a part of the address is missing, probably cut off by a mail program.",
            "Open the link from the message itself, or copy the whole address. You can also object here:",
            "your rights over your data",
        ),
    };
    let lang = locale.tag();
    let body = format!(
        "<h1>{title}</h1>\n<p role=\"alert\">{what}</p>\n<p>{then} <a href=\"/rights?lang={lang}\">{rights}</a>.</p>"
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
    fn a59_the_pages_in_both_languages() {
        for locale in Locale::ALL {
            let lang = locale.tag();
            for (whose, of) in [(Whose::Senders, ""), (Whose::Operators, "news_")] {
                let asked = without_style(&ask(whose, locale, "/u/AbC-123_xyz"));
                insta::assert_snapshot!(format!("{of}ask_{lang}"), asked);
                insta::assert_snapshot!(format!("{of}confirmed_{lang}"), without_style(&confirmed(whose, locale)));
            }
            insta::assert_snapshot!(format!("incomplete_{lang}"), without_style(&incomplete(locale)));
        }
    }

    #[test]
    fn a59_the_page_asks_with_one_form_that_posts_what_rfc_8058_posts() {
        for (whose, locale) in [Whose::Senders, Whose::Operators].into_iter().flat_map(|w| Locale::ALL.map(|l| (w, l)))
        {
            let html = ask(whose, locale, "/u/x\"><script>").into_string();
            assert_eq!(html.matches("<form").count(), 1);
            assert!(html.contains("method=\"post\" action=\"/u/x&quot;&gt;&lt;script&gt;\""));
            assert!(html.contains("name=\"List-Unsubscribe\" value=\"One-Click\""));
            assert!(html.contains("noindex"));
            assert!(!confirmed(whose, locale).as_str().contains("<form"));
        }
    }
}
