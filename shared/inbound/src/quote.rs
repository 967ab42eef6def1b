//! What somebody wrote themselves, apart from what they quote.
//!
//! Programs mark a quote in a few ways, and in every language: with `>` before each line, with the headers of the
//! message, or with a line that says who wrote when. They are known by their form rather than by their words.

use crate::fold::fold;
use crate::limits;

/// Lines that the line above a quote may be folded into.
const FOLDED: usize = 3;

/// Octets of own words above a quote that make what stands below it somebody else's: a footer, mostly.
const ENOUGH: usize = 40;

/// The text without quotes, without what a program wrote above those, and without the signature. Answers below a quote
/// count where there are hardly any above it.
pub(crate) fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| limits::cut(line, limits::LINE)).collect();
    let (mut own, mut at, mut quoting, mut quoted) = (String::new(), 0, false, false);
    while let Some(line) = lines.get(at) {
        let bare = line.trim();
        let rest = &lines[at..];
        if ends(bare) || begins_headers(rest) {
            break;
        }
        at += 1;
        if is_quoted(bare) {
            (quoting, quoted) = (true, true);
        } else if bare.is_empty() {
            quoting = false;
            own.push('\n');
        } else if let Some(taken) = introduces(rest) {
            at += taken - 1;
            if !is_quoted(next_of(&lines[at..])) {
                break;
            }
        } else if !quoting {
            // A line right behind a quoted one is the rest of it, broken by a program.
            if quoted && own.trim().len() > ENOUGH {
                break;
            }
            own.push_str(line);
            own.push('\n');
        }
    }
    own
}

fn ends(bare: &str) -> bool {
    bare == "--" || bare.starts_with("________") || bare.starts_with("-----") || bare.starts_with("---- ")
}

fn is_quoted(bare: &str) -> bool {
    bare.starts_with('>') || bare.starts_with("| ")
}

/// The first line that is not empty.
fn next_of<'a>(lines: &[&'a str]) -> &'a str {
    lines.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default()
}

/// Words for *wrote*, as [`fold`] leaves them.
const WROTE: &[&str] = &[
    "wrote",
    "writes",
    "ecrit",
    "schrieb",
    "escribio",
    "scritto",
    "escreveu",
    "schreef",
    "skrev",
    "kirjoitti",
    "napisal",
    "napisala",
    "pisze",
    "yazdi",
    "scris",
    "irta",
    "εγραψε",
    "пишет",
    "писал",
    "написал",
    "написала",
];

/// Whether a quote is introduced here, and by how many lines.
fn introduces(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?.trim();
    (1..=FOLDED.min(rest.len())).find(|taken| {
        let head = &rest[..*taken];
        let broken = head.iter().any(|line| line.trim().is_empty() || is_quoted(line.trim()));
        if broken || *taken > 1 && !(is_dated(first) || first.contains('@')) {
            return false;
        }
        let head = head.join(" ");
        let head = head.trim();
        let follows = is_quoted(next_of(&rest[*taken..]));
        if follows && head.ends_with('>') && head.contains('@') {
            return true;
        }
        let Some(said) = head.strip_suffix([':', '：']).filter(|_| head.len() < 400) else { return false };
        let folded = fold(said);
        let wrote = folded.split(|c: char| !c.is_alphanumeric()).any(|word| WROTE.contains(&word));
        let (dated, named) = (is_dated(said), said.contains('@'));
        follows || dated && (named || wrote) || named && wrote || wrote && folded.starts_with("on ")
    })
}

/// Whether there is a time of the day or a year in it.
fn is_dated(text: &str) -> bool {
    let parts = || text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let year = parts().any(|part| part.len() == 4 && part.starts_with("20"));
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    year || memchr::memchr2_iter(b':', b'h', bytes)
        .any(|at| digit(at.checked_sub(1)) && digit(Some(at + 1)) && digit(Some(at + 2)))
}

/// Names of the first header that a program writes above a quote.
const FROM: &[&str] = &[
    "from",
    "de",
    "von",
    "da",
    "van",
    "fra",
    "fran",
    "od",
    "kimden",
    "lahettaja",
    "expediteur",
    "remitente",
    "mittente",
    "absender",
    "от",
    "发件人",
    "差出人",
];

/// Names of the others.
const OTHERS: &[&str] = &[
    "sent",
    "to",
    "subject",
    "date",
    "cc",
    "reply-to",
    "envoye",
    "envoye le",
    "a",
    "objet",
    "gesendet",
    "an",
    "betreff",
    "datum",
    "enviado",
    "enviado el",
    "enviada em",
    "para",
    "asunto",
    "assunto",
    "fecha",
    "inviato",
    "oggetto",
    "data",
    "verzonden",
    "aan",
    "onderwerp",
    "skickat",
    "till",
    "amne",
    "sendt",
    "til",
    "emne",
    "wyslano",
    "do",
    "temat",
];

