//! Ed25519 (RFC 8032) with one answer for everybody.
//!
//! Libraries differ on non-canonical encodings and small-order points, so a signature could hold for
//! one auditor and fail for another. Here: `S < L`, canonical encodings of `A` and `R`, neither of
//! small order, and the equation without cofactor.

use ed25519_dalek::{Signature, VerifyingKey};

/// Whether `sig` is a signature by `public` over `msg`, under the strict rules above.
pub fn verify(public: &[u8; 32], msg: &[u8], sig: &[u8; 64]) -> bool {
    // `verify_strict` refuses S >= L, a small order of A or R, and (as it compares encodings with a
    // recomputed R) a non-canonical R. It does accept a non-canonical A: that is caught here.
    strict_key(public).is_some_and(|key| key.verify_strict(msg, &Signature::from_bytes(sig)).is_ok())
}

/// Whether `public` may be a key at all: the canonical encoding of a point that is not of small
/// order. Under a small-order key one signature can hold for many messages.
pub fn is_strong_key(public: &[u8; 32]) -> bool {
    strict_key(public).is_some()
}

fn strict_key(public: &[u8; 32]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(public).ok()?;
    let canonical = key.to_edwards().compress().as_bytes() == public;
    (canonical && !key.is_weak()).then_some(key)
}

#[cfg(test)]
mod tests {
    use std::ops::{Add, Mul};

    use ed25519_dalek::{Signer as _, SigningKey, Verifier as _};
    use sha2::{Digest as _, Sha512};

    use super::*;

    /// L, the order of the base point, little-endian (RFC 8032 section 5.1).
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    const IDENTITY: [u8; 32] = {
        let mut bytes = [0; 32];
        bytes[0] = 1;
        bytes
    };

    fn signed(msg: &[u8]) -> ([u8; 32], [u8; 64]) {
        let key = SigningKey::from_bytes(&[7; 32]);
        (key.verifying_key().to_bytes(), key.sign(msg).to_bytes())
    }

    /// Little-endian bytes as a scalar of the type of `_like`, which this crate can't name.
    fn reduced<S>(_like: &S, bytes: &[u8]) -> S
    where
        S: From<u16> + Add<Output = S> + Mul<Output = S>,
    {
        bytes.iter().rev().fold(S::from(0), |sum, byte| sum * S::from(256) + S::from(u16::from(*byte)))
    }

    #[test]
    fn rfc_8032_test_2_holds() {
        let public =
            crate::encoding::from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
        let sig = crate::encoding::from_hex(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ))
        .unwrap();
        assert!(verify(&public, &[0x72], &sig));
        assert!(!verify(&public, &[0x73], &sig));
    }

    #[test]
    fn every_flipped_bit_breaks_it() {
        let (public, sig) = signed(b"m");
        assert!(verify(&public, b"m", &sig));
        for bit in 0..512 {
            let mut bad = sig;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&public, b"m", &bad), "signature bit {bit}");
        }
        for bit in 0..256 {
            let mut bad = public;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!verify(&bad, b"m", &sig), "key bit {bit}");
        }
    }

    #[test]
    fn s_plus_l_is_refused() {
        let (public, mut sig) = signed(b"m");
        let mut carry = 0_u16;
        for (byte, order) in sig[32..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert!(!verify(&public, b"m", &sig));
    }

    #[test]
    fn a_small_order_key_signs_nothing() {
        // S = 0, R = A = identity: holds for every message under the plain check.
        let mut sig = [0; 64];
        sig[..32].copy_from_slice(&IDENTITY);
        let key = VerifyingKey::from_bytes(&IDENTITY).unwrap();
        assert!(key.verify(b"anything", &Signature::from_bytes(&sig)).is_ok());
        assert!(!verify(&IDENTITY, b"anything", &sig));
        assert!(!is_strong_key(&IDENTITY));
    }

    #[test]
    fn all_small_order_encodings_are_refused() {
        // The eight points of order dividing 8, then their non-canonical spellings.
        let small = [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        ];
        for hex in small {
            let bytes = crate::encoding::from_hex::<32>(hex).unwrap();
            assert!(!is_strong_key(&bytes), "{hex}");
        }
    }

    #[test]
    fn a_small_order_r_is_refused() {
        // R = identity and S = k·a hold under the plain check for whoever knows the key.
        let secret = SigningKey::from_bytes(&[7; 32]);
        let public = secret.verifying_key().to_bytes();
        let a = secret.to_scalar();
        let k = Sha512::digest([&IDENTITY[..], &public[..], b"m"].concat());
        let s = reduced(&a, &k) * a;
        let mut sig = [0; 64];
        sig[..32].copy_from_slice(&IDENTITY);
        sig[32..].copy_from_slice(s.as_bytes());
        let parsed = Signature::from_bytes(&sig);
        assert!(secret.verifying_key().verify(b"m", &parsed).is_ok());
        assert!(!verify(&public, b"m", &sig));
    }

    #[test]
    fn non_canonical_keys_that_decompress_are_refused() {
        // y = p + k for k < 19 has two spellings; the library reads both.
        let mut accepted_by_library = 0;
        for k in 2..19_u8 {
            for sign in [0x7f, 0xff] {
                let mut bytes = [0xff; 32];
                bytes[0] = 0xed + k;
                bytes[31] = sign;
                let read = VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak());
                accepted_by_library += u8::from(read);
                assert!(!is_strong_key(&bytes), "k = {k}");
            }
        }
        assert!(accepted_by_library > 0, "the case this test is about must exist");
    }
}
