//! `modeltrail report`: a report, rendered by a server or here from a bundle's own entries.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use modeltrail_compliance::bundle::{Lines, facts_of_manifest};
use modeltrail_compliance::dossier::{Dossier, Facts, dossier as dossier_of};
use modeltrail_compliance::inventory::inventory as inventory_of;
use modeltrail_core::bundle::ENTRIES;
use modeltrail_core::bundle::reader::{BundleReader, Chunks};
use modeltrail_schemas::subject::Kind;
use modeltrail_views::rows::Subject as SubjectRow;
use serde::Serialize;

use crate::args::{DossierFormat, FromArgs, InventoryFormat, ReportArgs, ReportCommand};
use crate::ask::{Source, subject};
use crate::exit::{Exit, refused};
use crate::folded::Folded;
use crate::http::Server;
use crate::keys::write_new;
use crate::output::{self, Output, say};

/// Longest report: a dossier cites entries one by one, and nobody reads more.
const MAX_REPORT_BYTES: u64 = 256 << 20;

#[derive(Serialize)]
struct Document {
    file: String,
    bytes: usize,
}

pub(crate) fn run(args: &ReportArgs, out: Output) -> anyhow::Result<Exit> {
    let (output, bytes) = match &args.command {
        ReportCommand::Dossier { version, format, output, from } => {
            let format = if out.json && output.is_none() { DossierFormat::Json } else { *format };
            (output, dossier(version, format, from)?)
        }
        ReportCommand::Inventory { format, output, from } => {
            let format = if out.json && output.is_none() { InventoryFormat::Json } else { *format };
            (output, inventory(format, from)?)
        }
    };
    write(output.as_deref(), &bytes, out)?;
    Ok(Exit::Holds)
}

/// A report goes out as it is: a changed byte would make it another one.
fn write(output: Option<&Path>, bytes: &[u8], out: Output) -> anyhow::Result<()> {
    let Some(path) = output else { return output::raw(bytes) };
    write_new(path, bytes, 0o644)?;
    let document = Document { file: path.display().to_string(), bytes: bytes.len() };
    out.print(&document, || format!("{}\n", path.display()))
}

fn dossier(version: &str, format: DossierFormat, from: &FromArgs) -> anyhow::Result<Vec<u8>> {
    let version = subject(version)?;
    if version.kind() != Kind::Model || version.version().is_none() {
        bail!("{} is not a version of a model, such as model/fraud@2.1.0", version.as_str());
    }
    let word = match format {
        DossierFormat::Html => "html",
        DossierFormat::Json => "json",
    };
    match Source::new(from)? {
        Source::Server(server) => {
            of_server(&server, from, "/v1/dossier", &[("version", version.as_str()), ("format", word)])
        }
        Source::Bundle(folded) => {
            let made = rendered(&folded, version.as_str(), folded.size(from.as_of)?)?;
            Ok(match format {
                DossierFormat::Html => made.to_html()?,
                DossierFormat::Json => made.to_json(),
            })
        }
    }
}

/// The dossier, made here from the bundle's own entries.
fn rendered(folded: &Folded, version: &str, size: u64) -> anyhow::Result<Dossier> {
    if folded.view(size).get::<SubjectRow>(&[version])?.is_none() {
        return Err(refused(format!("no entry of the bundle names {version} by then")));
    }
    if folded.manifest.claim(version).is_none() {
        say(&format!("note: the trail of {version} is not in the bundle as a whole: the report may lack what it says"));
    }
    let mut reader = BundleReader::open(folded.path())?;
    let lines = Lines::new(Chunks::new(reader.stream(ENTRIES)?));
    Ok(dossier_of(lines.map(|line| line.map(|(stored, _)| stored)), version, &facts(folded, size))?)
}

fn facts(folded: &Folded, size: u64) -> Facts {
    Facts { as_of: size, ..facts_of_manifest(&folded.manifest) }
}

fn inventory(format: InventoryFormat, from: &FromArgs) -> anyhow::Result<Vec<u8>> {
    let word = match format {
        InventoryFormat::Csv => "csv",
        InventoryFormat::Html => "html",
        InventoryFormat::Json => "json",
    };
    match Source::new(from)? {
        Source::Server(server) => of_server(&server, from, "/v1/inventory", &[("format", word)]),
        Source::Bundle(folded) => {
            let size = folded.size(from.as_of)?;
            let received = folded.received_at(size).map(str::to_owned);
            let made = inventory_of(&folded.view(size), &facts(&folded, size), received)?;
            Ok(match format {
                InventoryFormat::Csv => made.to_csv(),
                InventoryFormat::Html => made.to_html()?,
                InventoryFormat::Json => made.to_json(),
            })
        }
    }
}

fn of_server(server: &Server, from: &FromArgs, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    let as_of = from.as_of.map(|as_of| as_of.to_string());
    let mut query = query.to_vec();
    query.extend(as_of.as_deref().map(|as_of| ("as_of", as_of)));
    let mut bytes = Vec::new();
    let stream = server.stream(path, &query)?;
    let count = stream.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes).context("the answer broke off")?;
    if count as u64 > MAX_REPORT_BYTES {
        bail!("{path}: the report has more than {MAX_REPORT_BYTES} bytes");
    }
    Ok(bytes)
}
