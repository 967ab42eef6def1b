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
