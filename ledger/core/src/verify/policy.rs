//! Whom to trust, as C2SP `tlog-policy` writes it: logs, witnesses, groups of these, and a quorum.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> <k|any|all> <member>...
//! quorum <name|none>
//! ```

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_tlog::note::{Note, TYPE_ED25519, VerifierKey};
use modeltrail_tlog::strict_ed25519;

/// Longest policy that is read: 32 logs, witnesses and groups are the least a reader must take, this is a thousand times that.
pub const MAX_POLICY_BYTES: usize = 1 << 20;
/// Most witnesses and groups: what names what is followed by calls, so its depth is bounded.
const MAX_NAMES: usize = 1_024;
/// The type byte of a C2SP `cosignature/v1` key.
const TYPE_COSIGNATURE: u8 = 0x04;
/// The word for no quorum; it can name nothing.
const NONE: &str = "none";

/// Why a policy can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A line is not one of the four kinds, or breaks a rule.
    #[error("policy line {line} {fault}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// The whole lacks something.
    #[error("policy {fault}")]
    Whole {
        /// What is wrong.
        fault: &'static str,
    },
}

#[derive(Clone, Debug)]
enum Member {
    Witness(VerifierKey),
    Group { needed: usize, members: Vec<String> },
}

/// A policy: the logs that are trusted, and who must have cosigned.
#[derive(Clone, Debug)]
pub struct Policy {
    logs: Vec<VerifierKey>,
    members: BTreeMap<String, Member>,
    quorum: Option<String>,
}

impl Policy {
    /// Reads a policy strictly.
    ///
    /// # Errors
    /// [`PolicyError`] names the line and the fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        let whole = |fault| PolicyError::Whole { fault };
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(whole("has more than 1 MiB"));
        }
        let allowed = |byte: &u8| matches!(byte, 0x09 | 0x0A | 0x20..=0x7E | 0x80..);
        let text = std::str::from_utf8(bytes)
            .ok()
            .filter(|_| bytes.iter().all(allowed))
            .ok_or(whole("is not printable UTF-8"))?;
        let mut parser = Parser::default();
        for (at, line) in text.split('\n').enumerate() {
            parser.line(line).map_err(|fault| PolicyError::Line { line: at + 1, fault })?;
        }
        let quorum = parser.quorum.ok_or(whole("has no quorum line"))?;
        if parser.logs.is_empty() {
            return Err(whole("has no log line"));
        }
        Ok(Self { logs: parser.logs, members: parser.members, quorum })
    }

    /// The logs' keys.
    pub fn logs(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter()
    }

    /// Whether enough witnesses cosigned a checkpoint.
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn quorum_holds(&self, note: &Note) -> Result<(), String> {
        match &self.quorum {
            Some(name) if !self.holds(name, note) => {
                Err(format!("is not cosigned as the policy's quorum {name} demands"))
            }
            _ => Ok(()),
        }
    }

    // A name is a member once in the whole file and only of a later group, so this ends.
    fn holds(&self, name: &str, note: &Note) -> bool {
        match self.members.get(name) {
            Some(Member::Witness(key)) => cosigned(note, key),
            Some(Member::Group { needed, members }) => {
                members.iter().filter(|member| self.holds(member, note)).count() >= *needed
            }
            None => false,
        }
    }
}

/// Whether a witness' cosignature is on the note: `cosignature/v1` over a time and the text.
fn cosigned(note: &Note, key: &VerifierKey) -> bool {
    let Ok(public) = <&[u8; 32]>::try_from(key.public_key()) else { return false };
    note.signatures.iter().filter(|signature| signature.name == key.name() && signature.key_id == key.key_id()).any(
        |signature| {
            let Some((time, sig)) = signature.blob.split_first_chunk::<8>() else { return false };
            let Ok(sig) = <&[u8; 64]>::try_from(sig) else { return false };
            let message = format!("cosignature/v1\ntime {}\n{}", u64::from_be_bytes(*time), note.text);
            strict_ed25519::verify(public, message.as_bytes(), sig)
        },
    )
}

#[derive(Default)]
struct Parser {
    logs: Vec<VerifierKey>,
    members: BTreeMap<String, Member>,
    keys: BTreeSet<Vec<u8>>,
    taken: BTreeSet<String>,
    quorum: Option<Option<String>>,
}

