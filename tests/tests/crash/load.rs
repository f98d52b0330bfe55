//! What is sent while the daemon is killed: Kafka records in and outside transactions, HTTP events one by one and in batches.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use modeltrail_ingest::Properties;
use modeltrail_ingest::producer::{Outgoing, Producer};
use modeltrail_tests::http::{Answer, BATCH, Client, STRUCTURED};
use serde_json::json;

use crate::{PARTITIONS, TOPIC};

const KAFKA_LIMIT: Duration = Duration::from_secs(60);
/// Records of one transaction, events of one HTTP batch.
const TRANSACTION: u64 = 12;
const HTTP_BATCH: u64 = 10;

/// What was put at a position of the topic.
pub(crate) struct Sent {
    pub(crate) id: String,
    /// Not of an aborted transaction.
    pub(crate) visible: bool,
}

/// What one HTTP client sent and was told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) sent: BTreeSet<String>,
    /// Of each id answered with 2xx the index and the header in its receipt.
    pub(crate) acknowledged: BTreeMap<String, (u64, String)>,
    pub(crate) duplicates: u64,
    pub(crate) unanswered: u64,
}

fn event(id: &str) -> Vec<u8> {
    let number: usize = id.bytes().map(usize::from).sum();
    json!({"specversion": "1.0", "id": id, "source": "crash-test", "type": "com.example.tried", "subject": format!("model/m{}@1", number % 7),
        "data": {"text": "x".repeat(number % 300)}})
    .to_string()
    .into_bytes()
}

pub(crate) type Positions = BTreeMap<(u32, u64), Sent>;

fn send(producer: &Producer, id: &str, tag: u64) {
    let (payload, partition) = (event(id), u32::try_from(tag % u64::from(PARTITIONS)).unwrap());
    producer
        .send(Outgoing {
            topic: TOPIC,
            partition: Some(partition),
            payload: Some(&payload),
            tag,
            ..Outgoing::default()
        })
        .unwrap();
}

/// An idempotent producer. Every 40th event is sent once more, to another partition too, as a producer does that lost its own memory.
fn plain_load(properties: &Properties, stop: &AtomicBool) -> Positions {
    let producer = Producer::new(properties).unwrap();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..6 {
            send(&producer, &format!("k{number}"), number);
            if number % 40 == 39 {
                let again = number - 20;
                let partition = u32::try_from((again + number / 40) % u64::from(PARTITIONS)).unwrap();
                let payload = event(&format!("k{again}"));
                producer
                    .send(Outgoing {
                        topic: TOPIC,
                        partition: Some(partition),
                        payload: Some(&payload),
                        tag: again,
                        ..Outgoing::default()
                    })
                    .unwrap();
            }
            number += 1;
        }
        thread::sleep(Duration::from_millis(10));
    }
    producer.flush(KAFKA_LIMIT).unwrap();
    let delivered = producer.take_delivered().into_iter();
    delivered.map(|one| ((one.partition, one.offset), Sent { id: format!("k{}", one.tag), visible: true })).collect()
}

/// A transactional producer: every third transaction is aborted, and every second of these sent again and committed. The last one is aborted, so
/// that each partition ends in positions that nobody delivers.
fn transactional_load(properties: &Properties, stop: &AtomicBool) -> Positions {
    let producer = Producer::transactional(properties, "crash-test").unwrap();
    let mut sent = Positions::new();
    let mut transaction = |round: u64, commit: bool| {
        producer.begin().unwrap();
        (0..TRANSACTION).for_each(|place| send(&producer, &format!("t{round}-{place}"), place));
        if commit {
            producer.commit(KAFKA_LIMIT).unwrap()
        } else {
            producer.abort(KAFKA_LIMIT).unwrap()
        }
        let delivered = producer.take_delivered();
        assert_eq!(delivered.len() as u64, TRANSACTION, "every record of a transaction is at a position");
        let id = |tag| format!("t{round}-{tag}");
        sent.extend(
            delivered.into_iter().map(|one| ((one.partition, one.offset), Sent { id: id(one.tag), visible: commit })),
        );
    };
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        transaction(round, round % 3 != 2);
        if round % 6 == 5 {
            transaction(round, true);
        }
        round += 1;
        thread::sleep(Duration::from_millis(40));
    }
    transaction(round, false);
    sent
}

