//! When the ledger was last checked as a whole, and what came of it: as an entry says, if one does.

use modeltrail_core::check::FAILED;
use modeltrail_schemas::subject::encode_part;
use modeltrail_views::project::LAST_CHECK;
use modeltrail_views::rows::Note;
use serde_json::Value;

use super::bits::{Bit, Cell, mark, time_bit};
use super::context::Cx;
use super::fault::Fault;
use super::text::{counted, cut};

/// It, in a line.
pub(super) fn line(cx: &Cx<'_>) -> Result<Cell, Fault> {
    let subject = format!("ledger/{}", encode_part(cx.state.ledger().origin()));
    let Some(note) = cx.view().get::<Note>(&[&subject, LAST_CHECK])? else {
        return Ok(Cell::words("none is recorded:").and(Bit::Code("modeltraild fsck --record".to_owned())));
    };
    let names = |member: &str| {
        let list = note.data.get(member).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let size = note.data.pointer("/checkpoint/size").and_then(Value::as_u64).unwrap_or_default();
    let cell = if note.act.r#type == FAILED {
        Cell::from(mark("critical", "◆", "does not hold")).and(Bit::Name(cut(&names("invariants"))))
    } else if note.data.get("could_not_judge").is_some() {
        Cell::from(mark("medium", "■", "holds in part"))
            .aside(format!("not judged: {}", cut(&names("could_not_judge"))))
    } else {
        Cell::from(mark("good", "✓", "holds"))
    };
    let cell = cell.then(format!("at {}", counted(size, "entry", "entries")));
    Ok(cell.and(time_bit(&note.act.received)).entry(&cx.links, note.act.entry))
}
