//! Messages of the domain name system (RFC 1035), as much of them as a check of a Sender's domain asks and reads.
//!
//! One question, records of six types, names that are compressed. What is malformed is `None`, never a panic: anybody may
//! have written an answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Cname => 5,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
        }
    }

    fn of(number: u16) -> Option<Self> {
        [Self::A, Self::Cname, Self::Ptr, Self::Mx, Self::Txt, Self::Aaaa]
            .into_iter()
            .find(|kind| kind.number() == number)
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
}

/// Response codes that matter here.
pub const NO_ERROR: u8 = 0;
/// There is no such name.
pub const NO_SUCH_NAME: u8 = 3;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// [`NO_ERROR`], [`NO_SUCH_NAME`], or another.
    pub code: u8,
    /// It did not fit: ask again over TCP.
    pub truncated: bool,
    /// Its records.
    pub records: Vec<Data>,
}

/// A question as it is sent; `None` for what is no name.
#[must_use]
pub fn question(id: u16, name: &str, kind: Kind) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(64);
    // Recursion is desired; one question.
    for field in [id, 0x0100, 1, 0, 0, 0] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    put_name(&mut bytes, name)?;
    bytes.extend_from_slice(&kind.number().to_be_bytes());
    bytes.extend_from_slice(&1_u16.to_be_bytes());
    Some(bytes)
}

/// What is asked in a question: its number, the name in lower case, and the type.
#[must_use]
pub fn asked(bytes: &[u8]) -> Option<(u16, String, Kind)> {
    let mut reader = Reader { bytes, at: 12 };
    let name = reader.name()?;
    Some((Reader { bytes, at: 0 }.u16()?, name, Kind::of(reader.u16()?)?))
}

