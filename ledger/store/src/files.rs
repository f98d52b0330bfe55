//! Small files that must survive a crash: written beside, synced, renamed, and the directory synced. And secrets: created exclusively, mode 0400.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Nothing read through here is larger: a key, a note.
const MAX_SMALL_FILE_BYTES: u64 = 64 << 10;

/// Replaces `path` so that after a crash there is the old file or the new one, whole.
///
/// # Errors
/// Any step fails; then the old file stands.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path, ".new");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    crate::failpoint::hit("head.before_rename");
    fs::rename(&beside, path)?;
    sync_directory(path)
}

/// Creates a secret file that did not exist, readable by its owner only.
///
/// # Errors
/// It exists already, or can't be written.
pub fn create_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_directory(path)
}

/// Reads a small text file; `None` when there is none.
///
/// # Errors
/// It can't be read, is not UTF-8 or too long.
pub fn read_small(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = String::new();
    file.take(MAX_SMALL_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SMALL_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is longer than 64 KiB"));
    }
    Ok(Some(text))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// `path` with `suffix` after its name.
#[must_use]
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
