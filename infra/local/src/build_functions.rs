//! Builds the functions' binaries with the very cargo that built the runner.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use cargo_metadata::Message;

/// Where prebuilt binaries are, instead of building them.
pub const BIN_DIR: &str = "PROSPECTRA_BIN_DIR";

/// Takes from a command what the cargo that started us set for us alone: with it, build scripts would run again.
pub(crate) fn forget_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        let set_by_cargo = name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_BIN_");
        let others = [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_MANIFEST_PATH",
            "CARGO_CRATE_NAME",
            "CARGO_PRIMARY_PACKAGE",
            "CARGO_TARGET_TMPDIR",
            "LD_LIBRARY_PATH",
            "DYLD_FALLBACK_LIBRARY_PATH",
        ];
        if set_by_cargo || others.contains(&&*name_text) {
            command.env_remove(&name);
        }
    }
}

/// Builds `binaries` in the workspace at `root` and gives the folder they are in. Cargo's own progress
/// goes to standard error. Profile and features are those of the runner: targets are chosen by `--bin`
/// alone, so that cargo unifies features over the whole workspace as it does for `cargo run --bin local`,
/// and nothing is compiled twice.
///
/// # Errors
///
/// Cargo cannot be run, a binary does not compile, or the workspace has none of that name.
pub fn build_functions(root: &Path, binaries: &[String]) -> anyhow::Result<PathBuf> {
    build(root, "--bin", binaries)
}

/// The same for one example; gives the program.
///
/// # Errors
///
/// As [`build_functions`].
pub(crate) fn build_example(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    Ok(build(root, "--example", &[name.to_owned()])?.join(name))
}

/// Builds targets of one kind; gives the folder they are in.
fn build(root: &Path, kind: &str, targets: &[String]) -> anyhow::Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--message-format=json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for target in targets {
        command.args([kind, target]);
    }
    forget_cargo(&mut command);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let output = child.stdout.take().context("cargo has no output")?;
    let mut folder = None;
    let mut built = Vec::new();
    for message in Message::parse_stream(std::io::BufReader::new(output)) {
        let Message::CompilerArtifact(artifact) = message.context("cargo's messages")? else {
            continue;
        };
        if let Some(executable) = artifact.executable {
            built.push(artifact.target.name);
            folder = executable.parent().map(|parent| parent.as_std_path().to_owned());
        }
    }
    if !child.wait().context("cargo did not end")?.success() {
        bail!("what was to be built does not compile");
    }
    if let Some(missing) = targets.iter().find(|target| !built.contains(target)) {
        bail!("cargo built no {missing}");
    }
    folder.context("nothing was to be built")
}

/// The workspace that this runner was compiled from.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}
