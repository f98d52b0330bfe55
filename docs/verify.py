#!/usr/bin/env python3
"""Verify a Modeltrail bundle without Modeltrail:  verify.py BUNDLE VKEY-FILE

Written from docs/FORMAT.md alone; "point" and "section" are those of that page. Beside it: formats.py (JSON, notes, proofs) and
reading1.py (what a record says). Needs Python 3.9 and `cryptography`, opens no socket. VKEY-FILE holds one C2SP verifier key that
you trust, any that the ledger ever had. Exit: 0 all holds; 1 something does not hold; 2 not a bundle, or not to be judged.
"""
import base64, re, sys, types
import reading1
from formats import EARLIER, ENTRY, HEADER, KEYS, MANIFEST, Unjudged, canonical, check, document, strict_json, unbase64, unpack
from formats import check_note, consistent, included, key_id, sha256
from reading1 import MAX_TRAILS, OWN_TYPE, ROLES, subject_parts

MAX_HEADER = 65_535
PUBLISHED = "sha256:36c6b6467565f649bed0ee547ee4edd1f78d592837ec49c309df783906c07155"  # the table of reading 1

def check_bundle(b):
    """Points 1 and 4: the files, and each header by itself."""
    m = b.manifest = document(b.files["MANIFEST.json"], MANIFEST, "MANIFEST.json")
    b.origin, b.size, b.root, b.entries = m["origin"], m["tree_size"], bytes.fromhex(m["root"]), {}
    here = {name for name in b.files if not name.startswith("later/")} - {"MANIFEST.json", "MANIFEST.note", "checkpoint"}
    check(here == set(m["files"]), f"files not listed, or listed and missing: {sorted(here ^ set(m['files']))}")
    for name, digest in m["files"].items():
        check("sha256:" + sha256(b.files[name]).hex() == digest, f"{name} is not the file that MANIFEST.json lists")
    check(m["scope"]["as_of"] <= b.size, "scope reaches beyond tree_size")
    b.keys, b.table = document(b.files["keys.json"], KEYS, "keys.json"), strict_json(b.files.get("readings/1.json", b"{}"))
    *earlier, rest = b.files["consistency.jsonl"].split(b"\n")
    *lines, rest_too = b.files["entries.jsonl"].split(b"\n")
    check(rest == rest_too == b"", "a last line has no end")
    b.earlier = [document(line, EARLIER, "consistency.jsonl") for line in earlier]
    for number, line in enumerate(lines, 1):
        line = document(line, ENTRY, f"entries.jsonl, line {number}")
        header = line["header"].encode()
        h = document(header, HEADER, f"entries.jsonl, line {number}: the header")
        e = types.SimpleNamespace(h=h, leaf=sha256(b"\0" + header), proof=line["proof"], absent=line.get("absent"), own=None, data={},
                                  salt=line.get("salt"), record=unbase64(line["record"]) if "record" in line else None)
        index = h["index"]
        check(h["origin"] == b.origin and max(b.entries, default=-1) < index < b.size, f"entry {index}: out of place")
        check(len(header) <= MAX_HEADER and reading1.fits(h, e), f"entry {index}: what it has and what it says it has don't go together")
        b.entries[index] = e
    fixed = {"VERIFY.md", "consistency.jsonl", "entries.jsonl", "keys.json", *(f"readings/{e.h['content']['reading']}.json" for e in b.entries.values())}
    check({name for name in here if not name.startswith("report/")} == fixed, f"files have to be {sorted(fixed)}")

def check_records(b):
    """Points 5 and 6: each header's place in the tree, each record's commitment."""
    for index, e in b.entries.items():
        proof, content, via = [bytes.fromhex(step) for step in e.proof], e.h["content"], e.h["received"]["via"]
        check(included(e.leaf, index, b.size, proof) == b.root and not proof, f"entry {index}: not in the tree")
        check(e.record is not None or via != "ledger", f"entry {index}: an own entry without its record")
        if e.record is not None:
            check(sha256(bytes.fromhex(e.salt) + e.record).hex() == content["commitment"], f"entry {index}: not the record committed to")
            check(len(e.record) == content["size"], f"entry {index}: its record has another size")
            body = reading1.record_parts(e.record, via)[1]
        if via == "ledger":
            fields = strict_json(body)
            check(canonical(fields).encode() == body and set(fields) == {"data", "type"}, f"entry {index}: its record is not canonical")
            check(re.fullmatch(OWN_TYPE, fields["type"]), f"entry {index}: {fields['type']!r} is not a type of the ledger's own")
            e.own, e.data = fields["type"].removeprefix("modeltrail.").removesuffix(".v1"), fields["data"]
    erased = {index: i for i, e in b.entries.items() if e.own == "record.erased" for index in e.data["entries"]}
    absent = [i for i, e in b.entries.items() if e.absent]
    check(all(erased.get(i, -1) > i for i in absent if b.entries[i].absent == "erased"), "a record is erased, but no later entry says so")
    return f"{len(b.entries) - len(absent)} records; {len(absent)} absent, whose headers are the ledger's word"

