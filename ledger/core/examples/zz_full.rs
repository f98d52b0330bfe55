#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]
#[allow(dead_code)]
#[path = "../tests/bundle/world.rs"]
mod world;
use world::*;
fn main() {
    let w = World::full();
    std::fs::create_dir_all("/tmp/xc").unwrap();
    std::fs::write("/tmp/xc/fraud.zip", zip_of(&w.store, &[MODEL], w.key)).unwrap();
    std::fs::write("/tmp/xc/claims.zip", zip_of(&w.store, &["dataset/claims@7", "source/ml-events"], w.key)).unwrap();
    std::fs::write("/tmp/xc/part.zip", zip_of(&w.store, &["dataset/part59@1", "source/http"], w.key)).unwrap();
    std::fs::write("/tmp/xc/ledger.vkey", vkey(1).to_string()).unwrap();
    std::fs::write("/tmp/xc/new.vkey", vkey(2).to_string()).unwrap();
    mirror(&w.store, std::path::Path::new("/tmp/xc/mirror"));
}
