//! Automatic answers (RFC 3834): nobody read the message.

use jiff::civil::Date;

use crate::fold::fold;
use crate::mail::Mail;
use crate::wording::Wording;
use crate::{absence, limits, quote, reply, sender, subject};

/// An automatic answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoReply {
    /// Whether it says that the person is away, rather than that a message has come in.
    pub is_absence: bool,
    /// The day that it names as the end of the absence or as that of the return, in the languages of [`absence`].
    pub until: Option<Date>,
}

/// Headers that only automatic answers have, whatever their value.
const MARKS: &[&str] = &[
    "x-autoreply",
    "x-auto-reply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-auto-reply-from",
    "x-mail-autoreply",
    "x-mailautoreply",
    "x-vacation",
    "x-vacation-message",
    "x-away-message",
    "x-amazon-auto-reply",
    "x-apple-action",
    "x-ms-exchange-inbox-rules-loop",
    "x-autoreply-message",
    "autoresponder",
];

/// Subjects that begin an automatic answer, as [`fold`] leaves them.
const SUBJECTS: &[&str] = &[
    "automatic reply",
    "automatic response",
    "automated reply",
    "automated response",
    "auto reply",
    "auto-reply",
    "autoreply",
    "auto response",
    "auto-response",
    "autoresponse",
    "auto:",
    "auto-re:",
    "auto re:",
    "out of office",
    "out of the office",
    "out-of-office",
    "ooo:",
    "reponse automatique",
    "reponse auto",
    "message automatique",
    "message d'absence",
    "absence du bureau",
    "automatische antwort",
    "automatische reactie",
    "automatisk",
    "autosvar",
    "abwesenheit",
    "afwezigheid",
    "odpowiedz automatyczna",
    "respuesta automatica",
    "fuera de la oficina",
    "risposta automatica",
    "fuori ufficio",
    "resposta automatica",
    "automatisch antwoord",
    "automaattinen vastaus",
    "automaticka odpoved",
    "automatikus valasz",
    "raspuns automat",
    "otomatik yanit",
    "otomatik cevap",
    "automatski odgovor",
    "samodejni odgovor",
    "automatinis atsakymas",
    "automaatvastus",
    "franvarande",
    "franvaro",
    "fravaer",
    "poissaolo",
    "nieobecnosc",
    "автоматический ответ",
    "автоответ",
    "автоматична відповідь",
    "αυτοματη απαντηση",
    "自動返信",
    "自動応答",
    "自动回复",
    "自动答复",
    "自動回覆",
    "자동 회신",
    "자동 응답",
    "자동응답",
];

/// Subjects that often do, where the text says the same: anybody may write of a vacation.
const OFTEN: &[&str] = &[
    "vacation",
    "on vacation",
    "on holiday",
    "on leave",
    "on annual leave",
    "maternity leave",
    "away from",
    "i am away",
    "absence:",
    "absent",
    "en conges",
    "conge ",
    "abwesend",
    "nicht im buro",
    "im urlaub",
    "ausente",
    "afwezig",
    "assente",
    "in ferie",
    "不在",
];

/// How somebody says that they are away.
const AWAY: &[&str] = &[
    "out of office",
    "out of the office",
    "out-of-office",
    "away from my",
    "away from the office",
    "i am away",
    "i'm away",
    "i will be away",
    "i am ooo",
    "i'm ooo",
    "office closed",
    "office is closed",
    "estoy fuera",
    "estare fuera",
    "on vacation",
    "on holiday",
    "on leave",
    "on annual leave",
    "on maternity",
    "on parental leave",
    "maternity leave",
    "travelling",
    "traveling",
    "limited access to",
    "intermittent access",
    "no access to my",
    "i am currently away",
    "i am currently out",
    "annual leave",
    "je suis absent",
    "je serai absent",
    "je suis actuellement absent",
    "actuellement absent",
    "absent du",
    "absente du",
    "absent jusqu",
    "absente jusqu",
    "en vacances",
    "suis en conge",
    "serai en conge",
    "en conges",
    "conge maternite",
    "conge parental",
    "en deplacement",
    "de retour le",
    "a mon retour",
    "nicht im buro",
    "nicht im haus",
    "ausser haus",
    "abwesend",
    "im urlaub",
    "fuera de la oficina",
    "estoy ausente",
    "estare ausente",
    "de vacaciones",
    "fuori ufficio",
    "fuori sede",
    "sono assente",
    "saro assente",
    "in ferie",
    "afwezig",
    "niet aanwezig",
    "niet op kantoor",
    "op vakantie",
    "met verlof",
    "fora do escritorio",
    "de ferias",
    "de baja",
    "pa semester",
    "pa ferie",
    "na urlopie",
    "poza biurem",
    "na dovolene",
    "mimo kancelar",
    "szabadsagon",
    "lomalla",
    "in concediu",
    "в отпуске",
    "休暇",
    "休假",
    "不在",
];

