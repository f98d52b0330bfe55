//! Exact text encodings: every value has one spelling, and only that one is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Lower-case hex of `bytes`.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(HEX_DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(HEX_DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// Exactly `2 * N` lower-case hex digits, or `None`.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (hex_value(pair[0])? << 4) | hex_value(pair[1])?;
    }
    Some(out)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Base64 of RFC 4648 section 4, padded.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Padded standard base64. The engine already refuses missing padding and trailing bits, so each
/// byte string has one spelling.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// As [`from_base64`], for secrets: the decoded bytes are wiped when dropped.
pub(crate) fn secret_from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    from_base64(text).map(Zeroizing::new)
}

/// The base64 of exactly 32 bytes, the form of every hash in a note.
pub(crate) fn hash_from_base64(text: &str) -> Option<[u8; 32]> {
    from_base64(text)?.try_into().ok()
}

/// A decimal `u64` without sign or leading zeros, or `None`.
pub(crate) fn from_decimal(text: &str) -> Option<u64> {
    let canonical = match text.as_bytes() {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Input as it may be shown in an error: cut, with control characters escaped, so that a hostile
/// input can neither flood nor forge a log line.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_CHARS: usize = 64;
    let mut out: String = text.chars().take(MAX_CHARS).collect::<String>().escape_debug().collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        assert_eq!(from_decimal("0"), Some(0));
        assert_eq!(from_decimal("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "00", "01", "+1", "-1", "1 ", " 1", "1a", "18446744073709551616", "１"] {
            assert_eq!(from_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(from_base64("AA=="), Some(vec![0]));
        for bad in ["AA", "AA=", "AB==", "AA==\n", " AA==", "AA-_", "AAA==", "===="] {
            assert_eq!(from_base64(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn hex_is_lower_case_and_exact() {
        assert_eq!(from_hex::<2>("00ff"), Some([0, 255]));
        for bad in ["00FF", "00f", "00fff", "00fg", "0x00"] {
            assert_eq!(from_hex::<2>(bad), None, "{bad:?}");
        }
        assert_eq!(to_hex(&[0, 0xa9, 0xff]), "00a9ff");
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt("a\nb"), "a\\nb");
        assert_eq!(excerpt(&"é".repeat(100)).chars().count(), 65);
    }
}
