//! What holds for any bytes: no panic, valid addresses, bounded answers.

use domain::email::EmailAddress;
use proptest::prelude::*;

use crate::limits::{RECIPIENTS, SAID};
use crate::{Inbound, Kind, read};

fn addresses(mail: &Inbound) -> Vec<&EmailAddress> {
    let mut found: Vec<&EmailAddress> = mail.original.recipient.iter().collect();
    match &mail.kind {
        Kind::Bounce(failures) | Kind::Delay(failures) => {
            found.extend(failures.iter().map(|failure| &failure.address));
            found.extend(failures.iter().filter_map(|failure| failure.evidence.original_recipient.as_ref()));
        }
        Kind::Complaint(complaint) => found.extend(&complaint.recipients),
        Kind::AutoReply(_) | Kind::Reply(_) | Kind::Other => {}
    }
    found
}

fn check(mail: &Inbound) {
    let addresses = addresses(mail);
    assert!(addresses.len() <= 2 * RECIPIENTS + 1);
    for address in addresses {
        assert_eq!(EmailAddress::parse(address.expose()).as_ref(), Ok(address));
    }
    if let Kind::Bounce(failures) | Kind::Delay(failures) = &mail.kind {
        for failure in failures {
            assert!(failure.evidence.said.as_ref().is_none_or(|said| said.expose().len() <= SAID));
            assert!(!failure.is_hard() || failure.cause.class() == crate::Class::Hard);
        }
    }
    if let Kind::Delay(failures) = &mail.kind {
        assert!(failures.iter().all(|failure| !failure.is_hard()));
    }
}

/// Pieces of mails that reports are made of, in any order.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("From: MAILER-DAEMON@example.org\n".to_owned()),
        Just("Subject: Undelivered Mail Returned to Sender\n".to_owned()),
        Just("X-Failed-Recipients: ada@example.com\n".to_owned()),
        Just("Content-Type: multipart/report; boundary=b\n".to_owned()),
        Just("Content-Type: message/delivery-status\n".to_owned()),
        Just("Content-Type: message/feedback-report\n".to_owned()),
        Just("Content-Type: message/rfc822\n".to_owned()),
        Just("Content-Transfer-Encoding: base64\n".to_owned()),
        Just("\n".to_owned()),
        Just("--b\n".to_owned()),
        Just("--b--\n".to_owned()),
        Just("Final-Recipient: rfc822; ada@example.com\nAction: failed\nStatus: 5.1.1\n".to_owned()),
        Just("Action: delayed\n".to_owned()),
        Just("Feedback-Type: abuse\n".to_owned()),
        Just("<bob@example.com>: 550 5.1.1 User unknown\n".to_owned()),
        Just("----- Original message -----\n".to_owned()),
        Just("{\"notificationType\":\"Bounce\",\"bounce\":{\"bouncedRecipients\":[{}]}}".to_owned()),
        ".{0,40}",
        "[ -~]{0,80}\n",
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..2048)) {
        check(&read(&raw));
    }

    #[test]
    fn any_order_of_what_reports_are_made_of_is_read(pieces in proptest::collection::vec(piece(), 0..40)) {
        check(&read(pieces.concat().as_bytes()));
    }

    #[test]
    fn any_mail_cut_short_is_read(index in 0..crate::tests::MAILS.len(), share in 0.0..1.0f64) {
        let (_, raw) = crate::tests::MAILS[index];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length is a length")]
        let end = (raw.len() as f64 * share) as usize;
        check(&read(&raw[..end]));
    }

    #[test]
    fn line_ends_change_nothing(index in 0..crate::tests::MAILS.len()) {
        let (name, raw) = crate::tests::MAILS[index];
        let crlf = String::from_utf8_lossy(raw).replace('\n', "\r\n");
        prop_assert_eq!(read(crlf.as_bytes()).kind, read(raw).kind, "{}", name);
    }
}

/// Mails that are made to cost time. Each takes a tenth of a second; what grows with the square takes minutes.
#[test]
fn no_mail_takes_long() {
    let report = "From: MAILER-DAEMON@example.org\nSubject: Undelivered Mail Returned to Sender\n\n";
    let fill = |text: &str| format!("{report}{}", text.repeat(512 * 1024 / text.len()));
    let answer = |text: &str| format!("Subject: Re: x\n\n{}", text.repeat(512 * 1024 / text.len()));
    let people: String = (0..20_000).map(|number| format!("<u{number}@example.com>:\n550 no\n\n")).collect();
    let mails = [
        fill("@"),
        fill("a@example.com "),
        fill("mailbox account user recipient "),
        fill("550 "),
        fill("x\n\n"),
        fill("a: b\n\n"),
        fill("Final-Recipient: rfc822; ada@example.com\n"),
        fill("on monday somebody was here\n"),
        format!("{report}{people}"),
        answer("stop the "),
        answer("remove me from the "),
        answer("retirez moi des "),
        answer("On 26 Nov 2026 a@example.com\n"),
        answer("From: a\n"),
        answer("> a\n\nb\n"),
        answer("'stop "),
        format!("Content-Type: text/html\n{}", answer("<blockquote><div>")),
        "Content-Type: message/rfc822\n\n".repeat(20_000),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\nContent-Type: multipart/mixed; boundary=c\n\n".repeat(10_000)
        ),
    ];
    for mail in &mails {
        let started = std::time::Instant::now();
        check(&read(mail.as_bytes()));
        let head: String = mail.chars().rev().take(40).collect();
        assert!(started.elapsed().as_secs() < 5, "{:?} for …{head:?}, backwards", started.elapsed());
    }
}
