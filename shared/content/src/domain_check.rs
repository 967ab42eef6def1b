//! What receivers find when they look up the domain that a Sender writes from, and what to publish instead.
//!
//! Pure rules on records that somebody else looked up. What could not be looked up is said, and held against nobody. An
//! error is what Gmail, Yahoo or Microsoft refuse outright; a warning is what they ask of whoever writes 5,000 messages a day.

use std::net::IpAddr;

use serde::Serialize;

use crate::check::Level;

/// What a look-up found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// This.
    These(T),
    /// That there is none.
    Nothing,
    /// Nothing could be learnt.
    Unknown,
}

impl<T> Found<T> {
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Everything that was looked up about a domain.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The domain of the `From` address.
    pub domain: String,
    /// Hosts that take its mail; `.` is empty.
    pub mx: Found<Vec<String>>,
    /// Whether it has an address of its own.
    pub address: Found<()>,
    /// Its texts.
    pub texts: Found<Vec<String>>,
    /// The texts at `_dmarc` of it.
    pub dmarc: Found<Vec<String>>,
    /// The texts at `_dmarc` of the organisation's domain, where that is another: its name first.
    pub organisation: Option<(String, Found<Vec<String>>)>,
    /// The texts of the DKIM selectors that were named, or that a relay is known to sign with.
    pub dkim: Vec<(String, Found<Vec<String>>)>,
    /// The texts of selectors that many use, where none was named.
    pub guessed: Vec<(String, Found<Vec<String>>)>,
    /// The Sender's relay, where messages leave by one.
    pub relay: Option<Relay>,
    /// The lists that it, or an address of the relay, is on.
    pub listed: Vec<Listing>,
    /// Where reports may go.
    pub contact: String,
}

/// An entry of a blocklist (RFC 5782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The list.
    pub zone: String,
    /// What is on it: an address or a domain.
    pub what: String,
    /// What the list says about it, where it says anything.
    pub reason: Option<String>,
}

/// A relay as it is looked up.
#[derive(Debug, Clone)]
pub struct Relay {
    /// Its host.
    pub host: String,
    /// Its addresses, and the names of each that lead back to it.
    pub addresses: Found<Vec<(IpAddr, Found<Vec<String>>)>>,
}

/// A record to publish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Publish {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What it says.
    pub value: String,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DomainFinding {
    /// How bad it is.
    pub level: Level,
    /// Its stable name.
    pub code: &'static str,
    /// What it is, and what to do.
    pub message: String,
    /// The record that would mend it.
    pub publish: Option<Publish>,
}

impl DomainFinding {
    fn new(level: Level, code: &'static str, message: impl Into<String>) -> Self {
        Self { level, code, message: message.into(), publish: None }
    }

    /// Whether receivers hold bulk senders to it: SPF, DKIM and DMARC of the domain that a message comes from.
    #[must_use]
    pub fn counts_in_bulk(&self) -> bool {
        BULK_RULES.contains(&self.code)
    }

    /// The same for a campaign of so many messages a day that receivers hold its Sender to it.
    #[must_use]
    pub fn in_bulk(self) -> Self {
        if !self.counts_in_bulk() {
            return self;
        }
        Self { level: Level::Error, message: format!("{}. {IN_BULK}", self.message), ..self }
    }

    fn publish(self, name: impl Into<String>, kind: &'static str, value: impl Into<String>) -> Self {
        Self { publish: Some(Publish { name: name.into(), kind, value: value.into() }), ..self }
    }
}

/// What receivers ask of bulk senders and let others go without.
const BULK_RULES: [&str; 7] = [
    "spf_missing",
    "spf_without_channel",
    "dmarc_missing",
    "dkim_missing",
    "dkim_revoked",
    "dkim_short",
    "dkim_unreadable",
];

/// What is added to a finding that refuses a launch because of its size.
pub(crate) const IN_BULK: &str = "This campaign may send 5,000 messages a day from its domain, and of such Senders Gmail, Yahoo and Microsoft \
    refuse what lacks it: mend it first, or give the channels a lower per_day (limits)";

