//! Parts of a mail, as a server cuts them out.

/// The header fields of these names, and the empty line.
pub(super) fn header_fields(raw: &str, names: &str) -> String {
    let names: Vec<String> = names.split_whitespace().map(str::to_ascii_lowercase).collect();
    let mut taken = String::new();
    let mut takes = false;
    for line in raw.split_inclusive("\r\n").take_while(|line| *line != "\r\n") {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            takes = names.contains(&name);
        }
        if takes {
            taken.push_str(line);
        }
    }
    taken + "\r\n"
}

/// The text of the second part of a multipart mail.
pub(super) fn second_part(raw: &str) -> Option<&str> {
    let boundary = raw.split_once("boundary=")?.1.trim_start_matches('"');
    let boundary = boundary.split(['"', ';', '\r']).next()?;
    let part = raw.split(&format!("--{boundary}")).nth(2)?;
    Some(part.split_once("\r\n\r\n")?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_cut_out() {
        let raw = "From: a@b.test\r\nSubject: no\r\n more\r\nReferences: <1@x>\r\n <2@x>\r\n\
            Content-Type: multipart/report; boundary=\"bb\"\r\n\r\n--bb\r\n\r\nOne\r\n--bb\r\nContent-Type: x/y\r\n\r\nTwo\r\n--bb--\r\n";
        assert_eq!(header_fields(raw, "from References"), "From: a@b.test\r\nReferences: <1@x>\r\n <2@x>\r\n\r\n");
        assert_eq!(second_part(raw), Some("Two\r\n"));
        assert_eq!(second_part("From: a@b.test\r\n\r\nHi"), None);
    }
}
