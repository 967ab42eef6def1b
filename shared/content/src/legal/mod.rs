//! The legal documents: infra/policy/legal, made from policy.toml and processors.toml, frozen version by
//! version, and served with the operator's identity filled in.
//!
//! A period, a processor or an identity is never typed into a text: what the software keeps and
//! what the pages promise come from the same file. What was published stays as it was (A58).

mod draft;
mod operator;
mod published;
pub mod record;
mod texts;
mod versions;
mod words;

use std::sync::LazyLock;

use domain::{
    Timestamp,
    locale::Locale,
    policy::{processors, retention::Policy},
};
use jiff::civil::Date;
use minijinja::context;

pub use self::operator::{Operator, OperatorIncomplete};
use self::texts::PAGES;
use self::versions::{Document, Register};
pub use self::versions::{Version, VersionsError};
pub(crate) use self::words::{clock, period};
use crate::{
    abuse,
    page::{self, Html, Page},
    promises,
};

/// One legal page, ready to serve.
#[derive(Clone, Debug)]
pub struct LegalPage {
    /// The document.
    pub html: Html,
    /// From when this version applies.
    pub effective: Date,
    /// The version, as the change log names it.
    pub version: String,
}

/// A document that a company accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// The terms of use.
    Terms,
    /// The contract of article 28 GDPR.
    Dpa,
}

impl Agreement {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Terms, Self::Dpa];

    /// Its page, as in `/legal/{page}`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Terms => "terms",
            Self::Dpa => "dpa",
        }
    }
}

/// A version that is announced and does not apply yet.
#[derive(Clone, Copy, Debug)]
pub struct Coming {
    /// The document, as in `/legal/{page}`.
    pub slug: &'static str,
    /// What comes.
    pub version: &'static Version,
}

/// The names of the pages, as in `/legal/{page}`.
#[must_use]
pub fn slugs() -> Vec<&'static str> {
    PAGES.iter().map(|page| page.name).collect()
}

/// A document's title.
#[must_use]
pub fn title(slug: &str, locale: Locale) -> Option<&'static str> {
    Some(register().get(slug)?.title.get(locale))
}

/// The version of a document that applies at `now`; `None` when there is no such document, or not yet.
#[must_use]
pub fn in_force(slug: &str, now: Timestamp) -> Option<&'static Version> {
    register().get(slug)?.in_force(now)
}

/// The public version of this name of a document.
#[must_use]
pub fn version(slug: &str, version: &str, now: Timestamp) -> Option<&'static Version> {
    register().get(slug)?.public(version, now)
}

/// Whether a company that has accepted this version of an agreement has nothing to accept at `now` (A57).
#[must_use]
pub fn is_settled(agreement: Agreement, accepted: Option<&str>, now: Timestamp) -> bool {
    register().get(agreement.slug()).is_some_and(|document| document.is_settled(accepted, now))
}

/// The versions of a document that are announced at `now` and do not apply yet, the next to apply first.
pub fn coming(slug: &str, now: Timestamp) -> impl Iterator<Item = &'static Version> + use<> {
    register().get(slug).into_iter().flat_map(move |document| document.coming(now))
}

/// Every material change that is announced at `now` and does not apply yet (A56).
#[must_use]
pub fn changes(now: Timestamp) -> Vec<Coming> {
    let all = slugs().into_iter().flat_map(|slug| coming(slug, now).map(move |version| Coming { slug, version }));
    all.filter(|coming| coming.version.material).collect()
}

/// The page of a document as it applies at `now`; `None` when there is no such document, or not yet.
#[must_use]
pub fn render(slug: &str, locale: Locale, operator: &Operator, now: Timestamp) -> Option<LegalPage> {
    let document = register().get(slug)?;
    Some(lay_out(
        &Shown { slug, document, version: document.in_force(now)?, now, own_address: false },
        locale,
        operator,
    ))
}

