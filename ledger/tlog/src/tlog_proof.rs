//! Offline proofs (C2SP tlog-proof, files `.tlog-proof`): an inclusion proof and the checkpoint it
//! leads to, in one text.

use std::fmt;

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::encoding;
use crate::hash::{LeafHash, NodeHash};
use crate::note::{MAX_NOTE_BYTES, Note, VerifierKey};
use crate::proof::{MAX_PROOF_HASHES, ProofError, verify_inclusion};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Longest extra data, in bytes: it is application-specific and kept small by all known uses.
pub const MAX_EXTRA_BYTES: usize = 1 << 16;
/// Longest proof read, in bytes: a note, extra data in base64, 63 hashes, and the other lines.
pub const MAX_TLOG_PROOF_BYTES: usize = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES;

/// Why a proof can't be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Longer than [`MAX_TLOG_PROOF_BYTES`].
    #[error("the proof has {bytes} bytes, more than {MAX_TLOG_PROOF_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the proof is not valid UTF-8 from byte {at} on")]
    Utf8 {
        /// Bytes that are valid before the first that is not.
        at: usize,
    },
    /// Another first line, which may be a later version.
    #[error("the proof does not start with the line {HEADER}")]
    Header,
    /// The extra line is not base64, is empty, or too long.
    #[error("the extra line is not padded standard base64 of 1 to {MAX_EXTRA_BYTES} bytes")]
    Extra,
    /// There is no index line where it should be.
    #[error("line {line} is not `index` and a decimal number without leading zeros")]
    Index {
        /// Its number, from 1.
        line: usize,
    },
    /// A line of the path is not a hash.
    #[error("hash {place} of the proof is not the padded standard base64 of 32 bytes")]
    Hash {
        /// Its place in the path, from 1.
        place: usize,
    },
    /// More hashes than any path has.
    #[error("the proof has more than {MAX_PROOF_HASHES} hashes")]
    TooManyHashes,
    /// No blank line before a checkpoint.
    #[error("the proof has no blank line with a checkpoint below it")]
    Layout,
    /// The checkpoint can't be read or does not hold.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{wanted}`")]
    Origin {
        /// The origin asked for.
        wanted: String,
        /// The origin of the checkpoint.
        found: String,
    },
    /// The path does not lead from the leaf to the checkpoint's root.
    #[error(transparent)]
    Inclusion(#[from] ProofError),
}

/// The proof that an entry is in a log. [`TlogProof::parse`] keeps the rules of the format; whoever
/// fills the fields by hand must.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TlogProof {
    /// The entry's index, from 0.
    pub index: u64,
    /// The path from the leaf's sibling up to the root's child.
    pub hashes: Vec<NodeHash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
    /// Data of the application's own, not empty. Nothing authenticates it.
    pub extra: Option<Vec<u8>>,
}

impl TlogProof {
    /// Reads what `to_string` writes and nothing else. The checkpoint must be well formed; nothing is
    /// verified.
    ///
    /// # Errors
    /// All of [`TlogProofError`] but [`TlogProofError::Origin`] and [`TlogProofError::Inclusion`].
    pub fn parse(proof: &[u8]) -> Result<Self, TlogProofError> {
        if proof.len() > MAX_TLOG_PROOF_BYTES {
            return Err(TlogProofError::TooLong { bytes: proof.len() });
        }
        let proof = std::str::from_utf8(proof).map_err(|error| TlogProofError::Utf8 { at: error.valid_up_to() })?;
        let (head, checkpoint) = proof.split_once("\n\n").ok_or(TlogProofError::Layout)?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(TlogProofError::Header);
        }
        let extra_line = lines.next_if(|line| line.starts_with("extra "));
        let extra = extra_line.map(parse_extra).transpose()?;
        let line = if extra.is_some() { 3 } else { 2 };
        let index = lines.next().and_then(|text| text.strip_prefix("index "));
        let index = index.and_then(encoding::from_decimal).ok_or(TlogProofError::Index { line })?;
        let hashes = parse_hashes(lines)?;
        let note = Note::parse(checkpoint.as_bytes()).map_err(CheckpointError::from)?;
        Checkpoint::parse_text(&note.text)?;
        Ok(Self { index, hashes, checkpoint: checkpoint.to_owned(), extra })
    }

    /// Checks that the log `origin` has `leaf` at [`TlogProof::index`], by a checkpoint that one of
    /// `keys` of that name signed. Cosignatures by keys that are not among `keys` are ignored.
    ///
    /// # Errors
    /// [`TlogProofError::Checkpoint`], [`TlogProofError::Origin`], [`TlogProofError::Inclusion`].
    pub fn verify(&self, leaf: &LeafHash, keys: &[VerifierKey], origin: &str) -> Result<Checkpoint, TlogProofError> {
        let (checkpoint, _) = Checkpoint::open(self.checkpoint.as_bytes(), keys)?;
        if checkpoint.origin != origin {
            return Err(TlogProofError::Origin {
                wanted: encoding::excerpt(origin),
                found: encoding::excerpt(&checkpoint.origin),
            });
        }
        verify_inclusion(leaf, self.index, checkpoint.size, &self.hashes, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

impl fmt::Display for TlogProof {
    /// The whole text of the proof.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", encoding::to_base64(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", hash.to_base64())?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

fn parse_extra(line: &str) -> Result<Vec<u8>, TlogProofError> {
    line.strip_prefix("extra ")
        .and_then(encoding::from_base64)
        .filter(|extra| (1..=MAX_EXTRA_BYTES).contains(&extra.len()))
        .ok_or(TlogProofError::Extra)
}

fn parse_hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Vec<NodeHash>, TlogProofError> {
    let mut hashes = Vec::new();
    for line in lines {
        if hashes.len() == MAX_PROOF_HASHES {
            return Err(TlogProofError::TooManyHashes);
        }
        let place = hashes.len() + 1;
        hashes.push(NodeHash::from_base64(line).map_err(|_| TlogProofError::Hash { place })?);
    }
    Ok(hashes)
}
