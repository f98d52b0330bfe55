//! Background traffic: what the story's models would say all day, from templates.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use modeltrail_schemas::time::Micros;
use serde_json::Number;

use crate::error::DemoError;
use crate::files::File;
use crate::story::{
    BackgroundFile, BinaryHead, Manifests, Producer, RawQuiet, RawTemplate, Source, Wire, fault_near, from_toml,
};

/// All templates, ready to be filled.
#[derive(Debug)]
pub struct Background {
    templates: Vec<Template>,
    /// From when a topic is quiet.
    quiet_from: Vec<Micros>,
}

#[derive(Debug)]
struct Template {
    name: String,
    weight: u64,
    topic: String,
    key: String,
    source: String,
    r#type: String,
    id: Vec<Piece>,
    data: Vec<Piece>,
    /// When it speaks: its window without the topic's quiet times, as [from, to) in microseconds.
    windows: Vec<(i64, i64)>,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Counter,
    At,
    Cycle(Vec<String>),
}

/// One background event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<'a> {
    /// Its template.
    pub template: &'a str,
    /// When it happens.
    pub at: Micros,
    /// Where it goes.
    pub topic: &'a str,
    /// The model's name.
    pub key: &'a str,
    /// Its bytes.
    pub wire: Wire,
}

pub(crate) fn read(
    file: File,
    sources: &[Source],
    producers: &BTreeMap<String, Producer>,
    manifests: &Manifests,
) -> Result<Background, DemoError> {
    let raw: BackgroundFile = from_toml(file)?;
    let known = |topic: &str| sources.iter().any(|source| source.topic == topic);
    for quiet in &raw.quiet {
        if !known(&quiet.topic) || quiet.from >= quiet.to {
            let fault = "a quiet time names no topic, or ends before it begins";
            return Err(fault_near(file, "[[quiet]]", fault));
        }
    }
    let mut templates: Vec<Template> = Vec::new();
    for template in &raw.template {
        let refuse = |fault: String| {
            fault_near(file, &format!("name = {:?}", template.name), format!("template {}: {fault}", template.name))
        };
        if !known(&template.topic) {
            return Err(refuse(format!("there is no topic {}", template.topic)));
        }
        if templates.iter().any(|other| other.name == template.name) {
            return Err(refuse("is there twice".to_owned()));
        }
        let producer = producers.get(&template.producer);
        let source = producer.map(|producer| producer.source.clone());
        let source = source.ok_or_else(|| refuse(format!("there is no producer {}", template.producer)))?;
        templates.push(compile(template, source, &raw.quiet, manifests).map_err(refuse)?);
    }
    let mut quiet_from: Vec<Micros> = raw.quiet.iter().map(|quiet| quiet.from).collect();
    quiet_from.sort_unstable();
    Ok(Background { templates, quiet_from })
}

fn compile(raw: &RawTemplate, source: String, quiet: &[RawQuiet], manifests: &Manifests) -> Result<Template, String> {
    if raw.mode != "binary" {
        return Err(format!("mode {:?} is not `binary`, the one mode of background traffic", raw.mode));
    }
    let windows = windows(raw, quiet);
    if raw.weight == 0 || windows.is_empty() {
        return Err("it has no weight, or never speaks".to_owned());
    }
    let id = pieces(&raw.id, &BTreeMap::new())?;
    if !id.contains(&Piece::Counter) {
        return Err("its id has no {n}: all its events would be one".to_owned());
    }
    Ok(Template {
        name: raw.name.clone(),
        weight: raw.weight,
        topic: raw.topic.clone(),
        key: raw.key.clone(),
        source,
        r#type: raw.r#type.clone(),
        id,
        data: pieces(manifests.resolve_text(&raw.data)?.trim(), &raw.cycle)?,
        windows,
    })
}

/// The template's window without the quiet times of its topic.
fn windows(raw: &RawTemplate, quiet: &[RawQuiet]) -> Vec<(i64, i64)> {
    let mut windows = vec![(raw.from.as_micros(), raw.to.as_micros())];
    for quiet in quiet.iter().filter(|quiet| quiet.topic == raw.topic) {
        let (from, to) = (quiet.from.as_micros(), quiet.to.as_micros());
        windows = windows.into_iter().flat_map(|(start, end)| [(start, end.min(from)), (start.max(to), end)]).collect();
    }
    windows.retain(|(start, end)| start < end);
    windows
}

/// Cuts a text at its placeholders: a name in braces, which never stands in JSON outside a string.
fn pieces(text: &str, cycles: &BTreeMap<String, Vec<Number>>) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, inside) = (&rest[..open], &rest[open + 1..]);
        plain.push_str(before);
        let length = inside.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(inside.len());
        let (name, after) = inside.split_at(length);
        if name.is_empty() || !after.starts_with('}') {
            plain.push('{');
            rest = inside;
            continue;
        }
        rest = &after[1..];
        let piece = match (name, cycles.get(name)) {
            ("n", None) => Piece::Counter,
            ("at", None) => Piece::At,
            (_, Some(numbers)) if !numbers.is_empty() => {
                // The number takes the place of the string with its quotes.
                let whole = plain.pop() == Some('"') && rest.starts_with('"');
                rest = rest
                    .strip_prefix('"')
                    .filter(|_| whole)
                    .ok_or_else(|| format!("{{{name}}} is not a whole string"))?;
                Piece::Cycle(numbers.iter().map(Number::to_string).collect())
            }
            _ => return Err(format!("there is no value for {{{name}}}")),
        };
        found.push(Piece::Text(std::mem::take(&mut plain)));
        found.push(piece);
    }
    plain.push_str(rest);
    found.push(Piece::Text(plain));
    Ok(found)
}

