//! What stands around the nine headings: findings, lineage, where entries came from, what is cited, what is proven.

use std::collections::BTreeSet;

use modeltrail_views::rows::{Finding, Source};
use modeltrail_views::tables::part;

use super::gather::{Arrived, Gathered};
use super::{Checkpoint, Dossier, Facts, NAME, RENDERER, ReportError, Section, SourceLine, fill};

/// What a bundle proves, whatever is in it.
const PROVEN: &[&str] = &[
    "Each cited entry is part of the ledger at the checkpoint above, at its index, unchanged (inclusion proof and leaf hash).",
    "Each record opens the commitment in its entry, so it is what arrived, byte for byte.",
    "The order of the entries is the order in which the ledger sealed them.",
    "The ledger's key signed the checkpoint; a producer's signature was judged by the keys registered before it.",
];

/// What it does not.
const NOT_PROVEN: &[&str] = &[
    "That what an entry says is true: an entry proves what was said, by whom it claims to be said, and when it arrived.",
    "That a statement nobody sent was not true: what is not recorded here may still have happened.",
    "That times are right: received times come from the ledger's own clock, others from whoever sent the event.",
    "That trails are complete beyond the ledger's own word, unless they are counted over all headers of the ledger.",
    "That the version meets any law or standard: this is evidence for people to judge.",
];

pub(super) fn assemble(gathered: &Gathered<'_>, facts: &Facts) -> Result<Dossier, ReportError> {
    let sections = fill::sections(gathered)?;
    let (findings, findings_elsewhere) = findings(gathered)?;
    let ingest = ingest(gathered, facts)?;
    let lineage_open = open_ends(gathered, facts);
    let mut dossier = Dossier {
        report: NAME,
        renderer: RENDERER,
        subject: gathered.version.clone(),
        as_of: facts.as_of,
        checkpoint: Checkpoint { origin: facts.origin.clone(), size: facts.size, root: facts.root.clone() },
        clock: gathered.clock.clone(),
        last_received: gathered.last_received.clone(),
        known: gathered.registration().is_some() || !gathered.changes.is_empty(),
        findings,
        findings_elsewhere,
        sections,
        lineage: gathered.lineage.clone(),
        lineage_open,
        changes: gathered.changes.clone(),
        changes_left_out: gathered.changes_left_out,
        ingest,
        cited: Vec::new(),
        proven: PROVEN.iter().map(|text| (*text).to_owned()).collect(),
        not_proven: NOT_PROVEN.iter().map(|text| (*text).to_owned()).collect(),
    };
    let cited = cited(&dossier);
    dossier.cited = cited.iter().filter_map(|index| gathered.entries.get(index).cloned()).collect();
    Ok(dossier)
}

/// The entries named anywhere in the dossier.
fn cited(dossier: &Dossier) -> BTreeSet<u64> {
    let mut cited = BTreeSet::from([0]);
    for block in dossier.sections.iter().flat_map(|section: &Section| &section.blocks) {
        cited.extend(block.facts.iter().flat_map(|fact| &fact.values).map(|cell| cell.entry));
        for row in block.table.iter().flat_map(|table| &table.rows) {
            cited.insert(row.entry);
            cited.extend(row.cells.iter().flatten().map(|cell| cell.entry));
        }
    }
    cited.extend(dossier.findings.iter().flat_map(|finding| finding.entries.iter().copied().chain(finding.ended)));
    cited.extend(dossier.lineage.edges.iter().map(|edge| edge.entry));
    cited.extend(dossier.changes.iter().map(|change| change.entry));
    cited.extend(dossier.ingest.iter().flat_map(|line| &line.said_by));
    cited
}

