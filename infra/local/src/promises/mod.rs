//! `cargo promises`: what was promised, whether it is kept, and how that is known.

mod document;
mod list;
mod mutate;
mod publish;
mod results;
mod run;
mod sources;
mod suite;

use anyhow::bail;
use content::promises::{Promise, all};

/// What to do about the promises. Without an option: says each with its status and its proof.
#[derive(clap::Args)]
pub struct Promises {
    /// Only these, such as A59. All of them when none is named.
    ids: Vec<String>,
    /// Says the same as JSON, as /trust.json does.
    #[arg(long)]
    json: bool,
    /// Runs their tests and writes down how each ended.
    #[arg(long, conflicts_with_all = ["mutate", "write", "publish"])]
    run: bool,
    /// Breaks each on purpose, in a copy of the tree, and writes down whether its test notices.
    #[arg(long, conflicts_with_all = ["write", "publish"])]
    mutate: bool,
    /// Makes docs/PROMISES.md from the list.
    #[arg(long, conflicts_with = "publish")]
    write: bool,
    /// Freezes the newest version of each legal document, as infra/policy/legal/versions.toml names it.
    #[arg(long)]
    publish: bool,
}

/// Does what was asked.
pub fn run(asked: &Promises) -> anyhow::Result<()> {
    let chosen = chosen(&asked.ids)?;
    if asked.publish {
        publish::run()
    } else if asked.write {
        document::write()
    } else if asked.run {
        run::run(&chosen)
    } else if asked.mutate {
        mutate::run(&chosen)
    } else {
        list::print(&chosen, asked.json)
    }
}

fn chosen(ids: &[String]) -> anyhow::Result<Vec<&'static Promise>> {
    if let Some(unknown) = ids.iter().find(|id| !all().iter().any(|promise| promise.id.eq_ignore_ascii_case(id))) {
        bail!("there is no promise {unknown}: they are A1 to A{}", all().len());
    }
    let named = |promise: &&Promise| ids.is_empty() || ids.iter().any(|id| id.eq_ignore_ascii_case(&promise.id));
    Ok(all().iter().filter(named).collect())
}