/// Selectors that many mail systems sign with.
pub const USUAL_SELECTORS: [&str; 12] =
    ["default", "dkim", "google", "k1", "k2", "k3", "mail", "s1", "s2", "selector1", "selector2", "smtp"];

/// Look-ups that an SPF record may cause (RFC 7208 §4.6.4).
const SPF_LOOKUPS: usize = 10;

/// Shortest RSA key that is worth something, in characters of base64: 1024 bits.
const SHORT_KEY: usize = 200;

/// Everything that there is to say of a domain, the worst first.
#[must_use]
pub fn judge(facts: &Facts) -> Vec<DomainFinding> {
    let mut found = Vec::new();
    mail_servers(facts, &mut found);
    let spf = spf(facts, &mut found);
    let dkim = dkim(facts, &mut found);
    let dmarc = dmarc(facts, &mut found);
    relay(facts, &mut found);
    blocklists(facts, &mut found);
    let nothing = facts.texts != Found::Unknown && !spf && !dkim;
    // Amazon SES signs for a verified domain with selectors of its own, which nobody named here.
    if nothing && facts.relay.is_some() && !dmarc {
        found.push(DomainFinding::new(
            Level::Error,
            "unauthenticated",
            "nothing says that these messages are the domain's: Gmail and Yahoo refuse mail without SPF and DKIM; publish the records below first",
        ));
    }
    let unknown = [facts.mx.is_unknown(), facts.texts.is_unknown(), facts.dmarc.is_unknown()];
    if unknown.contains(&true) {
        found.push(DomainFinding::new(
            Level::Note,
            "not_looked_up",
            "the name servers of the domain did not answer everything; ask again in a moment",
        ));
    }
    found.sort_by_key(|finding| finding.level);
    found
}

fn mail_servers(facts: &Facts, found: &mut Vec<DomainFinding>) {
    let domain = &facts.domain;
    let refuses = |hosts: &Vec<String>| hosts.iter().all(String::is_empty);
    match &facts.mx {
        Found::These(hosts) if refuses(hosts) => found.push(
            DomainFinding::new(
                Level::Error,
                "takes_no_mail",
                "the domain says that it takes no mail (RFC 7505): answers and bounces are lost, and receivers refuse such senders",
            )
            .publish(domain, "MX", "10 mail.".to_owned() + domain),
        ),
        Found::Nothing if facts.address.is_nothing() => found.push(
            DomainFinding::new(
                Level::Error,
                "no_such_domain",
                "the domain has no mail server and no address: receivers refuse senders who cannot be answered",
            )
            .publish(domain, "MX", "10 mail.".to_owned() + domain),
        ),
        Found::Nothing => found.push(
            DomainFinding::new(Level::Warning, "no_mx", "the domain has no mail server: answers may be lost")
                .publish(domain, "MX", "10 mail.".to_owned() + domain),
        ),
        Found::These(_) | Found::Unknown => {}
    }
}

