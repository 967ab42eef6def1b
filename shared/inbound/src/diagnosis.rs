//! From what was said about a recipient to why the message did not arrive.
//!
//! What the remote server said comes first: its words, then its enhanced code. Words go before codes, because
//! servers say `550 5.1.1` of a sender who writes too much. Then the status that the reporting server
//! chose, the text it wrote for people, and last the bare code, which says next to nothing.

use crate::evidence::Said;
use crate::limits;
use crate::phase::Phase;
use crate::smtp::{self, Reply};
use crate::status::Status;
use crate::wording::{Found, Wording};
use domain::cause::{Cause, Class};

/// What was said about one recipient.
#[derive(Default)]
pub(crate) struct Clues<'a> {
    /// The field `Status`, with the words that may follow the code.
    pub(crate) status: Option<&'a str>,
    /// What a server said: `Diagnostic-Code`, or the lines about this recipient.
    pub(crate) said: &'a str,
    /// What else the report says.
    pub(crate) around: &'a str,
    /// It is still being tried.
    pub(crate) delayed: bool,
}

/// What the clues amount to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Why the message did not arrive.
    pub cause: Cause,
    /// What that means for the next one.
    pub class: Class,
    /// The enhanced status code.
    pub status: Option<Status>,
    /// The code of the SMTP reply.
    pub code: Option<u16>,
    /// The words that decided, as they stand in the tables.
    pub words: Option<&'static str>,
    /// What was said of the recipient.
    pub said: Option<Said>,
}

/// What a server said of one recipient outside any report, with the enhanced status beside it if there is one: judged as in a report.
#[must_use]
pub fn judge(status: Option<&str>, said: &str) -> Diagnosis {
    let said = limits::cut(said, limits::SEARCHED_OF_ONE);
    diagnose(&Clues { status, said, ..Clues::default() })
}

pub(crate) fn diagnose(clues: &Clues<'_>) -> Diagnosis {
    let said = Statement::new(clues.said);
    let around = Statement::new(clues.around);
    let field = clues.status.and_then(Status::parse);
    let verdict = clues.verdict(&said, &around, field);

    let reply = verdict.reply.or_else(|| said.decisive()).or_else(|| around.decisive());
    let status = field
        .filter(|status| status.cause().is_some())
        .or_else(|| reply.and_then(|reply| reply.status))
        .or(field)
        .or_else(|| Status::find(clues.said));
    let temporary = match reply {
        Some(reply) => !reply.is_permanent(),
        None => status.is_some_and(Status::is_temporary),
    };
    let cause = clues.corrected(verdict.cause, status);
    let class = match cause.class() {
        // What may still arrive, or was refused for now, says nothing final about an address.
        Class::Hard if clues.delayed || temporary => Class::Soft,
        // Who refuses for good and does not say why mostly refuses the sender.
        _ if cause == Cause::Unknown && reply.is_some() && !temporary => Class::Block,
        class => class,
    };
    let kept = if clues.said.trim().is_empty() { reply.map(|reply| reply.text) } else { Some(clues.said) };
    Diagnosis {
        cause,
        class,
        status,
        code: reply.map(|reply| reply.code),
        words: verdict.words,
        said: kept.map(one_line).filter(|said| !said.is_empty()).map(Said::new),
    }
}

impl<'a> Clues<'a> {
    /// The first of all clues that says something, from the most to the least reliable.
    fn verdict(&self, said: &Statement<'a>, around: &Statement<'a>, field: Option<Status>) -> Verdict<'a> {
        let of_field = || field.and_then(Status::cause).map(|cause| Verdict { cause, words: None, reply: None });
        (said.sure())
            .or_else(|| said.enhanced())
            .or_else(of_field)
            .or_else(|| self.status.and_then(|status| Wording::new(status).sure()).map(Verdict::of_words))
            .or_else(|| around.sure())
            .or_else(|| around.enhanced())
            .or_else(|| said.hint())
            .or_else(|| said.bare())
            .or_else(|| around.hint())
            .or_else(|| around.bare())
            .unwrap_or(Verdict { cause: Cause::Unknown, words: None, reply: None })
    }

    /// A cause that is not what it seems, by what it was said of.
    fn corrected(&self, cause: Cause, status: Option<Status>) -> Cause {
        if cause.class() != Class::Hard {
            return cause;
        }
        match status.and_then(Status::cause) {
            // X.1.1 is said of a recipient, X.1.7 and X.1.8 of a sender, whenever they are said.
            Some(Cause::UnknownUser) => cause,
            Some(Cause::SenderRefused) => Cause::SenderRefused,
            // Whoever speaks of a rule and of a domain that does not exist means the sender's.
            Some(Cause::Policy) if cause == Cause::UnknownHost => Cause::SenderRefused,
            _ => {
                let phase = Phase::find(self.said).or_else(|| Phase::find(self.around));
                phase.map_or(cause, |phase| phase.correct(cause))
            }
        }
    }
}

