//! What an HTTP producer gets for an event (`docs/FORMAT.md` section 7): header, salt and proof, so that it can show later what was committed.

use modeltrail_schemas::record::Record;
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_tlog::note::VerifierKey;
use modeltrail_tlog::tlog_proof::TlogProof;
use serde::{Deserialize, Serialize};

use crate::header::{EntryHeader, HeaderError, MAX_HEADER_BYTES};
use crate::types::{Commitment, EntryIndex, SALT_BYTES, Salt};

/// The receipt's format version.
pub const VERSION: u64 = 1;
/// Longest receipt: an escaped header of 64 KiB and a proof with a checkpoint of 64 signatures.
pub const MAX_RECEIPT_BYTES: usize = 2 * MAX_HEADER_BYTES + (1 << 20);

/// A receipt. Members stand in the order of canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The event was there before; everything else is of the first. Left out when false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// The header's exact bytes.
    pub header: String,
    /// The entry.
    pub index: EntryIndex,
    /// A C2SP `tlog-proof` file without `extra`.
    pub proof: String,
    /// 32 lower-case hex digits.
    pub salt: String,
    /// The format version, 1.
    pub v: u64,
}

/// Why a receipt can't be read or does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Not canonical JSON of the closed schema.
    #[error("receipt {fault}")]
    Malformed {
        /// What is wrong.
        fault: String,
    },
    /// A later format version: could not be judged.
    #[error("receipt has format version {found}; this program knows {VERSION}")]
    Version {
        /// The version found.
        found: u64,
    },
    /// The header is none.
    #[error("receipt's {0}")]
    Header(#[from] HeaderError),
    /// Header, proof and index are not of one entry, or the proof or a signature does not hold.
    #[error("receipt does not hold: {fault}")]
    DoesNotHold {
        /// What is wrong.
        fault: String,
    },
}

/// What a receipt that holds shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The header.
    pub header: EntryHeader,
    /// The signed tree that the entry is in.
    pub checkpoint: Checkpoint,
    /// Whether one of the records given is the one that was committed to; `None` when none was given.
    pub committed: Option<bool>,
}

impl Receipt {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, integers and a truth value always serialise")
    }

    /// Makes the receipt of an entry.
    ///
    /// # Errors
    /// The header is not UTF-8, so it is none.
    pub fn new(
        header: &[u8],
        index: EntryIndex,
        proof: &TlogProof,
        salt: &Salt,
        duplicate: bool,
    ) -> Result<Self, ReceiptError> {
        let header = std::str::from_utf8(header)
            .map_err(|_| ReceiptError::Malformed { fault: "can't hold a header that is not UTF-8".to_owned() })?;
        Ok(Self {
            duplicate,
            header: header.to_owned(),
            index,
            proof: proof.to_string(),
            salt: hex::encode(salt),
            v: VERSION,
        })
    }

    /// Reads a receipt strictly; one line end behind it is allowed, since files have one.
    ///
    /// # Errors
    /// [`ReceiptError`] names the fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let refuse = |fault: String| ReceiptError::Malformed { fault };
        if bytes.len() > MAX_RECEIPT_BYTES {
            return Err(refuse(format!("has {} bytes, more than {MAX_RECEIPT_BYTES}", bytes.len())));
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let receipt: Self = serde_json::from_slice(bytes).map_err(|error| {
            let v = serde_json::from_slice::<serde_json::Value>(bytes).ok().and_then(|value| value.get("v")?.as_u64());
            v.filter(|v| *v != VERSION).map_or_else(
                || refuse(format!("is not of the closed schema: {error}")),
                |found| ReceiptError::Version { found },
            )
        })?;
        if receipt.v != VERSION {
            return Err(ReceiptError::Version { found: receipt.v });
        }
        if receipt.to_bytes() != bytes {
            return Err(refuse("is not canonical JSON".to_owned()));
        }
        receipt.salt()?;
        Ok(receipt)
    }

    /// The salt.
    ///
    /// # Errors
    /// It is not 32 lower-case hex digits.
    pub fn salt(&self) -> Result<Salt, ReceiptError> {
        let mut salt = [0u8; SALT_BYTES];
        let lower = !self.salt.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(&self.salt, &mut salt) {
            Ok(()) if lower => Ok(salt),
            _ => Err(ReceiptError::Malformed { fault: "has a salt that is not 32 lower-case hex digits".to_owned() }),
        }
    }

    /// Checks that the entry is in a tree that one of `keys` signed, and, when records are given, whether one of them is what the entry commits to.
    ///
    /// # Errors
    /// [`ReceiptError::Header`], [`ReceiptError::DoesNotHold`].
    pub fn verify(&self, keys: &[VerifierKey], candidates: &[Record]) -> Result<Shown, ReceiptError> {
        let fails = |fault: String| ReceiptError::DoesNotHold { fault };
        let header = EntryHeader::parse(self.header.as_bytes())?;
        let proof = TlogProof::parse(self.proof.as_bytes()).map_err(|error| fails(error.to_string()))?;
        if header.index != self.index || proof.index != self.index.get() {
            return Err(fails(format!(
                "index {}, the header's {} and the proof's {} are not the same",
                self.index, header.index, proof.index
            )));
        }
        if proof.extra.is_some() {
            return Err(fails("the proof has an extra line, which nothing authenticates".to_owned()));
        }
        let leaf = leaf_hash(self.header.as_bytes());
        let checkpoint = proof.verify(&leaf, keys, &header.origin).map_err(|error| fails(error.to_string()))?;
        let committed = if candidates.is_empty() { None } else { Some(self.commits_to(&header, candidates)?) };
        Ok(Shown { header, checkpoint, committed })
    }

    fn commits_to(&self, header: &EntryHeader, candidates: &[Record]) -> Result<bool, ReceiptError> {
        let salt = self.salt()?;
        Ok(candidates.iter().any(|record| {
            let mut opening = salt.to_vec();
            record.view().encode_to(&mut opening);
            Commitment::of(&opening) == header.content.commitment
        }))
    }
}
