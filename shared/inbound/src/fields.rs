//! Fields as RFC 5322 §2.2 writes them, within a body: the groups of RFC 3464, reports of RFC 5965, returned
//! headers that lie in a text.

/// `Name: value` pairs in their order; names in small letters, values unfolded.
#[derive(Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The fields at the head of `text`, up to the first empty line. Lines that are no field are left out.
    pub(crate) fn parse(text: &str) -> Self {
        let mut fields = Self::default();
        for line in text.trim_start_matches(['\r', '\n']).lines() {
            if line.trim().is_empty() {
                break;
            }
            fields.push_line(line);
        }
        fields
    }

    /// Takes a line: a field, or more of the field before it. Tells whether it was either.
    pub(crate) fn push_line(&mut self, line: &str) -> bool {
        if line.starts_with([' ', '\t']) {
            let Some((_, value)) = self.0.last_mut() else { return false };
            value.push(' ');
            value.push_str(line.trim());
            return true;
        }
        let Some((name, value)) = split(line) else { return false };
        self.push(name, value);
        true
    }

    pub(crate) fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }

    /// The value of the first field of this name (in small letters) that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// The values of all fields of this name.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let name = name.to_owned();
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A line's field name and value. A name has no spaces (RFC 5322 §2.2), and none before its colon.
pub(crate) fn split(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let named = !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    named.then_some((name, value))
}