/// A cause and what gave it away.
struct Verdict<'a> {
    cause: Cause,
    words: Option<&'static str>,
    reply: Option<Reply<'a>>,
}

impl Verdict<'_> {
    fn of_words((cause, words): Found) -> Self {
        Self { cause, words: Some(words), reply: None }
    }
}

/// A text with the replies in it.
struct Statement<'a> {
    text: &'a str,
    replies: Vec<Reply<'a>>,
}

impl<'a> Statement<'a> {
    fn new(text: &'a str) -> Self {
        let mut replies = smtp::replies(text);
        if !replies.iter().all(is_consequence) {
            replies.retain(|reply| !is_consequence(reply));
        }
        Self { text, replies }
    }

    /// The last reply that refuses for good, else the last: servers quote the one before them first.
    fn decisive(&self) -> Option<Reply<'a>> {
        self.innermost().next()
    }

    /// Replies from the most to the least telling.
    fn innermost(&self) -> impl Iterator<Item = Reply<'a>> {
        let (last, first): (Vec<Reply<'a>>, Vec<Reply<'a>>) =
            self.replies.iter().rev().partition(|reply| reply.is_permanent());
        // Behind `<<<` stands what the other server said, below it what sendmail makes of that.
        let (theirs, ours): (Vec<Reply<'a>>, Vec<Reply<'a>>) =
            last.into_iter().partition(|reply| reply.is_received(self.text));
        theirs.into_iter().chain(ours).chain(first)
    }

    fn sure(&self) -> Option<Verdict<'a>> {
        self.of_replies(Wording::sure)
            .or_else(|| self.of_paragraphs(Wording::specific))
            .or_else(|| self.of_paragraphs(Wording::sure))
    }

    fn hint(&self) -> Option<Verdict<'a>> {
        self.of_replies(Wording::hint).or_else(|| self.of_paragraphs(Wording::hint))
    }

    fn of_replies(&self, search: impl Fn(&Wording) -> Option<Found>) -> Option<Verdict<'a>> {
        self.innermost().find_map(|reply| {
            let (cause, words) = search(&Wording::new(reply.text))?;
            Some(Verdict { cause, words: Some(words), reply: Some(reply) })
        })
    }

    /// A footer on spam says nothing of the failure above it, so the first paragraph that says something counts.
    fn of_paragraphs(&self, search: impl Fn(&Wording) -> Option<Found>) -> Option<Verdict<'a>> {
        paragraphs(self.text).find_map(|text| search(&Wording::new(text)).map(Verdict::of_words))
    }

    fn enhanced(&self) -> Option<Verdict<'a>> {
        let of_reply = |reply: Reply<'a>| {
            let cause = reply.status.or_else(|| Status::find(reply.text))?.cause()?;
            Some(Verdict { cause, words: None, reply: Some(reply) })
        };
        self.innermost().find_map(of_reply).or_else(|| {
            let cause = Status::find(self.text)?.cause()?;
            Some(Verdict { cause, words: None, reply: None })
        })
    }

    /// What the code alone means (RFC 5321 §4.2.3, RFC 7504).
    fn bare(&self) -> Option<Verdict<'a>> {
        let reply = self.decisive()?;
        let cause = match reply.code {
            421 | 450 | 451 => Cause::Network,
            452 => Cause::System,
            500..=504 => Cause::Protocol,
            521 | 556 => Cause::TakesNoMail,
            523 => Cause::TooLarge,
            525 => Cause::Disabled,
            530 | 534 | 535 | 538 => Cause::Unauthenticated,
            552 => Cause::MailboxFull,
            _ => return None,
        };
        Some(Verdict { cause, words: None, reply: Some(reply) })
    }
}

/// Said of a transaction in which every recipient was refused before: `503 Need RCPT`, `554 no valid recipients`.
fn is_consequence(reply: &Reply<'_>) -> bool {
    Wording::new(limits::cut(reply.text, 128)).has(&["no valid recipient", "need rcpt", "valid rcpt command"])
}

/// How many pieces of a text are told apart.
const MAX_PARAGRAPHS: usize = 32;

/// A text in the pieces it was written in.
fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    let mut room = MAX_PARAGRAPHS;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['\n', '\r']);
        room = room.checked_sub(1)?;
        let end = ["\n\n", "\n\r\n"].iter().filter_map(|gap| rest.find(gap)).min();
        let (paragraph, after) = rest.split_at(end.filter(|_| room > 0).unwrap_or(rest.len()));
        rest = after;
        (!paragraph.is_empty()).then_some(paragraph)
    })
}

