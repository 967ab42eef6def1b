//! A realistic messy list of invented people, for the demo, the benches and the tests.
//!
//! Deterministic: the same arguments give the same bytes. Every company has its own domain under
//! `.test` (RFC 6761), so that nothing in it can ever reach anybody.

use std::fmt::Write as _;

/// How a sample is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Windows-1252 as Excel writes it in France, else UTF-8.
    pub windows_1252: bool,
    /// Title lines before the header and totals after the data.
    pub framed: bool,
    /// One row in twelve is wrong in one of the ways rows are wrong.
    pub messy: bool,
}

impl Style {
    /// The demo's: everything at once.
    pub const MESSY: Self = Self { windows_1252: true, framed: true, messy: true };
    /// Plain rows in UTF-8, for measuring.
    pub const PLAIN: Self = Self { windows_1252: false, framed: false, messy: false };
}

/// `rows` rows of the messiest kind: Windows-1252, semicolons, CRLF, title lines, totals, duplicates,
/// freemail, missing and broken addresses, ragged rows, quoted cells with line ends in them.
#[must_use]
pub fn messy_csv(rows: usize, seed: u64) -> Vec<u8> {
    csv(rows, seed, Style::MESSY)
}

/// `rows` rows written in `style`, about 100 bytes each.
#[must_use]
pub fn csv(rows: usize, seed: u64, style: Style) -> Vec<u8> {
    let mut dice = Dice(seed ^ 0x9E37_79B9_7F4A_7C15);
    let mut text = String::with_capacity(rows * 110 + 512);
    if style.framed {
        text.push_str("Prospection commerciale 2026 – liste des contacts;;;;;;;\r\n");
        text.push_str("Généré le 14/01/2026;;;;;;;\r\n\r\n");
    }
    text.push_str("Prénom;Nom;E-mail professionnel;Société;Fonction;Étiquettes;Pays;Commentaires\r\n");
    let mut last = String::new();
    for number in 0..rows {
        let person = Person::throw(&mut dice, number);
        let fault = if style.messy { dice.below(120) } else { 120 };
        last = row(&mut text, &person, fault, &last, &mut dice);
    }
    if style.framed {
        let _ = write!(text, ";;;;;;;\r\nTotal;{rows};;;;;;\r\nSource : salons professionnels\r\n");
    }
    if style.windows_1252 { encoding_rs::WINDOWS_1252.encode(&text).0.into_owned() } else { text.into_bytes() }
}

struct Person {
    first: &'static str,
    last: &'static str,
    company: String,
    domain: String,
    job: &'static str,
    tags: &'static str,
    country: &'static str,
    number: usize,
}

impl Person {
    fn throw(dice: &mut Dice, number: usize) -> Self {
        let kind = dice.pick(&COMPANIES);
        let place = dice.pick(&PLACES);
        let suffix = dice.pick(&["SARL", "SAS", "SA", "Ltd", "& Fils", "Conseil", "Group"]);
        // A handful of people per company.
        let company = number / 4;
        Self {
            first: dice.pick(&FIRST),
            last: dice.pick(&LAST),
            company: format!("{kind} {place} {suffix}"),
            domain: format!("{}{company}.test", slug(kind)),
            job: dice.pick(&JOBS),
            tags: dice.pick(&TAGS),
            country: dice.pick(&[
                "France",
                "France",
                "France",
                "FR",
                "Belgique",
                "Suisse",
                "Luxembourg",
                "United Kingdom",
                "Ireland",
            ]),
            number,
        }
    }

    fn address(&self) -> String {
        format!("{}.{}{}@{}", slug(self.first), slug(self.last), self.number % 97, self.domain)
    }
}

