//! A ledger full of what the catalogue's examples say, about a few models, in random order.

use std::path::Path;
use std::sync::{Arc, mpsc};

use modeltrail_core::clock::Clock;
use modeltrail_store::{Data, Opened, Views, init, open};
use tempfile::TempDir;

use crate::common::{ORIGIN, Ticking, options, send};

/// Appended together: what waits stays far below the queue's bound.
const AT_ONCE: u64 = 2_000;
/// Models, and versions of each: few, so that events are about the same ones.
const MODELS: u64 = 17;
const VERSIONS: u64 = 5;

/// Marsaglia's xorshift.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// The examples of all core types, as text.
struct Examples(Vec<String>);

impl Examples {
    fn read() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/events");
        let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().ends_with(".example.json")).collect();
        files.sort();
        assert!(files.len() > 50, "the examples lie in {}", folder.display());
        Self(files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect())
    }

    /// One of them, about another model and version, with an id of its own.
    fn roll(&self, dice: &mut Dice, id: u64) -> Vec<u8> {
        let at = usize::try_from(dice.roll(self.0.len() as u64)).unwrap();
        let text = self.0[at]
            .replace("credit-pd", &format!("credit-pd-{}", dice.roll(MODELS)))
            .replace("2.1.0", &format!("2.{}.0", dice.roll(VERSIONS)));
        let mut event: serde_json::Value = serde_json::from_str(&text).unwrap();
        event["id"] = format!("e-{id}").into();
        serde_json::to_vec(&event).unwrap()
    }
}

/// A ledger in a folder, open or not.
pub(crate) struct World {
    data: Data,
    clock: Arc<Ticking>,
    opened: Option<Opened>,
    examples: Examples,
    dice: Dice,
    _dir: Option<TempDir>,
}

impl World {
    /// A new ledger, open.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = Data::new(&dir.path().join("data"));
        let mut world = Self::at(data, 1);
        init(&world.data, ORIGIN, world.clock(), "test 1").unwrap();
        world.reopen();
        world._dir = Some(dir);
        world
    }

    /// A ledger that is there already; not opened.
    pub(crate) fn at(data: Data, seed: u64) -> Self {
        // Further runs go on after those before, so that no two have the same ids or times.
        let clock = Arc::new(Ticking::later_by(i64::try_from(seed).unwrap() * 10_000_000_000));
        Self { data, clock, opened: None, examples: Examples::read(), dice: Dice(seed), _dir: None }
    }

    pub(crate) fn data(&self) -> &Data {
        &self.data
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock) as Arc<dyn Clock>
    }

    pub(crate) fn opened(&self) -> &Opened {
        self.opened.as_ref().unwrap()
    }

    pub(crate) fn close(&mut self) {
        if let Some(opened) = self.opened.take() {
            opened.stop();
        }
    }

    pub(crate) fn reopen(&mut self) {
        self.close();
        self.opened = Some(open(&self.data, options(self.clock())).unwrap());
    }

    /// Appends this many events and waits until they are durable.
    pub(crate) fn append(&mut self, count: u64) {
        let appender = self.opened().appender().unwrap();
        let mut left = count;
        while left > 0 {
            let now = left.min(AT_ONCE);
            let (sender, replies) = mpsc::channel();
            for _ in 0..now {
                let id = self.dice.roll(u64::MAX);
                let body = self.examples.roll(&mut self.dice, id);
                let sender = sender.clone();
                send(&appender, &body, move |answer| sender.send(answer.map(drop)).unwrap());
            }
            drop(sender);
            replies.iter().for_each(|answer| answer.unwrap());
            left -= now;
        }
    }

    /// Waits until the views are what the log is.
    pub(crate) fn wait_for(&self, views: &Views) {
        let handle = views.handle();
        while handle.size() < self.opened().ledger.head().size {
            if let modeltrail_store::ViewsState::Failed { why } = handle.state() {
                panic!("the views failed: {why}");
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.close();
    }
}
