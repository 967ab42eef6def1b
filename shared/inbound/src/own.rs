//! A message of our own that came back whole: what is left of its headers, and who signed it.

use domain::email::EmailAddress;

use crate::{address, fields::Fields, mail::Mail};

/// What is left of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// The address in `From`.
    pub from: Option<EmailAddress>,
    /// `Message-ID`, without brackets.
    pub message_id: Option<String>,
    /// The addresses of `List-Unsubscribe`.
    pub unsubscribe: Vec<String>,
    /// Whether `List-Unsubscribe-Post` offers one click (RFC 8058).
    pub one_click: bool,
    /// Its DKIM signatures.
    pub signatures: Vec<Signature>,
}

/// A DKIM signature (RFC 6376).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// `d=`, in small letters.
    pub domain: String,
    /// `s=`, in small letters; blank where it has none.
    pub selector: String,
    /// `h=`, in small letters.
    pub headers: Vec<String>,
    /// Whether the receiver found it good; `None` where it does not say.
    pub holds: Option<bool>,
}

/// Reads such a message. `receiver` is the name under which our receiver writes down what it found (RFC 8601): what
/// others wrote below that says nothing.
#[must_use]
pub fn read(raw: &[u8], receiver: &str) -> Option<Own> {
    let headers = Mail::parse(raw)?.headers;
    let verdicts = verdicts(&headers, receiver);
    let signatures = headers.all("dkim-signature").filter_map(|text| signature(text, verdicts.as_deref()));
    Some(Own {
        from: headers.get("from").and_then(address::first),
        message_id: headers.get("message-id").map(|text| text.trim_matches(['<', '>']).to_owned()),
        unsubscribe: headers.get("list-unsubscribe").map(bracketed).unwrap_or_default(),
        one_click: headers
            .get("list-unsubscribe-post")
            .is_some_and(|text| text.replace(' ', "").eq_ignore_ascii_case("List-Unsubscribe=One-Click")),
        signatures: signatures.collect(),
    })
}

/// What stands between angle brackets (RFC 2369); a long one may have been folded.
fn bracketed(text: &str) -> Vec<String> {
    let between = |part: &str| part.split_once('>').map(|(address, _)| address.replace([' ', '\t'], ""));
    text.split('<').skip(1).filter_map(between).collect()
}

fn signature(text: &str, verdicts: Option<&[(String, bool)]>) -> Option<Signature> {
    let tag = |wanted: &str| {
        let tags = text.split(';').filter_map(|tag| tag.split_once('='));
        tags.map(|(name, value)| (name.trim(), value.split_whitespace().collect::<String>().to_ascii_lowercase()))
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| value)
    };
    let domain = tag("d").filter(|domain| !domain.is_empty())?;
    let headers = tag("h").unwrap_or_default().split(':').map(str::to_owned).collect();
    let of_it = |(of, _): &&(String, bool)| *of == domain || of.ends_with(&format!(".{domain}"));
    let holds = verdicts.map(|found| found.iter().filter(of_it).any(|(_, pass)| *pass));
    Some(Signature { domain, selector: tag("s").unwrap_or_default(), headers, holds })
}

/// Of each domain that the receiver looked at a signature of, whether it is good. `None` where it wrote nothing down.
fn verdicts(headers: &Fields, receiver: &str) -> Option<Vec<(String, bool)>> {
    // The receiver's own is the uppermost.
    let text = headers.get("authentication-results")?.to_ascii_lowercase();
    let (name, rest) = text.split_once(';')?;
    if name.split_whitespace().next() != Some(receiver) {
        return None;
    }
    let found = rest.split(';').filter_map(|part| {
        let result = part.trim().strip_prefix("dkim=")?;
        let of = ["header.i=", "header.d="].iter().find_map(|name| result.split_once(name))?.1;
        let of = of.split_whitespace().next()?;
        Some((of.rsplit('@').next()?.to_owned(), result.split_whitespace().next() == Some("pass")))
    });
    Some(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: &str = "Received: from relay.test by inbound-smtp.example\r\n\
        Authentication-Results: receiver.example;\r\n spf=pass client-ip=192.0.2.1;\r\n dkim=pass header.i=@firm.test;\r\n \
        dkim=fail header.i=@relay.test;\r\n dmarc=pass header.from=firm.test;\r\n\
        DKIM-Signature: v=1; a=rsa-sha256; d=Firm.test; s=a;\r\n h=From:To:List-Unsubscribe:\r\n List-Unsubscribe-Post; b=AAAA\r\n BBBB\r\n\
        DKIM-Signature: v=1; d=relay.test; h=from; b=x\r\nFrom: =?utf-8?q?Zo=C3=A9?= <zoe@firm.test>\r\n\
        Message-ID: <check@firm.test>\r\nList-Unsubscribe: <https://x.test/u/\r\n abc>, <mailto:x@firm.test>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nText\r\n";

    #[test]
    fn what_is_left_is_read_and_signatures_hold_as_the_receiver_says() {
        let own = read(SIGNED.as_bytes(), "receiver.example").unwrap();
        assert_eq!(own.from.unwrap().expose(), "zoe@firm.test");
        assert_eq!(own.message_id.as_deref(), Some("check@firm.test"));
        assert_eq!(own.unsubscribe, ["https://x.test/u/abc", "mailto:x@firm.test"]);
        assert!(own.one_click);
        let [ours, relays] = &own.signatures[..] else { panic!("{:?}", own.signatures) };
        assert_eq!((ours.domain.as_str(), ours.selector.as_str(), ours.holds), ("firm.test", "a", Some(true)));
        assert_eq!(ours.headers, ["from", "to", "list-unsubscribe", "list-unsubscribe-post"]);
        assert_eq!((relays.selector.as_str(), relays.holds), ("", Some(false)));
    }

    #[test]
    fn what_somebody_else_says_of_a_signature_says_nothing() {
        let own = read(SIGNED.as_bytes(), "another.example").unwrap();
        assert!(own.signatures.iter().all(|signature| signature.holds.is_none()));
        let forged = SIGNED.replacen(
            "Received:",
            "Authentication-Results: relay.test; dkim=pass header.i=@relay.test\r\nReceived:",
            1,
        );
        assert!(read(forged.as_bytes(), "receiver.example").unwrap().signatures.iter().all(|s| s.holds.is_none()));
    }

    #[test]
    fn what_is_gone_is_gone() {
        let own = read(b"From: nobody\r\nDKIM-Signature: v=1; h=from\r\n\r\nText\r\n", "r").unwrap();
        assert_eq!((own.from, own.message_id, own.one_click), (None, None, false));
        assert!(own.unsubscribe.is_empty() && own.signatures.is_empty());
        assert_eq!(read(b"", "r"), None);
    }
}
