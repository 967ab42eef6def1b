//! What a cell looks like: a number, a date, an address, text…
//!
//! Cells cut at the right places look like something; cells cut at the wrong ones are debris. Written
//! by hand rather than as regular expressions: a sample is cut dozens of ways, and each cell of
//! each is looked at.

/// The kind of a cell's text, trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Empty,
    Number,
    /// A number with `%` or a currency.
    Amount,
    Date,
    Time,
    Email,
    Url,
    Phone,
    Boolean,
    /// One word that looks like an identifier: letters with digits, `-`, `_`, `.` or `/`.
    Code,
    /// Words.
    Text,
    /// Several sentences, markup, lists: text that could hold anything.
    Prose,
    /// Several values in one cell, or two cells in one: `a;b;c`.
    List,
    /// Debris, or text with characters that hint at a wrong cut.
    Odd,
}

impl Kind {
    /// Kinds that a column's name does not have.
    pub(crate) const fn is_value(self) -> bool {
        matches!(self, Self::Number | Self::Amount | Self::Date | Self::Time | Self::Email | Self::Url | Self::Phone)
    }
}

/// Classifies a cell.
pub(crate) fn kind(cell: &str) -> Kind {
    let text = cell.trim();
    if text.is_empty() || is_missing(text) {
        return Kind::Empty;
    }
    let first = text.as_bytes()[0];
    if text.len() <= 64 {
        if first.is_ascii_digit()
            || matches!(first, b'+' | b'-' | b'.' | b'(' | b'$' | b'<' | b'>' | b',' | b'~')
            || first >= 0x80
        {
            if is_number(text) {
                return Kind::Number;
            }
            if is_date_time(text) {
                return Kind::Date;
            }
            if is_time(text) {
                return Kind::Time;
            }
            if is_amount(text) {
                return Kind::Amount;
            }
            if is_phone(text) {
                return Kind::Phone;
            }
        } else if is_named_date(text) {
            return Kind::Date;
        } else if is_amount(text) {
            return Kind::Amount;
        }
        if is_boolean(text) {
            return Kind::Boolean;
        }
    }
    if is_email(text) {
        return Kind::Email;
    }
    if is_url(text) {
        return Kind::Url;
    }
    words(text)
}

fn is_missing(text: &str) -> bool {
    matches!(
        text,
        "-" | "--"
            | "."
            | ".."
            | "?"
            | "*"
            | "N/A"
            | "n/a"
            | "NA"
            | "NaN"
            | "nan"
            | "NULL"
            | "null"
            | "None"
            | "\\N"
            | "#N/A"
            | "..."
            | "—"
            | "–"
    )
}

fn is_boolean(text: &str) -> bool {
    ["true", "false", "yes", "no", "oui", "non", "vrai", "faux", "y", "n", "t", "f", "o"]
        .iter()
        .any(|w| text.eq_ignore_ascii_case(w))
}

/// Numbers as French, English and German write them, and in scientific notation.
pub(crate) fn is_number(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-', '−']).unwrap_or(text).trim_start();
    let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || digits.len() > 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
    }
    let mut digits = 0;
    let mut group = 0;
    let mut groups: Option<char> = None;
    let mut decimal = false;
    for c in mantissa.chars() {
        match c {
            '0'..='9' => {
                digits += 1;
                group += 1;
            }
            '.' | ',' | ' ' | '\u{A0}' | '\u{202F}' | '\'' | '’' => {
                if decimal {
                    return false;
                }
                match groups {
                    // 1.234.567,89: the same separator again, groups of three between.
                    Some(separator) if separator == c => {
                        if group != 3 {
                            return false;
                        }
                    }
                    Some(_) if group == 3 && matches!(c, '.' | ',') => decimal = true,
                    Some(_) => return false,
                    None if (1..=3).contains(&group) => groups = Some(c),
                    None if matches!(c, '.' | ',') => decimal = true,
                    None => return false,
                }
                group = 0;
            }
            _ => return false,
        }
    }
    if digits == 0 {
        return false;
    }
    match groups {
        // One separator only: `1,5` and `1.234` are numbers either way, `1 5` is not.
        Some(' ' | '\u{A0}' | '\u{202F}' | '\'' | '’') if !decimal => group == 3,
        _ => true,
    }
}

fn is_amount(text: &str) -> bool {
    const UNITS: [&str; 18] =
        ["%", "€", "$", "£", "¥", "₹", "EUR", "USD", "GBP", "CHF", "k€", "K€", "M€", "US$", "kg", "km", "R$", "eur"];
    UNITS.iter().any(|unit| {
        let number = text
            .strip_suffix(unit)
            .or_else(|| text.strip_prefix(unit))
            .or_else(|| text.strip_prefix('-').and_then(|rest| rest.strip_prefix(unit)));
        number.is_some_and(|number| is_number(number.trim()))
    }) || text.strip_prefix(['<', '>', '~']).is_some_and(|rest| is_number(rest.trim_start_matches('=').trim()))
}

