//! Sentences, as words in the one form that they are compared in.

use super::words::{GREETINGS, POLITE, POLITE_ALONE};
use crate::fold::fold;

/// A line of this length or more was broken by a program, whatever the next one begins with.
const FULL: usize = 60;

/// A sentence.
pub(super) struct Sentence {
    words: Vec<String>,
    /// Whether it ends with a question mark.
    pub(super) is_question: bool,
    /// Whether it is a line of its own.
    pub(super) is_a_line: bool,
}

impl Sentence {
    /// Its words without accents and in small letters, and a `,` for each comma.
    pub(super) fn words(&self) -> Vec<&str> {
        self.words.iter().map(String::as_str).collect()
    }
}

/// The sentences of what somebody wrote.
pub(super) fn split(own: &str) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    for block in blocks(own) {
        let before = sentences.len();
        of_block(&block, &mut sentences);
        let whole = sentences.len() == before + 1;
        if let Some(only) = sentences.last_mut().filter(|_| whole) {
            only.is_a_line = true;
        }
    }
    sentences
}

/// Lines that belong together: the next begins with a small letter, or the line before was full.
fn blocks(own: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut open = false;
    for line in own.lines().map(str::trim) {
        if line.is_empty() || is_of_a_program(line) {
            open = false;
            continue;
        }
        let goes_on = open && line.starts_with(char::is_lowercase);
        match blocks.last_mut().filter(|block| goes_on || open && block.len() >= FULL) {
            Some(block) => {
                block.push(' ');
                block.push_str(line);
            }
            None => blocks.push(line.to_owned()),
        }
        let first = fold(line);
        let first = first.split(' ').next().unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        let greets = GREETINGS.has(&first) && line.split(' ').count() <= 3;
        open = !line.ends_with(',') && !greets;
    }
    blocks
}

/// Lines that programs write: links in footers, and on what a mail was written.
fn is_of_a_program(line: &str) -> bool {
    let folded = fold(line);
    let sent = [
        "sent from ",
        "envoye de ",
        "envoye depuis ",
        "von meinem ",
        "gesendet mit ",
        "enviado desde ",
        "inviato da ",
        "verzonden vanaf ",
        "get outlook ",
    ];
    let link = line.trim_end_matches(['>', ')', ']', '.']).rsplit([' ', '<', '(', '[']).next().unwrap_or_default();
    let before = || line[..line.len().min(line.find(link).unwrap_or(line.len()))].trim_end();
    sent.iter().any(|head| folded.starts_with(head))
        || link.contains("://") && (before().is_empty() || before().ends_with([':', '<', '(', '[']))
}

fn of_block(block: &str, sentences: &mut Vec<Sentence>) {
    let text = without_quotations(block);
    let text = fold(&text)
        .replace("n't", " not")
        .replace("e-mail", "email")
        .replace("cannot", "can not")
        .replace("dont ", "do not ");
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut close = |words: &mut Vec<String>, is_question: bool| {
        if words.iter().any(|word| word != ",") {
            sentences.push(Sentence { words: std::mem::take(words), is_question, is_a_line: false });
        } else {
            words.clear();
            if let Some(last) = sentences.last_mut().filter(|_| is_question) {
                last.is_question = true;
            }
        }
    };
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() {
            word.push(letter);
            continue;
        }
        let ends_word = letters.peek().is_none_or(|next| !next.is_alphanumeric());
        let dash = letter == '-' && word.is_empty() && ends_word;
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match letter {
            '!' | '?' | ';' | ':' | '…' | '。' | '！' | '？' | '|' => {
                close(&mut words, matches!(letter, '?' | '？'));
            }
            '.' if ends_word => close(&mut words, false),
            '-' if dash => close(&mut words, false),
            ',' | '(' | ')' | '，' => words.push(",".to_owned()),
            _ => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    close(&mut words, false);
}

/// The text without what stands in quotation marks: somebody else's words, unless they are all there is.
fn without_quotations(text: &str) -> String {
    const PAIRS: [(char, char); 6] = [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('\'', '\''), ('‘', '’')];
    let (mut left, mut rest, mut before) = (String::new(), text, ' ');
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let pair = PAIRS.iter().find(|(open, _)| *open == letter && !before.is_alphanumeric());
        let closed = pair.and_then(|(_, close)| {
            let ends = |at: &usize| !after[at + close.len_utf8()..].starts_with(char::is_alphanumeric);
            after.match_indices(*close).map(|(at, _)| at).find(ends).map(|at| &after[at + close.len_utf8()..])
        });
        if let Some(behind) = closed {
            left.push_str(" quotation ");
            rest = behind;
        } else {
            left.push(letter);
            rest = after;
        }
        before = letter;
    }
    if left.split_whitespace().all(|word| word.trim_matches(|c: char| !c.is_alphanumeric()) == "quotation") {
        return text.to_owned();
    }
    left
}

/// The words without what is polite, without a greeting, and each once where it is repeated.
pub(super) fn bare<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut bare: Vec<&str> = Vec::new();
    let mut at = 0;
    if words.first().is_some_and(|word| GREETINGS.has(word)) {
        // A name follows, up to the comma.
        let name = words.iter().take(5).position(|word| *word == ",");
        at = name.map_or(1, |comma| comma + 1);
    }
    while at < words.len() {
        let rest = &words[at..];
        let alone = POLITE_ALONE.has(rest[0]) && rest.get(1).is_none_or(|next| *next == ",");
        match POLITE.taken_from(rest).or(alone.then_some(1)) {
            Some(taken) => at += taken,
            None => {
                if rest[0] != "," && bare.last() != Some(&rest[0]) {
                    bare.push(rest[0]);
                }
                at += 1;
            }
        }
    }
    bare
}
