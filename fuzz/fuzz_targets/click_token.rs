//! No link that we did not sign leads anywhere, what is signed leads to https, and no token of any shape panics.

#![no_main]

use std::sync::LazyLock;

use domain::{
    clicks::{ConsentClaim, SignedLink, Visit, is_followed},
    subject::Pepper,
};
use libfuzzer_sys::fuzz_target;

static PEPPER: LazyLock<Pepper> = LazyLock::new(|| {
    let json = r#"{"v1":"0123456789abcdef0123456789abcdef","v2":"fedcba9876543210fedcba9876543210"}"#;
    Pepper::from_json(json).expect("a well-formed secret")
});

fuzz_target!(|text: &str| {
    if let Some(link) = SignedLink::verify(text, &PEPPER) {
        // 16 bytes of MAC are not guessed: only a token that signs back to itself may get here.
        assert!(is_followed(&link.target));
        let again = link.sign(&PEPPER).expect("what was verified can be signed");
        assert_eq!(SignedLink::verify(&again, &PEPPER), Some(link));
    }
    if let Some(claim) = ConsentClaim::verify(text, &PEPPER) {
        assert_eq!(ConsentClaim::verify(&claim.sign(&PEPPER), &PEPPER), Some(claim));
    }
    if let Ok(visit) = text.parse::<Visit>() {
        assert_eq!(visit.to_string().parse(), Ok(visit));
    }
});
