//! Replies: what somebody wrote back, and whether that is a wish for no more mail.

use crate::fold::fold;
use crate::mail::Mail;
use crate::quote::own_words;
use crate::{sender, subject, wish};

/// Somebody's answer to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// Whether their own words ask for no more mail. What is quoted does not count, and where they are not
    /// plain it is `false`: a person should look at it.
    pub is_opt_out: bool,
}

/// The answer that a mail is; `None` when it answers nothing and asks for nothing.
pub(crate) fn read(mail: &Mail) -> Option<Reply> {
    let subject = fold(mail.header("subject").unwrap_or_default());
    let (marked, _) = subject::bare(&subject);
    let answers = marked || mail.headers.has("in-reply-to") || mail.headers.has("references");
    // What nobody wrote to us alone has its own way out in it.
    let is_opt_out = (answers || sender::may_be_a_person(mail)) && asks_for_no_more(mail);
    (answers || is_opt_out).then_some(Reply { is_opt_out })
}

/// The answer that a mail is where something else than its headers says that somebody wrote it.
pub(crate) fn of(mail: &Mail) -> Reply {
    Reply { is_opt_out: asks_for_no_more(mail) }
}

/// Whether what they wrote, or their subject where it is their own, is a wish for no more mail.
pub(crate) fn asks_for_no_more(mail: &Mail) -> bool {
    let own = own_words(&mail.written);
    let subject = mail.header("subject").unwrap_or_default();
    let folded = fold(subject);
    let (marked, bare) = subject::bare(&folded);
    // Behind `Re:` stands the subject of a campaign, unless there is nothing else and nobody would call a campaign so.
    let titled = if marked { own.trim().is_empty() && wish::is_sure(bare) } else { wish::is_all_of(subject) };
    titled || wish::is_in(&own)
}

#[cfg(test)]
mod tests {
    use crate::{Kind, read};

    fn mail(headers: &str, body: &str) -> Kind {
        let raw = format!("From: Jan <jan@firm.test>\nTo: r@in.test\n{headers}\n\n{body}\n");
        read(raw.as_bytes()).kind
    }

    #[test]
    fn an_answer_is_a_wish_by_its_own_words_or_subject() {
        for (headers, body, expected) in [
            ("Subject: Re: A question\nIn-Reply-To: <1@x>", "Yes", Some(false)),
            ("Subject: Re: A question", "STOP", Some(true)),
            ("Subject: R: Your bench", "Ciao", Some(false)),
            ("Subject: Odp: Your bench", "Call me", Some(false)),
            ("Subject: Your bench", "Call me", None),
            ("Subject: Your bench", "Please unsubscribe me", Some(true)),
            ("Subject: unsubscribe", "", Some(true)),
            ("Subject: =?utf-8?q?D=C3=A9sabonnement?=", "", Some(true)),
            ("Subject: Re: unsubscribe", "", Some(true)),
            ("Subject: Re: unsubscribe", "Yes, tell me more", Some(false)),
            ("Subject: Re: Stop", "", Some(false)),
            ("Subject: STOP", "", Some(true)),
            // Letters to many have a way out of their own.
            ("Subject: Our news\nList-Unsubscribe: <https://x.test>", "Hello\n\nUnsubscribe", None),
            // Where somebody marks nothing and quotes in HTML.
            (
                "Subject: Re: A question\nContent-Type: text/html; charset=utf-8",
                "<p>Gerne</p><div><blockquote><p>Hello</p><p>Unsubscribe</p></blockquote></div>",
                Some(false),
            ),
            ("Subject: Re: A question\nContent-Type: text/html", "<p>Please <b>unsubscribe</b> me</p>", Some(true)),
            (
                "Subject: Re: x\nContent-Type: text/html",
                "<div>Yes</div><div><b>De :</b> C<br><b>Envoyé :</b> jeudi<br><b>Objet :</b> x</div><p>Unsubscribe</p>",
                Some(false),
            ),
        ] {
            let kind = mail(headers, body);
            let found = if let Kind::Reply(reply) = &kind { Some(reply.is_opt_out) } else { None };
            assert_eq!(found, expected, "{headers:?} {body:?} is {kind:?}");
        }
    }
}
