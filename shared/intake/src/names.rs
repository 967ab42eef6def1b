//! Which field a header names, in French and in English.

use serde::{Deserialize, Serialize};

/// What may be read of a file: the list is closed (A64), whatever else the file holds is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The e-mail address: without it a row is nobody.
    Email,
    /// Given name.
    FirstName,
    /// Family name.
    LastName,
    /// Both in one cell; split where neither has a column of its own.
    FullName,
    /// Organisation.
    Company,
    /// Role.
    JobTitle,
    /// Labels, several to a cell.
    Tags,
    /// Free text.
    Notes,
    /// Language to write in.
    Locale,
    /// Country.
    Country,
    /// The day on which the person agreed to have clicks recorded.
    ClickConsentOn,
    /// How they agreed.
    ClickConsent,
    /// Whether they agreed to have openings recorded, too.
    ClickConsentOpens,
}

/// The fields that say that a person agreed to have clicks recorded.
pub const OF_CLICKS: [&str; 3] = [Field::ClickConsentOn.name(), Field::ClickConsent.name(), OF_OPENS];

/// The one of them that says so of openings.
pub const OF_OPENS: &str = Field::ClickConsentOpens.name();

impl Field {
    /// Every field, in the order they are looked for.
    pub const ALL: [Self; 13] = [
        Self::Email,
        Self::FirstName,
        Self::LastName,
        Self::FullName,
        Self::Company,
        Self::JobTitle,
        Self::Tags,
        Self::Notes,
        Self::Locale,
        Self::Country,
        Self::ClickConsentOn,
        Self::ClickConsent,
        Self::ClickConsentOpens,
    ];

    /// The name in mappings and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::FullName => "full_name",
            Self::Company => "company",
            Self::JobTitle => "job_title",
            Self::Tags => "tags",
            Self::Notes => "notes",
            Self::Locale => "locale",
            Self::Country => "country",
            Self::ClickConsentOn => "click_consent_on",
            Self::ClickConsent => "click_consent",
            Self::ClickConsentOpens => "click_consent_opens",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether several columns may fill it together.
    #[must_use]
    pub const fn takes_several(self) -> bool {
        matches!(self, Self::Tags | Self::Notes)
    }

