//! Classes of words, as [`fold`](crate::fold::fold) leaves them.

/// Words, or phrases of them, with commas between.
#[derive(Clone, Copy)]
pub(super) struct List(&'static str);

impl List {
    pub(super) fn all(self) -> impl Iterator<Item = &'static str> {
        self.0.split(", ")
    }

    pub(super) fn has(self, word: &str) -> bool {
        self.all().any(|known| known == word)
    }

    /// How many of `words` a phrase of these takes at their beginning: the longest.
    pub(super) fn taken_from(self, words: &[&str]) -> Option<usize> {
        let taken = self.all().filter_map(|phrase| {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            words.starts_with(&phrase).then_some(phrase.len())
        });
        taken.max()
    }
}

/// The words of a class; each is named in a pattern.
pub(super) fn class(name: &str) -> Option<List> {
    Some(match name {
        "MAIL" => MAIL,
        "LIST" => LIST,
        "DET" => DET,
        "DATA" => DATA,
        "DROP" => DROP,
        "WRITE" => WRITE,
        "WRITING" => WRITING,
        "ECRIRE" => ECRIRE,
        "ECRIVEZ" => ECRIVEZ,
        _ => return None,
    })
}

/// What a Sender sends.
const MAIL: List = List(
    "mail, mails, email, emails, message, messages, newsletter, newsletters, spam, spams, solicitation, \
    solicitations, sollicitation, sollicitations, communication, communications, correspondence, mailing, mailings, \
    reminder, reminders, followup, followups, offer, offers, offre, offres, ads, advertising, advertisement, \
    advertisements, marketing, prospecting, relance, relances, prospection, demarchage, courriel, courriels, \
    courrier, courriers, pub, pubs, publicite, publicites, envoi, envois, nachricht, nachrichten, werbung, \
    werbemails, werbemail, mailwerbung, correo, correos, mensaje, mensajes, publicidad, posta, messaggio, messaggi, \
    pubblicita, informacion, bericht, berichten, reclame, mailtjes, mensagens, mailen",
);

/// Where a person stands who gets them.
const LIST: List = List(
    "list, lists, mailinglist, database, databases, crm, contacts, records, files, campaign, campaigns, sequence, \
    sequences, liste, listes, listing, listings, base, bases, fichier, fichiers, verteiler, verteilerliste, \
    mailverteiler, emailverteiler, mailingliste, datenbank, kontakten, lista, listas, elenco, lijst, mailinglijst, \
    verzendlijst, bestand, mail, mails, email, emails, mailing, mailings, newsletter, newsletters, messages, envois, \
    system, systems, prospects",
);

/// Words before those.
const DET: List = List(
    "the, your, this, these, that, those, all, any, such, further, more, future, other, a, an, of, unsolicited, \
    unwanted, marketing, sales, commercial, cold, stupid, fucking, annoying, automated, promotional, vos, votre, \
    ces, cette, ce, les, la, le, l, tous, toutes, tout, toute, de, d, des, du, aux, avec, autres, commerciaux, \
    commerciales, commerciale, mailing, diffusion, distribution, contact, prospects, email, mail, emails, ihre, \
    ihren, ihrem, ihrer, der, dem, die, diese, diesen, dieser, weiteren, weitere, weiterer, su, sus, tu, tus, el, \
    los, las, estos, esta, correo, correos, vostra, vostre, vostri, sua, tua, queste, questi, il, di, uw, jullie, \
    je, deze, dit, het",
);

/// What a Sender holds of a person.
const DATA: List = List(
    "name, email, emails, mail, address, addresses, data, details, contact, contacts, info, information, adresse, \
    adresses, courriel, coordonnees, donnees, nom, emailadresse, mailadresse, daten, kontaktdaten, correo, \
    direccion, datos, nombre, contacto, indirizzo, dati, nome, contatto, adres, mailadres, emailadres, gegevens, \
    naam, endereco, dados",
);

