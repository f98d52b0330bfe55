//! A ledger in memory, through the real sequencer, and views of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use modeltrail_core::clock::Clock;
use modeltrail_core::keys::key_id;
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::prepared::{DEFAULT_RECORD_LIMIT, Prepared};
use modeltrail_core::sequencer::{After, Arrival, Opening, Outcome, Sequencer};
use modeltrail_core::store::Store as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_schemas::dsse::{Envelope, Signature, pae};
use modeltrail_schemas::record::{Record, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::SignerKey;
use modeltrail_views::fold::Folder;
use modeltrail_views::read::ReadEntry;
use modeltrail_views::store::MemoryViews;
use modeltrail_views::view::View;
use serde_json::{Value, json};

const ORIGIN: &str = "example.com/views";
const START: &str = "2026-03-01T00:00:00Z";
const PAYLOAD: &str = "application/cloudevents+json";

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Micros {
        let start: Micros = START.parse().unwrap();
        start.checked_add(self.0.fetch_add(1_000_000, Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

/// How an event is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    /// Not at all.
    No,
    /// By the registered key.
    Valid,
    /// By the registered key's name, wrongly.
    Bad,
    /// By a key that nobody registered.
    Unknown,
}

pub(crate) struct World {
    store: Arc<MemoryStore>,
    sequencer: Sequencer<MemoryStore>,
}

impl World {
    /// A ledger with one producer's key, which may speak for everything.
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let mut drawn = 0_u128;
        let salts = Box::new(move || {
            drawn += 1;
            drawn.to_be_bytes()
        });
        let signer = Arc::new(SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap());
        let opening = Opening { signer, clock: Arc::new(TestClock(AtomicI64::new(0))), salts };
        let mut sequencer = Sequencer::genesis(Arc::clone(&store), ORIGIN, opening, "test").unwrap();
        sequencer.opened(1, After::Init, None, "test").unwrap();
        let mut world = Self { store, sequencer };
        let public = key(1).verifying_key();
        let typed: Vec<u8> = std::iter::once(1).chain(public.as_bytes().iter().copied()).collect();
        let registration = json!({
            "key_id": key_id(1, public.as_bytes()).to_string(), "alg": "ed25519", "public_key": STANDARD.encode(typed), "producer": "desk",
            "entitlement": {"types": ["*"], "subjects": ["*"]},
        });
        world.sequencer.register_producer(registration).unwrap();
        world
    }

    /// Takes an event in and says at which index; `None` for a duplicate.
    pub(crate) fn send(&mut self, id: &str, event_type: &str, time: &str, data: &Value, signed: Signed) -> Option<u64> {
        let event = json!({
            "specversion": "1.0", "id": id, "source": "//desk", "type": format!("modeltrail.{event_type}.v1"), "time": time,
            "modeltrailorigin": ORIGIN, "data": data,
        });
        let body = serde_json::to_vec(&event).unwrap();
        match signed {
            Signed::No => self.raw("application/cloudevents+json", &body),
            Signed::Valid => self.raw("application/vnd.dsse.envelope.v1+json", &envelope(body, &key(1), false)),
            Signed::Bad => self.raw("application/vnd.dsse.envelope.v1+json", &envelope(body, &key(1), true)),
            Signed::Unknown => self.raw("application/vnd.dsse.envelope.v1+json", &envelope(body, &key(2), false)),
        }
    }

    /// Takes any bytes in.
    pub(crate) fn raw(&mut self, content_type: &str, body: &[u8]) -> Option<u64> {
        let record = Record::http(None, &[("content-type", content_type)], body).unwrap();
        let prepared = Prepared::new(Via::Http, &record.view(), [3; 16], DEFAULT_RECORD_LIMIT, ORIGIN);
        match self.sequencer.admit(prepared, &Arrival::Http { producer: "local".to_owned() }).unwrap() {
            Outcome::Entry { index, .. } => Some(index.get()),
            _ => None,
        }
    }

    /// An entry of the ledger's own.
    pub(crate) fn own(&mut self, event_type: &str, data: Value) -> u64 {
        self.sequencer.own(&format!("modeltrail.{event_type}.v1"), data).unwrap().get()
    }

    /// All entries so far, read.
    pub(crate) fn entries(&mut self) -> Vec<ReadEntry> {
        while let Some(batch) = self.sequencer.finish() {
            self.store.seal(&batch).unwrap();
            self.sequencer.synced(batch.size);
        }
        let read = |index: u64| {
            let header = self.store.header(EntryIndex(index)).unwrap()?;
            let opening = self.store.opening(EntryIndex(index)).unwrap();
            let whole = ReadEntry::new(&header, opening.as_deref()).unwrap();
            let to_fold = ReadEntry::to_fold(&header, opening.as_deref()).unwrap();
            // Whatever a test plays here: what is folded is what a whole reading says.
            assert_eq!((to_fold.trails(), &to_fold.data), (whole.trails(), &whole.data), "entry {index}");
            assert_eq!(to_fold.manifest_digest, whole.manifest_digest, "entry {index}");
            Some(to_fold)
        };
        (0..).map_while(read).collect()
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn envelope(payload: Vec<u8>, key: &SigningKey, forged: bool) -> Vec<u8> {
    let mut sig = key.sign(&pae(PAYLOAD, &payload)).to_bytes().to_vec();
    if forged {
        sig[3] ^= 1;
    }
    let keyid = key_id(1, key.verifying_key().as_bytes()).to_string();
    Envelope { payload_type: PAYLOAD.to_owned(), payload, signatures: vec![Signature { keyid, sig }] }.to_json()
}

/// Folds entries, written after each of these numbers of entries, in turn.
pub(crate) fn fold(entries: &[ReadEntry], batches: &[usize]) -> MemoryViews {
    let store = MemoryViews::new();
    let mut folder = Folder::new(&store).unwrap();
    let (mut sizes, mut left, mut size) = (batches.iter().copied().cycle(), 0, 0);
    for entry in entries {
        if left == 0 {
            folder.write(size, "").unwrap();
            left = sizes.next().unwrap_or(1_024).max(1);
        }
        folder.entry(entry).unwrap();
        size = entry.index() + 1;
        left -= 1;
    }
    folder.write(size, "").unwrap();
    drop(folder);
    store
}

/// Views of all entries of a world.
pub(crate) fn views(world: &mut World) -> (MemoryViews, u64) {
    let entries = world.entries();
    (fold(&entries, &[64]), entries.len() as u64)
}

/// Every row of every table as of a size, as text.
pub(crate) fn dump(view: &View<'_>) -> Vec<String> {
    let mut rows = Vec::new();
    for table in modeltrail_views::tables::Table::ALL {
        view.each(table, &[], None, &mut |key, value| {
            rows.push(format!("{table:?} {} {}", key.parts().join(" "), String::from_utf8_lossy(value)));
            true
        })
        .unwrap();
    }
    rows
}
