//! Steps 2 and 3: the ledger's keys from the pin on, and every signature under the key that governs its size.

use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::RootHash;
use modeltrail_tlog::note::{Note, VerifierKey};
use modeltrail_tlog::proof::verify_consistency;
use modeltrail_tlog::tree::TreeSize;
use serde_json::Value;

use super::files::Documents;
use super::fold::{Fold, Rotated};
use super::policy::Policy;
use super::report::{Aspect, Fault};
use crate::bundle::lines::{ConsistencyLine, LedgerKey};
use crate::bundle::manifest::Manifest;
use crate::bundle::{CHECKPOINT, CONSISTENCY, ENTRIES, KEYS, MANIFEST_NOTE, MAX_NOTE_BYTES};

/// Whom the caller trusts. Keys that came inside a bundle are not trusted for being there.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// A verifier key of the ledger, from somewhere else than the bundle.
    pub pin: Option<VerifierKey>,
    /// Logs and witnesses, and how many of these must have signed.
    pub policy: Option<Policy>,
}

impl Trust {
    /// The keys that count as pins for a ledger of this name.
    fn pins(&self, origin: &str) -> Vec<&VerifierKey> {
        let of_policy = self.policy.iter().flat_map(|policy| policy.logs()).filter(|key| key.name() == origin);
        self.pin.iter().chain(of_policy).collect()
    }

    fn is_given(&self) -> bool {
        self.pin.is_some() || self.policy.is_some()
    }
}

/// Judges keys and signatures; what it finds goes into `fold.judges`.
pub(super) fn check(documents: &Documents, manifest: &Manifest, trust: &Trust, fold: &mut Fold<'_>) {
    let keys = documents.keys.as_deref().map(LedgerKey::parse_document);
    let keys = match keys {
        Some(Ok(keys)) => keys,
        Some(Err(error)) => return fold.judges.fault(Aspect::Authenticity, Fault::of_file(KEYS, error.to_string())),
        None => return fold.judges.open(Aspect::Authenticity, format!("{KEYS} is missing")),
    };
    fold.facts.keys = keys.iter().map(|key| key.key.to_string()).collect();
    Judging { manifest, keys: &keys, fold }.run(documents, trust);
}

struct Judging<'a, 'f> {
    manifest: &'a Manifest,
    keys: &'a [LedgerKey],
    fold: &'a mut Fold<'f>,
}

impl Judging<'_, '_> {
    fn fault(&mut self, file: &str, what: impl Into<String>) {
        self.fold.judges.fault(Aspect::Authenticity, Fault::of_file(file, what));
    }

    fn run(&mut self, documents: &Documents, trust: &Trust) {
        self.key_list();
        self.introduced();
        let checkpoint = self.checkpoint(documents.checkpoint.as_deref(), trust);
        self.manifest_note(documents.note.as_deref());
        if let Some(bytes) = &documents.consistency {
            self.consistency(bytes);
        }
        self.pinned(trust);
        if checkpoint.is_none() {
            self.fold.judges.open(Aspect::Authenticity, format!("{CHECKPOINT} can't be read"));
        }
    }

    /// The list itself: names, order, no key twice.
    fn key_list(&mut self) {
        for (at, key) in self.keys.iter().enumerate() {
            if key.key.name() != self.manifest.origin {
                self.fault(
                    KEYS,
                    format!("has a key named {:?}, the ledger is {:?}", key.key.name(), self.manifest.origin),
                );
            }
            if key.key.ed25519_public().is_none() {
                self.fault(KEYS, format!("has the key {}, which is not Ed25519", key.key));
            }
            if key.from > self.manifest.tree_size {
                self.fault(
                    KEYS,
                    format!("has a key from size {}, beyond the tree size {}", key.from, self.manifest.tree_size),
                );
            }
            if self.keys[..at].iter().any(|other| other.key.public_key() == key.key.public_key()) {
                self.fault(KEYS, format!("has the key {} twice", key.key));
            }
        }
    }

