//! Takes a bundle apart, from a zip or an unpacked directory.
//!
//! Nothing in a bundle is trusted. Names are held to one directory level and plain ASCII, so that none can lead outside; sizes are held to what was declared
//! and to [`MAX_UNPACKED_BYTES`]; links are never followed. What has no right to be there is listed, not opened.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::manifest::FileDigest;
use super::{
    BundleError, LATER_DIR, MAX_FILES, MAX_LINE_BYTES, MAX_UNPACKED_BYTES, READINGS_DIR, REPORT_DIR, is_allowed_name,
};
use crate::types::Hex32;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 256 << 10;

/// What zips are read from.
pub trait ReadSeek: Read + Seek + Send {}
impl<T: Read + Seek + Send> ReadSeek for T {}

/// A bundle that is open for reading.
pub struct BundleReader {
    files: Files,
    /// Name → bytes by its own account.
    sizes: BTreeMap<String, u64>,
    /// Names that no bundle may hold, and why.
    strange: Vec<(String, &'static str)>,
}

enum Files {
    Zip(Box<ZipArchive<Box<dyn ReadSeek>>>),
    Directory(PathBuf),
}

impl BundleReader {
    /// Opens a zip file or an unpacked directory.
    ///
    /// # Errors
    /// It can't be read, is no zip, or exceeds a limit.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let shown = path.display().to_string();
        let meta = fs::metadata(path).map_err(|error| BundleError::io(shown.clone(), error))?;
        if meta.is_dir() {
            return Self::from_directory(path);
        }
        let file = File::open(path).map_err(|error| BundleError::io(shown.clone(), error))?;
        Self::from_zip(&shown, Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
    }

    /// Opens a zip that is in memory.
    ///
    /// # Errors
    /// As [`BundleReader::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BundleError> {
        Self::from_zip("the bundle", Box::new(Cursor::new(bytes)))
    }

    fn from_zip(shown: &str, source: Box<dyn ReadSeek>) -> Result<Self, BundleError> {
        let refuse = |detail: String| BundleError::Zip { what: shown.to_owned(), detail };
        let archive = ZipArchive::new(source).map_err(|error| refuse(error.to_string()))?;
        if archive.has_duplicate_names() {
            return Err(refuse("a name stands twice in its directory".to_owned()));
        }
        let mut listing = Listing::default();
        for at in 0..archive.len() {
            let entry = archive.by_index_data(at).map_err(|error| refuse(error.to_string()))?;
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_dir() {
                listing.directory(&name)?;
            } else if entry.is_symlink() {
                listing.strange(name, "is a link")?;
            } else if entry.encrypted()
                || !matches!(entry.compression(), CompressionMethod::Stored | CompressionMethod::Deflated)
            {
                listing.strange(name, "is neither stored nor deflated")?;
            } else {
                listing.file(name, entry.size())?;
            }
        }
        Ok(Self { files: Files::Zip(Box::new(archive)), sizes: listing.sizes, strange: listing.strange })
    }

    fn from_directory(root: &Path) -> Result<Self, BundleError> {
        let mut listing = Listing::default();
        list_directory(root, "", &mut listing)?;
        Ok(Self { files: Files::Directory(root.to_owned()), sizes: listing.sizes, strange: listing.strange })
    }

