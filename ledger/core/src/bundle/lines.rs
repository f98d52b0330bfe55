//! The lines of `entries.jsonl` and `consistency.jsonl`, and `keys.json`.
//!
//! A line of `entries.jsonl` is the bulk of a bundle and read a hundred thousand times a second, so its one canonical spelling is read and written by hand;
//! a test holds that against a canonicalizer. A reader that accepts exactly one spelling needs no second look at the bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use modeltrail_tlog::hash::NodeHash;
use modeltrail_tlog::note::VerifierKey;
use modeltrail_tlog::proof::MAX_PROOF_HASHES;
use serde::{Deserialize, Serialize};

use super::{BundleError, CONSISTENCY, KEYS};
use crate::header::{MAX_HEADER_BYTES, MAX_NUMBER};
use crate::types::SALT_BYTES;

/// Why an entry's record is not in the bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It was destroyed; an entry of the bundle says so.
    Erased,
    /// It exists, but this bundle does not show it.
    Withheld,
    /// It was over the limit and never stored.
    NotKept,
}

impl Absent {
    /// The word in the line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Withheld => "withheld",
            Self::NotKept => "not-kept",
        }
    }

    fn parse(text: &[u8]) -> Option<Self> {
        [Self::Erased, Self::Withheld, Self::NotKept].into_iter().find(|absent| absent.as_str().as_bytes() == text)
    }
}

/// What an entry commits to, or why it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opening {
    /// salt ‖ record.
    Kept(Vec<u8>),
    /// Neither salt nor record.
    Absent(Absent),
}

/// One line of `entries.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryLine {
    /// The header's exact bytes.
    pub header: Vec<u8>,
    /// From leaf to root, against the bundle's checkpoint.
    pub proof: Vec<NodeHash>,
    /// Salt and record.
    pub opening: Opening,
}

impl EntryLine {
    /// Appends the line, its `\n` included.
    ///
    /// # Errors
    /// The header isn't UTF-8, or the opening is shorter than a salt: such an entry can't be written.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let header = std::str::from_utf8(&self.header).map_err(|_| "the header is not UTF-8")?;
        out.push(b'{');
        if let Opening::Absent(absent) = self.opening {
            out.extend_from_slice(b"\"absent\":\"");
            out.extend_from_slice(absent.as_str().as_bytes());
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(b"\"header\":");
        escape(header, out);
        out.extend_from_slice(b",\"proof\":[");
        for (at, hash) in self.proof.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"\"" } else { b",\"" });
            push_hex(hash.as_bytes(), out);
            out.push(b'"');
        }
        out.push(b']');
        if let Opening::Kept(opening) = &self.opening {
            let (salt, record) = opening.split_at_checked(SALT_BYTES).ok_or("the opening is shorter than a salt")?;
            out.extend_from_slice(b",\"record\":\"");
            out.extend_from_slice(STANDARD.encode(record).as_bytes());
            out.extend_from_slice(b"\",\"salt\":\"");
            push_hex(salt, out);
            out.push(b'"');
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }

    /// An empty line to read others into.
    #[must_use]
    pub fn empty() -> Self {
        Self { header: Vec::new(), proof: Vec::new(), opening: Opening::Kept(Vec::new()) }
    }

    /// Reads a line without its `\n`, in its one canonical spelling.
    ///
    /// # Errors
    /// What is wrong, to be put behind "line n".
    pub fn parse(line: &[u8]) -> Result<Self, LineFault> {
        let mut parsed = Self::empty();
        parsed.read(line)?;
        Ok(parsed)
    }

    /// [`EntryLine::parse`] into the memory of a line that was read before.
    ///
    /// # Errors
    /// The same; what this line holds is then of no use.
    pub fn read(&mut self, line: &[u8]) -> Result<(), LineFault> {
        let mut cursor = Cursor { rest: line };
        cursor.expect(b"{", LineFault::Shape)?;
        let absent = if cursor.take(b"\"absent\":\"") {
            let word = cursor.until_quote()?;
            cursor.expect(b",", LineFault::Shape)?;
            Some(Absent::parse(word).ok_or(LineFault::Absent)?)
        } else {
            None
        };
        cursor.expect(b"\"header\":\"", LineFault::Shape)?;
        cursor.string(&mut self.header)?;
        cursor.expect(b",\"proof\":[", LineFault::Shape)?;
        cursor.proof(&mut self.proof)?;
        match (absent, &mut self.opening) {
            (Some(absent), opening) => *opening = Opening::Absent(absent),
            (None, Opening::Kept(bytes)) => cursor.opening(bytes)?,
            (None, opening) => {
                let mut bytes = Vec::new();
                cursor.opening(&mut bytes)?;
                *opening = Opening::Kept(bytes);
            }
        }
        cursor.expect(b"}", LineFault::Shape)?;
        if cursor.rest.is_empty() { Ok(()) } else { Err(LineFault::Shape) }
    }
}