    /// The first key is the one of genesis; each later one and each rotation belong together.
    fn introduced(&mut self) {
        let first = &self.keys[0].key;
        match &self.fold.genesis {
            Some(genesis) => {
                let origin = text(genesis, "origin");
                let fits = text(genesis, "public_key") == first.to_string()
                    && text(genesis, "key_id") == first.producer_key_id();
                if origin != self.manifest.origin {
                    let what =
                        format!("entry 0 begins the ledger {origin:?}, the bundle is of {:?}", self.manifest.origin);
                    self.fold.judges.fault(Aspect::Integrity, Fault::of_file(ENTRIES, what));
                }
                if !fits {
                    self.fault(KEYS, "does not begin with the key that entry 0 names");
                }
            }
            None => self.fault(KEYS, "has a first key that no readable entry 0 names"),
        }
        let rotations = std::mem::take(&mut self.fold.rotations);
        for pair in self.keys.windows(2) {
            let [old, new] = pair else { continue };
            let introduced = rotations.iter().any(|rotated| introduces(rotated, old, new));
            if !introduced {
                self.fault(
                    KEYS,
                    format!(
                        "has a key from size {} that no key.rotated entry at {} introduces",
                        new.from,
                        new.from - 1
                    ),
                );
            }
        }
        for rotated in &rotations {
            if !self.keys.iter().any(|key| key.from == rotated.index + 1) {
                self.fault(
                    KEYS,
                    format!(
                        "has no key from size {}, but entry {} rotates the ledger's key",
                        rotated.index + 1,
                        rotated.index
                    ),
                );
            }
        }
    }

    fn pinned(&mut self, trust: &Trust) {
        if !trust.is_given() {
            let why = "self-attested: no key was given, so the bundle only fits the keys that came inside it (give the ledger's with --key or --policy)";
            return self.fold.judges.open(Aspect::Authenticity, why);
        }
        let pins = trust.pins(&self.manifest.origin);
        if pins.is_empty() {
            return self.fault(
                KEYS,
                format!("is of the ledger {:?}, for which the policy has no log line", self.manifest.origin),
            );
        }
        if !pins.iter().any(|pin| self.keys.iter().any(|key| key.key == **pin)) {
            let pins = pins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            self.fault(KEYS, format!("does not have the key that was given ({pins}): this bundle is not of that ledger, or of before or after that key"));
        }
    }

    /// The keys that must have signed a checkpoint of this size: at a rotation the old one too.
    fn checkpoint_keys(&self, size: u64) -> Vec<VerifierKey> {
        let at = self.keys.partition_point(|key| key.from <= size).saturating_sub(1);
        let first = if self.keys[at].from == size && at > 0 { at - 1 } else { at };
        self.keys[first..=at].iter().map(|key| key.key.clone()).collect()
    }

    /// Whether every one of `keys` signed, in words.
    fn signed(note: &Note, keys: &[VerifierKey]) -> Result<(), String> {
        let holding = note.verify(keys).map_err(|error| error.to_string())?;
        match keys.iter().enumerate().find(|(at, _)| !holding.contains(at)) {
            Some((_, missing)) => Err(format!("lacks the signature of {missing}, which governs at that size")),
            None => Ok(()),
        }
    }

    fn checkpoint(&mut self, bytes: Option<&[u8]>, trust: &Trust) -> Option<Note> {
        let note = self.note(CHECKPOINT, bytes?)?;
        let (origin, size, root) = (
            self.manifest.origin.clone(),
            TreeSize::new(self.manifest.tree_size),
            RootHash::from_bytes(self.manifest.root.0),
        );
        let expected = Checkpoint { origin, size, root }.to_text();
        if note.text != expected {
            let what = "is not of the origin, tree size and root that MANIFEST.json says";
            self.fold.judges.fault(Aspect::Integrity, Fault::of_file(CHECKPOINT, what));
            self.fault(CHECKPOINT, what);
        }
        if let Err(what) = Self::signed(&note, &self.checkpoint_keys(self.manifest.tree_size)) {
            self.fault(CHECKPOINT, what);
        }
        if let Some(Err(what)) = trust.policy.as_ref().map(|policy| policy.quorum_holds(&note)) {
            self.fault(CHECKPOINT, what);
        }
        Some(note)
    }

