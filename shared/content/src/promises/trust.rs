//! The public page of promises, and the same as JSON.

use domain::locale::Locale;
use serde_json::{Value, json};

use super::{MutationResult, Promise, Results, Verdict, all};
use crate::page::{self, Html, PRODUCT, Page, escape};

const HREF: &str = "/trust";

/// The page.
#[must_use]
pub fn page(locale: Locale, results: &Results) -> Html {
    let title = title(locale);
    let other = Locale::ALL.into_iter().find(|other| *other != locale).unwrap_or_default();
    page::render(&Page {
        lang: locale,
        title,
        body_html: &format!("<h1>{}</h1>\n{}{}", escape(title), intro(locale, results), table(locale, results)),
        other_language: Some(&format!("{HREF}?lang={}", other.tag())),
        indexed: true,
    })
}

/// The same for machines.
#[must_use]
pub fn summary(results: &Results) -> Value {
    let promises: Vec<Value> = all().iter().map(|promise| entry(promise, results)).collect();
    let [kept, not_shown, in_part, not_yet] = counts(results);
    json!({
        "product": PRODUCT,
        "counts": { "kept": kept, "not_shown": not_shown, "in_part": in_part, "not_yet": not_yet },
        "last_run": last_run(results),
        "promises": promises,
    })
}

fn entry(promise: &Promise, results: &Results) -> Value {
    let tests: Vec<Value> =
        promise.tests.iter().map(|name| json!({ "name": name, "last_run": results.tests.get(name) })).collect();
    json!({
        "id": promise.id,
        "fr": promise.fr,
        "en": promise.en,
        "note": promise.note.as_ref().map(|note| json!({ "fr": note.fr, "en": note.en })),
        "state": promise.verdict(results),
        "last_passed": promise.last_passed(results),
        "tests": tests,
        "mutation": results.mutations.get(&promise.id),
    })
}

/// The title of the page.
#[must_use]
pub(crate) const fn title(locale: Locale) -> &'static str {
    match locale {
        Locale::Fr => "Nos promesses, et leurs preuves",
        Locale::En => "Our promises, and their proof",
    }
}

fn counts(results: &Results) -> [usize; 4] {
    [Verdict::Kept, Verdict::NotShown, Verdict::InPart, Verdict::NotYet]
        .map(|verdict| all().iter().filter(|promise| promise.verdict(results) == verdict).count())
}

fn last_run(results: &Results) -> Option<jiff::Timestamp> {
    results.tests.values().map(|result| result.at).max()
}

fn intro(locale: Locale, results: &Results) -> String {
    let [kept, not_shown, in_part, not_yet] = counts(results);
    let (total, caught) = (all().len(), results.mutations.values().filter(|result| result.caught).count());
    let when = last_run(results).map_or_else(|| "—".to_owned(), moment);
    match locale {
        Locale::Fr => format!(
            "<p>Nos politiques font {total} promesses. Pour chacune : ce qu'elle dit, si elle est tenue, les tests qui le montrent \
             et quand ils ont réussi pour la dernière fois. Une promesse n'est dite tenue que si chacun de ses tests a réussi à sa \
             dernière exécution ; sans test, elle ne l'est pas.</p>\n\
             <p><strong>{kept} tenues</strong>, {not_shown} que l'exécution ne montre pas, {in_part} tenues en partie, {not_yet} pas \
             encore. Pour {caught}, nous avons cassé le logiciel exprès, et un test l'a vu. Dernière exécution : {when}.</p>\n\
             <p>Les mêmes données en JSON : <a href=\"{HREF}.json\">{HREF}.json</a>.</p>\n"
        ),
        Locale::En => format!(
            "<p>Our policies make {total} promises. For each: what it says, whether it is kept, the tests that show it and when they \
             last passed. A promise is called kept only if each of its tests passed when it last ran; without a test, it is \
             not.</p>\n\
             <p><strong>{kept} kept</strong>, {not_shown} not shown by the run, {in_part} kept in part, {not_yet} not yet. For \
             {caught} of them we broke the software on purpose, and a test noticed. Last run: {when}.</p>\n\
             <p>The same as JSON: <a href=\"{HREF}.json\">{HREF}.json</a>.</p>\n"
        ),
    }
}

fn table(locale: Locale, results: &Results) -> String {
    let [caption, promise, state, proof] = match locale {
        Locale::Fr => ["Les promesses", "Promesse", "État", "Preuve"],
        Locale::En => ["The promises", "Promise", "State", "Proof"],
    };
    let rows: String = all().iter().map(|promise| row(promise, locale, results)).collect();
    format!(
        "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\"><table>\n<caption>{caption}</caption>\n<thead><tr><th scope=\"col\">{promise}</th>\
         <th scope=\"col\">{state}</th><th scope=\"col\">{proof}</th></tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n"
    )
}

fn row(promise: &Promise, locale: Locale, results: &Results) -> String {
    let (id, words) = (
        escape(&promise.id),
        escape(match locale {
            Locale::Fr => &promise.fr,
            Locale::En => &promise.en,
        }),
    );
    let note =
        promise.note.as_ref().map(|note| format!("<br><span class=\"soft\">{}</span>", escape(note.get(locale))));
    let note = note.unwrap_or_default();
    let anchor = promise.id.to_lowercase();
    let state = state(promise.verdict(results), locale);
    let mut proof = proof(promise, locale, results);
    if let Some(mutation) = results.mutations.get(&promise.id) {
        proof += &broken(mutation, locale);
    }
    format!(
        "<tr id=\"{anchor}\"><th scope=\"row\">{id} <span class=\"soft\">·</span> {words}{note}</th><td>{state}</td><td>{proof}</td></tr>\n"
    )
}

