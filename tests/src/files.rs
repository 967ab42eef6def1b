//! Files of invented people.

use std::fmt::Write as _;

/// `rows` people at companies of their own, with a header that maps itself. Names carry accents.
pub fn people(prefix: &str, rows: usize) -> Vec<u8> {
    let mut csv = String::from("email;first_name;last_name;company;job_title;tags\n");
    for row in 0..rows {
        let _ = writeln!(csv, "{prefix}{row}@firm{row}.test;Zoé;Exemple{row};Société {row};Acheteuse;salon, vip");
    }
    csv.into_bytes()
}

/// The addresses of [`people`].
pub fn addresses(prefix: &str, rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("{prefix}{row}@firm{row}.test")).collect()
}

/// The bytes of what an authenticator is given (RFC 4648 §6).
pub fn from_base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let value = if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' };
        (word, bits) = (word << 5 | u32::from(value), bits + 5);
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    bytes
}
