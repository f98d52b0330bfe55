//! Tile paths and entry bundles.

use modeltrail_tlog::tile::{
    TileError, TileId, decode_bundle, encode_bundle, entries_path, new_tiles, parse_entries_path, tile_hashes,
    tiles_for, width_at,
};
use modeltrail_tlog::tree::TreeSize;
use proptest::prelude::*;

#[test]
fn paths_and_what_they_name() {
    let cases = [
        ("tile/0/000", 0, 0, 256),
        ("tile/0/999", 0, 999, 256),
        ("tile/0/x001/000", 0, 1000, 256),
        ("tile/0/x001/234.p/112", 0, 1234, 112),
        ("tile/63/x018/x446/x744/x073/x709/x551/615.p/1", 63, u64::MAX, 1),
    ];
    for (path, level, index, width) in cases {
        let tile = TileId { level, index, width };
        assert_eq!(tile.path(), path);
        assert_eq!(TileId::parse(path), Ok(tile));
    }
    assert_eq!(entries_path(1_234_067, 256), "tile/entries/x001/x234/067");
    assert_eq!(parse_entries_path("tile/entries/067.p/255"), Ok((67, 255)));
}

#[test]
fn other_spellings_are_refused() {
    let bad = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/000/",
        "tile//000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/234",
        "tile/0/x001/x234",
        "tile/0/X001/234",
        "tile/0/x01/234",
        "tile/0/x0001/234",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+0/000",
        "tile/0/+00",
        "tile/0/-01",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/000.p/65537",
        "tile/0/.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/٠٠٠",
        "tile/0/00\n",
        "tile/0/000 ",
        "tile/entries/000",
        "tile/0/../000",
    ];
    for path in bad {
        assert!(matches!(TileId::parse(path), Err(TileError::Path { .. })), "{path:?}");
    }
}

#[test]
fn other_spellings_of_bundles_are_refused() {
    for path in ["tile/entries", "tile/entries/", "tile/entries/0", "tile/0/000", "tile/entries/000.p/256"] {
        assert!(matches!(parse_entries_path(path), Err(TileError::EntriesPath { .. })), "{path:?}");
    }
}

#[test]
fn an_error_repeats_little_of_its_input() {
    let long = format!("tile/0/{}000", "x001/".repeat(100_000));
    let error = TileId::parse(&long).unwrap_err().to_string();
    assert!(error.len() < 250, "an error repeats little of its input: {}", error.len());
}

#[test]
fn a_tile_has_a_level_and_a_width() {
    assert_eq!(TileId::new(0, 5, 256), Ok(TileId::full(0, 5)));
    assert_eq!(TileId::new(64, 0, 1), Err(TileError::Level { level: 64 }));
    for width in [0, 257, u16::MAX] {
        assert_eq!(TileId::new(0, 0, width), Err(TileError::Width { width }));
    }
}

#[test]
fn widths_at_the_limits() {
    let max = TreeSize::new(u64::MAX);
    assert_eq!(width_at(0, u64::MAX / 256, max), 255);
    assert_eq!(width_at(0, u64::MAX, max), 0);
    assert_eq!(width_at(7, 0, max), 255);
    assert_eq!(width_at(8, 0, max), 0);
    assert_eq!(width_at(255, 0, max), 0);
    assert_eq!(width_at(0, 0, TreeSize::new(0)), 0);
    assert_eq!(tiles_for(TreeSize::new(0)).count(), 0);
    assert_eq!(tiles_for(max).take(3).last(), Some(TileId::full(0, 2)), "lazy");
    assert_eq!(new_tiles(max, max).count(), 0);
    assert_eq!(new_tiles(TreeSize::new(5), TreeSize::new(4)).count(), 0);
    let last = new_tiles(TreeSize::new(u64::MAX - 1), max).collect::<Vec<_>>();
    assert_eq!(last, [TileId { level: 0, index: u64::MAX / 256, width: 255 }]);
}

#[test]
fn hashes_of_a_tile() {
    let tile: Vec<u8> = [[1; 32], [2; 32]].concat();
    let hashes: Vec<_> = tile_hashes(&tile).unwrap().map(|hash| hash.as_bytes()[0]).collect();
    assert_eq!(hashes, [1, 2]);
    for length in [0, 31, 33, 8191, 8193, 8224] {
        assert!(tile_hashes(&vec![0; length]).is_none(), "{length}");
    }
    assert_eq!(tile_hashes(&[0; 8192]).unwrap().len(), 256);
}

#[test]
fn bundles_that_are_none() {
    assert_eq!(decode_bundle(&[]), Err(TileError::EmptyBundle));
    assert_eq!(encode_bundle([]), Err(TileError::EmptyBundle));
    let truncated = |position, wanted, left| Err(TileError::TruncatedBundle { position, wanted, left });
    assert_eq!(decode_bundle(&[0]), truncated(0, 2, 1));
    assert_eq!(decode_bundle(&[0, 3, 1, 2]), truncated(0, 3, 2));
    assert_eq!(decode_bundle(&[0, 0, 0, 1, 7, 0]), truncated(2, 2, 1));
    assert_eq!(decode_bundle(&[0; 2 * 257]), Err(TileError::TooManyEntries));
    assert_eq!(decode_bundle(&[0; 2 * 256]).map(|entries| entries.len()), Ok(256));
    assert_eq!(encode_bundle([&[][..]; 257]), Err(TileError::TooManyEntries));
    let long = vec![0; 65_536];
    let too_long = Err(TileError::EntryTooLong { position: 1, bytes: 65_536 });
    assert_eq!(encode_bundle([&[][..], &long[..]]), too_long);
    assert_eq!(encode_bundle([&long[..65_535]]).map(|bundle| bundle.len()), Ok(65_537));
}

proptest! {
    #[test]
    fn paths_go_round(level in 0..=63_u8, index in any::<u64>(), shift in 0..64, width in 1..=256_u16) {
        let tile = TileId::new(level, index >> shift, width).unwrap();
        prop_assert_eq!(TileId::parse(&tile.path()), Ok(tile));
        let entries = entries_path(tile.index, width);
        prop_assert_eq!(parse_entries_path(&entries), Ok((tile.index, width)));
    }

    #[test]
    fn bundles_go_round(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..=256),
    ) {
        let bundle = encode_bundle(entries.iter().map(Vec::as_slice)).unwrap();
        prop_assert_eq!(decode_bundle(&bundle).unwrap(), entries);
    }

    #[test]
    fn new_tiles_are_those_whose_width_changed(old in 0..2_000_000_u64, more in 0..80_000_u64) {
        let (old, new) = (TreeSize::new(old), TreeSize::new(old + more));
        let changed = tiles_for(new)
            .filter(|tile| width_at(tile.level, tile.index, old) != tile.width);
        prop_assert!(new_tiles(old, new).eq(changed));
    }
}
