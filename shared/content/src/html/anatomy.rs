//! What safe HTML is made of, for the check before a launch.

use super::walk::{Token, attributes, unescape, walk};

/// A link, and the words that a reader sees in its place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) address: String,
    pub(crate) words: String,
}

/// Links, images, and the words outside them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Anatomy {
    pub(crate) links: Vec<Link>,
    /// Where each image is fetched from.
    pub(crate) images: Vec<String>,
    /// Words that can be read with images switched off, what stands for an image not among them.
    pub(crate) words: usize,
}

/// Takes HTML in its safe form apart.
pub(crate) fn anatomy(html: &str) -> Anatomy {
    let mut found = Anatomy::default();
    let mut open = false;
    let attribute = |rest, wanted: &str| {
        let all = attributes(rest).unwrap_or_default();
        let value = all.into_iter().find(|(name, _)| *name == wanted);
        value.map(|(_, value)| unescape(value).trim().to_owned()).unwrap_or_default()
    };
    for token in walk(html) {
        match token {
            Token::Text(text) => {
                let text = unescape(text);
                found.words += text.split_whitespace().count();
                if let Some(link) = found.links.last_mut().filter(|_| open) {
                    link.words.push_str(&text);
                }
            }
            Token::Open { name: "a", rest } => {
                open = true;
                found.links.push(Link { address: attribute(rest, "href"), words: String::new() });
            }
            Token::Close("a") => open = false,
            Token::Open { name: "img", rest } => found.images.push(attribute(rest, "src")),
            Token::Open { .. } | Token::Close(_) | Token::Broken => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_words_they_are_shown_with() {
        let html = "<p>One <a href=\"https://a.test/?x=1&amp;y=2\">two <b>three</b></a> four</p>\
                    <img src=\"https://b.test/i.png\" alt=\"not a word\">";
        let link = Link { address: "https://a.test/?x=1&y=2".into(), words: "two three".into() };
        assert_eq!(anatomy(html), Anatomy { links: vec![link], images: vec!["https://b.test/i.png".into()], words: 4 });
    }
}
