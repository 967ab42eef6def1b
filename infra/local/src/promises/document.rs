//! docs/PROMISES.md, made from the list.

use content::promises::{Promise, Status, all};

const PATH: &str = "docs/PROMISES.md";

/// Writes it.
pub(super) fn write() -> anyhow::Result<()> {
    std::fs::write(crate::workspace_root().join(PATH), document())?;
    Ok(())
}

fn document() -> String {
    let count = |status| all().iter().filter(|promise| promise.status == status).count();
    let head = format!(
        "# The promises\n\n\
         Prospectra's privacy policies make promises. Here each of them has a number, and the code and the tests use it:\n\
         a comment that says `A59` means the line of that number below, and a test named `a59_…` fails when it is broken.\n\n\
         *Kept* means that the behaviour is there. *In part* and *not yet* say what is missing. {} are kept, {} in part,\n\
         {} not yet; most of the last belong to things the product does not have, such as billing or a support desk.\n\
         To run the tests of one promise: `cargo promises --run A59`, which also writes down how they ended. To see whether they\n\
         would notice: `cargo promises --mutate A59` breaks it in a copy of the tree. The public page `/trust` shows both.\n\n\
         Nothing here is legal advice. Whoever operates an installation answers for its legal texts, and should have them read by\n\
         a lawyer. Where the three policies behind this list disagree, [ARCHITECTURE.md](../ARCHITECTURE.md#where-the-policies-disagree)\n\
         says what was decided (K1 to K14). Every period is in [infra/policy/policy.toml](../infra/policy/policy.toml).\n\n\
         This file is made from [infra/policy/promises.toml](../infra/policy/promises.toml): change that one, then\n\
         `cargo promises --write`.\n\n\
         | | Promise | Status | Tests |\n| --- | --- | --- | --- |\n",
        count(Status::Kept),
        count(Status::InPart),
        count(Status::NotYet)
    );
    head + &all().iter().map(row).collect::<String>()
}

fn row(promise: &Promise) -> String {
    let (id, anchor) = (&promise.id, promise.id.to_lowercase());
    let note = promise.note.as_ref().map(|note| format!(" *{}*", note.en)).unwrap_or_default();
    let status = match promise.status {
        Status::Kept => "kept",
        Status::InPart => "in part",
        Status::NotYet => "not yet",
    };
    let tests: Vec<String> = promise.tests.iter().map(|test| format!("`{test}`")).collect();
    format!("| <a id=\"{anchor}\"></a>{id} | {}{note} | {status} | {} |\n", promise.en, tests.join("<br>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_made_from_the_list() {
        let written = std::fs::read_to_string(crate::workspace_root().join(PATH)).unwrap();
        assert!(written == document(), "docs/PROMISES.md differs from promises.toml: cargo promises --write");
    }
}
