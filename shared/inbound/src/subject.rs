//! Subjects, and the marks that programs put before those of answers.

/// Marks of an answer, as [`fold`](crate::fold::fold) leaves them, without their colon.
const MARKS: &[&str] =
    &["re", "aw", "sv", "vs", "antw", "rif", "r", "res", "odp", "ynt", "ref", "回复", "答复", "返信"];

/// Whether a folded subject is that of an answer, and the subject without the marks.
pub(crate) fn bare(folded: &str) -> (bool, &str) {
    let (mut bare, mut answers) = (folded.trim_start_matches(['[', '(', ' ']), false);
    while let Some(rest) = mark(bare) {
        (bare, answers) = (rest, true);
    }
    (answers, bare)
}

/// What follows a mark: `re:`, `re :`, `re[2]:`.
fn mark(subject: &str) -> Option<&str> {
    let (mark, rest) = subject.split_once([':', '：'])?;
    let mark = mark.trim_end_matches(|c: char| c.is_ascii_digit() || "[]() ^".contains(c));
    MARKS.contains(&mark).then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_words() {
        for (subject, expected) in [
            ("re: hello", (true, "hello")),
            ("re : aw: hello", (true, "hello")),
            ("re[2]: hello", (true, "hello")),
            ("r: hello", (true, "hello")),
            ("回复：hello", (true, "hello")),
            ("[re: hello", (true, "hello")),
            ("regarding: hello", (false, "regarding: hello")),
            ("fwd: hello", (false, "fwd: hello")),
            ("", (false, "")),
        ] {
            assert_eq!(bare(subject), expected, "{subject}");
        }
    }
}
