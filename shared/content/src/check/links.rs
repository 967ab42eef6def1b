//! Links that lead nowhere, or that filters and readers mistrust by their form alone. Nothing is fetched.

use url::{Host, Url};

use super::{Finding, Level, words};
use crate::html::{self, Anatomy};

/// Services that hide where a link leads. Spammers use them for that, so that lists of bad addresses name them.
const SHORTENERS: [&str; 16] = [
    "bit.ly",
    "bl.ink",
    "buff.ly",
    "cutt.ly",
    "goo.gl",
    "is.gd",
    "lnkd.in",
    "ow.ly",
    "rb.gy",
    "rebrand.ly",
    "shorturl.at",
    "t.co",
    "t.ly",
    "t2m.io",
    "tiny.cc",
    "tinyurl.com",
];

/// Names that only the Sender's own network knows.
const PRIVATE: [&str; 6] = ["localhost", "local", "internal", "lan", "intranet", "arpa"];

/// The links of a plain text.
pub(super) fn of_text(text: &str, found: &mut Vec<Finding>) {
    let begins = |link: &&str| link.starts_with("http://") || link.starts_with("https://");
    for link in text.match_indices("http").map(|(start, _)| &text[start..]).filter(begins) {
        let end = link.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"')).unwrap_or(link.len());
        judge(link[..end].trim_end_matches(html::AFTER_ADDRESS), "text", found);
    }
}

/// The links and images of HTML.
pub(super) fn of_html(anatomy: &Anatomy, found: &mut Vec<Finding>) {
    for link in &anatomy.links {
        let words = link.words.trim();
        // What cannot be an address, and what lacks its site, went when the HTML was made safe.
        if link.address.is_empty() && !words.is_empty() {
            let words = words.replace(words::is_value, "{{ … }}");
            let message =
                format!("the link \"{words}\" leads nowhere: write its whole address, with https:// and the site");
            add(found, Finding::new(Level::Error, "html", "link_broken", message));
        }
        judge(&link.address, "html", found);
        let shown = host_shown(&link.words);
        let leads = Url::parse(&link.address).ok().and_then(|url| url.host_str().map(bare));
        if let (Some(shown), Some(leads)) = (shown, leads)
            && shown != leads
        {
            let message =
                format!("a link shows {shown} and leads to {leads}, as phishing does: show where it leads, or words");
            add(found, Finding::new(Level::Warning, "html", "link_differs", message));
        }
    }
    for image in &anatomy.images {
        judge(image, "html", found);
    }
}

/// Adds a finding, once.
fn add(found: &mut Vec<Finding>, finding: Finding) {
    if !found.contains(&finding) {
        found.push(finding);
    }
}

fn bare(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    host.strip_prefix("www.").map(str::to_owned).unwrap_or(host)
}

/// The host that the words of a link name, where they look like an address.
fn host_shown(words: &str) -> Option<String> {
    let words = words.trim();
    if words.contains(char::is_whitespace) || words.contains('@') || words::has_value(words) {
        return None;
    }
    let whole = if words.contains("://") { words.to_owned() } else { format!("https://{words}") };
    let begins = ["http://", "https://", "www."].iter().any(|start| words.starts_with(start));
    let host = Url::parse(&whole).ok()?.host_str().map(bare)?;
    begins.then_some(host)
}

/// What the form of one address says against it.
fn judge(address: &str, field: &'static str, found: &mut Vec<Finding>) {
    let Some((scheme, rest)) = address.split_once(':') else { return };
    let Some(rest) = rest.strip_prefix("//") else {
        // mailto: and tel: lead to somebody, http:name to nobody.
        if scheme.to_ascii_lowercase().starts_with("http") {
            add(
                found,
                Finding::new(Level::Error, field, "link_broken", format!("{address} leads nowhere: correct it")),
            );
        }
        return;
    };
    let shown = address.replace(words::is_value, "{{ … }}");
    let mut say = |level, code, what: &str| add(found, Finding::new(level, field, code, format!("{shown} {what}")));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if words::has_value(authority) {
        say(
            Level::Error,
            "link_host_varies",
            "has a value in the name of its site, so that it could lead anywhere: write the name",
        );
        return;
    }
    if authority.contains('@') {
        say(
            Level::Error,
            "link_credentials",
            "has an @ before the name of its site, as phishing does: remove what is before it",
        );
        return;
    }
    let Ok(url) = Url::parse(address) else {
        say(Level::Error, "link_broken", "leads nowhere: correct it");
        return;
    };
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = bare(name.trim_end_matches('.'));
            let last = name.rsplit('.').next().unwrap_or_default();
            if !name.contains('.') || PRIVATE.contains(&last) {
                say(Level::Error, "link_private", "leads to nothing that a recipient can reach: use a public name");
                return;
            }
            if SHORTENERS.contains(&name.as_str()) {
                say(
                    Level::Warning,
                    "link_shortened",
                    "hides where it leads, which filters punish: use the address it stands for",
                );
            }
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => {
            say(Level::Error, "link_private", "names a machine by its number, which filters refuse: use a public name");
            return;
        }
        None => {
            say(Level::Error, "link_broken", "leads nowhere: correct it");
            return;
        }
    }
    if words::has_value(address) {
        say(
            Level::Warning,
            "link_varies",
            "has a value in it: it stays plain text, and the value gets into the site's logs",
        );
    }
    if scheme.eq_ignore_ascii_case("http") {
        say(Level::Warning, "link_insecure", "is not protected on its way: write https://");
    }
}