/// True when there is a usable SPF record, or nothing is known.
fn spf(facts: &Facts, found: &mut Vec<DomainFinding>) -> bool {
    let texts = match &facts.texts {
        Found::Unknown => return true,
        Found::Nothing => &Vec::new(),
        Found::These(texts) => texts,
    };
    let is_spf =
        |text: &&String| text.eq_ignore_ascii_case("v=spf1") || text.to_ascii_lowercase().starts_with("v=spf1 ");
    let records: Vec<&String> = texts.iter().filter(is_spf).collect();
    let ours = mechanism(facts);
    let [record] = records[..] else {
        let finding = if records.is_empty() {
            DomainFinding::new(
                Level::Warning,
                "spf_missing",
                "the domain has no SPF record: Gmail, Yahoo and Microsoft ask for one",
            )
        } else {
            DomainFinding::new(
                Level::Error,
                "spf_several",
                "the domain has several SPF records, which receivers read as none: join them into one",
            )
        };
        found.push(finding.publish(&facts.domain, "TXT", format!("v=spf1 {ours} ~all")));
        return false;
    };
    let record = record.to_ascii_lowercase();
    let terms: Vec<&str> = record.split_ascii_whitespace().skip(1).collect();
    let bare = |term: &&str| term.trim_start_matches(['+', '-', '~', '?']).to_owned();
    let looks_up = |term: &String| {
        ["include:", "exists:", "redirect=", "ptr"].iter().any(|head| term.starts_with(head))
            || ["a", "mx"].iter().any(|name| {
                term == name || term.starts_with(&format!("{name}:")) || term.starts_with(&format!("{name}/"))
            })
    };
    let mechanisms: Vec<String> = terms.iter().map(bare).collect();
    if mechanisms.iter().filter(|term| looks_up(term)).count() > SPF_LOOKUPS {
        found.push(DomainFinding::new(
            Level::Error,
            "spf_too_long",
            "the SPF record causes more than ten look-ups, so receivers read it as broken: take out what no longer sends",
        ));
    }
    let passes_all = terms.iter().any(|term| matches!(*term, "all" | "+all"));
    if passes_all {
        found.push(
            DomainFinding::new(
                Level::Warning,
                "spf_passes_all",
                "the SPF record lets anybody send in the domain's name (+all): end it with ~all",
            )
            .publish(&facts.domain, "TXT", record.replace("+all", "~all").replace(" all", " ~all")),
        );
    }
    if !passes_all && !covers(facts, &mechanisms) {
        let (head, tail) = record.split_at(record.len().min("v=spf1".len()));
        found.push(
            DomainFinding::new(
                Level::Warning,
                "spf_without_channel",
                "the SPF record does not name the channel that messages leave by",
            )
            .publish(&facts.domain, "TXT", format!("{head} {ours}{tail}")),
        );
    }
    true
}

/// What names the channel in an SPF record.
fn mechanism(facts: &Facts) -> String {
    let Some(relay) = &facts.relay else { return "include:amazonses.com".into() };
    match &relay.addresses {
        Found::These(addresses) if !addresses.is_empty() => {
            let named = addresses.iter().map(|(address, _)| match address {
                IpAddr::V4(address) => format!("ip4:{address}"),
                IpAddr::V6(address) => format!("ip6:{address}"),
            });
            named.collect::<Vec<_>>().join(" ")
        }
        _ => format!("a:{}", relay.host),
    }
}

/// Whether the record may name the channel: what it includes is not followed, and given the benefit of the doubt.
fn covers(facts: &Facts, mechanisms: &[String]) -> bool {
    let Some(relay) = &facts.relay else {
        return mechanisms.iter().any(|term| term.starts_with("include:") || term.starts_with("redirect="));
    };
    let refers = |term: &String| {
        ["include:", "redirect=", "exists:", "ptr", "mx", "a"]
            .iter()
            .any(|head| term.starts_with(head) && term != "all")
    };
    let Found::These(addresses) = &relay.addresses else { return true };
    mechanisms.iter().any(refers)
        || addresses.iter().all(|(address, _)| mechanisms.iter().any(|term| within(term, *address)))
}

/// Whether `ip4:192.0.2.0/24` has an address.
fn within(term: &str, address: IpAddr) -> bool {
    let Some((_, network)) = term.split_once(':').filter(|(head, _)| matches!(*head, "ip4" | "ip6")) else {
        return false;
    };
    let (base, bits) = network.split_once('/').map_or((network, None), |(base, bits)| (base, Some(bits)));
    match (base.parse(), address) {
        (Ok(IpAddr::V4(base)), IpAddr::V4(address)) => {
            let bits: u32 = bits.and_then(|bits| bits.parse().ok()).unwrap_or(32);
            (base.to_bits() ^ address.to_bits()).leading_zeros() >= bits
        }
        (Ok(IpAddr::V6(base)), IpAddr::V6(address)) => {
            let bits: u32 = bits.and_then(|bits| bits.parse().ok()).unwrap_or(128);
            (base.to_bits() ^ address.to_bits()).leading_zeros() >= bits
        }
        _ => false,
    }
}