    /// The files that a bundle may hold by their names, with their sizes by their own account.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sizes.keys().map(String::as_str)
    }

    /// Whether there is a file of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.sizes.contains_key(name)
    }

    /// The bytes of a file, by its own account.
    #[must_use]
    pub fn size(&self, name: &str) -> Option<u64> {
        self.sizes.get(name).copied()
    }

    /// What no bundle may hold, and why.
    #[must_use]
    pub fn strange(&self) -> &[(String, &'static str)] {
        &self.strange
    }

    /// The whole of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// It is missing, too large, or can't be read.
    pub fn read(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, BundleError> {
        let size = *self.sizes.get(name).ok_or_else(|| BundleError::Missing { name: name.to_owned() })?;
        if size > limit {
            return Err(BundleError::Limit {
                what: format!("{name} with {size} bytes"),
                limit: format!("{limit} bytes"),
            });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0).min(BUFFER_BYTES));
        self.stream(name)?.read_to_end(&mut bytes).map_err(|error| BundleError::io(name, error))?;
        Ok(bytes)
    }

    /// A file as a stream that ends where its declared size ends, and fails when there is more.
    ///
    /// # Errors
    /// It is missing or can't be opened.
    pub fn stream(&mut self, name: &str) -> Result<Box<dyn Read + Send + '_>, BundleError> {
        let size = *self.sizes.get(name).ok_or_else(|| BundleError::Missing { name: name.to_owned() })?;
        match &mut self.files {
            Files::Directory(root) => {
                let path = root.join(name);
                let file = File::open(&path).map_err(|error| BundleError::io(path.display().to_string(), error))?;
                Ok(Box::new(Exactly { inner: file, left: size }))
            }
            Files::Zip(archive) => {
                let file = archive
                    .by_name(name)
                    .map_err(|error| BundleError::Zip { what: name.to_owned(), detail: error.to_string() })?;
                Ok(Box::new(Exactly { inner: file, left: size }))
            }
        }
    }

    /// The digest of a file, without holding it.
    ///
    /// # Errors
    /// It is missing or can't be read.
    pub fn digest(&mut self, name: &str) -> Result<FileDigest, BundleError> {
        let mut hashing = Hashing::new(self.stream(name)?);
        io::copy(&mut hashing, &mut io::sink()).map_err(|error| BundleError::io(name, error))?;
        Ok(hashing.digest())
    }
}

/// Files as they are found, held to the limits.
#[derive(Default)]
struct Listing {
    sizes: BTreeMap<String, u64>,
    strange: Vec<(String, &'static str)>,
    bytes: u64,
}

impl Listing {
    fn file(&mut self, name: String, size: u64) -> Result<(), BundleError> {
        if !is_allowed_name(&name) {
            return self.strange(name, "has a name that no file of a bundle has");
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > MAX_UNPACKED_BYTES {
            return Err(BundleError::Limit {
                what: "the bundle, unpacked,".to_owned(),
                limit: format!("{MAX_UNPACKED_BYTES} bytes"),
            });
        }
        self.sizes.insert(name, size);
        self.count()
    }

    fn directory(&mut self, name: &str) -> Result<(), BundleError> {
        if [READINGS_DIR, LATER_DIR, REPORT_DIR].contains(&name) {
            Ok(())
        } else {
            self.strange(name.to_owned(), "is a directory that no bundle has")
        }
    }

    fn strange(&mut self, name: String, why: &'static str) -> Result<(), BundleError> {
        let shown: String = name.chars().take(super::MAX_NAME_BYTES).collect();
        self.strange.push((shown, why));
        self.count()
    }

    fn count(&self) -> Result<(), BundleError> {
        if self.sizes.len() + self.strange.len() > MAX_FILES {
            return Err(BundleError::Limit {
                what: "the number of files in the bundle".to_owned(),
                limit: format!("{MAX_FILES} files"),
            });
        }
        Ok(())
    }
}

fn list_directory(root: &Path, prefix: &str, listing: &mut Listing) -> Result<(), BundleError> {
    let shown = root.display().to_string();
    for entry in fs::read_dir(root).map_err(|error| BundleError::io(shown.clone(), error))? {
        let entry = entry.map_err(|error| BundleError::io(shown.clone(), error))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Not followed: a link could lead outside.
        let meta = fs::symlink_metadata(entry.path()).map_err(|error| BundleError::io(name.clone(), error))?;
        let below = format!("{name}/");
        if meta.is_dir() && prefix.is_empty() && [READINGS_DIR, LATER_DIR, REPORT_DIR].contains(&below.as_str()) {
            list_directory(&entry.path(), &below, listing)?;
        } else if meta.is_dir() {
            listing.directory(&below)?;
        } else if meta.is_file() {
            listing.file(name, meta.len())?;
        } else {
            listing.strange(name, "is a link or no regular file")?;
        }
    }
    Ok(())
}

/// Ends after the declared size, and fails when there is more or less: a zip may lie about how much it unpacks to.
struct Exactly<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exactly<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let refuse = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            None => Err(refuse("file is longer than its directory says")),
            Some(left) if count == 0 && left > 0 => Err(refuse("file is shorter than its directory says")),
            Some(left) => {
                self.left = left;
                Ok(count)
            }
        }
    }
}

