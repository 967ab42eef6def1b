//! How large the functions are, packed as Lambda takes them.

use std::io::{Cursor, Write as _};
use std::path::Path;

use anyhow::Context as _;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::figure::{Bar, Figure};

pub(super) fn measure(bin_dir: &Path, binaries: &[String]) -> anyhow::Result<Vec<Figure>> {
    let figure = |binary: &String| {
        let path = bin_dir.join(binary);
        let program = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let packed = packed(&program)?;
        Ok(Figure::new(format!("zip: {binary}"), packed as f64 / 1e6, "MB")
            .bar(Bar::AtMost(4.0))
            .note(format!("{:.1} MB unpacked", program.len() as f64 / 1e6)))
    };
    binaries.iter().map(figure).collect()
}

/// The size of a ZIP file with `bootstrap` in it.
fn packed(program: &[u8]) -> anyhow::Result<u64> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).unix_permissions(0o755);
    zip.start_file("bootstrap", options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner().len() as u64)
}
