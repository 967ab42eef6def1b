use super::*;

/// Addresses that lead to us, to a neighbour or nowhere, in every spelling a resolver would take.
const NOT_PUBLIC: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "127.255.255.254",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "169.254.170.2",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.170",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "[::1]",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "[::ffff:7f00:1]",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::8.8.8.8",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2002:c0a8:101::",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "4000::1",
];

const PUBLIC: &[&str] = &[
    "8.8.8.8",
    "0x08080808",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.254",
    "2606:4700::1",
    "[2a00:1450::1]",
    "2001:4860::8888",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:808:808::1",
];

#[test]
fn only_public_addresses_pass_whatever_their_spelling() {
    for host in NOT_PUBLIC {
        assert_eq!(check(host, 587, ""), Err(RelayError::NotPublic), "{host}");
    }
    for host in PUBLIC {
        assert_eq!(check(host, 587, ""), Ok(()), "{host}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to() {
    for host in ["localhost", "LOCALHOST", "localhost."] {
        let found = resolve(host, 587, "").await;
        assert!(matches!(found, Err(RelayError::NotPublic | RelayError::Unresolved)), "{host}: {found:?}");
    }
    let here = resolve("127.0.0.1", 40_025, "127.0.0.0/8").await;
    assert_eq!(here, Ok("127.0.0.1:40025".parse().unwrap()));
    assert_eq!(resolve("10.0.0.1", 587, "127.0.0.0/8,::1/128").await, Err(RelayError::NotPublic));
    assert_eq!(resolve("8.8.8.8", 587, "").await, Ok("8.8.8.8:587".parse().unwrap()));
}

#[test]
fn one_special_address_among_many_refuses_them_all() {
    let public: IpAddr = "8.8.8.8".parse().unwrap();
    let six: IpAddr = "2606:4700::1".parse().unwrap();
    let none = Networks(Vec::new());
    assert_eq!(judge(&[six, public], 465, &PORTS, &none), Ok(public), "IPv4 first");
    assert_eq!(judge(&[public, "127.0.0.1".parse().unwrap()], 465, &PORTS, &none), Err(RelayError::NotPublic));
    assert_eq!(judge(&["::ffff:8.8.4.4".parse().unwrap()], 465, &PORTS, &none), Ok("8.8.4.4".parse().unwrap()));
    assert_eq!(judge(&[], 465, &PORTS, &none), Err(RelayError::Unresolved));
}

#[test]
fn ports_are_those_of_submission_except_in_the_operators_networks() {
    for (port, expected) in
        [(465, Ok(())), (587, Ok(())), (2525, Ok(())), (25, Err(RelayError::Port)), (22, Err(RelayError::Port))]
    {
        assert_eq!(check("8.8.8.8", port, "10.0.0.0/8"), expected, "{port}");
    }
    assert_eq!(check("10.1.2.3", 25, "192.168.0.0/16, 10.0.0.0/8"), Ok(()));
    assert_eq!(check("smtp.example.com", 25, ""), Err(RelayError::Port));
    assert_eq!(check("smtp.example.com", 587, ""), Ok(()));
}

#[test]
fn names_within_a_network_are_refused_before_anybody_resolves_them() {
    for name in [
        "localhost",
        "LOCALHOST.",
        "smtp",
        "mail.local",
        "a.b.internal",
        "x.localhost",
        "nas.lan",
        "printer.home.arpa",
        "host.localdomain",
    ] {
        assert_eq!(check(name, 587, ""), Err(RelayError::PrivateName), "{name}");
        assert_eq!(check(name, 587, "10.0.0.0/8"), Ok(()), "{name}, where the operator names a network");
    }
    for name in ["metadata.google.internal", "Metadata.Google.Internal.", "metadata", "instance-data.ec2.internal"] {
        for networks in ["", "10.0.0.0/8"] {
            assert_eq!(check(name, 587, networks), Err(RelayError::PrivateName), "{name}, whatever the operator names");
        }
    }
    for name in ["smtp.example.com", "internal.example.com", "local.test", "mylocal.test", "notlocal.example"] {
        assert_eq!(check(name, 587, ""), Ok(()), "{name}");
    }
}

#[test]
fn names_are_stored_in_one_spelling_and_nonsense_is_refused() {
    for (host, normal) in [
        (" SMTP.Example.COM. ", "smtp.example.com"),
        ("relais.société.test", "relais.xn--socit-esab.test"),
        ("0x08.010.8.8", "8.8.8.8"),
        ("[2606:4700:0::1]", "2606:4700::1"),
    ] {
        assert_eq!(normal_host(host).as_deref(), Ok(normal), "{host}");
    }
    for bad in [
        "",
        " ",
        "a b",
        "a/b",
        "a@b",
        "a:587",
        "a..b",
        "-a.test",
        "user@host.test",
        "x\r\ny",
        "1.2.3.4.5",
        "256.1.1.1",
        "[::1",
    ] {
        assert_eq!(normal_host(bad), Err(RelayError::BadName), "{bad:?}");
    }
}

#[test]
fn networks_that_cannot_be_read_are_not_passed_over() {
    for bad in ["10.0.0.0", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/8;127.0.0.0/8"] {
        assert_eq!(check("8.8.8.8", 587, bad), Err(RelayError::Networks), "{bad}");
    }
}