/// True when a selector that was named, or is often used, has a usable key, or nothing is known of one.
fn dkim(facts: &Facts, found: &mut Vec<DomainFinding>) -> bool {
    let has_key = |texts: &Found<Vec<String>>| matches!(texts, Found::These(texts) if texts.iter().filter_map(|text| key(text)).any(|(k, p)| p.is_some_and(|p| is_worth(&k, &p))));
    let guessed: Vec<&str> =
        facts.guessed.iter().filter(|(_, texts)| has_key(texts)).map(|(selector, _)| selector.as_str()).collect();
    if facts.dkim.is_empty() && !guessed.is_empty() {
        found.push(DomainFinding::new(
            Level::Note,
            "dkim_guessed",
            format!(
                "there are DKIM keys under selectors that many use ({}); whether these messages are signed with one of them \
                 nobody can see from here: name the selector (?selector=), or check the relay (POST /v1/channels/{{id}}/check)",
                guessed.join(", ")
            ),
        ));
        return true;
    }
    if facts.dkim.is_empty() {
        let how = if facts.relay.is_some() {
            "ask who runs the relay for its selector, and name it here (?selector=)"
        } else {
            "Amazon SES shows three selectors for a verified domain, each a CNAME to dkim.amazonses.com; name them here (?selector=)"
        };
        found.push(DomainFinding::new(
            Level::Note,
            "dkim_not_looked_up",
            format!("DKIM keys are found by a selector only: {how}"),
        ));
        return false;
    }
    let mut usable = false;
    for (selector, texts) in &facts.dkim {
        let name = format!("{selector}._domainkey.{}", facts.domain);
        match texts {
            Found::Unknown => usable = true,
            Found::Nothing => found.push(
                DomainFinding::new(Level::Warning, "dkim_missing", format!("there is no DKIM key under the selector {selector}"))
                    .publish(name, if facts.relay.is_some() { "TXT" } else { "CNAME" }, if facts.relay.is_some() { "v=DKIM1; k=rsa; p=<the public key that your relay shows>".to_owned() } else { format!("{selector}.dkim.amazonses.com") }),
            ),
            Found::These(texts) => match texts.iter().find_map(|text| key(text)) {
                None => found.push(DomainFinding::new(
                    Level::Warning,
                    "dkim_unreadable",
                    format!("what is published under the selector {selector} is no DKIM key"),
                )),
                Some((_, Some(p))) if p.is_empty() => found.push(DomainFinding::new(
                    Level::Warning,
                    "dkim_revoked",
                    format!("the DKIM key under the selector {selector} was revoked: publish the present one"),
                )),
                Some((k, Some(p))) if k == "rsa" && p.len() < SHORT_KEY => found.push(DomainFinding::new(
                    Level::Warning,
                    "dkim_short",
                    format!("the DKIM key under the selector {selector} is shorter than 1024 bits, which Gmail does not count: make one of 2048"),
                )),
                Some(_) => usable = true,
            },
        }
    }
    usable
}

/// The kind of key and the key of a DKIM record.
fn key(text: &str) -> Option<(String, Option<String>)> {
    let tags = tags(text);
    let tag = |wanted: &str| tags.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.replace(' ', ""));
    (tag("v").is_none_or(|v| v == "DKIM1"))
        .then(|| (tag("k").unwrap_or_else(|| "rsa".into()), tag("p")))
        .filter(|(_, p)| p.is_some())
}

/// Whether a key counts for receivers: neither revoked nor short.
fn is_worth(kind: &str, key: &str) -> bool {
    !key.is_empty() && (kind != "rsa" || key.len() >= SHORT_KEY)
}

