use super::*;

fn these(texts: &[&str]) -> Found<Vec<String>> {
    Found::These(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn facts() -> Facts {
    Facts {
        domain: "example.com".into(),
        mx: these(&["mx.example.com"]),
        address: Found::These(()),
        texts: these(&["google-site-verification=x", "v=spf1 include:amazonses.com ~all"]),
        dmarc: these(&["v=DMARC1; p=reject"]),
        organisation: None,
        dkim: vec![("s1".into(), these(&[&format!("v=DKIM1; k=rsa; p={}", "A".repeat(392))]))],
        guessed: Vec::new(),
        relay: None,
        listed: Vec::new(),
        contact: "contact@example.com".into(),
    }
}

fn codes(facts: &Facts) -> Vec<&'static str> {
    judge(facts).into_iter().map(|finding| finding.code).collect()
}

fn through_relay(record: &str, names: Found<Vec<String>>) -> Facts {
    let addresses = Found::These(vec![("192.0.2.7".parse().unwrap(), names)]);
    Facts { texts: these(&[record]), relay: Some(Relay { host: "smtp.example.net".into(), addresses }), ..facts() }
}

#[test]
fn a_domain_in_order_has_nothing_to_say() {
    assert!(codes(&facts()).is_empty(), "{:?}", judge(&facts()));
    let named = these(&["smtp.example.net"]);
    assert!(codes(&through_relay("v=spf1 ip4:192.0.2.0/24 -all", named)).is_empty());
}

#[test]
fn what_is_missing_comes_with_the_record_to_publish() {
    for (facts, code, name, kind, value) in [
        (
            Facts { texts: Found::Nothing, ..facts() },
            "spf_missing",
            "example.com",
            "TXT",
            "v=spf1 include:amazonses.com ~all",
        ),
        (
            Facts { dmarc: Found::Nothing, ..facts() },
            "dmarc_missing",
            "_dmarc.example.com",
            "TXT",
            "v=DMARC1; p=none; rua=mailto:contact@example.com",
        ),
        (
            Facts { dkim: vec![("s1".into(), Found::Nothing)], ..facts() },
            "dkim_missing",
            "s1._domainkey.example.com",
            "CNAME",
            "s1.dkim.amazonses.com",
        ),
        (Facts { mx: Found::Nothing, ..facts() }, "no_mx", "example.com", "MX", "10 mail.example.com"),
        (
            Facts { texts: these(&["v=spf1 mx -all"]), ..facts() },
            "spf_without_channel",
            "example.com",
            "TXT",
            "v=spf1 include:amazonses.com mx -all",
        ),
        (
            through_relay("v=spf1 ip4:192.0.2.7 -all", Found::Nothing),
            "relay_without_name",
            "7.2.0.192.in-addr.arpa",
            "PTR",
            "smtp.example.net",
        ),
        (
            through_relay("v=spf1 ip4:198.51.100.0/24 -all", these(&["x"])),
            "spf_without_channel",
            "example.com",
            "TXT",
            "v=spf1 ip4:192.0.2.7 ip4:198.51.100.0/24 -all",
        ),
    ] {
        let found = judge(&facts);
        let [finding] = &found[..] else { panic!("{code}: {found:?}") };
        assert_eq!((finding.code, finding.level), (code, Level::Warning));
        let expected = Publish { name: name.into(), kind, value: value.into() };
        assert_eq!(finding.publish.as_ref(), Some(&expected));
    }
}

#[test]
fn what_receivers_refuse_is_an_error() {
    let nobody = Facts { mx: Found::Nothing, address: Found::Nothing, ..facts() };
    let mute = Facts { mx: these(&[""]), ..facts() };
    let twice =
        Facts { texts: these(&["v=spf1 include:amazonses.com -all", "v=spf1 include:amazonses.com -all"]), ..facts() };
    let long = format!("v=spf1 {} -all", "include:a.example ".repeat(11));
    let long = Facts { texts: these(&[&long]), ..facts() };
    let several = Facts { dmarc: these(&["v=DMARC1; p=none", "v=DMARC1; p=none"]), ..facts() };
    let none = Facts { dmarc: these(&["v=DMARC1; p=maybe"]), ..facts() };
    let bare =
        Facts { dmarc: Found::Nothing, dkim: Vec::new(), texts: Found::Nothing, ..through_relay("", these(&["x"])) };
    for (facts, code) in [
        (nobody, "no_such_domain"),
        (mute, "takes_no_mail"),
        (twice, "spf_several"),
        (long, "spf_too_long"),
        (several, "dmarc_several"),
        (none, "dmarc_unreadable"),
        (bare, "unauthenticated"),
    ] {
        let first = judge(&facts).remove(0);
        assert_eq!((first.code, first.level), (code, Level::Error));
    }
}

#[test]
fn who_is_on_a_list_is_told_by_which_and_why() {
    let entry = |reason: Option<&str>| Listing {
        zone: "list.example".into(),
        what: "192.0.2.7".into(),
        reason: reason.map(Into::into),
    };
    let found = judge(&Facts { listed: vec![entry(Some("open relay")), entry(None)], ..facts() });
    let [first, second] = &found[..] else { panic!("{found:?}") };
    assert_eq!((first.code, first.level), ("blocklisted", Level::Warning));
    assert!(first.message.starts_with("192.0.2.7 is on the blocklist list.example (open relay): "));
    assert!(second.message.starts_with("192.0.2.7 is on the blocklist list.example: "));
}

#[test]
fn the_organisations_policy_counts_for_what_is_below_it() {
    let below = |texts| Facts {
        dmarc: Found::Nothing,
        organisation: Some(("example.com".into(), texts)),
        domain: "news.example.com".into(),
        ..facts()
    };
    assert!(codes(&below(these(&["v=DMARC1; p=reject"]))).is_empty());
    assert_eq!(codes(&below(Found::Nothing)), ["dmarc_missing"]);
    assert_eq!(codes(&below(these(&["v=DMARC1; p=none"]))), ["dmarc_none"]);
}

#[test]
fn what_could_not_be_looked_up_is_held_against_nobody() {
    let dark = Facts {
        mx: Found::Unknown,
        address: Found::Unknown,
        texts: Found::Unknown,
        dmarc: Found::Unknown,
        dkim: vec![("s1".into(), Found::Unknown)],
        ..facts()
    };
    assert_eq!(codes(&dark), ["not_looked_up"]);
    assert_eq!(codes(&Facts { dkim: Vec::new(), ..facts() }), ["dkim_not_looked_up"]);
}

#[test]
fn what_a_bulk_sender_must_have_refuses_its_launch() {
    for (facts, code, record) in [
        (Facts { texts: Found::Nothing, ..facts() }, "spf_missing", "v=spf1 include:amazonses.com ~all"),
        (
            Facts { texts: these(&["v=spf1 mx -all"]), ..facts() },
            "spf_without_channel",
            "v=spf1 include:amazonses.com mx -all",
        ),
        (
            Facts { dmarc: Found::Nothing, ..facts() },
            "dmarc_missing",
            "v=DMARC1; p=none; rua=mailto:contact@example.com",
        ),
        (Facts { dkim: vec![("s1".into(), Found::Nothing)], ..facts() }, "dkim_missing", "s1.dkim.amazonses.com"),
    ] {
        let [finding] = &judge(&facts)[..] else { panic!("{code}") };
        assert_eq!((finding.code, finding.level), (code, Level::Warning));
        let raised = finding.clone().in_bulk();
        assert_eq!(raised.level, Level::Error, "{code}");
        assert!(raised.message.starts_with(&finding.message) && raised.message.contains("5,000"), "{}", raised.message);
        assert_eq!(raised.publish.unwrap().value, record);
    }
    let [note] = &judge(&Facts { dmarc: these(&["v=DMARC1; p=none"]), ..facts() })[..] else { panic!("one finding") };
    assert_eq!(note.clone().in_bulk(), *note);
}

#[test]
fn a_key_under_a_usual_selector_counts_where_none_was_named() {
    let whole = these(&[&format!("v=DKIM1; k=rsa; p={}", "A".repeat(392))]);
    let with = |guessed: Vec<(&str, Found<Vec<String>>)>| {
        let guessed = guessed.into_iter().map(|(name, texts)| (name.to_owned(), texts)).collect();
        Facts { dkim: Vec::new(), guessed, ..facts() }
    };
    assert_eq!(codes(&with(vec![("google", whole.clone()), ("s1", Found::Nothing)])), ["dkim_guessed"]);
    let said = judge(&with(vec![("google", whole.clone()), ("s1", whole)])).remove(0);
    assert!(
        said.message.contains("(google, s1)") && said.message.contains("/v1/channels/{id}/check"),
        "{}",
        said.message
    );
    let useless = [these(&["v=DKIM1; p="]), these(&["v=DKIM1; p=AAAA"]), these(&["hello"]), Found::Unknown];
    for texts in useless {
        assert_eq!(codes(&with(vec![("google", texts)])), ["dkim_not_looked_up"]);
    }
}
