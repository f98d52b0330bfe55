//! Reads a filled embedded broker into a real ledger and prints how fast that went: `cargo run -p modeltrail-ingest --example throughput [records]`.

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use modeltrail_ingest::Properties;
use modeltrail_ingest::broker::{EmbeddedBroker, PARTITION_BYTES};
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_ingest::{Ingest, IngestConfig};
use support::{TestLedger, until_durable};

fn main() {
    let records: u64 = std::env::args().nth(1).map_or(200_000, |text| text.parse().expect("a number of records"));
    let partitions = u32::try_from(records * 1_400 / PARTITION_BYTES as u64).expect("fits") + 1;
    let broker = EmbeddedBroker::start(&[("t", partitions)]).expect("a broker");
    let producer = Producer::new(&Properties::bootstrap(broker.bootstrap())).expect("a producer");
    let filler = "x".repeat(850);
    for id in 0..records {
        let body = format!(
            "{{\"specversion\":\"1.0\",\"id\":\"e{id}\",\"source\":\"bench\",\"type\":\"com.example.tried\",\"subject\":\"run/bench/r{}\",\"data\":{{\"filler\":\"{filler}\"}}}}",
            id % 1000
        );
        let partition = Some(u32::try_from(id % u64::from(partitions)).expect("fits"));
        producer
            .send(Outgoing { topic: "t", partition, payload: Some(body.as_bytes()), tag: id, ..Outgoing::default() })
            .expect("sent");
    }
    producer.flush(Duration::from_secs(120)).expect("delivered");
    let mut ends = std::collections::BTreeMap::new();
    for delivered in producer.take_delivered() {
        let end = ends.entry(delivered.partition).or_insert(0);
        *end = (*end).max(delivered.offset + 1);
    }
    drop(producer);
    let ledger = TestLedger::new();
    let config = IngestConfig { sources: vec![broker.source("bench", "t")], ..IngestConfig::default() };
    let begun = Instant::now();
    let ingest = Ingest::start(&config, &ledger.sink()).expect("started");
    until_durable(&ledger, &ingest, "bench", &ends, 300);
    let took = begun.elapsed();
    println!(
        "{records} records from {partitions} partitions in {:.2} s: {:.0} records/s",
        took.as_secs_f64(),
        records as f64 / took.as_secs_f64()
    );
}