fn fill(pieces: &[Piece], n: u64, at: &str) -> String {
    let mut text = String::with_capacity(1_024);
    for piece in pieces {
        match piece {
            Piece::Text(plain) => text.push_str(plain),
            Piece::Counter => text.push_str(&n.to_string()),
            Piece::At => text.push_str(at),
            Piece::Cycle(numbers) => {
                let place = usize::try_from(n % numbers.len() as u64).unwrap_or_default();
                text.push_str(&numbers[place]);
            }
        }
    }
    text
}

impl Template {
    /// When the event `n` of `count` happens: in the middle of its share of the time in which the template speaks.
    fn time(&self, n: u64, count: u64) -> Micros {
        let whole: i128 = self.windows.iter().map(|(start, end)| i128::from(end - start)).sum();
        let share = whole * (2 * i128::from(n) + 1) / (2 * i128::from(count.max(1)));
        let mut into = i64::try_from(share).unwrap_or(i64::MAX);
        for (start, end) in &self.windows {
            if into < end - start {
                return Micros::new(start + into).unwrap_or(Micros::MAX);
            }
            into -= end - start;
        }
        self.windows.last().and_then(|(_, end)| Micros::new(end - 1)).unwrap_or(Micros::MAX)
    }

    fn item(&self, n: u64, at: Micros) -> Item<'_> {
        let time = at.to_string();
        let id = fill(&self.id, n, &time);
        let head = BinaryHead { id: &id, source: &self.source, r#type: &self.r#type, time: &time };
        let wire = Wire { headers: head.headers(), body: Some(fill(&self.data, n, &time).into_bytes()) };
        Item { template: &self.name, at, topic: &self.topic, key: &self.key, wire }
    }
}

impl Background {
    /// The templates' names, types and their first `count` events each, for checks.
    pub fn samples(&self, count: u64) -> impl Iterator<Item = (&str, Item<'_>)> {
        self.templates.iter().flat_map(move |template| {
            (0..count).map(move |n| (template.r#type.as_str(), template.item(n, template.time(n, count))))
        })
    }

    /// From when topics are quiet, in order: what was sent before must have arrived by then.
    #[must_use]
    pub fn quiet_from(&self) -> &[Micros] {
        &self.quiet_from
    }

    /// `events` events in order of time: each template's share by its weight, spread evenly over the time in which it speaks.
    #[must_use]
    pub fn plan(&self, events: u64) -> Plan<'_> {
        let counts = shares(&self.templates.iter().map(|template| template.weight).collect::<Vec<_>>(), events);
        let mut plan = Plan { templates: &self.templates, counts, due: BinaryHeap::new(), left: events };
        (0..self.templates.len()).for_each(|at| plan.push(at, 0));
        plan
    }
}

/// Whole shares of `total` in proportion to the weights, which add up to it.
fn shares(weights: &[u64], total: u64) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut before = 0_u128;
    let upto = |weight: u128| u64::try_from(u128::from(total) * weight / sum.max(1)).unwrap_or(total);
    weights
        .iter()
        .map(|weight| {
            let start = upto(before);
            before += u128::from(*weight);
            upto(before) - start
        })
        .collect()
}

/// Background events still to come, in order of time.
pub struct Plan<'a> {
    templates: &'a [Template],
    counts: Vec<u64>,
    /// Time, template and number of each template's next event.
    due: BinaryHeap<Reverse<(Micros, usize, u64)>>,
    left: u64,
}

impl<'a> Plan<'a> {
    fn push(&mut self, template: usize, n: u64) {
        if n < self.counts[template] {
            self.due.push(Reverse((self.templates[template].time(n, self.counts[template]), template, n)));
        }
    }

    /// The next event, if it happens at `until` or before.
    pub fn next_until(&mut self, until: Micros) -> Option<Item<'a>> {
        let Reverse((at, template, n)) = *self.due.peek()?;
        if at > until {
            return None;
        }
        self.due.pop();
        self.push(template, n + 1);
        self.left -= 1;
        Some(self.templates[template].item(n, at))
    }

    /// How many are still to come.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cycles() -> BTreeMap<String, Vec<Number>> {
        BTreeMap::from([("x".to_owned(), vec![Number::from(1), Number::from_f64(2.5).unwrap()])])
    }

    #[test]
    fn placeholders_are_filled() {
        let compiled =
            pieces("{\n \"a\": \"{x}\", \"b\": \"run {n} at {at}\", \"c\": {\"d\": []}}", &cycles()).unwrap();
        assert_eq!(fill(&compiled, 3, "T"), "{\n \"a\": 2.5, \"b\": \"run 3 at T\", \"c\": {\"d\": []}}");
        assert_eq!(fill(&pieces("no {N} {", &cycles()).unwrap(), 0, ""), "no {N} {");
    }

    #[test]
    fn wrong_placeholders_are_named() {
        for (text, fault) in [
            ("\"{y}\"", "no value for {y}"),
            ("\"a {x}\"", "{x} is not a whole"),
            ("\"{x} b\"", "{x} is not a whole"),
            ("{x}", "{x} is not a whole"),
        ] {
            assert!(pieces(text, &cycles()).unwrap_err().contains(fault), "{text}");
        }
    }

    #[test]
    fn shares_add_up() {
        for total in [0, 1, 7, 100, 999_999] {
            let shares = shares(&[20, 20, 10, 5, 1], total);
            assert_eq!(shares.iter().sum::<u64>(), total);
        }
        assert_eq!(shares(&[3, 1], 8), [6, 2]);
    }
}
