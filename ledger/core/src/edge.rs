//! The tree's edge, from what a store holds.

use modeltrail_tlog::hash::{LeafHash, leaf_hash};
use modeltrail_tlog::tile::{FULL_WIDTH, TileId};
use modeltrail_tlog::tree::{Edge, TreeError, TreeSize};

use crate::store::{Store, StoreError};
use crate::types::EntryIndex;

/// The edge of the tree of `size` entries, from full tiles and the headers behind them. Nothing says yet that it is the signed tree: compare its root.
///
/// # Errors
/// The store can't answer, or what `contradiction` makes of a missing header or tile.
pub(crate) fn rebuild<S: Store, E: From<StoreError>>(
    store: &S,
    size: TreeSize,
    contradiction: impl Fn(String) -> E,
) -> Result<Edge, E> {
    let first = size.get() - size.get() % u64::from(FULL_WIDTH);
    let leaf = |index| -> Result<LeafHash, E> {
        let header = store.header(EntryIndex(index))?;
        Ok(leaf_hash(&header.ok_or_else(|| contradiction(format!("entry {index} is missing")))?))
    };
    let tail: Vec<LeafHash> = (first..size.get()).map(leaf).collect::<Result<_, _>>()?;
    Edge::rebuild(size, |id: TileId| store.tile(id.level, id.index), &tail).map_err(|error| match error {
        TreeError::Read { source, .. } => E::from(source),
        other => contradiction(format!("the tiles do not give the tree: {other}")),
    })
}
