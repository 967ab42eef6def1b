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

/// `rows` people of one company.
pub fn at(domain: &str, rows: usize) -> Vec<u8> {
    let rows: String = (0..rows).map(|row| format!("person{row}@{domain}\n")).collect();
    format!("email\n{rows}").into_bytes()
}

/// The addresses of [`people`].
pub fn addresses(prefix: &str, rows: usize) -> Vec<String> {
    (0..rows).map(|row| format!("{prefix}{row}@firm{row}.test")).collect()
}

/// A form with one file in its field `copy`, as a browser sends it: its media type and its bytes. The browser is
/// wrong about what the file is.
pub fn form_of(file: &[u8]) -> (String, Vec<u8>) {
    let boundary = "----form-boundary-7e3a";
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"copy\"; filename=\"photo.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n"
    );
    let body = [head.as_bytes(), file, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// The bytes of what an authenticator is given (RFC 4648 §6).
pub fn from_base32(text: &str) -> Vec<u8> {
    data_encoding::BASE32_NOPAD.decode(text.as_bytes()).expect("base32")
}
