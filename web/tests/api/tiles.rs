//! The C2SP read paths: whoever mirrors them can rebuild the tree, and nothing else can be read there.

use modeltrail_tlog::checkpoint::Checkpoint;
use modeltrail_tlog::hash::leaf_hash;
use modeltrail_tlog::tile::{decode_bundle, entries_path, tiles_for};
use modeltrail_tlog::tree::Edge;

use crate::harness::{Server, fill};

fn checkpoint(server: &Server) -> Checkpoint {
    let answer = server.get("/checkpoint");
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    Checkpoint::open(&answer.body, std::slice::from_ref(&server.key)).unwrap().0
}

#[test]
fn the_tree_can_be_rebuilt_from_what_is_served() {
    let server = Server::start();
    fill(&server, "fraud", 700);
    let head = checkpoint(&server);
    let (mut edge, mut full) = (Edge::new(), Vec::new());
    for id in tiles_for(head.size).filter(|id| id.level == 0) {
        let answer = server.get(&format!("/{}", entries_path(id.index, id.width)));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/octet-stream")));
        let entries = decode_bundle(&answer.body).unwrap();
        assert_eq!(entries.len(), usize::from(id.width));
        entries.iter().for_each(|entry| edge.append(leaf_hash(entry), &mut full));
    }
    assert_eq!((edge.size(), edge.root()), (head.size, head.root));
    full.extend((0..8).filter_map(|level| edge.partial(level)));
    let served: Vec<_> = tiles_for(head.size).collect();
    assert_eq!(served.len(), full.len());
    for (id, bytes) in full {
        let answer = server.get(&format!("/{}", id.path()));
        assert_eq!((answer.status, &answer.body), (200, &bytes), "{id}");
        let expected = if id.is_full() { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
        assert_eq!(answer.header("cache-control"), Some(expected), "{id}");
    }
}

#[test]
fn narrower_tiles_stay_and_wider_ones_are_not_there_yet() {
    let server = Server::start();
    fill(&server, "fraud", 300);
    let size = checkpoint(&server).size.get();
    let full = server.get("/tile/0/000").body;
    assert_eq!(full.len(), 256 * 32);
    for width in [1, 2, 255] {
        assert_eq!(server.get(&format!("/tile/0/000.p/{width}")).body, full[..width * 32]);
        assert_eq!(decode_bundle(&server.get(&format!("/tile/entries/000.p/{width}")).body).unwrap().len(), width);
    }
    let edge = size - 256;
    assert_eq!(server.get(&format!("/tile/0/001.p/{edge}")).status, 200);
    for path in [
        format!("/tile/0/001.p/{}", edge + 1),
        format!("/tile/entries/001.p/{}", edge + 1),
        "/tile/0/001".to_owned(),
        "/tile/entries/001".to_owned(),
        "/tile/1/000".to_owned(),
        "/tile/1/000.p/2".to_owned(),
        "/tile/0/002.p/1".to_owned(),
        "/tile/2/000.p/1".to_owned(),
        "/tile/63/000".to_owned(),
        "/tile/0/x999/x999/x999/x999/999".to_owned(),
        "/tile/entries/x018/x446/x744/x073/x709/x551/615".to_owned(),
    ] {
        server.get(&path).problem(404, "no-tile", &format!("in a tree of {size} entries"));
    }
}

#[test]
fn a_tile_has_one_spelling() {
    let server = Server::start();
    fill(&server, "fraud", 300);
    for path in [
        "/tile/",
        "/tile/0",
        "/tile/0/",
        "/tile/0/0",
        "/tile/0/00",
        "/tile/0/0000",
        "/tile/0/x000/000",
        "/tile/00/000",
        "/tile/64/000",
        "/tile/-1/000",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/000.p/01",
        "/tile/0/000.p/",
        "/tile/0/000.p",
        "/tile/0/000/",
        "/tile/0//000",
        "/tile//0/000",
        "/tile/0/%30%30%30",
        "/tile/0/..%2f000",
        "/tile/../tile/0/000",
        "/tile/entries/",
        "/tile/entries/0",
        "/tile/entries/000.p/256",
        "/tile/entries/../0/000",
        "/tile/entries/x18/446",
        "/tile/data/000",
        "/tile/8/x",
        "/tile/entries/x018/x446/x744/x073/x709/x551/616",
        "/TILE/0/000",
        "/tile/0/000.P/1",
        "/checkpoint/",
        "//checkpoint",
        "/tile/0/000%00",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 404, "{path}");
        answer.problem(404, "not-found", "there is nothing at");
    }
    server.get("/tile/0/000?x=1").problem(400, "parameter", "takes: none");
    let tag = server.get("/tile/0/000").header("etag").unwrap().to_owned();
    let again = server.client().send("GET", "/tile/0/000", &[("host", "localhost"), ("if-none-match", &tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
}