/// A date in digits, with or without a time after it.
fn is_date_time(text: &str) -> bool {
    let date = text.split(['T', ' ']).next().unwrap_or(text);
    if !is_numeric_date(date) {
        return is_named_date(text);
    }
    let rest = text[date.len()..].trim_start_matches(['T', ' ']);
    rest.is_empty() || is_time(rest)
}

fn is_numeric_date(text: &str) -> bool {
    let Some(separator) = text.chars().find(|c| !c.is_ascii_digit()) else {
        return false;
    };
    if !matches!(separator, '-' | '/' | '.') {
        return false;
    }
    let mut parts = text.split(separator);
    let (Some(a), Some(b), Some(c), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let number = |part: &str, most: u32| {
        !part.is_empty()
            && part.len() <= 4
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|n| n <= most)
    };
    let year = |part: &str| matches!(part.len(), 2 | 4) && number(part, 9999);
    let short = |part: &str| part.len() <= 2 && number(part, 31);
    let month = |part: &str| short(part) || (part.len() == 3 && part.bytes().all(|b| b.is_ascii_alphabetic()));
    (year(a) && month(b) && short(c)) || (short(a) && month(b) && year(c))
}

/// `12 janvier 2024`, `Jan 12, 2024`, `12-Jan-24`, `janv. 2024`, `Mon, 12 Jan 2024 10:00:00 GMT`.
fn is_named_date(text: &str) -> bool {
    const MONTHS: [&str; 22] = [
        "jan", "feb", "fev", "fév", "mar", "apr", "avr", "mai", "may", "jun", "juin", "jul", "juil", "aug", "aou",
        "aoû", "sep", "oct", "okt", "nov", "dec", "déc",
    ];
    const DAYS: [&str; 14] =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "lun", "mar", "mer", "jeu", "ven", "sam", "dim"];
    if !text.bytes().any(|b| b.is_ascii_digit()) {
        return false;
    }
    let (mut month, mut numbers) = (false, 0);
    for word in text.split([' ', '-', ',', '.', '/']).filter(|word| !word.is_empty()) {
        let lower = word.to_lowercase();
        if word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= 4 {
            numbers += 1;
        } else if MONTHS.iter().any(|name| lower.starts_with(name))
            && lower.chars().count() <= 10
            && lower.chars().all(char::is_alphabetic)
        {
            month = true;
        } else if !(is_time(word)
            || DAYS.iter().any(|day| lower.starts_with(day))
            || matches!(lower.as_str(), "1er" | "am" | "pm" | "gmt" | "utc" | "st" | "nd" | "rd" | "th")
            || word
                .strip_suffix("th")
                .or_else(|| word.strip_suffix("st"))
                .is_some_and(|d| d.bytes().all(|b| b.is_ascii_digit())))
        {
            return false;
        }
    }
    month && (1..=3).contains(&numbers)
}

/// `10:30`, `10:30:59.123Z`, `10h30`, `10:30 PM`, `+02:00` after a time.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.first().is_none_or(|b| !b.is_ascii_digit()) {
        return false;
    }
    let mut groups = 0;
    let mut digits = 0;
    for (at, &b) in bytes.iter().enumerate() {
        match b {
            b'0'..=b'9' => digits += 1,
            b':' | b'h' if (1..=3).contains(&digits) => {
                groups += 1;
                digits = 0;
            }
            b'.' | b',' if groups >= 2 => digits = 0,
            b' ' | b'+' | b'-' | b'Z' | b'A' | b'P' | b'a' | b'p' | b'U' | b'G' if groups >= 1 => {
                let rest = text[at..].trim().trim_start_matches(['+', '-']);
                let zone = ["Z", "AM", "PM", "am", "pm", "UTC", "GMT", "a.m.", "p.m."].contains(&rest)
                    || (rest.len() <= 5 && rest.bytes().all(|b| b.is_ascii_digit() || b == b':'))
                    || rest.strip_prefix("UTC").is_some();
                return zone && (1..=3).contains(&groups);
            }
            _ => return false,
        }
    }
    (1..=3).contains(&groups) && (digits > 0 || bytes.last() == Some(&b'h'))
}

fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (7..=15).contains(&digits)
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b' ' | b'-' | b'.' | b'(' | b')' | b'/'))
        && text.bytes().filter(|b| matches!(b, b'-' | b'/' | b'.' | b' ')).count() <= 8
}

/// Loose on purpose: what people mean as an address, whether or not it can be written to.
pub(crate) fn is_email(text: &str) -> bool {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let text = match (text.rfind('<'), text.ends_with('>')) {
        (Some(at), true) => &text[at + 1..text.len() - 1],
        _ => text.trim_end_matches([';', '.', ',']),
    };
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.contains('@')
        && text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"' | '/' | ':' | '(' | ')'))
}

