//! Any bytes are read as a mail: no panic, valid addresses, nothing hard that is only late.

#![no_main]

use domain::email::EmailAddress;
use inbound::{Kind, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &[u8]| {
    let (failures, late) = match read(raw).kind {
        Kind::Bounce(failures) => (failures, false),
        Kind::Delay(failures) => (failures, true),
        Kind::Complaint(complaint) => {
            assert!(complaint.recipients.iter().all(|address| EmailAddress::parse(address.expose()).is_ok()));
            return;
        }
        _ => return,
    };
    for failure in failures {
        assert!(EmailAddress::parse(failure.address.expose()).is_ok());
        assert!(!(late && failure.is_hard()));
    }
});
