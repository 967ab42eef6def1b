//! One invented mail for each structure that mail systems use, and what is to be read from it.

use crate::{FeedbackType, Kind, read};
use domain::cause::Cause::{self, *};

/// A mail of `tests/mails`.
macro_rules! mail {
    ($name:literal) => {
        ($name, include_bytes!(concat!("tests/mails/", $name, ".eml")).as_slice())
    };
}

pub(crate) type Mail = (&'static str, &'static [u8]);

/// Every mail, for the properties that hold for all of them.
pub(crate) const MAILS: &[Mail] = &[
    mail!("absence_finnish"),
    mail!("absence_french"),
    mail!("acknowledgement"),
    mail!("after_the_message"),
    mail!("answer_to_report"),
    mail!("arf"),
    mail!("asks_about_return"),
    mail!("carrier_rejected"),
    mail!("chinese_full"),
    mail!("chinese_text"),
    mail!("communigate"),
    mail!("courier_delay"),
    mail!("czech_full"),
    mail!("danish_text"),
    mail!("delay_dsn"),
    mail!("delay_text"),
    mail!("delivered_dsn"),
    mail!("domino"),
    mail!("dutch_full"),
    mail!("escaped_address"),
    mail!("exchange_2003"),
    mail!("exchange_own_name"),
    mail!("exim"),
    mail!("expanded_command"),
    mail!("fields_in_text"),
    mail!("forwarded_report"),
    mail!("french_full"),
    mail!("french_text"),
    mail!("full_details_follow"),
    mail!("german_blocks"),
    mail!("german_text"),
    mail!("gmail_text"),
    mail!("group_refused"),
    mail!("groups_without_lines"),
    mail!("groupwise"),
    mail!("hmailserver"),
    mail!("html_cells"),
    mail!("html_list"),
    mail!("html_only"),
    mail!("html_table"),
    mail!("hungarian_text"),
    mail!("imail"),
    mail!("inactivity"),
    mail!("interscan"),
    mail!("ironport"),
    mail!("italian_delay"),
    mail!("italian_text"),
    mail!("japanese_encoded"),
    mail!("left_company"),
    mail!("left_company_machine"),
    mail!("local_name_failed"),
    mail!("loop_without_fields"),
    mail!("lost_boundary"),
    mail!("mailbox_full_words"),
    mail!("mailbox_rules"),
    mail!("mailmarshal"),
    mail!("malformed_address"),
    mail!("mdaemon"),
    mail!("named_in_passing"),
    mail!("new_service"),
    mail!("newsletter"),
    mail!("newsletter_of_failures"),
    mail!("nobody_named"),
    mail!("not_spam"),
    mail!("notes_japanese"),
    mail!("opensmtpd"),
    mail!("parcel"),
    mail!("passed_on"),
    mail!("polish_text"),
    mail!("postfix_dsn"),
    mail!("qmail"),
    mail!("reason_line"),
    mail!("receipt"),
    mail!("reply"),
    mail!("reply_stop"),
    mail!("reply_vacation"),
    mail!("russian_text"),
    mail!("sendmail_transcript"),
    mail!("ses_notice"),
    mail!("shared_reason"),
    mail!("sieve_refusal"),
    mail!("smartermail"),
    mail!("spam_footer"),
    mail!("spamcop"),
    mail!("spanish_text"),
    mail!("success_text"),
    mail!("surfcontrol"),
    mail!("swedish_text"),
    mail!("their_word_first"),
    mail!("unknown_language"),
    mail!("vacation"),
    mail!("xmail"),
];

/// A mail, and of each recipient the address, whether it is hard, and the cause.
type Expected = (Mail, &'static [(&'static str, bool, Cause)]);

