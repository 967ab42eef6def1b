//! The promises on a terminal.

use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use content::promises::{Promise, Verdict, results, summary};

use crate::answer;

/// Columns of a table that goes to a file or another program.
const WIDTH: u16 = 120;

/// Prints the chosen ones; as JSON all of them.
pub(super) fn print(chosen: &[&Promise], json: bool) -> anyhow::Result<()> {
    let results = results();
    if json {
        return answer::line(serde_json::to_string_pretty(&summary(results))?);
    }
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    table.set_header(["", "Promise", "State", "Tests, all last passed", "Broken"]);
    for promise in chosen {
        let verdict = promise.verdict(results);
        let passed = promise.last_passed(results).map_or_else(|| "–".to_owned(), |at| format!("{at:.0}"));
        let broken =
            results.mutations.get(&promise.id).map_or("–", |m| if m.caught { "noticed" } else { "NOT NOTICED" });
        let note = promise.note.as_ref().map(|note| format!(" ({})", note.en)).unwrap_or_default();
        table.add_row([
            promise.id.clone(),
            format!("{}{note}\n{}", promise.en, promise.tests.join("\n")),
            state(verdict).to_owned(),
            format!("{}, {passed}", promise.tests.len()),
            broken.to_owned(),
        ]);
    }
    // Without a terminal there is no width to go by.
    let width = table.width().unwrap_or(WIDTH);
    table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    answer::line(&table)?;
    let count = |wanted| chosen.iter().filter(|promise| promise.verdict(results) == wanted).count();
    answer::line(format_args!(
        "{} kept, {} not shown by a run, {} in part, {} not yet.",
        count(Verdict::Kept),
        count(Verdict::NotShown),
        count(Verdict::InPart),
        count(Verdict::NotYet)
    ))
}

const fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "kept",
        Verdict::NotShown => "not shown",
        Verdict::InPart => "in part",
        Verdict::NotYet => "not yet",
    }
}