/// Writes a row; gives back its address, so that a later one can repeat it.
fn row(out: &mut String, person: &Person, fault: u64, last: &str, dice: &mut Dice) -> String {
    let good = person.address();
    let address = match fault {
        0 => format!("{}.{}@gmail.com", slug(person.first), slug(person.last)),
        1 => format!("{}{}@orange.fr", slug(person.first), person.number),
        2 => String::new(),
        3 => good.replace('@', " at "),
        4 => good.replace('@', "@@"),
        5 if !last.is_empty() => last.to_uppercase(),
        6 => format!("{} {} <{good}>", person.first, person.last),
        7 => format!("mailto:{good}"),
        8 => format!(" {good} ;"),
        9 => format!("{}@yopmail.com", slug(person.last)),
        _ => good.clone(),
    };
    let address = if address.contains(';') { format!("\"{address}\"") } else { address };
    let notes = match dice.below(24) {
        0 => "\"Rencontré au salon ;\r\nà rappeler en mars\"",
        1 => "\"Dit \"\"oui\"\" à une démo\"",
        2 => "Client depuis 2019, très intéressé",
        3 => "=HYPERLINK(\"http://example.test\")",
        _ => "",
    };
    let company = if fault == 8 { format!("\"{}\"", person.company) } else { person.company.clone() };
    let _ = write!(
        out,
        "{};{};{address};{company};{};\"{}\";{};{notes}",
        person.first, person.last, person.job, person.tags, person.country
    );
    // Ragged: one cell too many.
    out.push_str(if fault == 10 { ";\r\n" } else { "\r\n" });
    good
}

/// Lower-case ASCII letters for addresses and domains.
fn slug(text: &str) -> String {
    crate::names::fold(text)
}

/// A small generator of numbers that look random (SplitMix64): no secrets are made of them.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        let at = self.below(from.len() as u64);
        usize::try_from(at).ok().and_then(|at| from.get(at)).copied().unwrap_or("")
    }
}

const FIRST: [&str; 32] = [
    "Anne",
    "Éloïse",
    "Zoé",
    "Chloé",
    "Hélène",
    "Maëlle",
    "Inès",
    "Camille",
    "Léa",
    "Noémie",
    "Aurélie",
    "Françoise",
    "Margaux",
    "Céline",
    "Agnès",
    "Sarah",
    "Jérôme",
    "André",
    "François",
    "Loïc",
    "Noël",
    "Gaël",
    "Rémi",
    "Cédric",
    "Théo",
    "Hugo",
    "Paul",
    "Thomas",
    "Oliver",
    "James",
    "Emily",
    "Grace",
];

const LAST: [&str; 32] = [
    "Martin",
    "Lefèvre",
    "Dubois",
    "Durand",
    "Moreau",
    "Garçon",
    "Léger",
    "Besnard",
    "Müller",
    "Fontaine",
    "Chevalier",
    "Gauthier",
    "Perrin",
    "Mercier",
    "Blanchet",
    "Rousseau",
    "Bénard",
    "Crépin",
    "Delâtre",
    "Hénault",
    "Joly",
    "Lacroix",
    "Maréchal",
    "Nguyen",
    "Ozanne",
    "Péan",
    "Quéré",
    "Renaud",
    "Smith",
    "Taylor",
    "Walker",
    "Évrard",
];

const COMPANIES: [&str; 16] = [
    "Ateliers",
    "Menuiserie",
    "Fonderie",
    "Transports",
    "Imprimerie",
    "Clinique",
    "Laboratoires",
    "Logiciels",
    "Énergie",
    "Bâtiment",
    "Traiteur",
    "Mécanique",
    "Studio",
    "Cabinet",
    "Pépinières",
    "Textiles",
];

const PLACES: [&str; 16] = [
    "du Rhône",
    "de la Loire",
    "Bretagne",
    "du Léman",
    "des Alpes",
    "Océane",
    "du Nord",
    "de l'Isère",
    "Méditerranée",
    "du Vexin",
    "Ardennes",
    "du Forez",
    "Armorique",
    "Aquitaine",
    "du Quercy",
    "Vosges",
];

const JOBS: [&str; 14] = [
    "Directrice générale",
    "Responsable achats",
    "Gérant",
    "Chef de projet",
    "Directeur commercial",
    "DAF",
    "Ingénieure qualité",
    "Responsable RH",
    "Head of Marketing",
    "Office Manager",
    "CTO",
    "Chargée de communication",
    "Acheteur",
    "Présidente",
];

const TAGS: [&str; 8] =
    ["industrie,salon 2025", "BTP", "santé|prioritaire", "retail", "tech,PME", "export", "agro, bio", "services"];
