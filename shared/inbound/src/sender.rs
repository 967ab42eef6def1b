//! Who a mail is from: a machine that reports about mail, or somebody.

use crate::auto_reply;
use crate::fold::fold;
use crate::mail::Mail;
use crate::wording::Wording;

/// Local parts and names that mail systems report under.
const DAEMONS: &[&str] = &[
    "mailer-daemon",
    "mailer daemon",
    "mailerdaemon",
    "mail-daemon",
    "maildaemon",
    "mdaemon",
    "postmaster",
    "post_master",
    "postoffice",
    "mail deliver",
    "mail-deliver",
    "delivery subsystem",
    "mail system",
    "mail administrator",
    "mailadmin",
    "system administrator",
    "message transfer",
    "mail server at",
];

/// Whether the mail is from a mail system, by its name or address.
pub(crate) fn is_daemon(mail: &Mail) -> bool {
    let names = ["from", "sender", "return-path"];
    let says = |value: &str| {
        let value = value.to_lowercase();
        DAEMONS.iter().any(|name| value.contains(name))
    };
    names.iter().any(|name| mail.header(name).is_some_and(says))
}

/// Whether the envelope had no sender, as reports must not have one (RFC 5321 §4.5.5).
pub(crate) fn has_null_sender(mail: &Mail) -> bool {
    mail.headers.all("return-path").any(|path| matches!(path.trim(), "" | "<>"))
}

/// Whether a person may have written it, to us alone: nothing says that a machine did, or that it went to many.
pub(crate) fn may_be_a_person(mail: &Mail) -> bool {
    let bulk = mail.header("precedence").is_some_and(|value| {
        ["bulk", "junk", "list", "auto_reply", "auto-reply"].contains(&value.trim().to_ascii_lowercase().as_str())
    });
    !(is_automatic(mail)
        || bulk
        || went_to_many(mail)
        || mail.disposition
        || is_daemon(mail)
        || has_report_subject(mail))
}

/// Subjects of reports, as [`fold`] leaves them.
const SUBJECTS: &[&str] = &[
    "undeliver",
    "undelivered",
    "delivery status",
    "delivery failure",
    "delivery failed",
    "delivery has failed",
    "delivery fail",
    "delivery notification",
    "delivery report",
    "delivery problem",
    "delivery error",
    "delivery delayed",
    "delivery warning",
    "delivery unsuccessful",
    "delivery to * failed",
    "delivery of * failed",
    "failed delivery",
    "failed mail",
    "failed message",
    "failure delivery",
    "failure notice",
    "mail failure",
    "mail delivery",
    "mail error",
    "mail system error",
    "mail could not be delivered",
    "could not be delivered",
    "couldn't be delivered",
    "could not deliver",
    "cannot be delivered",
    "not delivered",
    "message status",
    "message you sent blocked",
    "message delivery",
    "returned mail",
    "returned to sender",
    "return to sender",
    "returned message",
    "mail returned",
    "nondeliverable",
    "non delivery",
    "non-delivery",
    "non-deliverable",
    "bounced mail",
    "bounce message",
    "warning: could not send",
    "warning: message",
    "postmaster notify",
    "non remis",
    "non delivre",
    "non distribu",
    "echec de * remise",
    "echec * livraison",
    "remise * retardee",
    "unzustellbar",
    "nicht zugestellt",
    "zustellung fehlgeschlagen",
    "zustellungsfehler",
    "no se puede entregar",
    "no entregado",
    "error de entrega",
    "mancata consegna",
    "non recapitabile",
    "nao entregue",
    "falha na entrega",
    "送信できません",
    "配信できません",
    "не доставлен",
    "недоставлен",
    "недоставка",
    "невозможно доставить",
    "не удалось доставить",
    "ubermittlungsstatus",
    "zustellungsstatus",
    "zustellstatus",
    "notification d'etat de remise",
    "estado de entrega",
    "stato del recapito",
    "status da entrega",
    "status de entrega",
    "status van bezorging",
    "bezorgingsstatus",
    "leveransstatus",
    "leveringsstatus",
    "stanie dostarcz",
    "stav doruceni",
    "配信状態",
    "配信状況",
    "delayed mail",
    "mail delayed",
    "bounced",
    "bounce notification",
    "non remise",
    "non-remise",
    "echec de * distribution",
    "entrega fallida",
    "no se pudo entregar",
    "no se ha podido entregar",
    "nao foi possivel entregar",
    "impossibile recapitare",
    "mancato recapito",
    "onbestelbaar",
    "niet bezorgd",
    "niet afgeleverd",
    "niet worden afgeleverd",
    "niet worden bezorgd",
    "bezorging * mislukt",
    "bezorging * vertraagd",
    "kan inte levereras",
    "kunde inte levereras",
    "gick inte att leverera",
    "kan ikke leveres",
    "kunne ikke leveres",
    "ikke leveret",
    "ikke levert",
    "ei voida toimittaa",
    "ei voitu toimittaa",
    "nie mozna dostarczyc",
    "nie dostarczono",
    "niedostarczon",
    "zwrot wiadomosci",
    "nedorucitel",
    "nelze dorucit",
    "nebyla dorucena",
    "kezbesithetetlen",
    "sikertelen kezbesites",
    "nu se poate livra",
    "nelivrat",
    "teslim edilemedi",
    "αδυνατη η παραδοση",
    "配信不能",
    "配信に失敗",
    "配信エラー",
    "送信エラー",
    "配達不能",
    "退信",
    "无法投递",
    "无法传递",
    "未送达",
    "無法傳遞",
    "投递失败",
    "발송 실패",
    "발신실패",
    "전송 실패",
    "배달되지",
];

/// Whether the subject is a report's. `Re: Undeliverable …` is somebody's, `Automatic reply: Undeliverable …` a
/// machine's that answers one.
pub(crate) fn has_report_subject(mail: &Mail) -> bool {
    let subject = fold(mail.header("subject").unwrap_or_default());
    let answered = ["re:", "aw:", "tr:", "fwd:", "fw:", "wg:", "rv:"].iter().any(|mark| subject.starts_with(mark));
    let wording = Wording::new(&subject);
    !answered && !auto_reply::is_title(&wording) && wording.has(SUBJECTS)
}

/// Whether the mail says that a machine wrote it.
pub(crate) fn is_automatic(mail: &Mail) -> bool {
    has_null_sender(mail) || mail.header("auto-submitted").is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"))
}

/// Whether it went to many: a newsletter may be about deliveries that failed, too.
pub(crate) fn went_to_many(mail: &Mail) -> bool {
    ["list-id", "list-unsubscribe", "list-post", "feedback-id"].iter().any(|name| mail.headers.has(name))
}