/// Bounces: who failed, for good or not, and why.
const BOUNCES: &[Expected] = &[
    (mail!("postfix_dsn"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", false, MailboxFull)]),
    (mail!("groups_without_lines"), &[("ada@example.com", false, MailboxFull), ("bob@example.com", true, UnknownHost)]),
    (mail!("fields_in_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("local_name_failed"), &[("ada@example.com", false, System)]),
    (mail!("passed_on"), &[("ada@example.com", true, UnknownUser)]),
    (
        mail!("qmail"),
        &[
            ("ada@example.com", true, UnknownUser),
            ("bob@example.test", true, UnknownHost),
            ("eve@example.com", false, Expired),
        ],
    ),
    (mail!("exim"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", false, TooLarge)]),
    (mail!("sendmail_transcript"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", false, Reputation)]),
    (mail!("exchange_2003"), &[("ada@example.com", false, MailboxFull), ("bob@example.com", true, UnknownUser)]),
    (mail!("domino"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("notes_japanese"), &[("ada@example.co.jp", true, UnknownUser)]),
    (mail!("mailmarshal"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("full_details_follow"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("surfcontrol"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("imail"), &[("ada@example.com", false, MailboxFull)]),
    (mail!("interscan"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("ironport"), &[("ada@example.com", false, Spam)]),
    (mail!("opensmtpd"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", false, MailboxFull)]),
    (
        mail!("carrier_rejected"),
        &[("ada@carrier.example.jp", true, UnknownUser), ("bob@carrier.example.jp", false, TooMany)],
    ),
    (mail!("mailbox_full_words"), &[("ada@carrier.example.jp", false, MailboxFull)]),
    (mail!("gmail_text"), &[("ada@example.com", false, Reputation)]),
    (mail!("html_only"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("french_text"), &[("ada@example.fr", true, UnknownUser)]),
    (mail!("french_full"), &[("bob@example.fr", false, MailboxFull)]),
    (mail!("german_text"), &[("ada@example.de", true, UnknownUser)]),
    (mail!("spanish_text"), &[("ada@example.es", false, MailboxFull)]),
    (mail!("italian_text"), &[("ada@example.it", true, UnknownUser)]),
    (mail!("nobody_named"), &[("ada@example.test", true, UnknownHost)]),
    (mail!("ses_notice"), &[("ada@example.com", true, UnknownUser)]),
    // Some carriers say *unknown user* of a message that the person's filter refuses.
    (mail!("after_the_message"), &[("ada@carrier.example.jp", false, Policy)]),
    (mail!("mdaemon"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("hmailserver"), &[("ada@example.com", false, MailboxFull)]),
    (mail!("communigate"), &[("ada@example.com", false, Reputation)]),
    (mail!("xmail"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("smartermail"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("groupwise"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", false, MailboxFull)]),
    (mail!("reason_line"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("malformed_address"), &[("ada@example.com", false, Protocol)]),
    (mail!("group_refused"), &[("team@groups.example.com", false, Policy)]),
    (mail!("spam_footer"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("lost_boundary"), &[("ada@carrier.example.com", true, UnknownUser)]),
    (
        mail!("shared_reason"),
        &[
            ("ada@example.com", true, UnknownUser),
            ("bob@example.com", true, UnknownUser),
            ("cy@example.net", false, Network),
        ],
    ),
    (mail!("their_word_first"), &[("ada@sb.example", false, MailboxFull)]),
    (mail!("html_table"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("html_cells"), &[("ada@example.com", false, MailboxFull)]),
    (mail!("html_list"), &[("ada@example.com", true, UnknownUser), ("bob@example.com", true, UnknownUser)]),
    (mail!("expanded_command"), &[("ada@example.com", false, System)]),
    (mail!("escaped_address"), &[("adä@example.com", true, UnknownUser)]),
    (mail!("chinese_text"), &[("ada@qq.example", true, UnknownUser)]),
    (mail!("chinese_full"), &[("ada@example.com", false, MailboxFull)]),
    (mail!("dutch_full"), &[("ada@kpn.example", false, MailboxFull)]),
    (mail!("danish_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("swedish_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("hungarian_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("czech_full"), &[("ada@example.com", false, MailboxFull)]),
    (mail!("polish_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("russian_text"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("japanese_encoded"), &[("ada@firm.test", true, UnknownUser)]),
    (mail!("inactivity"), &[("ada@sfr.example", true, Disabled)]),
    (mail!("exchange_own_name"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("sieve_refusal"), &[("ada@example.com", false, Policy)]),
    (mail!("unknown_language"), &[("ada@example.com", false, Unknown)]),
    (mail!("new_service"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("named_in_passing"), &[("ada@example.com", true, UnknownUser)]),
    (mail!("german_blocks"), &[("ada@example.de", true, UnknownUser)]),
];

/// Delays: whom the message has not reached yet.
const DELAYS: &[Expected] = &[
    (mail!("delay_dsn"), &[("ada@example.com", false, Network)]),
    (mail!("delay_text"), &[("ada@example.com", false, Network)]),
    (mail!("courier_delay"), &[("ada@example.com", false, Network)]),
    (mail!("italian_delay"), &[("ada@example.com", false, Unknown)]),
];

/// Everything else, by the word for it.
const OTHERS: &[(Mail, &str)] = &[
    (mail!("delivered_dsn"), "other"),
    (mail!("arf"), "complaint"),
    (mail!("not_spam"), "complaint"),
    (mail!("loop_without_fields"), "complaint"),
    (mail!("vacation"), "auto_reply"),
    (mail!("absence_french"), "auto_reply"),
    (mail!("acknowledgement"), "auto_reply"),
    (mail!("left_company"), "auto_reply"),
    (mail!("reply"), "reply"),
    (mail!("reply_stop"), "reply"),
    (mail!("forwarded_report"), "reply"),
    (mail!("reply_vacation"), "reply"),
    (mail!("newsletter"), "other"),
    (mail!("receipt"), "other"),
    (mail!("success_text"), "other"),
    (mail!("parcel"), "other"),
    (mail!("newsletter_of_failures"), "other"),
    (mail!("asks_about_return"), "reply"),
    (mail!("left_company_machine"), "auto_reply"),
    (mail!("answer_to_report"), "auto_reply"),
    (mail!("mailbox_rules"), "auto_reply"),
    (mail!("absence_finnish"), "auto_reply"),
    (mail!("spamcop"), "complaint"),
];

#[test]
fn a_bounce_names_who_failed_and_why() {
    let mut wrong = Vec::new();
    for (word, table) in [("bounce", BOUNCES), ("delay", DELAYS)] {
        for ((name, raw), wanted) in table {
            let kind = read(raw).kind;
            let (Kind::Bounce(failures) | Kind::Delay(failures)) = &kind else {
                wrong.push(format!("{name}: is {}", kind.as_str()));
                continue;
            };
            let found: Vec<(&str, bool, Cause)> =
                failures.iter().map(|failure| (failure.address.expose(), failure.is_hard(), failure.cause)).collect();
            if kind.as_str() != word || found != *wanted {
                wrong.push(format!("{name}: {} of {found:?}", kind.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_mails_are_what_they_are() {
    let wrong = OTHERS.iter().filter(|((_, raw), word)| read(raw).kind.as_str() != *word);
    let wrong: Vec<String> = wrong.map(|((name, raw), _)| format!("{name}: is {:?}", read(raw).kind)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_came_back_tells_which_message_it_was() {
    let original = read(mail!("postfix_dsn").1).original;
    assert_eq!(original.message_id.as_deref(), Some("m1@example.org"));
    assert_eq!(original.recipient.as_ref().map(|address| address.expose()), Some("countess@example.test"));
    assert_eq!(original.subject.as_deref(), Some("A word about your workshop"));
    assert_eq!(original.list_unsubscribe.as_deref(), Some("<https://example.org/u/token>"));
    // In a text, too.
    assert_eq!(read(mail!("qmail").1).original.message_id.as_deref(), Some("m2@example.org"));
}

#[test]
fn evidence_says_where_a_finding_comes_from() {
    let Kind::Bounce(failures) = read(mail!("postfix_dsn").1).kind else { panic!("a bounce") };
    let evidence = &failures[0].evidence;
    assert_eq!(evidence.status.map(|status| status.to_string()).as_deref(), Some("5.1.1"));
    assert_eq!((evidence.reply, evidence.words), (Some(550), Some("user unknown")));
    assert_eq!(evidence.original_recipient.as_ref().map(|address| address.expose()), Some("countess@example.test"));
    assert!(evidence.said.as_ref().is_some_and(|said| said.expose().starts_with("550 5.1.1")));
    // Nobody's address is in what a log might show.
    let shown = format!("{failures:?}");
    assert!(!shown.contains("ada@") && !shown.contains("countess@"), "{shown}");
}

#[test]
fn a_header_names_whom_a_forwarded_message_was_written_to() {
    let report = |failed: &str| {
        format!(
            "From: MAILER-DAEMON@mx.test\nX-Failed-Recipients: {failed}\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
             --b\n\nUser unknown\n--b\nContent-Type: message/delivery-status\n\n\
             Final-Recipient: rfc822; a.lovelace@elsewhere.test\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
        )
    };
    for (failed, expected) in [("ada@firm.test", Some("ada@firm.test")), ("a.lovelace@elsewhere.test", None)] {
        let Kind::Bounce(failures) = read(report(failed).as_bytes()).kind else { panic!("a bounce") };
        assert_eq!(failures[0].address.expose(), "a.lovelace@elsewhere.test");
        assert_eq!(failures[0].evidence.original_recipient.as_ref().map(|address| address.expose()), expected);
    }
}

#[test]
fn an_author_is_a_person_who_wrote_to_us_alone() {
    let author = |headers: &str| {
        let raw = format!("From: Ada <ada@firm.test>\nSubject: Your bench\n{headers}\nCall me.\n");
        read(raw.as_bytes()).author.map(|author| author.expose().to_owned())
    };
    assert_eq!(author("").as_deref(), Some("ada@firm.test"));
    assert_eq!(author("Auto-Submitted: no\n").as_deref(), Some("ada@firm.test"));
    for machine in ["Auto-Submitted: auto-generated\n", "Precedence: bulk\n", "List-Id: <x>\n", "Return-Path: <>\n"] {
        assert_eq!(author(machine), None, "{machine}");
    }
}

#[test]
fn a_complaint_says_of_what_and_by_whom() {
    let Kind::Complaint(complaint) = read(mail!("arf").1).kind else { panic!("a complaint") };
    assert_eq!(complaint.feedback, FeedbackType::Abuse);
    assert_eq!(complaint.recipients.iter().map(|address| address.expose()).collect::<Vec<_>>(), ["ada@example.com"]);
    assert!(complaint.is_objection());
    let Kind::Complaint(complaint) = read(mail!("not_spam").1).kind else { panic!("a report") };
    assert!(!complaint.is_objection());
}

#[test]
fn an_absence_says_until_when() {
    for (mail, day) in [(mail!("vacation"), "2025-12-12"), (mail!("absence_french"), "2025-11-17")] {
        let Kind::AutoReply(reply) = read(mail.1).kind else { panic!("an automatic answer") };
        assert!(reply.is_absence);
        assert_eq!(reply.until.map(|day| day.to_string()).as_deref(), Some(day), "{}", mail.0);
    }
    let Kind::AutoReply(reply) = read(mail!("acknowledgement").1).kind else { panic!("an automatic answer") };
    assert_eq!((reply.is_absence, reply.until), (false, None));
}

#[test]
fn a_reply_asks_for_no_more_mail_in_its_own_words() {
    for (mail, opt_out) in [
        (mail!("reply"), false),
        (mail!("reply_stop"), true),
        (mail!("reply_vacation"), true),
        (mail!("forwarded_report"), false),
    ] {
        assert_eq!(read(mail.1).is_opt_out_reply(), opt_out, "{}", mail.0);
    }
}

#[test]
fn bytes_that_are_no_mail_are_nothing() {
    for raw in [&b""[..], b"\n", b"\0\0\0", b"hello"] {
        assert_eq!(read(raw).kind, Kind::Other, "{raw:?}");
    }
}
