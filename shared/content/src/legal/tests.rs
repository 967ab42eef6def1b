use std::collections::BTreeSet;

use domain::policy::{
    processors::{ChosenBy, Processor},
    retention::{Class, Retention},
};

use super::{
    draft::{AUTHORITY, OF_PROSPECTS, OF_USERS, draft},
    published::{ARCHIVES, archive},
    texts::FRAGMENTS,
    *,
};

const POLICY: &str = include_str!("../../../../infra/policy/policy.toml");

fn operator() -> Operator {
    Operator {
        name: "Exemple SAS".to_owned(),
        siren: "732 829 320".to_owned(),
        address: "1 rue de l'Exemple\n75000 Paris".to_owned(),
        contact: "contact@operator.example, +33 1 99 00 00 00".to_owned(),
        privacy_contact: "privacy@operator.example".to_owned(),
        abuse_contact: "abuse@operator.example".to_owned(),
        host: "Hôte SARL\n2 avenue de l'Exemple, Luxembourg\n+352 99 00 00".to_owned(),
    }
}

fn at(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

/// A time at which everything that is published applies.
fn late() -> Timestamp {
    at("2099-01-01")
}

fn html(slug: &str, locale: Locale) -> String {
    render(slug, locale, &operator(), late()).unwrap().html.into_string().replace('\u{a0}', " ")
}

fn has(slug: &str, locale: Locale, wanted: &[&str]) {
    let html = html(slug, locale);
    for words in wanted {
        assert!(html.contains(words), "{slug} in {} does not say: {words}", locale.tag());
    }
}

/// The frame of a page in each of its states. The texts themselves are under published/.
#[test]
fn a_page_says_whether_it_applies() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| {
        for locale in Locale::ALL {
            let frame = |page: LegalPage| {
                let html = page.html.into_string();
                let main = &html[html.find("<main").unwrap()..html.find("<footer").unwrap()];
                let (head, log) = (main.find("<p>").unwrap(), main.find("<h2 id=\"changes\"").unwrap());
                format!("{}[…]\n{}", &main[..head], &main[log..])
            };
            let now = at("2026-12-02");
            let version = |version, now| frame(render_version("terms", version, locale, &operator(), now).unwrap());
            let states = [
                ("current", frame(render("terms", locale, &operator(), now).unwrap())),
                ("announced", version("2.0", now)),
                ("replaced", version("1.0", late())),
            ];
            for (name, shown) in states {
                insta::assert_snapshot!(format!("terms_{name}.{}", locale.tag()), shown);
            }
        }
    });
}

#[test]
fn an_unknown_page_is_none() {
    assert!(render("imprint", Locale::Fr, &operator(), late()).is_none());
    assert!(render("", Locale::Fr, &operator(), late()).is_none());
    assert!(render("rights", Locale::Fr, &operator(), late()).is_none(), "a fragment is not a page");
    assert!(in_force("imprint", late()).is_none());
    assert!(render("terms", Locale::Fr, &operator(), at("2026-11-20")).is_none(), "nothing applies yet");
}

#[test]
fn a1_every_page_that_names_the_operator_takes_it_from_the_configuration() {
    for locale in Locale::ALL {
        for slug in ["privacy", "prospects-privacy", "terms", "dpa", "notice"] {
            has(slug, locale, &["Exemple SAS", "732 829 320"]);
        }
        has("privacy", locale, &["1 rue de l", "privacy@operator.example"]);
        has("notice", locale, &["Hôte SARL", "abuse@operator.example", "privacy@operator.example"]);
    }
}

#[test]
fn what_the_operator_configures_cannot_become_markup() {
    let operator = Operator { name: "<b>Exemple</b>".to_owned(), ..operator() };
    let page = render("notice", Locale::Fr, &operator, late()).unwrap().html.into_string();
    assert!(!page.contains("<b>") && page.contains("&lt;b&gt;Exemple"));
}

#[test]
fn a13_every_class_of_the_policy_is_on_a_page() {
    // What is not stored yet is on a page only where its period is promised already.
    const PROMISED: [Class; 1] = [Class::MailEvidence];
    for class in Class::ALL {
        let rule = Policy::current().rule(*class);
        let listed = OF_USERS.contains(class) || OF_PROSPECTS.contains(class);
        // A public key is nobody's data.
        let expected = (rule.is_in_the_product() && *class != Class::PublicKey) || PROMISED.contains(class);
        assert_eq!(listed, expected, "{class:?}");
        if !listed {
            continue;
        }
        for locale in Locale::ALL {
            let pages = html("privacy", locale) + &html("prospects-privacy", locale);
            let label = rule.label.get(locale).replace('\'', "&#x27;");
            assert!(pages.contains(&label), "{class:?} in {}", locale.tag());
        }
    }
}

