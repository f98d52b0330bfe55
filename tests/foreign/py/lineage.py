"""Prints the lineage of a subject, walked over the entries of an unpacked bundle.

usage: lineage.py DIRECTORY SUBJECT

Reads MANIFEST.json (as of which size) and entries.jsonl, and nothing else: no proof is checked here, and no code or table
is shared with the program whose answer this is held against. Prints JSON: nodes as [level, subject], edges as
[from, to, role, how known, entry], both in the order of docs/API.md. Only the standard library is used.
"""

import base64
import json
import struct
import sys
from pathlib import Path

# By which events something is made or runs: for each role of another subject, (which way, role of the edge).
# "in": the other subject went into what the event is about; "out": it came of it.
PLAIN = {r: ("in", r) for r in ("input", "base", "component", "code", "environment", "run")}
PLAIN["output"] = ("out", "output")
SERVES = {"target": ("in", "serves")}


def roles(*names):
    return {name: PLAIN[name] for name in names}


EVENTS = {
    "code.revision_recorded": roles("base"),
    "config.version_registered": roles("base"),
    "dataset.version_registered": roles("base", "code", "run"),
    "deployment.changed": {**SERVES, **roles("component", "environment")},
    "deployment.observed": {**SERVES, **roles("component", "environment")},
    "deployment.resumed": SERVES,
    "deployment.rolled_back": {**SERVES, **roles("environment")},
    "environment.recorded": {"run": ("out", "environment")},
    "feature.version_registered": roles("input", "code"),
    "model.version_registered": roles("input", "base", "component", "code", "environment", "run"),
    "prompt.version_registered": roles("base"),
    "run.completed": roles("input", "code", "environment", "output"),
    "run.started": roles("input", "code", "environment", "run"),
    "scoring.completed": roles("input", "code", "environment", "output"),
    "scoring.failed": roles("input"),
    "scoring.started": roles("input"),
    "system.changed": roles("component"),
    "system.created": roles("component"),
    "training.completed": roles("input", "base", "code", "environment", "output"),
    "training.started": roles("input", "base", "code", "environment", "run"),
    "usecase.created": roles("component"),
}


def take(record, at):
    (length,) = struct.unpack_from(">I", record, at)
    at += 4
    if length == 0xFFFFFFFF:
        return None, at
    return record[at : at + length], at + length


def open_record(record):
    """The producer's attributes and the body of a framed record."""
    if record[0] != 1:
        raise ValueError("a record of another format version")
    at, attributes = 1, {}
    for _ in range(2):
        (count,) = struct.unpack_from(">H", record, at)
        at += 2
        attributes = {}
        for _ in range(count):
            name, at = take(record, at)
            value, at = take(record, at)
            attributes[name.decode()] = value
    return attributes, record[at:]


def data_of(header, record):
    """The event's data, as the header says that it was wrapped."""
    _, body = open_record(record)
    form = header["content"]["format"]
    if form == "cloudevents-binary":
        return json.loads(body)
    event = json.loads(body)
    if form == "dsse+json":
        event = json.loads(base64.b64decode(event["payload"]))
    return event.get("data") or {}


def clean(value):
    """Null and empty texts are absent."""
    return value if value not in (None, "") else None


def edges_of(lines, as_of):
    edges = {}
    added = {}
    headers = [(json.loads(line["header"]), line) for line in lines]
    for header, line in headers:
        if header.get("event", {}).get("type") == "modeltrail.ledger.trails_added.v1":
            data = data_of(header, base64.b64decode(line["record"]))
            further = [
                (role, subject)
                for field, role in [("evidence_subjects", "evidence")] + [(r, r) for r in PLAIN] + [("target", "target")]
                for subject in data.get(field, [])
            ]
            added.setdefault(data["of"], []).extend(further)
    for header, line in headers:
        if header["index"] >= as_of or "quarantine" in header or "event" not in header:
            continue
        kind = header["event"]["type"]
        name = kind.removeprefix("modeltrail.").removesuffix(".v1")
        trails = [(step["role"], step["subject"]) for step in header["trails"]] + added.get(header["index"], [])
        about = next((subject for role, subject in trails if role == "about"), None)
        if not kind.startswith("modeltrail.") or about is None:
            continue
        data = data_of(header, base64.b64decode(line["record"])) if "record" in line else {}
        counts = all(signer["status"] == "valid" for signer in header.get("signers", []))
        known = clean(data.get("assurance")) or "asserted"
        for far in pairs(name, about, trails):
            old = edges.get(far)
            if old is None or (counts and not old[2]):
                edges[far] = (known, header["index"], counts)
    return {far: (known, index) for far, (known, index, _) in edges.items()}


def pairs(name, about, trails):
    """(from, to, role) of each edge that an event makes."""
    found = []
    if name == "subject.linked":
        for role, subject in trails:
            if role == "target":
                found += [(about, subject, "same"), (subject, about, "same")]
    elif name == "supplier.component_declared":
        parts = [subject for role, subject in trails if role == "component"]
        wholes = [subject for role, subject in trails if role == "target"]
        found = [(part, whole, "component") for part in parts for whole in wholes]
    else:
        rules = EVENTS.get(name, {})
        for role, subject in trails:
            if role not in rules:
                continue
            way, edge = rules[role]
            if name.startswith("deployment.") and role == "target" and not subject.startswith("model/"):
                if name == "deployment.changed" and subject.startswith("system/"):
                    found.append((about, subject, "component"))
                continue
            found.append((subject, about, edge) if way == "in" else (about, subject, edge))
    return [pair for pair in found if pair[0] != pair[1]]


def walk(edges, start):
    levels, walked = {start: 0}, set()
    for step in (-1, 1):
        near = {}
        for edge in edges:
            near.setdefault(edge[1] if step < 0 else edge[0], []).append(edge)
        ring, seen, level = {start}, {start}, 0
        while ring:
            level += step
            reached = set()
            for subject in ring:
                for edge in near.get(subject, []):
                    far = edge[0] if step < 0 else edge[1]
                    walked.add(edge)
                    levels.setdefault(far, level)
                    reached.add(far)
            ring = reached - seen
            seen |= ring
    return levels, walked


def main():
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    folder, start = Path(sys.argv[1]), sys.argv[2]
    as_of = json.loads((folder / "MANIFEST.json").read_text("utf-8"))["scope"]["as_of"]
    with (folder / "entries.jsonl").open(encoding="utf-8", newline="\n") as lines:
        edges = edges_of([json.loads(line) for line in lines], as_of)
    levels, walked = walk(edges, start)
    nodes = sorted([level, subject] for subject, level in levels.items())
    print(json.dumps({"nodes": nodes, "edges": [[*edge, *edges[edge]] for edge in sorted(walked)]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
