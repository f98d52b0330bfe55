#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
#[allow(dead_code)]
#[path = "../tests/bundle/world.rs"]
mod world;
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::verify::{Options, Trust, verify_bundle};
use serde_json::json;
use world::*;
fn main() {
    if let Some(path) = std::env::args().nth(3) {
        let t = std::time::Instant::now();
        for _ in 0..5 {
        let trust = Trust { pin: Some(vkey(1)), policy: None };
        let r = verify_bundle(&mut BundleReader::open(std::path::Path::new(&path)).unwrap(), &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap();
        eprintln!("{} {:.0}/s", r.facts.entries, 0.0);
        eprintln!("t {:?}", t.elapsed());
        }
        return;
    }
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let signed = std::env::args().nth(2).is_some();
    let mut w = World::new();
    w.register(20, "*", "model/*");
    let t = std::time::Instant::now();
    for i in 0..n {
        let e = event(&format!("evt-{i}"), "modeltrail.evaluation.recorded.v1", &format!("model/m{}@1.{}.0", i % 100, i % 7), &json!({"name": format!("m{}", i % 100), "version": format!("1.{}.0", i % 7), "pad": pad(i), "run": {"source": "mlflow", "id": format!("r{i}")}}));
        if signed { w.signed(&e, 20, false); } else { w.http(&e); }
        if i % 1000 == 999 { w.seal(); }
    }
    w.seal();
    eprintln!("ledger {:?}", t.elapsed());
    let subjects: Vec<String> = (0..100).flat_map(|m| (0..7).map(move |v| format!("model/m{m}@1.{v}.0"))).collect();
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let t = std::time::Instant::now();
    let zip = zip_of(&w.store, &subjects, 1);
    eprintln!("export {:?} {} bytes", t.elapsed(), zip.len());
    std::fs::write("/tmp/speed.zip", &zip).unwrap();
    let files = Files::unzip(&zip);
    eprintln!("entries.jsonl {} bytes", files.0["entries.jsonl"].len());
    for _ in 0..3 {
        let t = std::time::Instant::now();
        let trust = Trust { pin: Some(vkey(1)), policy: None };
        let r = verify_bundle(&mut BundleReader::from_bytes(zip.clone()).unwrap(), &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap();
        let e = t.elapsed();
        eprintln!("verify {:?} {} entries {:.0}/s {:?}", e, r.facts.entries, r.facts.entries as f64 / e.as_secs_f64(), r.outcome(false));
        if !r.integrity.holds() || !r.authenticity.holds() { eprintln!("{:#?}", r); return; }
    }
    let stored = files.zip();
    let t = std::time::Instant::now();
    let trust = Trust { pin: Some(vkey(1)), policy: None };
    let r = verify_bundle(&mut BundleReader::from_bytes(stored).unwrap(), &Options { trust: &trust, tiles: None, progress: &|_| {} }).unwrap();
    eprintln!("verify stored {:.0}/s", r.facts.entries as f64 / t.elapsed().as_secs_f64());
    let t = std::time::Instant::now();
    let mut sum = 0u64;
    for line in files.0["entries.jsonl"].split(|b| *b == b'\n').filter(|l| !l.is_empty()) { let v: serde_json::Value = serde_json::from_slice(line).unwrap(); sum += v.as_object().unwrap().len() as u64; }
    use sha2::Digest; let d = sha2::Sha256::digest(&files.0["entries.jsonl"]);
    eprintln!("sha+parse same bytes, one thread: {:.0}/s {sum} {:x?}", r.facts.entries as f64 / t.elapsed().as_secs_f64(), &d[..2]);
}

fn pad(i: usize) -> String { use sha2::Digest; let mut x = String::new(); let mut k = 0u32; while x.len() < 780 { x.push_str(&hex::encode(sha2::Sha256::digest(format!("{i}/{k}")))); k += 1; } x.truncate(780); x }