#[test]
fn a23_the_table_of_processors_is_the_register() {
    for locale in Locale::ALL {
        for processor in processors::current() {
            for text in [&processor.name, &processor.purpose, &processor.country, &processor.safeguard] {
                has("subprocessors", locale, &[&text.get(locale).replace('\'', "&#x27;")]);
            }
        }
    }
    let fewer = &processors::current()[..1];
    let page = draft("subprocessors", Locale::En, Policy::current(), fewer).unwrap();
    assert!(!page.contains("SMTP relay"), "a change of the register has to be published");
}

#[test]
fn a27_the_senders_own_relay_is_shown_as_its_choice_and_nothing_else_is() {
    for (locale, said) in [(Locale::Fr, "choisi par l'Expéditeur"), (Locale::En, "chosen by the Sender")] {
        let (page, said) = (html("subprocessors", locale), format!("<br><span class=\"soft\">{said}</span>"));
        let rows: Vec<&str> = page.split("<tr>").skip(2).collect();
        assert_eq!(rows.len(), processors::current().len());
        for (row, processor) in rows.into_iter().zip(processors::current()) {
            assert_eq!(row.contains(&said), processor.chosen_by == ChosenBy::Sender, "{row}");
        }
    }
}

#[test]
fn a23_a_list_of_subprocessors_that_only_clarifies_adds_nobody_of_the_operators() {
    for (locale, senders) in [(Locale::Fr, "choisi par l'Expéditeur"), (Locale::En, "chosen by the Sender")] {
        let ours = |version: &str| -> BTreeSet<String> {
            let text = archive("subprocessors", version).unwrap().get(locale).replace("&#x27;", "'");
            let rows = text
                .split("<th scope=\"row\">")
                .skip(1)
                .filter(|row| !row.split("</th>").next().unwrap().contains(senders));
            rows.map(|row| row.split("<br>").next().unwrap().to_owned()).collect()
        };
        let versions = &register()["subprocessors"].versions;
        for pair in versions.windows(2).filter(|pair| pair[0].clarifies) {
            assert_eq!(ours(&pair[0].version), ours(&pair[1].version), "{}", pair[0].version);
            assert!(!ours(&pair[0].version).is_empty());
        }
    }
}

#[test]
fn periods_on_the_pages_are_those_of_the_policy() {
    let mut shorter = POLICY.to_owned();
    for (from, to) in [
        ("keep = \"36 months\"", "keep = \"17 months\""),
        ("keep = \"3 years\"\nclock = \"collected_or", "keep = \"17 months\"\nclock = \"collected_or"),
        ("purge_lag = \"24 hours\"", "purge_lag = \"19 hours\""),
        ("rights_answer = \"30 days\"", "rights_answer = \"21 days\""),
        ("policy_change_notice = \"30 days\"", "policy_change_notice = \"45 days\""),
        ("keep = \"90 days\"", "keep = \"89 days\""),
        ("keep = \"24 hours\"", "keep = \"23 hours\""),
        ("keep = \"13 months\"", "keep = \"11 months\""),
        ("keep = \"365 days\"", "keep = \"180 days\""),
        ("keep = \"14 days\"", "keep = \"4 days\""),
    ] {
        assert!(shorter.contains(from), "{from}");
        shorter = shorter.replace(from, to);
    }
    // The floor of the erasure ledger is the ceiling of the backups, so that both still load.
    let policy = Policy::load(&shorter).unwrap();
    for slug in slugs() {
        for (locale, gone, come) in [
            (Locale::En, ["36 months", "24 hours", "90 days", "13 months", "365 days"], "17 months"),
            (Locale::Fr, ["36 mois", "24 heures", "90 jours", "13 mois", "365 jours"], "17 mois"),
        ] {
            let page = draft(slug, locale, &policy, processors::current()).unwrap();
            for period in gone {
                assert!(!page.contains(period), "{slug} still says {period}");
            }
            if slug == "prospects-privacy" {
                assert!(page.contains(come));
            }
        }
    }
}