const fn state(verdict: Verdict, locale: Locale) -> &'static str {
    match (verdict, locale) {
        (Verdict::Kept, Locale::Fr) => "tenue",
        (Verdict::Kept, Locale::En) => "kept",
        (Verdict::NotShown, Locale::Fr) => "non montrée : un test manque, a échoué ou n'a pas tourné",
        (Verdict::NotShown, Locale::En) => "not shown: a test is missing, failed or has not run",
        (Verdict::InPart, Locale::Fr) => "en partie",
        (Verdict::InPart, Locale::En) => "in part",
        (Verdict::NotYet, Locale::Fr) => "pas encore",
        (Verdict::NotYet, Locale::En) => "not yet",
    }
}

/// How many tests, and when all of them had passed.
fn proof(promise: &Promise, locale: Locale, results: &Results) -> String {
    let count = promise.tests.len();
    let names: Vec<String> =
        promise.tests.iter().map(|test| format!("<li><code>{}</code></li>", escape(test))).collect();
    if names.is_empty() {
        return match locale {
            Locale::Fr => "aucun test".to_owned(),
            Locale::En => "no test".to_owned(),
        };
    }
    let words = match locale {
        Locale::Fr => format!("{count} test{}", if count > 1 { "s" } else { "" }),
        Locale::En => format!("{count} test{}", if count == 1 { "" } else { "s" }),
    };
    let passed = match (promise.last_passed(results).map(moment), locale) {
        (Some(at), Locale::Fr) => format!("réussi le {at}"),
        (Some(at), Locale::En) => format!("passed {at}"),
        (None, Locale::Fr) => "pas de réussite connue de tous".to_owned(),
        (None, Locale::En) => "not all known to pass".to_owned(),
    };
    format!("<details><summary>{words}, {passed}</summary><ul>{}</ul></details>", names.concat())
}

/// What became of breaking it on purpose.
fn broken(mutation: &MutationResult, locale: Locale) -> String {
    let at = moment(mutation.at);
    let words = match (mutation.caught, locale) {
        (true, Locale::Fr) => format!("cassée exprès le {at} : un test l'a vu"),
        (true, Locale::En) => format!("broken on purpose {at}: a test noticed"),
        (false, Locale::Fr) => format!("cassée exprès le {at} : aucun test ne l'a vu"),
        (false, Locale::En) => format!("broken on purpose {at}: no test noticed"),
    };
    format!("<span class=\"soft\">{words}</span>")
}

/// A time as it is in the results file, to the minute.
fn moment(at: jiff::Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time>", at.strftime("%Y-%m-%d %H:%M UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promises::TestResult;

    fn passed(promise: &Promise) -> Results {
        let ran = |name: &String| {
            (name.clone(), TestResult { passed: true, at: "2026-12-01T10:00:00Z".parse().unwrap(), commit: "c".into() })
        };
        Results { tests: promise.tests.iter().map(ran).collect(), ..Results::default() }
    }

    #[test]
    fn without_results_nothing_is_called_kept() {
        let none = Results::default();
        for locale in Locale::ALL {
            let html = page(locale, &none).into_string();
            assert!(!html.contains("<td>kept</td>") && !html.contains("<td>tenue</td>"));
        }
        assert_eq!(summary(&none)["counts"]["kept"], 0);
        assert_eq!(summary(&none)["promises"].as_array().map(Vec::len), Some(82));
    }

    #[test]
    fn the_page_shows_a_run_in_both_languages() {
        let promise = all().iter().find(|promise| promise.id == "A59").unwrap();
        let mut results = passed(promise);
        let mutation = |caught| MutationResult {
            caught,
            test: "t".into(),
            at: "2026-12-02T10:00:00Z".parse().unwrap(),
            commit: "c".into(),
        };
        results.mutations.insert("A59".into(), mutation(true));
        // Some other promises have no tests but these.
        let shown = all().iter().filter(|promise| promise.verdict(&results) == Verdict::Kept).count();
        assert!(shown >= 1 && shown < all().len() / 2);
        for (locale, kept, caught) in
            [(Locale::Fr, "<td>tenue</td>", "un test l'a vu"), (Locale::En, "<td>kept</td>", "a test noticed")]
        {
            let html = page(locale, &results).into_string();
            assert_eq!(html.matches(kept).count(), shown);
            assert!(html.contains("2026-12-01 10:00 UTC") && html.contains(caught));
            assert!(html.contains(&format!("{HREF}?lang=")) && html.contains("id=\"a82\""));
        }
        results.mutations.insert("A59".into(), mutation(false));
        assert!(page(Locale::En, &results).as_str().contains("no test noticed"));
        let json = summary(&results);
        assert_eq!(json["counts"]["kept"], shown);
        assert_eq!(json["promises"][58]["state"], "kept");
        assert_eq!(json["promises"][58]["mutation"]["caught"], false);
    }
}
