//! A server that answers as the ledger's API does, from a ledger in memory, one request a connection.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use modeltrail_core::bundle::source::{LedgerRead as _, StoreView};
use modeltrail_core::memory::MemoryStore;
use modeltrail_core::receipt::Receipt;
use modeltrail_core::store::Store as _;
use modeltrail_core::types::EntryIndex;
use modeltrail_tlog::tlog_proof::TlogProof;
use modeltrail_tlog::tree::{TreeSize, consistency_proof, inclusion_proof};
use serde_json::{Value, json};

use crate::world::{headers, zip_of};

/// What the server was sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

/// An answer that is given instead of the ledger's.
pub(crate) type Canned = (u16, Vec<u8>);

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
    /// Given first, in this order; status 0 hangs up.
    pub(crate) canned: Arc<Mutex<VecDeque<Canned>>>,
}

impl Server {
    pub(crate) fn new(store: Arc<MemoryStore>, key: u8) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (requests, canned) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(VecDeque::new())));
        let server = Self { url, requests: Arc::clone(&requests), canned: Arc::clone(&canned) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = read(&stream);
                requests.lock().unwrap().push(request.clone());
                let canned = canned.lock().unwrap().pop_front();
                let (status, body) = canned.unwrap_or_else(|| answer(&store, key, &request));
                if status != 0 {
                    write(stream, status, &body);
                }
            }
        });
        server
    }

    pub(crate) fn can(&self, status: u16, body: &str) {
        self.canned.lock().unwrap().push_back((status, body.as_bytes().to_vec()));
    }
}

fn read(stream: &TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut headers = String::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim().is_empty() {
            break;
        }
        headers.push_str(&header.to_lowercase());
    }
    let length =
        headers.lines().find_map(|header| header.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Request { line: line.trim().to_owned(), headers, body }
}

fn write(mut stream: TcpStream, status: u16, body: &[u8]) {
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
}

fn answer(store: &MemoryStore, key: u8, request: &Request) -> Canned {
    let target = request.line.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decode(value)))
        .collect();
    let get = |name: &str| query.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let number = |name: &str| get(name).and_then(|value| value.parse::<u64>().ok());
    let json = |value: Value| (200, serde_json::to_vec(&value).unwrap());
    let view = StoreView::new(store, TreeSize::new(u64::MAX)).unwrap();
    let not_found = (404, br#"{"title":"not found","detail":"no such entry","status":404}"#.to_vec());
    match path {
        "/v1/trails" => json(trail(store, get("subject").unwrap(), number("after"), number("limit").unwrap().min(2))),
        "/v1/proofs/inclusion" => match number("index").filter(|index| *index < view.size().get()) {
            Some(index) => json(json!({"index": index, "tlog_proof": proof(&view, index).to_string()})),
            None => not_found,
        },
        "/v1/proofs/consistency" => {
            let (old, new) = (number("old").unwrap(), number("new").unwrap());
            let proof = consistency_proof(view.tiles(), TreeSize::new(old), TreeSize::new(new)).unwrap();
            json(json!({"old": old, "new": new, "proof": proof.iter().map(ToString::to_string).collect::<Vec<_>>()}))
        }
        "/v1/exports" => {
            let subjects: Vec<&str> =
                query.iter().filter(|(name, _)| name == "subject").map(|(_, value)| value.as_str()).collect();
            (200, zip_of(store, &subjects, key))
        }
        "/v1/events" => {
            // The receipt of entry 3 whatever was sent: enough to see what a client makes of one.
            let opening = store.opening(EntryIndex(3)).unwrap().unwrap();
            let header = store.header(EntryIndex(3)).unwrap().unwrap();
            let receipt =
                Receipt::new(&header, EntryIndex(3), &proof(&view, 3), &opening[..16].try_into().unwrap(), false)
                    .unwrap();
            (201, receipt.to_bytes())
        }
        _ => match path.strip_prefix("/v1/entries/").and_then(|index| index.parse::<u64>().ok()) {
            Some(index) if index < view.size().get() => json(entry(store, index)),
            _ => not_found,
        },
    }
}

fn proof(view: &StoreView<'_, MemoryStore>, index: u64) -> TlogProof {
    let hashes = inclusion_proof(view.tiles(), index, view.size()).unwrap();
    TlogProof { index, hashes, checkpoint: view.checkpoint().to_owned(), extra: None }
}

fn entry(store: &MemoryStore, index: u64) -> Value {
    use base64::Engine as _;
    let header = String::from_utf8(store.header(EntryIndex(index)).unwrap().unwrap()).unwrap();
    match store.opening(EntryIndex(index)).unwrap() {
        Some(opening) => {
            let record = base64::engine::general_purpose::STANDARD.encode(&opening[16..]);
            json!({"header": header, "record": record, "salt": hex::encode(&opening[..16])})
        }
        None => json!({"header": header, "absent": "erased"}),
    }
}

fn trail(store: &MemoryStore, subject: &str, after: Option<u64>, limit: u64) -> Value {
    let all: Vec<Value> = headers(store)
        .into_iter()
        .filter_map(|(index, header)| {
            let step = header.step(subject)?;
            let event_type = header.event.as_ref().map(|event| event.r#type.clone());
            Some(json!({"n": step.n, "index": index, "role": step.role, "received_at": header.received.at, "type": event_type, "header": String::from_utf8(header.to_bytes()).unwrap()}))
        })
        .collect();
    let from = after.map_or(0, |after| after + 1);
    let items: Vec<Value> =
        all.iter().skip(usize::try_from(from).unwrap()).take(usize::try_from(limit).unwrap()).cloned().collect();
    let last = from + items.len() as u64;
    let next = (last < all.len() as u64).then(|| last - 1);
    json!({"subject": subject, "count": all.len(), "items": items, "next": next})
}

fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).unwrap()
}
