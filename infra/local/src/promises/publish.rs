//! Freezes the newest version of each legal document. What is frozen is never written again.

use std::path::Path;

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// The folder of the legal texts.
const FOLDER: &str = "infra/policy/legal";

/// Writes the texts that are not published yet, and their hashes into versions.toml.
#[expect(clippy::print_stdout, reason = "a command line speaks to its terminal")]
pub(super) fn run() -> anyhow::Result<()> {
    let folder = crate::workspace_root().join(FOLDER);
    let register = folder.join("versions.toml");
    let mut versions = std::fs::read_to_string(&register)?;
    let mut published = 0;
    for (document, texts) in content::legal::drafts() {
        let version =
            newest(&versions, document).with_context(|| format!("versions.toml has no version of {document}"))?;
        if freeze(&folder.join("published").join(document), &version, &texts)? {
            let hash = hex::encode(Sha256::digest(texts.concat()));
            versions = record(&versions, document, &hash)?;
            println!("{document} {version}  {hash}");
            published += 1;
        }
    }
    std::fs::write(&register, versions)?;
    println!("{published} published. Name each in shared/content/src/legal/published.rs.");
    Ok(())
}

/// The first version after a document's heading: the newest.
fn newest(versions: &str, document: &str) -> Option<String> {
    let entry = versions.split_once(&heading(document))?.1;
    Some(entry.split_once("version = \"")?.1.split_once('"')?.0.to_owned())
}

fn heading(document: &str) -> String {
    format!("\n[[{document}.versions]]\n")
}

/// Whether the texts were written; an error when another text bears that version already.
fn freeze(folder: &Path, version: &str, texts: &[String; 2]) -> anyhow::Result<bool> {
    let files = ["fr", "en"].map(|language| folder.join(format!("{version}.{language}.html")));
    let published = files.each_ref().map(|file| std::fs::read_to_string(file).unwrap_or_default());
    if published == *texts {
        return Ok(false);
    }
    if published.iter().any(|text| !text.is_empty()) {
        bail!("{} {version} is published and would change: add a version to versions.toml first", folder.display());
    }
    std::fs::create_dir_all(folder)?;
    for (file, text) in files.iter().zip(texts) {
        std::fs::write(file, text)?;
    }
    Ok(true)
}

/// versions.toml with the hash in the newest entry of a document.
fn record(versions: &str, document: &str, hash: &str) -> anyhow::Result<String> {
    let (before, after) = versions.split_once(&heading(document)).context("no such document")?;
    let (entry, rest) = after.split_once("sha256 = \"\"").context("the newest version has a hash already")?;
    if entry.contains("[[") {
        bail!("the newest version of {document} has no line sha256 = \"\"");
    }
    Ok(format!("{before}{}{entry}sha256 = \"{hash}\"{rest}", heading(document)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: &str = "[terms]\n[[terms.versions]]\nversion = \"2.0\"\nsha256 = \"\"\n[[terms.versions]]\nversion = \"1.0\"\nsha256 = \"x\"\n";

    #[test]
    fn the_newest_version_gets_its_hash_and_no_other() {
        assert_eq!(newest(VERSIONS, "terms").as_deref(), Some("2.0"));
        assert_eq!(newest(VERSIONS, "dpa"), None);
        let recorded = record(VERSIONS, "terms", "abc").unwrap();
        assert!(recorded.contains("version = \"2.0\"\nsha256 = \"abc\"") && recorded.contains("sha256 = \"x\""));
        assert!(record(&recorded, "terms", "abc").is_err(), "a hash is never written twice");
    }

    #[test]
    fn a58_a_published_text_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let texts = |fr: &str| [fr.to_owned(), "b".to_owned()];
        assert!(freeze(folder.path(), "1.0", &texts("a")).unwrap());
        assert!(!freeze(folder.path(), "1.0", &texts("a")).unwrap());
        assert!(freeze(folder.path(), "1.0", &texts("c")).is_err());
        assert!(freeze(folder.path(), "1.1", &texts("c")).unwrap());
        assert_eq!(std::fs::read_to_string(folder.path().join("1.0.fr.html")).unwrap(), "a");
    }
}
