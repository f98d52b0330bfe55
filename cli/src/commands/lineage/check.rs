//! What holds of a walk, by the bundle that it was folded from.
//!
//! The bundle was verified before: every entry in it is proven to be in the ledger, and every signature stands as its header says. The edges
//! were derived from the records here, not taken from anybody. What is left is to say, edge by edge, what became of the signatures of the
//! entry that made it; and, subject by subject, whether its trail is whole, since an entry that is not here could have made an edge more.

use std::collections::{BTreeMap, BTreeSet};

use modeltrail_core::header::SignerStatus;
use modeltrail_core::verify::{Aspect, Outcome};
use modeltrail_views::lineage::{Lineage, MAX_DEPTH, Node};
use modeltrail_views::rows::{Edge, Finding, Key};
use modeltrail_views::view::View;
use serde::Serialize;

use super::tree::Notes;
use crate::folded::{Folded, is_version};
use crate::output::Tone;

/// Digits of a key's id that are shown to people.
const SHORT_KEY: usize = 8;
/// Entries without a record that are named for one subject.
const MAX_ABSENT_NAMED: usize = 5;

/// Rules whose findings keep a lineage from holding, besides all whose name begins with [`SIGNATURES`].
const GRAVE: &[&str] =
    &["deployment-without-approval", "running-digest-differs", "version-reregistered", "approval-by-author"];
const SIGNATURES: &[&str] = &["signature-", "signer-"];

/// Whether a finding of this rule keeps a lineage from holding.
fn is_grave(rule: &str) -> bool {
    GRAVE.contains(&rule) || SIGNATURES.iter().any(|prefix| rule.starts_with(prefix))
}

/// One signature under the entry that made an edge.
#[derive(Serialize)]
pub(super) struct CheckedSigner {
    key: String,
    /// Who holds the key, as it was registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    status: &'static str,
    #[serde(skip)]
    valid: bool,
}

/// An edge and what became of the signatures of its entry.
#[derive(Serialize)]
pub(super) struct CheckedEdge {
    from: String,
    to: String,
    role: String,
    entry: u64,
    /// `valid`, `ledger`, `unsigned`, or the status of the first signature that does not count.
    signature: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signers: Vec<CheckedSigner>,
}

/// A subject and its trail.
#[derive(Serialize)]
pub(super) struct CheckedSubject {
    subject: String,
    /// Whether all entries about it are in the bundle.
    whole: bool,
    /// Whether the walk went on from here, so that an entry left out could have made an edge more.
    walked_on: bool,
    /// Entries on the trail whose record is not in the bundle.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    absent: Vec<u64>,
}

/// What holds of a walk.
#[derive(Serialize)]
pub(super) struct Checked {
    pub(super) outcome: &'static str,
    /// What speaks against it.
    pub(super) faults: Vec<String>,
    /// What could not be judged.
    pub(super) open: Vec<String>,
    pub(super) edges: Vec<CheckedEdge>,
    pub(super) subjects: Vec<CheckedSubject>,
    /// The findings about the subjects.
    pub(super) findings: Vec<Finding>,
    #[serde(skip)]
    pub(super) verdict: Outcome,
}

/// What is demanded.
#[derive(Clone, Copy)]
pub(super) struct Demand {
    /// Steps that were walked.
    pub(super) depth: usize,
    /// Every edge's entry must be signed.
    pub(super) signed: bool,
}

/// Checks a walk.
pub(super) fn check(folded: &Folded, view: &View<'_>, lineage: &Lineage, demand: Demand) -> anyhow::Result<Checked> {
    let mut checked = Checked {
        outcome: "",
        faults: Vec::new(),
        open: bundle_open(folded),
        edges: Vec::new(),
        subjects: subjects(folded, view, lineage, demand.depth),
        findings: findings(view, lineage)?,
        verdict: Outcome::CouldNotBeJudged,
    };
    for edge in &lineage.edges {
        checked.edges.push(edge_of(folded, view, edge)?);
    }
    checked.judge(folded, lineage, demand);
    Ok(checked)
}

/// What verification left open of the bundle itself.
fn bundle_open(folded: &Folded) -> Vec<String> {
    let report = &folded.report;
    let must = [Aspect::Integrity, Aspect::Order, Aspect::Completeness, Aspect::Authenticity];
    let open = must.into_iter().filter(|aspect| !report.verdict(*aspect).holds());
    open.map(|aspect| format!("the bundle's {} could not be judged", aspect.as_str())).collect()
}

