//! News of the product, in the operator's own words, with why it came and how to have no more of it (A14).

use domain::news::Words;

use crate::mime::one_line;
use crate::page::PRODUCT;

/// Subject and text.
pub(super) fn french(says: &Words, stop: &str) -> (String, String) {
    let text = format!(
        "{}\n\nVous recevez ces nouvelles parce que vous utilisez {PRODUCT}. Vous pouvez vous y opposer à tout moment, en un \
         clic : {stop}\nLes messages du service (sécurité, alertes, conditions) ne sont pas concernés.",
        says.text
    );
    (one_line(&says.subject).into_owned(), text)
}

/// Subject and text.
pub(super) fn english(says: &Words, stop: &str) -> (String, String) {
    let text = format!(
        "{}\n\nYou get this news because you use {PRODUCT}. You can object to it at any time, with one click: {stop}\n\
         Messages of the service (security, alerts, terms) are not concerned.",
        says.text
    );
    (one_line(&says.subject).into_owned(), text)
}
