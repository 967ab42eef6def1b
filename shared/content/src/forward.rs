//! A mail that came in, passed on: what somebody wrote and attached, byte for byte, under new headers.
//!
//! It comes from the service, because nobody may write in another's name (DMARC); an answer to it goes to whoever wrote.
//! Where it was taken as an opt-out a line before it says so.

use domain::{email::EmailAddress, locale::Locale};
use jiff::Timestamp;
use mail_builder::{
    MessageBuilder,
    headers::{Header as _, address::Address, content_type::ContentType, date::Date, raw::Raw, text::Text},
    mime::MimePart,
};
use mail_parser::{HeaderName, MessageParser};

use crate::mime::{ComposeError, Message, ascii_value, one_line};

/// A mail to pass on.
#[derive(Clone, Copy)]
pub struct Forward<'a> {
    /// The mail as it came in.
    pub raw: &'a [u8],
    /// The service's own address.
    pub from: &'a EmailAddress,
    /// Who gets it.
    pub to: &'a EmailAddress,
    /// What it is called from now on, without brackets.
    pub message_id: &'a str,
    /// When it is passed on.
    pub date: Timestamp,
    /// The language of whoever gets it.
    pub locale: Locale,
    /// Whether it was taken as a wish for no more messages.
    pub opted_out: bool,
}

/// Headers that say how the body is to be read: they stay with it.
const OF_THE_BODY: [HeaderName<'static>; 4] = [
    HeaderName::ContentType,
    HeaderName::ContentTransferEncoding,
    HeaderName::ContentDisposition,
    HeaderName::MimeVersion,
];

/// Writes it. `None` for bytes that are no mail.
///
/// # Errors
/// A Message-ID that cannot be written, see [`ComposeError`].
pub fn compose(mail: &Forward<'_>) -> Result<Option<Message>, ComposeError> {
    let message_id = ascii_value("Message-ID", mail.message_id, "@.-_")?;
    let Some(parsed) = MessageParser::default().parse_headers(mail.raw) else { return Ok(None) };
    let Some(root) = parsed.parts.first() else { return Ok(None) };
    let author = parsed.reply_to().or_else(|| parsed.from()).and_then(|list| list.first());
    // What cannot be parsed as an address would not be one for whoever answers either.
    let address = author.and_then(|author| EmailAddress::parse(author.address()?).ok());
    let address = address.as_ref();
    let name = parsed.from().and_then(|list| list.first()).and_then(|from| from.name()).map(one_line);
    let name = name.filter(|name| !name.is_empty());
    let words = words(mail.locale);
    let shown = name.as_deref().or(address.map(EmailAddress::expose)).unwrap_or(words.nobody);
    let subject = parsed.subject().map(one_line).filter(|subject| !subject.trim().is_empty());
    let mut head = MessageBuilder::new()
        .from(Address::new_address(Some(format!("{shown} (Prospectra)")), mail.from.expose()))
        .to(Address::from(mail.to.expose()))
        .subject(Text::new(subject.unwrap_or_else(|| words.no_subject.into())))
        .date(Date::new(mail.date.as_second()))
        .message_id(message_id);
    if let Some(address) = address.filter(|address| address.is_ascii_local()) {
        head = head.reply_to(Address::new_address(name.as_deref(), address.expose()));
    }
    let mut bytes = Vec::with_capacity(mail.raw.len() + 1_024);
    for (header, value) in &head.headers {
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(b": ");
        value.write_header(&mut bytes, header.len() + 2);
    }
    // A machine that answers this mail answers the service, which would only pass it on again.
    bytes.extend_from_slice(b"X-Auto-Response-Suppress: ");
    Raw::new("All").write_header(&mut bytes, 26);
    // The mail is a part of another one then, so that not a byte of it changes.
    let boundary = mail.opted_out.then(|| boundary(message_id));
    if let Some(boundary) = &boundary {
        let encoding = if mail.raw.is_ascii() { "7bit" } else { "8bit" };
        let opening = format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\r\n--{boundary}\r\n"
        );
        bytes.extend_from_slice(opening.as_bytes());
        let plain = ContentType::new("text/plain").attribute("charset", "utf-8");
        MimePart::new(plain, words.opted_out).write_part(&mut bytes);
        bytes.extend_from_slice(format!("\r\n--{boundary}\r\n").as_bytes());
    }
    for header in root.headers.iter().filter(|header| OF_THE_BODY.contains(&header.name)) {
        bytes.extend_from_slice(slice(mail.raw, header.offset_field, header.offset_end));
        if !bytes.ends_with(b"\n") {
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body(mail.raw));
    if let Some(boundary) = boundary {
        bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    }
    Ok(Some(Message { bytes }))
}