    /// Header names, folded; the earlier, the surer.
    const fn synonyms(self) -> &'static [&'static str] {
        match self {
            Self::Email => &[
                "emailprofessionnel",
                "emailpro",
                "mailpro",
                "mailprofessionnel",
                "adresseemailprofessionnelle",
                "adresseemailpro",
                "adressemailpro",
                "adressemailprofessionnelle",
                "courrielprofessionnel",
                "workemail",
                "businessemail",
                "professionalemail",
                "companyemail",
                "emailwork",
                "emailbusiness",
                "email",
                "courriel",
                "mail",
                "emailaddress",
                "mailaddress",
                "adresseemail",
                "adressemail",
                "adressecourriel",
                "adresseelectronique",
                "courrierelectronique",
                "adressedemessagerie",
                "messagerie",
                "mel",
                "emails",
                "mails",
                "contactemail",
                "emailcontact",
                "mailcontact",
                "emailducontact",
                "maildirect",
                "emaildirect",
                "emailprincipal",
                "primaryemail",
                "email1",
                "mail1",
                "emailaddress1",
                "email1value",
                "mailadresse",
                "emailadresse",
                "correoelectronico",
                "correo",
                "useremail",
                "customeremail",
                "owneremail",
                "emailid",
                "siteemail",
                "emailsociete",
                "emailentreprise",
            ],
            Self::FirstName => &[
                "prenom",
                "firstname",
                "givenname",
                "fname",
                "forename",
                "prenoms",
                "prenomcontact",
                "prenomducontact",
                "contactfirstname",
                "contactprenom",
                "first",
                "vorname",
                "nombre",
                "prenomusuel",
                "prenomdudirigeant",
                "prenomdirigeant",
            ],
            Self::LastName => &[
                "nomdefamille",
                "lastname",
                "surname",
                "familyname",
                "lname",
                "nomfamille",
                "nompatronymique",
                "nomusage",
                "nomdusage",
                "nomcontact",
                "nomducontact",
                "contactlastname",
                "contactnom",
                "last",
                "nachname",
                "apellido",
                "apellidos",
                "nomdirigeant",
                "nomdudirigeant",
            ],
            Self::FullName => &[
                "nomcomplet",
                "fullname",
                "nomprenom",
                "prenomnom",
                "nometprenom",
                "prenometnom",
                "nomsetprenoms",
                "nomprenoms",
                "contactname",
                "displayname",
                "contact",
                "contactprincipal",
                "interlocuteur",
                "personne",
                "person",
                "personname",
                "name",
                "nom",
                "noms",
                "namelastfirst",
                "dirigeant",
                "leadname",
                "recipientname",
                "responsable",
            ],
            Self::Company => &[
                "societe",
                "entreprise",
                "raisonsociale",
                "company",
                "companyname",
                "nomdelasociete",
                "nomsociete",
                "nomdelentreprise",
                "nomentreprise",
                "organisation",
                "organization",
                "organisationname",
                "organizationname",
                "organisme",
                "etablissement",
                "nometablissement",
                "structure",
                "nomdelastructure",
                "accountname",
                "account",
                "compte",
                "nomducompte",
                "nomcompte",
                "employeur",
                "employer",
                "denomination",
                "denominationsociale",
                "enseigne",
                "business",
                "businessname",
                "firm",
                "firma",
                "client",
                "cabinet",
                "association",
                "collectivite",
                "agence",
                "empresa",
                "societenom",
                "entreprisenom",
                "currentcompany",
            ],
            Self::JobTitle => &[
                "fonction",
                "poste",
                "jobtitle",
                "job",
                "title",
                "intituledeposte",
                "intituleduposte",
                "postedutravail",
                "posteoccupe",
                "fonctioncontact",
                "fonctionducontact",
                "role",
                "position",
                "metier",
                "profession",
                "qualite",
                "titre",
                "jobrole",
                "jobposition",
                "titrefonction",
                "emploi",
                "occupation",
                "intitule",
                "currentposition",
                "postetravail",
                "cargo",
            ],
            Self::Tags => &[
                "tags",
                "tag",
                "etiquettes",
                "etiquette",
                "labels",
                "label",
                "secteur",
                "secteurdactivite",
                "secteuractivite",
                "categorie",
                "categories",
                "category",
                "segment",
                "segments",
                "segmentation",
                "industry",
                "sector",
                "groupe",
                "groupes",
                "groups",
                "group",
                "motscles",
                "keywords",
                "activite",
                "liste",
                "listes",
                "list",
                "lists",
                "type",
                "typologie",
                "thematique",
                "domaine",
                "domainedactivite",
            ],
            Self::Notes => &[
                "notes",
                "note",
                "commentaire",
                "commentaires",
                "comment",
                "comments",
                "remarque",
                "remarques",
                "remarks",
                "observation",
                "observations",
                "description",
                "memo",
                "informations",
                "infos",
                "divers",
                "texte",
            ],
            Self::Locale => &[
                "langue",
                "locale",
                "language",
                "lang",
                "langues",
                "preferredlanguage",
                "languepreferee",
                "languedecorrespondance",
                "languecontact",
                "codelangue",
                "languagecode",
                "sprache",
            ],
            Self::Country => &[
                "pays",
                "country",
                "countrycode",
                "codepays",
                "paysiso",
                "nation",
                "countryname",
                "countryregion",
                "paysregion",
                "land",
                "addresscountry",
                "payscontact",
                "paysdelasociete",
                "companycountry",
                "pais",
            ],
            // Never found by itself: that somebody agreed is said, not guessed.
            Self::ClickConsentOn | Self::ClickConsent | Self::ClickConsentOpens => &[],
        }
    }
}

