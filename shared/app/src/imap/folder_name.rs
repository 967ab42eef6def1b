//! Names of folders as IMAP spells them: letters outside ASCII in a form of UTF-7 (RFC 3501 §5.1.3).

use base64::{
    Engine,
    alphabet::IMAP_MUTF7,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

const MUTF7: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// A folder's name for the wire.
pub(super) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    let mut outside = String::new();
    for letter in name.chars() {
        if matches!(letter, ' '..='~') {
            shift(&mut outside, &mut encoded);
            encoded.push(letter);
            if letter == '&' {
                encoded.push('-');
            }
        } else {
            outside.push(letter);
        }
    }
    shift(&mut outside, &mut encoded);
    encoded
}

fn shift(outside: &mut String, encoded: &mut String) {
    if outside.is_empty() {
        return;
    }
    let units: Vec<u8> = outside.encode_utf16().flat_map(u16::to_be_bytes).collect();
    encoded.push('&');
    encoded.push_str(&MUTF7.encode(units));
    encoded.push('-');
    outside.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_as_the_standard_spells_it() {
        for (name, spelled) in [
            ("INBOX", "INBOX"),
            ("Tom & Jerry", "Tom &- Jerry"),
            ("Éléments envoyés", "&AMk-l&AOk-ments envoy&AOk-s"),
            // The example of RFC 3501.
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("😀", "&2D3eAA-"),
        ] {
            assert_eq!(encode(name), spelled);
        }
    }
}