    fn manifest_note(&mut self, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes else {
            return self.fault(MANIFEST_NOTE, "is missing, so nobody signed the manifest");
        };
        let Some(note) = self.note(MANIFEST_NOTE, bytes) else { return };
        if note.text != Manifest::note_text(&self.manifest.origin, &self.manifest.to_bytes()) {
            self.fault(MANIFEST_NOTE, "signs another manifest than MANIFEST.json");
        }
        // Any other note than a checkpoint needs only the key that governs.
        let governing = self.checkpoint_keys(self.manifest.tree_size).pop().into_iter().collect::<Vec<_>>();
        if let Err(what) = Self::signed(&note, &governing) {
            self.fault(MANIFEST_NOTE, what);
        }
    }

    fn note(&mut self, file: &str, bytes: &[u8]) -> Option<Note> {
        match Note::parse(bytes) {
            Ok(note) => Some(note),
            Err(error) => {
                self.fault(file, error.to_string());
                None
            }
        }
    }

    /// Earlier checkpoints: ascending, signed for their size, and each a prefix of the bundle's tree. Those of rotations are all there.
    fn consistency(&mut self, bytes: &[u8]) {
        let lines = match ConsistencyLine::parse_all(bytes) {
            Ok(lines) => lines,
            Err(error) => return self.fault(CONSISTENCY, error.to_string()),
        };
        let mut before = 0;
        let mut seen = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            match self.earlier(line, before) {
                Ok(size) => {
                    before = size;
                    seen.push(size);
                }
                Err(what) => {
                    let fault = Fault { file: CONSISTENCY.to_owned(), line: Some(at as u64 + 1), entry: None, what };
                    self.fold.judges.fault(Aspect::Authenticity, fault);
                }
            }
        }
        self.fold.facts.earlier_checkpoints = seen.len() as u64;
        for key in self.keys.iter().filter(|key| key.from > 0 && key.from < self.manifest.tree_size) {
            if !seen.contains(&key.from) {
                self.fault(
                    CONSISTENCY,
                    format!("has no sound checkpoint of size {}, where the ledger's key changed", key.from),
                );
            }
        }
    }

    fn earlier(&self, line: &ConsistencyLine, before: u64) -> Result<u64, String> {
        if line.checkpoint.len() > MAX_NOTE_BYTES {
            return Err(format!("has a checkpoint of more than {MAX_NOTE_BYTES} bytes"));
        }
        let note = Note::parse(line.checkpoint.as_bytes()).map_err(|error| error.to_string())?;
        let checkpoint = Checkpoint::parse_text(&note.text).map_err(|error| error.to_string())?;
        let size = checkpoint.size.get();
        if checkpoint.to_text() != note.text || checkpoint.origin != self.manifest.origin {
            return Err("has a checkpoint of another ledger or with further lines".to_owned());
        }
        if size <= before || size >= self.manifest.tree_size {
            return Err(format!(
                "has a checkpoint of size {size}, which is not above {before} and below the bundle's {}",
                self.manifest.tree_size
            ));
        }
        Self::signed(&note, &self.checkpoint_keys(size))
            .map_err(|what| format!("checkpoint of size {size}: {what}"))?;
        let (proof, root) = (line.hashes()?, RootHash::from_bytes(self.manifest.root.0));
        let holds = verify_consistency(
            checkpoint.size,
            &checkpoint.root,
            TreeSize::new(self.manifest.tree_size),
            &root,
            &proof,
        );
        holds.map_err(|error| format!("the bundle's tree did not grow from the checkpoint of size {size}: {error}"))?;
        Ok(size)
    }
}

fn introduces(rotated: &Rotated, old: &LedgerKey, new: &LedgerKey) -> bool {
    rotated.index + 1 == new.from
        && text(&rotated.data, "old") == old.key.producer_key_id()
        && text(&rotated.data, "new") == new.key.producer_key_id()
        && text(&rotated.data, "public_key") == new.key.to_string()
}

fn text<'a>(data: &'a Value, member: &str) -> &'a str {
    data.get(member).and_then(Value::as_str).unwrap_or_default()
}