/// What is wrong with a line of `entries.jsonl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// Other members, another order or spaces.
    #[error("is not the canonical JSON of an entry line (header, proof, then record and salt or, first, absent)")]
    Shape,
    /// The header's string is too long, cut off or escaped in another way.
    #[error("has a header that is not a canonical JSON string of at most 65535 bytes")]
    Header,
    /// The proof is not a list of hashes.
    #[error("has a proof that is not a list of at most 63 hashes in lower-case hex")]
    Proof,
    /// The record is not base64.
    #[error("has a record that is not padded base64")]
    Record,
    /// The salt is not 16 bytes of hex.
    #[error("has a salt that is not 32 lower-case hex digits")]
    Salt,
    /// A reason for absence that this format does not have.
    #[error("has an absent that is not erased, withheld or not-kept")]
    Absent,
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn take(&mut self, token: &[u8]) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, token: &[u8], fault: LineFault) -> Result<(), LineFault> {
        if self.take(token) { Ok(()) } else { Err(fault) }
    }

    /// The bytes up to the next quote, which is taken too.
    fn until_quote(&mut self) -> Result<&'a [u8], LineFault> {
        let end = self.rest.iter().position(|byte| *byte == b'"').ok_or(LineFault::Shape)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        Ok(text)
    }

    /// The rest of a string behind its opening quote, unescaped.
    fn string(&mut self, out: &mut Vec<u8>) -> Result<(), LineFault> {
        out.clear();
        loop {
            let end = self
                .rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\') || *byte < 0x20)
                .ok_or(LineFault::Header)?;
            out.extend_from_slice(&self.rest[..end]);
            if out.len() > MAX_HEADER_BYTES {
                return Err(LineFault::Header);
            }
            let quote = self.rest[end];
            self.rest = &self.rest[end + 1..];
            match quote {
                b'"' => return Ok(()),
                b'\\' => out.push(self.escaped()?),
                _ => return Err(LineFault::Header),
            }
        }
    }

    /// The byte behind a backslash. Only the escapes that RFC 8785 section 3.2.2.2 writes are read.
    fn escaped(&mut self) -> Result<u8, LineFault> {
        let (first, rest) = self.rest.split_first().ok_or(LineFault::Header)?;
        self.rest = rest;
        Ok(match first {
            b'"' | b'\\' => *first,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0C,
            b'r' => b'\r',
            b'u' => {
                let digits = self.rest.get(..4).ok_or(LineFault::Header)?;
                self.rest = &self.rest[4..];
                let mut value = [0u8; 2];
                decode_hex(digits, &mut value).ok_or(LineFault::Header)?;
                match value {
                    [0, byte] if byte < 0x20 && !matches!(byte, 0x08 | b'\t' | b'\n' | 0x0C | b'\r') => byte,
                    _ => return Err(LineFault::Header),
                }
            }
            _ => return Err(LineFault::Header),
        })
    }

    fn proof(&mut self, proof: &mut Vec<NodeHash>) -> Result<(), LineFault> {
        proof.clear();
        if self.take(b"]") {
            return Ok(());
        }
        loop {
            self.expect(b"\"", LineFault::Proof)?;
            let digits = self.rest.get(..64).ok_or(LineFault::Proof)?;
            self.rest = &self.rest[64..];
            let mut hash = [0u8; 32];
            decode_hex(digits, &mut hash).ok_or(LineFault::Proof)?;
            proof.push(NodeHash::from_bytes(hash));
            if proof.len() > MAX_PROOF_HASHES {
                return Err(LineFault::Proof);
            }
            self.expect(b"\"", LineFault::Proof)?;
            if self.take(b"]") {
                return Ok(());
            }
            self.expect(b",", LineFault::Proof)?;
        }
    }

    /// salt ‖ record.
    fn opening(&mut self, opening: &mut Vec<u8>) -> Result<(), LineFault> {
        self.expect(b",\"record\":\"", LineFault::Shape)?;
        let record = self.until_quote()?;
        self.expect(b",\"salt\":\"", LineFault::Shape)?;
        let salt = self.until_quote()?;
        opening.clear();
        opening.resize(SALT_BYTES, 0);
        decode_hex(salt, opening).ok_or(LineFault::Salt)?;
        STANDARD.decode_vec(record, opening).map_err(|_| LineFault::Record)
    }
}

