//! Text in the one form that wordings are compared in: small letters, no accents, single spaces, and
//! neither addresses nor links, because `spam@` and `/user-unknown.html` say nothing about a failure.

/// `text` as a wording may look for it.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if is_link(word) {
            continue;
        }
        let (before, after) = without_address(word);
        if before.is_empty() && after.is_empty() {
            continue;
        }
        if !folded.is_empty() {
            folded.push(' ');
        }
        for letter in before.chars().chain(after.chars()) {
            push(&mut folded, letter);
        }
    }
    folded
}

fn is_link(word: &str) -> bool {
    word.contains("://") || word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with("www.")
}

/// What stands before and behind an address within a word: `<` and `>:user` of `<a@example.org>:user`.
fn without_address(word: &str) -> (&str, &str) {
    let Some(at) = word.find('@') else { return (word, "") };
    let part = |c: char| c.is_alphanumeric() || "._+-=!#$%&*/?^`{|}~".contains(c);
    let before = word[..at].trim_end_matches(part);
    let after = word[at + 1..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '.' || c == '-');
    if before.len() == at { (word, "") } else { (before, after) }
}

fn push(folded: &mut String, letter: char) {
    letter.to_lowercase().for_each(|letter| push_small(folded, letter));
}

fn push_small(folded: &mut String, letter: char) {
    match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ä' | 'ā' | 'ă' | 'ą' => folded.push('a'),
        'ç' | 'ć' | 'č' => folded.push('c'),
        'ď' | 'đ' => folded.push('d'),
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => folded.push('e'),
        'ğ' | 'ģ' => folded.push('g'),
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'į' | 'ı' => folded.push('i'),
        'ķ' => folded.push('k'),
        'ĺ' | 'ļ' | 'ľ' | 'ł' => folded.push('l'),
        'ñ' | 'ń' | 'ņ' | 'ň' => folded.push('n'),
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' => folded.push('o'),
        'ŕ' | 'ř' => folded.push('r'),
        'ś' | 'ş' | 'š' | 'ș' => folded.push('s'),
        'ţ' | 'ť' | 'ț' => folded.push('t'),
        'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' | 'ų' => folded.push('u'),
        'ý' | 'ÿ' => folded.push('y'),
        'ź' | 'ż' | 'ž' => folded.push('z'),
        'æ' => folded.push_str("ae"),
        'ά' => folded.push('α'),
        'έ' => folded.push('ε'),
        'ή' => folded.push('η'),
        'ί' | 'ϊ' | 'ΐ' => folded.push('ι'),
        'ό' => folded.push('ο'),
        'ύ' | 'ϋ' | 'ΰ' => folded.push('υ'),
        'ώ' => folded.push('ω'),
        'ё' => folded.push('е'),
        'ß' => folded.push_str("ss"),
        'œ' => folded.push_str("oe"),
        '’' | '‘' | '`' | '´' => folded.push('\''),
        '"' | '“' | '”' | '«' | '»' | '*' => {}
        '–' | '—' => folded.push('-'),
        // What is left of a letter that has no small form of its own, such as `İ`.
        '\u{307}' => {}
        other => folded.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_plain_and_names_are_gone() {
        for (text, folded) in [
            ("Boîte  du\n destinataire\tPLEINE", "boite du destinataire pleine"),
            ("<ada@example.org>: User unknown", "<>: user unknown"),
            ("ada@example.org:user not exist", ":user not exist"),
            ("See https://example.org/user-unknown.html", "see"),
            ("Empfänger “unbekannt”, Straße", "empfanger unbekannt, strasse"),
            ("n’existe pas", "n'existe pas"),
            ("宛先不明 @", "宛先不明 @"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }
}
