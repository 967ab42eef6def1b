//! Whether a file can be imported at all, and if not, what a person can do about it.

use crate::detected::Detected;
use crate::mapping::{Mapping, Request};
use crate::names::Field;

/// Which column is what; or why the file that begins with `head` cannot be used, for a person.
///
/// # Errors
/// It is empty, no table in text, has no column of addresses, or the mapping that was asked for does not fit.
pub fn usable(head: &[u8], detected: &Detected, request: &Request) -> Result<Mapping, String> {
    if head.is_empty() {
        return Err("The file is empty. Create a new import and send the table.".to_owned());
    }
    if let Some(kind) = not_a_table(head) {
        return Err(format!(
            "This is {kind}, not a table in text. Save it as CSV in your spreadsheet and import that."
        ));
    }
    if !detected.encoding_label().starts_with("utf-16") && has_nul(head) {
        return Err("This is not a text file. Save the table as CSV in your spreadsheet and import that.".to_owned());
    }
    let mapping = Mapping::new(detected, request).map_err(|error| {
        format!("The mapping does not fit this file: {error}. Create a new import with another one.")
    })?;
    if mapping.column(Field::Email).is_none() {
        return Err(
            "No column of e-mail addresses was found. Name it in the import's `mapping`, e.g. {\"email\": \"Courriel\"} or {\"email\": 3}."
                .to_owned(),
        );
    }
    Ok(mapping)
}

/// Files that people take for tables, by their first bytes.
fn not_a_table(bytes: &[u8]) -> Option<&'static str> {
    const KINDS: [(&[u8], &str); 9] = [
        (b"PK\x03\x04", "an Excel workbook or another archive"),
        (b"PK\x05\x06", "an empty archive"),
        (b"\xD0\xCF\x11\xE0", "an Excel workbook"),
        (b"%PDF-", "a PDF file"),
        (b"\x1F\x8B", "a compressed file"),
        (b"7z\xBC\xAF", "an archive"),
        (b"Rar!", "an archive"),
        (b"{\\rtf", "a text document"),
        (b"\x89PNG", "a picture"),
    ];
    let known = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind);
    let start = bytes.trim_ascii_start();
    let tag = |name: &str| start.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name.as_bytes()));
    known.or_else(|| (tag("<!doctype html") || tag("<html")).then_some("a web page"))
}

/// More than a stray NUL: a binary file.
fn has_nul(bytes: &[u8]) -> bool {
    let nul = bytes.iter().filter(|&&b| b == 0).count();
    nul > 0 && nul * 100 > bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::detect;

    fn seen(bytes: &[u8], asked: Option<&str>) -> Result<(Detected, Mapping), String> {
        let request = asked.map(|json| serde_json::from_str(json).unwrap()).unwrap_or_default();
        let detected = detect(bytes, true);
        let mapping = usable(bytes, &detected, &request)?;
        Ok((detected, mapping))
    }

    #[test]
    fn what_is_not_a_table_is_told_with_what_to_do() {
        for (bytes, said) in [
            (b"".as_slice(), "empty"),
            (b"PK\x03\x04\x14\x00".as_slice(), "Excel workbook"),
            (b"\xD0\xCF\x11\xE0\xA1\xB1", "Excel workbook"),
            (b"%PDF-1.7 ...", "PDF"),
            (b"  <!DOCTYPE html><table>", "web page"),
            (b"\x7fELF\x00\x00\x00\x00\x01\x00\x00", "not a text file"),
            (b"name,city\nAnne,Lyon\nPaul,Metz\n", "No column of e-mail addresses"),
        ] {
            let error = seen(bytes, None).map(|_| ()).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let error = seen(b"Mail;Nom\na@firm.test;A\n", Some(r#"{"email":"Courriel"}"#)).map(|_| ()).unwrap_err();
        assert!(error.contains("Courriel") && error.contains("new import"), "{error}");
    }

    #[test]
    fn a_table_in_any_encoding_is_one() {
        let utf16: Vec<u8> = "Email;Nom\na@firm.test;Zoé\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [b"Email;Nom\na@firm.test;A\n".to_vec(), [b"\xFF\xFE".to_vec(), utf16].concat()] {
            assert!(seen(&bytes, None).is_ok());
        }
    }
}
