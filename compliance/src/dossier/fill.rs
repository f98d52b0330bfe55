//! Fills the fields, as [`super::fields`] says.

use serde_json::Value;

use super::fields::{BlockDef, ColumnDef, FactDef, REGISTERED, RowsDef, SECTIONS, Source, Take};
use super::gather::{Gathered, Statement};
use super::rows::Made;
use super::{Block, Cell, Column, Fact, MAX_ROWS, ReportError, Row, Section, Table};
use crate::words::mark_words;

/// All sections, filled.
pub(super) fn sections(gathered: &Gathered<'_>) -> Result<Vec<Section>, ReportError> {
    SECTIONS
        .iter()
        .map(|(number, title, blocks)| {
            let blocks = blocks.iter().map(|block| fill(block, gathered)).collect::<Result<_, _>>()?;
            Ok(Section { number: *number, title, blocks })
        })
        .collect()
}

fn fill(block: &BlockDef, gathered: &Gathered<'_>) -> Result<Block, ReportError> {
    let facts = block.facts.iter().map(|fact| Fact {
        id: format!("{}.{}", block.id, fact.id),
        label: fact.label,
        values: values(fact, gathered),
        filled_by: types(fact.sources.iter()),
    });
    let table = block.table.map(|(columns, rows)| table(block.id, columns, rows, gathered)).transpose()?;
    Ok(Block { id: block.id, title: block.title, facts: facts.collect(), table })
}

/// The whole names of the types, each once, in the order of the table.
fn types<'s>(sources: impl Iterator<Item = &'s Source>) -> Vec<String> {
    let mut types = Vec::new();
    for (verb, _) in sources {
        let name = format!("modeltrail.{verb}.v1");
        if !types.contains(&name) {
            types.push(name);
        }
    }
    types
}

fn values(fact: &FactDef, gathered: &Gathered<'_>) -> Vec<Cell> {
    let cells = gathered.statements.iter().filter(|statement| counted(statement, gathered)).filter_map(|statement| {
        let (_, pointer) = fact.sources.iter().find(|(verb, _)| *verb == statement.verb)?;
        Some(Cell { entry: statement.index, value: value(statement, pointer)? })
    });
    match fact.take {
        Take::First => cells.take(1).collect(),
        Take::Newest => cells.last().into_iter().collect(),
    }
}

/// Of registrations the first one counts: a later one under the same name is a finding, not a fact.
fn counted(statement: &Statement, gathered: &Gathered<'_>) -> bool {
    statement.verb != REGISTERED || gathered.registration().is_some_and(|first| first.index == statement.index)
}

fn value(statement: &Statement, pointer: &str) -> Option<Value> {
    match pointer {
        "/time" => Some(Value::from(statement.time.as_str())),
        "/about" => Some(Value::from(statement.about.as_str())),
        "/signers" => Some(Value::from(mark_words(statement.mark))),
        pointer => statement.data.pointer(pointer.strip_prefix("/data")?).cloned(),
    }
}

fn table(
    id: &str,
    columns: &'static [ColumnDef],
    rows: RowsDef,
    gathered: &Gathered<'_>,
) -> Result<Table, ReportError> {
    let all = match rows {
        RowsDef::Events(verbs) => events(verbs, columns, gathered),
        RowsDef::List(list) => elements(list, columns, gathered),
        RowsDef::Views(make) => make(gathered)?.into_iter().map(|made| ordered(made, columns)).collect(),
    };
    let left_out = all.len().saturating_sub(MAX_ROWS) as u64;
    let verbs = match rows {
        RowsDef::Events(verbs) => verbs.iter().map(|verb| format!("modeltrail.{verb}.v1")).collect(),
        _ => types(columns.iter().flat_map(|column| column.sources)),
    };
    Ok(Table {
        columns: columns
            .iter()
            .map(|column| Column { id: format!("{id}.{}", column.id), label: column.label })
            .collect(),
        rows: all.into_iter().take(MAX_ROWS).collect(),
        left_out,
        filled_by: verbs,
    })
}

fn events(verbs: &[&str], columns: &[ColumnDef], gathered: &Gathered<'_>) -> Vec<Row> {
    let rows =
        gathered.statements.iter().filter(|statement| verbs.contains(&statement.verb.as_str())).map(|statement| {
            let cells = columns.iter().map(|column| {
                let (_, pointer) = column.sources.iter().find(|(verb, _)| *verb == statement.verb)?;
                Some(Cell { entry: statement.index, value: value(statement, pointer)? })
            });
            Row { entry: statement.index, cells: cells.collect() }
        });
    rows.collect()
}

fn elements(list: &str, columns: &[ColumnDef], gathered: &Gathered<'_>) -> Vec<Row> {
    let Some(registration) = gathered.registration() else { return Vec::new() };
    let elements = registration.data.pointer(list).and_then(Value::as_array).into_iter().flatten();
    let entry = registration.index;
    let prefix = format!("/data{list}/*");
    let rows = elements.map(|element| {
        let cells = columns.iter().map(|column| {
            let pointer = column.sources.iter().find_map(|(_, pointer)| pointer.strip_prefix(prefix.as_str()))?;
            Some(Cell { entry, value: element.pointer(pointer)?.clone() })
        });
        Row { entry, cells: cells.collect() }
    });
    rows.collect()
}

/// A row of the views in the order of the columns. Every name in it is a column's: a test asks for each.
fn ordered(mut made: Made, columns: &[ColumnDef]) -> Row {
    let cells = columns.iter().map(|column| {
        let at = made.cells.iter().position(|(id, _)| *id == column.id)?;
        Some(made.cells.swap_remove(at).1)
    });
    let row = Row { entry: made.entry, cells: cells.collect() };
    debug_assert!(made.cells.is_empty(), "cells without a column: {:?}", made.cells);
    row
}
