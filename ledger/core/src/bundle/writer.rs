//! Puts a bundle into a zip.
//!
//! Times are fixed and the order of files is fixed, so that the same ledger gives the same bytes. The manifest comes last, because it holds the digests of
//! everything before; entries are written one by one and never held.

use std::collections::BTreeMap;
use std::io::{self, Seek, Write};

use modeltrail_tlog::note::Note;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::lines::EntryLine;
use super::manifest::{FileDigest, Manifest, Scope, TrailClaim, VERSION};
use super::{
    BundleError, CHECKPOINT, ENTRIES, MANIFEST, MANIFEST_NOTE, MAX_FILES, MAX_UNPACKED_BYTES, VERIFY_MD,
    is_allowed_name, is_unlisted_name,
};
use crate::types::Hex32;

/// How to check a bundle without this program.
const VERIFY_TEXT: &str = include_str!("verify.md");

/// What a manifest says beyond the files.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The ledger's name.
    pub origin: String,
    /// The root of the tree.
    pub root: Hex32,
    /// What was asked for.
    pub scope: Scope,
    /// The trails that are complete, sorted by subject.
    pub trails: Vec<TrailClaim>,
    /// The size of the tree.
    pub tree_size: u64,
}

/// Writes one bundle. Files come in any order but the manifest, which [`BundleWriter::finish`] writes.
pub struct BundleWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
    files: BTreeMap<String, FileDigest>,
    bytes: u64,
    /// Set while `entries.jsonl` is open.
    entries: Option<Sha256>,
    line: Vec<u8>,
}

impl<W: Write + Seek> BundleWriter<W> {
    /// A bundle that goes to `out`.
    pub fn new(out: W) -> Self {
        Self { zip: ZipWriter::new(out), files: BTreeMap::new(), bytes: 0, entries: None, line: Vec::new() }
    }

    /// Adds a whole file.
    ///
    /// # Errors
    /// The name is not one of a bundle's, a limit is exceeded, or `out` can't be written.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), BundleError> {
        self.end_entries();
        if self.files.contains_key(name) {
            return Err(BundleError::malformed(name, "is added twice"));
        }
        self.start(name, false)?;
        self.put(name, content)?;
        if !is_unlisted_name(name) {
            self.files.insert(name.to_owned(), FileDigest::of(content));
        }
        Ok(())
    }

    /// Adds a line to `entries.jsonl`. Lines come by index, and with no other file between.
    ///
    /// # Errors
    /// A limit is exceeded, or `out` can't be written.
    pub fn entry(&mut self, line: &EntryLine) -> Result<(), BundleError> {
        if self.entries.is_none() {
            if self.files.contains_key(ENTRIES) {
                return Err(BundleError::malformed(ENTRIES, "was ended by another file"));
            }
            self.start(ENTRIES, true)?;
            self.entries = Some(Sha256::new());
        }
        let mut bytes = std::mem::take(&mut self.line);
        bytes.clear();
        line.write(&mut bytes)
            .map_err(|fault| BundleError::malformed(ENTRIES, format!("can't take an entry: {fault}")))?;
        if let Some(hasher) = &mut self.entries {
            hasher.update(&bytes);
        }
        self.put(ENTRIES, &bytes)?;
        self.line = bytes;
        Ok(())
    }

    /// Writes how to verify, checkpoint, manifest and its note, and closes the zip.
    ///
    /// # Errors
    /// What `sign` says, or `out` can't be written.
    pub fn finish<E: From<BundleError>>(
        mut self,
        claims: Claims,
        checkpoint: &[u8],
        sign: impl FnOnce(&str) -> Result<Note, E>,
    ) -> Result<Finished<W>, E> {
        self.add(VERIFY_MD, VERIFY_TEXT.as_bytes())?;
        self.add(CHECKPOINT, checkpoint)?;
        let Claims { origin, root, scope, trails, tree_size } = claims;
        let files = std::mem::take(&mut self.files);
        let manifest = Manifest { files, origin, root, scope, trails, tree_size, v: VERSION };
        let bytes = manifest.to_bytes();
        // Whatever this program can't read back it must not hand out.
        Manifest::parse(&bytes)?.check().map_err(|fault| BundleError::malformed(MANIFEST, fault))?;
        let note = sign(&Manifest::note_text(&manifest.origin, &bytes))?;
        self.add(MANIFEST, &bytes)?;
        self.add(MANIFEST_NOTE, &note.to_bytes())?;
        let out = self.zip.finish().map_err(|error| zip_error("the zip's directory", error))?;
        Ok(Finished { out, digest: FileDigest::of(&bytes), manifest })
    }

    fn end_entries(&mut self) {
        if let Some(hasher) = self.entries.take() {
            self.files.insert(ENTRIES.to_owned(), FileDigest(Hex32(hasher.finalize().into())));
        }
    }

    fn start(&mut self, name: &str, large: bool) -> Result<(), BundleError> {
        if !is_allowed_name(name) {
            return Err(BundleError::malformed(format!("{name:?}"), "is not a name for a file of a bundle"));
        }
        if self.files.len() >= MAX_FILES {
            return Err(BundleError::Limit {
                what: "the number of files in the bundle".to_owned(),
                limit: format!("{MAX_FILES} files"),
            });
        }
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644)
            .large_file(large);
        self.zip.start_file(name, options).map_err(|error| zip_error(name, error))
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_UNPACKED_BYTES {
            return Err(BundleError::Limit {
                what: "the bundle, unpacked,".to_owned(),
                limit: format!("{MAX_UNPACKED_BYTES} bytes"),
            });
        }
        self.zip.write_all(bytes).map_err(|error| BundleError::io(name, error))
    }
}

/// A bundle that is written.
pub struct Finished<W> {
    /// What it was written to.
    pub out: W,
    /// The digest of `MANIFEST.json`, which names the bundle.
    pub digest: FileDigest,
    /// The manifest.
    pub manifest: Manifest,
}

fn zip_error(name: &str, error: zip::result::ZipError) -> BundleError {
    BundleError::io(name, io::Error::other(error))
}
