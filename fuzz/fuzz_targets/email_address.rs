//! What parses stays valid: exposed or made canonical, it parses again, to the same mailbox.

#![no_main]

use domain::email::{EmailAddress, MAX_ADDRESS, professional};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(address) = EmailAddress::parse(text) else { return };
    assert!(address.expose().len() <= MAX_ADDRESS);
    assert!(!address.expose().contains(['\r', '\n', '\0']));
    let again = EmailAddress::parse(address.expose()).expect("an exposed address is valid");
    assert_eq!(again, address);
    // Lower-casing can lengthen a local part (`İ`), which alone may take it past 64 octets.
    if let Ok(canonical) = EmailAddress::parse(&address.canonical()) {
        assert_eq!(canonical.canonical(), address.canonical());
    }
    let _ = professional(&address);
});
