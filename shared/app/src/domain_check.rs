//! Looks up the domain that a Sender writes from, as receivers do, and says what to publish.
//!
//! A stub of a few dozen lines on `domain::dns`: it asks the name server of the machine, which does the rest.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use content::{
    check::Level,
    domain_check::{DomainFinding, Facts, Found, Listing, Relay, USUAL_SELECTORS, judge},
};
use domain::{
    blocklist,
    dns::{self, Answer, Data, Kind},
    id::ChannelId,
    sender::{Sender, SenderIdentity, Transport},
};
use futures::{StreamExt, stream};
use serde::Serialize;
use storage::WorkspaceScope;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

use crate::{App, Failure};

/// How long the name server may take to answer once.
const PATIENCE: Duration = Duration::from_secs(2);
/// Times that it is asked.
const ATTEMPTS: u32 = 2;
/// Largest answer over UDP.
const DATAGRAM: usize = 4_096;
/// Selectors in one check.
const SELECTORS: usize = 5;
/// Addresses of a relay that are looked at.
const ADDRESSES: usize = 4;
/// Domains above one that are asked for a DMARC policy.
const ABOVE: usize = 3;

/// The answer to a check of a domain.
#[derive(Debug, Serialize)]
pub struct DomainCheck {
    domain: String,
    findings: Vec<DomainFinding>,
}

impl App {
    /// Looks up the domain that a channel writes from (the first when none is named), with the DKIM selectors that are
    /// named, comma separated; where none is, with those that the check of its relay saw, or else with those that many use.
    pub async fn check_domain(
        &self,
        scope: &WorkspaceScope,
        channel: Option<&str>,
        selectors: Option<&str>,
    ) -> Result<DomainCheck, Failure> {
        let selectors = read_selectors(selectors.unwrap_or_default())?;
        let sender = self.db.accounts(scope).sender().await?;
        let sender = sender.ok_or_else(|| Failure::not_found("Sender (PUT /v1/sender makes it)"))?;
        let channel = match channel {
            None => sender.channels.first(),
            Some(id) => id.parse().ok().and_then(|id| sender.channel(id)),
        };
        let channel = channel.ok_or_else(|| Failure::not_found("channel"))?;
        let selectors = match selectors.is_empty() {
            true => self.seen_selectors(scope, &sender, channel).await?,
            false => selectors,
        };
        let facts = self.facts(&sender.identity_by(channel), &channel.transport, &selectors).await;
        Ok(DomainCheck { findings: judge(&facts), domain: facts.domain })
    }

    /// What is wrong with the domains that a campaign writes from, by these channels or by all, each with its domain: not what
    /// is only worth knowing.
    pub(crate) async fn findings_of_domain(
        &self,
        scope: &WorkspaceScope,
        sender: &Sender,
        named: &[ChannelId],
    ) -> Result<Vec<(String, DomainFinding)>, Failure> {
        let mut looked_at = HashSet::new();
        let mut findings: Vec<(String, DomainFinding)> = Vec::new();
        for channel in sender.among(named) {
            let identity = sender.identity_by(channel);
            let host = match &channel.transport {
                Transport::Ses => None,
                Transport::Smtp { host, .. } => Some(host),
            };
            if !looked_at.insert((identity.from_email.domain().to_owned(), host)) {
                continue;
            }
            let selectors = self.seen_selectors(scope, sender, channel).await?;
            let facts = self.facts(&identity, &channel.transport, &selectors).await;
            for finding in judge(&facts).into_iter().filter(|finding| finding.level != Level::Note) {
                let finding = (facts.domain.clone(), finding);
                if !findings.contains(&finding) {
                    findings.push(finding);
                }
            }
        }
        Ok(findings)
    }

