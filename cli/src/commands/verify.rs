//! `modeltrail verify`: a bundle, offline.

use std::fmt::Write as _;
use std::path::Path;

use modeltrail_compliance::bundle::{RerenderError, Rerendered, rerender};
use modeltrail_core::bundle::reader::BundleReader;
use modeltrail_core::verify::{Aspect, Facts, Outcome, Report, Verdict};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::exit::Exit;
use crate::output::{Output, Tone, paint, printable};
use crate::{bundle, keys};

#[derive(Serialize)]
struct Document<'a> {
    outcome: &'static str,
    verdicts: Verdicts<'a>,
    facts: &'a Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    reports: Option<&'a Reports>,
}

/// What came of rendering the bundle's reports again from its own entries.
#[derive(Serialize)]
#[serde(tag = "verdict")]
enum Reports {
    #[serde(rename = "the same")]
    Same { files: Vec<String> },
    #[serde(rename = "differs")]
    Differs { file: String, at: u64 },
    #[serde(rename = "could not be judged")]
    CouldNotBeJudged { why: String },
}

#[derive(Serialize)]
struct Verdicts<'a> {
    integrity: &'a Verdict,
    order: &'a Verdict,
    completeness: &'a Verdict,
    authenticity: &'a Verdict,
    time: &'a Verdict,
}

pub(crate) fn run(args: &VerifyArgs, out: Output) -> anyhow::Result<Exit> {
    let trust = keys::trust(&args.trust)?;
    let report = bundle::verify(&args.bundle, &trust, args.tiles.as_deref())?;
    let reports = rendered_again(&args.bundle, &report);
    let outcome = with_reports(report.outcome(args.strict), reports.as_ref());
    let verdicts = Verdicts {
        integrity: &report.integrity,
        order: &report.order,
        completeness: &report.completeness,
        authenticity: &report.authenticity,
        time: &report.time,
    };
    let document = Document { outcome: word(outcome), verdicts, facts: &report.facts, reports: reports.as_ref() };
    out.print(&document, || {
        let mut text = verdicts_text(&report);
        reports.iter().for_each(|reports| line(&mut text, &reports_line(reports)));
        text + &outcome_line(outcome)
    })?;
    Ok(outcome.into())
}

/// Renders the reports again. A bundle that can't be read for it was judged before by what can't be read.
fn rendered_again(bundle: &Path, report: &Report) -> Option<Reports> {
    if report.facts.reports.is_empty() {
        return None;
    }
    let found = BundleReader::open(bundle).map_err(RerenderError::from).and_then(|mut reader| rerender(&mut reader));
    match found {
        Ok(Rerendered::None) => None,
        Ok(Rerendered::Same { files }) => Some(Reports::Same { files }),
        Ok(Rerendered::Differs { file, at }) => Some(Reports::Differs { file, at }),
        Ok(Rerendered::CouldNotBeJudged { why }) => Some(Reports::CouldNotBeJudged { why }),
        Err(error) => Some(Reports::CouldNotBeJudged { why: error.to_string() }),
    }
}

/// A report that differs does not hold; one that could not be judged is no pass.
fn with_reports(outcome: Outcome, reports: Option<&Reports>) -> Outcome {
    match (outcome, reports) {
        (Outcome::DoesNotHold, _) | (_, Some(Reports::Differs { .. })) => Outcome::DoesNotHold,
        (_, Some(Reports::CouldNotBeJudged { .. })) => Outcome::CouldNotBeJudged,
        (outcome, _) => outcome,
    }
}

fn reports_line(reports: &Reports) -> String {
    let (tone, word, more) = match reports {
        Reports::Same { files } => {
            (Tone::Good, "the same", format!("rendered again from these entries, byte for byte: {}", files.join(", ")))
        }
        Reports::Differs { file, at } => {
            (Tone::Bad, "differs", format!("{file} is not what these entries give, from byte {at} on"))
        }
        Reports::CouldNotBeJudged { why } => (Tone::Unsure, "could not be judged", why.clone()),
    };
    format!("{:<13} {}: {}", "reports", paint(tone, word), printable(&more))
}

/// An outcome in words.
pub(crate) fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::DoesNotHold => "does not hold",
        Outcome::CouldNotBeJudged => "could not be judged",
    }
}

/// The verdicts for people.
pub(crate) fn text(report: &Report, outcome: Outcome) -> String {
    verdicts_text(report) + &outcome_line(outcome)
}

fn outcome_line(outcome: Outcome) -> String {
    let tone = match outcome {
        Outcome::Holds => Tone::Good,
        Outcome::DoesNotHold => Tone::Bad,
        Outcome::CouldNotBeJudged => Tone::Unsure,
    };
    paint(tone, word(outcome)) + "\n"
}

fn verdicts_text(report: &Report) -> String {
    let mut text = about(&report.facts);
    for aspect in Aspect::ALL {
        let (tone, word, sense) = match report.verdict(aspect) {
            Verdict::Holds { sense } => (Tone::Good, "holds", sense.as_str()),
            Verdict::DoesNotHold { .. } => (Tone::Bad, "does not hold", ""),
            Verdict::CouldNotBeJudged { why } => (Tone::Unsure, "could not be judged", why.as_str()),
        };
        let sense = if sense.is_empty() { String::new() } else { format!(": {}", printable(sense)) };
        line(&mut text, &format!("{:<13} {}{sense}", aspect.as_str(), paint(tone, word)));
        if let Verdict::DoesNotHold { faults, further } = report.verdict(aspect) {
            for fault in faults {
                line(&mut text, &format!("    {}", printable(&fault.to_string())));
            }
            if *further > 0 {
                line(&mut text, &format!("    and {further} more"));
            }
        }
    }
    text
}

fn about(facts: &Facts) -> String {
    let mut text = String::new();
    if facts.origin.is_empty() {
        return text;
    }
    let subjects = if facts.subjects.is_empty() { "no subject".to_owned() } else { facts.subjects.join(", ") };
    let head = format!("{} of {} entries of {}", facts.entries, facts.tree_size, facts.origin);
    line(&mut text, &format!("{}, about {}", paint(Tone::Strong, &printable(&head)), printable(&subjects)));
    for (name, counts) in [
        ("arrived via", &facts.via),
        ("quarantined", &facts.quarantined),
        ("records absent", &facts.absent),
        ("signatures", &facts.signers),
    ] {
        if !counts.is_empty() {
            let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
            line(&mut text, &format!("  {name}: {}", printable(&counts.join(", "))));
        }
    }
    if let Some((first, last)) = &facts.received {
        let clock = facts.clock.as_deref().unwrap_or("unknown");
        line(&mut text, &format!("  received: {first} to {last}, on a {clock} clock"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string never fails.
    let _ = writeln!(text, "{line}");
}
