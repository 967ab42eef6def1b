//! Where a Sender's relay may live: on the public internet, or in a network the operator named.
//!
//! A name is resolved once, every address it has is judged (RFC 6890 and the registries it started),
//! and the connection is made to the address that was judged. So no name can lead us to a neighbour,
//! to the machine itself or to a metadata service, whatever it resolves to a moment later.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use url::Host;

/// Ports a relay is spoken to on: implicit TLS, submission, and its usual substitute.
pub const PORTS: [u16; 3] = [465, 587, 2525];
/// How long a name may take to resolve.
const PATIENCE: Duration = Duration::from_secs(3);

/// Why a relay is not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelayError {
    /// Not a host name or an address.
    #[error("is not a host name or an IP address")]
    BadName,
    /// The name leads nowhere at the moment.
    #[error("the name does not resolve")]
    Unresolved,
    /// One of its addresses is not public.
    #[error("must have public addresses only")]
    NotPublic,
    /// A name that has a meaning in a network only.
    #[error(
        "is a name within a machine or a network (localhost, .local, .internal): give the public name of the server"
    )]
    PrivateName,
    /// Another port.
    #[error("must be 465, 587 or 2525")]
    Port,
    /// The operator's list of networks cannot be read.
    #[error("the operator's relay networks are not CIDRs")]
    Networks,
}

/// A relay's host as it is stored, looked up and compared with its certificate: lower case, ASCII,
/// without a final dot; an address in its usual spelling.
pub fn normal_host(host: &str) -> Result<String, RelayError> {
    Ok(match parse(host)? {
        Host::Domain(name) => name,
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    })
}

/// What may be said of a relay without asking a name server: its spelling, its port, and its address
/// where that is written out.
pub fn check(host: &str, port: u16, networks: &str) -> Result<(), RelayError> {
    check_on(host, port, &PORTS, networks)
}

/// The same of another service, which is spoken to on `ports`.
pub(crate) fn check_on(host: &str, port: u16, ports: &[u16], networks: &str) -> Result<(), RelayError> {
    let networks = Networks::parse(networks)?;
    match parse(host)? {
        _ if port == 0 => Err(RelayError::Port),
        Host::Domain(name) if METADATA.contains(&name.to_ascii_lowercase().as_str()) => Err(RelayError::PrivateName),
        Host::Domain(name) if networks.0.is_empty() && is_private_name(&name) => Err(RelayError::PrivateName),
        Host::Domain(_) if ports.contains(&port) || !networks.0.is_empty() => Ok(()),
        Host::Domain(_) => Err(RelayError::Port),
        Host::Ipv4(address) => judge(&[address.into()], port, ports, &networks).map(drop),
        Host::Ipv6(address) => judge(&[address.into()], port, ports, &networks).map(drop),
    }
}

/// The address to connect to. Resolves a name once; refuses if any of its addresses is not public
/// and not within `networks` (CIDRs, comma separated).
pub async fn resolve(host: &str, port: u16, networks: &str) -> Result<SocketAddr, RelayError> {
    resolve_on(host, port, &PORTS, networks).await
}

/// The same of another service, which is spoken to on `ports`.
pub(crate) async fn resolve_on(host: &str, port: u16, ports: &[u16], networks: &str) -> Result<SocketAddr, RelayError> {
    let networks = Networks::parse(networks)?;
    let addresses = match parse(host)? {
        Host::Ipv4(address) => vec![address.into()],
        Host::Ipv6(address) => vec![address.into()],
        Host::Domain(name) => {
            let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name.as_str(), port))).await;
            let found = found.map_err(|_| RelayError::Unresolved)?.map_err(|_| RelayError::Unresolved)?;
            found.map(|address| address.ip()).collect()
        }
    };
    Ok(SocketAddr::new(judge(&addresses, port, ports, &networks)?, port))
}

/// By the URL standard, which knows every spelling of an IPv4 address that resolvers know: decimal,
/// hexadecimal, octal, shortened, with a final dot.
fn parse(host: &str) -> Result<Host, RelayError> {
    let host = host.trim();
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Ok(Host::Ipv6(address));
    }
    match Host::parse(host).map_err(|_| RelayError::BadName)? {
        Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let label = |l: &str| !l.is_empty() && l.len() <= 63 && !l.starts_with('-') && !l.ends_with('-');
            let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
            if name.len() <= 253 && letters && name.split('.').all(label) {
                Ok(Host::Domain(name.to_owned()))
            } else {
                Err(RelayError::BadName)
            }
        }
        address => Ok(address),
    }
}

/// Endings of names that no public name server answers for (RFC 6761, 6762, 8375, and ICANN's `.internal`).
const PRIVATE_ENDINGS: [&str; 7] = ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa"];

/// Names of clouds' metadata services, which are nobody's relay whatever networks the operator names.
const METADATA: [&str; 5] =
    ["metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];

/// Whether a name is one of a machine or a network: without a dot, or by its ending.
fn is_private_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let within = |end: &str| name.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with('.'));
    !name.contains('.') || PRIVATE_ENDINGS.iter().any(|end| within(end))
}

/// The address to take, if all of them may be taken on this port. IPv4 first: it goes out from everywhere.
fn judge(addresses: &[IpAddr], port: u16, ports: &[u16], networks: &Networks) -> Result<IpAddr, RelayError> {
    let mut chosen: Option<IpAddr> = None;
    for address in addresses.iter().map(IpAddr::to_canonical) {
        if !networks.contain(address) {
            if !is_public(address) {
                return Err(RelayError::NotPublic);
            }
            if !ports.contains(&port) {
                return Err(RelayError::Port);
            }
        }
        if chosen.is_none_or(|c| c.is_ipv6() && address.is_ipv4()) {
            chosen = Some(address);
        }
    }
    chosen.ok_or(RelayError::Unresolved)
}

/// IPv4 networks that are not the public internet: IANA's special-purpose registry, multicast, reserved.
const SPECIAL_V4: [(Ipv4Addr, u8); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Parts of 2000::/3, the only global unicast there is, that are special all the same.
const SPECIAL_V6: [(Ipv6Addr, u8); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !SPECIAL_V4.iter().any(|&(network, bits)| within(v4.into(), network.into(), bits)),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, _, _, _, g, h] = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    if a == 0x2002 {
        return is_public(v4(b, c)); // 6to4
    }
    if within(address.into(), Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).into(), 96) {
        return is_public(v4(g, h)); // NAT64
    }
    let global = within(address.into(), Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0).into(), 3);
    global && !SPECIAL_V6.iter().any(|&(network, bits)| within(address.into(), network.into(), bits))
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let differ = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (a.to_bits() ^ n.to_bits()).leading_zeros(),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits() ^ n.to_bits()).leading_zeros(),
        _ => return false,
    };
    differ >= u32::from(bits)
}

/// Networks beside the public internet.
struct Networks(Vec<(IpAddr, u8)>);

impl Networks {
    fn parse(text: &str) -> Result<Self, RelayError> {
        let one = |cidr: &str| {
            let (address, bits) = cidr.split_once('/')?;
            let (address, bits) = (address.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
            (bits <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, bits))
        };
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(one).collect::<Option<_>>().map(Self).ok_or(RelayError::Networks)
    }

    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|&(network, bits)| within(address, network, bits))
    }
}

#[cfg(test)]
mod tests;
