use proptest::prelude::*;

use super::*;

const LONG_LABEL: &str = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk";

#[test]
fn accepts_what_rfc_5321_and_6531_accept() {
    let table = [
        // (as given, exposed, canonical)
        ("anne@example.com", "anne@example.com", "anne@example.com"),
        ("Anne.Martin@Example.COM", "Anne.Martin@example.com", "anne.martin@example.com"),
        (
            "a+tag/x=y!#$%&'*?^_`{|}~-@example.com",
            "a+tag/x=y!#$%&'*?^_`{|}~-@example.com",
            "a+tag/x=y!#$%&'*?^_`{|}~-@example.com",
        ),
        ("info@sub.sub.example.co.uk", "info@sub.sub.example.co.uk", "info@sub.sub.example.co.uk"),
        ("1@1.example.org", "1@1.example.org", "1@1.example.org"),
        ("\"Anne\"@example.com", "\"Anne\"@example.com", "anne@example.com"),
        ("\"anne martin\"@example.com", "\"anne martin\"@example.com", "\"anne martin\"@example.com"),
        ("\"a@b\"@example.com", "\"a@b\"@example.com", "\"a@b\"@example.com"),
        ("\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com", "\"a\\\"b\"@example.com"),
        ("anne@société.test", "anne@xn--socit-esab.test", "anne@xn--socit-esab.test"),
        ("anne@XN--SOCIT-ESAB.test", "anne@xn--socit-esab.test", "anne@xn--socit-esab.test"),
        ("Éloïse@example.com", "Éloïse@example.com", "éloïse@example.com"),
        ("用户@例子.test", "用户@xn--fsqu00a.test", "用户@xn--fsqu00a.test"),
        ("a@b--c.example.com", "a@b--c.example.com", "a@b--c.example.com"),
        ("a@example。com", "a@example.com", "a@example.com"),
    ];
    for (given, exposed, canonical) in table {
        let address = EmailAddress::parse(given).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(address.expose(), exposed);
        assert_eq!(address.canonical(), canonical);
    }
}

#[test]
fn refuses_the_rest_and_says_why() {
    let table = [
        ("", AddressError::MissingAt),
        ("anne", AddressError::MissingAt),
        ("@example.com", AddressError::EmptyLocal),
        ("\"\"@example.com", AddressError::EmptyLocal),
        ("anne@", AddressError::EmptyDomain),
        ("anne@@example.com", AddressError::InvalidDomain),
        ("anne@b@example.com", AddressError::InvalidDomain),
        (".anne@example.com", AddressError::InvalidLocal),
        ("anne.@example.com", AddressError::InvalidLocal),
        ("an..ne@example.com", AddressError::InvalidLocal),
        ("an ne@example.com", AddressError::InvalidLocal),
        (" anne@example.com", AddressError::InvalidLocal),
        ("anne@example.com ", AddressError::InvalidDomain),
        ("anne(comment)@example.com", AddressError::InvalidLocal),
        ("<anne@example.com>", AddressError::InvalidLocal),
        ("anne,bob@example.com", AddressError::InvalidLocal),
        ("\"anne@example.com", AddressError::MissingAt),
        ("\"an\"ne\"@example.com", AddressError::InvalidLocal),
        ("\"anne\\\"@example.com", AddressError::InvalidLocal),
        ("an\u{200B}ne@example.com", AddressError::InvalidLocal),
        ("an\u{202E}ne@example.com", AddressError::InvalidLocal),
        ("an\nne@example.com", AddressError::InvalidLocal),
        ("an\0ne@example.com", AddressError::InvalidLocal),
        ("anne@localhost", AddressError::SingleLabel),
        ("anne@example.", AddressError::InvalidDomain),
        ("anne@.example.com", AddressError::InvalidDomain),
        ("anne@example..com", AddressError::InvalidDomain),
        ("anne@-example.com", AddressError::InvalidDomain),
        ("anne@example-.com", AddressError::InvalidDomain),
        ("anne@exa_mple.com", AddressError::InvalidDomain),
        ("anne@exa mple.com", AddressError::InvalidDomain),
        ("anne@xn--zzzzzz9999.com", AddressError::InvalidDomain),
        ("anne@192.0.2.1", AddressError::NumericTld),
        ("anne@example.123", AddressError::NumericTld),
        ("anne@[192.0.2.1]", AddressError::AddressLiteral),
        ("anne@[IPv6:2001:db8::1]", AddressError::AddressLiteral),
    ];
    for (given, error) in table {
        assert_eq!(EmailAddress::parse(given), Err(error), "{given:?}");
    }
}