/// A number of hours, days, months or years outside `{{ … }}` would be a second source.
#[test]
fn no_period_is_typed_into_a_text() {
    const UNITS: [&str; 13] =
        ["heure", "heures", "jour", "jours", "mois", "an", "ans", "année", "années", "hour", "day", "month", "year"];
    const NUMBERS: [&str; 34] = [
        "un",
        "une",
        "deux",
        "trois",
        "six",
        "sept",
        "dix",
        "douze",
        "treize",
        "quinze",
        "vingt",
        "vingt-quatre",
        "trente",
        "soixante",
        "quatre-vingt-dix",
        "one",
        "two",
        "three",
        "six",
        "seven",
        "ten",
        "twelve",
        "thirteen",
        "fifteen",
        "twenty",
        "twenty-four",
        "thirty",
        "sixty",
        "ninety",
        "quelques",
        "plusieurs",
        "several",
        "few",
        "sixteen",
    ];
    let is_number = |word: &str| word.chars().all(|c| c.is_ascii_digit()) || NUMBERS.contains(&word);
    let is_unit = |word: &str| UNITS.contains(&word) || UNITS.contains(&word.trim_end_matches('s'));
    let typed = |text: &str| -> Option<String> {
        let lower = without(&text.to_lowercase(), "<", ">");
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).collect();
        words.windows(2).find(|pair| is_number(pair[0]) && is_unit(pair[1])).map(|pair| pair.join(" "))
    };
    // The check itself sees what it is there to see.
    for sample in ["kept 36 months", "pendant trois ans", "within <b>30</b> days", "en 24 heures"] {
        assert!(typed(sample).is_some(), "{sample}");
    }
    for text in PAGES.iter().chain(FRAGMENTS) {
        for locale in Locale::ALL {
            let found = typed(&without(text.get(locale), "{{", "}}"));
            assert_eq!(found, None, "{} in {}", text.name, locale.tag());
        }
    }
}

/// The text with whatever stands between `open` and `close` blanked out.
fn without(text: &str, open: &str, close: &str) -> String {
    text.split(open).enumerate().fold(String::new(), |out, (i, piece)| {
        out + if i == 0 { piece } else { piece.split_once(close).map_or("", |(_, rest)| rest) } + " "
    })
}

#[test]
fn a49_pages_give_the_authoritys_address_telephone_and_site() {
    for locale in Locale::ALL {
        for slug in ["privacy", "prospects-privacy", "cookies", "notice"] {
            has(slug, locale, &[AUTHORITY.complaints, AUTHORITY.phone, "TSA 80715", "CNIL"]);
        }
    }
}

#[test]
fn a38_a44_pages_list_every_right() {
    for slug in ["privacy", "prospects-privacy"] {
        has(
            slug,
            Locale::Fr,
            &[
                "article 15",
                "article 16",
                "article 17",
                "article 18",
                "article 20",
                "article 21",
                "article 85",
                "<strong>retrait du consentement",
                "sans donner de motif",
            ],
        );
        has(
            slug,
            Locale::En,
            &[
                "article 15",
                "article 16",
                "article 17",
                "article 18",
                "article 20",
                "article 21",
                "article 85",
                "<strong>withdrawal of consent",
                "without giving a reason",
            ],
        );
    }
}

#[test]
fn a47_pages_promise_an_answer_within_30_days() {
    assert_eq!(Policy::current().promises().rights_answer, Retention::Days(30));
    for slug in ["privacy", "prospects-privacy", "cookies"] {
        has(slug, Locale::Fr, &["en 30 jours au plus"]);
        has(slug, Locale::En, &["within 30 days"]);
    }
}

#[test]
fn a59_a60_the_prospects_page_explains_the_one_click_opt_out() {
    has("prospects-privacy", Locale::Fr, &["en un clic", "L'effet est immédiat", "sans motif", "importe à nouveau"]);
    has("prospects-privacy", Locale::En, &["one click", "takes effect immediately", "importing your address anew"]);
}

#[test]
fn a65_pages_say_that_there_is_no_pixel_without_consent() {
    for (slug, fr, en) in [
        (
            "prospects-privacy",
            "Sans votre accord, nos messages ne contiennent aucun pixel de suivi",
            "Without your consent, our messages contain no tracking pixel",
        ),
        (
            "cookies",
            "aucun pixel de suivi dans les messages envoyés, sauf",
            "no tracking pixel in the messages sent, except",
        ),
        ("terms", "Deux mesures sont désactivées par défaut", "Two measures are off by default"),
    ] {
        has(slug, Locale::Fr, &[fr]);
        has(slug, Locale::En, &[en]);
    }
}

