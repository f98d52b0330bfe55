//! `GET /v1/exports`: a bundle of everything about some subjects, with the dossier of a version if wanted. That it was made is an entry.

mod watched;

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_compliance::bundle::render;
use modeltrail_compliance::dossier::NAME;
use modeltrail_compliance::scope::scope;
use modeltrail_core::bundle::REPORT_DIR;
use modeltrail_core::bundle::export::{Collection, Entries, ExportError, Request, export_with};
use modeltrail_core::bundle::manifest::Manifest;
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::sequencer::Outcome;
use modeltrail_store::{Act, Appender, Head};
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::TreeSize;
use serde_json::{Value, json};

use crate::errors::{WebError, shown};
use crate::jobs::Progress;
use crate::openapi::operation::{Parameter, Shape};
use crate::query::{Query, wrong};
use crate::respond::blocking;
use crate::state::AppState;
use crate::stream::FileBody;
use crate::trails::subject_of;
use watched::{Counted, Stoppable};

/// Subjects of one export. The entry that records it stands on the trails of all of them and of their wholes: with the report's own
/// that is 63, which fits one header.
const MAX_SUBJECTS: usize = 31;
/// What the bundle is written through: the zip writes small pieces.
const BUFFER_BYTES: usize = 128 << 10;

/// What an export is asked with.
pub(crate) const PARAMETERS: &[Parameter] = &[
    Parameter::new("subject", Shape::Subject, "About what: once for each subject.").required().repeated(MAX_SUBJECTS),
    Parameter::new("as_of", Shape::Number, "The entries that count; all when left out."),
    Parameter::new("dossier", Shape::Flag, "`1`: with the dossier of the one version that is the subject."),
];

/// A bundle in a file without a name.
pub(crate) struct Made {
    pub(crate) file: File,
    pub(crate) bytes: u64,
    pub(crate) id: String,
    pub(crate) digest: String,
    pub(crate) entry: u64,
}

pub(crate) async fn get(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["subject", "as_of", "dossier"])?;
    let wanted = wanted(query.all("subject"), query.number("as_of")?.map(TreeSize::new))?;
    let dossier = match query.one("dossier")? {
        None | Some("0") => None,
        Some("1") => Some(version_of(&wanted.subjects)?),
        Some(other) => return Err(wrong("dossier", format!("is `{}`, not 0 or 1", shown(other)))),
    };
    let full = |_| WebError::ExportsFull { limit: state.config.limits.exports };
    let permit = Arc::clone(&state.exports).try_acquire_owned().map_err(full)?;
    let made = blocking(&state, move |state| make(state, &wanted, dossier.as_deref(), &Progress::default())).await?;
    let name = format!("attachment; filename=\"modeltrail-{}.zip\"", made.id);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/zip"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header(("modeltrail-entry", made.entry.to_string()))
        .insert_header(("modeltrail-manifest", made.digest))
        .body(FileBody::new(Arc::new(made.file), made.bytes, Some(permit))))
}

/// What is asked for, where it can be.
pub(crate) fn wanted<'a>(
    subjects: impl IntoIterator<Item = &'a str>,
    as_of: Option<TreeSize>,
) -> Result<Request, WebError> {
    let subjects =
        subjects.into_iter().map(|text| subject_of("subject", text).map(|subject| subject.as_str().to_owned()));
    let subjects = subjects.collect::<Result<BTreeSet<_>, _>>()?;
    if subjects.is_empty() || subjects.len() > MAX_SUBJECTS {
        return Err(wrong("subject", format!("must be given, once for each of at most {MAX_SUBJECTS} subjects")));
    }
    Ok(Request { subjects, as_of })
}

/// The version that a dossier is about.
pub(crate) fn version_of(subjects: &BTreeSet<String>) -> Result<String, WebError> {
    let mut all = subjects.iter();
    let (Some(version), None) = (all.next(), all.next()) else {
        return Err(wrong("dossier", "goes with one subject, a version of a model"));
    };
    modeltrail_compliance::bundle::request(version, None)?;
    Ok(version.clone())
}

