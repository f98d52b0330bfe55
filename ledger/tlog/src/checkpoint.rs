//! Checkpoints (C2SP tlog-checkpoint): a signed note that says which tree a log has.

use crate::encoding;
use crate::hash::{RootHash, empty_root};
use crate::note::{Note, NoteError, SignerKey, VerifierKey};
use crate::tree::TreeSize;

/// Why a checkpoint can't be read or signed, or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it can't be read or does not hold.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Not at least three lines that are not empty, each ended by a newline.
    #[error("a checkpoint's text is origin, size and root, each on a line that ends in a newline")]
    Layout,
    /// The origin is empty or can't stand on a line.
    #[error("`{origin}` is not an origin (one line, not empty, no control characters)")]
    Origin {
        /// The origin, cut to a printable excerpt.
        origin: String,
    },
    /// The second line is not a decimal number as it should be written.
    #[error("`{text}` is not a tree size (decimal, no sign, no leading zeros, below 2^64)")]
    Size {
        /// The line, cut to a printable excerpt.
        text: String,
    },
    /// The third line is not the base64 of 32 bytes.
    #[error("`{text}` is not a root hash (padded standard base64 of 32 bytes)")]
    Root {
        /// The line, cut to a printable excerpt.
        text: String,
    },
    /// A tree without entries has only one root.
    #[error("the checkpoint names {root} as the root of the empty tree, which has another")]
    EmptyTreeRoot {
        /// The root that the checkpoint names.
        root: RootHash,
    },
    /// No key whose name is the origin signed, or is to sign.
    #[error("no key called `{origin}`, as this log's own key must be, signs its checkpoint")]
    NoOriginKey {
        /// The checkpoint's origin.
        origin: String,
    },
}

/// The head of a log's tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Checkpoint {
    /// The log's identity, by convention a URL without scheme.
    pub origin: String,
    /// Entries in the tree.
    pub size: TreeSize,
    /// The tree's root.
    pub root: RootHash,
}

impl Checkpoint {
    /// Reads a checkpoint's note text, as [`Checkpoint::to_text`] writes it. Extension lines are
    /// accepted and ignored.
    ///
    /// # Errors
    /// [`CheckpointError::Layout`], [`CheckpointError::Origin`], [`CheckpointError::Size`],
    /// [`CheckpointError::Root`], [`CheckpointError::EmptyTreeRoot`].
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Layout)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Layout);
        };
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Layout);
        }
        let size =
            encoding::from_decimal(size).ok_or_else(|| CheckpointError::Size { text: encoding::excerpt(size) })?;
        let root = RootHash::from_base64(root).map_err(|_| CheckpointError::Root { text: encoding::excerpt(root) })?;
        let checkpoint = Self { origin: origin.to_owned(), size: TreeSize::new(size), root };
        checkpoint.check()?;
        Ok(checkpoint)
    }

    /// The note text: origin, size and root, a line each.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Signs with each of `keys`, in their order. One of them must bear the origin as its name; while
    /// a log changes its key, two may.
    ///
    /// The caller MUST NOT sign a checkpoint that disagrees with one it signed before.
    ///
    /// # Errors
    /// [`CheckpointError::NoOriginKey`], [`CheckpointError::Origin`],
    /// [`CheckpointError::EmptyTreeRoot`].
    pub fn sign(&self, keys: &[&SignerKey]) -> Result<Note, CheckpointError> {
        self.check()?;
        self.check_origin_key(keys.iter().map(|key| key.name()))?;
        let mut note = Note::new(self.to_text())?;
        for key in keys {
            note.sign(key);
        }
        Ok(note)
    }

    /// Reads a signed checkpoint and verifies it: at least one of `keys` bears the origin as its name
    /// and signed, and no known signature is bad. The note is returned for its text with extension
    /// lines, and for its other signatures.
    ///
    /// Which origin is wanted, the caller decides: compare [`Checkpoint::origin`], or give only keys of
    /// that name.
    ///
    /// # Errors
    /// [`CheckpointError::Note`] for what [`Note::parse`] and [`Note::verify`] refuse,
    /// [`CheckpointError::NoOriginKey`], and those of [`Checkpoint::parse_text`].
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<(Self, Note), CheckpointError> {
        let note = Note::parse(note)?;
        let holding = note.verify(keys)?;
        let checkpoint = Self::parse_text(&note.text)?;
        checkpoint.check_origin_key(holding.iter().map(|place| keys[*place].name()))?;
        Ok((checkpoint, note))
    }

    fn check(&self) -> Result<(), CheckpointError> {
        if self.origin.is_empty() || self.origin.chars().any(|c| c < ' ') {
            return Err(CheckpointError::Origin { origin: encoding::excerpt(&self.origin) });
        }
        if self.size.get() == 0 && self.root != empty_root() {
            return Err(CheckpointError::EmptyTreeRoot { root: self.root });
        }
        Ok(())
    }

    fn check_origin_key<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Result<(), CheckpointError> {
        if names.any(|name| name == self.origin) {
            Ok(())
        } else {
            Err(CheckpointError::NoOriginKey { origin: encoding::excerpt(&self.origin) })
        }
    }
}