/// Sends the same bytes until an answer comes, or once only. Anything but success and "not now" is a failure.
fn until_answered(client: &Client, media_type: &str, body: &[u8], once: bool, told: &mut Told) -> Option<Answer> {
    loop {
        match client.emit(media_type, body) {
            Ok(answer) if matches!(answer.status, 200 | 201) => return Some(answer),
            Ok(answer) => assert_eq!(answer.status, 503, "{}", answer.words()),
            Err(_) => told.unanswered += 1,
        }
        if once {
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn note(told: &mut Told, id: String, status: u64, receipt: &serde_json::Value) {
    told.duplicates += u64::from(status == 200);
    let header = receipt["header"].as_str().expect("a receipt has the header").to_owned();
    told.acknowledged.insert(id, (receipt["index"].as_u64().expect("a receipt has the index"), header));
}

/// One event at a time; every ninth is given up when no answer comes, so that it may or may not be there.
fn http_load(client: &Client, name: &str, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for number in 0u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{name}-{number}");
        told.sent.insert(id.clone());
        if let Some(answer) = until_answered(client, STRUCTURED, &event(&id), number % 9 == 8, &mut told) {
            note(&mut told, id, u64::from(answer.status), &answer.json());
        }
        thread::sleep(Duration::from_millis(3));
    }
    told
}

/// A batch at a time, sent again as a whole until every element is answered.
fn batch_load(client: &Client, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for round in 0u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let ids: Vec<String> = (0..HTTP_BATCH).map(|place| format!("b{round}-{place}")).collect();
        told.sent.extend(ids.iter().cloned());
        let events: Vec<String> = ids.iter().map(|id| String::from_utf8(event(id)).unwrap()).collect();
        let body = format!("[{}]", events.join(","));
        loop {
            let answer = until_answered(client, BATCH, body.as_bytes(), false, &mut told).unwrap().json();
            let results = answer.as_array().expect("a batch is answered with a list");
            assert_eq!(results.len(), ids.len());
            let good = |result: &serde_json::Value| result["status"] == 200 || result["status"] == 201;
            assert!(results.iter().all(|result| good(result) || result["status"] == 503), "{answer:#}");
            for (id, result) in ids.iter().zip(results).filter(|(_, result)| good(result)) {
                note(&mut told, id.clone(), result["status"].as_u64().unwrap(), &result["receipt"]);
            }
            if results.iter().all(good) {
                break;
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    told
}

pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    kafka: Vec<JoinHandle<Positions>>,
    http: Vec<JoinHandle<Told>>,
}

impl Load {
    pub(crate) fn start(properties: &Properties, client: &Client) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let of_kafka = [plain_load as fn(&Properties, &AtomicBool) -> Positions, transactional_load].map(|load| {
            let (properties, stop) = (properties.clone(), Arc::clone(&stop));
            thread::spawn(move || load(&properties, &stop))
        });
        let mut http: Vec<JoinHandle<Told>> = Vec::new();
        for name in ["h0", "h1"] {
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            http.push(thread::spawn(move || http_load(&client, name, &stop)));
        }
        let (client, own) = (client.clone(), Arc::clone(&stop));
        http.push(thread::spawn(move || batch_load(&client, &own)));
        Self { stop, kafka: of_kafka.into(), http }
    }

    /// Fails at once when a client has failed, not after all kills.
    pub(crate) fn check(&self) {
        let ended = self.kafka.iter().any(JoinHandle::is_finished) || self.http.iter().any(JoinHandle::is_finished);
        assert!(!ended, "a client has failed; its panic stands above");
    }

    pub(crate) fn end(self) -> (Positions, Told) {
        self.stop.store(true, Ordering::Relaxed);
        let mut told = Told::default();
        for one in self.http.into_iter().map(|thread| thread.join().unwrap()) {
            told.sent.extend(one.sent);
            told.acknowledged.extend(one.acknowledged);
            told.duplicates += one.duplicates;
            told.unanswered += one.unanswered;
        }
        (self.kafka.into_iter().flat_map(|thread| thread.join().unwrap()).collect(), told)
    }
}
