//! Words: those of a text, those of spam, and those that claim to be an answer.

use std::collections::BTreeSet;

use super::VALUE;

/// What mail programs put before the subject of an answer or of something forwarded, in French, English and German.
const REPLY_PREFIXES: [&str; 9] = ["re", "ré", "rép", "rep", "fw", "fwd", "tr", "aw", "wg"];

/// Phrases that content filters have long weighed against a message, as [`normal`] writes them. Short on purpose: a
/// filter learns words by itself, and what is left here has no honest use in a first letter.
pub(super) const SPAMMY: [&str; 32] = [
    // English.
    "100 free",
    "act now",
    "cash bonus",
    "click below",
    "click here",
    "congratulations you",
    "double your",
    "earn money",
    "guaranteed results",
    "limited time offer",
    "make money",
    "no catch",
    "once in a lifetime",
    "risk free",
    "this is not spam",
    "you have been selected",
    // French.
    "100 gratuit",
    "agissez maintenant",
    "argent facile",
    "ceci n est pas un spam",
    "cliquez ici",
    "cliquez ci dessous",
    "dernière chance",
    "doublez votre",
    "félicitations vous",
    "gagnez de l argent",
    "gratuit et sans risque",
    "offre exceptionnelle",
    "offre limitée",
    "résultats garantis",
    "revenus complémentaires",
    "vous avez été sélectionné",
];

/// The prefix of a reply that a subject begins with, as it is written.
pub(super) fn reply_prefix(subject: &str) -> Option<&str> {
    let subject = subject.trim_start();
    let (prefix, _) = subject.split_once(':')?;
    let word = prefix.trim_end().trim_start_matches('[').to_lowercase();
    REPLY_PREFIXES.contains(&word.as_str()).then(|| subject.get(..=prefix.len()).unwrap_or(prefix))
}

/// The phrases of spam in a text.
pub(super) fn spammy(text: &str) -> Vec<&'static str> {
    let text = format!(" {} ", normal(text).collect::<Vec<_>>().join(" "));
    SPAMMY.into_iter().filter(|phrase| text.contains(&format!(" {phrase} "))).collect()
}

/// Lower-case runs of letters and digits.
fn normal(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The words of a text, without its addresses: a link is a word in one part and an address in the other.
pub(super) fn of(text: &str) -> BTreeSet<String> {
    let is_address = |word: &&str| word.contains("://") || word.contains('@');
    text.split_whitespace().filter(|word| !is_address(word)).flat_map(|word| normal(word).collect::<Vec<_>>()).collect()
}

/// Whether it stands for a value.
pub(super) fn is_value(c: char) -> bool {
    c == VALUE
}

/// Whether a value goes into it.
pub(super) fn has_value(text: &str) -> bool {
    text.contains(is_value)
}

/// What first stands in single braces as other tools have it: alternatives, or the name of a value.
pub(super) fn in_braces(text: &str) -> Option<&str> {
    let insides = text.split('{').skip(1).filter_map(|after| after.split_once('}')).map(|(inside, _)| inside);
    let is_name = |inside: &str| {
        let name = inside.trim();
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    insides.into_iter().find(|inside| {
        let short = inside.len() <= 300 && !inside.contains('\n');
        short && (is_name(inside) || inside.contains('|') && inside.split('|').any(|form| !form.trim().is_empty()))
    })
}