/// Lower-case hex only; exactly as many digits as `out` takes.
fn decode_hex(digits: &[u8], out: &mut [u8]) -> Option<()> {
    if digits.len() != out.len() * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (HEX_VALUE[usize::from(pair[0])], HEX_VALUE[usize::from(pair[1])]);
        if (high | low) > 0x0F {
            return None;
        }
        *byte = high << 4 | low;
    }
    Some(())
}

/// The value of each lower-case hex digit; 0xFF for any other byte.
const HEX_VALUE: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut digit = 0;
    while digit < 16 {
        table[b"0123456789abcdef"[digit as usize] as usize] = digit;
        digit += 1;
    }
    table
};

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(b"0123456789abcdef"[usize::from(byte >> 4)]);
        out.push(b"0123456789abcdef"[usize::from(byte & 0x0F)]);
    }
}

/// A JSON string as RFC 8785 writes it, quotes included.
fn escape(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("a string always serialises into memory");
}

/// One line of `consistency.jsonl`: an earlier checkpoint and the proof that the bundle's tree grew from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyLine {
    /// The signed note.
    pub checkpoint: String,
    /// Hashes in lower-case hex.
    pub proof: Vec<String>,
}

impl ConsistencyLine {
    /// The canonical line, its `\n` included.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("strings and lists always serialise");
        bytes.push(b'\n');
        bytes
    }

    /// Reads the whole of `consistency.jsonl`.
    ///
    /// # Errors
    /// [`BundleError::Malformed`] names the line and the fault.
    pub fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, BundleError> {
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let bytes = bytes
            .strip_suffix(b"\n")
            .ok_or_else(|| BundleError::malformed(CONSISTENCY, "does not end with a line end"))?;
        let parse = |(at, line): (usize, &[u8])| {
            let place = || format!("{CONSISTENCY} line {}", at + 1);
            let parsed: Self = serde_json::from_slice(line)
                .map_err(|error| BundleError::malformed(place(), format!("is not of the closed schema: {error}")))?;
            if parsed.to_bytes().strip_suffix(b"\n") != Some(line) {
                return Err(BundleError::malformed(place(), "is not canonical JSON"));
            }
            Ok(parsed)
        };
        bytes.split(|byte| *byte == b'\n').enumerate().map(parse).collect()
    }

    /// The proof's hashes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn hashes(&self) -> Result<Vec<NodeHash>, &'static str> {
        if self.proof.len() > MAX_PROOF_HASHES {
            return Err("has a proof of more than 63 hashes");
        }
        self.proof
            .iter()
            .map(|hash| hash.parse().map_err(|_| "has a proof hash that is not 64 lower-case hex digits"))
            .collect()
    }
}

/// One of the ledger's own keys, and the size from which it governs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerKey {
    /// 0 for the first; i + 1 after a rotation at index i.
    pub from: u64,
    /// The key.
    pub key: VerifierKey,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRow {
    from: u64,
    key: String,
}

impl LedgerKey {
    /// `keys.json`, canonical, without line end.
    #[must_use]
    pub fn to_document(keys: &[Self]) -> Vec<u8> {
        let rows: Vec<_> = keys.iter().map(|key| KeyRow { from: key.from, key: key.key.to_string() }).collect();
        serde_json::to_vec(&rows).expect("strings and integers always serialise")
    }

