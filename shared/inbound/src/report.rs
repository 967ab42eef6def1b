//! Reports that are no RFC 3464: what mail systems write for people.
//!
//! Nobody agreed on a form, but all say the same: whom it was for, and why not. So this looks for addresses
//! that stand where recipients stand, and gives each the lines around it.

mod mention;
mod share;

use domain::email::EmailAddress;

use crate::auto_reply;
use crate::fields::Fields;
use crate::limits;
use crate::mail::Mail;
use crate::returned;
use crate::sender;
use crate::smtp;
use crate::wording::Wording;

pub(crate) use share::share;

/// A report's own words, cut from what came back with it.
pub(crate) struct Report<'a> {
    pub(crate) text: &'a str,
    /// The headers that came back within the text.
    pub(crate) returned: Option<Fields>,
}

impl<'a> Report<'a> {
    pub(crate) fn of(mail: &'a Mail) -> Self {
        let (text, returned) = returned::cut(&mail.text);
        Self { text, returned }
    }

    /// Whether the mail is a report of a failure at all: by where it comes from, and by what it says.
    pub(crate) fn is_one(&self, mail: &Mail) -> bool {
        if mail.headers.has("x-failed-recipients") {
            return true;
        }
        let typed = mail.content_type().contains("report-type=delivery-status");
        let (daemon, titled) = (sender::is_daemon(mail), typed || sender::has_report_subject(mail));
        let wording = Wording::new(limits::cut(self.text, limits::SEARCHED_OF_ONE));
        let says_so = || wording.has(FAILED) || wording.has(DELAYED);
        let explains = || !smtp::replies(self.text).is_empty() || wording.sure().is_some();
        if wording.has(DONE) && !explains() {
            return false;
        }
        if daemon {
            // A mail system may write about anything: a reason counts where somebody is named with it.
            titled || self.returns(mail) || says_so() || explains() && self.names(mail, true)
        } else if titled {
            // Anybody may write of a delivery that failed: of parcels, to many, or in an answer.
            let by_machine = typed || sender::is_automatic(mail);
            let somebody = sender::went_to_many(mail) || !by_machine && mail.headers.has("in-reply-to");
            !somebody && (says_so() || explains()) && (self.names(mail, by_machine) || self.returns(mail))
        } else {
            // Automatic answers have no sender in their envelope either, and say who has left the company.
            sender::has_null_sender(mail) && wording.has(FAILED) && !auto_reply::is_marked(mail)
        }
    }

    /// Whether somebody is named who may be a recipient: where recipients stand, or `anywhere`.
    fn names(&self, mail: &Mail, anywhere: bool) -> bool {
        let readers: Vec<EmailAddress> = readers(mail).collect();
        !mention::recipients(self.text, &readers).is_empty()
            || anywhere && !mention::anybody(self.text, &readers).is_empty()
    }

    /// Whether it is a receipt by its form, and says that the recipient's filter sent the message back.
    pub(crate) fn refuses(&self, mail: &Mail) -> bool {
        sender::is_daemon(mail) && Wording::new(limits::cut(self.text, limits::SEARCHED_OF_ONE)).has(REFUSED)
    }

    /// Whether a message came back.
    fn returns(&self, mail: &Mail) -> bool {
        mail.returned.is_some() || self.returned.is_some()
    }

    /// Whether it is a mail system's, and names nobody: a report that a gateway passes on as an attachment.
    pub(crate) fn passes_on(&self, mail: &Mail) -> bool {
        self.is_one(mail) && !mail.headers.has("x-failed-recipients") && mention::recipients(self.text, &[]).is_empty()
    }

    /// Whether it says that the message is late, and not that it failed.
    pub(crate) fn is_delay(&self, mail: &Mail) -> bool {
        let subject = Wording::new(mail.header("subject").unwrap_or_default());
        Wording::new(limits::cut(self.text, limits::SEARCHED_OF_ONE)).has(DELAYED)
            || subject.has(&[
                "(delay)",
                "(retard",
                "(verzogerung",
                "(ritardo",
                "(retraso",
                "(atraso",
                "delayed",
                "warning: could not send",
                "warning: message",
            ])
    }

    /// Whom the message was for.
    pub(crate) fn recipients(&self, mail: &Mail) -> Vec<EmailAddress> {
        let failed: Vec<EmailAddress> =
            mail.headers.all("x-failed-recipients").flat_map(crate::address::find).map(|found| found.address).collect();
        if !failed.is_empty() {
            return failed;
        }
        let returned = mail.returned.as_ref().or(self.returned.as_ref());
        let mut senders: Vec<EmailAddress> = returned.map(returned::senders).unwrap_or_default();
        senders.extend(readers(mail));
        let named = mention::recipients(self.text, &senders);
        if !named.is_empty() {
            return named;
        }
        // What looked like the message that came back may have been more of the report.
        let sent_to = returned.map(returned::recipients).filter(|found| !found.is_empty());
        sent_to.unwrap_or_else(|| {
            let others = mention::recipients(&mail.text, &senders);
            let found = if others.is_empty() { mention::recipients(self.text, &[]) } else { others };
            if found.is_empty() { mention::anybody(self.text, &senders) } else { found }
        })
    }
}

/// Whom a mail is to.
fn readers(mail: &Mail) -> impl Iterator<Item = EmailAddress> {
    mail.headers.all("to").flat_map(crate::address::find).map(|found| found.address)
}