/// What the mail is as an automatic answer; `None` when somebody or something else wrote it.
pub(crate) fn read(mail: &Mail) -> Option<AutoReply> {
    let title = mail.header("subject").unwrap_or_default();
    let folded = fold(title);
    let (marked, bare) = subject::bare(&folded);
    let own = quote::own_words(&mail.written);
    let text = if own.trim().is_empty() { &mail.written } else { &own };
    let away = Wording::new(limits::cut(text, 4096)).has(AWAY);
    let bare = Wording::new(bare);
    let titled = is_title(&bare) || !marked && away && bare.begins_with(OFTEN);
    // Behind `Re:` stands a subject of ours, which says nothing of whoever answers.
    let says_absence = away || !marked && bare.has(AWAY);
    let generated = mail.header("auto-submitted").is_some_and(|value| value.starts_with("auto-generated"));
    let automatic = says_so(mail)
        || generated && sender::has_null_sender(mail) && !sender::is_daemon(mail)
        || titled && sender::has_null_sender(mail)
        || (titled && !marked || looks_so(mail) && (titled || says_absence)) && !may_be_somebody(mail, &own);
    if !automatic {
        return None;
    }
    let sent = mail.sent();
    let day = |read: fn(&str, Option<Date>) -> Option<Date>| read(title, sent).or_else(|| read(text, sent));
    let until = if says_absence { day(absence::until) } else { day(absence::back_on) };
    Some(AutoReply { is_absence: says_absence || until.is_some(), until })
}

/// Whether a header or the subject says that a machine answered.
pub(crate) fn is_marked(mail: &Mail) -> bool {
    says_so(mail) || is_title(&Wording::new(mail.header("subject").unwrap_or_default()))
}

/// Whether a subject begins as only automatic answers do.
pub(crate) fn is_title(subject: &Wording) -> bool {
    subject.begins_with(SUBJECTS)
}

/// Whether something speaks for a person: a wish for no more mail, or a message that is quoted. In doubt it is a reply,
/// which somebody reads.
fn may_be_somebody(mail: &Mail, own: &str) -> bool {
    let quotes = || {
        let lines = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).count();
        !own.trim().is_empty() && lines(own) < lines(&mail.written) && mail.headers.has("in-reply-to")
    };
    !sender::has_null_sender(mail) && (reply::asks_for_no_more(mail) || quotes())
}

/// Whether a header says that a machine answered.
fn says_so(mail: &Mail) -> bool {
    let is = |name: &str, words: &[&str]| {
        mail.header(name).is_some_and(|value| {
            let value = value.to_ascii_lowercase();
            words.iter().any(|word| value.starts_with(word))
        })
    };
    let answers = mail.headers.has("in-reply-to") || mail.headers.has("references");
    is("auto-submitted", &["auto-replied"])
        || answers && is("auto-submitted", &["auto-generated", "auto-notified"])
        || is("precedence", &["auto_reply", "auto-reply"])
        || is("x-precedence", &["auto_reply", "auto-reply"])
        || is("preference", &["auto_reply", "auto-reply"])
        || is("x-autogenerated", &["reply", "auto_reply"])
        || is("x-post-messageclass", &["9; autoresponder"])
        || is("delivered-to", &["autoresponder"])
        || is("x-ms-exchange-generated-message-source", &["mailbox rules agent"])
        || MARKS.iter().any(|name| mail.headers.has(name))
        || answers && sender::has_null_sender(mail)
}

/// Whether it may be: an envelope without a sender, or a header that asks for no answers.
fn looks_so(mail: &Mail) -> bool {
    let bulk = || mail.header("precedence").is_some_and(|value| ["bulk", "junk"].contains(&value.trim()));
    sender::has_null_sender(mail) || mail.headers.has("x-auto-response-suppress") || bulk()
}

#[cfg(test)]
mod tests {
    use crate::{Kind, read};

    fn kind(headers: &str, body: &str) -> Kind {
        let raw = format!(
            "From: Jan <jan@firm.test>\nTo: r@in.test\nDate: Thu, 26 Nov 2026 10:00:00 +0100\n{headers}\n\n{body}\n"
        );
        read(raw.as_bytes()).kind
    }