fn edge_of(folded: &Folded, view: &View<'_>, edge: &Edge) -> anyhow::Result<CheckedEdge> {
    let seen = folded.seen.get(&edge.entry);
    let mut signers = Vec::new();
    for signer in seen.into_iter().flat_map(|seen| &seen.signers) {
        let id = signer.key.to_string();
        let owner = view.get::<Key>(&[&id])?.and_then(|key| key.owner);
        let valid = signer.status == SignerStatus::Valid;
        signers.push(CheckedSigner { key: id, owner, status: signer.status.as_str(), valid });
    }
    let failing = signers.iter().find(|signer| !signer.valid).map(|signer| signer.status);
    let signature = match (seen, failing) {
        (_, Some(status)) => status,
        (Some(seen), None) if seen.own => "ledger",
        _ if signers.is_empty() => "unsigned",
        _ => "valid",
    };
    let Edge { from, to, role, entry, .. } = edge.clone();
    Ok(CheckedEdge { from, to, role, entry, signature, signers })
}

/// Whether a walk of so many steps went on from a subject.
fn walked_on(node: &Node, depth: usize) -> bool {
    depth >= MAX_DEPTH || node.level.unsigned_abs() < depth as u64
}

/// How many subjects a walk went on from whose trail is not in the bundle.
pub(super) fn lacking(folded: &Folded, lineage: &Lineage, depth: usize) -> usize {
    let nodes = lineage.nodes.iter().filter(|node| walked_on(node, depth));
    nodes.filter(|node| folded.manifest.claim(&node.subject).is_none()).count()
}

/// Subjects with their trails. One at the end of the depth asked for was not looked beyond, so its trail is not needed.
fn subjects(folded: &Folded, view: &View<'_>, lineage: &Lineage, depth: usize) -> Vec<CheckedSubject> {
    let mut absent: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (index, seen) in folded.seen.range(..view.size()).filter(|(_, seen)| seen.absent.is_some()) {
        for subject in &seen.subjects {
            absent.entry(subject).or_default().push(*index);
        }
    }
    let nodes = lineage.nodes.iter().map(|node| CheckedSubject {
        subject: node.subject.clone(),
        whole: folded.manifest.claim(&node.subject).is_some(),
        walked_on: walked_on(node, depth),
        absent: absent.get(node.subject.as_str()).cloned().unwrap_or_default(),
    });
    nodes.collect()
}

/// The findings about the start and what it was made of, and about what came of it as far as they name the start: a version that was made of
/// this one later, or that the same service ran at another time, is another one's fault.
fn findings(view: &View<'_>, lineage: &Lineage) -> anyhow::Result<Vec<Finding>> {
    let made_of = lineage.nodes.iter().filter(|node| node.level <= 0);
    let made_of: BTreeSet<&str> = made_of.map(|node| node.subject.as_str()).collect();
    let mut found = BTreeMap::new();
    for node in &lineage.nodes {
        for finding in view.findings_of(&node.subject)? {
            let mut versions = finding.subjects.iter().filter(|subject| is_version(subject)).peekable();
            let about = match versions.peek() {
                None => node.level <= 0,
                Some(_) => versions.any(|version| made_of.contains(version.as_str())),
            };
            if about {
                found.insert(finding.id.clone(), finding);
            }
        }
    }
    let mut found: Vec<Finding> = found.into_values().collect();
    found.sort_by(|a, b| (a.severity, &a.entries, &a.id).cmp(&(b.severity, &b.entries, &b.id)));
    Ok(found)
}