#[test]
fn the_prospects_page_keeps_its_promises() {
    has(
        "prospects-privacy",
        Locale::Fr,
        &[
            "36 mois (3 ans) après la collecte", // A72, A73
            "pendant 3 ans",                     // A61
            "30 jours plus tard",                // A74
            "90 jours au plus",                  // A30
            "24 heures après la fin",            // the purge lag
            "dans chaque message",               // A62
            "article 28",                        // A63
            "viennent toutes de l'Expéditeur",   // A66
            "particuliers est interdit",         // A70
            "abuse@",                            // A71
            "transmettons sans tarder",          // A75
            "quels Expéditeurs les détiennent",  // A76
            "ni vendues, ni cédées",             // A20
            "/legal/prospects-privacy",          // A58
            "L. 34-5",
        ],
    );
    has(
        "prospects-privacy",
        Locale::En,
        &[
            "36 months (3 years) after collection",
            "for 3 years",
            "30 days later",
            "within 90 days",
            "24 hours after the end",
            "in every message",
            "article 28",
            "comes from the Sender",
            "private individuals is prohibited",
            "abuse@",
            "without delay",
            "which Senders hold it",
            "never sold",
            "/legal/prospects-privacy",
            "L. 34-5",
        ],
    );
}

#[test]
fn the_users_page_keeps_its_promises() {
    has(
        "privacy",
        Locale::Fr,
        &[
            "privacy@operator.example",  // A2
            "bcrypt",                    // A4
            "tronquée",                  // A7
            "durée du contrat",          // A28
            "30 jours pour le rouvrir",  // A29
            "90 jours au plus",          // A30
            "13 mois",                   // A32
            "365 jours",                 // A33
            "24 heures après la fin",    // the purge lag
            "pièce d'identité",          // A48
            "TLS 1.2",                   // A50
            "article 34",                // A54
            "au moins 30 jours avant",   // A56
            "moins de 16 ans",           // A80
            "ni vendues, ni cédées",     // A20
            "Union européenne",          // A21
            "intelligence artificielle", // A25
            "courrier",                  // A46
        ],
    );
    has(
        "privacy",
        Locale::En,
        &[
            "privacy@operator.example",
            "bcrypt",
            "truncated",
            "duration of the contract",
            "30 days to reopen",
            "within 90 days",
            "13 months",
            "365 days",
            "24 hours after the end",
            "proof of identity",
            "TLS 1.2",
            "article 34",
            "at least 30 days before",
            "under the age of 16",
            "never sold",
            "European Union",
            "artificial intelligence",
            "letter",
        ],
    );
}

#[test]
fn a24_the_agreement_holds_what_article_28_asks_for() {
    has(
        "dpa",
        Locale::Fr,
        &[
            "Objet, nature et durée",
            "instruction documentée",
            "Confidentialité",
            "Sécurité",
            "Sous-traitants ultérieurs",
            "Assistance",
            "Violation de données",
            "Sort des données",
            "audit",
            "s'accepte séparément",
        ],
    );
    has(
        "dpa",
        Locale::En,
        &[
            "Subject, nature and duration",
            "documented instructions",
            "Confidentiality",
            "Security",
            "Sub-processors",
            "Assistance",
            "Data breach",
            "What becomes of the data",
            "audit",
            "accepted separately",
        ],
    );
    has("terms", Locale::Fr, &["prospection de particuliers est interdite", "/legal/dpa?lang=fr"]);
    has("terms", Locale::En, &["prospecting private individuals is prohibited", "/legal/dpa?lang=en"]);
}

#[test]
fn a58_every_page_is_dated_and_ends_with_its_change_log() {
    for slug in slugs() {
        let versions = &register()[slug].versions;
        for locale in Locale::ALL {
            let page = render(slug, locale, &operator(), late()).unwrap();
            assert_eq!(page.version, versions[0].version);
            let html = page.html.into_string();
            let log = &html[html.find("id=\"changes\"").unwrap()..];
            assert!(!log.contains("<h2>"), "{slug}: the log is the end of the page");
            for version in versions {
                assert!(log.contains(&words::date(version.effective, locale)), "{slug}");
                assert!(log.contains(&version.sha256), "{slug}");
                let href = format!("/legal/{slug}/versions/{}?lang={}", version.version, locale.tag());
                assert!(log.contains(&href), "{slug}");
            }
        }
    }
    assert_eq!(register().len(), PAGES.len());
}