impl Parser {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => {
                let key = self.key(key, TYPE_ED25519)?;
                self.logs.push(key);
                Ok(())
            }
            ["witness", name, key] | ["witness", name, key, _] => {
                let key = self.key(key, TYPE_COSIGNATURE)?;
                self.define(name, Member::Witness(key))
            }
            ["group", name, needed, members @ ..] if !members.is_empty() => self.group(name, needed, members),
            ["quorum", name] => self.set_quorum(name),
            [word, ..] => Err(format!(
                "is no log, witness, group or quorum line with the right number of words (it starts with {word:?})"
            )),
        }
    }

    fn key(&mut self, text: &str, type_byte: u8) -> Result<VerifierKey, String> {
        let key: VerifierKey =
            VerifierKey::parse(text).map_err(|error| format!("has a key that can't be read: {error}"))?;
        if key.type_byte() != type_byte {
            return Err(format!(
                "has a key of type {:02x}; this program checks type {type_byte:02x} there",
                key.type_byte()
            ));
        }
        if !self.keys.insert(key.public_key().to_vec()) {
            return Err("has a key that stands in the policy before, maybe under another name".to_owned());
        }
        Ok(key)
    }

    fn define(&mut self, name: &str, member: Member) -> Result<(), String> {
        if name == NONE {
            return Err("defines the name none, which means no quorum".to_owned());
        }
        if self.members.len() >= MAX_NAMES {
            return Err(format!("defines more than {MAX_NAMES} witnesses and groups"));
        }
        match self.members.insert(name.to_owned(), member) {
            Some(_) => Err(format!("defines {name}, which is defined before")),
            None => Ok(()),
        }
    }

    fn group(&mut self, name: &str, needed: &str, members: &[&str]) -> Result<(), String> {
        for member in members {
            if !self.members.contains_key(*member) {
                return Err(format!("names {member}, which no line before defines"));
            }
            if !self.taken.insert((*member).to_owned()) {
                return Err(format!("names {member}, which is a member already"));
            }
        }
        let canonical = |number: &usize| number.to_string() == needed && (1..=members.len()).contains(number);
        let needed = match needed {
            "any" => 1,
            "all" => members.len(),
            _ => needed
                .parse()
                .ok()
                .filter(canonical)
                .ok_or_else(|| format!("needs {needed:?} of {} members", members.len()))?,
        };
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.define(name, Member::Group { needed, members })
    }

    fn set_quorum(&mut self, name: &str) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("is a second quorum line".to_owned());
        }
        if name != NONE && !self.members.contains_key(name) {
            return Err(format!("names {name}, which no line before defines"));
        }
        self.quorum = Some((name != NONE).then(|| name.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::{Signer as _, SigningKey};
    use modeltrail_tlog::note::{NoteSignature, SignerKey};

    fn vkey(name: &str, type_byte: u8, seed: u8) -> (String, SigningKey, [u8; 4]) {
        use base64::Engine as _;
        use sha2::{Digest, Sha256};
        let key = SigningKey::from_bytes(&[seed; 32]);
        let typed = [&[type_byte], key.verifying_key().as_bytes().as_slice()].concat();
        let digest = Sha256::new().chain_update(name).chain_update("\n").chain_update(&typed).finalize();
        let id: [u8; 4] = digest[..4].try_into().unwrap();
        (format!("{name}+{}+{}", hex::encode(id), base64::engine::general_purpose::STANDARD.encode(typed)), key, id)
    }

    fn policy(quorum: &str) -> String {
        let witness = |at: u8| vkey(&format!("w{at}.example"), TYPE_COSIGNATURE, at).0;
        let log = vkey("example.com/ml", TYPE_ED25519, 9).0;
        format!(
            "# ours\nlog {log} https://example.com/\nwitness a {}\nwitness b {}\nwitness c {}\ngroup g 2 a b\n\ngroup top any g c\nquorum {quorum}\n",
            witness(1),
            witness(2),
            witness(3)
        )
    }

    fn cosign(note: &mut Note, at: u8, text: &str) {
        let name = format!("w{at}.example");
        let (_, key, key_id) = vkey(&name, TYPE_COSIGNATURE, at);
        let time = 1_700_000_000u64;
        let sig = key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
        let blob = [time.to_be_bytes().as_slice(), &sig.to_bytes()].concat();
        note.signatures.push(NoteSignature { name, key_id, blob });
    }

    #[test]
    fn a_quorum_counts_good_cosignatures_only() {
        let policy = Policy::parse(policy("top").as_bytes()).unwrap();
        let mut note =
            Note::new("example.com/ml\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".to_owned()).unwrap();
        note.sign(&SignerKey::from_seed("example.com/ml", &[9; 32]).unwrap());
        assert!(policy.quorum_holds(&note).is_err());
        let text = note.text.clone();
        cosign(&mut note, 1, &text);
        assert!(policy.quorum_holds(&note).is_err(), "one of two");
        cosign(&mut note, 2, "another text\n");
        assert!(policy.quorum_holds(&note).is_err(), "the second is bad");
        cosign(&mut note, 2, &text);
        assert_eq!(policy.quorum_holds(&note), Ok(()));
        note.signatures.truncate(1);
        cosign(&mut note, 3, &text);
        assert_eq!(policy.quorum_holds(&note), Ok(()), "any of the top group");
    }

    #[test]
    fn bad_policies_are_refused_with_their_line() {
        let good = policy("none");
        assert!(Policy::parse(good.as_bytes()).unwrap().quorum_holds(&Note::new("x\n".to_owned()).unwrap()).is_ok());
        for (from, to, expected) in [
            ("quorum none", "quorum zz", "line 9 names zz"),
            ("quorum none\n", "", "no quorum line"),
            ("quorum none", "quorum none\nquorum none", "line 10 is a second"),
            ("group g 2", "group g 3", "line 6 needs \"3\" of 2"),
            ("group g 2", "group g 02", "line 6 needs"),
            ("group g 2 a b", "group g 2 a a", "line 6 names a, which is a member already"),
            ("group top any g c", "group top any g a", "line 8 names a, which is a member already"),
            ("witness b", "witness a", "line 4 defines a, which is defined before"),
            ("witness b", "witness none", "line 4 defines the name none"),
            ("log ", "lag ", "line 2 is no log"),
            ("# ours", "# ours\r", "printable"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good);
            let error = Policy::parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} instead of {expected}");
        }
        let twice =
            good.replacen(&vkey("w2.example", TYPE_COSIGNATURE, 2).0, &vkey("other.example", TYPE_COSIGNATURE, 1).0, 1);
        assert!(Policy::parse(twice.as_bytes()).unwrap_err().to_string().contains("under another name"));
    }
}
