use domain::clicks::Recorded;
use domain::prospect::SourceKind;
use mail_parser::{MessageParser, MimeHeaders as _};

use super::*;
use crate::campaign::CampaignTemplate;
use crate::template::Person;

pub(super) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(super) fn sender() -> SenderIdentity {
    SenderIdentity {
        company: "Ateliers Érable".into(),
        legal_form: Some("SAS".into()),
        registration_number: "123 456 789".into(),
        address: "12 rue de l’Exemple\r\n69001 Lyon".into(),
        country: "France".into(),
        contact_email: address("contact@example.com"),
        phone: Some("+33 4 00 00 00 00".into()),
        website: Some("https://example.com".into()),
        from_name: "Zoé d’Ateliers Érable".into(),
        from_email: address("zoe@example.com"),
        reply_to: Some(address("reponses@example.com")),
    }
}

pub(super) fn source() -> Source {
    Source {
        kind: SourceKind::TradeFair,
        detail: "Salon des Exemples 2026, liste des exposants".into(),
        collected_on: jiff::civil::date(2026, 3, 1),
    }
}

pub(super) const UNSUBSCRIBE: &str = "https://prospectra.test/u/AbCdEf0123456789_-AbCdEf0123456789";
pub(super) const PRIVACY: &str = "https://prospectra.test/legal/prospects-privacy";
pub(super) const RIGHTS: &str = "https://prospectra.test/rights?lang=fr";

pub(super) fn notice<'a>() -> Notice<'a> {
    Notice {
        purpose: "Présenter notre offre de menuiserie aux architectes.",
        lawful_basis: LawfulBasis::LegitimateInterest,
        interest: Some("faire connaître une offre liée à votre métier."),
        retention_months: 36,
        information: "Nous ne conservons\nque l’essentiel.",
    }
}

