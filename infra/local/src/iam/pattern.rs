//! IAM patterns: `*` is any run of characters, `?` any one character, `${key}` what the call brings under that
//! condition key. What a variable brings is text: a star in it matches a star and nothing else.

use super::condition::Context;

/// A pattern, or a text with variables.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    written: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Glob(Glob),
    Variable(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Glob {
    Run,
    One,
    Byte(u8),
}

impl Pattern {
    /// A pattern with wildcards.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        Self::read(text, true)
    }

    /// A text in which stars are stars.
    pub(super) fn plain(text: &str) -> anyhow::Result<Self> {
        Self::read(text, false)
    }

    fn read(text: &str, wild: bool) -> anyhow::Result<Self> {
        let glob = |byte| match byte {
            b'*' if wild => Glob::Run,
            b'?' if wild => Glob::One,
            byte => Glob::Byte(byte),
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, tail)) = after.split_once('}') else { anyhow::bail!("{text} never closes its variable") };
            parts.extend(before.bytes().map(|byte| Part::Glob(glob(byte))));
            parts.push(match name {
                "*" | "?" | "$" => Part::Glob(Glob::Byte(name.as_bytes()[0])),
                name if name.is_empty() || name.contains([',', ' ', '\'']) => {
                    anyhow::bail!("${{{name}}}: a variable with a default is not supported")
                }
                name => Part::Variable(name.to_owned()),
            });
            rest = tail;
        }
        parts.extend(rest.bytes().map(|byte| Part::Glob(glob(byte))));
        Ok(Self { written: text.to_owned(), parts })
    }

    /// As the template writes it.
    pub(super) fn written(&self) -> &str {
        &self.written
    }

    /// Whether `text` matches from end to end; `None` when a variable has no value, or several.
    pub(super) fn matches(&self, text: &str, context: &Context) -> Option<bool> {
        Some(fits(&self.filled(context)?, text.as_bytes()))
    }

    /// The same, whatever the case of letters.
    pub(super) fn matches_any_case(&self, text: &str, context: &Context) -> Option<bool> {
        let lower = |glob| match glob {
            Glob::Byte(byte) => Glob::Byte(byte.to_ascii_lowercase()),
            other => other,
        };
        let globs: Vec<Glob> = self.filled(context)?.into_iter().map(lower).collect();
        Some(fits(&globs, text.to_ascii_lowercase().as_bytes()))
    }

    fn filled(&self, context: &Context) -> Option<Vec<Glob>> {
        let mut globs = Vec::with_capacity(self.written.len());
        for part in &self.parts {
            match part {
                Part::Glob(glob) => globs.push(*glob),
                Part::Variable(name) => match context.get(name) {
                    Some([value]) => globs.extend(value.bytes().map(Glob::Byte)),
                    _ => return None,
                },
            }
        }
        Some(globs)
    }
}

fn fits(pattern: &[Glob], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(Glob::Run) => {
                star = Some((p, t));
                p += 1;
            }
            Some(&glob) if glob == Glob::One || glob == Glob::Byte(text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, swallowed)) => {
                    star = Some((at, swallowed + 1));
                    p = at + 1;
                    t = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&glob| glob == Glob::Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*c", "abbb", false),
            ("a*b*c", "a-b-b-c", true),
            ("?b", "ab", true),
            ("?b", "b", false),
            ("table/x/index/*", "table/x/index/due", true),
            ("table/x", "table/xy", false),
            ("*x", "xxxx", true),
            ("a${*}", "a*", true),
            ("a${*}", "ab", false),
        ] {
            let found = Pattern::parse(pattern).unwrap().matches(text, &Context::new());
            assert_eq!(found, Some(expected), "{pattern} {text}");
        }
        assert_eq!(Pattern::plain("a*").unwrap().matches("ab", &Context::new()), Some(false));
        assert_eq!(Pattern::plain("Ab").unwrap().matches_any_case("aB", &Context::new()), Some(true));
    }

    #[test]
    fn a_variable_is_text_and_must_have_one_value() {
        let pattern = Pattern::parse("W#${aws:PrincipalTag/workspace}#*").unwrap();
        let tagged = |value| Context::new().with("aws:principaltag/Workspace", value);
        assert_eq!(pattern.matches("W#ws_1#P#0", &tagged("ws_1")), Some(true));
        assert_eq!(pattern.matches("W#ws_10#P#0", &tagged("ws_1")), Some(false));
        assert_eq!(pattern.matches("W#ws_1#P#0", &tagged("*")), Some(false), "a star in a tag is no wildcard");
        assert_eq!(pattern.matches("W#ws_1#P#0", &tagged("w?_1")), Some(false));
        assert_eq!(pattern.matches("W##P#0", &Context::new()), None, "no tag is not an empty tag");
        let two = Context::new().with_many("aws:PrincipalTag/workspace", ["ws_1", "ws_2"]);
        assert_eq!(pattern.matches("W#ws_1#P#0", &two), None);
        for bad in ["${a", "${}", "${aws:PrincipalTag/workspace, 'x'}"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
