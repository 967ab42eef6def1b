//! The two languages that every mail and page is written in.

use serde::{Deserialize, Serialize};

/// A language of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// French, the default: the operator's own language.
    #[default]
    Fr,
    /// English.
    En,
}

impl Locale {
    /// Both, in the order they are offered.
    pub const ALL: [Locale; 2] = [Locale::Fr, Locale::En];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Locale::Fr => "fr",
            Locale::En => "en",
        }
    }

    /// Reads a language tag (`fr`, `fr-FR`, `EN_gb`); `None` when it is neither.
    pub fn from_tag(tag: &str) -> Option<Locale> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|locale| primary.eq_ignore_ascii_case(locale.tag()))
    }

    /// The first language of an `Accept-Language` header (RFC 9110 §12.5.4) that is ours, by weight.
    pub fn from_accept_language(header: &str) -> Option<Locale> {
        let mut best: Option<(f32, Locale)> = None;
        for part in header.split(',') {
            let mut pieces = part.split(';');
            let Some(locale) = pieces.next().and_then(Locale::from_tag) else { continue };
            let weight =
                pieces.find_map(|p| p.trim().strip_prefix("q=").and_then(|q| q.trim().parse().ok())).unwrap_or(1.0);
            if weight > 0.0 && best.is_none_or(|(w, _)| weight > w) {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_is_read_by_weight() {
        for (header, expected) in [
            ("fr", Some(Locale::Fr)),
            ("en-GB,en;q=0.9,fr;q=0.8", Some(Locale::En)),
            ("de, fr;q=0.4, en;q=0.7", Some(Locale::En)),
            ("de", None),
            ("fr;q=0", None),
            ("", None),
        ] {
            assert_eq!(Locale::from_accept_language(header), expected, "{header}");
        }
    }
}
