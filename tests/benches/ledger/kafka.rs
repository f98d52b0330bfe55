//! Kafka to durable entries, and the ceiling: consume, and write the same rows, synced, with nothing in between.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use modeltrail_core::header::EntryHeader;
use modeltrail_core::store::{SealBatch, SealedEntry, Store};
use modeltrail_core::types::{EntryIndex, id_hash};
use modeltrail_ingest::admin::Admin;
use modeltrail_ingest::broker::{EmbeddedBroker, PARTITION_BYTES};
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Ingest, IngestConfig, LedgerSink, Properties, Sink, SourceConfig};
use modeltrail_store::rocks::{Access, RocksStore};
use modeltrail_store::{Opened, Views};
use modeltrail_tests::kafka::{KafkaBroker, KafkaTools};
use modeltrail_tlog::tile::{FULL_WIDTH, new_tiles};
use modeltrail_tlog::tree::TreeSize;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};

use crate::Job;
use crate::figures::Figures;
use crate::world::{Lap, MODELS, Stopwatch, WallClock, begin, event, memory, threads};

const TOPIC: &str = "modeltrail-bench";
const SOURCE: &str = "bench";
/// Partitions on a real Kafka.
const PARTITIONS: u32 = 4;
/// What the embedded broker is reckoned to keep for one of our events: more than it does, so that none falls out unread.
const EMBEDDED_EVENT_BYTES: u64 = 1_500;
/// Without a new record for so long, something is broken.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the durable positions are looked at: seldom enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The largest seal: the ceiling writes in the batches that cost least.
const SEAL: u64 = 1_024;
/// Messages that the ceiling's consumer hands over at a time.
const HANDED: usize = 256;

/// Where the events come from.
pub(crate) enum Broker {
    /// Apache Kafka.
    Real(KafkaBroker),
    /// librdkafka's mock cluster, in this process.
    Embedded(EmbeddedBroker),
}

fn embedded_partitions(entries: u64) -> u32 {
    let needed = entries * EMBEDDED_EVENT_BYTES / PARTITION_BYTES as u64 + 1;
    u32::try_from(needed).unwrap_or(u32::MAX).max(PARTITIONS)
}

impl Broker {
    /// Apache Kafka where it can be had, with an empty topic.
    pub(crate) fn start(entries: u64) -> Result<Self> {
        if std::env::var_os("KAFKA_BOOTSTRAP").is_none()
            && let Err(missing) = KafkaTools::find()
        {
            eprintln!("NOT A REAL KAFKA: {}; the embedded broker stands in for it", missing.what);
            return Ok(Self::Embedded(EmbeddedBroker::start(&[(TOPIC, embedded_partitions(entries))])?));
        }
        let broker = KafkaBroker::start()?;
        Admin::new(&Properties::bootstrap(broker.bootstrap()))?.create_topic(TOPIC, PARTITIONS, &[])?;
        Ok(Self::Real(broker))
    }

    /// `host:port` for clients.
    pub(crate) fn bootstrap(&self) -> &str {
        match self {
            Self::Real(broker) => broker.bootstrap(),
            Self::Embedded(broker) => broker.bootstrap(),
        }
    }

    /// Whether it is the one that is no Kafka.
    pub(crate) fn is_embedded(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// What it is, for the table.
    pub(crate) fn about(&self) -> &'static str {
        match self {
            Self::Real(_) => "Apache Kafka, one node on this machine",
            Self::Embedded(_) => "the EMBEDDED broker, not a Kafka",
        }
    }

    /// Fills the topic.
    pub(crate) fn fill(&self, entries: u64) -> Result<()> {
        let partitions = if self.is_embedded() { embedded_partitions(entries) } else { PARTITIONS };
        let producer = Producer::new(&Properties::bootstrap(self.bootstrap()))?;
        let headers = [("content-type", Some(&b"application/cloudevents+json"[..]))];
        let begun = Instant::now();
        for number in 0..entries {
            let (body, key) = (event(number), format!("model-{:04}", number % MODELS));
            producer.send(Outgoing {
                topic: TOPIC,
                partition: Some(u32::try_from(number % u64::from(partitions))?),
                key: Some(key.as_bytes()),
                headers: &headers,
                payload: Some(&body),
                tag: number,
                ..Outgoing::default()
            })?;
        }
        producer.flush(Duration::from_secs(300))?;
        eprintln!(
            "{entries} events of {} bytes are in the broker after {:.1} s",
            event(0).len(),
            begun.elapsed().as_secs_f64()
        );
        Ok(())
    }
}

/// Positions of the source that are durable.
fn durable(opened: &Opened) -> Result<u64> {
    Ok(opened.ledger.positions()?.iter().filter(|row| row.source == SOURCE).map(|row| row.next).sum())
}

