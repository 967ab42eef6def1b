//! The page that a person sees when a request of theirs failed.

use domain::locale::Locale;

use crate::page::{self, Html, Page};

/// The page for a failure that HTTP numbers `status`.
#[must_use]
pub fn page(locale: Locale, status: u16) -> Html {
    let (title, text) = words(locale, status);
    let body_html = format!("<h1>{title}</h1>\n<p role=\"alert\">{text}</p>");
    page::render(&Page { lang: locale, title, body_html: &body_html, other_language: None, indexed: false })
}

const fn words(locale: Locale, status: u16) -> (&'static str, &'static str) {
    match (locale, status) {
        (Locale::Fr, 404 | 410) => {
            ("Cette page n’existe pas", "Vérifiez l’adresse. Les pages que nous publions sont listées ci-dessous.")
        }
        (Locale::En, 404 | 410) => {
            ("There is no such page", "Check the address. The pages that we publish are listed below.")
        }
        (Locale::Fr, 429) => ("Trop de demandes", "Attendez une minute, puis réessayez."),
        (Locale::En, 429) => ("Too many requests", "Wait a minute, then try again."),
        (Locale::Fr, 500..) => (
            "Une erreur de notre part",
            "Rien n’a été perdu de ce que vous avez déjà fait. Réessayez dans quelques minutes.",
        ),
        (Locale::En, 500..) => ("Our fault", "Nothing that you have already done is lost. Try again in a few minutes."),
        (Locale::Fr, _) => {
            ("Cette demande ne peut pas être lue", "Revenez à la page précédente, corrigez la saisie et réessayez.")
        }
        (Locale::En, _) => {
            ("This request cannot be read", "Go back to the page before, correct what you entered and try again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_page_in_both_languages() {
        for status in [400, 403, 404, 410, 413, 422, 429, 500, 503] {
            let [fr, en] = Locale::ALL.map(|locale| page(locale, status).into_string());
            assert!(fr.contains("<html lang=\"fr\">") && en.contains("<html lang=\"en\">"), "{status}");
            assert!(fr.contains("role=\"alert\"") && fr != en, "{status}");
        }
    }
}
