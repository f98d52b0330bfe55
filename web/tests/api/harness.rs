//! A server on a ledger in a temporary directory, and a client that sends exactly what it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use modeltrail_core::clock::Clock;
use modeltrail_core::receipt::Receipt;
use modeltrail_schemas::record::Record;
use modeltrail_store::{Appender, Data, Ledger, OpenOptions, Opened, Views, init, open};
use modeltrail_tlog::note::VerifierKey;
use modeltrail_web::{AppState, Config, Hosts, Limits, NoAdmin, NoSources, Running, TokenHash, start};
use serde_json::{Value, json};
use tempfile::TempDir;

#[path = "../../../ledger/store/tests/common/mod.rs"]
pub(crate) mod common;

use common::Ticking;
pub(crate) use common::{ORIGIN, STRUCTURED};

pub(crate) const TOKEN: &str = "mt_admin_for_tests_only";
pub(crate) const BATCH: &str = "application/cloudevents-batch+json";

pub(crate) struct Server {
    running: Option<Running>,
    opened: Option<Opened>,
    pub(crate) views: Option<Views>,
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) key: VerifierKey,
    _dir: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(0, |_| {})
    }

    /// With this disk reserve, and a configuration that `change` has seen.
    pub(crate) fn with(reserve_bytes: u64, change: impl FnOnce(&mut Config)) -> Self {
        Self::make(reserve_bytes, false, change)
    }

    pub(crate) fn read_only() -> Self {
        Self::make(0, true, |_| {})
    }

    fn make(reserve_bytes: u64, read_only: bool, change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Data::new(&dir.path().join("data"));
        let clock: Arc<dyn Clock> = Arc::new(Ticking::default());
        let key = init(&data, ORIGIN, Arc::clone(&clock), "test 1").unwrap().parse().unwrap();
        let options = OpenOptions { reserve_bytes, read_only, ..common::options(clock) };
        let opened = open(&data, options).unwrap();
        let ledger = Arc::clone(&opened.ledger);
        let views = Views::start(&opened);
        let mut config = Config {
            ledger: Arc::clone(&ledger),
            appender: opened.appender(),
            views: views.handle(),
            sources: Arc::new(NoSources),
            admin: Arc::new(NoAdmin),
            admin_token: Some(TokenHash::of(TOKEN)),
            limits: Limits::default(),
            hosts: Hosts::new(["ledger.test".to_owned()]),
            scratch: dir.path().to_owned(),
        };
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let running = start(listener, AppState::new(config), 2).unwrap();
        Self {
            address: running.address(),
            running: Some(running),
            opened: Some(opened),
            views: Some(views),
            ledger,
            key,
            _dir: dir,
        }
    }

    pub(crate) fn client(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Client { stream, left: Vec::new() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client().get(path)
    }

    pub(crate) fn post(&self, content_type: &str, body: &[u8]) -> Answer {
        self.client().post(content_type, body)
    }

    pub(crate) fn appender(&self) -> Appender {
        self.opened.as_ref().unwrap().appender().unwrap()
    }

    pub(crate) fn size(&self) -> u64 {
        self.ledger.head().size
    }

    /// Checks a receipt against the ledger's key and the record it must commit to.
    pub(crate) fn holds(&self, receipt: &Value, record: &Record) -> Receipt {
        let receipt = Receipt::parse(receipt.to_string().as_bytes()).unwrap();
        let shown = receipt.verify(std::slice::from_ref(&self.key), std::slice::from_ref(record)).unwrap();
        assert_eq!(shown.committed, Some(true), "{}", receipt.header);
        receipt
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().unwrap();
        }
        if let Some(views) = self.views.take() {
            views.stop();
        }
        if let Some(opened) = self.opened.take() {
            opened.stop();
        }
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    left: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }

    /// Checks a problem: status, code, and that its detail says `part`.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str, part: &str) -> Value {
        let problem = self.json();
        assert_eq!(self.status, status, "{problem}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{problem}");
        self::problem(&problem, status, code, part);
        problem
    }
}

#[track_caller]
pub(crate) fn problem(problem: &Value, status: u16, code: &str, part: &str) {
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["type"], format!("urn:modeltrail:problem:{code}"), "{problem}");
    assert!(problem["instance"].as_str().unwrap().starts_with("urn:modeltrail:request:"), "{problem}");
    assert!(!problem["title"].as_str().unwrap().is_empty(), "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail:?} doesn't say {part:?}");
}

impl Client {
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("host", "localhost")], b"")
    }

    pub(crate) fn post(&mut self, content_type: &str, body: &[u8]) -> Answer {
        self.post_with(&[("content-type", content_type)], body)
    }

    pub(crate) fn post_with(&mut self, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let headers = [&[("host", "localhost")], headers].concat();
        self.send("POST", "/v1/events", &headers, body)
    }

    pub(crate) fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut bytes = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        for (name, value) in headers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if method == "POST"
            && !headers.iter().any(|(name, _)| *name == "transfer-encoding" || *name == "content-length")
        {
            bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        self.raw(&bytes, method == "HEAD")
    }

    /// Sends bytes and reads one answer.
    pub(crate) fn raw(&mut self, bytes: &[u8], head_only: bool) -> Answer {
        // Who refuses a large body answers before it has all of it, and closes.
        let _ = self.stream.write_all(bytes);
        let end = loop {
            if let Some(end) = self.left.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            self.more();
        };
        let head = String::from_utf8(self.left.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length =
            headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
        let length = if head_only || status == 304 { 0 } else { length };
        while self.left.len() < length {
            self.more();
        }
        Answer { status, headers, body: self.left.drain(..length).collect() }
    }

    fn more(&mut self) {
        let mut piece = vec![0; 64 << 10];
        let bytes = self.stream.read(&mut piece).unwrap();
        assert!(bytes > 0, "the connection ended early: {:?}", String::from_utf8_lossy(&self.left));
        self.left.extend_from_slice(&piece[..bytes]);
    }
}

/// An event of a known type about `model/<name>`.
pub(crate) fn event(id: &str, name: &str, value: u64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "urn:test", "type": "modeltrail.model.metadata_changed.v1",
        "time": "2026-01-01T00:00:00Z", "data": {"name": name, "key": "note", "new": value},
    })
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

pub(crate) fn structured(body: &[u8]) -> Record {
    Record::http(None, &[("content-type", STRUCTURED)], body).unwrap()
}

/// Appends `count` events about `model/<name>` in batches.
pub(crate) fn fill(server: &Server, name: &str, count: usize) {
    let mut client = server.client();
    let ids: Vec<usize> = (0..count).collect();
    for part in ids.chunks(1_000) {
        let batch: Vec<Value> = part.iter().map(|n| event(&format!("{name}-{n}"), name, *n as u64)).collect();
        let answers = client.post(BATCH, &bytes(&Value::Array(batch))).ok(200);
        assert!(answers.as_array().unwrap().iter().all(|one| one["status"] == 201), "{answers}");
    }
}
