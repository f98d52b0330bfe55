//! All that can go wrong for a caller. The texts say what was wrong, where, and what to do.

use modeltrail_compliance::dossier::ReportError;
use modeltrail_core::bundle::export::ExportError;
use modeltrail_core::keys::KeyError;
use modeltrail_core::receipt::Receipt;
use modeltrail_core::sequencer::SequencerError;
use modeltrail_core::store::StoreError;
use modeltrail_schemas::catalogue::SchemaViolation;
use modeltrail_schemas::envelope::MAX_BATCH;
use modeltrail_store::AppendError;
use modeltrail_views::store::ViewError;

/// Why a request is not answered as it hoped.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// No `Host`.
    #[error("the request has no usable Host header; say which host is meant")]
    HostMissing,
    /// A host that is not ours: a rebound name, or one that nobody configured.
    #[error(
        "host `{host}` is not one that this server answers to; use localhost or 127.0.0.1, or add it to the configured hosts"
    )]
    Host {
        /// The host asked for.
        host: String,
    },
    /// A browser sends this for another site.
    #[error(
        "a browser sends this request for another site ({why}); call the API from a program, or open the address itself"
    )]
    CrossSite {
        /// Which header says so.
        why: &'static str,
    },
    /// No such path.
    #[error("there is nothing at {path}; / lists what there is")]
    NoRoute {
        /// The path.
        path: String,
    },
    /// Another method.
    #[error("{method} does not go here; allowed: {allowed}")]
    Method {
        /// The method tried.
        method: String,
        /// Those that go.
        allowed: &'static str,
    },
    /// A query parameter or path segment.
    #[error("parameter `{name}` {fault}")]
    Parameter {
        /// Which.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
    /// The request's content type.
    #[error("{fault}")]
    ContentType {
        /// What is wrong with it, and what would be right.
        fault: String,
    },
    /// The body is compressed.
    #[error("content-encoding `{found}` is not taken: what is hashed is what was sent; send the body as it is")]
    ContentEncoding {
        /// The encoding.
        found: String,
    },
    /// A header that a reading uses is not text.
    #[error("header `{name}` is not UTF-8; the bindings of CloudEvents percent-encode what isn't ASCII")]
    HeaderText {
        /// Which.
        name: String,
    },
    /// The body is too large.
    #[error("{what} is limited to {limit} bytes{}", found.map_or_else(String::new, |found| format!(", this one has {found}")))]
    TooLarge {
        /// A body, a batch, a record.
        what: &'static str,
        /// Bytes it may have.
        limit: usize,
        /// Bytes it has, where known.
        found: Option<u64>,
    },
    /// The body did not arrive.
    #[error("the body did not arrive within {seconds} seconds")]
    BodySlow {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The connection broke.
    #[error("the body could not be read: {cause}")]
    BodyBroken {
        /// What the connection says.
        cause: String,
    },
    /// Too many bodies at one time.
    #[error("too many large requests at one time; send again in a moment")]
    BodiesFull,
    /// More elements than a batch may have.
    #[error("a batch has at most {MAX_BATCH} events; send several")]
    BatchTooLong,
    /// The body can't be read.
    #[error("{detail}")]
    Malformed {
        /// What is wrong, and where.
        detail: String,
    },
    /// Only the ledger may say this.
    #[error("{detail}")]
    Reserved {
        /// What it is.
        detail: String,
    },
    /// A person's e-mail address where nothing can be erased.
    #[error("{detail}")]
    PersonalData {
        /// Where.
        detail: String,
    },
    /// The event doesn't say what it is about.
    #[error("{detail}")]
    Subject {
        /// What is missing.
        detail: String,
    },
    /// The data break their schema.
    #[error("the data of {event_type} break its schema: {}", violations.first().map_or_else(String::new, |first| format!("/data{}: {}", first.pointer, first.message)))]
    Schema {
        /// The type.
        event_type: String,
        /// All places.
        violations: Vec<SchemaViolation>,
    },
    /// Recorded, but as a conflict.
    #[error(
        "entry {of} has this source and id with other content; yours is recorded as a conflict, entry {index}, and ignored by views. Send it with an id of its own"
    )]
    Conflict {
        /// The entry that was first.
        of: u64,
        /// The entry that this is.
        index: u64,
        /// Its receipt.
        receipt: Box<Receipt>,
    },
    /// Known, but erased.
    #[error(
        "entry {of} has this source and id and its record was erased; nothing is recorded, and there is no receipt any more"
    )]
    Erased {
        /// The entry that was first.
        of: u64,
    },
    /// The writer says no.
    #[error(transparent)]
    Append(AppendError),
    /// No such entry.
    #[error("there is no entry {index}; the ledger has {size} entries, from 0")]
    NoEntry {
        /// Asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// The views know no such thing.
    #[error(
        "no {what} `{name}` is recorded in the first {size} entries; /v1/search finds by name, digest, party, id or entry"
    )]
    NotRecorded {
        /// What was asked for, e.g. a model.
        what: &'static str,
        /// Its name, as asked for.
        name: String,
        /// The entries that were looked at.
        size: u64,
        /// Subjects with a name like it.
        near: Vec<String>,
    },
    /// No such tree.
    #[error("size {asked} is beyond the newest checkpoint, {size}")]
    NoSize {
        /// Asked for.
        asked: u64,
        /// The newest.
        size: u64,
    },
    /// No checkpoint of that size is kept.
    #[error(
        "no checkpoint of size {asked} is kept; the newest kept before it has size {before}, the newest of all {size}"
    )]
    NoCheckpoint {
        /// Asked for.
        asked: u64,
        /// The next smaller one, 0 for none.
        before: u64,
        /// The newest.
        size: u64,
    },
    /// No such tile in the newest tree.
    #[error("there is no {path} in a tree of {size} entries")]
    NoTile {
        /// The path.
        path: String,
        /// The newest tree.
        size: u64,
    },
    /// Enough bundles are being made.
    #[error("{limit} exports are being made already; ask again when one is done")]
    ExportsFull {
        /// How many at one time.
        limit: usize,
    },
    /// A bundle can't be made.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A report can't be made.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The bundle can't be kept while it is sent.
    #[error("could not {doing} a temporary file for the bundle: {cause}")]
    Scratch {
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Administrative acts from elsewhere.
    #[error("administrative acts are taken from this machine only")]
    AdminPeer,
    /// No token is configured.
    #[error("administrative acts are off: this server was given no admin token")]
    AdminOff,
    /// A wrong token, or none.
    #[error(
        "administrative acts need the header `Authorization: Bearer mt_admin_…` with the token in the data directory"
    )]
    AdminToken,
    /// What is to be acted on does not exist.
    #[error("{what}")]
    AdminNotFound {
        /// What.
        what: String,
    },
    /// The act can't be done as things stand.
    #[error("{why}")]
    AdminConflict {
        /// Why.
        why: String,
    },
    /// The act's data are wrong.
    #[error("{why}")]
    AdminRefused {
        /// Why.
        why: String,
    },
    /// What would do the act isn't there.
    #[error("{why}")]
    AdminUnavailable {
        /// Why.
        why: String,
    },
    /// The store can't answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The views can't be read.
    #[error(transparent)]
    Views(#[from] ViewError),
    /// There are no views.
    #[error("there are no views of this ledger: {why}")]
    NoViews {
        /// Why.
        why: String,
    },
    /// What is stored contradicts itself.
    #[error("the ledger contradicts itself: {what}; run `modeltraild fsck`")]
    Contradiction {
        /// What contradicts what.
        what: String,
    },
    /// A handler ended early.
    #[error("the request was given up inside the server ({what}); this is a fault of the server")]
    Internal {
        /// Where.
        what: &'static str,
    },
}

impl From<AppendError> for WebError {
    fn from(error: AppendError) -> Self {
        let AppendError::Sequencer(error) = error else {
            return Self::Append(error);
        };
        match &error {
            SequencerError::Key(KeyError::Unknown { .. }) => Self::AdminNotFound { what: error.to_string() },
            SequencerError::Key(KeyError::Known { .. }) | SequencerError::Partition { .. } => {
                Self::AdminConflict { why: error.to_string() }
            }
            SequencerError::Key(_) | SequencerError::OwnEvent { .. } => Self::AdminRefused { why: error.to_string() },
            SequencerError::Store(error) => Self::Store(error.clone()),
            SequencerError::Contradiction { what } => Self::Contradiction { what: what.clone() },
            SequencerError::WrongKey { .. } => Self::Contradiction { what: error.to_string() },
        }
    }
}