/// What is said beside what somebody wrote.
struct Words {
    nobody: &'static str,
    no_subject: &'static str,
    opted_out: &'static str,
}

const fn words(locale: Locale) -> Words {
    match locale {
        Locale::Fr => Words {
            nobody: "Expéditeur inconnu",
            no_subject: "(sans objet)",
            opted_out: "Prospectra : cette réponse a été lue comme une demande de ne plus rien recevoir. La personne est désinscrite.\r\n",
        },
        Locale::En => Words {
            nobody: "Unknown sender",
            no_subject: "(no subject)",
            opted_out: "Prospectra: this answer was read as a wish for no more messages. The person is unsubscribed.\r\n",
        },
    }
}

/// A boundary that no mail contains that came in before its name was made.
fn boundary(message_id: &str) -> String {
    let name = message_id.chars().take_while(|c| *c != '@').filter(char::is_ascii_alphanumeric);
    format!("passed_on_{}", name.take(50).collect::<String>())
}

/// What comes after the first empty line.
fn body(raw: &[u8]) -> &[u8] {
    let ends = [b"\r\n\r\n".as_slice(), b"\n\n"];
    let after = |end: &&[u8]| raw.windows(end.len()).position(|at| at == *end).map(|at| at + end.len());
    ends.iter().filter_map(after).min().and_then(|at| raw.get(at..)).unwrap_or_default()
}

