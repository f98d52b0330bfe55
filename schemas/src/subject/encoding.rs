//! Percent-encoding of one part.

use std::borrow::Cow;

use super::SubjectError;

/// The bytes that stand for themselves in a part.
const fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b':' | b'+' | b'-')
}

/// The part of a subject that stands for `text`: bytes outside `A-Z a-z 0-9 . _ ~ : + -` as `%` and upper-case hex.
#[must_use]
pub fn encode_part(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    push_encoded(&mut encoded, text);
    encoded
}

/// Appends [`encode_part`] of `text`.
pub(crate) fn push_encoded(to: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if text.bytes().all(stands_for_itself) {
        to.push_str(text);
        return;
    }
    for byte in text.bytes() {
        if stands_for_itself(byte) {
            to.push(char::from(byte));
        } else {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            to.push('%');
            to.extend(digits.map(char::from));
        }
    }
}

/// Refuses a part that is not the one encoding of some text; `at` is where the part stands in its subject.
pub(super) fn fault_in(part: &str, at: usize) -> Result<(), SubjectError> {
    if part.is_empty() {
        return Err(SubjectError::Empty(at));
    }
    let bytes = part.as_bytes();
    let mut decoded = Vec::new();
    let mut index = 0;
    while let Some(byte) = bytes.get(index) {
        if *byte == b'%' {
            let code = bytes.get(index + 1..index + 3).and_then(upper_hex);
            let code = code.filter(|code| !stands_for_itself(*code)).ok_or(SubjectError::Escape(at + index))?;
            decoded.push(code);
            index += 3;
        } else if stands_for_itself(*byte) {
            decoded.push(*byte);
            index += 1;
        } else {
            return Err(SubjectError::Raw(at + index));
        }
    }
    if std::str::from_utf8(&decoded).is_err() {
        return Err(SubjectError::Encoding(at));
    }
    Ok(())
}

/// The text of a part that [`fault_in`] found nothing wrong with.
pub(super) fn decode_part(part: &str) -> Cow<'_, str> {
    let mut pieces = part.split('%');
    let first = pieces.next().unwrap_or_default();
    if first.len() == part.len() {
        return Cow::Borrowed(part);
    }
    let mut decoded = first.as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at(2);
        decoded.extend(upper_hex(code.as_bytes()));
        decoded.extend(rest.bytes());
    }
    Cow::Owned(String::from_utf8(decoded).expect("the parts of a subject decode to UTF-8, checked when it was made"))
}

fn upper_hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |code, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        Some(code << 4 | value)
    })
}
