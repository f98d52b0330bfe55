//! A small ledger in memory with one of everything, and the tools of an operator who lies.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use modeltrail_core::bundle::export::{Request, export};
use modeltrail_core::bundle::manifest::{FileDigest, Manifest};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::clock::Clock;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::keys::key_id;
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::prepared::Prepared;
use modeltrail_core::sequencer::{After, Arrival, NewPartition, Opening, Outcome, PartitionId, Rotation, Sequencer};
use modeltrail_core::store::{PositionRow, SealBatch, SealedEntry, Store};
use modeltrail_core::types::{EntryIndex, Hex32};
use modeltrail_core::verify::{Options, Report, Trust, VerifyError, verify_bundle};
use modeltrail_schemas::dsse::pae;
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_tlog::note::{Note, SignerKey, VerifierKey};
use modeltrail_tlog::tile::{encode_bundle, entries_path};
use modeltrail_tlog::tree::{Edge, TreeSize};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "example.com/ml";
/// The model version that bundles are made about.
pub(crate) const MODEL: &str = "model/fraud@2.1.0";
const START_MICROS: i64 = 1_772_546_520_000_000;
const LIMIT: usize = 4_096;

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        Micros::new(START_MICROS + self.0.fetch_add(1_000, Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

pub(crate) fn ledger_key(seed: u8) -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

pub(crate) fn vkey(seed: u8) -> VerifierKey {
    ledger_key(seed).verifier().clone()
}

/// A producer's key.
pub(crate) fn producer(seed: u8) -> (SigningKey, Hex32) {
    let key = SigningKey::from_bytes(&[seed; 32]);
    let id = key_id(1, key.verifying_key().as_bytes());
    (key, id)
}

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    sequencer: Sequencer<MemoryStore>,
    /// Seed of the key that governs now.
    pub(crate) key: u8,
}

pub(crate) fn event(id: &str, event_type: &str, subject: &str, data: &Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "//ci.example", "type": event_type, "subject": subject, "time": "2026-03-03T14:02:00Z", "data": data})
}

