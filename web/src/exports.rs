//! `GET /v1/exports`: a bundle of everything about some subjects. That it was made is an entry.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use modeltrail_core::bundle::export::{ExportError, Request, export};
use modeltrail_core::bundle::source::StoreView;
use modeltrail_core::sequencer::Outcome;
use modeltrail_store::{Act, Appender, Head};
use modeltrail_tlog::note::Note;
use modeltrail_tlog::tree::TreeSize;
use serde_json::json;

use crate::errors::WebError;
use crate::query::{Query, wrong};
use crate::respond::blocking;
use crate::state::AppState;
use crate::stream::FileBody;
use crate::trails::subject_of;

/// Subjects of one export. The entry that records it stands on the trails of all of them and of their wholes: with the report's own
/// that is 63, which fits one header.
const MAX_SUBJECTS: usize = 31;
/// What the bundle is written through: the zip writes small pieces.
const BUFFER_BYTES: usize = 128 << 10;

/// A bundle in a file without a name.
struct Made {
    file: File,
    bytes: u64,
    id: String,
    digest: String,
    entry: u64,
}

pub(crate) async fn get(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let query = Query::of(&request, &["subject", "as_of"])?;
    let subjects =
        query.all("subject").map(|text| subject_of("subject", text).map(|subject| subject.as_str().to_owned()));
    let subjects = subjects.collect::<Result<BTreeSet<_>, _>>()?;
    if subjects.is_empty() || subjects.len() > MAX_SUBJECTS {
        return Err(wrong("subject", format!("must be given, once for each of at most {MAX_SUBJECTS} subjects")));
    }
    let wanted = Request { subjects, as_of: query.number("as_of")?.map(TreeSize::new) };
    let full = |_| WebError::ExportsFull { limit: state.config.limits.exports };
    let permit = Arc::clone(&state.exports).try_acquire_owned().map_err(full)?;
    let made = blocking(&state, move |state| make(state, &wanted)).await?;
    let name = format!("attachment; filename=\"modeltrail-{}.zip\"", made.id);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/zip"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header(("modeltrail-entry", made.entry.to_string()))
        .insert_header(("modeltrail-manifest", made.digest))
        .body(FileBody::new(made.file, made.bytes, permit)))
}

fn make(state: &AppState, wanted: &Request) -> Result<Made, WebError> {
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
    let finished = export(&view, wanted, sign, BufWriter::with_capacity(BUFFER_BYTES, file))?;
    let digest = finished.digest.to_string();
    let mut out = finished.out;
    out.flush().map_err(io("write"))?;
    let mut file = out.into_inner().map_err(|error| WebError::Scratch { doing: "write", cause: error.into_error() })?;
    let bytes = file.seek(SeekFrom::End(0)).map_err(io("read"))?;
    file.rewind().map_err(io("read"))?;
    let id = hex::encode(Appender::salt());
    let entry = record(appender, ledger.origin(), wanted, &head, &id, &digest)?;
    Ok(Made { file, bytes, id, digest, entry })
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
        "checkpoint": {"origin": origin, "root": format!("sha256:{}", head.root), "size": head.size},
        "digest": digest,
        "export_id": id,
        "kind": "bundle",
        "subjects": wanted.subjects,
    });
    let appended = appender.act_blocking(Act::Own { event_type: "modeltrail.export.created.v1".to_owned(), data })?;
    match appended.outcome {
        Outcome::Entry { index, .. } => Ok(index.get()),
        Outcome::Duplicate { .. } | Outcome::Covered => Err(WebError::Internal { what: "recording an export" }),
    }
}
