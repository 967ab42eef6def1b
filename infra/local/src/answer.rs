//! What a command answers, on its standard output.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _};

/// Writes a line of an answer. A reader that has seen enough (`| head`) is no error.
pub(crate) fn line(text: impl Display) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