/// What was said on one line, and not at length.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = limits::cut(text, 4 * limits::SAID).split_whitespace().collect();
    let line = words.join(" ");
    limits::cut(&line, limits::SAID).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::cause::Cause::*;

    fn of(said: &str) -> Diagnosis {
        diagnose(&Clues { status: None, said, ..Clues::default() })
    }

    /// What servers say of an address that is bad.
    const HARD: &[(&str, Cause)] = &[
        ("550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in virtual mailbox table", UnknownUser),
        (
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550 5.1.1 again",
            UnknownUser,
        ),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", UnknownUser),
        ("550 5.1.1 RESOLVER.ADR.ExRecipNotFound; not found", UnknownUser),
        ("550 5.4.1 [a@example.com]: Recipient address rejected: Access denied [x.prod.example.net]", UnknownUser),
        ("550 5.1.0 Address rejected.", UnknownUser),
        ("550 #5.1.0 Address rejected.", UnknownUser),
        ("511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", UnknownUser),
        ("550 Requested action not taken: mailbox unavailable", UnknownUser),
        ("550 Invalid Recipient - https://example.net/docs#550", UnknownUser),
        ("551 This mail account doesn't exist", UnknownUser),
        ("550 Unrouteable address", UnknownUser),
        ("550 5.5.1 No such user (a@example.com)", UnknownUser),
        ("5.1.1 <a@example.com>... User Unknown", UnknownUser),
        ("550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient.", UnknownUser),
        ("554 delivery error: dd This user doesn't have an example.com account (a@example.com) [0]", UnknownUser),
        (
            "554 30 Sorry, your message to a@example.com cannot be delivered. This mailbox is disabled (554.30).",
            Disabled,
        ),
        ("550 5.2.1 The email account that you tried to reach is inactive.", Disabled),
        ("550 5.1.1 Boite du destinataire archivee. Archived recipient.", Disabled),
        ("550 5.1.6 Recipient no longer on server: a@example.com", Disabled),
        ("551 5.1.6 The recipient has moved to b@example.com", Moved),
        ("550 5.4.310 DNS domain example.test does not exist [Message=InfoDomainNonexistent]", UnknownHost),
        ("553 5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors", UnknownHost),
        ("Host or domain name not found. Name service error for name=example.test type=A: Host not found", UnknownHost),
        ("550 5.1.2 <a@example.test>... Host unknown (Name server: host not found)", UnknownHost),
        ("556 5.1.10 Recipient address has null MX", TakesNoMail),
        ("521 Host does not accept mail", TakesNoMail),
    ];

    /// What they say of anything else.
    const NOT_HARD: &[(&str, Class, Cause)] = &[
        ("550 5.1.1 <a@example.com> 192.0.2.9 has sent to too many recipients this hour", Class::Block, TooMany),
        ("550 5.7.606 Access denied, banned sending IP [192.0.2.9]", Class::Block, Reputation),
        ("550 5.7.1 Service unavailable, Client host [192.0.2.9] blocked using Spamhaus", Class::Block, Reputation),
        (
            "550 SC-001 Unfortunately, messages from 192.0.2.9 weren't sent. It is on our block list",
            Class::Block,
            Reputation,
        ),
        ("554 5.7.1 <a@example.com>: Relay access denied", Class::Block, RelayDenied),
        ("554 5.7.1 <a@example.com>: Recipient address rejected: Access denied", Class::Block, Policy),
        ("550 5.7.1 domain example.org not found in DNS", Class::Block, SenderRefused),
        ("550 5.1.1 Sender address does not exist", Class::Block, SenderRefused),
        ("550 5.1.1 The sender's mailbox does not exist", Class::Block, SenderRefused),
        ("550 5.1.1 You are not permitted to mail this user", Class::Block, Policy),
        ("550 Dominio del mittente inesistente", Class::Block, SenderRefused),
        ("550 Адрес отправителя не существует", Class::Block, Unknown),
        ("550 adres nadawcy nie istnieje", Class::Block, Unknown),
        ("550 送信者のドメインが存在しません", Class::Block, Unknown),
        ("553 sorry, your envelope sender domain must exist (#5.7.1)", Class::Block, SenderRefused),
        ("501 5.1.8 Sender address rejected: Domain not found", Class::Block, SenderRefused),
        ("501 5.1.7 Invalid address", Class::Block, SenderRefused),
        ("550 Domain does not exist (in reply to MAIL FROM command)", Class::Block, SenderRefused),
        ("550 Unknown user a@example.com (in reply to end of DATA command)", Class::Block, Policy),
        (
            "550-5.7.26 Unauthenticated email is not accepted due to domain's DMARC policy.",
            Class::Block,
            Unauthenticated,
        ),
        (
            "550 5.7.25 The IP address sending this message does not have a PTR record setup",
            Class::Block,
            Unauthenticated,
        ),
        ("550 5.7.1 Unable to verify user, policy: mail from unknown user rejected", Class::Block, SenderRefused),
        ("550 5.2.1 mailbox disabled temporarily", Class::Soft, System),
        ("550 5.2.1 The account that you tried to reach is temporarily inactive", Class::Soft, System),
        ("504 5.5.2 <mx>: Helo command rejected: need fully-qualified hostname", Class::Block, Unauthenticated),
        ("550 5.7.133 SenderNotAuthenticatedForGroup; authentication required", Class::Block, Unauthenticated),
        ("550 5.7.124 sender not in allowed-senders list", Class::Block, Policy),
        ("550 5.7.350 Remote server returned message detected as spam -> 554 5.7.1 spam detected", Class::Block, Spam),
        ("550 Administrative prohibition", Class::Block, Policy),
        ("550 Rejected", Class::Block, Policy),
        ("550 5.0.0 Something nobody has said before", Class::Block, Unknown),
        ("5.1.0 - Unknown address error 550-'5.7.1 Access denied'", Class::Block, Policy),
        ("552 5.2.2 The email account that you tried to reach is over quota.", Class::Soft, MailboxFull),
        ("554 5.2.0 STOREDRV.Deliver.Exception:QuotaExceededException", Class::Soft, MailboxFull),
        ("552 5.1.1 Boite du destinataire pleine. Recipient overquota.", Class::Soft, MailboxFull),
        ("552 5.3.4 Message size exceeds fixed limit", Class::Soft, TooLarge),
        ("550 5.7.0 Message Size Violation", Class::Soft, TooLarge),
        ("450 4.1.1 <a@example.com>: Recipient address rejected: User unknown", Class::Soft, UnknownUser),
        (
            "450 4.1.1 <a@example.com>: Recipient address rejected: unverified address: lost connection",
            Class::Soft,
            System,
        ),
        ("451 4.7.1 Greylisting in action, please come back later", Class::Soft, Network),
        ("554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Timed out>", Class::Soft, Network),
        ("554 5.4.14 Hop count exceeded - possible mail loop", Class::Soft, System),
        ("500 5.5.1 Command not recognized", Class::Soft, Protocol),
        ("450 4.7.1 may not be mail exchanger\n554 5.5.1 Error: no valid recipients", Class::Block, Policy),
        ("421 Service not available, closing transmission channel", Class::Soft, System),
        ("452 try harder", Class::Soft, System),
        ("", Class::Soft, Unknown),
    ];

    #[test]
    fn a_bad_address_is_hard() {
        let wrong: Vec<String> = (HARD.iter().map(|(said, cause)| (said, cause, of(said))))
            .filter(|(_, cause, found)| (found.class, found.cause) != (Class::Hard, **cause))
            .map(|(said, _, found)| format!("{said}: {found:?}"))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn nothing_else_is() {
        let wrong: Vec<String> = (NOT_HARD.iter().map(|(said, class, cause)| (said, (*class, *cause), of(said))))
            .filter(|(_, wanted, found)| (found.class, found.cause) != *wanted)
            .map(|(said, _, found)| format!("{said}: {found:?}"))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_status_counts_where_words_are_missing() {
        let diagnosed = |status, said, around| diagnose(&Clues { status: Some(status), said, around, delayed: false });
        assert_eq!(diagnosed("5.1.1", "", "").class, Class::Hard);
        assert_eq!(diagnosed("5.1.2 (bad destination system)", "", "").cause, UnknownHost);
        assert_eq!(diagnosed("5.0.0", "", "mail.local: unknown user: ada").class, Class::Hard);
        assert_eq!(diagnosed("4.1.1", "", "").class, Class::Soft);
        // The remote server knows better than the one that reports.
        assert_eq!(diagnosed("5.1.1", "550 5.7.1 Blocked as spam", "user unknown").cause, Spam);
        assert_eq!(diagnosed("4.0.0", "550 5.1.1 User unknown", "").class, Class::Hard);
        assert_eq!(diagnosed("5.0.0", "550 5.1.8 Refused", "Address not found").cause, SenderRefused);
    }

    #[test]
    fn what_is_late_is_not_hard() {
        let clues = Clues { status: Some("5.1.1"), said: "550 5.1.1 User unknown", around: "", delayed: true };
        let found = diagnose(&clues);
        assert_eq!((found.class, found.cause), (Class::Soft, UnknownUser));
    }
}