#[test]
fn a58_nobody_knows_of_a_version_before_it_is_announced() {
    let page = render("terms", Locale::En, &operator(), at("2026-11-30")).unwrap().html.into_string();
    assert!(!page.contains("2.0"));
    assert!(render_version("terms", "2.0", Locale::En, &operator(), at("2026-11-30")).is_none());
    assert!(render_version("terms", "2.0", Locale::En, &operator(), at("2026-12-02")).is_some());
}

/// A published text is never edited: it is what its hash says, and every text has an entry.
#[test]
fn a58_a_published_text_is_as_it_was() {
    use sha2::{Digest as _, Sha256};
    let mut named = BTreeSet::new();
    for (slug, document) in register() {
        for version in &document.versions {
            let archive = archive(slug, &version.version)
                .unwrap_or_else(|| panic!("name {slug} {} in published.rs", version.version));
            let text = [Locale::Fr, Locale::En].map(|locale| archive.get(locale)).concat();
            let hash = hex(&Sha256::digest(text));
            assert_eq!(hash, version.sha256, "{slug} {} was changed after it was published", version.version);
            named.insert((slug.as_str(), version.version.as_str()));
        }
    }
    assert_eq!(ARCHIVES.len(), named.len(), "a text without an entry in versions.toml");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the templates, the policy and the register of processors say today is published: a change of any of
/// them is a new version, with its date, its notice and its announcement (A23, A56).
#[test]
fn a23_a58_what_changes_is_published_as_a_new_version() {
    let published = |slug: &str, [fr, en]: &[String; 2]| {
        let archive = archive(slug, &register()[slug].versions[0].version).unwrap();
        archive.get(Locale::Fr) == fr && archive.get(Locale::En) == en
    };
    for (slug, texts) in drafts() {
        assert!(
            published(slug, &texts),
            "{slug} is not what was published: add a version to versions.toml, then cargo promises --publish"
        );
    }
    // One processor less is another text.
    let fewer: &[Processor] = &processors::current()[1..];
    let changed =
        [Locale::Fr, Locale::En].map(|locale| draft("subprocessors", locale, Policy::current(), fewer).unwrap());
    assert!(!published("subprocessors", &changed));
}

#[test]
fn a82_pages_link_to_each_other_and_to_the_other_language() {
    for slug in slugs() {
        for (locale, other) in [(Locale::Fr, "en"), (Locale::En, "fr")] {
            let html = html(slug, locale);
            assert!(html.contains(&format!("href=\"/legal/{slug}?lang={other}\"")), "{slug}");
            for target in slugs() {
                assert!(html.contains(&format!("href=\"/legal/{target}?lang={}\"", locale.tag())), "{slug} → {target}");
            }
            assert!(html.contains(&format!("<html lang=\"{}\">", locale.tag())));
            assert!(html.contains(&format!("href=\"/abuse?lang={}\"", locale.tag())), "{slug}");
        }
    }
}

#[test]
fn a82_each_policy_speaks_to_those_it_is_about() {
    for (locale, of_users, of_prospects) in [
        (Locale::Fr, "Quelles données nous traitons", "Qui traite vos données"),
        (Locale::En, "Which data we process", "Who processes your data"),
    ] {
        let [users, prospects] = ["privacy", "prospects-privacy"].map(|slug| html(slug, locale));
        assert!(users.contains(of_users) && !users.contains(of_prospects), "{locale:?}");
        assert!(prospects.contains(of_prospects) && !prospects.contains(of_users), "{locale:?}");
    }
}

/// Both languages have the same parts, in the same order, and say the same facts.
#[test]
fn translations_match() {
    for text in PAGES.iter().chain(FRAGMENTS) {
        let [fr, en] = Locale::ALL.map(|locale| text.get(locale));
        for tag in ["<h2", "<h3", "<li>", "<p>", "<td>", "<address>", "<strong>", "{%"] {
            assert_eq!(fr.matches(tag).count(), en.matches(tag).count(), "{}: {tag}", text.name);
        }
        let facts = |text: &str| {
            let mut found: Vec<_> = text
                .split("{{")
                .skip(1)
                .filter_map(|piece| Some(piece.split_once("}}")?.0.trim().to_owned()))
                .collect();
            found.sort();
            found
        };
        assert_eq!(facts(fr), facts(en), "{}", text.name);
    }
}