/// Reads the topic into a new ledger, as `modeltraild` does; the log alone.
pub(crate) fn ingest(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = begin(&job.ledger())?;
    figures.set("memory.before", memory().0);
    let read = read(job, "log", &opened)?;
    read.lap.note(figures, "kafka.rate", read.records);
    let seconds = read.lap.seconds;
    figures.set("kafka.seconds", seconds);
    figures.set("kafka.per_seal", read.entries / read.seals);
    figures.set("kafka.sync_ms", read.syncing * 1e3 / read.seals);
    figures.set("kafka.sync_share", read.syncing / seconds * 100.0);
    for (thread, time) in read.threads {
        figures.set(&format!("cpu.kafka.{thread}"), time);
    }
    figures.set("memory.after", read.memory.0);
    figures.set("memory.peak", read.memory.1);
    sizes(&opened, figures)?;
    opened.stop();
    Ok(())
}

/// The same with the views following.
pub(crate) fn ingest_with_views(job: &Job, figures: &mut Figures) -> Result<()> {
    let opened = begin(&job.file("kafka-views"))?;
    let views = Views::start(&opened);
    let read = read(job, "views", &opened)?;
    read.lap.note(figures, "kafka.views.rate", read.records);
    figures.set("views.behind", views.handle().behind() as f64);
    figures.set("views.behind_seconds", views.handle().behind_seconds());
    figures.set("memory.views.peak", memory().1);
    views.stop();
    opened.stop();
    Ok(())
}

/// What was read from the first durable record on. Asking for identity and the first fetch are paid once and not counted.
struct Read {
    lap: Lap,
    records: f64,
    entries: f64,
    seals: f64,
    /// Seconds in synced writes.
    syncing: f64,
    threads: BTreeMap<String, f64>,
    /// Resident now and at its highest, in MiB, under load.
    memory: (f64, f64),
}

/// Each ledger needs a group of its own: the one before left its root there, and what is read into another would stop.
fn read(job: &Job, group: &str, opened: &Opened) -> Result<Read> {
    let appender = opened.appender().context("a new ledger can be written")?;
    let kafka = Properties::bootstrap(&job.bootstrap);
    let source = SourceConfig { topic_ids: !job.embedded, ..SourceConfig::new(SOURCE, TOPIC, kafka) };
    let config =
        IngestConfig { sources: vec![source], group: Some(format!("bench-{group}")), ..IngestConfig::default() };
    let sink: Arc<dyn Sink> =
        Arc::new(LedgerSink::new(appender.clone(), Arc::clone(&opened.ledger), WallClock::shared()));
    let ingest = Ingest::start(&config, &sink)?;
    let (mut seen, mut moved) = (0, Instant::now());
    let mut first = None;
    while seen < job.entries {
        std::thread::sleep(LOOK_EVERY);
        let now = durable(opened)?;
        if now != seen {
            (seen, moved) = (now, Instant::now());
            if first.is_none() {
                first = Some((now, Stopwatch::start()?, appender.metrics()));
            }
        } else if moved.elapsed() > PATIENCE {
            let (entries, writer) = (job.entries, opened.ledger.status());
            bail!(
                "{seen} of {entries} records are durable, and none came for a minute: {writer:?}, {:?}",
                ingest.status()
            );
        }
    }
    let (count, watch, before) = first.context("nothing was read")?;
    let (lap, after) = (watch.stop()?, appender.metrics());
    let read = Read {
        lap,
        records: (seen - count) as f64,
        entries: (after.entries - before.entries) as f64,
        seals: (after.seals - before.seals) as f64,
        syncing: (after.sync_micros - before.sync_micros) as f64 / 1e6,
        threads: threads()?,
        memory: memory(),
    };
    ingest.shutdown();
    Ok(read)
}

fn sizes(opened: &Opened, figures: &mut Figures) -> Result<()> {
    let store = opened.ledger.store();
    store.flush()?;
    let entries = opened.ledger.head().size as f64;
    let mut beyond = 0.0;
    let mut disk = 0.0;
    for (family, bytes) in store.sizes()? {
        let each = bytes as f64 / entries;
        figures.set(&format!("disk.{family}"), each);
        disk += each;
        if !["headers", "records"].contains(&family) {
            beyond += each;
        }
    }
    figures.set("bytes.disk", disk);
    figures.set("bytes.beyond", beyond);
    Ok(())
}

/// Consumes the topic on one thread and writes, on another, the rows that the ledger has for it.
pub(crate) fn ceiling(job: &Job, figures: &mut Figures) -> Result<()> {
    let batches = prebuilt(&job.ledger().join("log"))?;
    let store = RocksStore::open(&job.file("ceiling"), Access::Create)?;
    let (to_writer, consumed) = sync_channel(16);
    let (bootstrap, entries) = (job.bootstrap.clone(), job.entries);
    let consumer = std::thread::Builder::new().name("consume".to_owned());
    let consumer = consumer.spawn(move || consume(&bootstrap, entries, &to_writer))?;
    let writer = std::thread::Builder::new().name("write".to_owned());
    let writer = writer.spawn(move || write(&store, &batches, &consumed))?;
    let (lap, ours) = writer.join().map_err(|_| anyhow::anyhow!("the ceiling's writer panicked"))??;
    let theirs = consumer.join().map_err(|_| anyhow::anyhow!("the ceiling's consumer panicked"))??;
    lap.note(figures, "kafka.ceiling", job.entries as f64);
    // Times only grow, and of a thread that ended nobody tells any more: the larger one is the later one.
    for (thread, time) in &ours {
        figures.set(&format!("cpu.ceiling.{thread}"), time.max(*theirs.get(thread).unwrap_or(time)));
    }
    for (thread, time) in theirs.iter().filter(|(thread, _)| !ours.contains_key(*thread)) {
        figures.set(&format!("cpu.ceiling.{thread}"), *time);
    }
    Ok(())
}