/// Verbs for taking somebody out of something.
const DROP: List = List("remove, delete, erase, drop, take, strike, exclude, scrub");

/// Verbs for writing to somebody.
const WRITE: List =
    List("email, mail, message, contact, spam, bother, solicit, disturb, harass, write, recontact, pester");
const WRITING: List = List(
    "emailing, mailing, messaging, contacting, spamming, bothering, soliciting, disturbing, harassing, writing, \
    pestering, hassling",
);
const ECRIRE: List = List(
    "ecrire, contacter, solliciter, relancer, demarcher, importuner, deranger, spammer, harceler, recontacter, \
    mailer, prospecter, embeter",
);
const ECRIVEZ: List = List(
    "ecrivez, contactez, sollicitez, relancez, demarchez, importunez, derangez, spammez, harcelez, recontactez, \
    ecris, contacte, relance, sollicite",
);

/// Words that say nothing in a short answer.
pub(super) const POLITE: List = List(
    "please, pls, plz, kindly, thanks, thank, thank you, many thanks, thx, ty, now, right now, asap, immediately, \
    today, ok, okay, no thanks, no thank you, not interested, we are not interested, i am not interested, i m not \
    interested, merci, merci de, merci d avance, svp, stp, s il vous plait, s il te plait, de suite, tout de suite, \
    maintenant, immediatement, non merci, pas interesse, pas interessee, pas interesses, je ne suis pas interesse, \
    je ne suis pas interessee, cordialement, cdt, bitte, danke, vielen dank, sofort, nein danke, kein interesse, por \
    favor, gracias, no gracias, no me interesa, per favore, grazie, no grazie, non mi interessa, non sono \
    interessato, aub, alstublieft, graag, bedankt, dank u, nee bedankt, geen interesse, regards, best regards, best, \
    kind regards, prosze, prosimy, dziekuje, dziekujemy, z powazaniem, pozdrawiam, obrigado, obrigada, tack, takk, tak, venligst, vanligen, \
    prosim, dekuji, dakujem, multumesc, va rog, kiitos, koszonom, kerem",
);

/// Words that say nothing where a comma or nothing follows.
pub(super) const POLITE_ALONE: List = List("no, nope, non, nein, nee");

/// Words that begin a mail.
pub(super) const GREETINGS: List = List(
    "hi, hello, hey, dear, bonjour, bonsoir, salut, madame, monsieur, cher, chere, hallo, guten, sehr, hola, \
    estimado, estimada, buenos, buenas, ciao, buongiorno, salve, gentile, beste, geachte, dag, ola, hej",
);

/// Words that may follow what is asked.
pub(super) const URGING: List = List(
    "please, pls, plz, thanks, thank, you, now, immediately, asap, today, again, anymore, any, more, longer, further, \
    ever, forever, permanently, completely, all, altogether, once, at, kindly, it, svp, merci, stp, s, il, vous, te, \
    plait, maintenant, immediatement, definitivement, rapidement, de, suite, d, avance, jamais, plus, bitte, danke, \
    sofort, umgehend, mehr, endlich, por, favor, gracias, mas, ya, per, favore, grazie, piu, subito, aub, \
    alstublieft, meer, graag, dank, u, cordialement, regards, sir, madam, here, thx, ok, ab, dear",
);

/// Words that join one thing to the next.
pub(super) const AND: List =
    List("and, then, so, but, or, nor, et, donc, ou, ni, car, und, oder, y, o, e, en, because, since, weil, porque");

/// Words that may stand between the lead of a request and its verb.
pub(super) const ADVERBS: List = List(
    "please, pls, plz, kindly, just, now, immediately, also, simply, instead, again, thanks, merci, de, d, veuillez, \
    svp, bitte, aub, quotation, finally, therefore, hereby, no, really",
);

/// Verbs that want something, before `to`.
pub(super) const WANT: List = List(
    "want, like, wish, need, ask, asking, request, prefer, love, have, wanting, demand, you, asked, told, requested, \
    begging, requesting, trying, tried",
);

