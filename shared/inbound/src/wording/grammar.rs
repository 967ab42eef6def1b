//! What is said of an address in the many ways that no list holds: `no such virtual user`, `the mailbox for ada has
//! been deleted`, `adresse introuvable`. Who, and in what state, in this order or the other.

use super::{Found, begins};
use domain::cause::Cause::{self, Disabled, UnknownHost, UnknownUser};

/// Who may be unknown. Words go on: `user` is `users` and `username` too.
const WHO: &[&str] = &[
    "user",
    "recipient",
    "mailbox",
    "mail box",
    "mail-box",
    "account",
    "address",
    "alias",
    "addressee",
    "e-mail",
    "email",
    "person",
    "customer",
    "subscriber", // English
    "destinataire",
    "utilisateur",
    "adresse",
    "boite",
    "compte", // French
    "empfanger",
    "empfaenger",
    "benutzer",
    "postfach",
    "konto",
    "e-mail-adresse",
    "adressat", // German
    "usuario",
    "destinatario",
    "direccion",
    "cuenta",
    "buzon",
    "casilla", // Spanish
    "utente",
    "indirizzo",
    "casella", // Italian
    "endereco",
    "conta ",
    "caixa", // Portuguese
    "gebruiker",
    "adres",
    "ontvanger",
    "postbus", // Dutch
    "nutzer",
    "mailadresse", // German
    "uzytkownik",
    "adresat",
    "odbiorc",
    "skrzynk", // Polish
    "mottagare",
    "anvandar",
    "e-postadress",
    "brevlad",
    "postlad", // Swedish
    "modtager",
    "bruger",
    "mottaker",
    "bruker",
    "postkasse", // Danish, Norwegian
    "vastaanottaj",
    "kayttaj",
    "osoit", // Finnish
    "uzivatel",
    "schrank",
    "prijem", // Czech
    "cimzett",
    "felhasznal",
    "postafiok", // Hungarian
    "utilizator",
    "destinatar",
    "casuta", // Romanian
    "kullanici",
    "alici",
    "hesap", // Turkish
    "пользовател",
    "получател",
    "адрес",
    "ящик",
    "аккаунт", // Russian
];

/// What else may be.
const WHERE: &[&str] = &["domain", "host name", "hostname", "dominio", "domaine"];

/// How it is not there.
const MISSING: &[&str] = &[
    "unknown",
    "not known",
    "not found",
    "be found",
    "wasn't found",
    "does not exist",
    "doesn't exist",
    "do not exist",
    "does_not_exist",
    "not exist",
    "no longer exist",
    "invalid",
    "not valid",
    "not a valid",
    "isn't valid",
    "not recognized",
    "not recognised",
    "not a recognized",
    "not a recognised",
    "not listed",
    "isn't listed",
    "not a local",
    "nonexistent",
    "non-existent",
    "non existent",
    "non-existant",
    "not exists",
    "not registered",
    "cannot be verified",
    "could not be verified",
    "not available on this",
    "not available here",
    "not in directory",
    "is not here", // English
    "inconnu",
    "introuvable",
    "n'existe pas",
    "n'existe plus",
    "inexistant",
    "invalide",
    "pas ete trouve",
    "pas repertorie",
    "pas reconnu", // French
    "unbekannt",
    "existiert nicht",
    "nicht gefunden",
    "ungultig",
    "ungueltig",
    "nicht bekannt",
    "nicht vorhanden",
    "nicht aufgefuhrt", // German
    "desconocid",
    "no existe",
    "no encontrad",
    "inexistente",
    "no valid", // Spanish
    "sconosciut",
    "non esiste",
    "non trovat",
    "non valid",
    "non e stato trovato", // Italian
    "desconhecid",
    "nao existe",
    "nao encontrad",
    "nao foi encontrad", // Portuguese
    "onbekend",
    "bestaat niet",
    "niet gevonden",
    "niet bekend", // Dutch
    "nieznan",
    "nie istniej",
    "nie zostal znalezion", // Polish
    "okand",
    "finns inte",
    "hittades inte",
    "existerar inte", // Swedish
    "ukendt",
    "findes ikke",
    "blev ikke fundet",
    "ukjent",
    "finnes ikke",
    "ble ikke funnet",
    "eksisterer ikke", // Danish, Norwegian
    "tuntematon",
    "ei ole olemassa",
    "ei loydy", // Finnish
    "neexistuj",
    "neznam",
    "nenalezen",
    "nebyl nalezen",
    "nebyla nalezen", // Czech
    "ismeretlen",
    "nem letez",
    "nem talalhat", // Hungarian
    "necunoscut",
    "nu exista",
    "nu a fost gasit", // Romanian
    "bulunamad",
    "bilinmey",
    "mevcut degil", // Turkish
    "не найден",
    "не существует",
    "неизвест",
    "не зарегистрирован", // Russian
];