impl Checked {
    fn judge(&mut self, folded: &Folded, lineage: &Lineage, demand: Demand) {
        let failing = self.edges.iter().filter(|edge| !matches!(edge.signature, "valid" | "ledger" | "unsigned"));
        self.faults.extend(failing.map(|edge| {
            format!(
                "entry {}, by which {} went into {}, has a signature that is {}",
                edge.entry,
                edge.from,
                edge.to,
                words(edge.signature)
            )
        }));
        let unsigned = self.unsigned();
        if demand.signed && unsigned > 0 {
            self.faults.push(format!("edges not signed by their producer: {unsigned} of {}", self.edges.len()));
        }
        let (sure, unsure): (Vec<&Finding>, Vec<&Finding>) = self
            .findings
            .iter()
            .filter(|finding| is_grave(&finding.rule))
            .partition(|finding| folded.can_tell(finding));
        self.faults.extend(sure.iter().map(|finding| format!("{}: {}", finding.id, finding.title)));
        self.open.extend(unsure.iter().map(|finding| {
            format!(
                "{} may only seem so, since a trail that it rests on is not in the bundle: {}",
                finding.id, finding.title
            )
        }));
        if let Some(bound) = &lineage.truncated {
            self.open.push(format!("the walk {bound}"));
        }
        let lacking = self.subjects.iter().filter(|subject| subject.walked_on && !subject.whole).count();
        if lacking > 0 {
            self.open.push(format!(
                "edges may be missing, since of {} subjects the trails of {lacking} are not in the bundle; `modeltrail export --dossier` takes along those of a version's lineage",
                self.subjects.len()
            ));
        }
        for subject in self.subjects.iter().filter(|subject| subject.walked_on && !subject.absent.is_empty()) {
            let named: Vec<String> = subject.absent.iter().take(MAX_ABSENT_NAMED).map(u64::to_string).collect();
            let more = if subject.absent.len() > MAX_ABSENT_NAMED { " and more" } else { "" };
            self.open.push(format!(
                "entries about {} without a record in the bundle, any of which may have made an edge: {}{more}",
                subject.subject,
                named.join(", "),
            ));
        }
        let verdict = match (self.faults.is_empty(), self.open.is_empty()) {
            (false, _) => Outcome::DoesNotHold,
            (true, false) => Outcome::CouldNotBeJudged,
            (true, true) => Outcome::Holds,
        };
        self.outcome = crate::commands::verify::word(verdict);
        self.verdict = verdict;
    }

    /// Subjects whose trail is in the bundle, whole.
    pub(super) fn whole(&self) -> usize {
        self.subjects.iter().filter(|subject| subject.whole).count()
    }

    /// Edges whose entry nobody signed.
    pub(super) fn unsigned(&self) -> usize {
        self.edges.iter().filter(|edge| edge.signature == "unsigned").count()
    }

    /// Edges whose signatures all count.
    pub(super) fn valid(&self) -> usize {
        self.edges.iter().filter(|edge| edge.signature == "valid").count()
    }
}

/// A status as people say it.
fn words(status: &str) -> String {
    status.replace('-', " ")
}

/// The remarks that a check gives.
pub(super) struct CheckNotes<'a> {
    edges: BTreeMap<(&'a str, &'a str, &'a str), &'a CheckedEdge>,
    subjects: BTreeMap<&'a str, &'a CheckedSubject>,
}

impl<'a> CheckNotes<'a> {
    pub(super) fn new(checked: &'a Checked) -> Self {
        let edges = checked.edges.iter().map(|edge| ((edge.from.as_str(), edge.to.as_str(), edge.role.as_str()), edge));
        let subjects = checked.subjects.iter().map(|subject| (subject.subject.as_str(), subject));
        Self { edges: edges.collect(), subjects: subjects.collect() }
    }
}

impl Notes for CheckNotes<'_> {
    fn edge(&self, edge: &Edge) -> (Tone, String) {
        let checked = self.edges.get(&(edge.from.as_str(), edge.to.as_str(), edge.role.as_str()));
        let Some(checked) = checked else { return (Tone::Bad, "not checked".to_owned()) };
        if checked.signers.is_empty() {
            return match checked.signature {
                "ledger" => (Tone::Good, "the ledger's own".to_owned()),
                _ => (Tone::Unsure, "unsigned".to_owned()),
            };
        }
        let all: Vec<String> = checked.signers.iter().map(signer_words).collect();
        let tone = if checked.signature == "valid" { Tone::Good } else { Tone::Bad };
        (tone, all.join(", "))
    }

    fn subject(&self, subject: &str) -> Option<String> {
        let checked = self.subjects.get(subject)?;
        if !checked.walked_on {
            return None;
        }
        if !checked.whole {
            return Some("trail not in this bundle: edges may be missing".to_owned());
        }
        (!checked.absent.is_empty()).then(|| format!("entries without their record: {}", checked.absent.len()))
    }
}

fn signer_words(signer: &CheckedSigner) -> String {
    let key: String = signer.key.chars().take(SHORT_KEY).collect();
    let owner = signer.owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default();
    format!("{} by {key}{owner}", words(signer.status))
}