/// What may stand between somebody and what they want.
pub(super) const AUXILIARY: List = List("would, d, m, am, are, re, been, ve, should, will, do, still, already, now");

/// Verbs that ask somebody, before `you`.
pub(super) const CAN: List = List("can, could, would, will, must, should, may, might");

/// Words of somebody who hopes for it, before `if you`.
pub(super) const GRATEFUL: List = List("appreciate, appreciated, grateful, glad, happy");

/// Words that deny what follows closely.
pub(super) const NOT: List = List(
    "not, never, no, dont, without, pas, nicht, nie, kein, keine, non, nunca, niet, nooit, nao, sans, ohne, sin, \
    senza, zonder, inte, ikke, не, δεν, rather, instead",
);

/// Words that suppose something.
pub(super) const IF: List = List("if, when, once, si, quand, lorsque, wenn, falls, cuando, se, quando, als");

/// Words that open a question that is a request.
pub(super) const ASKING: List = List(
    "can, could, would, will, may, please, pls, how, pouvez, pourriez, peux, peut, pourrait, serait, est, comment, \
    merci, veuillez, konnen, konnten, wurden, kannst, wie, bitte, podria, puede, podrian, pueden, puedes, como, \
    potete, potrebbe, potreste, puo, puoi, come, kunt, kun, kan, wilt, wil, zou, hoe, unsubscribe, remove, stop",
);

/// What else there is to leave or to stop.
pub(super) const OTHER: List = List(
    "waiting, wait, guest, guests, attendee, attendees, invite, invitation, cc, copy, thread, conversation, meeting, \
    meetings, call, event, webinar, shortlist, price, prices, order, orders, booking, seat, contract, survey, \
    project, trial, competitor, competitors, vendor, provider, their, attente, participants, invites, reunion, \
    copie, boucle, contrat, commande, devis, warteliste, teilnehmerliste, gasteliste, termin, vertrag, espera, \
    invitados, contrato, attesa, invitati, contratto, wachtlijst, gastenlijst, pdf, pdfs, attachments, word",
);

/// Whose they are who somebody sends mail to themselves.
pub(super) const MINE: List = List("my, our, mes, nos, meine, unsere, mis, nuestros, miei, nostri, mijn, onze");

/// Who they are.
pub(super) const CUSTOMERS: List = List(
    "customers, clients, users, subscribers, readers, members, recipients, prospects, leads, patients, abonnes, \
    utilisateurs, lecteurs, destinataires, adherents, kunden, nutzer, leser, abonnenten, empfanger, mitglieder, \
    clientes, usuarios, suscriptores, clienti, utenti, iscritti, klanten, gebruikers",
);

/// Words right behind that change what is asked.
pub(super) const CONTINUES: List = List(
    "in, with, without, as, at, by, before, until, till, during, every, twice, to, on, while, through, via, manually, \
    but, unless, except, only, par, avant, jusqu, jusque, pendant, avec, sans, mais, sauf, uniquement, seulement, \
    bis, per, vor, wahrend, sondern, ausser, hasta, por, pero, salvo, sino, fino, ma, tot, maar, behalve",
);

/// What may stand there all the same.
pub(super) const SAFE: List = List(
    "at once, at all, at your earliest, with immediate, in future, in the future, as soon, as i, as we, to me, to us, \
    to this, to my address, to my email, to my inbox, to my mailbox, by return, as of, at the earliest, on this, in \
    any, por favor, per favore, per sempre, at this address, to avoid, but thank, mais merci, with effect, before i, \
    avant que",
);

/// What makes a request one for a while.
pub(super) const FOR_NOW: List = List(
    "for now, for the moment, for a while, at the moment, this week, this month, for the time being, pour le moment, \
    pour l instant, cette semaine, ce mois, im moment, vorerst, derzeit, por ahora, de momento, per ora, per il \
    momento, voorlopig, op dit moment, until, till, jusqu",
);
