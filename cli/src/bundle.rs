//! Bundles as the commands use them: verified first, then read entry by entry.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use modeltrail_core::bundle::lines::EntryLine;
use modeltrail_core::bundle::reader::{BundleReader, Chunk, Chunks};
use modeltrail_core::bundle::{ENTRIES, MANIFEST};
use modeltrail_core::header::EntryHeader;
use modeltrail_core::verify::{Options, Report, Trust, verify_bundle};

use crate::exit::refused;

/// Bytes of entries that are held at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// Verifies a bundle, with a progress bar where one is seen.
pub(crate) fn verify(path: &Path, trust: &Trust, tiles: Option<&Path>) -> anyhow::Result<Report> {
    let mut reader = BundleReader::open(path)?;
    let bar = progress_bar(reader.size(ENTRIES).unwrap_or(0));
    let report = verify_bundle(&mut reader, &Options { trust, tiles, progress: &|bytes| bar.set_position(bytes) });
    bar.finish_and_clear();
    Ok(report?)
}

/// A bar on stderr; nothing where stderr is no terminal.
fn progress_bar(bytes: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template("verifying {wide_bar} {bytes} of {total_bytes}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(bytes), target).with_style(style)
}

/// Visits every entry of a bundle in its order, until `visit` says no.
pub(crate) fn each_entry(
    path: &Path,
    mut visit: impl FnMut(EntryHeader, EntryLine) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let mut reader = BundleReader::open(path)?;
    if !reader.has(MANIFEST) {
        return Err(anyhow!("{} is not a bundle: it has no {MANIFEST}", path.display()));
    }
    let mut chunks = Chunks::new(reader.stream(ENTRIES)?);
    let mut chunk = Chunk::default();
    while chunks.next(CHUNK_BYTES, &mut chunk).with_context(|| ENTRIES)? {
        for (number, bytes) in chunk.lines() {
            let line = EntryLine::parse(bytes).map_err(|fault| refused(format!("{ENTRIES} line {number} {fault}")))?;
            let header = EntryHeader::parse(&line.header)
                .map_err(|fault| refused(format!("{ENTRIES} line {number}: {fault}")))?;
            if !visit(header, line)? {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The line of one entry.
pub(crate) fn entry(path: &Path, index: u64) -> anyhow::Result<(EntryHeader, EntryLine)> {
    let mut found = None;
    each_entry(path, |header, line| {
        if header.index.get() == index {
            found = Some((header, line));
        }
        Ok(found.is_none())
    })?;
    found.ok_or_else(|| refused(format!("{} has no entry {index}", path.display())))
}
