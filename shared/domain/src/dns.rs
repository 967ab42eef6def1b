//! Messages of the domain name system (RFC 1035), as much of them as a check of a Sender's domain asks and reads.
//!
//! One question, records of six types. What is malformed is `None`, never a panic: anybody may have written an answer.
//! `simple-dns` reads and writes the bytes; what a message has to be to count as an answer is decided here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::{
    CLASS, CharacterString, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE,
    header_buffer,
    rdata::{A, AAAA, CNAME, MX, PTR, RData, TXT},
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An IPv4 address.
    A,
    /// Another name for the same.
    Cname,
    /// The name of an address.
    Ptr,
    /// Where mail goes.
    Mx,
    /// A text.
    Txt,
    /// An IPv6 address.
    Aaaa,
}

impl Kind {
    const fn code(self) -> TYPE {
        match self {
            Self::A => TYPE::A,
            Self::Cname => TYPE::CNAME,
            Self::Ptr => TYPE::PTR,
            Self::Mx => TYPE::MX,
            Self::Txt => TYPE::TXT,
            Self::Aaaa => TYPE::AAAA,
        }
    }

    fn of(asked: QTYPE) -> Option<Self> {
        [Self::A, Self::Cname, Self::Ptr, Self::Mx, Self::Txt, Self::Aaaa]
            .into_iter()
            .find(|kind| QTYPE::TYPE(kind.code()) == asked)
    }
}

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// An address of either version.
    Address(IpAddr),
    /// A name: of an alias, or of an address.
    Name(Kind, String),
    /// Preference and host of a mail server.
    Mx(u16, String),
    /// A text, its strings joined.
    Txt(String),
}

impl Data {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Address(IpAddr::V4(_)) => Kind::A,
            Self::Address(IpAddr::V6(_)) => Kind::Aaaa,
            Self::Name(kind, _) => *kind,
            Self::Mx(..) => Kind::Mx,
            Self::Txt(_) => Kind::Txt,
        }
    }

    /// `None` for a record of another type.
    fn read(data: RData<'_>) -> Option<Self> {
        Some(match data {
            RData::A(A { address }) => Self::Address(Ipv4Addr::from(address).into()),
            RData::AAAA(AAAA { address }) => Self::Address(Ipv6Addr::from(address).into()),
            RData::CNAME(CNAME(name)) => Self::Name(Kind::Cname, text(&name)),
            RData::PTR(PTR(name)) => Self::Name(Kind::Ptr, text(&name)),
            RData::MX(MX { preference, exchange }) => Self::Mx(preference, text(&exchange)),
            // What is not UTF-8 is none of the texts that are looked for, and the others still count.
            RData::TXT(txt) => Self::Txt(txt.try_into().unwrap_or_default()),
            _ => return None,
        })
    }

    fn write(&self) -> Option<RData<'_>> {
        Some(match self {
            Self::Address(IpAddr::V4(address)) => RData::A((*address).into()),
            Self::Address(IpAddr::V6(address)) => RData::AAAA((*address).into()),
            Self::Name(Kind::Ptr, name) => RData::PTR(PTR(Name::new(name).ok()?)),
            Self::Name(_, name) => RData::CNAME(CNAME(Name::new(name).ok()?)),
            Self::Mx(preference, host) => RData::MX(MX { preference: *preference, exchange: Name::new(host).ok()? }),
            Self::Txt(text) => {
                let parts = text.as_bytes().chunks(255).map(CharacterString::new);
                RData::TXT(parts.flatten().fold(TXT::new(), TXT::with_char_string))
            }
        })
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The server knows: these records, which may be none. Otherwise it failed, or refuses.
    pub is_known: bool,
    /// It did not fit: ask again over TCP.
    pub truncated: bool,
    /// Its records.
    pub records: Vec<Data>,
}

/// A question as it is sent; `None` for what is no name.
#[must_use]
pub fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let name = name.trim_end_matches('.');
    if name.split('.').any(str::is_empty) {
        return None;
    }
    let mut packet = Packet::new_query(id);
    packet.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).ok()?;
    packet.questions.push(Question::new(name, kind.code().into(), QCLASS::CLASS(CLASS::IN), false));
    packet.build_bytes_vec().ok()
}

/// What is asked in a question: its number, the name in lower case, and the type.
#[must_use]
pub fn asked(bytes: &[u8]) -> Option<(u16, String, Kind)> {
    only_question(&Packet::parse(bytes).ok()?)
}

