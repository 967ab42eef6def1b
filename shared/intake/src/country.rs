//! Countries by name or code, in French, in English and in their own language.
//!
//! Which rules apply to a message depends on the country of the person who gets it, so `Belgique`,
//! `Belgium` and `BE` must be the same place. What is not recognised is kept as it is.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::clean::{self, MAX_NAME};
use crate::names::fold;

/// The ISO 3166-1 alpha-2 code where a cell is a country's name or code, else the cell's own text.
pub(crate) fn read(cell: &str) -> Option<String> {
    match code(cell.trim()) {
        Some(code) => Some(code.to_owned()),
        None => clean::line(cell, MAX_NAME),
    }
}

fn code(text: &str) -> Option<&'static str> {
    static BY_NAME: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        let all = COUNTRIES.iter();
        all.flat_map(|(code, names)| {
            let names = names.iter().map(|name| (*name).to_owned());
            names.chain([code.to_ascii_lowercase()]).map(|name| (name, *code))
        })
        .collect()
    });
    // Most countries are written in plain letters: those need no string of their own.
    let mut plain = [0; 32];
    if text.len() <= plain.len() && text.bytes().all(|b| b.is_ascii_alphabetic()) {
        let letters = &mut plain[..text.len()];
        letters.copy_from_slice(text.as_bytes());
        letters.make_ascii_lowercase();
        return std::str::from_utf8(letters).ok().and_then(|name| by_name.get(name).copied());
    }
    by_name.get(fold(text).as_str()).copied()
}

/// Names as [`fold`] leaves them; alpha-3 codes too.
const COUNTRIES: &[(&str, &[&str])] = &[
    ("FR", &["france", "fra", "francemetropolitaine", "frankreich", "francia", "republiquefrancaise"]),
    ("BE", &["belgique", "belgium", "belgie", "belgien", "bel"]),
    ("CH", &["suisse", "switzerland", "schweiz", "svizzera", "che"]),
    ("LU", &["luxembourg", "luxemburg", "lux"]),
    ("MC", &["monaco", "mco"]),
    ("DE", &["allemagne", "germany", "deutschland", "deu"]),
    ("AT", &["autriche", "austria", "osterreich", "aut"]),
    ("IT", &["italie", "italy", "italia", "ita"]),
    ("ES", &["espagne", "spain", "espana", "esp"]),
    ("PT", &["portugal", "prt"]),
    ("NL", &["paysbas", "netherlands", "nederland", "thenetherlands", "hollande", "holland", "nld"]),
    ("DK", &["danemark", "denmark", "danmark", "dnk"]),
    ("SE", &["suede", "sweden", "sverige", "swe"]),
    ("FI", &["finlande", "finland", "suomi", "fin"]),
    ("NO", &["norvege", "norway", "norge", "nor"]),
    ("IS", &["islande", "iceland", "isl"]),
    ("IE", &["irlande", "ireland", "irl"]),
    (
        "GB",
        &[
            "royaumeuni",
            "unitedkingdom",
            "uk",
            "grandebretagne",
            "greatbritain",
            "angleterre",
            "england",
            "ecosse",
            "scotland",
            "gbr",
        ],
    ),
    ("PL", &["pologne", "poland", "polska", "pol"]),
    ("CZ", &["tchequie", "republiquetcheque", "czechia", "czechrepublic", "cze"]),
    ("SK", &["slovaquie", "slovakia", "svk"]),
    ("HU", &["hongrie", "hungary", "hun"]),
    ("RO", &["roumanie", "romania", "rou"]),
    ("BG", &["bulgarie", "bulgaria", "bgr"]),
    ("GR", &["grece", "greece", "grc"]),
    ("HR", &["croatie", "croatia", "hrv"]),
    ("SI", &["slovenie", "slovenia", "svn"]),
    ("EE", &["estonie", "estonia", "est"]),
    ("LV", &["lettonie", "latvia", "lva"]),
    ("LT", &["lituanie", "lithuania", "ltu"]),
    ("CY", &["chypre", "cyprus", "cyp"]),
    ("MT", &["malte", "malta", "mlt"]),
    ("LI", &["liechtenstein", "lie"]),
    ("AD", &["andorre", "andorra", "and"]),
    ("US", &["etatsunis", "etatsunisdamerique", "unitedstates", "unitedstatesofamerica", "usa"]),
    ("CA", &["canada", "can"]),
    ("MX", &["mexique", "mexico", "mex"]),
    ("BR", &["bresil", "brazil", "brasil", "bra"]),
    ("AR", &["argentine", "argentina", "arg"]),
    ("CL", &["chili", "chile", "chl"]),
    ("CO", &["colombie", "colombia", "col"]),
    ("MA", &["maroc", "morocco", "mar"]),
    ("TN", &["tunisie", "tunisia", "tun"]),
    ("DZ", &["algerie", "algeria", "dza"]),
    ("SN", &["senegal", "sen"]),
    ("CI", &["cotedivoire", "ivorycoast", "civ"]),
    ("CM", &["cameroun", "cameroon", "cmr"]),
    ("MG", &["madagascar", "mdg"]),
    ("MU", &["maurice", "ilemaurice", "mauritius", "mus"]),
    ("ZA", &["afriquedusud", "southafrica", "zaf"]),
    ("EG", &["egypte", "egypt", "egy"]),
    ("TR", &["turquie", "turkey", "turkiye", "tur"]),
    ("IL", &["israel", "isr"]),
    ("AE", &["emiratsarabesunis", "unitedarabemirates", "uae", "are"]),
    ("UA", &["ukraine", "ukr"]),
    ("RU", &["russie", "russia", "russianfederation", "rus"]),
    ("CN", &["chine", "china", "chn"]),
    ("JP", &["japon", "japan", "jpn"]),
    ("KR", &["coreedusud", "southkorea", "kor"]),
    ("IN", &["inde", "india", "ind"]),
    ("SG", &["singapour", "singapore", "sgp"]),
    ("AU", &["australie", "australia", "aus"]),
    ("NZ", &["nouvellezelande", "newzealand", "nzl"]),
    ("RE", &["reunion", "lareunion", "reu"]),
    ("GP", &["guadeloupe", "glp"]),
    ("MQ", &["martinique", "mtq"]),
    ("GF", &["guyane", "guyanefrancaise", "guf"]),
    ("YT", &["mayotte", "myt"]),
    ("NC", &["nouvellecaledonie", "newcaledonia", "ncl"]),
    ("PF", &["polynesiefrancaise", "frenchpolynesia", "pyf"]),
];
