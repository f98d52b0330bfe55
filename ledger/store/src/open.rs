//! Making and opening a ledger. What the disk says is compared first; nothing is added before it agrees.

use std::cell::RefCell;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use modeltrail_core::clock::Clock;
use modeltrail_core::sequencer::{After, Found, Opening, Sequencer};
use modeltrail_core::store::Store;
use modeltrail_core::types::{SALT_BYTES, Salt};
use modeltrail_schemas::time::Micros;
use modeltrail_tlog::note::SignerKey;
use serde_json::json;

use crate::error::OpenError;
use crate::files;
use crate::headfile::{HeadFile, Verdict};
use crate::ledger::{Head, Ledger, Tiles, WriterStatus};
use crate::rocks::{Access, RocksStore, WAL_LIMIT_BYTES};
use crate::writer::{Appender, Writer};

/// Where things lie in and beside a data directory.
#[derive(Debug, Clone)]
pub struct Data {
    /// The data directory.
    pub dir: PathBuf,
    /// The head file, beside it or on another disk.
    pub head_file: PathBuf,
}

impl Data {
    /// The data directory `dir`, its head file at `<dir>.head`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        let trimmed: PathBuf = dir.components().collect();
        Self { head_file: files::beside(&trimmed, ".head"), dir: trimmed }
    }

    /// The database.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// The views: to be thrown away at any time that no daemon runs.
    #[must_use]
    pub fn views(&self) -> PathBuf {
        self.dir.join("views")
    }

    /// The ledger's signing keys.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    /// The token for administrative acts over the API.
    #[must_use]
    pub fn admin_token(&self) -> PathBuf {
        self.dir.join("admin.token")
    }

    /// Where a running daemon answers; for commands that find the ledger open elsewhere.
    #[must_use]
    pub fn url_file(&self) -> PathBuf {
        self.dir.join("url")
    }

    /// Left by a clean stop, taken away by the next start.
    fn stopped(&self) -> PathBuf {
        self.dir.join("stopped")
    }

    fn key_file(&self, signer: &SignerKey) -> PathBuf {
        self.keys().join(format!("{}.skey", signer.verifier().producer_key_id()))
    }

    /// Writes a new signing key, exclusively and readable by its owner only.
    ///
    /// # Errors
    /// It exists or can't be written.
    pub fn write_key(&self, signer: &SignerKey) -> Result<(), OpenError> {
        let path = self.key_file(signer);
        files::create_secret(&path, signer.to_skey().as_bytes()).map_err(|cause| OpenError::File {
            doing: "write the key",
            path,
            cause,
        })
    }

    /// The signing key of the ledger's newest verifier key.
    ///
    /// # Errors
    /// It is missing or unreadable.
    pub fn read_key(&self, found: &Found) -> Result<SignerKey, OpenError> {
        let refuse = |what: String| OpenError::Key { what, path: self.keys() };
        let key = found.key().ok_or_else(|| refuse("the ledger names no key".to_owned()))?;
        let path = self.keys().join(format!("{}.skey", key.producer_key_id()));
        let text = files::read_small(&path).map_err(|cause| OpenError::File {
            doing: "read the key",
            path: path.clone(),
            cause,
        })?;
        let text = text.ok_or_else(|| refuse(format!("the signing key of {key} is missing ({})", path.display())))?;
        SignerKey::parse(text.trim_end())
            .map_err(|error| refuse(format!("{} is no signing key: {error}", path.display())))
    }
}

/// Picks the clock that a ledger goes on with, from its kind and the time of its last entry.
pub type ClockFor = Box<dyn FnOnce(&str, Micros) -> Arc<dyn Clock> + Send>;

/// How a ledger is opened.
pub struct OpenOptions {
    /// Its clock.
    pub clock: ClockFor,
    /// Name and version of this program, for `ledger.opened`.
    pub software: String,
    /// For reading only: nothing is written, and the start checks that protect writing are left out.
    pub read_only: bool,
    /// Free disk below which writes pause, in bytes.
    pub reserve_bytes: u64,
}

impl OpenOptions {
    /// Opens for writing, with the default reserve.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, software: &str) -> Self {
        Self {
            clock: Box::new(move |_, _| clock),
            software: software.to_owned(),
            read_only: false,
            reserve_bytes: 2 * WAL_LIMIT_BYTES,
        }
    }
}

/// An open ledger.
pub struct Opened {
    /// To read with.
    pub ledger: Arc<Ledger>,
    /// To write with; `None` when open for reading only.
    pub writer: Option<(Appender, Writer)>,
    /// The clock it goes on with.
    pub clock: Arc<dyn Clock>,
    data: Data,
}

impl Opened {
    /// Where it lies.
    #[must_use]
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The appender, if open for writing.
    #[must_use]
    pub fn appender(&self) -> Option<Appender> {
        self.writer.as_ref().map(|(appender, _)| appender.clone())
    }

