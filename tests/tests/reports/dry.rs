//! Bundles with a dossier, of ledgers in memory: made, verified, unpacked.

use std::error::Error;
use std::io::Cursor;
use std::path::Path;

use modeltrail_compliance::bundle::export_dossier;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::verify::{Options, Report, Trust, verify_bundle};
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::TreeSize;

#[path = "../../../demo/tests/support/mod.rs"]
pub(crate) mod support;

pub(crate) use support::Dry;

/// Room for a registration of ten thousand datasets.
const RECORD_LIMIT: usize = 4 << 20;

/// A ledger without events.
pub(crate) fn empty() -> Dry {
    Dry::empty(RECORD_LIMIT)
}

/// The whole story.
pub(crate) fn story() -> Dry {
    Dry::play(0)
}

pub(crate) fn view(ledger: &Dry) -> StoreView<'_, MemoryStore> {
    StoreView::new(ledger.store.as_ref(), TreeSize::new(u64::MAX)).unwrap()
}

/// The bundle of a version with its dossier, as zip.
pub(crate) fn bundle(ledger: &Dry, version: &str, as_of: Option<u64>) -> Vec<u8> {
    let sign = |text: &str| -> Result<Note, Box<dyn Error + Send + Sync>> {
        let mut note = Note::new(text.to_owned())?;
        note.sign(&support::key());
        Ok(note)
    };
    let as_of = as_of.map(TreeSize::new);
    let made = export_dossier(&view(ledger), version, as_of, sign, Cursor::new(Vec::new())).unwrap();
    made.out.into_inner()
}

/// Verifies a bundle under the ledger's key.
pub(crate) fn verify(reader: &mut BundleReader) -> Report {
    let trust = Trust { pin: Some(support::key().verifier().clone()), policy: None };
    verify_bundle(reader, &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap()
}

/// Unpacks a bundle into a directory.
pub(crate) fn unpack(bundle: Vec<u8>, to: &Path) {
    let mut reader = BundleReader::from_bytes(bundle).unwrap();
    let names: Vec<String> = reader.names().map(str::to_owned).collect();
    for name in names {
        let bytes = reader.read(&name, u64::MAX).unwrap();
        let path = to.join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