/// How surely a header names a field: lower is surer. `None`: it does not.
pub(crate) fn rank(field: Field, header: &str) -> Option<usize> {
    let folded = fold(header);
    if folded.is_empty() {
        return None;
    }
    if let Some(at) = field.synonyms().iter().position(|name| *name == folded) {
        return Some(at);
    }
    // `Email_2`, `Tag 1`: the number only orders them.
    let stem = folded.trim_end_matches(|c: char| c.is_ascii_digit());
    if stem.len() < folded.len()
        && let Some(at) = field.synonyms().iter().position(|name| *name == stem)
    {
        return Some(200 + at);
    }
    (field == Field::Email).then(|| loose_email(header)).flatten()
}

/// `Adresse e-mail du contact (obligatoire)` names an address; `Emailing accepté` and `Date du
/// dernier mail` do not.
fn loose_email(header: &str) -> Option<usize> {
    const OTHER: [&str; 34] = [
        "opt",
        "optin",
        "optout",
        "date",
        "statut",
        "status",
        "valid",
        "valide",
        "verified",
        "bounce",
        "bounced",
        "envoye",
        "sent",
        "opened",
        "ouvert",
        "count",
        "nombre",
        "nb",
        "type",
        "emailing",
        "mailing",
        "campagne",
        "campaign",
        "objet",
        "subject",
        "domain",
        "domaine",
        "newsletter",
        "consent",
        "consentement",
        "refus",
        "desinscrit",
        "format",
        "hash",
    ];
    let words: Vec<String> = words(header);
    let named = words.iter().any(|w| matches!(w.as_str(), "email" | "mail" | "courriel" | "emails" | "mails" | "mel"))
        || words.windows(2).any(|w| w[0] == "e" && w[1] == "mail");
    if !named || words.iter().any(|w| OTHER.contains(&w.as_str())) {
        return None;
    }
    let personal = words
        .iter()
        .any(|w| matches!(w.as_str(), "perso" | "personnel" | "personal" | "private" | "prive" | "secondaire"));
    Some(if personal { 400 } else { 300 })
}

/// Whether a header is one that lists of people have, in any language known here.
pub(crate) fn is_known(header: &str) -> bool {
    Field::ALL.into_iter().any(|field| rank(field, header).is_some())
}

/// The words of a header, folded.
fn words(header: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut word = String::new();
    let mut lower_before = false;
    for c in header.chars() {
        // `emailAddress` is two words.
        let boundary = !c.is_alphanumeric() || (c.is_uppercase() && lower_before);
        if boundary && !word.is_empty() {
            out.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            fold_char(c, &mut word);
        }
        lower_before = c.is_lowercase();
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// A header without case, accents, punctuation and spaces: `« E-mail pro. »` is `emailpro`.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(|c| c.is_alphanumeric()) {
        fold_char(c, &mut out);
    }
    out
}

fn fold_char(c: char, out: &mut String) {
    if c.is_ascii() {
        out.extend(c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase()));
        return;
    }
    for c in c.to_lowercase() {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => out.push('a'),
            'æ' => out.push_str("ae"),
            'ç' | 'ć' | 'č' => out.push('c'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => out.push('e'),
            'ì'..='ï' | 'ī' | 'į' => out.push('i'),
            'ñ' | 'ń' | 'ň' => out.push('n'),
            'ò'..='ö' | 'ø' | 'ō' => out.push('o'),
            'œ' => out.push_str("oe"),
            'ù'..='ü' | 'ū' | 'ů' => out.push('u'),
            'ý' | 'ÿ' => out.push('y'),
            'ß' => out.push_str("ss"),
            'ł' => out.push('l'),
            'š' | 'ś' => out.push('s'),
            'ž' | 'ź' | 'ż' => out.push('z'),
            // The accents of decomposed text (macOS) stand alone.
            '\u{300}'..='\u{36F}' => {}
            c if c.is_alphanumeric() => out.push(c),
            _ => {}
        }
    }
}