/// The seals that make up the ledger, in batches of the largest size.
fn prebuilt(log: &Path) -> Result<Vec<SealBatch>> {
    let store = RocksStore::open(log, Access::Read)?;
    let (size, note) = store.checkpoint_up_to(TreeSize::new(u64::MAX))?.context("the ledger has no checkpoint")?;
    let positions = store.positions()?;
    let mut batches = Vec::new();
    for first in (0..size.get()).step_by(SEAL as usize) {
        let end = (first + SEAL).min(size.get());
        let mut batch = SealBatch {
            first,
            size: end,
            checkpoint: note.clone(),
            positions: positions.clone(),
            ..SealBatch::default()
        };
        batch.drop_checkpoints.extend((first > 0).then_some(first));
        for index in (first..end).map(EntryIndex) {
            add(&mut batch, &store, index)?;
        }
        for tile in new_tiles(TreeSize::new(first), TreeSize::new(end)).filter(|tile| tile.width == FULL_WIDTH) {
            let hashes = store.tile(tile.level, tile.index)?.context("a full tile is missing")?;
            batch.tiles.push((tile, hashes));
        }
        batches.push(batch);
    }
    Ok(batches)
}

fn add(batch: &mut SealBatch, store: &RocksStore, index: EntryIndex) -> Result<()> {
    let bytes = store.header(index)?.context("a header is missing")?;
    let header = EntryHeader::parse(&bytes)?;
    if let Some(event) = header.event.as_ref().filter(|_| header.received.via != "ledger") {
        batch.ids.push((id_hash(&event.source, &event.id), index));
    }
    batch.trails.extend(header.trails.into_iter().map(|step| (step.subject, step.n, index)));
    batch.entries.push(SealedEntry { header: bytes, opening: store.opening(index)? });
    Ok(())
}

/// The settings of the ledger's own consumer that decide how fast it fetches.
const FETCH: [(&str, &str); 9] = [
    ("enable.auto.commit", "false"),
    ("isolation.level", "read_committed"),
    ("check.crcs", "true"),
    ("fetch.min.bytes", "65536"),
    ("fetch.wait.max.ms", "50"),
    ("fetch.message.max.bytes", "4194304"),
    ("queued.max.messages.kbytes", "32768"),
    ("queued.min.messages", "100000"),
    ("fetch.queue.backoff.ms", "100"),
];

fn consume(bootstrap: &str, entries: u64, to: &SyncSender<Vec<Vec<u8>>>) -> Result<BTreeMap<String, f64>> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap).set("group.id", "modeltrail-bench-ceiling");
    for (name, value) in FETCH {
        config.set(name, value);
    }
    let consumer: BaseConsumer = config.create()?;
    let metadata = consumer.fetch_metadata(Some(TOPIC), PATIENCE)?;
    let partitions = metadata.topics().iter().map(|topic| topic.partitions().len()).sum::<usize>();
    let mut assignment = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions)? {
        assignment.add_partition_offset(TOPIC, partition, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    let mut handed = Vec::with_capacity(HANDED);
    for number in 0..entries {
        let message = consumer.poll(PATIENCE).with_context(|| format!("message {number} did not come"))??;
        // Whoever writes on another thread needs bytes of its own.
        handed.push(message.payload().unwrap_or_default().to_vec());
        if handed.len() == HANDED || number + 1 == entries {
            to.send(std::mem::replace(&mut handed, Vec::with_capacity(HANDED)))?;
        }
    }
    threads()
}

/// Writes a batch whenever as many messages were consumed as it has entries. Counted is from the first message on.
fn write(
    store: &RocksStore,
    batches: &[SealBatch],
    consumed: &Receiver<Vec<Vec<u8>>>,
) -> Result<(Lap, BTreeMap<String, f64>)> {
    let mut begun = None;
    let mut ready = 0;
    let mut waiting = batches.iter().peekable();
    for handed in consumed {
        if begun.is_none() {
            begun = Some(Stopwatch::start()?);
        }
        ready += handed.len();
        while let Some(batch) = waiting.next_if(|batch| batch.entries.len() <= ready) {
            store.seal(batch)?;
            ready -= batch.entries.len();
        }
    }
    // The ledger's own entries are a few more than the messages.
    for batch in waiting {
        store.seal(batch)?;
    }
    Ok((begun.context("nothing was consumed")?.stop()?, threads()?))
}