/// The page of one version of a document, whether it applies, has applied, or will; `None` when it is not public.
#[must_use]
pub fn render_version(
    slug: &str,
    version: &str,
    locale: Locale,
    operator: &Operator,
    now: Timestamp,
) -> Option<LegalPage> {
    let document = register().get(slug)?;
    Some(lay_out(
        &Shown { slug, document, version: document.public(version, now)?, now, own_address: true },
        locale,
        operator,
    ))
}

/// The newest text of each document as the templates and the policy make it, French then English: what
/// has to be published.
pub fn drafts() -> impl Iterator<Item = (&'static str, [String; 2])> {
    PAGES.iter().filter_map(|page| {
        let [fr, en] = [Locale::Fr, Locale::En]
            .map(|locale| draft::draft(page.name, locale, Policy::current(), processors::current()));
        Some((page.name, [fr?, en?]))
    })
}

/// The links to every page, for the foot of all of them.
pub(crate) fn navigation(locale: Locale) -> String {
    let lang = locale.tag();
    let links = PAGES.iter().filter_map(|page| {
        let title = page::escape(title(page.name, locale)?).to_string();
        Some(format!("<li><a href=\"/legal/{}?lang={lang}\">{title}</a></li>", page.name))
    });
    let trust = page::escape(promises::title(locale)).to_string();
    let trust = format!("<li><a href=\"/trust?lang={lang}\">{trust}</a></li>");
    let abuse = page::escape(abuse::title(locale)).to_string();
    let abuse = format!("<li><a href=\"/abuse?lang={lang}\">{abuse}</a></li>");
    format!("<ul>{}{abuse}{trust}</ul>", links.collect::<String>())
}

/// Titles and versions of every document.
fn register() -> &'static Register {
    static REGISTER: LazyLock<Register> = LazyLock::new(|| {
        let notice = Policy::current().promises().policy_change_notice;
        versions::load(include_str!("../../../../infra/policy/legal/versions.toml"), notice)
            .expect("a test loads the compiled-in versions")
    });
    &REGISTER
}

/// A version on its way to a page.
struct Shown<'a> {
    slug: &'a str,
    document: &'a Document,
    version: &'a Version,
    now: Timestamp,
    /// Whether the page is the one of this version, and not that of whatever applies.
    own_address: bool,
}

impl Shown<'_> {
    fn href(&self, version: &str, locale: Locale) -> String {
        format!("/legal/{}/versions/{version}?lang={}", self.slug, locale.tag())
    }
}