/// Calls `f` with a campaign mail in `locale`.
pub(super) fn with_mail<T>(rendered: &Rendered, locale: Locale, f: impl FnOnce(CampaignMail<'_>) -> T) -> T {
    let (sender, to, source) = (sender(), address("elodie@example.org"), source());
    f(CampaignMail {
        sender: &sender,
        reply_to: sender.reply_to.as_ref(),
        to: &to,
        to_name: Some("Élodie Martin"),
        rendered,
        locale,
        unsubscribe_url: UNSUBSCRIBE,
        prospects_privacy_url: PRIVACY,
        rights_url: RIGHTS,
        recorded: None,
        source: &source,
        first_message: Some(notice()),
        message_id: "dlv_0001@example.com",
        thread: &[],
        date: "2026-04-05T06:07:08Z".parse().unwrap(),
        list_id: "ws_1.lists.prospectra.test",
        feedback_id: Some("cmp_1:ws_1:campaign:prospectra"),
        smtputf8: false,
        test: false,
    })
}

fn rendered() -> Rendered {
    let text = "Bonjour {{ first_name | default: \"Madame, Monsieur\" }},\n\nUne question sur {{ company }} : \
                avez-vous cinq minutes ? Tout est là : https://example.com/offre\n\nZoé";
    CampaignTemplate::parse("Une question à propos de {{ company }}", text, None)
        .unwrap()
        .render(&Person { first_name: Some("Élodie"), company: Some("R&D Conseil"), ..Person::default() })
        .unwrap()
}

fn raw(message: &Message) -> String {
    String::from_utf8(message.bytes.clone()).unwrap()
}

#[test]
fn a59_a62_a69_the_whole_message_in_french() {
    let message = with_mail(&rendered(), Locale::Fr, |mail| compose(&mail).unwrap());
    insta::assert_snapshot!(raw(&message));
}

#[test]
fn a59_a62_a69_the_whole_message_in_english() {
    let message = with_mail(&rendered(), Locale::En, |mail| compose(&mail).unwrap());
    insta::assert_snapshot!(raw(&message));
}

#[test]
fn a69_what_a_mailbox_shows_in_both_languages() {
    for locale in Locale::ALL {
        let shown = with_mail(&rendered(), locale, |mail| preview(&mail).unwrap());
        insta::assert_snapshot!(format!("preview_text_{}", locale.tag()), shown.text);
        insta::assert_snapshot!(format!("preview_html_{}", locale.tag()), shown.html);
    }
}

#[test]
fn a69_the_notice_is_in_the_first_message_only_and_the_rest_in_all() {
    for locale in Locale::ALL {
        let later =
            with_mail(&rendered(), locale, |mail| preview(&CampaignMail { first_message: None, ..mail }).unwrap());
        for part in [&later.text, &later.html] {
            assert!(!part.contains("14"), "no notice the second time");
            assert!(part.contains(UNSUBSCRIBE) && part.contains(PRIVACY) && part.contains(RIGHTS));
            assert!(part.contains("123 456 789") && part.contains("contact@example.com"));
            assert!(part.contains("Salon des Exemples 2026"));
        }
    }
}

#[test]
fn a45_the_footer_says_what_is_recorded_and_how_that_ends() {
    const WITHDRAW: &str = "https://prospectra.test/consent/abc";
    for (clicks, opens, fr, en) in [
        (
            true,
            false,
            "enregistre les clics sur les liens de ce message.",
            "records clicks on the links of this message.",
        ),
        (false, true, "enregistre si vous ouvrez ce message.", "records whether you open this message."),
        (
            true,
            true,
            "enregistre si vous ouvrez ce message, et les clics sur ses liens.",
            "records whether you open this message, and clicks on its links.",
        ),
    ] {
        for (locale, said) in [(Locale::Fr, fr), (Locale::En, en)] {
            let recorded = Some((Recorded { clicks, opens }, WITHDRAW));
            let shown = with_mail(&rendered(), locale, |mail| preview(&CampaignMail { recorded, ..mail }).unwrap());
            for part in [&shown.text, &shown.html] {
                assert!(part.contains(said) && part.contains(WITHDRAW) && part.contains("6.1.a"), "{part}");
            }
        }
    }
}

#[test]
fn headers_say_how_to_stop_and_nothing_tracks() {
    let message = with_mail(&rendered(), Locale::Fr, |mail| compose(&mail).unwrap());
    let parsed = MessageParser::default().parse(&message.bytes).unwrap();
    let header = |name: &str| parsed.header_raw(name).unwrap_or_default().trim().to_owned();
    assert_eq!(header("List-Unsubscribe"), format!("<{UNSUBSCRIBE}>"));
    assert_eq!(header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(header("List-Id"), "<ws_1.lists.prospectra.test>");
    assert_eq!(header("Feedback-ID"), "cmp_1:ws_1:campaign:prospectra");
    assert_eq!(header("Auto-Submitted"), "", "a campaign is written by people");
    assert_eq!(header("Message-ID"), "<dlv_0001@example.com>");
    assert_eq!(parsed.subject(), Some("Une question à propos de R&D Conseil"));
    assert_eq!(parsed.from().unwrap().first().unwrap().name(), Some("Zoé d’Ateliers Érable"));
    assert_eq!(parsed.to().unwrap().first().unwrap().name(), Some("Élodie Martin"));
    assert_eq!(parsed.to().unwrap().first().unwrap().address(), Some("elodie@example.org"));
    assert_eq!(parsed.reply_to().unwrap().first().unwrap().address(), Some("reponses@example.com"));
    assert_eq!(parsed.date().unwrap().to_timestamp(), 1_775_369_228);
    assert_eq!(parsed.content_type().unwrap().subtype(), Some("alternative"));
    let html = parsed.body_html(0).unwrap();
    assert!(!html.contains("<img") && !html.contains("url("));
    assert!(html.contains("href=\"https://example.com/offre\""), "links are left as they are");
}

#[test]
fn the_same_mail_gives_the_same_bytes() {
    let twice = [(); 2].map(|()| with_mail(&rendered(), Locale::Fr, |mail| compose(&mail).unwrap()));
    assert_eq!(twice[0], twice[1]);
}

#[test]
fn domains_are_punycode_and_other_local_parts_need_smtputf8() {
    let to = address("info@société.example");
    let message = with_mail(&rendered(), Locale::Fr, |mail| compose(&CampaignMail { to: &to, ..mail }).unwrap());
    assert!(raw(&message).contains("<info@xn--socit-esab.example>"));
    let to = address("élodie@example.org");
    with_mail(&rendered(), Locale::Fr, |mail| {
        let mail = CampaignMail { to: &to, ..mail };
        assert_eq!(compose(&mail), Err(ComposeError::NeedsSmtpUtf8));
        let message = compose(&CampaignMail { smtputf8: true, ..mail }).unwrap();
        assert!(raw(&message).contains("<élodie@example.org>"));
    });
}

#[test]
fn nothing_can_add_a_header() {
    let evil = "x\r\nBcc: victim@example.org\r\n\r\nbody";
    let mut sender = sender();
    sender.from_name = evil.into();
    sender.company = evil.into();
    let mut source = source();
    source.detail = evil.into();
    let rendered = Rendered { subject: evil.into(), ..rendered() };
    with_mail(&rendered, Locale::Fr, |mail| {
        let mail = CampaignMail { sender: &sender, source: &source, to_name: Some(evil), ..mail };
        let message = compose(&mail).unwrap();
        let parsed = MessageParser::default().parse(&message.bytes).unwrap();
        assert!(parsed.bcc().is_none());
        assert_eq!(parsed.headers().len(), 13, "{:?}", raw(&message));
        for wrong in ["a\r\nb@example.com", "a b@example.com", "", "a@b>\0"] {
            assert_eq!(
                compose(&CampaignMail { message_id: wrong, ..mail }),
                Err(ComposeError::UnsafeHeader("Message-ID"))
            );
            assert_eq!(compose(&CampaignMail { list_id: wrong, ..mail }), Err(ComposeError::UnsafeHeader("List-Id")));
            let thread = [wrong.to_owned()];
            assert_eq!(
                compose(&CampaignMail { thread: &thread, ..mail }),
                Err(ComposeError::UnsafeHeader("References"))
            );
            assert_eq!(
                compose(&CampaignMail { feedback_id: Some(wrong), ..mail }),
                Err(ComposeError::UnsafeHeader("Feedback-ID"))
            );
        }
        for wrong in [
            "http://prospectra.test/u/x",
            "https://",
            "https://a.test/>\r\nBcc: x",
            "javascript:x",
            "http://localhost.evil.test/",
        ] {
            assert_eq!(
                compose(&CampaignMail { unsubscribe_url: wrong, ..mail }),
                Err(ComposeError::UnsafeLink("unsubscribe"))
            );
            assert_eq!(
                compose(&CampaignMail { prospects_privacy_url: wrong, ..mail }),
                Err(ComposeError::UnsafeLink("privacy"))
            );
        }
        assert!(compose(&CampaignMail { unsubscribe_url: "http://127.0.0.1:3000/u/x", ..mail }).is_ok());
    });
}

#[test]
fn a_message_whose_footer_would_be_cut_off_is_not_sent() {
    let rendered = Rendered { html: format!("<p>{}</p>", "x".repeat(97_000)), ..rendered() };
    with_mail(&rendered, Locale::Fr, |mail| {
        assert_eq!(compose(&mail), Err(ComposeError::TooLong));
    });
}

#[test]
fn a_sender_without_a_name_shows_its_address() {
    let sender = SenderIdentity { from_name: " \r\n".into(), ..sender() };
    with_mail(&rendered(), Locale::Fr, |mail| {
        let message = compose(&CampaignMail { sender: &sender, ..mail }).unwrap();
        assert!(raw(&message).starts_with("From: <zoe@example.com>\r\n"));
    });
}

#[test]
fn a_test_says_that_it_is_one() {
    let shown = with_mail(&rendered(), Locale::En, |mail| preview(&CampaignMail { test: true, ..mail }).unwrap());
    assert_eq!(shown.subject, "[Test] Une question à propos de R&D Conseil");
}

#[test]
fn a_boundary_is_never_in_a_part() {
    let plain = with_mail(&rendered(), Locale::Fr, |mail| raw(&compose(&mail).unwrap()));
    let boundary = plain.split("boundary=").nth(1).unwrap().split("\r\n").next().unwrap().trim_matches('"').to_owned();
    let text = format!("--{boundary}--\nhidden?");
    let message = with_mail(&Rendered { text, ..rendered() }, Locale::Fr, |mail| compose(&mail).unwrap());
    let parsed = MessageParser::default().parse(&message.bytes).unwrap();
    assert!(parsed.body_text(0).unwrap().contains(UNSUBSCRIBE));
    assert!(parsed.body_html(0).unwrap().contains(UNSUBSCRIBE));
}

#[test]
fn a_reply_names_every_message_of_its_thread_on_lines_that_are_not_too_long() {
    let thread: Vec<String> = (0..15)
        .map(|n| format!("0102018f2d5c1e{n:02}-6a1f5b0b-1f9b-4a9e-9a7b-0b9a0b0a0b0a-000000@eu-west-3.amazonses.com"))
        .collect();
    let message =
        with_mail(&rendered(), Locale::En, |mail| compose(&CampaignMail { thread: &thread, ..mail }).unwrap());
    assert!(raw(&message).lines().all(|line| line.len() <= 998));
    let parsed = MessageParser::default().parse(&message.bytes).unwrap();
    assert_eq!(parsed.in_reply_to().as_text(), Some(thread[14].as_str()));
    let references: Vec<_> = parsed.references().as_text_list().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(references, thread);
    let first = with_mail(&rendered(), Locale::En, |mail| compose(&mail).unwrap());
    assert!(!raw(&first).contains("In-Reply-To") && !raw(&first).contains("References"));
}
