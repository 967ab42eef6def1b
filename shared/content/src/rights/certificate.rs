//! The certificate of an erasure, to be read.

use std::fmt::Write as _;

use domain::{
    locale::Locale,
    policy::retention::{Class, Policy},
    statement::Signed,
};
use serde_json::Value;

use super::{lay_out, words};
use crate::{
    page::{Html, escape},
    system::moment,
};

/// The page of a certificate; `json` is where it is as it was signed.
#[must_use]
pub fn certificate(locale: Locale, signed: &Signed, json: &str) -> Html {
    let words = words::certificate_page(locale);
    let stated = &signed.statement;
    let date = |name: &str| {
        let at = stated[name].as_str().and_then(|text| text.parse().ok());
        at.map(|at| moment(locale, at)).unwrap_or_default()
    };
    let rows = [
        (words.request, said(&stated["request"])),
        (words.received, date("received_at")),
        (words.erased, date("erased_at")),
        (words.senders, said(&stated["senders"])),
        (words.what, counts(&stated["erased"], locale)),
        (words.stores, list(&stated["stores"], str::to_owned)),
        (words.left, words.nothing.to_owned()),
        (words.kept, list(&stated["kept"], |name| label(locale, name))),
        (words.key, signed.kid.clone()),
    ];
    let mut body = format!(
        "<h1>{0}</h1>\n<p>{1}</p>\n<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{0}\"><table>\n<tbody>\n",
        words.title, words.intro
    );
    for (name, value) in rows {
        let _ = writeln!(body, "<tr><th scope=\"row\">{name}</th><td>{}</td></tr>", escape(&value));
    }
    let _ = write!(
        body,
        "</tbody></table></div>\n<p>{} <a href=\"{}\">{}</a> · <a href=\"/legal/keys\">{}</a></p>",
        words.verify,
        escape(json),
        words.signed,
        words.keys
    );
    lay_out(locale, words.title, &body)
}

fn said(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value, name: impl Fn(&str) -> String) -> String {
    let items = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    items.map(name).collect::<Vec<_>>().join(", ")
}

/// How many of each class. Certificates of before have a list without numbers.
fn counts(value: &Value, locale: Locale) -> String {
    let Some(counted) = value.as_object() else { return list(value, |name| label(locale, name)) };
    if counted.is_empty() {
        return "–".to_owned();
    }
    let each = counted.iter().map(|(name, count)| format!("{} ({count})", label(locale, name)));
    each.collect::<Vec<_>>().join(", ")
}

/// What policy.toml calls a class; its key if it is not there any more.
fn label(locale: Locale, class: &str) -> String {
    let known = Class::ALL.iter().find(|known| known.key() == class);
    known.map_or_else(|| class.to_owned(), |class| Policy::current().rule(*class).label.get(locale).to_owned())
}