/// A text is frozen with the markup of its day: a wide table that a keyboard could not reach then, it can now.
/// Not a word changes.
fn reachable(html: &str, title: &str) -> String {
    let region = format!("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">", page::escape(title));
    html.replace("<div class=\"wide\">", &region)
}

fn lay_out(shown: &Shown<'_>, locale: Locale, operator: &Operator) -> LegalPage {
    let Shown { slug, document, version, .. } = *shown;
    let title = document.title.get(locale);
    let text = published::archive(slug, &version.version).expect("a test finds the text of every version");
    let body = reachable(&draft::expand(text.get(locale), context! { operator => filled(operator) }), title);
    let (head, log) = (head(shown, locale), change_log(shown, locale));
    let other = Locale::ALL.into_iter().find(|other| *other != locale).unwrap_or_default();
    let other_language = if shown.own_address {
        shown.href(&version.version, other)
    } else {
        format!("/legal/{slug}?lang={}", other.tag())
    };
    let html = page::render(&Page {
        lang: locale,
        title,
        body_html: &words::typeset(&format!("{head}{body}{log}"), locale),
        other_language: Some(&other_language),
        // Search engines keep what applies.
        indexed: !shown.own_address,
    });
    LegalPage { html, effective: version.effective, version: version.version.clone() }
}

/// What a text says of the operator.
fn filled(operator: &Operator) -> minijinja::Value {
    context! {
        name => operator.name.as_str(),
        siren => operator.siren.as_str(),
        address => operator.address.as_str(),
        contact => operator.contact.as_str(),
        privacy_contact => operator.privacy_contact.as_str(),
        abuse_contact => operator.abuse_contact.as_str(),
        host => operator.host.as_str(),
    }
}

/// Title, dates, and what applies instead or will apply next.
fn head(shown: &Shown<'_>, locale: Locale) -> String {
    let Shown { slug, document, version, now, .. } = *shown;
    let title = page::escape(document.title.get(locale));
    let (date, name) = (time(version.effective, locale), page::escape(&version.version));
    let current = document.in_force(now);
    let state =
        match (version.has_begun(now), current.is_some_and(|current| current.version == version.version), locale) {
            (false, _, Locale::Fr) => "Annoncée, en vigueur à partir du",
            (false, _, Locale::En) => "Announced, in force from",
            (true, true, Locale::Fr) => "En vigueur depuis le",
            (true, true, Locale::En) => "In force since",
            (true, false, Locale::Fr) => "Remplacée, en vigueur à partir du",
            (true, false, Locale::En) => "Replaced, in force from",
        };
    let mut head = format!("<h1>{title}</h1>\n<p class=\"date\">{state} {date} · version {name}</p>\n");
    if let Some(current) = current.filter(|current| current.version != version.version) {
        let (words, current) = (
            words::pick(
                locale,
                "Le texte qui s'applique aujourd'hui est la version",
                "The text that applies today is version",
            ),
            page::escape(&current.version),
        );
        head +=
            &format!("<p class=\"note\">{words} <a href=\"/legal/{slug}?lang={}\">{current}</a>.</p>\n", locale.tag());
    }
    let later = document.coming(now).filter(|coming| !shown.own_address && coming.version != version.version);
    for coming in later {
        let (name, change) = (page::escape(&coming.version), page::escape(coming.change.get(locale)));
        let (date, href) = (time(coming.effective, locale), shown.href(&coming.version, locale));
        head += &match locale {
            Locale::Fr => format!(
                "<p class=\"note\">À partir du {date}, la <a href=\"{href}\">version {name}</a> remplacera ce texte : {change}</p>\n"
            ),
            Locale::En => format!(
                "<p class=\"note\">From {date}, <a href=\"{href}\">version {name}</a> will replace this text: {change}</p>\n"
            ),
        };
    }
    head
}

fn time(date: Date, locale: Locale) -> String {
    format!("<time datetime=\"{date}\">{}</time>", words::date(date, locale))
}

/// What changed, newest first, each version with its text and its hash (A58).
fn change_log(shown: &Shown<'_>, locale: Locale) -> String {
    let (heading, colon, explained) = match locale {
        Locale::Fr => (
            "Historique des modifications",
            " :",
            "L'empreinte SHA-256 est celle du texte publié, français puis anglais, avant d'y écrire l'identité de l'opérateur.",
        ),
        Locale::En => (
            "Change log",
            ":",
            "The SHA-256 is that of the published text, French then English, before the operator's identity is filled in.",
        ),
    };
    let public = shown.document.versions.iter().filter(|version| version.is_public(shown.now));
    let entries = public.map(|entry| {
        let (name, date) = (page::escape(&entry.version), time(entry.effective, locale));
        let (href, change) = (shown.href(&entry.version, locale), page::escape(entry.change.get(locale)));
        let hash = page::escape(&entry.sha256);
        format!(
            "<li><a href=\"{href}\">{name}</a> ({date}){colon} {change}<br><code class=\"soft\">{hash}</code></li>\n"
        )
    });
    let entries = entries.collect::<String>();
    format!("<h2 id=\"changes\">{heading}</h2>\n<ul>\n{entries}</ul>\n<p class=\"soft\">{explained}</p>\n")
}

#[cfg(test)]
mod tests;
