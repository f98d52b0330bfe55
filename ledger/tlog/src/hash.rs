//! SHA-256 hashes of RFC 6962 section 2.1: leaves, inner nodes and roots, each a type of its own so
//! that one can't stand in for another.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::encoding;

/// Length of every hash here, in bytes.
pub const HASH_BYTES: usize = 32;

const LEAF_PREFIX: u8 = 0;
const NODE_PREFIX: u8 = 1;

/// Why a text is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not 64 lower-case hex digits.
    #[error("a hash must be exactly 64 lower-case hex digits")]
    Hex,
    /// Not the padded standard base64 of 32 bytes.
    #[error("a hash must be the padded standard base64 of exactly 32 bytes")]
    Base64,
}

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; HASH_BYTES]);

        impl $name {
            /// Takes 32 bytes as this kind of hash.
            pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
                &self.0
            }

            /// Padded standard base64 (RFC 4648 section 4), 44 characters, as in notes.
            pub fn to_base64(&self) -> String {
                encoding::to_base64(&self.0)
            }

            /// Reads what [`Self::to_base64`] writes and nothing else.
            ///
            /// # Errors
            /// [`HashError::Base64`] for any other spelling or length.
            pub fn from_base64(text: &str) -> Result<Self, HashError> {
                encoding::hash_from_base64(text).map(Self).ok_or(HashError::Base64)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&encoding::to_hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = HashError;

            fn from_str(text: &str) -> Result<Self, HashError> {
                encoding::from_hex(text).map(Self).ok_or(HashError::Hex)
            }
        }
    };
}

hash_type! {
    /// The hash of one entry: `SHA-256(0x00 ‖ entry)`.
    LeafHash
}
hash_type! {
    /// The hash of a subtree: a leaf hash, or `SHA-256(0x01 ‖ left ‖ right)`.
    NodeHash
}
hash_type! {
    /// The hash of a whole tree, the thing a checkpoint signs.
    RootHash
}

impl From<LeafHash> for NodeHash {
    fn from(leaf: LeafHash) -> Self {
        Self(leaf.0)
    }
}

impl From<NodeHash> for RootHash {
    fn from(node: NodeHash) -> Self {
        Self(node.0)
    }
}

impl From<RootHash> for NodeHash {
    fn from(root: RootHash) -> Self {
        Self(root.0)
    }
}

/// The leaf hash of an entry's bytes.
pub fn leaf_hash(data: &[u8]) -> LeafHash {
    let digest = Sha256::new().chain_update([LEAF_PREFIX]).chain_update(data).finalize();
    LeafHash(digest.into())
}

/// The hash of the node above `left` and `right`.
pub fn node_hash(left: &NodeHash, right: &NodeHash) -> NodeHash {
    let mut input = [NODE_PREFIX; 1 + 2 * HASH_BYTES];
    input[1..=HASH_BYTES].copy_from_slice(&left.0);
    input[1 + HASH_BYTES..].copy_from_slice(&right.0);
    NodeHash(Sha256::digest(input).into())
}

/// The root of the tree without entries: `SHA-256("")`.
pub fn empty_root() -> RootHash {
    RootHash(Sha256::digest([]).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_are_exact() {
        let leaf = leaf_hash(b"");
        let hex = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf.to_string(), hex);
        assert_eq!(format!("{leaf:?}"), format!("LeafHash({hex})"));
        assert_eq!(hex.parse(), Ok(leaf));
        assert_eq!(hex.to_uppercase().parse::<LeafHash>(), Err(HashError::Hex));
        assert_eq!(LeafHash::from_base64(&leaf.to_base64()), Ok(leaf));
        assert_eq!(RootHash::from_base64("AA=="), Err(HashError::Base64));
        assert_eq!(empty_root().to_base64(), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn a_leaf_is_not_a_node() {
        let (left, right) = (NodeHash::from(leaf_hash(b"l")), NodeHash::from(leaf_hash(b"r")));
        let joined = [*left.as_bytes(), *right.as_bytes()].concat();
        assert_ne!(leaf_hash(&joined).as_bytes(), node_hash(&left, &right).as_bytes());
    }
}