    async fn facts(&self, identity: &SenderIdentity, transport: &Transport, selectors: &[String]) -> Facts {
        let domain = identity.from_email.domain().to_owned();
        let dmarc_of = |name: &str| format!("_dmarc.{name}");
        let dmarc_name = dmarc_of(&domain);
        let (mx, address, texts, dmarc) = futures::join!(
            self.look_up(&domain, Kind::Mx),
            self.look_up(&domain, Kind::A),
            self.look_up(&domain, Kind::Txt),
            self.look_up(&dmarc_name, Kind::Txt),
        );
        let key = async |selector: &str| {
            let name = format!("{selector}._domainkey.{domain}");
            (selector.to_owned(), texts_of(self.look_up(&name, Kind::Txt).await))
        };
        let dkim = futures::future::join_all(selectors.iter().map(|selector| key(selector))).await;
        let usual = USUAL_SELECTORS.iter().filter(|_| selectors.is_empty());
        let guessed = futures::future::join_all(usual.map(|selector| key(selector))).await;
        let mut organisation = None;
        if matches!(dmarc, Found::Nothing) {
            let above = domain.match_indices('.').map(|(at, _)| &domain[at + 1..]);
            for name in above.filter(|name| name.contains('.')).take(ABOVE) {
                let texts = texts_of(self.look_up(&dmarc_of(name), Kind::Txt).await);
                let go_on = matches!(texts, Found::Nothing);
                organisation = Some((name.to_owned(), texts));
                if !go_on {
                    break;
                }
            }
        }
        let relay = match transport {
            Transport::Ses => None,
            Transport::Smtp { host, .. } => Some(self.facts_of_relay(host).await),
        };
        Facts {
            mx: only(mx, |data| match data {
                Data::Mx(_, host) => Some(host),
                _ => None,
            }),
            address: match address {
                Found::These(_) => Found::These(()),
                Found::Nothing => Found::Nothing,
                Found::Unknown => Found::Unknown,
            },
            texts: texts_of(texts),
            dmarc: texts_of(dmarc),
            organisation,
            dkim,
            guessed,
            listed: self.listings(&domain, relay.as_ref()).await,
            relay,
            contact: identity.contact_email.expose().to_owned(),
            domain,
        }
    }

    /// The entries that the operator's blocklists have of a domain and of the addresses of a relay. A list that does not
    /// answer has none.
    async fn listings(&self, domain: &str, relay: Option<&Relay>) -> Vec<Listing> {
        let addresses: Vec<IpAddr> = match relay.map(|relay| &relay.addresses) {
            Some(Found::These(addresses)) => addresses.iter().map(|(address, _)| *address).collect(),
            _ => Vec::new(),
        };
        let mut listed = Vec::new();
        for list in &self.config.blocklists {
            for (what, name) in list.questions(domain, &addresses) {
                let Found::These(entries) = addresses_of(self.look_up(&name, Kind::A).await) else { continue };
                if !entries.into_iter().any(blocklist::is_entry) {
                    continue;
                }
                let reason = match texts_of(self.look_up(&name, Kind::Txt).await) {
                    Found::These(texts) => texts.into_iter().next(),
                    _ => None,
                };
                listed.push(Listing { zone: list.zone().to_owned(), what, reason });
            }
        }
        listed
    }

    async fn facts_of_relay(&self, host: &str) -> Relay {
        let found = match host.parse::<IpAddr>() {
            Ok(address) => Found::These(vec![address]),
            Err(_) => addresses_of(self.look_up(host, Kind::A).await),
        };
        let addresses = match found {
            Found::Nothing => Found::Nothing,
            Found::Unknown => Found::Unknown,
            Found::These(addresses) => {
                let named = stream::iter(addresses.into_iter().take(ADDRESSES));
                Found::These(named.then(async |address| (address, self.names_of(address).await)).collect().await)
            }
        };
        Relay { host: host.to_owned(), addresses }
    }

    /// The names of an address that lead back to it: anybody may claim any name for an address of theirs.
    async fn names_of(&self, address: IpAddr) -> Found<Vec<String>> {
        let names = only(self.look_up(&dns::reverse(address), Kind::Ptr).await, |data| match data {
            Data::Name(Kind::Ptr, name) => Some(name),
            _ => None,
        });
        let Found::These(names) = names else { return names };
        let kind = if address.is_ipv4() { Kind::A } else { Kind::Aaaa };
        let mut back = Vec::new();
        for name in names.into_iter().take(ADDRESSES) {
            match addresses_of(self.look_up(&name, kind).await) {
                Found::These(addresses) if addresses.contains(&address) => back.push(name),
                Found::Unknown => return Found::Unknown,
                Found::These(_) | Found::Nothing => {}
            }
        }
        if back.is_empty() { Found::Nothing } else { Found::These(back) }
    }