/// How it is no longer used.
const CLOSED: &[&str] = &[
    "disabled",
    "deactivated",
    "inactive",
    "not active",
    "not activated",
    "suspended",
    "closed",
    "terminated",
    "deleted",
    "retired",
    "discontinued",
    "expired",
    "cancelled",
    "canceled",
    "no longer active",
    "no longer valid",
    "no longer available",
    "no longer in use",
    "no longer accept",
    "no longer monitored",
    "no longer hosted", // English
    "desactive",
    "suspendu",
    "ferme",
    "supprime",
    "cloture",
    "n'est plus",
    "archive", // French
    "deaktiviert",
    "gesperrt",
    "nicht mehr",
    "geloscht",
    "geschlossen",
    "stillgelegt", // German
    "desactivad",
    "deshabilitad",
    "inactiv",
    "no activ",
    "suspendid", // Spanish
    "disattivat",
    "disabilitat",
    "non attiv", // Italian
    "desativad",
    "inativ", // Portuguese
    "gedeactiveerd",
    "opgeheven", // Dutch
    "nieaktywn", // Polish
    "inaktiv",   // Swedish
    "neaktivn",
    "zrusen", // Czech
    "заблокирован",
    "отключен",
    "удален",
    "неактив", // Russian
];

/// What may stand before who it is.
const MISSING_BEFORE: &[&str] = &[
    "unknown",
    "no such",
    "such a",
    "invalid",
    "bad",
    "illegal",
    "nonexistent",
    "non-existent",
    "undefined",
    "wrong",
    "unrouteable",
    "unroutable",
    "unresolvable",
    "not a valid",
    "not a known",
    "unbekannte",
    "ungultige",
    "onbekend",
    "nieznan",
    "nie znaleziono",
    "okand",
    "ukendt",
    "ukjent",
    "tuntematon",
    "neexistuj",
    "neznam",
    "ismeretlen",
    "неизвестн",
];
const CLOSED_BEFORE: &[&str] = &["inactive", "disabled", "deactivated", "closed", "suspended", "expired", "deleted"];

/// Octets between who and how.
const NEAR: usize = 40;
/// Octets before and behind that may speak of somebody else.
const AROUND: usize = 24;

/// Words that tell of a sender, a machine or a message: nobody's address is meant.
const OTHERS: &[&str] = &[
    "sender's",
    "sender address",
    "sender domain",
    "sender email",
    "sender mailbox",
    "sender user",
    "sender account",
    "of sender",
    "from address",
    "from:",
    "reply-to",
    "return path",
    "return-path",
    "ip ",
    "helo",
    "ehlo",
    "client",
    "envelope",
    "reverse",
    "header",
    "expediteur",
    "emetteur",
    "absender",
    "remitente",
    "mittente",
    "remetente",
    "of the sender",
    "sender is",
    "afzender",
    "nadawc",
    "avsandar",
    "avsender",
    "afsender",
    "lahettaj",
    "odesilatel",
    "felado",
    "expeditor",
    "gonderen",
    "отправител",
    "送信者",
    "発信者",
    "差出人",
    "发件人",
    "寄件",
    "temporar",
    "from unknown",
    "connection from",
    "too many",
    "relay",
    "database lookup",
    "database is",
    "database fail",
    "database error",
    "database not",
    "database unavail",
    "sending account",
    "authentication",
    "url ",
    "link ",
    "syntax",
];

/// Words that end what was begun: what follows is about something else.
const ENDS: &[&str] = &["contain", " in ", " with ", "message", "content", " by ", " but ", ". ", ", ", "; "];

/// What is said of an address or its domain, first in the text.
pub(super) fn search(text: &[u8]) -> Option<Found> {
    (0..text.len()).filter(|at| begins(text, *at)).find_map(|at| named(text, at).or_else(|| qualified(text, at)))
}

/// `user … unknown`.
fn named(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..];
    let (who, is_host) =
        head(rest, WHO).map(|who| (who, false)).or_else(|| head(rest, WHERE).map(|who| (who, true)))?;
    let after = window(rest, who.len(), NEAR + AROUND);
    let missing = first(after, MISSING).map(|(at, words)| (at, if is_host { UnknownHost } else { UnknownUser }, words));
    // A mail that was deleted is not an address that was.
    let lives_on = is_host || who.ends_with("mail");
    let closed = || first(after, CLOSED).filter(|_| !lives_on).map(|(at, words)| (at, Disabled, words));
    let (gap, cause, words) = missing.into_iter().chain(closed()).min_by_key(|(at, ..)| *at)?;
    let between = &after[..gap];
    if gap > NEAR || has(between, ENDS) || has(between, OTHERS) {
        return None;
    }
    about_an_address(text, at, at + who.len() + gap + words.len()).then_some((cause, words))
}