/// Makes a bundle and the entry that says so. Whoever looks on sees how far it is, and can stop it until it is whole.
pub(crate) fn make(
    state: &AppState,
    wanted: &Request,
    dossier: Option<&str>,
    progress: &Progress,
) -> Result<Made, WebError> {
    // What can't be recorded is not handed out.
    let appender = state.writable()?;
    let ledger = state.ledger();
    let head = ledger.published();
    if let Some(asked) = wanted.as_of.map(TreeSize::get).filter(|asked| *asked > head.size) {
        return Err(WebError::NoSize { asked, size: head.size });
    }
    let io = |doing| move |cause| WebError::Scratch { doing, cause };
    let file = tempfile::tempfile_in(&state.config.scratch).map_err(io("make"))?;
    let view = StoreView::new(ledger.store().as_ref(), TreeSize::new(head.size))
        .map_err(|source| ExportError::Read { what: "the newest checkpoint".to_owned(), source: Box::new(source) })?;
    let sign = |text: &str| -> Result<Note, Box<dyn Error + Send + Sync>> {
        Ok(Note::parse(ledger.sign_note(&head, text)?.as_bytes())?)
    };
    let view = Counted { ledger: view, progress };
    let out = Stoppable { out: BufWriter::with_capacity(BUFFER_BYTES, file), progress };
    let begin = |collection: &Collection| progress.begin(collection.entries.len() as u64);
    let finished = match dossier {
        None => {
            let none = |collection: &Collection, _: Entries<'_>| {
                begin(collection);
                Ok(Vec::new())
            };
            export_with(&view, wanted, &BTreeSet::new(), none, sign, out)?
        }
        Some(version) => {
            let size = wanted.as_of.map_or(head.size, TreeSize::get);
            let further =
                scope(&view, version, size).map_err(|source| ExportError::Render { source: Box::new(source) })?;
            let report = |collection: &Collection, entries: Entries<'_>| {
                begin(collection);
                render(collection, entries, version)
            };
            export_with(&view, wanted, &further, report, sign, out)?
        }
    };
    if dossier.is_some() {
        issued(appender, ledger.origin(), wanted, &head, &finished.manifest)?;
    }
    let digest = finished.digest.to_string();
    let mut out = finished.out.out;
    out.flush().map_err(io("write"))?;
    let mut file = out.into_inner().map_err(|error| WebError::Scratch { doing: "write", cause: error.into_error() })?;
    let bytes = file.seek(SeekFrom::End(0)).map_err(io("read"))?;
    file.rewind().map_err(io("read"))?;
    let id = hex::encode(Appender::salt());
    let entry = record(appender, ledger.origin(), wanted, &head, &id, &digest)?;
    Ok(Made { file, bytes, id, digest, entry })
}

/// The entry that says that the reports in this bundle were issued.
fn issued(
    appender: &Appender,
    origin: &str,
    wanted: &Request,
    head: &Head,
    manifest: &Manifest,
) -> Result<u64, WebError> {
    let reports = manifest.files.iter().filter(|(name, _)| name.starts_with(REPORT_DIR));
    let files = reports.map(|(name, digest)| {
        let format = name.rsplit_once('.').map_or(name.as_str(), |(_, format)| format);
        json!({"digest": digest.to_string(), "format": format})
    });
    let data = json!({
        "as_of_size": wanted.as_of.map_or(head.size, TreeSize::get),
        "checkpoint": checkpoint(origin, head),
        "files": files.collect::<Vec<_>>(),
        "report": NAME,
        "report_id": hex::encode(Appender::salt()),
        "subjects": wanted.subjects,
    });
    own(appender, "modeltrail.report.issued.v1", data)
}

/// The entry that says that this bundle was made.
fn record(
    appender: &Appender,
    origin: &str,
    wanted: &Request,
    head: &Head,
    id: &str,
    digest: &str,
) -> Result<u64, WebError> {
    let data = json!({
        "as_of_size": wanted.as_of.map_or(head.size, TreeSize::get),
        "checkpoint": checkpoint(origin, head),
        "digest": digest,
        "export_id": id,
        "kind": "bundle",
        "subjects": wanted.subjects,
    });
    own(appender, "modeltrail.export.created.v1", data)
}

fn checkpoint(origin: &str, head: &Head) -> Value {
    json!({"origin": origin, "root": format!("sha256:{}", head.root), "size": head.size})
}

fn own(appender: &Appender, event_type: &str, data: Value) -> Result<u64, WebError> {
    let appended = appender.act_blocking(Act::Own { event_type: event_type.to_owned(), data })?;
    match appended.outcome {
        Outcome::Entry { index, .. } => Ok(index.get()),
        Outcome::Duplicate { .. } | Outcome::Covered => Err(WebError::Internal { what: "recording an export" }),
    }
}