/// Hashes what passes.
pub struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Hashing<R> {
    /// Hashes what is read from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    /// The digest of everything read so far.
    pub fn digest(self) -> FileDigest {
        FileDigest(Hex32(self.hasher.finalize().into()))
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Hands out a file's lines in chunks, so that whole chunks can be worked on at once.
pub struct Chunks<R> {
    source: BufReader<Hashing<R>>,
    line: u64,
}

/// Some lines of a file.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The number of the first line, from 1.
    pub first_line: u64,
    /// The bytes of all lines, without line ends.
    pub bytes: Vec<u8>,
    /// Where each line ends in `bytes`.
    pub ends: Vec<usize>,
}

impl Chunk {
    /// The lines with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let spans = starts.zip(&self.ends);
        (self.first_line..).zip(spans.map(|(start, end)| &self.bytes[start..*end]))
    }
}

impl<R: Read> Chunks<R> {
    /// Reads lines from `source`.
    pub fn new(source: R) -> Self {
        Self { source: BufReader::with_capacity(BUFFER_BYTES, Hashing::new(source)), line: 1 }
    }

    /// Reads the next lines into `chunk`, about `bytes` bytes of them; `false` at the end.
    ///
    /// # Errors
    /// The file can't be read, a line exceeds [`MAX_LINE_BYTES`], or the last one has no line end.
    pub fn next(&mut self, bytes: usize, chunk: &mut Chunk) -> io::Result<bool> {
        chunk.first_line = self.line;
        chunk.bytes.clear();
        chunk.ends.clear();
        while chunk.bytes.len() < bytes {
            // One byte more than allowed shows that there is more.
            let count = (&mut self.source).take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut chunk.bytes)?;
            if count == 0 {
                break;
            }
            if chunk.bytes.pop() != Some(b'\n') {
                let what = if count > MAX_LINE_BYTES {
                    "is longer than any entry"
                } else {
                    "has no line end: the file was cut"
                };
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("line {} {what}", self.line)));
            }
            chunk.ends.push(chunk.bytes.len());
            self.line += 1;
        }
        Ok(!chunk.ends.is_empty())
    }

    /// The digest of everything read; of the whole file after [`Chunks::next`] gave `false`.
    pub fn digest(self) -> FileDigest {
        self.source.into_inner().digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_chunks_with_their_numbers() {
        let text = b"one\n\nthree\nfour\n";
        let mut chunks = Chunks::new(&text[..]);
        let mut seen = Vec::new();
        let mut chunk = Chunk::default();
        while chunks.next(5, &mut chunk).unwrap() {
            seen.extend(chunk.lines().map(|(line, bytes)| (line, String::from_utf8(bytes.to_vec()).unwrap())));
        }
        let expected = [(1, "one"), (2, ""), (3, "three"), (4, "four")].map(|(line, text)| (line, text.to_owned()));
        assert_eq!(seen, expected);
        assert_eq!(chunks.digest(), FileDigest::of(text));
    }

    #[test]
    fn a_cut_line_is_named() {
        let mut chunks = Chunks::new(&b"one\ntw"[..]);
        let error = chunks.next(100, &mut Chunk::default()).unwrap_err();
        assert_eq!(error.to_string(), "line 2 has no line end: the file was cut");
    }

    #[test]
    fn a_file_that_unpacks_to_more_than_declared_is_refused() {
        for (declared, fault) in [(3, "longer"), (5, "shorter")] {
            let mut out = Vec::new();
            let error = Exactly { inner: &b"four"[..], left: declared }.read_to_end(&mut out).unwrap_err();
            assert!(error.to_string().contains(fault), "{error}");
        }
    }
}