/// The answer to a question, for a server.
#[must_use]
pub fn answer(question: &[u8], code: u8, records: &[Data]) -> Option<Vec<u8>> {
    let (id, name, kind) = asked(question)?;
    let count = u16::try_from(records.len()).ok()?;
    let mut bytes = Vec::with_capacity(512);
    for field in [id, 0x8180 | u16::from(code & 0xf), 1, count, 0, 0] {
        bytes.extend_from_slice(&field.to_be_bytes());
    }
    put_name(&mut bytes, &name)?;
    bytes.extend_from_slice(&kind.number().to_be_bytes());
    bytes.extend_from_slice(&1_u16.to_be_bytes());
    for record in records {
        // The name of the question, which is at 12.
        bytes.extend_from_slice(&0xc00c_u16.to_be_bytes());
        bytes.extend_from_slice(&record.kind().number().to_be_bytes());
        bytes.extend_from_slice(&1_u16.to_be_bytes());
        bytes.extend_from_slice(&60_u32.to_be_bytes());
        let mut data = Vec::new();
        match record {
            Data::Address(IpAddr::V4(address)) => data.extend_from_slice(&address.octets()),
            Data::Address(IpAddr::V6(address)) => data.extend_from_slice(&address.octets()),
            Data::Name(_, name) => put_name(&mut data, name)?,
            Data::Mx(preference, host) => {
                data.extend_from_slice(&preference.to_be_bytes());
                put_name(&mut data, host)?;
            }
            Data::Txt(text) => {
                for part in text.as_bytes().chunks(255) {
                    data.push(u8::try_from(part.len()).ok()?);
                    data.extend_from_slice(part);
                }
            }
        }
        bytes.extend_from_slice(&u16::try_from(data.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(&data);
    }
    Some(bytes)
}

impl Answer {
    /// Reads the answer to a question. One to another question is `None`: somebody may be guessing.
    #[must_use]
    pub fn read(bytes: &[u8], question: &[u8]) -> Option<Self> {
        let mut header = Reader { bytes, at: 0 };
        let (id, flags) = (header.u16()?, header.u16()?);
        let (questions, count) = (header.u16()?, header.u16()?);
        let is_ours = flags & 0x8000 != 0 && questions == 1 && asked(bytes)? == asked(question)?;
        if !is_ours || id.to_be_bytes() != question[..2] {
            return None;
        }
        let mut reader = Reader { bytes, at: 12 };
        reader.name()?;
        reader.at += 4;
        let mut records = Vec::new();
        for _ in 0..count {
            reader.name()?;
            let kind = Kind::of(reader.u16()?);
            reader.at += 6; // class and time to live
            let length = usize::from(reader.u16()?);
            let end = reader.at.checked_add(length).filter(|end| *end <= bytes.len())?;
            if let Some(kind) = kind {
                records.push(reader.data(kind, end)?);
            }
            reader.at = end;
        }
        let code = u8::try_from(flags & 0xf).unwrap_or(u8::MAX);
        Some(Self { code, truncated: flags & 0x0200 != 0, records })
    }
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

fn put_name(bytes: &mut Vec<u8>, name: &str) -> Option<()> {
    let name = name.trim_end_matches('.');
    if name.len() > 253 {
        return None;
    }
    for label in name.split('.').filter(|_| !name.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        bytes.push(length);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    Some(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn u8(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.u8()?, self.u8()?]))
    }

    /// A name, which may end with a pointer to another, further back: so that none leads round in a circle.
    fn name(&mut self) -> Option<String> {
        let (mut name, mut at, mut after) = (String::new(), self.at, None);
        loop {
            let length = *self.bytes.get(at)?;
            match length {
                0 => break,
                1..=63 => {
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length))?;
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.extend(label.iter().map(|byte| char::from(byte.to_ascii_lowercase())));
                    at += 1 + usize::from(length);
                }
                192.. => {
                    let to = usize::from(u16::from_be_bytes([length & 0x3f, *self.bytes.get(at + 1)?]));
                    after.get_or_insert(at + 2);
                    at = Some(to).filter(|to| *to < at)?;
                }
                _ => return None,
            }
            if name.len() > 255 {
                return None;
            }
        }
        self.at = after.unwrap_or(at + 1);
        Some(name)
    }

    fn data(&mut self, kind: Kind, end: usize) -> Option<Data> {
        let data = self.bytes.get(self.at..end)?;
        Some(match kind {
            Kind::A => Data::Address(Ipv4Addr::from(<[u8; 4]>::try_from(data).ok()?).into()),
            Kind::Aaaa => Data::Address(Ipv6Addr::from(<[u8; 16]>::try_from(data).ok()?).into()),
            Kind::Cname | Kind::Ptr => Data::Name(kind, self.name()?),
            Kind::Mx => Data::Mx(self.u16()?, self.name()?),
            Kind::Txt => {
                let mut text = Vec::with_capacity(data.len());
                while self.at < end {
                    let length = usize::from(self.u8()?);
                    text.extend_from_slice(self.bytes.get(self.at..self.at + length)?);
                    self.at += length;
                }
                Data::Txt(String::from_utf8_lossy(&text).into_owned())
            }
        })
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
        let bytes = answer(&question, NO_ERROR, &records).unwrap();
        let read = Answer::read(&bytes, &question).unwrap();
        assert_eq!((read.code, read.truncated, &read.records[..]), (NO_ERROR, false, &records[..]));
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let ours = question(7, "example.com", Kind::Txt).unwrap();
        for other in [
            question(8, "example.com", Kind::Txt),
            question(7, "example.org", Kind::Txt),
            question(7, "example.com", Kind::Mx),
        ] {
            let bytes = answer(&other.unwrap(), NO_ERROR, &[]).unwrap();
            assert_eq!(Answer::read(&bytes, &ours), None);
        }
        assert_eq!(Answer::read(&ours, &ours), None, "a question is no answer");
        assert!(question(1, &"x".repeat(64), Kind::A).is_none() && question(1, "a..b", Kind::A).is_none());
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