    /// Seals what was taken, writes the head file and says that the stop was clean.
    pub fn stop(self) {
        if let Some((_, writer)) = self.writer {
            writer.stop();
            // Without this word the next start says `crash`, which is no lie either.
            if matches!(self.ledger.status(), WriterStatus::Stopped)
                && let Err(error) = files::replace(&self.data.stopped(), b"clean\n")
            {
                tracing::warn!(%error, "could not note the clean stop");
            }
        }
    }
}

/// 16 fresh random bytes. The operating system is asked for many at a time.
///
/// # Panics
/// When the operating system gives no randomness: a ledger without it must not go on.
pub(crate) fn salt() -> Salt {
    const AT_ONCE: usize = 256 * SALT_BYTES;
    thread_local! {
        static POOL: RefCell<(Vec<u8>, usize)> = const { RefCell::new((Vec::new(), 0)) };
    }
    POOL.with_borrow_mut(|(pool, used)| {
        if *used >= pool.len() {
            pool.resize(AT_ONCE, 0);
            getrandom::fill(pool).expect("the operating system gives randomness");
            *used = 0;
        }
        let mut salt = [0; SALT_BYTES];
        salt.copy_from_slice(&pool[*used..*used + SALT_BYTES]);
        // A salt is used once: what was handed out does not stay here.
        pool[*used..*used + SALT_BYTES].fill(0);
        *used += SALT_BYTES;
        salt
    })
}

/// A new random signing key with this name.
///
/// # Errors
/// The name can't be a key's.
pub fn new_key(name: &str) -> Result<SignerKey, String> {
    let mut seed = [0u8; 32];
    seed[..SALT_BYTES].copy_from_slice(&salt());
    seed[SALT_BYTES..].copy_from_slice(&salt());
    SignerKey::from_seed(name, &seed).map_err(|error| error.to_string())
}

fn file_error(doing: &'static str, path: &Path) -> impl Fn(std::io::Error) -> OpenError {
    let path = path.to_owned();
    move |cause| OpenError::File { doing, path: path.clone(), cause }
}

/// Makes a new ledger: data directory, signing key, database with the genesis entry, head file. Gives its verifier key.
///
/// # Errors
/// There is something already, or the origin can't be a ledger's name.
pub fn init(data: &Data, origin: &str, clock: Arc<dyn Clock>, software: &str) -> Result<String, OpenError> {
    let signer = Arc::new(new_key(origin).map_err(|what| OpenError::Key {
        what: format!("{origin:?} can't be a ledger's name: {what}"),
        path: data.keys(),
    })?);
    // What was received is nobody's business but the owner's.
    let mut private = std::fs::DirBuilder::new();
    private.recursive(true).mode(0o700).create(data.keys()).map_err(file_error("make", &data.keys()))?;
    let store = Arc::new(RocksStore::open(&data.log(), Access::Create)?);
    data.write_key(&signer)?;
    let token = format!("mt_admin_{}", hex::encode([salt(), salt()].concat()));
    files::create_secret(&data.admin_token(), token.as_bytes())
        .map_err(file_error("write the token", &data.admin_token()))?;
    let verifier = signer.verifier().to_string();
    let opening = Opening { signer, clock, salts: Box::new(salt) };
    let mut sequencer = Sequencer::genesis(Arc::clone(&store), origin, opening, software)?;
    if let Some(batch) = sequencer.finish() {
        store.seal(&batch)?;
        HeadFile::new(data.head_file.clone()).write(&batch.checkpoint)?;
    }
    Ok(verifier)
}

/// Opens a ledger.
///
/// # Errors
/// What the disk says does not agree with itself, with the head file or with the key; or another process has it open.
pub fn open(data: &Data, options: OpenOptions) -> Result<Opened, OpenError> {
    let access = if options.read_only { Access::Read } else { Access::Write };
    let store = Arc::new(RocksStore::open(&data.log(), access)?);
    let found = Found::load(store.as_ref())?.ok_or_else(|| OpenError::Empty { path: data.dir.clone() })?;
    if options.read_only {
        let status =
            WriterStatus::ReadOnly { why: "it was started with --read-only, or Kafka has not answered yet".to_owned() };
        let ledger =
            Arc::new(Ledger::new(store, found.origin.clone(), found.clock.clone(), head_of(&found, None), status));
        let clock = (options.clock)(&found.clock, found.last_at());
        return Ok(Opened { ledger, writer: None, clock, data: data.clone() });
    }
    let head_file = HeadFile::new(data.head_file.clone());
    let tiles = Tiles { store: Arc::clone(&store), edge: Arc::new(found.edge.clone()) };
    if head_file.check(&found, &tiles)? == Verdict::Missing {
        return Err(OpenError::Head {
            path: data.head_file.clone(),
            differs: format!("it is missing, and the ledger has {} entries", found.checkpoint.size.get()),
            meaning: "The data directory may have been copied or restored without it.",
            remedy: "Put it back, or run `modeltraild head adopt`, which checks the ledger and says in an entry that it went on without.",
        });
    }
    let signer = Arc::new(data.read_key(&found)?);
    let after = ended(data, &found).map_err(file_error("look at", &data.stopped()))?;
    start(data, store, found, signer, after, options, head_file)
}