def check_keys(b):
    """Points 2 and 3: from the given key to the one that governs, and every signature."""
    genesis, ids = b.entries[0], [key_id(key["key"]) for key in b.keys]
    check(b.pin in [key["key"] for key in b.keys], "the given key is none of this ledger's")
    check(all(name == b.origin for name, _ in ids) and len(set(ids)) == len(ids), "keys.json: a key twice, or another name than the origin")
    check(genesis.own == "ledger.genesis" and (b.size == 1 or b.entries[1].own == "ledger.opened"), "no genesis, or no opened behind it")
    named = [genesis.data[name] for name in ("origin", "public_key", "key_id")]
    check(named == [b.origin, b.keys[0]["key"], ids[0][1]], "genesis names another key")
    rotations = {i + 1: e.data for i, e in b.entries.items() if e.own == "key.rotated"}
    check([key["from"] for key in b.keys] == [0, *sorted(rotations)], "keys.json and the key.rotated entries differ")
    for (_, old), (_, new), key in zip(ids, ids[1:], b.keys[1:]):
        named = [rotations[key["from"]][name] for name in ("old", "new", "public_key")]
        check(named == [old, new, key["key"]], f"the rotation before size {key['from']} names other keys")
    def governing(size):
        last = max(i for i, key in enumerate(b.keys) if key["from"] <= size)
        return [key["key"] for key in b.keys[max(0, last - (b.keys[last]["from"] == size)):last + 1]]
    def text(size, root):
        return f"{b.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    check_note(b.files["checkpoint"].decode(), text(b.size, b.root), governing(b.size))
    digest = sha256(b.files["MANIFEST.json"]).hex()
    check_note(b.files["MANIFEST.note"].decode(), f"modeltrail bundle v1\n{b.origin}\nsha256:{digest}\n", governing(b.size)[-1:])
    sizes = [0]
    for each in b.earlier:
        _, size, root, *_ = each["checkpoint"].split("\n")
        size, root, proof = int(size), unbase64(root), [bytes.fromhex(step) for step in each["proof"]]
        check(sizes[-1] < size < b.size, f"consistency.jsonl: size {size} is out of order")
        sizes.append(size)
        check_note(each["checkpoint"], text(size, root), governing(size))
        check(consistent(size, b.size, root, proof) == (root, b.root) and not proof, f"the checkpoint of size {size} is of another tree")
    check(set(rotations) <= {*sizes, b.size}, "a key is introduced by no checkpoint")

def check_reading(b):
    """Point 7 (L-12): every header says what reading 1 makes of its record, given the `key/…` entries before it."""
    known, admitted, owed, ledger_keys = {}, {}, {}, [key_id(key["key"])[1] for key in b.keys]
    table, in_force = "sha256:" + sha256(b.files["readings/1.json"]).hex(), b.entries.get(1, b.entries[0]).data.get("reading_digest")
    for index, e in b.entries.items():
        h, trails = e.h, {trail["subject"]: trail["role"] for trail in e.h["trails"]}
        if e.own == "ledger.reading_changed" or e.data.get("reading", 1) != 1 or h["content"]["reading"] != 1:
            raise Unjudged(f"entry {index}: a reading other than 1")
        in_force = e.data["reading_digest"] if e.own == "ledger.opened" else in_force
        check(in_force in (table, None), f"entry {index}: readings/1.json is not the table in force")
        if e.absent:
            found = types.SimpleNamespace(event=h.get("event"), reason=h.get("quarantine", {}).get("reason"), content=None)
        else:
            found = reading1.read(h, e.record, b.table)
            signers = [reading1.signer(known, h, found, *pair) for pair in found.signatures] or None
        reason, event = found.reason and {"reason": found.reason}, found.event
        if event and h["received"]["via"] != "ledger" and found.reason in (None, "conflict"):
            first, content = admitted.setdefault((event["id"], event["source"]), (index, found.content))
            check(first == index or None in (content, found.content) or content != found.content, f"entry {index}: the same event as entry {first}")
            reason = {"of": first, "reason": "conflict"} if first != index else None
            check(h.get("quarantine") == reason, f"entry {index}: the first with its source and id is {first}")
        if e.absent:
            continue
        check(not e.own or event and not reason and event["type"] in b.table["types"], f"entry {index}: not an event of the ledger's own")
        for name, derived in (("event", event), ("quarantine", reason), ("signers", signers)):
            check(h.get(name) == derived, f"entry {index}: {name} is {derived} by its record, {h.get(name)} in its header")
        check(h["content"]["format"] == found.format, f"entry {index}: format is {found.format} by its record")
        ranked = sorted(found.roles.items(), key=lambda pair: (ROLES.index(pair[1]), pair[0]))
        differ = sorted(set(trails.items()) ^ set(ranked[:MAX_TRAILS]))
        check(not differ, f"entry {index}: trails are not those of its record: {differ}")
        owed[index] = dict(ranked[MAX_TRAILS:])
        if e.own == "ledger.trails_added":
            added = [(role, subject) for role in ROLES for subject in e.data.get("evidence_subjects" if role == "evidence" else role, [])]
            check(all(owed[e.data["of"]].pop(subject, None) == role for role, subject in added), f"entry {index}: adds a trail not wanting")
        reading1.learn(known, e.own, e.data, ledger_keys)
    check(not any(owed.values()), f"entries {[index for index, rest in owed.items() if rest]}: no entry adds their further trails")
    if table != PUBLISHED:
        raise Unjudged(f"all agrees, but the table {table} is not the published one of reading 1")

