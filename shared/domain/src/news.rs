//! News of the product, which the operator sends to members who have not objected (A14).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::locale::Locale;

/// A member as the operator's own list of objections knows them: a keyed hash of the address, the same in every
/// workspace and after the account is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reader([u8; 16]);

impl Reader {
    /// The reader of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// 32 hexadecimal digits: a sort key.
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

/// What news says in one language: plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// One line.
    pub subject: String,
    /// Several.
    pub text: String,
}

/// News, in every language that members read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// French.
    pub fr: Words,
    /// English.
    pub en: Words,
}

impl News {
    /// What it says in one language.
    pub const fn words(&self, locale: Locale) -> &Words {
        match locale {
            Locale::Fr => &self.fr,
            Locale::En => &self.en,
        }
    }

    /// Its name: a hash of what it says, so that the same order given twice is one.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for said in Locale::ALL.map(|locale| self.words(locale)) {
            for text in [&said.subject, &said.text] {
                hash.update(Sha256::digest(text));
            }
        }
        hex::encode(&hash.finalize()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_known_by_every_word_it_says_and_by_where_it_says_it() {
        let words = |subject: &str, text: &str| Words { subject: subject.into(), text: text.into() };
        let news = |fr, en| News { fr, en };
        let one = news(words("a", "b"), words("c", "d")).id();
        assert_eq!((one.len(), news(words("a", "b"), words("c", "d")).id()), (32, one.clone()));
        for other in [
            news(words("a", "b"), words("c", "e")),
            news(words("ab", ""), words("c", "d")),
            news(words("c", "d"), words("a", "b")),
        ] {
            assert_ne!(other.id(), one, "{other:?}");
        }
    }
}