    /// Reads `keys.json`: at least one key, the first from 0, ascending.
    ///
    /// # Errors
    /// [`BundleError::Malformed`] names the fault.
    pub fn parse_document(bytes: &[u8]) -> Result<Vec<Self>, BundleError> {
        let refuse = |fault: String| BundleError::malformed(KEYS, fault);
        let rows: Vec<KeyRow> =
            serde_json::from_slice(bytes).map_err(|error| refuse(format!("is not of the closed schema: {error}")))?;
        let keys = rows
            .into_iter()
            .map(|row| {
                let key: VerifierKey =
                    row.key.parse().map_err(|error| refuse(format!("has a key that is no verifier key: {error}")))?;
                Ok(Self { from: row.from, key })
            })
            .collect::<Result<Vec<_>, BundleError>>()?;
        if Self::to_document(&keys) != bytes {
            return Err(refuse("is not canonical JSON".to_owned()));
        }
        if keys.first().is_none_or(|first| first.from != 0) || keys.iter().any(|key| key.from > MAX_NUMBER) {
            return Err(refuse("does not begin with a key from 0".to_owned()));
        }
        if !keys.windows(2).all(|pair| pair[0].from < pair[1].from) {
            return Err(refuse("is not ascending by from".to_owned()));
        }
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(opening: Opening) -> EntryLine {
        let header = "{\"a\":\"q\\\"\\\\ \u{1}\u{8}\u{1f}\u{7f}ä\u{2028}😀\"}".as_bytes().to_vec();
        EntryLine { header, proof: vec![NodeHash::from_bytes([0xAB; 32]), NodeHash::from_bytes([7; 32])], opening }
    }

    #[test]
    fn lines_are_canonical_and_read_back() {
        let kept = Opening::Kept((0..=97).collect());
        for line in [
            line(kept),
            line(Opening::Absent(Absent::Erased)),
            EntryLine { proof: vec![], ..line(Opening::Kept(vec![9; 16])) },
        ] {
            let mut bytes = Vec::new();
            line.write(&mut bytes).unwrap();
            let text = bytes.strip_suffix(b"\n").unwrap();
            let value: serde_json::Value = serde_json::from_slice(text).unwrap();
            assert_eq!(
                serde_json_canonicalizer::to_vec(&value).unwrap(),
                text,
                "canonical as another program writes it"
            );
            assert_eq!(EntryLine::parse(text).unwrap(), line);
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let mut bytes = Vec::new();
        line(Opening::Kept((0..=97).collect())).write(&mut bytes).unwrap();
        let good = String::from_utf8(bytes).unwrap();
        let good = good.trim_end();
        for (from, to, fault) in [
            ("{\"header", "{ \"header", LineFault::Shape),
            ("\\\"", "\\u0022", LineFault::Header),
            ("\\b", "\\u0008", LineFault::Header),
            ("\\u0001", "\\u000A", LineFault::Header),
            ("[\"ab", "[\"AB", LineFault::Proof),
            ("],\"record", ",],\"record", LineFault::Proof),
            ("\"salt\":\"00", "\"salt\":\"0", LineFault::Salt),
            ("==\",\"salt", "\",\"salt", LineFault::Record),
            (",\"salt\"", ",\"salt\":\"\",\"salt\"", LineFault::Salt),
            ("{\"header", "{\"absent\":\"lost\",\"header", LineFault::Absent),
            ("{\"header", "{\"absent\":\"erased\",\"header", LineFault::Shape),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert_eq!(EntryLine::parse(bad.as_bytes()), Err(fault), "{from} -> {to}");
        }
        for end in 0..good.len() {
            assert!(EntryLine::parse(&good.as_bytes()[..end]).is_err(), "cut at {end}");
        }
        assert_eq!(EntryLine::parse(format!("{good} ").as_bytes()), Err(LineFault::Shape));
    }

    #[test]
    fn a_base64_record_has_one_spelling() {
        let mut bytes = Vec::new();
        EntryLine { header: b"x".to_vec(), proof: vec![], opening: Opening::Kept(vec![0; 17]) }
            .write(&mut bytes)
            .unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("\"AA==\""));
        assert_eq!(
            EntryLine::parse(text.replace("\"AA==\"", "\"AB==\"").trim_end().as_bytes()),
            Err(LineFault::Record)
        );
    }
}