/// The answer to a question, for a server: without records there is no such name.
#[must_use]
pub fn answer(question: &[u8], records: &[Data]) -> Option<Vec<u8>> {
    let mut packet = Packet::parse(question).ok()?.into_reply();
    packet.set_flags(PacketFlag::RECURSION_AVAILABLE);
    let name = packet.questions.first()?.qname.clone();
    if records.is_empty() {
        *packet.rcode_mut() = RCODE::NameError;
    }
    for record in records {
        packet.answers.push(ResourceRecord::new(name.clone(), CLASS::IN, 60, record.write()?));
    }
    packet.build_bytes_vec_compressed().ok()
}

impl Answer {
    /// Reads the answer to a question. One to another question is `None`: somebody may be guessing.
    #[must_use]
    pub fn read(bytes: &[u8], question: &[u8]) -> Option<Self> {
        let Ok(packet) = Packet::parse(bytes) else {
            // Some servers cut a message anywhere, and say so in its head.
            let cut = PacketFlag::RESPONSE | PacketFlag::TRUNCATION;
            let is_cut = header_buffer::has_flags(bytes, cut).ok()? && bytes.get(..2) == question.get(..2);
            return is_cut.then_some(Self { is_known: false, truncated: true, records: Vec::new() });
        };
        if !packet.has_flags(PacketFlag::RESPONSE) || only_question(&packet)? != asked(question)? {
            return None;
        }
        Some(Self {
            is_known: matches!(packet.rcode(), RCODE::NoError | RCODE::NameError),
            truncated: packet.has_flags(PacketFlag::TRUNCATION),
            records: packet.answers.into_iter().filter_map(|record| Data::read(record.rdata)).collect(),
        })
    }
}

fn only_question(packet: &Packet<'_>) -> Option<(u16, String, Kind)> {
    let [question] = &packet.questions[..] else { return None };
    Some((packet.id(), text(&question.qname), Kind::of(question.qtype)?))
}

/// A name in lower case, in which no byte has to be escaped that a host may have.
fn text(name: &Name<'_>) -> String {
    name.to_string().to_ascii_lowercase()
}

/// The name that the name of an address is found under.
#[must_use]
pub fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits: Vec<String> = hex::encode(address.octets()).chars().rev().map(String::from).collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_server_answers_reads_back() {
        let records = [
            Data::Txt("v=spf1 ".to_owned() + &"x".repeat(300)),
            Data::Mx(10, "mx.example.com".into()),
            Data::Address("192.0.2.1".parse().unwrap()),
            Data::Address("2001:db8::1".parse().unwrap()),
            Data::Name(Kind::Cname, "a.example.org".into()),
            Data::Mx(0, String::new()),
        ];
        let question = question(7, "Example.COM.", Kind::Txt).unwrap();
        assert_eq!(asked(&question), Some((7, "example.com".into(), Kind::Txt)));
        let bytes = answer(&question, &records).unwrap();
        let read = Answer::read(&bytes, &question).unwrap();
        assert_eq!((read.is_known, read.truncated, &read.records[..]), (true, false, &records[..]));
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let ours = question(7, "example.com", Kind::Txt).unwrap();
        for other in [
            question(8, "example.com", Kind::Txt),
            question(7, "example.org", Kind::Txt),
            question(7, "example.com", Kind::Mx),
        ] {
            let bytes = answer(&other.unwrap(), &[]).unwrap();
            assert_eq!(Answer::read(&bytes, &ours), None);
        }
        assert_eq!(Answer::read(&ours, &ours), None, "a question is no answer");
        assert!(question(1, &"x".repeat(64), Kind::A).is_none() && question(1, "a..b", Kind::A).is_none());
    }

    #[test]
    fn what_was_cut_is_asked_for_again() {
        let question = question(7, "example.com", Kind::Txt).unwrap();
        let mut bytes = answer(&question, &[Data::Txt("x".repeat(300))]).unwrap();
        bytes.truncate(100);
        assert_eq!(Answer::read(&bytes, &question), None);
        bytes[2] |= 0x02;
        assert!(Answer::read(&bytes, &question).is_some_and(|answer| answer.truncated));
        bytes[1] ^= 1;
        assert_eq!(Answer::read(&bytes, &question), None, "an answer to another question");
    }

    #[test]
    fn addresses_are_looked_up_backwards() {
        assert_eq!(reverse("192.0.2.1".parse().unwrap()), "1.2.0.192.in-addr.arpa");
        assert!(
            reverse("2001:db8::1".parse().unwrap()).starts_with("1.0.0.0.")
                && reverse("::1".parse().unwrap()).len() == 72
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_no_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), begin in any::<bool>()) {
            let question = question(7, "a.example.com", Kind::Txt).unwrap();
            if begin {
                let mut whole = question.clone();
                whole[2] = 0x80;
                whole[7] = 3;
                whole.append(&mut bytes);
                bytes = whole;
            }
            let _ = Answer::read(&bytes, &question);
            let _ = asked(&bytes);
        }
    }
}