def check_order(b):
    """Point 8: the chain and the clock, where neighbours are there."""
    check(b.entries[0].h["prev"] == "0" * 64, "entry 0 has a prev")
    pairs = [(b.entries[index - 1], e) for index, e in b.entries.items() if index - 1 in b.entries]
    for before, e in pairs:
        check(e.h["prev"] == before.leaf.hex(), f"entry {e.h['index']}: prev is not the entry before")
        forward = e.h["received"]["at"] >= before.h["received"]["at"]
        check(forward or e.own == "ledger.clock_stepped", f"entry {e.h['index']}: received before the entry before it")
    return f"{len(pairs)} links checked"

def check_trails(b):
    """Point 9: the trails that MANIFEST.json calls complete; all others as far as they are there."""
    trails = {}
    for index, e in b.entries.items():
        for trail in e.h["trails"]:
            trails.setdefault(trail["subject"], []).append((index, trail["n"], trail.get("prev", -1)))
    for subject, steps in trails.items():
        for (before, m, _), (index, n, prev) in zip([(-1, -1, -1), *steps], steps):
            fits = prev == before if n == m + 1 else n > m and before < prev < index
            check(fits and n - m <= index - before, f"entry {index}: n or prev on {subject} can't be")
    claims = {claim["subject"]: claim for claim in b.manifest["trails"]}
    names = [claim["subject"] for claim in b.manifest["trails"]]
    check(names == sorted(claims) and all(map(subject_parts, names)), "MANIFEST.json: trails are not sorted subjects")
    for subject, claim in claims.items():
        steps = trails.get(subject, [])
        check([n for _, n, _ in steps] == list(range(claim["count"])) and claim.get("last") == (steps[-1][0] if steps else None),
              f"{subject}: not the {claim['count']} entries that MANIFEST.json says")
    keys = {"key/" + signer["key"] for e in b.entries.values() for signer in e.h.get("signers", [])}
    check(keys | set(b.manifest["scope"]["subjects"]) <= set(claims), "MANIFEST.json: no trail of a subject asked for or a producer's key")
    return f"{len(claims)} complete, as stated by the ledger's key"

CHECKS = {"bundle": check_bundle, "records": check_records, "keys": check_keys, "reading": check_reading, "order": check_order,
          "trails": check_trails}

def verify(files, pin, say=print):
    """Runs every check over the files (bytes by name), given a verifier key; the exit code."""
    b, worst = types.SimpleNamespace(files=files, pin=pin), 0
    for name, run in CHECKS.items():
        try:
            remark = run(b)
            say(f"{name}: holds" + (f" ({remark})" if remark else ""))
        except Unjudged as error:
            say(f"{name}: could not be judged: {error}")
            worst = worst or 2
        except Exception as error:  # whatever a hostile bundle makes a check trip over is a fault of the bundle
            say(f"{name}: does not hold: {error if type(error) is ValueError else repr(error)}")
            worst = 1
        if worst and name in ("bundle", "records"):
            say("the rest: could not be judged")
            break
    return worst

def main(arguments):
    try:
        bundle, vkey = arguments
        with open(vkey, encoding="utf-8") as file:
            pin = file.read().strip()
        key_id(pin)
        files = unpack(bundle)
    except Exception as error:  # zipfile raises a dozen kinds, all meaning that there is nothing to judge
        sys.stderr.write(f"not BUNDLE VKEY-FILE, not a bundle or not a verifier key: {error!r}\n")
        return 2
    return verify(files, pin)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