fn is_url(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    if text.starts_with("http://")
        || text.starts_with("https://")
        || text.starts_with("ftp://")
        || text.starts_with("www.")
    {
        return true;
    }
    // A bare host, perhaps with a path: `example.com/a`.
    let host = text.split('/').next().unwrap_or(text);
    let Some((name, tld)) = host.rsplit_once('.') else {
        return false;
    };
    matches!(tld, "com" | "fr" | "org" | "net" | "eu" | "io" | "co" | "de" | "uk" | "gov" | "edu" | "test")
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// Text: a code, words, prose, or debris.
fn words(text: &str) -> Kind {
    let (mut letters, mut digits, mut spaces, mut plain, mut marks, mut hints) = (0_usize, 0, 0, 0, 0, 0);
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' => letters += 1,
            '0'..='9' => digits += 1,
            ' ' | '\u{A0}' => spaces += 1,
            '-' | '_' | '.' | '/' | '#' => plain += 1,
            '\'' | '’' | '(' | ')' | '&' | ':' | '+' | '?' | '!' | '°' | '*' | '@' | '%' | '\n' | '\r' => marks += 1,
            ',' | ';' | '\t' | '|' | '"' => hints += 1,
            c if c.is_alphabetic() => letters += 1,
            c if c.is_numeric() => digits += 1,
            _ => marks += 1,
        }
    }
    let length = letters + digits + spaces + plain + marks + hints;
    let edges = text.starts_with(['"', ',', ';', '|']) || text.ends_with(['"', ';', '|']);
    if edges {
        return Kind::Odd;
    }
    if hints == 0 && spaces == 0 && marks == 0 && letters + digits > 0 {
        return if digits > 0 || plain > 0 { Kind::Code } else { Kind::Text };
    }
    if letters + digits == 0 {
        return Kind::Odd;
    }
    if length > 60 || text.contains('\n') {
        return Kind::Prose;
    }
    if hints == 0 && (marks * 3 <= length || letters >= 3) {
        return Kind::Text;
    }
    // A comma and a space belong to a sentence; a comma alone may be a delimiter.
    let sentence = text.matches(", ").count() + text.matches("; ").count();
    if hints > 0 && hints == sentence && letters > digits && spaces > 0 {
        return Kind::Prose;
    }
    if is_list(text) { Kind::List } else { Kind::Odd }
}

/// Several words or numbers with one sort of delimiter between them.
fn is_list(text: &str) -> bool {
    let Some(delimiter) = text.chars().find(|c| matches!(c, ',' | ';' | '\t' | '|')) else {
        return false;
    };
    text.split(delimiter).all(|part| {
        let part = part.trim();
        !part.is_empty() && !part.contains([',', ';', '\t', '|', '"'])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_told_apart() {
        let table: &[(Kind, &[&str])] = &[
            (Kind::Empty, &["", "  ", "N/A", "NULL", "-"]),
            (
                Kind::Number,
                &[
                    "1",
                    "-1",
                    "+1.5",
                    "1,5",
                    "1 234",
                    "1 234,50",
                    "1\u{A0}234",
                    "1,234.5",
                    "1.234.567,89",
                    "1e10",
                    "6.02E+23",
                    ".5",
                    "1'234",
                    "007",
                ],
            ),
            (Kind::Amount, &["12 %", "12%", "1 234,50 €", "$1,234.50", "EUR 12", "<5"]),
            (
                Kind::Date,
                &[
                    "2024-01-31",
                    "31/01/2024",
                    "31.01.24",
                    "2024-01-31T10:00:00Z",
                    "2024-01-31 10:00",
                    "31-Jan-2024",
                    "12 janvier 2024",
                    "Jan 12, 2024",
                ],
            ),
            (Kind::Time, &["10:30", "10:30:59.5", "10h30", "10:30 PM"]),
            (
                Kind::Email,
                &["anne@example.com", "Anne <anne@example.com>", "mailto:anne@example.com", "anne@example.com;"],
            ),
            (Kind::Url, &["https://example.com/a?b=c,d", "www.example.com", "example.com"]),
            (Kind::Phone, &["+33 1 23 45 67 89", "01.23.45.67.89", "(555) 123-4567"]),
            (Kind::Boolean, &["oui", "TRUE", "n"]),
            (Kind::Code, &["AB-12", "snake_case", "v1.2.3"]),
            (Kind::Text, &["Anne", "Société Générale", "O'Neil (SA)", "Éloïse"]),
            (Kind::Prose, &["Bonjour, voici un message"]),
            (Kind::List, &["12;13", "a,b", "1,2,x", "a|b|c"]),
            (Kind::Odd, &["\"abc", ";", "a,b;c", "a,,b"]),
        ];
        for (expected, cells) in table {
            for cell in *cells {
                assert_eq!(kind(cell), *expected, "{cell:?}");
            }
        }
    }
}
