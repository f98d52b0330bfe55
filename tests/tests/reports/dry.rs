//! Ledgers in memory: the demo's story played without Kafka and HTTP, and small ones of a test's own.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use modeltrail_compliance::bundle::export_dossier;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::clock::Clock;
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::prepared::Prepared;
use modeltrail_core::sequencer::{After, Arrival, NewPartition, Opening, PartitionId, Sequencer};
use modeltrail_core::store::{PositionRow, Store as _};
use modeltrail_core::verify::{Options, Report, Trust, verify_bundle};
use modeltrail_demo::{Channel, Story};
use modeltrail_schemas::record::{Record, TimestampType, Via};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::{Note, SignerKey};
use modeltrail_tlog::tree::TreeSize;
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "bank.example/models";
/// Room for a registration of ten thousand datasets.
const RECORD_LIMIT: usize = 4 << 20;

/// Stands still but for a millisecond a look, so that two plays give the same ledger.
struct StillClock(AtomicI64);

impl StillClock {
    fn advance_to(&self, at: Micros) {
        self.0.fetch_max(at.as_micros(), Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now(&self) -> Micros {
        Micros::new(self.0.fetch_add(1_000, Ordering::Relaxed)).unwrap()
    }

    fn monotonic(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn kind(&self) -> &'static str {
        "simulated"
    }
}

fn key() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

/// A ledger in memory.
pub(crate) struct Dry {
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<StillClock>,
    sequencer: Sequencer<MemoryStore>,
    next: BTreeMap<(String, u32), u64>,
    sent: u64,
}

impl Dry {
    /// A ledger without events.
    pub(crate) fn empty() -> Self {
        let story = Story::load().unwrap();
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(StillClock(AtomicI64::new(story.start().as_micros())));
        let mut drawn = 0_u128;
        let salts = Box::new(move || {
            drawn += 1;
            drawn.to_be_bytes()
        });
        let opening = Opening { signer: Arc::new(key()), clock: Arc::clone(&clock) as Arc<_>, salts };
        let mut sequencer = Sequencer::genesis(Arc::clone(&store), ORIGIN, opening, "dry").unwrap();
        sequencer.opened(1, After::Init, None, "dry").unwrap();
        let mut dry = Self { store, clock, sequencer, next: BTreeMap::new(), sent: 0 };
        dry.seal();
        dry
    }

    /// The whole story.
    pub(crate) fn story() -> Self {
        let story = Story::load().unwrap();
        let mut dry = Self::empty();
        for source in story.sources() {
            let row = PositionRow {
                source: source.topic.clone(),
                partition: 0,
                generation: 1,
                next: 0,
                cluster: "dry".to_owned(),
                topic: source.topic.clone(),
                topic_id: "unknown".to_owned(),
                leader_epoch: -1,
                halted: None,
                closed: false,
            };
            let new: Vec<NewPartition> = (0..source.partitions)
                .map(|partition| NewPartition { partition, first: 0, leader_epoch: -1 })
                .collect();
            dry.sequencer.open_source(&row, &new, json!({})).unwrap();
        }
        for registration in story.registrations() {
            dry.sequencer.register_producer(registration.clone()).unwrap();
        }
        for act in story.acts() {
            dry.clock.advance_to(act.arrives);
            let wire = story.wire(act, ORIGIN);
            match act.via {
                Channel::Http => {
                    let headers: Vec<(&str, &str)> =
                        wire.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                    let record = Record::http(None, &headers, wire.body.as_deref().unwrap()).unwrap();
                    dry.admit(Via::Http, &record, &Arrival::Http { producer: "local".to_owned() });
                }
                Channel::Kafka => {
                    let at = Some(act.at.as_micros() / 1_000);
                    let (key, body) = (Some(act.key.as_bytes()), wire.body.as_deref());
                    let record = Record::kafka(key, at, TimestampType::Create, &wire.kafka_headers(), body).unwrap();
                    let partition = story.partition(&act.topic, &act.key);
                    let next = dry.next.entry((act.topic.clone(), partition)).or_default();
                    let offset = *next;
                    *next += 1;
                    let id = PartitionId { source: act.topic.clone(), partition };
                    dry.admit(Via::Kafka, &record, &Arrival::Kafka { partition: id, offset, leader_epoch: 0 });
                }
            }
            dry.sequencer.flush_positions(false).unwrap();
            dry.seal();
        }
        dry.sequencer.flush_positions(true).unwrap();
        dry.seal();
        dry
    }

    /// An event over HTTP.
    pub(crate) fn event(&mut self, event_type: &str, data: &Value) {
        self.sent += 1;
        let event = json!({
            "specversion": "1.0", "id": format!("e{}", self.sent), "source": "//ci.example", "type": event_type,
            "time": "2026-03-03T14:02:00Z", "data": data,
        });
        let body = serde_json::to_vec(&event).unwrap();
        let record = Record::http(None, &[("content-type", "application/cloudevents+json")], &body).unwrap();
        self.admit(Via::Http, &record, &Arrival::Http { producer: "local".to_owned() });
    }

    fn admit(&mut self, via: Via, record: &Record, arrival: &Arrival) {
        let prepared = Prepared::new(via, &record.view(), [3; 16], RECORD_LIMIT, ORIGIN);
        self.sequencer.admit(prepared, arrival).unwrap();
    }

    pub(crate) fn seal(&mut self) {
        if let Some(batch) = self.sequencer.finish() {
            self.store.seal(&batch).unwrap();
            self.sequencer.synced(batch.size);
        }
    }

    pub(crate) fn view(&self) -> StoreView<'_, MemoryStore> {
        StoreView::new(self.store.as_ref(), TreeSize::new(u64::MAX)).unwrap()
    }

    /// The bundle of a version with its dossier, as zip.
    pub(crate) fn bundle(&self, version: &str, as_of: Option<u64>) -> Vec<u8> {
        let sign = |text: &str| -> Result<Note, Box<dyn Error + Send + Sync>> {
            let mut note = Note::new(text.to_owned())?;
            note.sign(&key());
            Ok(note)
        };
        let as_of = as_of.map(TreeSize::new);
        let made = export_dossier(&self.view(), version, as_of, sign, Cursor::new(Vec::new())).unwrap();
        made.out.into_inner()
    }
}

/// Verifies a bundle under the ledger's key.
pub(crate) fn verify(reader: &mut BundleReader) -> Report {
    let trust = Trust { pin: Some(key().verifier().clone()), policy: None };
    verify_bundle(reader, &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap()
}

/// Unpacks a bundle into a directory.
pub(crate) fn unpack(bundle: Vec<u8>, to: &Path) {
    let mut reader = BundleReader::from_bytes(bundle).unwrap();
    let names: Vec<String> = reader.names().map(str::to_owned).collect();
    for name in names {
        let bytes = reader.read(&name, u64::MAX).unwrap();
        let path = to.join(&name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
