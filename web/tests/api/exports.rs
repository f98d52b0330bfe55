//! Bundles over HTTP.

use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::header::EntryHeader;
use modeltrail_core::own_event::own_event;
use modeltrail_core::types::EntryIndex;
use modeltrail_core::verify::{Options, Outcome, Trust, verify_bundle};
use serde_json::json;

use crate::harness::{STRUCTURED, Server, bytes, event, fill};

#[test]
fn an_export_is_a_bundle_that_verifies_and_is_itself_an_entry() {
    let server = Server::start();
    fill(&server, "fraud", 40);
    fill(&server, "other", 10);
    server.post(STRUCTURED, &bytes(&event("fraud-1", "fraud", 99))).problem(409, "conflict", "");
    let size = server.size();
    let answer = server.get(&format!("/v1/exports?subject=model/fraud&subject=model/never&as_of={size}"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/zip")));
    assert!(answer.header("content-disposition").unwrap().starts_with("attachment; filename=\"modeltrail-"));
    let mut reader = BundleReader::from_bytes(answer.body.clone()).unwrap();
    let trust = Trust { pin: Some(server.key.clone()), policy: None };
    let report = verify_bundle(&mut reader, &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap();
    assert_eq!(report.outcome(false), Outcome::Holds, "{report:?}");
    assert_eq!(server.size(), size + 1);
    let index: u64 = answer.header("modeltrail-entry").unwrap().parse().unwrap();
    assert_eq!(index, size);
    let (event_type, data) = own_event(server.ledger.store().as_ref(), EntryIndex(index)).unwrap().unwrap();
    assert_eq!(event_type, "modeltrail.export.created.v1");
    assert_eq!(data["digest"], answer.header("modeltrail-manifest").unwrap());
    assert_eq!(
        (&data["subjects"], &data["checkpoint"]["size"]),
        (&json!(["model/fraud", "model/never"]), &json!(size))
    );
    let header = EntryHeader::parse(&server.ledger.header(index).unwrap().unwrap()).unwrap();
    assert!(header.step("model/fraud").is_some() && header.step("model/never").is_some());
}

#[test]
fn an_export_of_the_widest_scope_fits_one_entry() {
    let server = Server::start();
    let subjects: Vec<String> = (0..31).map(|n| format!("subject=model/m{n}@1")).collect();
    let answer = server.get(&format!("/v1/exports?{}", subjects.join("&")));
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let header = EntryHeader::parse(&server.ledger.header(server.size() - 1).unwrap().unwrap()).unwrap();
    assert_eq!(header.trails.len(), 63);
    server.get(&format!("/v1/exports?{}&subject=model/one_more", subjects.join("&"))).problem(
        400,
        "parameter",
        "at most 31 subjects",
    );
}

#[test]
fn what_can_not_be_exported_is_said_and_nothing_is_recorded() {
    let server = Server::start();
    let size = server.size();
    server.get("/v1/exports").problem(400, "parameter", "must be given");
    server.get("/v1/exports?subject=").problem(400, "parameter", "not a subject");
    server.get("/v1/exports?subject=model/a&as_of=99").problem(404, "no-size", "beyond the newest checkpoint");
    server.get("/v1/exports?subject=model/a&as_of=x").problem(400, "parameter", "`as_of`");
    let head = server.client().send("HEAD", "/v1/exports?subject=model/a", &[("host", "localhost")], b"");
    assert_eq!((head.status, head.header("allow")), (405, Some("GET")));
    assert_eq!(server.size(), size);
}

#[test]
fn exports_at_one_time_have_a_bound() {
    let server = Server::with(0, |config| config.limits.exports = 0);
    let answer = server.get("/v1/exports?subject=model/a");
    answer.problem(503, "exports-full", "0 exports are being made already");
    assert!(answer.header("retry-after").is_some());
}
