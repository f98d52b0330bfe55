//! Transparency-log primitives: the Merkle trees of [RFC 6962] and the open formats of [C2SP] that
//! let programs nobody here wrote check a log.
//!
//! | module | what | specification |
//! |---|---|---|
//! | [`hash`] | leaf, node and root hashes, a type each | RFC 6962 section 2.1 |
//! | [`tree`] | the growing edge, roots, making proofs | RFC 6962 sections 2.1.1 and 2.1.2 |
//! | [`proof`] | checking proofs | RFC 9162 sections 2.1.3.2 and 2.1.4.2 |
//! | [`tile`] | tile names and paths, entry bundles | C2SP tlog-tiles |
//! | [`note`] | signed texts, verifier and signer keys | C2SP signed-note |
//! | [`checkpoint`] | signed tree heads | C2SP tlog-checkpoint |
//! | [`tlog_proof`] | offline proofs in one text | C2SP tlog-proof |
//! | [`strict_ed25519`] | signatures with one answer for everybody | RFC 8032 |
//!
//! Nothing here reads a file, a clock, the environment or random numbers. Whatever is parsed has one
//! spelling: reading and writing again gives the same bytes (extension lines of a checkpoint apart),
//! and any other spelling is refused. Every parser has a limit on what it reads.
//!
//! # A log, a proof, and somebody who trusts only the log's key
//!
//! ```
//! use std::collections::HashMap;
//!
//! use modeltrail_tlog::checkpoint::Checkpoint;
//! use modeltrail_tlog::hash::leaf_hash;
//! use modeltrail_tlog::note::{SignerKey, VerifierKey};
//! use modeltrail_tlog::tile::TileId;
//! use modeltrail_tlog::tlog_proof::TlogProof;
//! use modeltrail_tlog::tree::{Edge, HashReader, inclusion_proof};
//!
//! // Where the log keeps its tiles, by level and index.
//! struct Tiles(HashMap<(u8, u64), Vec<u8>>);
//!
//! impl HashReader for Tiles {
//!     type Error = std::io::Error;
//!
//!     fn tile(&self, id: TileId) -> Result<Vec<u8>, std::io::Error> {
//!         let tile = self.0.get(&(id.level, id.index)).and_then(|tile| tile.get(..id.byte_len()));
//!         Ok(tile.ok_or(std::io::ErrorKind::NotFound)?.to_vec())
//!     }
//! }
//!
//! // The log appends 1,000 entries. Tiles that fill are stored for ever ...
//! let (mut edge, mut full) = (Edge::new(), Vec::new());
//! for number in 0..1000 {
//!     edge.append(leaf_hash(format!("entry {number}").as_bytes()), &mut full);
//! }
//! // ... and those that are not full yet with each checkpoint.
//! full.extend((0..8).filter_map(|level| edge.partial(level)));
//! let tiles = Tiles(full.into_iter().map(|(id, tile)| ((id.level, id.index), tile)).collect());
//!
//! // It signs its head. The key's name is the log's origin.
//! let seed = [7; 32]; // from a source of randomness
//! let key = SignerKey::from_seed("log.example/models", &seed)?;
//! let head = Checkpoint { origin: key.name().to_owned(), size: edge.size(), root: edge.root() };
//! let note = head.sign(&[&key])?;
//!
//! // It proves entry 42 ...
//! let hashes = inclusion_proof(&tiles, 42, head.size)?;
//! let proof = TlogProof { index: 42, hashes, checkpoint: note.to_string(), extra: None };
//! let file = proof.to_string();
//!
//! // ... to somebody who knows the entry and the log's public key, and nothing else.
//! let vkey = VerifierKey::parse(&key.verifier().to_string())?;
//! let proof = TlogProof::parse(file.as_bytes())?;
//! let seen = proof.verify(&leaf_hash(b"entry 42"), std::slice::from_ref(&vkey), vkey.name())?;
//! assert_eq!(seen, head);
//! assert!(proof.verify(&leaf_hash(b"entry 43"), &[vkey], "log.example/models").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [RFC 6962]: https://www.rfc-editor.org/rfc/rfc6962
//! [C2SP]: https://c2sp.org

pub mod checkpoint;
mod encoding;
#[doc(hidden)]
pub mod fuzzing;
pub mod hash;
pub mod note;
pub mod proof;
pub mod strict_ed25519;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