/// Findings about the version and what belongs to it. Those that name another model are left to that model's dossier: its trails are not here, so a rule
/// that looks for an approval would miss it.
fn findings(gathered: &Gathered<'_>) -> Result<(Vec<Finding>, u64), ReportError> {
    let complete: BTreeSet<&str> = gathered.facts.complete.iter().map(String::as_str).collect();
    let ours: BTreeSet<&str> = gathered.lineage.nodes.iter().map(|node| node.subject.as_str()).collect();
    let arrived =
        |subject: &str| subject.strip_prefix("source/").is_some_and(|source| gathered.arrived.contains_key(source));
    let (mut found, mut elsewhere) = (Vec::new(), 0);
    for finding in gathered.view().all::<Finding>(&[])? {
        let whole = |subject: &str| subject.split_once('@').map_or(subject, |(whole, _)| whole).to_owned();
        let foreign = finding.subjects.iter().any(|subject| {
            subject.starts_with("model/")
                && whole(subject) != gathered.model
                && !complete.contains(whole(subject).as_str())
        });
        let named = finding.subjects.iter().any(|subject| {
            *subject == gathered.version
                || *subject == gathered.model
                || ours.contains(subject.as_str())
                || arrived(subject)
        });
        if foreign {
            elsewhere += 1;
        } else if named {
            found.push(finding);
        }
    }
    found.sort_by(|a, b| (a.severity, &a.entries, &a.id).cmp(&(b.severity, &b.entries, &b.id)));
    Ok((found, elsewhere))
}

/// Subjects of the lineage whose own trails are not here.
fn open_ends(gathered: &Gathered<'_>, facts: &Facts) -> Vec<String> {
    let complete: BTreeSet<&str> = facts.complete.iter().map(String::as_str).collect();
    let nodes = gathered.lineage.nodes.iter().map(|node| node.subject.as_str());
    let open: BTreeSet<&str> = nodes.filter(|subject| !complete.contains(subject)).collect();
    open.into_iter().map(str::to_owned).collect()
}

fn ingest(gathered: &Gathered<'_>, facts: &Facts) -> Result<Vec<SourceLine>, ReportError> {
    let mut lines = Vec::new();
    for (name, arrived) in &gathered.arrived {
        let key = part(name);
        let subject = format!("source/{key}");
        let trail = facts.complete.contains(&subject);
        let row: Option<Source> = gathered.view().get(&[&key])?;
        let (words, said_by) = completeness(name, arrived, trail, row.as_ref());
        lines.push(SourceLine {
            source: crate::words::visible(name),
            entries: arrived.entries,
            kept_aside: arrived.kept_aside,
            positions: arrived.positions.iter().map(|(partition, (first, last))| (*partition, *first, *last)).collect(),
            trail,
            words,
            said_by,
        });
    }
    Ok(lines)
}

fn completeness(name: &str, arrived: &Arrived, trail: bool, row: Option<&Source>) -> (String, Vec<u64>) {
    if name == "ledger" {
        return ("The ledger's own entries; no source could withhold them.".to_owned(), Vec::new());
    }
    if arrived.positions.is_empty() {
        let words = "Sent over HTTP: each was answered with a receipt. What nobody sent can't be missed here.";
        return (words.to_owned(), Vec::new());
    }
    let Some(source) = row.filter(|_| trail) else {
        let words = "The entries about this source itself are not all in the bundle: whether positions were lost or put aside is not stated here. \
                     The ledger accounts for every position; ask for its ingest report.";
        return (words.to_owned(), Vec::new());
    };
    let told: Vec<&modeltrail_views::rows::SourceEvent> =
        source.events.iter().filter(|event| matches!(event.verb.as_str(), "gap" | "halted" | "rebased")).collect();
    let words = match (source.gaps, told.len()) {
        (0, 0) => {
            format!("The source is {}; its trail is whole and tells of no gap, no halt and no new start.", source.state)
        }
        (gaps, _) => format!(
            "The source is {}; its trail tells of {gaps} gaps, and of {} gaps, halts and new starts together.",
            source.state,
            told.len()
        ),
    };
    (words, told.iter().map(|event| event.entry).collect())
}