    #[test]
    fn a_return_is_counted_from_the_day_of_receipt_where_a_mail_has_no_date() {
        let raw = b"From: Jan <jan@firm.test>\nSubject: Automatic reply: A question\n\nI am away until Monday.\n";
        let until = |received: Option<&str>| match crate::read_on(raw, received.map(|day| day.parse().unwrap())).kind {
            Kind::AutoReply(answer) => answer.until.map(|day| day.to_string()),
            kind => panic!("{kind:?}"),
        };
        assert_eq!(until(Some("2026-11-26")).as_deref(), Some("2026-11-30"));
        assert_eq!(until(None), None);
    }

    #[test]
    fn a_subject_makes_no_answer_automatic_where_a_person_speaks() {
        const TITLED: &str = "Automated response for your support team";
        let ours = format!("Subject: Re: {TITLED}\nIn-Reply-To: <1@x>");
        let out = "Subject: Automatic reply: A question\nIn-Reply-To: <1@x>";
        for (headers, body, expected, opt_out) in [
            (ours.as_str(), "STOP. Do not write to me again", "reply", true),
            (&ours, "Yes, please call me tomorrow", "reply", false),
            (&format!("{ours}\nReturn-Path: <>"), "Your message has come in.", "auto_reply", false),
            (&format!("{ours}\nAuto-Submitted: auto-replied"), "Your message has come in.", "auto_reply", false),
            (&format!("{ours}\nPrecedence: bulk"), "Your message has come in.", "auto_reply", false),
            (&format!("{ours}\nX-Auto-Response-Suppress: All"), "Stop emailing me", "reply", true),
            ("Subject: Re: Out of office made easy\nIn-Reply-To: <1@x>", "Yes, call me tomorrow.", "reply", false),
            (out, "I am away.", "auto_reply", false),
            (out, "STOP", "reply", true),
            (out, "Funny.\n\nOn Thu, C <c@a.test> wrote:\n> Hello", "reply", false),
            ("Subject: On vacation\nIn-Reply-To: <1@x>", "I am on vacation.", "auto_reply", false),
            ("Subject: Re: Vacation\nIn-Reply-To: <1@x>", "I am on vacation next week, call me.", "reply", false),
            // What a machine asks for is no wish of a person's.
            (&format!("{out}\nAuto-Submitted: auto-replied"), "Unsubscribe", "auto_reply", false),
            // What is quoted says nothing of whoever answers.
            (
                "Subject: Re: x\nIn-Reply-To: <1@x>\nPrecedence: bulk",
                "Yes.\n\nOn Thu, C <c@a.test> wrote:\n> are you out of the office",
                "reply",
                false,
            ),
        ] {
            let found = kind(headers, body);
            assert_eq!(found.as_str(), expected, "{headers:?} {body:?}");
            assert_eq!(matches!(found, Kind::Reply(reply) if reply.is_opt_out), opt_out, "{headers:?} {body:?}");
        }
    }

    #[test]
    fn an_automatic_answer_that_names_a_return_is_an_absence() {
        let answers = "Subject: Automatic reply: x\nAuto-Submitted: auto-replied";
        for (body, expected) in [
            ("I will return 12/07/2026", Some("2026-12-07")),
            ("back on 14 December", Some("2026-12-14")),
            ("Ik ben afwezig tot 5 december 2026", Some("2026-12-05")),
            ("Je suis absente du 30 novembre au 4 décembre 2026.", Some("2026-12-04")),
            ("Estaré fuera hasta el 3 de diciembre.", Some("2026-12-03")),
            ("I am OOO until December 3.", Some("2026-12-03")),
            ("Office closed. We reopen December 3.", Some("2026-12-03")),
            ("I will be back in two weeks.", Some("2026-12-10")),
            ("I am out of the office until next Monday.", Some("2026-11-30")),
            ("I'm away. Please wait until March 2027 for an answer, back on 5 January 2027", Some("2027-01-05")),
            ("Your request is kept until 5 December 2026.", None),
            ("I have left the company.", None),
        ] {
            let Kind::AutoReply(reply) = kind(answers, body) else { panic!("{body}") };
            assert_eq!(reply.until.map(|day| day.to_string()).as_deref(), expected, "{body}");
            assert_eq!(reply.is_absence, expected.is_some(), "{body}");
        }
    }
}