    /// Asks the name server.
    async fn look_up(&self, name: &str, kind: Kind) -> Found<Vec<Data>> {
        let Some(server) = self.name_server().await else { return Found::Unknown };
        for _ in 0..ATTEMPTS {
            let Some(question) = dns::question(u16::from_be_bytes(crate::chance()), name, kind) else {
                return Found::Nothing;
            };
            let Ok(Some(answer)) = tokio::time::timeout(PATIENCE, ask(&server, &question)).await else { continue };
            if !answer.is_known {
                return Found::Unknown;
            }
            let records: Vec<Data> = answer.records.into_iter().filter(|data| data.kind() == kind).collect();
            return if records.is_empty() { Found::Nothing } else { Found::These(records) };
        }
        Found::Unknown
    }

    /// Where to ask: what the operator says, or what the machine does.
    async fn name_server(&self) -> Option<String> {
        if !self.config.name_server.is_empty() {
            return Some(self.config.name_server.clone());
        }
        let known = tokio::fs::read_to_string("/etc/resolv.conf").await.ok()?;
        let server =
            known.lines().find_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse::<IpAddr>().ok());
        server.map(|server| std::net::SocketAddr::new(server, 53).to_string())
    }
}

/// One question, over TCP where the answer does not fit.
async fn ask(server: &str, question: &[u8]) -> Option<Answer> {
    let socket = UdpSocket::bind(if server.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" }).await.ok()?;
    // Connected, so that nobody else's datagrams are read.
    socket.connect(server).await.ok()?;
    socket.send(question).await.ok()?;
    let mut bytes = vec![0; DATAGRAM];
    let answer = loop {
        let length = socket.recv(&mut bytes).await.ok()?;
        // What is no answer to this question may have been made up: the right one may still come.
        if let Some(answer) = Answer::read(&bytes[..length], question) {
            break answer;
        }
    };
    if !answer.truncated {
        return Some(answer);
    }
    let mut stream = TcpStream::connect(server).await.ok()?;
    let length = u16::try_from(question.len()).ok()?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await.ok()?;
    let mut whole = vec![0; usize::from(stream.read_u16().await.ok()?)];
    stream.read_exact(&mut whole).await.ok()?;
    Answer::read(&whole, question)
}

fn read_selectors(text: &str) -> Result<Vec<String>, Failure> {
    let selectors: Vec<String> =
        text.split(',').map(|selector| selector.trim().to_ascii_lowercase()).filter(|s| !s.is_empty()).collect();
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if selectors.len() > SELECTORS {
        return Err(Failure::field("selector", format!("{SELECTORS} DKIM selectors at most, separated by commas")));
    }
    if let Some(wrong) = selectors.iter().find(|name| name.len() > 63 || !name.split('.').all(is_label)) {
        let message = format!("{wrong:?} is no DKIM selector: it is what follows s= in a signature, such as selector1");
        return Err(Failure::field("selector", message));
    }
    Ok(selectors)
}

fn only<T>(found: Found<Vec<Data>>, pick: impl Fn(Data) -> Option<T>) -> Found<Vec<T>> {
    match found {
        Found::These(records) => Found::These(records.into_iter().filter_map(pick).collect()),
        Found::Nothing => Found::Nothing,
        Found::Unknown => Found::Unknown,
    }
}

fn texts_of(found: Found<Vec<Data>>) -> Found<Vec<String>> {
    only(found, |data| match data {
        Data::Txt(text) => Some(text),
        _ => None,
    })
}

fn addresses_of(found: Found<Vec<Data>>) -> Found<Vec<IpAddr>> {
    only(found, |data| match data {
        Data::Address(address) => Some(address),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_a_few_labels() {
        assert_eq!(read_selectors(" S1, abc._x ,").unwrap(), ["s1", "abc._x"]);
        assert!(read_selectors("").unwrap().is_empty());
        for bad in ["a b", "a/b", "é", &"a,".repeat(6), &"x".repeat(64)] {
            assert!(read_selectors(bad).is_err(), "{bad}");
        }
    }
}
