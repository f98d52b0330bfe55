//! `modeltrail verify`: a bundle, offline.

use std::fmt::Write as _;

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
    let outcome = report.outcome(args.strict);
    let verdicts = Verdicts {
        integrity: &report.integrity,
        order: &report.order,
        completeness: &report.completeness,
        authenticity: &report.authenticity,
        time: &report.time,
    };
    let document = Document { outcome: word(outcome), verdicts, facts: &report.facts };
    out.print(&document, || text(&report, outcome))?;
    Ok(outcome.into())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Holds => "holds",
        Outcome::DoesNotHold => "does not hold",
        Outcome::CouldNotBeJudged => "could not be judged",
    }
}

/// The report for people.
pub(crate) fn text(report: &Report, outcome: Outcome) -> String {
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
    let tone = match outcome {
        Outcome::Holds => Tone::Good,
        Outcome::DoesNotHold => Tone::Bad,
        Outcome::CouldNotBeJudged => Tone::Unsure,
    };
    line(&mut text, &paint(tone, word(outcome)));
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
    if !facts.reports.is_empty() {
        line(
            &mut text,
            &format!(
                "  reports, whose content was not checked against the entries: {}",
                printable(&facts.reports.join(", "))
            ),
        );
    }
    text
}

fn line(text: &mut String, line: &str) {
    // Writing to a string never fails.
    let _ = writeln!(text, "{line}");
}