/// True when there is a usable DMARC record, or nothing is known.
fn dmarc(facts: &Facts, found: &mut Vec<DomainFinding>) -> bool {
    let (from, texts) = match (&facts.dmarc, &facts.organisation) {
        (Found::Unknown, _) | (Found::Nothing, Some((_, Found::Unknown))) => return true,
        (Found::Nothing, Some((name, Found::These(texts)))) => (name, texts.as_slice()),
        (Found::Nothing, _) => (&facts.domain, [].as_slice()),
        (Found::These(texts), _) => (&facts.domain, texts.as_slice()),
    };
    let is_dmarc = |text: &&String| tags(text).first().is_some_and(|(name, value)| name == "v" && value == "DMARC1");
    let records: Vec<&String> = texts.iter().filter(is_dmarc).collect();
    let wanted = format!("v=DMARC1; p=none; rua=mailto:{}", facts.contact);
    let at = |name: &str| format!("_dmarc.{name}");
    let [record] = records[..] else {
        let (level, code, message) = if records.is_empty() {
            (
                Level::Warning,
                "dmarc_missing",
                "the domain has no DMARC record: Gmail, Yahoo and Microsoft refuse those who send 5,000 messages a day without one",
            )
        } else {
            (
                Level::Error,
                "dmarc_several",
                "the domain has several DMARC records, which receivers read as none: keep one",
            )
        };
        found.push(DomainFinding::new(level, code, message).publish(at(&facts.domain), "TXT", wanted));
        return false;
    };
    let tags = tags(record);
    let tag = |wanted: &str| tags.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.to_ascii_lowercase());
    match tag("p").as_deref() {
        Some("none") => found.push(
            DomainFinding::new(
                Level::Note,
                "dmarc_none",
                "the DMARC record only watches (p=none): once the reports show nothing wrong, ask for quarantine",
            )
            .publish(at(from), "TXT", record.replacen("p=none", "p=quarantine", 1)),
        ),
        Some("quarantine" | "reject") => {}
        _ => {
            let message = "the DMARC record says no policy that receivers know (p=none, quarantine or reject)";
            found.push(DomainFinding::new(Level::Error, "dmarc_unreadable", message).publish(at(from), "TXT", wanted));
            return false;
        }
    }
    // Amazon SES returns bounces to a domain of its own, so that only DKIM is the Sender's.
    if tag("aspf").as_deref() == Some("s") && facts.relay.is_none() {
        found.push(DomainFinding::new(
            Level::Note,
            "dmarc_strict_spf",
            "the DMARC record wants SPF of the very same domain (aspf=s); through Amazon SES only DKIM can be that: sign for the domain itself",
        ));
    }
    true
}

fn relay(facts: &Facts, found: &mut Vec<DomainFinding>) {
    let Some(relay) = &facts.relay else { return };
    let Found::These(addresses) = &relay.addresses else { return };
    for (address, names) in addresses {
        if names.is_nothing() {
            found.push(
                DomainFinding::new(
                    Level::Warning,
                    "relay_without_name",
                    format!("the relay's address {address} has no name that leads back to it: Gmail refuses mail from such addresses; whoever runs the relay publishes it"),
                )
                .publish(domain::dns::reverse(*address), "PTR", relay.host.clone()),
            );
        }
    }
}

fn blocklists(facts: &Facts, found: &mut Vec<DomainFinding>) {
    found.extend(facts.listed.iter().map(|Listing { zone, what, reason }| {
        let said = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        DomainFinding::new(
            Level::Warning,
            "blocklisted",
            format!("{what} is on the blocklist {zone}{said}: receivers that ask it refuse these messages; find out why, end it, then ask the list to take it off"),
        )
    }));
}

/// `a=b; c=d` as names in lower case and values.
fn tags(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        part.split_once('=').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    };
    text.split(';').filter_map(pair).collect()
}

#[cfg(test)]
mod tests;