#[test]
fn lengths_are_counted_in_octets_at_the_boundary() {
    let local = "a".repeat(64);
    assert!(EmailAddress::parse(&format!("{local}@example.com")).is_ok());
    assert_eq!(EmailAddress::parse(&format!("a{local}@example.com")), Err(AddressError::LocalTooLong));
    assert_eq!(EmailAddress::parse(&format!("{}@example.com", "é".repeat(33))), Err(AddressError::LocalTooLong));
    assert!(EmailAddress::parse(&format!("a@{LONG_LABEL}.test")).is_ok());
    assert_eq!(EmailAddress::parse(&format!("a@x{LONG_LABEL}.test")), Err(AddressError::InvalidDomain));

    // Three labels of 63, then one that brings the whole to 254 octets.
    let head = format!("a@{LONG_LABEL}.{LONG_LABEL}.{LONG_LABEL}.");
    let fits = format!("{head}{}.test", "b".repeat(MAX_ADDRESS - head.len() - 5));
    assert_eq!(fits.len(), MAX_ADDRESS);
    assert!(EmailAddress::parse(&fits).is_ok());
    assert_eq!(EmailAddress::parse(&fits.replace("a@", "aa@")), Err(AddressError::TooLong));
}

#[test]
fn an_address_never_shows_in_debug_or_display() {
    let address = EmailAddress::parse("anne@example.com").expect("valid");
    assert_eq!(format!("{address} {address:?}"), "***@*** ***@***");
    assert_eq!(format!("{:?}", Some(&address)), "Some(***@***)");
}

#[test]
fn json_is_validated_and_errors_do_not_quote_it() {
    let address: EmailAddress = serde_json::from_str("\"Anne@Example.com\"").expect("valid");
    assert_eq!(serde_json::to_string(&address).expect("serialises"), "\"Anne@example.com\"");
    let error = serde_json::from_str::<EmailAddress>("\"secret name@example.com\"").expect_err("invalid");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn parts_are_available() {
    let address = EmailAddress::parse("Éloïse@Société.test").expect("valid");
    assert_eq!((address.local(), address.domain()), ("Éloïse", "xn--socit-esab.test"));
    assert!(!address.is_ascii_local());
    assert!(EmailAddress::parse("e@example.com").expect("valid").is_ascii_local());
}

proptest! {
    #[test]
    fn never_panics(text in any::<String>()) {
        let _ = EmailAddress::parse(&text);
    }

    #[test]
    fn never_panics_near_an_address(text in "[a-zA-Z0-9.@\"\\\\<> é\u{200B}-]{0,40}") {
        if let Ok(address) = EmailAddress::parse(&text) {
            prop_assert!(address.expose().len() <= MAX_ADDRESS);
            prop_assert!(address.domain().is_ascii());
        }
    }

    #[test]
    fn what_is_exposed_parses_to_itself(
        local in "[a-zA-Z0-9é]{1,10}(\\.[a-z0-9+_-]{1,8}){0,2}",
        domain in "([a-z0-9é]{1,10}\\.){1,3}[a-z]{2,6}",
    ) {
        if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
            let again = EmailAddress::parse(address.expose()).expect("still valid");
            prop_assert_eq!(&again, &address);
            let canonical = EmailAddress::parse(&address.canonical()).expect("still valid");
            prop_assert_eq!(canonical.canonical(), address.canonical());
        }
    }

    #[test]
    fn case_never_makes_two_people(local in "[a-z]{1,10}", domain in "[a-z]{1,10}\\.(com|fr|test)") {
        let lower = EmailAddress::parse(&format!("{local}@{domain}")).expect("valid");
        let upper = EmailAddress::parse(&format!("{}@{}", local.to_uppercase(), domain.to_uppercase())).expect("valid");
        prop_assert_eq!(lower.canonical(), upper.canonical());
    }
}

#[test]
fn a_text_loses_the_addresses_in_it_and_nothing_else() {
    for (text, without) in [
        ("list of nina.zed@zed.test.csv", "list of ***"),
        ("met <nina@zed.test>, and (otto@zed.test)", "met <***>, and (***)"),
        ("Salon @ Lyon, 14@18 h", "Salon @ Lyon, 14@18 h"),
        ("", ""),
        ("  a  b ", "  a  b "),
        ("é@ü.test;x", "***;x"),
    ] {
        assert_eq!(without_addresses(text), without, "{text}");
    }
}