fn slice(raw: &[u8], from: u32, to: u32) -> &[u8] {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX).min(raw.len());
    raw.get(at(from)..at(to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use mail_parser::MimeHeaders as _;

    use super::*;

    fn passed_on(raw: &[u8]) -> Option<Vec<u8>> {
        passed_on_in(Locale::En, false, raw)
    }

    fn passed_on_in(locale: Locale, opted_out: bool, raw: &[u8]) -> Option<Vec<u8>> {
        let address = |text| EmailAddress::parse(text).unwrap();
        let (from, to) = (address("no-reply@operator.test"), address("camille@atelier.test"));
        let date = "2026-03-01T10:00:00Z".parse().unwrap();
        let mail = Forward { raw, from: &from, to: &to, message_id: "fwd_1@operator.test", date, locale, opted_out };
        compose(&mail).unwrap().map(|message| message.bytes)
    }

    const WITH_A_FILE: &str = "Received: from a by b\r\nFrom: =?utf-8?q?Zo=C3=A9?= <zoe@firm.test>\r\nTo: r1@in.test\r\n\
        Subject: =?utf-8?q?Re=3A_Votre_offre_=C3=A9crite?=\r\nMIME-Version: 1.0\r\nDKIM-Signature: v=1; d=firm.test\r\n\
        Content-Type: multipart/mixed;\r\n boundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
        Oui, volontiers.\r\n--x\r\nContent-Type: application/pdf; name=\"plan.pdf\"\r\n\
        Content-Disposition: attachment; filename=\"plan.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--\r\n";

    #[test]
    fn what_was_written_and_attached_arrives_and_an_answer_goes_to_whoever_wrote() {
        let bytes = passed_on(WITH_A_FILE.as_bytes()).unwrap();
        let mail = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(mail.from().and_then(|a| a.first()).and_then(|a| a.address()), Some("no-reply@operator.test"));
        assert_eq!(mail.from().and_then(|a| a.first()).and_then(|a| a.name()), Some("Zoé (Prospectra)"));
        assert_eq!(mail.to().and_then(|a| a.first()).and_then(|a| a.address()), Some("camille@atelier.test"));
        assert_eq!(mail.reply_to().and_then(|a| a.first()).and_then(|a| a.address()), Some("zoe@firm.test"));
        assert_eq!(mail.subject(), Some("Re: Votre offre écrite"));
        assert_eq!(mail.body_text(0).as_deref().map(str::trim), Some("Oui, volontiers."));
        let file = mail.attachment(0).unwrap();
        assert_eq!((file.attachment_name(), file.contents()), (Some("plan.pdf"), b"%PDF".as_slice()));
        assert!(mail.header("DKIM-Signature").is_none() && mail.header("Received").is_none());
    }

    #[test]
    fn an_opt_out_is_said_before_what_was_written_and_changes_nothing_of_it() {
        let plain = "From: zoe@firm.test\r\nSubject: Re: Votre offre\r\n\r\nDésinscrivez-moi.\r\n";
        for (locale, line) in
            [(Locale::Fr, "La personne est désinscrite."), (Locale::En, "The person is unsubscribed.")]
        {
            for (raw, written) in [(WITH_A_FILE, "Oui, volontiers."), (plain, "Désinscrivez-moi.")] {
                let bytes = passed_on_in(locale, true, raw.as_bytes()).unwrap();
                let mail = MessageParser::default().parse(&bytes).unwrap();
                assert!(
                    mail.body_text(0).is_some_and(|text| text.contains(line)),
                    "{}",
                    String::from_utf8_lossy(&bytes)
                );
                assert_eq!(mail.body_text(1).as_deref().map(str::trim), Some(written));
                let whole = body(raw.as_bytes());
                assert!(bytes.windows(whole.len()).any(|at| at == whole), "{}", String::from_utf8_lossy(&bytes));
                let said = passed_on_in(locale, false, raw.as_bytes()).unwrap();
                assert!(!String::from_utf8_lossy(&said).contains("Prospectra:"));
            }
        }
        let bytes = passed_on_in(Locale::Fr, true, WITH_A_FILE.as_bytes()).unwrap();
        let mail = MessageParser::default().parse(&bytes).unwrap();
        assert_eq!(mail.attachments().next().and_then(|file| file.attachment_name()), Some("plan.pdf"));
    }

    #[test]
    fn what_names_nobody_and_nothing_is_called_so() {
        for (locale, name, subject) in [
            (Locale::Fr, "Expéditeur inconnu (Prospectra)", "(sans objet)"),
            (Locale::En, "Unknown sender (Prospectra)", "(no subject)"),
        ] {
            for raw in ["Subject:  \r\n\r\nOui.", "X-Nothing: 1\r\n\r\nOui.", "From: \r\n\r\nOui."] {
                let bytes = passed_on_in(locale, false, raw.as_bytes()).unwrap();
                let mail = MessageParser::default().parse(&bytes).unwrap();
                assert_eq!(mail.from().and_then(|a| a.first()).and_then(|a| a.name()), Some(name), "{raw:?}");
                assert_eq!(mail.subject(), Some(subject), "{raw:?}");
                assert!(mail.body_text(0).is_some_and(|text| text.contains("Oui.")), "{raw:?}");
            }
        }
    }

    #[test]
    fn hostile_and_broken_mails_make_no_headers_of_their_own() {
        for raw in [
            "From: \"a\r\nBcc: x@evil.test\" <zoe@firm.test>\r\nSubject: a\r\n\r\nb",
            "From: zoe@firm.test\r\nSubject: =?utf-8?q?a=0D=0ABcc=3A_x=40evil.test?=\r\n\r\nb",
            "Subject: nobody wrote this\r\n\r\nb",
            "no header at all",
        ] {
            let Some(bytes) = passed_on(raw.as_bytes()) else { continue };
            let mail = MessageParser::default().parse(&bytes).unwrap();
            assert!(mail.bcc().is_none(), "{}", String::from_utf8_lossy(&bytes));
            assert!(mail.to().is_some(), "{raw}");
        }
        assert!(passed_on(b"").is_none());
    }
}
