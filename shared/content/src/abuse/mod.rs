//! The public page on which anybody reports abuse (A71). No script; the answer is the same whatever is reported.

mod words;

use std::fmt::Write as _;

use domain::{abuse::AbuseKind, locale::Locale};

pub use words::wrong;
pub(crate) use words::{name, title};

use crate::page::{self, Html, Page, escape};

/// Longest text of a report, in characters: room for the headers of a message.
pub const LONGEST_REPORT: usize = 20_000;

/// The form. `contact` is the operator's mailbox for abuse; `wrong` says what has to be put right, in words.
#[must_use]
pub fn ask(locale: Locale, contact: &str, wrong: Option<&str>) -> Html {
    let (words, lang) = (words::ask(locale), locale.tag());
    let title = title(locale);
    let mut body = format!("<h1>{title}</h1>\n<p>{}</p>\n", words.intro);
    if let Some(wrong) = wrong {
        let _ = writeln!(body, "<p role=\"alert\"><strong>{}</strong></p>", escape(wrong));
    }
    let _ = write!(
        body,
        "<form method=\"post\" action=\"/abuse?lang={lang}\">\n\
         <p><label for=\"kind\">{}</label><br><select id=\"kind\" name=\"kind\">\n",
        words.kind
    );
    for kind in AbuseKind::ALL {
        let _ = writeln!(body, "<option value=\"{}\">{}</option>", kind.as_str(), words::option(locale, kind));
    }
    let contact = escape(contact);
    let _ = write!(
        body,
        "</select></p>\n<p><label for=\"message\">{}</label><br><textarea id=\"message\" name=\"message\" rows=\"8\" \
         required maxlength=\"{LONGEST_REPORT}\"></textarea></p>\n\
         <p><label for=\"email\">{}</label><br><input id=\"email\" name=\"email\" type=\"email\" maxlength=\"254\" \
         autocomplete=\"email\"></p>\n<button type=\"submit\">{}</button>\n</form>\n\
         <p class=\"soft\">{} <a href=\"mailto:{contact}\">{contact}</a>. {} <a href=\"/rights?lang={lang}\">{}</a>.</p>",
        words.message, words.email, words.button, words.mailbox, words.after, words.rights
    );
    let other = format!("/abuse?lang={}", if locale == Locale::Fr { "en" } else { "fr" });
    page::render(&Page { lang: locale, title, body_html: &body, other_language: Some(&other), indexed: true })
}

/// The answer to the form: the same to everybody.
#[must_use]
pub fn sent(locale: Locale) -> Html {
    let (title, text) = words::sent(locale);
    let body = format!("<h1>{title}</h1>\n<p role=\"status\">{text}</p>");
    page::render(&Page { lang: locale, title, body_html: &body, other_language: None, indexed: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::without_style;

    #[test]
    fn a71_the_page_in_both_languages() {
        for locale in Locale::ALL {
            let lang = locale.tag();
            let form = ask(locale, "abuse@operator.test", None);
            insta::assert_snapshot!(format!("ask_{lang}"), without_style(&form));
            insta::assert_snapshot!(format!("sent_{lang}"), without_style(&sent(locale)));
            for kind in AbuseKind::ALL {
                assert!(form.as_str().contains(&format!("value=\"{}\"", kind.as_str())), "{kind:?}");
            }
            let again = ask(locale, "<b>", Some(wrong(locale))).into_string();
            assert!(again.contains("role=\"alert\"") && !again.contains("<b>"), "{again}");
        }
    }
}
