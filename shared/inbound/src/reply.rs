//! Replies: what somebody wrote back, and whether that is a wish for no more mail.

use crate::fold::fold;
use crate::limits;
use crate::mail::Mail;
use crate::wording::Wording;

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
    let marked = ["re:", "re :", "aw:", "sv:", "antw:", "rif:", "res:", "回复:", "返信:"]
        .iter()
        .any(|mark| subject.starts_with(mark));
    let answers = marked || mail.headers.has("in-reply-to") || mail.headers.has("references");
    let is_opt_out = is_opt_out(own_words(&mail.text)) || !marked && is_word(&subject);
    (answers || is_opt_out).then_some(Reply { is_opt_out })
}

/// How much of what somebody wrote is read: a wish to be left alone is short, and stands first.
const READ: usize = 600;

/// A whole line that is a wish.
const WORDS: &[&str] = &[
    "stop",
    "stop stop",
    "stop svp",
    "stop please",
    "stop, please",
    "please stop",
    "stop merci",
    "unsubscribe",
    "unsubscribe please",
    "please unsubscribe",
    "unsubscribe me",
    "unsubscribe thanks",
    "opt out",
    "opt-out",
    "optout",
    "remove",
    "remove me",
    "please remove",
    "desabonnement",
    "desinscription",
    "desabonner",
    "desinscrire",
    "se desabonner",
    "me desabonner",
    "desabonnez moi",
];

/// Words that are a wish wherever they stand in somebody's own words. `*` is as in the tables of wordings.
const WISHES: &[&str] = &[
    "unsubscribe me",
    "please unsubscribe",
    "want to unsubscribe",
    "like to unsubscribe",
    "wish to unsubscribe",
    "remove me",
    "remove my email",
    "remove my e-mail",
    "remove my address",
    "remove my name",
    "remove us from",
    "remove this address",
    "remove this email",
    "remove * from your list",
    "remove * from your mailing",
    "delete me from",
    "delete my email",
    "delete my address",
    "take me off",
    "take us off",
    "opt me out",
    "want to opt out",
    "like to opt out",
    "wish to opt out",
    "stop emailing",
    "stop e-mailing",
    "stop mailing",
    "stop contacting",
    "stop writing to me",
    "stop sending",
    "stop spamming",
    "do not contact me",
    "don't contact me",
    "do not email me",
    "don't email me",
    "do not send me any more",
    "don't send me any more",
    "no more emails",
    "desabonnez-moi",
    "desabonnez moi",
    "desabonner moi",
    "desinscrivez-moi",
    "desinscrivez moi",
    "me desabonner",
    "me desinscrire",
    "nous desabonner",
    "nous desinscrire",
    "ne plus recevoir",
    "ne plus etre contacte",
    "ne plus etre sollicite",
    "ne plus me contacter",
    "ne plus m'envoyer",
    "ne plus m'ecrire",
    "ne me contactez plus",
    "ne m'envoyez plus",
    "ne m'ecrivez plus",
    "retirez-moi",
    "supprimez-moi",
    "supprime* mon adresse",
    "me retirer de",
];

/// Words that turn a wish around, or speak of somebody else's.
const NOT: &[&str] = &[
    "don't unsubscribe",
    "do not unsubscribe",
    "not want to unsubscribe",
    "don't want to opt out",
    "don't remove me",
    "do not remove me",
    "don't take me off",
    "ne me desabonnez pas",
    "ne pas me desabonner",
    "pas me desabonner",
    "ne me retirez pas",
    "pas ne plus recevoir",
    "ne me supprimez pas",
];

fn is_opt_out(own: &str) -> bool {
    let own = limits::cut(own, READ);
    let lines = own.lines().map(fold).filter(|line| !line.is_empty());
    let wording = Wording::new(own);
    if wording.has(NOT) {
        return false;
    }
    // A word alone counts where somebody begins, or right behind a greeting.
    lines.take(3).any(|line| is_word(&line)) || wording.has(WISHES)
}

fn is_word(line: &str) -> bool {
    WORDS.contains(&line.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// What somebody wrote themselves: without the lines they quote, what their program wrote above those, and
/// their signature.
pub(crate) fn own_words(text: &str) -> &str {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if ends_own(line, &text[offset..]) {
            return &text[..offset];
        }
        offset += line.len();
    }
    text
}

/// Whether somebody's own words end at this line.
fn ends_own(line: &str, rest: &str) -> bool {
    let bare = line.trim();
    if bare.starts_with('>') || bare == "--" || bare.starts_with("________") || bare.starts_with("-----") {
        return true;
    }
    let folded = fold(bare);
    let heads_quote = |folded: &str| {
        ["on ", "le ", "am ", "el ", "il ", "em ", "op "].iter().any(|head| folded.starts_with(head))
            && ["wrote:", "ecrit :", "ecrit:", "schrieb:", "escribio:", "ha scritto:", "escreveu:", "schreef:"]
                .iter()
                .any(|tail| folded.ends_with(tail))
    };
    if heads_quote(&folded) {
        return true;
    }
    // The line above a quote may be folded into two or three.
    if bare.len() > 20 && ["on ", "le ", "am "].iter().any(|head| folded.starts_with(head)) {
        let unfolded: Vec<&str> = rest.lines().take(3).take_while(|line| !line.trim().is_empty()).collect();
        let both = fold(&unfolded.join(" "));
        if heads_quote(&both) {
            return true;
        }
    }
    // Outlook writes the headers of what it quotes: `De :`, `Envoyé :`, `À :`, `Objet :`.
    let heads = |line: &str, names: &[&str]| {
        let line = fold(line);
        names.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with(':')))
    };
    let mut lines = rest.lines();
    let begins = lines.next().is_some_and(|line| heads(line, &["from", "de", "von", "da"]));
    begins
        && lines.take(4).any(|line| {
            heads(line, &["sent", "to", "subject", "date", "envoye", "a", "objet", "gesendet", "an", "betreff"])
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_for_no_more_mail_is_plain() {
        for own in [
            "STOP",
            "Stop.",
            "Bonjour,\n\nSTOP\n\nAda",
            "Unsubscribe",
            "Please unsubscribe me, thanks",
            "Hello,\nplease remove me from your list.",
            "Merci de me désinscrire de votre liste.",
            "Désabonnez-moi !",
            "Je souhaite ne plus recevoir vos messages.",
            "Ne m’écrivez plus.",
            "Take me off this list",
            "Veuillez supprimer mon adresse de vos fichiers",
        ] {
            assert!(is_opt_out(own_words(own)), "{own}");
        }
    }

    #[test]
    fn what_is_not_plain_or_not_theirs_is_left_to_a_person() {
        for own in [
            "Yes, call me.",
            "We cannot stop now, send the offer.",
            "Please don't unsubscribe me, I am interested.",
            "How many people unsubscribe from your service each month?",
            "Thank you\n\nOn Thu, 6 Nov 2025 at 10:00, Sales <sales@example.org> wrote:\n> unsubscribe me",
            "Merci\n\nLe jeu. 6 nov. 2025 à 10:00, Sales <sales@example.org> a écrit :\n\nNe plus recevoir : cliquez",
            "Merci\n\nDe : Sales\nEnvoyé : jeudi\nObjet : x\n\nSTOP",
            "OK\n-----Original Message-----\nstop",
            "OK\n-- \nStop Gmbh\nstop",
            "> stop",
            "",
        ] {
            assert!(!is_opt_out(own_words(own)), "{own}");
        }
    }
}