/// Whether the headers of a message begin here: those that are known, or three lines that look like them and name an
/// address or a time.
fn begins_headers(rest: &[&str]) -> bool {
    let Some((first, value)) = rest.first().and_then(|line| header(line)) else { return false };
    let mut lines = rest.iter().skip(1).filter(|line| !line.trim().is_empty()).take(4);
    if FROM.contains(&first.as_str())
        && lines.clone().any(|line| header(line).is_some_and(|(name, _)| OTHERS.contains(&name.as_str())))
    {
        return true;
    }
    let telling = |value: &str| value.contains('@') || is_dated(value);
    let Some((second, third)) =
        lines.next().and_then(|line| header(line)).zip(lines.next().and_then(|line| header(line)))
    else {
        return false;
    };
    [value, second.1, third.1].into_iter().any(telling)
}

/// The name, folded, and the value of a line that looks like a header.
fn header(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once([':', '：'])?;
    let (name, value) = (fold(name), value.trim());
    let named = !name.is_empty()
        && name.len() <= 24
        && name.split(' ').count() <= 3
        && name.chars().all(|c| c.is_alphabetic() || " -'".contains(c));
    (named && !value.is_empty() && !value.starts_with("//")).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> String {
        let own = own_words(text);
        let lines = own.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("|")
    }

    #[test]
    fn quotes_end_own_words_in_any_language() {
        for quote in [
            "On Thu, 26 Nov 2026 at 09:00, Camille <c@a.test> wrote:\n> Stop",
            "On Thu, 26 Nov 2026 at 09:00, Camille <c@a.test>\nwrote:\n\nStop",
            "On Thursday Camille wrote:\nStop",
            "Le jeu. 26 nov. 2026 à 09:00, Camille <c@a.test> a écrit :\n\nStop",
            "Am 26.11.2026 um 09:00 schrieb Camille:\nStop",
            "Camille <c@a.test> schrieb am Do., 26. Nov. 2026, 09:00:\n\nStop",
            "Den tors 26 nov. 2026 kl 09:00 skrev Camille <c@a.test>:\n\nBonjour\n\nStop",
            "El jue, 26 nov 2026 a las 9:00, Camille (<c@a.test>) escribió:\nStop",
            "Il giorno gio 26 nov 2026 alle ore 09:00 Camille <c@a.test> ha scritto:\nStop",
            "Op do 26 nov 2026 om 09:00 schreef Camille <c@a.test>:\nStop",
            "26.11.2026, 09:00, \"Camille\" <c@a.test>:\nStop",
            "czw., 26 lis 2026 o 09:00 Camille <c@a.test> napisał(a):\n\nStop",
            "Camille <c@a.test> 于2026年11月26日周四 09:00写道：\nStop",
            "2026年11月26日(木) 9:00 Camille <c@a.test>:\nStop",
            "From: Camille\nSent: Thursday\nSubject: x\n\nStop",
            "De : Camille\nEnvoyé : jeudi\nÀ : Jan\nObjet : x\n\nStop",
            "*From:* Camille <c@a.test>\n*Sent:* Thursday\n\nStop",
            "Van: Camille <c@a.test>\nVerzonden: donderdag 26 november 2026 09:00\nAan: Jan\nOnderwerp: x\n\nStop",
            "De: Camille <c@a.test>\nEnviado el: jueves\nPara: Jan\nAsunto: x\n\nStop",
            "Von: Camille\nGesendet: Donnerstag\nAn: Jan\nBetreff: x\n\nStop",
            "Saatja: Camille <c@a.test>\nSaadetud: neljapäev\nTeema: x\n\nStop",
            "-----Original Message-----\nStop",
            "________________________________\nStop",
            "---- On Thu, 26 Nov 2026 Camille wrote ----\nStop",
            "-- \nStop Gmbh",
            "> Stop\n> Stop",
            "> to stop receiving these\nStop",
            "Camille wrote:\n> Stop",
            "Camille <c@a.test>\n> Stop",
        ] {
            assert_eq!(own(&format!("Yes, call me.\n\n{quote}")), "Yes, call me.", "{quote}");
        }
    }

    #[test]
    fn own_words_stay() {
        for (text, expected) in [
            ("As I wrote:\nno.", "As I wrote:|no."),
            ("From: here to there\nit is far", "From: here to there|it is far"),
            ("On Thu, C <c@a.test> wrote:\n> Hello\n> we met\n\nplease stop", "please stop"),
            ("> Hello\n\nSTOP", "STOP"),
            ("Hello,\n\n> Hello\n\nSTOP", "Hello,|STOP"),
            (
                "We like it and would like to know what it costs.\n> x\n\nUnsubscribe here",
                "We like it and would like to know what it costs.",
            ),
            ("", ""),
        ] {
            assert_eq!(own(text), expected, "{text}");
        }
    }
}
