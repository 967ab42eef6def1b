//! Text in the one form that wordings are compared in: small letters, no accents, single spaces, and
//! neither addresses nor links, because `spam@` and `/user-unknown.html` say nothing about a failure.

/// `text` as a wording may look for it.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if is_name(word) {
            continue;
        }
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in word.chars() {
            push(&mut folded, letter);
        }
    }
    folded
}

/// An address, a link or a path.
fn is_name(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.contains("://") || inner.contains('@') && !inner.contains("...") || inner.starts_with("www.")
}

fn push(folded: &mut String, letter: char) {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Å' => folded.push('a'),
        'ä' | 'Ä' => folded.push('a'),
        'ç' | 'Ç' => folded.push('c'),
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => folded.push('e'),
        'ì' | 'í' | 'î' | 'ï' | 'Ì' | 'Í' | 'Î' | 'Ï' => folded.push('i'),
        'ñ' | 'Ñ' => folded.push('n'),
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' => folded.push('o'),
        'ù' | 'ú' | 'û' | 'ü' | 'Ù' | 'Ú' | 'Û' | 'Ü' => folded.push('u'),
        'ß' => folded.push_str("ss"),
        'œ' | 'Œ' => folded.push_str("oe"),
        '’' | '‘' | '`' | '´' => folded.push('\''),
        '"' | '“' | '”' | '«' | '»' | '*' | '_' => {}
        '–' | '—' => folded.push('-'),
        other => folded.extend(other.to_lowercase()),
    }
}