/// `unknown … user`.
fn qualified(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..];
    let (words, cause): (_, Cause) = head(rest, MISSING_BEFORE)
        .map(|words| (words, UnknownUser))
        .or_else(|| head(rest, CLOSED_BEFORE).map(|words| (words, Disabled)))?;
    let after = window(rest, words.len(), AROUND);
    let (gap, who) = first(after, WHO)?;
    if has(&after[..gap], ENDS) || has(&after[..gap + who.len()], OTHERS) {
        return None;
    }
    about_an_address(text, at, at + words.len() + gap + who.len()).then_some((cause, words))
}

/// Whether nothing around `start` and `end` says that somebody else is meant.
pub(super) fn about_an_address(text: &[u8], start: usize, end: usize) -> bool {
    // With the word that begins there: `sender address`.
    let word = text[start..].iter().take_while(|byte| **byte != b' ').count();
    let before = &text[start.saturating_sub(AROUND)..start + word];
    !has(before, OTHERS) && !has(window(text, end, AROUND), OTHERS)
}

/// Whether words tell of somebody else.
pub(super) fn is_of_others(text: &[u8]) -> bool {
    has(text, OTHERS)
}

fn window(text: &[u8], start: usize, length: usize) -> &[u8] {
    &text[start.min(text.len())..text.len().min(start + length)]
}

/// The longest of `words` that `text` begins with.
fn head(text: &[u8], words: &[&'static str]) -> Option<&'static str> {
    words.iter().filter(|word| text.starts_with(word.as_bytes())).max_by_key(|word| word.len()).copied()
}

/// The first of `words` in `text`, where a word begins.
fn first(text: &[u8], words: &[&'static str]) -> Option<(usize, &'static str)> {
    let found = words.iter().filter_map(|word| {
        let at = memchr::memmem::find_iter(text, word.as_bytes()).find(|at| begins(text, *at))?;
        Some((at, *word))
    });
    found.min_by_key(|(at, _)| *at)
}

fn has(text: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Cause> {
        search(crate::fold::fold(text).as_bytes()).map(|(cause, _)| cause)
    }

    #[test]
    fn who_and_how_may_be_said_in_many_ways() {
        for (text, cause) in [
            ("No such virtual user here", UnknownUser),
            ("Invalid or unknown virtual user", UnknownUser),
            ("The following recipients are unknown", UnknownUser),
            ("The e-mail address you're sending to is not valid", UnknownUser),
            ("user ada is not a local user", UnknownUser),
            ("Address invalid", UnknownUser),
            ("destination addresses were unknown", UnknownUser),
            ("Der Benutzer ist unbekannt", UnknownUser),
            ("Cet utilisateur est inconnu", UnknownUser),
            ("Usuário desconhecido", UnknownUser),
            ("mailbox for ada has been deleted", Disabled),
            ("The email account that you tried to reach is disabled", Disabled),
            ("Email address has been retired", Disabled),
            ("La boîte aux lettres est désactivée", Disabled),
            ("This domain does not exist", UnknownHost),
            ("Domaine introuvable", UnknownHost),
            ("unknown user in local database", UnknownUser),
            ("De ontvanger is niet gevonden", UnknownUser),
            ("Nieznany adres", UnknownUser),
            ("Mottagaren hittades inte", UnknownUser),
            ("Modtageren blev ikke fundet", UnknownUser),
            ("Vastaanottajaa ei löydy", UnknownUser),
            ("Uživatel neexistuje", UnknownUser),
            ("ismeretlen felhasználó", UnknownUser),
            ("Alıcı bulunamadı", UnknownUser),
            ("Получатель неизвестен", UnknownUser),
            ("Почтовый ящик заблокирован", Disabled),
        ] {
            assert_eq!(of(text), Some(cause), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_others_is_not_said_of_an_address() {
        for text in [
            "The sender's mailbox does not exist",
            "envelope from address is not valid",
            "reply-to address invalid",
            "invalid from address",
            "message contains an invalid address in To header",
            "IP address not found in our list",
            "Rejected because the sending account is invalid",
            "Email has been deleted due to policy",
            "Too many bad recipients from your host",
            "unknown user in HELO",
            "User unknown: temporary LDAP failure",
            "User unknown: database lookup failed",
            "The email contains an invalid attachment",
            "account of the message, unknown",
            "no user, no mailbox",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