/// How reports say that a message failed.
const FAILED: &[&str] = &[
    "could not be delivered",
    "couldn't be delivered",
    "could not deliver",
    "couldn't deliver",
    "cannot be delivered",
    "cannot deliver",
    "can't be delivered",
    "can not be delivered",
    "was not delivered",
    "wasn't delivered",
    "were not delivered",
    "has not been delivered",
    "not be delivered",
    "not delivered",
    "unable to deliver",
    "not able to deliver",
    "wasn't able to deliver",
    "failed to deliver",
    "failed permanently",
    "delivery failed",
    "delivery has failed",
    "delivery of * failed",
    "delivery to * failed",
    "delivery failure",
    "delivery error",
    "error delivering",
    "error occurred while",
    "did not reach",
    "didn't reach",
    "could not be sent",
    "couldn't be sent",
    "could not be reached",
    "fatal delivery error",
    "failed address",
    "failed recipient",
    "wurde nicht an",
    "n'a pas ete distribue",
    "no se ha entregado",
    "non e stato recapitato",
    "nao foi entregue",
    "配信されませんでした",
    "undeliverable",
    "undelivered",
    "permanent fatal error",
    "permanent error",
    "fatal errors",
    "transcript of session",
    "rejected by a remote",
    "rejected by the recipient",
    "had delivery problems",
    "had delivery errors",
    "delivery problems",
    "returned to sender",
    "returned to you",
    "incorrectly constructed",
    "addresses failed",
    "address(es) failed",
    "address failed",
    "recipients failed",
    "recipient(s) failed",
    "invalid final delivery",
    "following error",
    "error message below",
    "n'a pas pu etre remis",
    "n'a pas pu etre delivre",
    "n'a pas pu etre envoye",
    "n'a pas pu etre achemine",
    "n'a pu etre",
    "n'ont pas pu etre",
    "n'a pas ete remis",
    "n'a pas ete delivre",
    "impossible de remettre",
    "impossible de livrer",
    "echec de la remise",
    "echec de remise",
    "non remis",
    "konnte nicht zugestellt",
    "konnte * nicht zugestellt",
    "nicht zugestellt werden",
    "unzustellbar",
    "no se ha podido entregar",
    "no se pudo entregar",
    "no pudo ser entregado",
    "no ha podido ser entregado",
    "non e stato possibile recapitare",
    "non e stato possibile consegnare",
    "impossibile recapitare",
    "nao foi possivel entregar",
    "nao pode ser entregue",
    "送信できません",
    "配信できません",
    "お届けできません",
    "配送できません",
    "не может быть доставлен",
    "не было доставлен",
    "не доставлен",
    "не удалось доставить",
    "невозможно доставить",
    "tried to deliver your",
    "ubermittlung * fehlgeschlagen",
    "zustellung * fehlgeschlagen",
    "recapito * non riuscito",
    "recapito * fallito",
    "entrega * ha fallado",
    "entrega * falhou",
    "bezorging * mislukt",
    "automatically rejected",
    "kon niet worden afgeleverd",
    "kon niet worden bezorgd",
    "kan niet worden bezorgd",
    "niet bezorgd",
    "niet afgeleverd",
    "kunde inte levereras",
    "kan inte levereras",
    "gick inte att leverera",
    "kunne ikke leveres",
    "kan ikke leveres",
    "ei voitu toimittaa",
    "ei voida toimittaa",
    "nie mozna dostarczyc",
    "nie mogla zostac dostarczona",
    "nie zostala dostarczona",
    "nie udalo sie dostarczyc",
    "nebyla dorucena",
    "nepodarilo * dorucit",
    "nelze dorucit",
    "nem kezbesitheto",
    "nem sikerult kezbesiteni",
    "nu a putut fi livrat",
    "teslim edilemedi",
    "iletilemedi",
    "被退回",
    "无法投递",
    "无法送达",
    "投递失败",
    "전송되지 못",
    "전달되지 못",
];

/// How a filter says that it refuses (RFC 5429).
const REFUSED: &[&str] = &["automatically rejected"];

/// How they say that nothing is wrong.
const DONE: &[&str] = &[
    "successfully delivered",
    "delivered successfully",
    "successfully relayed",
    "relayed successfully",
    "successful mail delivery",
];

/// How they say that it is late.
const DELAYED: &[&str] = &[
    "message is delayed",
    "message has been delayed",
    "message was delayed",
    "delivery * has been delayed",
    "delivery is delayed",
    "delivery delayed",
    "delivery to the following recipient has been delayed",
    "warning message only",
    "temporary failure report",
    "message still undelivered",
    "still being retried",
    "will keep trying",
    "will continue to try",
    "will be retried for",
    "have not yet received",
    "about a delay in the delivery",
    "not yet been delivered",
    "has not yet been",
    "do not need to resend your message",
    "don't need to resend",
    "n'a pas encore ete",
    "a ete retardee",
    "noch nicht zugestellt",
    "verzogert",
    "has not been delivered yet",
    "keep trying to deliver",
    "vertraagd",
    "nog niet bezorgd",
    "annu inte levererat",
    "forsinket",
    "forsenat",
    "retrasado",
    "ritardat",
    "atrasad",
    "retardee",
    "opoznion",
    "zpozden",
    "задерж",
];
