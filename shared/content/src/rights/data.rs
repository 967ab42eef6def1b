//! Everything that is held about a person, to be read.

use std::fmt::Write as _;

use domain::locale::Locale;

use super::{labels, lay_out, words};
use crate::page::{Html, escape};

/// One thing that is held: by whom, what, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The Sender.
    pub sender: String,
    /// The field, with dots into nested ones.
    pub field: String,
    /// The value.
    pub value: String,
}

/// Whose data is on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A person's whom Senders hold.
    Person {
        /// No Sender holds anything any more.
        by_nobody: bool,
    },
    /// A member's.
    Member,
}

/// The page: a table for each who holds something.
#[must_use]
pub fn data(locale: Locale, rows: &[Row], whose: Whose) -> Html {
    let (title, intro, field, value, nothing) = words::data(locale);
    let intro = if whose == Whose::Member { words::member_data(locale) } else { intro };
    let mut body = format!("<h1>{title}</h1>\n<p>{intro}</p>\n");
    if whose == (Whose::Person { by_nobody: true }) {
        let _ = writeln!(body, "<p>{nothing}</p>");
    }
    for rows in rows.chunk_by(|a, b| a.sender == b.sender) {
        let sender = rows.first().map(|row| row.sender.as_str()).unwrap_or_default();
        let _ = write!(
            body,
            "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\"><table>\n<caption>{0}</caption>\n<thead><tr><th scope=\"col\">{field}</th>\
             <th scope=\"col\">{value}</th></tr></thead>\n<tbody>\n",
            escape(sender)
        );
        for row in rows {
            let label = labels::label(locale, &row.field);
            let _ = writeln!(body, "<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(&label), escape(&row.value));
        }
        body.push_str("</tbody></table></div>\n");
    }
    lay_out(locale, title, &body)
}
