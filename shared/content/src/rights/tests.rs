use domain::statement::Signed;

use super::*;
use crate::page::without_style;

#[test]
fn a46_the_pages_in_both_languages() {
    let holders = [
        Holder { company: "Exemple <SAS>", contact: Some("contact@example.com"), record: true },
        Holder { company: "Autre SARL", contact: None, record: false },
    ];
    let due = Some("2026-05-31T10:00:00Z".parse().unwrap());
    for locale in Locale::ALL {
        let lang = locale.tag();
        insta::assert_snapshot!(format!("ask_{lang}"), without_style(&ask(locale, None)));
        insta::assert_snapshot!(format!("prove_{lang}"), without_style(&prove(locale, "/rights/proof/AbC")));
        let access = Some("/rights/access/AbC");
        let said =
            answer(locale, &Answer { kind: RequestKind::Access, holders: &holders, due, access, certificate: None });
        insta::assert_snapshot!(format!("answer_{lang}"), without_style(&said));
        let path = "/rights/identity/AbC";
        let page = identity(locale, path, Some(Refused::TooLarge));
        insta::assert_snapshot!(format!("identity_{lang}"), without_style(&page));
        let until = "2026-05-31T10:00:00Z".parse().unwrap();
        insta::assert_snapshot!(format!("received_{lang}"), without_style(&received(locale, until)));
    }
}

#[test]
fn a40_a_certificate_says_what_where_and_when_in_both_languages() {
    let stated = serde_json::json!({
        "kind": "erasure", "request": "req_<b>", "received_at": "2026-05-01T10:00:00Z", "erased_at": "2026-05-02T10:00:00Z",
        "senders": 2, "erased": {"prospect": 2, "upload": 1}, "stores": ["prospects", "uploads_bucket"], "residuals": {},
        "kept": ["erasure"],
    });
    let signed = Signed { statement: stated, alg: "Ed25519".into(), kid: "k1".into(), signature: "s".into() };
    for locale in Locale::ALL {
        let page = certificate(locale, &signed, "/rights/certificates/req_1?format=json");
        assert!(!page.as_str().contains("<b>"));
        insta::assert_snapshot!(format!("certificate_{}", locale.tag()), without_style(&page));
    }
}

#[test]
fn a46_every_kind_can_be_asked_for_and_is_answered_in_words() {
    for locale in Locale::ALL {
        let form = ask(locale, None).into_string();
        for kind in RequestKind::ALL {
            assert!(form.contains(&format!("value=\"{}\"", kind.as_str())), "{kind:?}");
            let holder = [Holder { company: "Exemple", contact: None, record: true }];
            let said = answer(locale, &Answer { kind, holders: &holder, due: None, access: None, certificate: None })
                .into_string();
            assert!(said.contains("Exemple") && !said.contains("<a href=\"/rights/access"), "{kind:?}");
        }
        assert_eq!(form.matches("<form").count(), 1);
    }
}

#[test]
fn a48_the_page_says_what_may_be_hidden_and_what_becomes_of_a_copy() {
    for (locale, words) in [
        (Locale::Fr, ["noircis", "supprimée avec la décision", "30 jours", "4 Mo"]),
        (Locale::En, ["Black out", "deleted with the decision", "30 days", "4 MB"]),
    ] {
        for refused in [None, Some(Refused::TooLarge), Some(Refused::WrongType), Some(Refused::NoFile)] {
            let page = identity(locale, "/rights/identity/AbC", refused).into_string();
            assert!(words.iter().all(|word| page.contains(word)), "{page}");
            assert!(page.contains("enctype=\"multipart/form-data\"") && !page.contains("<script"), "{page}");
            assert_eq!(page.contains("role=\"alert\""), refused.is_some(), "{page}");
        }
    }
}

#[test]
fn a11_a_member_is_told_what_article_15_asks_for() {
    for locale in Locale::ALL {
        let told = member_facts(locale, "https://example.test");
        let number = told.categories.len();
        assert!(number > 5 && told.retention.len() == number && told.recipients.len() > 1, "{told:?}");
        assert!(told.retention.iter().zip(&told.categories).all(|(kept, what)| kept.starts_with(what.as_str())));
        insta::assert_json_snapshot!(format!("member_facts_{}", locale.tag()), told);
    }
}

#[test]
fn what_people_and_senders_write_cannot_become_markup() {
    for locale in Locale::ALL {
        let rows = [Row { sender: "<b>".into(), field: "notes".into(), value: "<script>".into() }];
        let pages = [
            ask(locale, Some("<script>")),
            prove(locale, "/rights/proof/x\"><script>"),
            access(locale, "/rights/access/x\"><script>"),
            data(locale, &rows, Whose::Member),
            identity(locale, "/rights/identity/x\"><script>", None),
        ];
        for page in pages {
            assert!(!page.as_str().contains("<script>") && !page.as_str().contains("<b>"), "{}", page.as_str());
        }
    }
}