/// How the run before ended. The word it left is taken away before anything is written.
fn ended(data: &Data, found: &Found) -> std::io::Result<After> {
    if found.epoch == 0 {
        return Ok(After::Init);
    }
    match std::fs::remove_file(data.stopped()) {
        Ok(()) => Ok(After::Stop),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(After::Crash),
        Err(error) => Err(error),
    }
}

fn start(
    data: &Data,
    store: Arc<RocksStore>,
    found: Found,
    signer: Arc<SignerKey>,
    after: After,
    options: OpenOptions,
    head_file: HeadFile,
) -> Result<Opened, OpenError> {
    let (origin, kind, epoch) = (found.origin.clone(), found.clock.clone(), found.epoch + 1);
    let keys = Arc::new(found.keys.clone());
    let checkpoint = found.checkpoint_json();
    let clock = (options.clock)(&kind, found.last_at());
    let opening = Opening { signer: Arc::clone(&signer), clock: Arc::clone(&clock), salts: Box::new(salt) };
    let mut sequencer = Sequencer::open(Arc::clone(&store), found, opening)?;
    sequencer.opened(epoch, after, Some(checkpoint), &options.software)?;
    let batch = sequencer.finish().expect("the entry just made is in the batch");
    store.seal(&batch)?;
    sequencer.synced(batch.size);
    let edge = Arc::new(sequencer.edge().clone());
    let book = Arc::new(sequencer.key_book().clone());
    let head = Head {
        size: batch.size,
        root: edge.root(),
        note: batch.checkpoint.into(),
        edge,
        keys,
        book,
        signer: Some(signer),
    };
    let ledger = Arc::new(Ledger::new(store, origin, kind, head, WriterStatus::Running));
    let writer = Writer::start(sequencer, &ledger, head_file, options.reserve_bytes);
    Ok(Opened { ledger, writer: Some(writer), clock, data: data.clone() })
}

fn head_of(found: &Found, signer: Option<Arc<SignerKey>>) -> Head {
    Head {
        size: found.checkpoint.size.get(),
        root: found.checkpoint.root,
        note: found.note.as_str().into(),
        edge: Arc::new(found.edge.clone()),
        keys: Arc::new(found.keys.clone()),
        book: Arc::new(found.book.clone()),
        signer,
    }
}

/// Opens a ledger so that no other process writes it, and adds nothing: for work on what lies beside the log.
///
/// # Errors
/// Another process has it, or what the disk says does not agree with itself.
pub(crate) fn open_alone(data: &Data) -> Result<Arc<Ledger>, OpenError> {
    let store = Arc::new(RocksStore::open(&data.log(), Access::Write)?);
    let found = Found::load(store.as_ref())?.ok_or_else(|| OpenError::Empty { path: data.dir.clone() })?;
    let status = WriterStatus::ReadOnly { why: "its views are being folded anew".to_owned() };
    let (origin, clock) = (found.origin.clone(), found.clock.clone());
    Ok(Arc::new(Ledger::new(store, origin, clock, head_of(&found, None), status)))
}

/// Lets a ledger go on without its head file. The caller has run a clean `fsck` and gives the digest of what it said.
///
/// # Errors
/// The head file is there and disagrees, or the ledger can't be opened.
pub fn adopt_head(data: &Data, options: OpenOptions, check_digest: &str) -> Result<(), OpenError> {
    let store = Arc::new(RocksStore::open(&data.log(), Access::Write)?);
    let found = Found::load(store.as_ref())?.ok_or_else(|| OpenError::Empty { path: data.dir.clone() })?;
    let head_file = HeadFile::new(data.head_file.clone());
    let tiles = Tiles { store: Arc::clone(&store), edge: Arc::new(found.edge.clone()) };
    if head_file.check(&found, &tiles)? == Verdict::Agrees {
        return Ok(());
    }
    let signer = Arc::new(data.read_key(&found)?);
    let adopted = json!({"check_digest": check_digest, "checkpoint": found.checkpoint_json(), "head_file": "missing"});
    let clock = (options.clock)(&found.clock, found.last_at());
    let opening = Opening { signer, clock, salts: Box::new(salt) };
    let mut sequencer = Sequencer::open(Arc::clone(&store), found, opening)?;
    sequencer.own("modeltrail.ledger.head_adopted.v1", adopted)?;
    if let Some(batch) = sequencer.finish() {
        store.seal(&batch)?;
        head_file.write(&batch.checkpoint)?;
    }
    Ok(())
}