impl World {
    /// A ledger with entries 0 and 1.
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let mut drawn = 0u64;
        let salts = Box::new(move || {
            drawn += 1;
            let mut salt = [0xA5; 16];
            salt[8..].copy_from_slice(&drawn.to_be_bytes());
            salt
        });
        let opening = Opening { signer: Arc::new(ledger_key(1)), clock: Arc::new(TestClock(AtomicI64::new(0))), salts };
        let mut sequencer = Sequencer::genesis(Arc::clone(&store), ORIGIN, opening, "test").unwrap();
        sequencer.opened(1, After::Init, None, "test").unwrap();
        let mut world = Self { store, sequencer, key: 1 };
        world.seal();
        world
    }

    /// A ledger with one of everything that a bundle about [`MODEL`] must carry.
    pub(crate) fn full() -> Self {
        let mut world = Self::new();
        world.register(20, "*", "model/*");
        world.http(&event("e1", "com.example.note", MODEL, &json!({"text": "a \"quoted\" \\ line ä"})));
        world.http(&event("e2", "com.example.note", "model/other@1", &json!({})));
        world.signed(&event("e3", "com.example.note", MODEL, &json!({"by": 20})), 20, false);
        world.signed(&event("e4", "com.example.note", MODEL, &json!({"by": 20})), 20, true);
        world.signed(&event("e5", "com.example.note", MODEL, &json!({"by": 21})), 21, false);
        world.http_raw("application/cloudevents+json", b"{\"broken\":");
        world.seal();
        world.http(&event("e1", "com.example.note", MODEL, &json!({"text": "another"})));
        world.rotate(2);
        world.http(&event("e6", "com.example.note", MODEL, &json!({"after": "rotation"})));
        world.revoke(20);
        world.signed(&event("e7", "com.example.note", MODEL, &json!({"by": "revoked"})), 20, false);
        world.wide("e8");
        world.http_raw("application/cloudevents+json", &[b' '; LIMIT + 1]);
        world.seal();
        world.kafka();
        world.http(&event("e9", "com.example.note", MODEL, &json!({"text": "to be erased"})));
        world.seal();
        world.erase("//ci.example", "e9");
        world.seal();
        world
    }

    /// A ledger of some fifteen entries: signed events, a conflict, a quarantined record, a rotation.
    pub(crate) fn small() -> Self {
        let mut world = Self::new();
        world.register(20, "*", "model/*");
        world.http(&event("e1", "com.example.note", MODEL, &json!({"text": "a \"quoted\" \\ line ä"})));
        world.signed(&event("e3", "com.example.note", MODEL, &json!({"by": 20})), 20, false);
        world.signed(&event("e4", "com.example.note", MODEL, &json!({"by": 20})), 20, true);
        world.http_raw("application/cloudevents+json", b"{\"broken\":");
        world.http(&event("e1", "com.example.note", MODEL, &json!({"text": "another"})));
        world.seal();
        world.rotate(2);
        world.http(&event("e6", "com.example.note", MODEL, &json!({"after": "rotation"})));
        world.kafka();
        world.seal();
        world
    }

    pub(crate) fn http(&mut self, event: &Value) -> Outcome {
        self.http_raw("application/cloudevents+json", &serde_json::to_vec(event).unwrap())
    }

    pub(crate) fn http_raw(&mut self, content_type: &str, body: &[u8]) -> Outcome {
        let record = Record::http(None, &[("content-type", content_type)], body).unwrap();
        let arrival = Arrival::Http { producer: "local".to_owned() };
        self.admit(Via::Http, &record, &arrival)
    }

    fn admit(&mut self, via: Via, record: &Record, arrival: &Arrival) -> Outcome {
        let salt = self.salt();
        let prepared = Prepared::new(via, &record.view(), salt, LIMIT, ORIGIN);
        self.sequencer.admit(prepared, arrival).unwrap()
    }

    fn salt(&self) -> [u8; 16] {
        let mut salt = [0x5A; 16];
        salt[8..].copy_from_slice(&self.sequencer.next_index().get().to_be_bytes());
        salt
    }

    /// A signed event; with `spoil` the signature is of something else.
    pub(crate) fn signed(&mut self, event: &Value, seed: u8, spoil: bool) -> Outcome {
        let mut event = event.clone();
        event["modeltrailorigin"] = json!(ORIGIN);
        let payload = serde_json::to_vec(&event).unwrap();
        let payload_type = "application/cloudevents+json";
        let (key, id) = producer(seed);
        let message = if spoil { b"something else".to_vec() } else { pae(payload_type, &payload) };
        let sig = STANDARD.encode(key.sign(&message).to_bytes());
        let envelope = json!({"payload": STANDARD.encode(&payload), "payloadType": payload_type, "signatures": [{"keyid": id.to_string(), "sig": sig}]});
        self.http_raw("application/vnd.dsse.envelope.v1+json", &serde_json::to_vec(&envelope).unwrap())
    }

    pub(crate) fn register(&mut self, seed: u8, types: &str, subjects: &str) {
        let (key, id) = producer(seed);
        let public = STANDARD.encode([&[1u8], key.verifying_key().as_bytes().as_slice()].concat());
        let entitlement = json!({"types": [types], "subjects": [subjects]});
        let data = json!({"key_id": id, "alg": "ed25519", "public_key": public, "producer": "pipeline", "entitlement": entitlement});
        self.sequencer.register_producer(data).unwrap();
    }

    pub(crate) fn revoke(&mut self, seed: u8) {
        let (_, id) = producer(seed);
        self.sequencer.revoke_producer(&id.to_string(), "left").unwrap();
    }

    /// An event with more subjects than a header has room for, the model among them.
    fn wide(&mut self, id: &str) {
        let derived: Vec<Value> = (0..60).map(|at| json!({"name": format!("part{at}"), "version": "1"})).collect();
        let data = json!({"name": "claims", "version": "7", "derived_from": derived});
        self.http(&json!({"specversion": "1.0", "id": id, "source": "//ci.example", "type": "modeltrail.dataset.version_registered.v1", "data": data}));
    }

    fn kafka(&mut self) {
        let row = PositionRow {
            source: "ml-events".to_owned(),
            partition: 0,
            generation: 1,
            next: 10,
            cluster: "c1".to_owned(),
            topic: "events".to_owned(),
            topic_id: "unknown".to_owned(),
            leader_epoch: -1,
            halted: None,
            closed: false,
        };
        self.sequencer
            .open_source(&row, &[NewPartition { partition: 0, first: 10, leader_epoch: -1 }], json!({}))
            .unwrap();
        for (offset, id) in [(10, "k1"), (13, "k2"), (14, "k1"), (15, "k3")] {
            let body = serde_json::to_vec(&event(id, "com.example.note", MODEL, &json!({"from": "kafka"}))).unwrap();
            let headers = [("content-type", Some("application/cloudevents+json"))];
            let record =
                Record::kafka(Some(b"fraud"), Some(1_772_546_520_000), TimestampType::Create, &headers, Some(&body))
                    .unwrap();
            let partition = PartitionId { source: "ml-events".to_owned(), partition: 0 };
            self.admit(Via::Kafka, &record, &Arrival::Kafka { partition, offset, leader_epoch: -1 });
        }
    }

    /// Destroys the record of an event and says so.
    pub(crate) fn erase(&mut self, source: &str, id: &str) {
        let (index, header) = self
            .headers()
            .into_iter()
            .find(|(_, header)| header.event.as_ref().is_some_and(|event| event.source == source && event.id == id))
            .unwrap();
        let subjects: Vec<_> = header.trails.iter().map(|step| step.subject.clone()).collect();
        let data = json!({"entries": [index], "subjects": subjects, "ground": "consent withdrawn", "erased_at": "2026-03-04T00:00:00Z"});
        self.sequencer.own("modeltrail.record.erased.v1", data).unwrap();
        self.store.tamper_opening(index, None);
    }

    pub(crate) fn own(&mut self, event_type: &str, data: Value) -> EntryIndex {
        self.sequencer.own(event_type, data).unwrap()
    }

    pub(crate) fn rotate(&mut self, seed: u8) {
        self.sequencer.rotate(Arc::new(ledger_key(seed)), Rotation::Scheduled).unwrap();
        self.seal();
        self.key = seed;
    }

    pub(crate) fn seal(&mut self) {
        if let Some(batch) = self.sequencer.finish() {
            self.store.seal(&batch).unwrap();
            self.sequencer.synced(batch.size);
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.store.checkpoint_up_to(TreeSize::new(u64::MAX)).unwrap().unwrap().0.get()
    }

    pub(crate) fn headers(&self) -> Vec<(u64, EntryHeader)> {
        headers(&self.store)
    }

    pub(crate) fn bundle(&self) -> Files {
        bundle_of(&self.store, &[MODEL], self.key)
    }

    /// The same ledger as an operator with the key would forge it: headers and openings changed, chain, tree and signatures made anew.
    pub(crate) fn forged(&self, mut change: impl FnMut(u64, &mut EntryHeader, &mut Option<Vec<u8>>)) -> MemoryStore {
        let mut entries = Vec::new();
        for (index, mut header) in self.headers() {
            let mut opening = self.store.opening(EntryIndex(index)).unwrap();
            change(index, &mut header, &mut opening);
            entries.push((header, opening));
        }
        store_of(entries, |size| self.keys_of(size))
    }

    /// Seeds of the keys that sign a checkpoint of this size.
    fn keys_of(&self, size: u64) -> Vec<u8> {
        let rotation = self
            .headers()
            .into_iter()
            .find(|(_, header)| header.event.as_ref().is_some_and(|event| event.r#type == "modeltrail.key.rotated.v1"));
        match rotation {
            Some((index, _)) if size == index + 1 => vec![1, 2],
            Some((index, _)) if size > index + 1 => vec![2],
            _ => vec![1],
        }
    }
}

pub(crate) fn headers(store: &MemoryStore) -> Vec<(u64, EntryHeader)> {
    let size = store.checkpoint_up_to(TreeSize::new(u64::MAX)).unwrap().unwrap().0.get();
    (0..size)
        .map(|index| (index, EntryHeader::parse(&store.header(EntryIndex(index)).unwrap().unwrap()).unwrap()))
        .collect()
}

/// Seals entries one by one, each with the checkpoint that the keys at its size sign.
pub(crate) fn store_of(entries: Vec<(EntryHeader, Option<Vec<u8>>)>, keys: impl Fn(u64) -> Vec<u8>) -> MemoryStore {
    let store = MemoryStore::new();
    let mut edge = Edge::new();
    let mut prev = Hex32([0; 32]);
    for (index, (mut header, opening)) in (0u64..).zip(entries) {
        header.prev = prev;
        let bytes = header.to_bytes();
        let leaf = leaf_hash(&bytes);
        prev = Hex32(*leaf.as_bytes());
        let mut tiles = Vec::new();
        edge.append(leaf, &mut tiles);
        let size = index + 1;
        let checkpoint = Checkpoint { origin: ORIGIN.to_owned(), size: TreeSize::new(size), root: edge.root() };
        let signers: Vec<_> = keys(size).into_iter().map(ledger_key).collect();
        let note = checkpoint.sign(&signers.iter().collect::<Vec<_>>()).unwrap();
        let trails = header.trails.iter().map(|step| (step.subject.clone(), step.n, EntryIndex(index))).collect();
        let entries = vec![SealedEntry { header: bytes, opening }];
        store
            .seal(&SealBatch {
                first: index,
                entries,
                trails,
                tiles,
                size,
                checkpoint: note.to_string(),
                ..SealBatch::default()
            })
            .unwrap();
    }
    store
}

pub(crate) fn bundle_of(store: &MemoryStore, subjects: &[&str], key: u8) -> Files {
    Files::unzip(&zip_of(store, subjects, key))
}

pub(crate) fn zip_of(store: &MemoryStore, subjects: &[&str], key: u8) -> Vec<u8> {
    let view = StoreView::new(store, TreeSize::new(u64::MAX)).unwrap();
    let request = Request { subjects: subjects.iter().map(|subject| (*subject).to_owned()).collect(), as_of: None };
    let sign = |text: &str| Ok(sign(text, key));
    export(&view, &request, sign, Cursor::new(Vec::new())).unwrap().out.into_inner()
}

pub(crate) fn sign(text: &str, key: u8) -> Note {
    let mut note = Note::new(text.to_owned()).unwrap();
    note.sign(&ledger_key(key));
    note
}

/// A bundle as a set of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files {
    pub(crate) fn unzip(zip: &[u8]) -> Self {
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut files = BTreeMap::new();
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).unwrap();
            let name = file.name().unwrap().into_owned();
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            files.insert(name, bytes);
        }
        Self(files)
    }

    pub(crate) fn zip(&self) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in &self.0 {
            let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    pub(crate) fn unpack(&self, to: &Path) {
        for (name, bytes) in &self.0 {
            let path = to.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    pub(crate) fn lines(&self, file: &str) -> Vec<String> {
        String::from_utf8(self.0[file].clone()).unwrap().lines().map(str::to_owned).collect()
    }

    pub(crate) fn set_lines(&mut self, file: &str, lines: &[String]) {
        self.0.insert(
            file.to_owned(),
            lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>().into_bytes(),
        );
    }

    /// Lists the files as they are and signs the manifest, as an operator with the key would.
    pub(crate) fn relist(&mut self, key: u8, change: impl FnOnce(&mut Manifest)) {
        let mut manifest = Manifest::parse(&self.0["MANIFEST.json"]).unwrap();
        let listed = self
            .0
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "MANIFEST.json" | "MANIFEST.note" | "checkpoint"));
        manifest.files = listed.map(|(name, bytes)| (name.clone(), FileDigest::of(bytes))).collect();
        change(&mut manifest);
        let bytes = manifest.to_bytes();
        let note = sign(&Manifest::note_text(&manifest.origin, &bytes), key);
        self.0.insert("MANIFEST.json".to_owned(), bytes);
        self.0.insert("MANIFEST.note".to_owned(), note.to_bytes());
    }

    pub(crate) fn verify(&self, pin: Option<VerifierKey>) -> Result<Report, VerifyError> {
        self.verify_with(pin, None)
    }

    pub(crate) fn verify_with(&self, pin: Option<VerifierKey>, tiles: Option<&Path>) -> Result<Report, VerifyError> {
        let trust = Trust { pin, policy: None };
        verify_bundle(&mut BundleReader::from_bytes(self.zip())?, &Options { trust: &trust, tiles, progress: &|_| {} })
    }
}

/// Writes the mirror of a ledger's entry bundles.
pub(crate) fn mirror(store: &MemoryStore, to: &Path) {
    let bytes: Vec<Vec<u8>> = headers(store).into_iter().map(|(_, header)| header.to_bytes()).collect();
    for (place, chunk) in (0u64..).zip(bytes.chunks(256)) {
        let path = to.join(entries_path(place, u16::try_from(chunk.len()).unwrap()));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, encode_bundle(chunk.iter().map(Vec::as_slice)).unwrap()).unwrap();
    }
}
