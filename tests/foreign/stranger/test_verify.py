#!/usr/bin/env python3
"""Tests docs/verify.py against bundles that make_bundle.py makes from docs/FORMAT.md:  test_verify.py [--all]

Every bundle but the honest ones has to be refused. `--all` flips every byte of the big files, else it is every ninth.
"""
import base64
import contextlib
import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile

import make_bundle
from ledger import Key, canonical, jsonl, kafka_record, note, pack, record, sha
from make_bundle import KAFKA, MODEL, MODEL_TYPE, SELF, STRUCTURED, SUBJECTS, TABLE, event, version_registered

SCRIPT = pathlib.Path(__file__).resolve().parents[3] / "docs" / "verify.py"
sys.path.insert(0, str(SCRIPT.parent))
import verify  # noqa: E402  (beside the script)
import verify_rest  # noqa: E402

TABLE_ENOUGH = ("readings/1.json", 97)  # as big as all the rest: every 97th byte is enough


# What verify.py by itself lets pass, as its docstring says; with verify_rest.py beside it, it refuses these as well.
LEFT = {
    "in conflict", "signed", "not kept", "not kept, quarantined, on its trails", "an earlier time", "a time of another shape", "skipped 0",
    "a missing member", "a number as text", "a boolean for a number", "a doubled ordinal's twin",
    "doubled", "skipped", "of another", "to itself",  # on a trail that the manifest doesn't claim
    "a valid one called bad", "a valid one called revoked", "a valid one called unbound", "a valid one called not-entitled",
    "a valid one called unknown", "an unbound one called valid", "a key without its trail",
    "erased, says nobody", "not kept, says nobody", "another word", "without the entry that adds the rest", "with one that adds too much",
    "a conflict passed over", "a double", "a double as conflict", "a conflict with another", "a conflict with nothing",
    "with a second reading", "a timestamp of another shape", "a timestamp without type", "a batch element beyond its batch", "a cookie",
    "a value with spaces around it", "the ledger's first key called valid", "a key that became the ledger's called valid",
    "a later reading named, an earlier used", "an absent value None as other content", "an absent value b'' as other content",
    "an absent value b'\\xff' as other content", "one signature twice as other content",
}


def judge(files, pin):
    """The exit code, and what was said, by the whole of section 9."""
    said = []
    return verify.verify(files, pin, said.append, verify_rest.check_rest), "\n".join(said)


def briefly(files, pin):
    """The exit code of docs/verify.py without docs/verify_rest.py."""
    return verify.verify(files, pin, lambda said: None)


def refused(what, files, pin, wanted=1, naming=""):
    code, said = judge(files, pin)
    assert code == wanted and naming in said, f"{what}: exit {code}, wanted {wanted} and {naming!r}\n{said}"
    short = briefly(files, pin)
    assert short == (0 if what in LEFT else wanted), f"{what}: exit {short} of the short script"


def accepted(what, files, pin):
    code, said = judge(files, pin)
    assert code == briefly(files, pin) == 0, f"{what}: exit {code}\n{said}"


class Honest:
    """The honest ledger and its bundle, made once."""

    ledger, producer = make_bundle.honest()
    files = ledger.files(TABLE, SUBJECTS)
    first, pin = ledger.keys[0][1].vkey, ledger.keys[-1][1].vkey
    size = len(ledger.headers)

    @classmethod
    def sealed(cls, **changed):
        """The bundle with files changed and all digests and signatures made anew, as only the ledger's key can."""
        names = {name.replace("_", "."): data for name, data in changed.items()}
        listed = {name: data for name, data in cls.files.items() if name not in ("MANIFEST.json", "MANIFEST.note", "checkpoint")}
        return cls.ledger.seal(dict(listed, **names), SUBJECTS, cls.size)

    @classmethod
    def lines(cls):
        return [json.loads(line) for line in cls.files["entries.jsonl"].splitlines()]


def test_honest_bundles_hold():
    accepted("newest key", Honest.files, Honest.pin)
    accepted("first key", Honest.files, Honest.first)
    accepted("later files are ignored", dict(Honest.files, **{"later/x.tsr": b"anything"}), Honest.pin)
    rotated_at = Honest.ledger.keys[-1][0]
    for size in (1, 2, 3, 5, rotated_at - 1, rotated_at, rotated_at + 1):
        ledger, _ = make_bundle.honest()
        ledger.absent = {index: why for index, why in ledger.absent.items() if why == "not-kept"}
        files = ledger.files(TABLE, [SELF], size)
        accepted(f"of size {size}", files, Honest.first)


def test_the_command():
    with tempfile.TemporaryDirectory() as folder:
        bundle, vkey = f"{folder}/b.zip", f"{folder}/k"
        make_bundle.main(bundle, vkey)
        once = pathlib.Path(bundle).read_bytes()
        make_bundle.main(bundle, vkey)
        assert pathlib.Path(bundle).read_bytes() == once, "two runs make two bundles"
        run(bundle, vkey, 0)
        run(bundle, vkey + ".first", 0)
        pathlib.Path(vkey + ".other").write_text(Key(make_bundle.ORIGIN, "another").vkey)
        run(bundle, vkey + ".other", 1, "keys: does not hold")
        run(bundle, bundle, 2)
        run(vkey, vkey, 2)
        run(folder, vkey, 2)
        run(f"{folder}/none", vkey, 2)
        for cut in range(0, len(once), len(once) // 40):
            pathlib.Path(bundle).write_bytes(once[:cut])
            run(bundle, vkey, 2)


def test_the_command_takes_the_rest_from_beside_it():
    """A lie that verify.py leaves to verify_rest.py: refused where both lie; without the other, what was not judged is said."""
    files, pin = lying(signers=[{"key": "00" * 32, "status": "unknown"}])
    with tempfile.TemporaryDirectory() as folder:
        bundle, vkey, alone = (pathlib.Path(folder, name) for name in ("b.zip", "k", "verify.py"))
        pack(files, bundle)
        vkey.write_text(pin, encoding="utf-8")
        alone.write_bytes(SCRIPT.read_bytes())
        run(bundle, vkey, 1, "rest: does not hold: entry 4")
        run(bundle, vkey, 0, "rest: not judged", script=alone)


def run(bundle, vkey, wanted, naming="", script=SCRIPT):
    done = subprocess.run([sys.executable, "-B", script, bundle, vkey], capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == wanted and naming in said and "Traceback" not in said, f"exit {done.returncode}, wanted {wanted}\n{said}"


def test_hostile_zips():
    def zipped(*pairs):
        target = io.BytesIO()
        with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as archive:
            warnings.simplefilter("ignore")  # of the name that is there twice
            for name, data in [*Honest.files.items(), *pairs]:
                archive.writestr(name, data)
        return target
    assert len(verify.unpack(zipped(("readings/", b"")))) == len(Honest.files), "an empty directory entry is ignored"
    for name in ("keys.json", "../x", "/x", "a/b", "report/a/b", "later/../x", "x\\y", ".hidden", "readings/.x", "é"):
        with contextlib.suppress(ValueError, zipfile.BadZipFile, UnicodeError, UserWarning):
            verify.unpack(zipped((name, b"")))
            raise AssertionError(f"a file named {name!r} is let in")
    link = zipfile.ZipInfo("later/link")
    link.external_attr = 0o120777 << 16
    with contextlib.suppress(ValueError):
        verify.unpack(zipped((link, b"/etc/passwd")))
        raise AssertionError("a link is let in")


def test_every_flip_is_seen(every):
    """Each byte of each file, the digests not mended: what a third person can do."""
    for name, data in Honest.files.items():
        step = 1 if len(data) < 10_000 else every
        for at in range(0, len(data), step):
            bit = 1 << at % 8
            flipped = data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]
            code, said = judge(dict(Honest.files, **{name: flipped}), Honest.pin)
            assert code == 1 or code == 2 and b'"v":' == data[at - 4:at], f"{name}, byte {at}, bit {bit}: exit {code}\n{said}"
            assert briefly(dict(Honest.files, **{name: flipped}), Honest.pin) == code, f"{name}, byte {at}: passes the short script"


def test_every_flip_is_seen_under_new_signatures(every):
    """The same with manifest, note and checkpoint made anew: what a careless ledger can do. The digests don't help here."""
    for name in ("entries.jsonl", "consistency.jsonl", "keys.json", "readings/1.json"):
        data = Honest.files[name]
        for at in range(0, len(data), TABLE_ENOUGH[1] if name == TABLE_ENOUGH[0] else every):
            flipped = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
            code, said = judge(Honest.sealed(**{name: flipped}), Honest.pin)
            assert code == 1 or code == 2 and "version" in said, f"{name}, byte {at}: exit {code}\n{said}"


def test_entries_missing_added_or_moved():
    lines = Honest.files["entries.jsonl"].splitlines(keepends=True)
    for index in range(len(lines)):
        less = b"".join(lines[:index] + lines[index + 1:])
        neighbour = index in (2, 7, 8, 9)  # entries that nothing but the order asks for
        code, said = judge(Honest.sealed(**{"entries.jsonl": less}), Honest.pin)
        on_claimed = any(trail["subject"] in SUBJECTS for trail in json.loads(json.loads(lines[index])["header"])["trails"])
        assert code == 1 or not on_claimed, f"without entry {index}: exit {code}\n{said}"
        assert code == 1 or neighbour or index > 3, f"without entry {index}: exit {code}\n{said}"
        refused(f"entry {index} twice", Honest.sealed(**{"entries.jsonl": b"".join(lines[:index + 1] + lines[index:])}), Honest.pin)
        if index:
            swapped = b"".join(lines[:index - 1] + [lines[index], lines[index - 1]] + lines[index + 1:])
            refused(f"entries {index - 1} and {index} swapped", Honest.sealed(**{"entries.jsonl": swapped}), Honest.pin)
    refused("the last line cut", Honest.sealed(**{"entries.jsonl": b"".join(lines)[:-1]}), Honest.pin)
    refused("no entries", Honest.sealed(**{"entries.jsonl": b""}), Honest.pin)
    refused("an empty line", Honest.sealed(**{"entries.jsonl": b"".join(lines) + b"\n"}), Honest.pin)


def test_files_more_or_less():
    for name in Honest.files:
        less = {other: data for other, data in Honest.files.items() if other != name}
        refused(f"without {name}", less, Honest.pin)
    for name in ("x", "report/x.html", "readings/2.json"):
        refused(f"with {name}", dict(Honest.files, **{name: b"{}"}), Honest.pin)
    refused("with a listed stranger", Honest.sealed(**{"x": b"{}"}), Honest.pin)
    refused("with a second reading", Honest.sealed(**{"readings/2.json": b"{}"}), Honest.pin)
    accepted("with a listed report", Honest.sealed(**{"report/x.html": b"<p>"}), Honest.pin)


def test_other_keys():
    stranger = Key(make_bundle.ORIGIN, "another key")
    refused("a pin that is no key of it", Honest.files, stranger.vkey, naming="none of this ledger's")
    text = Honest.files["MANIFEST.note"].decode().rpartition("\n\n")[0] + "\n"
    point = Honest.files["checkpoint"].decode().rpartition("\n\n")[0] + "\n"
    old, new = (key for _, key in Honest.ledger.keys)
    for name, said in (("MANIFEST.note", text), ("checkpoint", point)):
        for who in ([old], [stranger], []):
            refused(f"{name} by another", dict(Honest.files, **{name: note(said, *who).encode()}), Honest.pin, naming="keys: does not hold")
        both = note(said, new, old, stranger).encode()
        accepted(f"{name} with further signatures", dict(Honest.files, **{name: both}), Honest.pin)
        bad = note(said, new) + new.line("another text\n")
        refused(f"{name} with a second, bad line of the key", dict(Honest.files, **{name: bad.encode()}), Honest.pin)
    keys = json.loads(Honest.files["keys.json"])
    for what, changed in (("without the first", keys[1:]), ("without the second", keys[:1]), ("reversed", keys[::-1]), ("twice", keys + keys[1:]),
                          ("later", [keys[0], dict(keys[1], **{"from": keys[1]["from"] + 1})]), ("other", [keys[0], dict(keys[1], key=stranger.vkey)]),
                          ("added", keys + [{"from": Honest.size, "key": stranger.vkey}])):
        refused(f"keys.json {what}", Honest.sealed(**{"keys.json": canonical(changed)}), Honest.first)
    earlier = [json.loads(line) for line in Honest.files["consistency.jsonl"].splitlines()]
    at = [int(line["checkpoint"].split("\n")[1]) for line in earlier].index(Honest.ledger.keys[1][0])
    for who in ([old], [new]):
        said = earlier[at]["checkpoint"].rpartition("\n\n")[0] + "\n"
        once = earlier[:at] + [dict(earlier[at], checkpoint=note(said, *who))] + earlier[at + 1:]
        refused("a rotation signed once", Honest.sealed(**{"consistency.jsonl": jsonl(once)}), Honest.pin, naming="keys: does not hold")
    refused("no rotation checkpoint", Honest.sealed(**{"consistency.jsonl": jsonl(earlier[:at] + earlier[at + 1:])}), Honest.pin)


def test_a_fork():
    """A second ledger with the same key and another entry: its checkpoints and entries don't fit the first."""
    ledger, _ = make_bundle.start()
    ledger.own("source.closed", {"source": "ml-events"}, {KAFKA: "about"})
    make_bundle.plain_events(ledger)
    other = ledger.files(TABLE, [MODEL])
    accepted("the fork alone", other, Honest.first)
    for name in ("checkpoint", "entries.jsonl", "MANIFEST.json", "consistency.jsonl"):
        refused(f"with {name} of a fork", dict(Honest.files, **{name: other[name]}), Honest.first)
    refused("entries of a fork, listed", Honest.sealed(**{"entries.jsonl": other["entries.jsonl"]}), Honest.pin)
    refused("checkpoints of a fork, listed", Honest.sealed(**{"consistency.jsonl": other["consistency.jsonl"]}), Honest.pin)


def lying(change=None, **asked):
    """A bundle whose ledger writes one dishonest entry and signs everything properly."""
    ledger, producer = make_bundle.start()
    body, said = event(MODEL_TYPE, "e-1", version_registered())
    honest = {"framed": kafka_record(STRUCTURED, body), "form": "cloudevents+json", "roles": make_bundle.FRAUD_ROLES, "event": said}
    ledger.append("kafka", change=change, **dict(honest, **asked))
    return ledger.files(TABLE, [MODEL]), ledger.keys[0][1].vkey


def test_headers_that_say_what_the_record_does_not():
    def put(*path):
        def change(header):
            place = header
            for step in path[:-2]:
                place = place[step]
            place[path[-2]] = path[-1]
        return change

    def drop(*path):
        def change(header):
            place = header
            for step in path[:-1]:
                place = place[step]
            del place[path[-1]]
        return change
    accepted("nothing changed", *lying())
    roles, digest = make_bundle.FRAUD_ROLES, "artifact/" + make_bundle.SHA
    refused("a trail left out", *lying(roles={k: v for k, v in roles.items() if k != digest}), naming="does not hold")
    refused("a trail invented", *lying(roles=dict(roles, **{"model/other@1": "base"})), naming="does not hold")
    refused("a whole left out", *lying(roles={k: v for k, v in roles.items() if k != "model/risk/fraud"}), naming="does not hold")
    refused("another role", *lying(roles=dict(roles, **{digest: "evidence"})), naming="does not hold")
    refused("only the source", *lying(roles={KAFKA: "about"}), naming="does not hold")
    refused("another format", *lying(form="dsse+json"), naming="does not hold")
    for member in ("id", "source", "type", "time"):
        refused(f"another {member}", *lying(put("event", member, "2026-01-01T00:00:00.000000Z")), naming="does not hold")
    refused("no time", *lying(drop("event", "time")), naming="does not hold")
    refused("no event", *lying(drop("event")), naming="does not hold")
    for reason in ("malformed", "reserved", "personal-data", "subject", "oversize"):
        refused(f"quarantined as {reason}", *lying(quarantine={"reason": reason}))
    refused("in conflict", *lying(quarantine={"of": 3, "reason": "conflict"}), naming="does not hold")
    refused("signed", *lying(signers=[{"key": "00" * 32, "status": "unknown"}]), naming="does not hold")
    refused("not kept", *lying(kept=False), naming="does not hold")
    refused("not kept, quarantined, on its trails", *lying(kept=False, quarantine={"reason": "oversize"}))
    refused("another commitment", *lying(put("content", "commitment", "00" * 32)), naming="does not hold")
    refused("another size", *lying(put("content", "size", 7)), naming="does not hold")
    refused("another origin", *lying(put("origin", "example.org")), naming="does not hold")
    refused("another index", *lying(put("index", 3)), naming="does not hold")
    refused("another prev", *lying(put("prev", "00" * 32)), naming="does not hold")
    refused("another via", *lying(put("received", {"at": "2026-11-23T08:00:09.000000Z", "producer": "x", "via": "http"})))
    refused("an earlier time", *lying(put("received", "at", "2026-11-23T07:00:00.000000Z")), naming="does not hold")
    refused("a time of another shape", *lying(put("received", "at", "2026-11-23T08:00:09Z")), naming="does not hold")
    refused("skipped 0", *lying(put("received", "skipped", 0)), naming="does not hold")
    refused("an unknown member", *lying(put("x", 1)), naming="does not hold")
    refused("a missing member", *lying(drop("received", "offset")), naming="does not hold")
    refused("a number as text", *lying(put("trails", 0, "n", "0")), naming="does not hold")
    refused("a boolean for a number", *lying(put("trails", 0, "n", False)), naming="does not hold")
    refused("no trails", *lying(put("trails", [])), naming="does not hold")
    refused("a doubled ordinal's twin", *lying(put("trails", 0, "n", 1)), naming="does not hold")
    refused("trails out of order", *lying(lambda header: header["trails"].reverse()), naming="does not hold")
    refused("a later version", *lying(put("v", 2)), wanted=2)
    refused("another reading", *lying(put("content", "reading", 2)), naming="not in force")
    ledger, _ = make_bundle.start()
    body, said = event("t", "i", 1)
    ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {KAFKA: "about"}, said, change=put("content", "reading", 2))
    files, size = ledger.files(TABLE, [SELF]), len(ledger.headers)
    listed = {name: data for name, data in files.items() if name not in ("MANIFEST.json", "MANIFEST.note", "checkpoint")}
    later = ledger.seal(dict(listed, **{"readings/2.json": b"{}"}), [SELF], size)
    refused("a table more, of a reading not in force", later, ledger.keys[0][1].vkey, naming="not in force")


def test_a_reading_of_the_future():
    """Where the ledger names a later reading, this program judges no more; a reading that nobody named is a lie."""
    table = canonical(TABLE)

    def ledger(first, named, later):
        ledger, _ = make_bundle.start(reading=(first, named))
        body, said = event("t", "i", 1)
        ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {KAFKA: "about"}, said, change=reading(later))
        files = ledger.files(TABLE, [SELF])
        listed = {name: data for name, data in files.items() if name not in ("MANIFEST.json", "MANIFEST.note", "checkpoint")}
        return ledger.seal(dict(listed, **{"readings/2.json": table}), [SELF], len(ledger.headers)), ledger.keys[0][1].vkey

    def reading(number):
        return lambda header: header["content"].update(reading=number)
    refused("all of a later reading", *ledger(2, 2, 2), wanted=2, naming="later reading")
    refused("another reading from outside", *ledger(1, 1, 2), naming="not in force")
    refused("a later reading named, an earlier used", *ledger(1, 2, 1), naming="does not hold")


def test_keys_that_are_the_ledgers_own():
    """A key of the ledger's is no producer's, whatever an entry says; nor is a producer's, once the ledger signs with it."""
    def signed(key, status, rotate=None, alg=True):
        ledger, _ = make_bundle.start()
        registration = {"alg": "ed25519", "entitlement": {"subjects": ["*"], "types": ["*"]}, "key_id": key.id, "party": "p-18",
                        "public_key": base64.b64encode(key.typed).decode()}
        ledger.own("key.producer_registered", registration, {f"key/{key.id}": "about", "party/p-18": "target"})
        if rotate:
            ledger.rotate(rotate)
        body, said, roles = make_bundle.approval("s")
        signer = dict({"key": key.id, "status": status}, **{"alg": "ed25519"} if alg else {})
        ledger.append("kafka", kafka_record([], make_bundle.envelope(body, (key.id, key))), "dsse+json", roles, said, [signer])
        return ledger.files(TABLE, [MODEL]), ledger.keys[0][1].vkey
    own, other = make_bundle.start()[0].keys[0][1], Key(make_bundle.ORIGIN, "ledger key 2")
    accepted("another's key", *signed(other, "valid"))
    accepted("the ledger's first key", *signed(own, "unknown", alg=False))
    refused("the ledger's first key called valid", *signed(own, "valid"), naming="does not hold")
    accepted("a key that became the ledger's", *signed(other, "unknown", rotate=other, alg=False))
    refused("a key that became the ledger's called valid", *signed(other, "valid", rotate=other), naming="does not hold")


def test_what_counts_as_content():
    """Section 3, "Content": signatures as text, values of binary attributes that are there."""
    def two(first, second, form, quarantine=None, signers=None):
        ledger, _ = make_bundle.start()
        said = {"id": "i", "source": "urn:x", "type": "t"}
        for framed, reason in ((first, None), (second, quarantine)):
            ledger.append("kafka", framed, form, {KAFKA: "about"}, said, signers, quarantine=reason)
        return ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey
    attributes = [(b"ce_specversion", b"1.0"), (b"ce_id", b"i"), (b"ce_source", b"urn:x"), (b"ce_type", b"t"), (b"content-type", b"application/json")]
    conflict = {"of": 4, "reason": "conflict"}
    for absent in (None, b"", b"\xff"):
        binary = [kafka_record(more, b"1") for more in (attributes, [*attributes, (b"ce_x", absent)])]
        refused(f"an absent value {absent} as other content", *two(*binary, "cloudevents-binary", conflict), naming="does not hold")
    binary = [kafka_record(more, b"1") for more in (attributes, [*attributes, (b"ce_x", b"y")])]
    accepted("a further value", *two(*binary, "cloudevents-binary", conflict))
    payload = b'{"specversion":"1.0","id":"i","source":"urn:x","type":"t"}'
    outer = {"payloadType": "application/cloudevents+json", "payload": base64.b64encode(payload).decode()}
    bad = [{"key": sha(b"").hex(), "status": "unknown"}]
    texts = [kafka_record([], canonical(dict(outer, signatures=[{"sig": text}]))) for text in ("/w==", "_w==")]
    accepted("one signature in two alphabets", *two(*texts, "dsse+json", conflict, bad))
    twice = [kafka_record([], canonical(dict(outer, signatures=[{"sig": "/w=="}] * count))) for count in (1, 2)]
    ledger, _ = make_bundle.start()
    ledger.append("kafka", twice[0], "dsse+json", {KAFKA: "about"}, {"id": "i", "source": "urn:x", "type": "t"}, bad)
    ledger.append("kafka", twice[1], "dsse+json", {KAFKA: "about"}, {"id": "i", "source": "urn:x", "type": "t"}, bad * 2, quarantine=conflict)
    refused("one signature twice as other content", ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey, naming="does not hold")


def test_what_is_no_event():
    """A null among signatures, a null `ce_specversion`: read as nothing, and still of their formats."""
    def malformed(framed, form):
        ledger, _ = make_bundle.start()
        ledger.append("kafka", framed, form, {KAFKA: "about"}, quarantine={"reason": "malformed"})
        return ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey
    payload = base64.b64encode(b'{"specversion":"1.0","id":"i","source":"s","type":"t"}').decode()
    outer = {"payloadType": "application/cloudevents+json", "payload": payload, "signatures": [None, {"sig": "/w=="}]}
    accepted("a null among signatures", *malformed(kafka_record([], canonical(outer)), "dsse+json"))
    attributes = [(b"ce_specversion", None), (b"ce_id", b"i"), (b"ce_source", b"s"), (b"ce_type", b"t"), (b"content-type", b"application/json")]
    accepted("a null specversion", *malformed(kafka_record(attributes, b"1"), "cloudevents-binary"))
    refused("a null specversion of no format", *malformed(kafka_record(attributes, b"1"), "unknown"), naming="does not hold")


def test_trails_that_lie():
    """A doubled, a skipped and a foreign ordinal; a manifest that claims otherwise."""
    def second(change):
        ledger, _ = make_bundle.start()
        for id_ in ("e-1", "e-2", "e-3"):
            body, said = event(MODEL_TYPE, id_, version_registered())
            ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", make_bundle.FRAUD_ROLES, said,
                          change=change if id_ == "e-3" else None)
        return ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey

    def at(**changed):
        def change(header):
            next(trail for trail in header["trails"] if trail["subject"] == MODEL).update(changed)
        return change
    accepted("honest", *second(None))
    for what, changed in (("doubled", {"n": 1, "prev": 4}), ("skipped", {"n": 3, "prev": 5}), ("of another", {"prev": 3}), ("to itself", {"prev": 6})):
        refused(what, *second(at(**changed)), naming="does not hold")
    for what, change in (("fewer", lambda m: m["trails"][-1].update(count=1)), ("another last", lambda m: m["trails"][-1].update(last=0)),
                         ("none at all", lambda m: m["trails"].clear()), ("one unasked is fine, one asked is wanting", lambda m: m["trails"].pop()),
                         ("unsorted", lambda m: m["trails"].reverse()), ("beyond", lambda m: m["scope"].update(as_of=10**6)),
                         ("not a subject", lambda m: m["trails"].append({"count": 0, "subject": "zoo/x"})),
                         ("another size", lambda m: m.update(tree_size=m["tree_size"] - 1)), ("another root", lambda m: m.update(root="00" * 32)),
                         ("a further member", lambda m: m.update(x=1)), ("twice", lambda m: m["trails"].append(m["trails"][-1]))):
        refused(f"manifest: {what}", Honest.ledger.files(TABLE, SUBJECTS, change=change), Honest.pin)
    refused("manifest: version 2", Honest.ledger.files(TABLE, SUBJECTS, change=lambda m: m.update(v=2)), Honest.pin, wanted=2)


def test_what_only_the_ledger_may_say():
    """Events from outside that look like the ledger's own, and own entries that look like an outsider's."""
    ledger, producer = make_bundle.start()
    stranger = Key("x", "a stranger's key")
    claim = {"alg": "ed25519", "entitlement": {"subjects": ["*"], "types": ["*"]}, "key_id": stranger.id,
             "public_key": base64.b64encode(stranger.typed).decode()}
    body, said = event("modeltrail.key.producer_registered.v1", "r", claim)
    ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {KAFKA: "about"}, said, quarantine={"reason": "reserved"})
    body, said = event("t", "1", {}, source=make_bundle.ORIGIN)
    ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {KAFKA: "about"}, said, quarantine={"reason": "reserved"})
    body, said, roles = make_bundle.approval("s")
    dsse = kafka_record([], make_bundle.envelope(body, (stranger.id, stranger)))
    ledger.append("kafka", dsse, "dsse+json", roles, said, [{"key": stranger.id, "status": "unknown"}])
    pin = ledger.keys[0][1].vkey
    accepted("a producer registers itself, and stays unknown", ledger.files(TABLE, [SELF]), pin)
    ledger.own("model.version_registered", version_registered(), make_bundle.FRAUD_ROLES)
    refused("an outside event in the ledger's own name", ledger.files(TABLE, [SELF]), pin, naming="does not hold")


def test_signers():
    def signed(status, origin=make_bundle.ORIGIN, alg=True):
        ledger, producer = make_bundle.start()
        body, said, roles = make_bundle.approval("s", origin=origin)
        signer = dict({"key": producer.id, "status": status}, **{"alg": "ed25519"} if alg else {})
        ledger.append("kafka", kafka_record([], make_bundle.envelope(body, (producer.id, producer))), "dsse+json", roles, said, [signer])
        return ledger.files(TABLE, [MODEL]), ledger.keys[0][1].vkey
    accepted("a valid one", *signed("valid"))
    for status in ("bad", "revoked", "unbound", "not-entitled"):
        refused(f"a valid one called {status}", *signed(status), naming="does not hold")
    refused("a valid one called unknown", *signed("unknown", alg=False), naming="does not hold")
    refused("an unbound one called valid", *signed("valid", origin="example.org"), naming="does not hold")
    ledger, producer = make_bundle.start()
    hidden = Honest.ledger.files(TABLE, SUBJECTS, change=lambda m: m["trails"].remove(next(t for t in m["trails"] if t["subject"] == "key/" + Honest.producer.id)))
    refused("a key without its trail", hidden, Honest.pin, naming="does not hold")


def test_absent_records():
    lines = Honest.lines()
    erased = next(index for index, why in Honest.ledger.absent.items() if why == "erased")

    def without(index, why):
        line = {"absent": why, "header": lines[index]["header"], "proof": lines[index]["proof"]}
        return Honest.sealed(**{"entries.jsonl": jsonl(lines[:index] + [line] + lines[index + 1:])})
    accepted("withheld", without(4, "withheld"), Honest.pin)
    refused("erased, says nobody", without(4, "erased"), Honest.pin, naming="does not hold")
    refused("not kept, says nobody", without(4, "not-kept"), Honest.pin)
    refused("another word", without(4, "lost"), Honest.pin)
    for index in (0, 1, 3):
        refused(f"own entry {index} withheld", without(index, "withheld"), Honest.pin, naming="does not hold")
    accepted("erased", without(erased, "erased"), Honest.pin)
    refused("neither", Honest.sealed(**{"entries.jsonl": jsonl(lines[:4] + [{k: lines[4][k] for k in ("header", "proof")}] + lines[5:])}), Honest.pin)
    other = [dict(line) for line in lines]
    other[4]["record"], other[4]["salt"] = lines[5]["record"], lines[5]["salt"]
    refused("another entry's record", Honest.sealed(**{"entries.jsonl": jsonl(other)}), Honest.pin, naming="does not hold")


def test_further_trails():
    ledger, _ = make_bundle.start()
    make_bundle.many_subjects(ledger)
    pin = ledger.keys[0][1].vkey
    accepted("70 subjects", ledger.files(TABLE, [SELF]), pin)
    refused("without the entry that adds the rest", ledger.files(TABLE, [SELF], len(ledger.headers) - 1), pin, naming="does not hold")
    ledger.own("ledger.trails_added", {"of": 4, "reading": 1, "whole": ["model/x"]}, {SELF: "about", "model/x": "whole"})
    refused("with one that adds too much", ledger.files(TABLE, [SELF]), pin, naming="does not hold")


def test_another_table():
    """A table of the ledger's own making is never passed silently; one that isn't the one in force doesn't hold."""
    row = dict(TABLE["types"][MODEL_TYPE], touches=[])
    mine = dict(TABLE, types=dict(TABLE["types"], **{MODEL_TYPE: row}))
    ledger, _ = make_bundle.start(table=mine)
    body, said = event(MODEL_TYPE, "e-1", version_registered())
    ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {MODEL: "about", "model/risk/fraud": "whole"}, said)
    pin = ledger.keys[0][1].vkey
    refused("a table of its own", ledger.files(mine, [MODEL]), pin, wanted=2, naming="not the published one")
    refused("a table not in force", ledger.files(TABLE, [MODEL]), pin, naming="does not hold")
    assert verify.PUBLISHED == "sha256:" + sha(canonical(TABLE)).hex(), "the published table of reading 1 changed"


def test_framing():
    """Records that can't have come that way."""
    body, said = event("t", "i", 1)
    media = [(b"content-type", b"application/cloudevents+json")]

    def by(via, transport, producer=None, tail=body):
        ledger, _ = make_bundle.start()
        framed = record(transport, media if producer is None else producer, tail)
        ledger.append(via, framed, "cloudevents+json", {KAFKA if via == "kafka" else "source/http": "about"}, said)
        return ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey

    def kafka(time, kind, *more):
        return [(b"key", None), (b"timestamp", time), (b"timestamp-type", kind), *more]
    accepted("without a timestamp", *by("kafka", kafka(b"-1", b"none")))
    accepted("before 1970", *by("kafka", kafka(b"-5", b"append")))
    accepted("the last of a batch", *by("http", [(b"batch", b"999/1000")]))
    refused("a timestamp of another shape", *by("kafka", kafka(b"01", b"create")))
    refused("a timestamp without type", *by("kafka", kafka(b"1", b"none")))
    refused("a batch element beyond its batch", *by("http", [(b"batch", b"3/3")]))
    refused("a cookie", *by("http", [], [*media, (b"cookie", b"x")]))
    refused("a value with spaces around it", *by("http", [], [*media, (b"ce-x", b"x ")]))
    refused("of kafka over http", *by("http", kafka(b"1", b"create")))
    refused("without a key", *by("kafka", kafka(b"1", b"create")[1:]))
    refused("a further transport attribute", *by("kafka", kafka(b"1", b"create", (b"x", b""))))
    refused("a tombstone that has a body", *by("kafka", kafka(b"1", b"create", (b"body-null", b""))))


def test_conflicts_and_doubles():
    def two(first, second, **more):
        ledger, _ = make_bundle.start()
        for (body, said), quarantine in ((first, None), (second, more.get("quarantine"))):
            ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", {"job/x": "about"}, said, quarantine=quarantine)
        return ledger.files(TABLE, [SELF]), ledger.keys[0][1].vkey
    one, other = event("t", "i", 1, subject="job/x"), event("t", "i", 2, subject="job/x")
    accepted("a conflict", *two(one, other, quarantine={"of": 4, "reason": "conflict"}))
    refused("a conflict passed over", *two(one, other), naming="does not hold")
    refused("a double as conflict", *two(one, one, quarantine={"of": 4, "reason": "conflict"}), naming="does not hold")
    refused("a double", *two(one, one), naming="does not hold")
    refused("a conflict with another", *two(one, other, quarantine={"of": 3, "reason": "conflict"}), naming="does not hold")
    refused("a conflict with nothing", *two(one, event("t", "j", 2, subject="job/x"), quarantine={"of": 4, "reason": "conflict"}))


def test_json_and_numbers():
    for bad in (b"", b"{", b'{"a":1,"a":2}', b"9007199254740992", b"-9007199254740992", b"1e400", b"NaN", b"Infinity", b'"\\ud800"', b"\xef\xbb\xbf1",
                b"1 1", b"[" * 65 + b"]" * 65, b"[" * 100_000, b'"' + b'\\"' * 100_000, b"\xff", b"9" * 5000, b"01", b"'a'", b'"\n"'):
        with contextlib.suppress(ValueError):
            verify.strict_json(bad)
            raise AssertionError(f"{bad[:40]!r} was read")
    verify.strict_json(b"[" * 64 + b"]" * 64)
    verify.strict_json(b'{"a":"[[' + b"[" * 100 + b'"}')


def test_strict_ed25519():
    y8 = verify.Y8
    p, d = verify.P, -121665 * pow(121666, -1, verify.P) % verify.P
    for y in (0, 1, p - 1, y8, p - y8):  # eight times such a point is the neutral one
        x2 = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
        x = pow(x2, (p + 3) // 8, p)
        x = x if (x * x - x2) % p == 0 else x * pow(2, (p - 1) // 4, p) % p
        assert (x * x - x2) % p == 0
        for _ in range(3):
            k = d * x * x * y * y % p
            x, y = 2 * x * y * pow(1 + k, -1, p) % p, (y * y + x * x) * pow(1 - k, -1, p) % p
        assert (x, y) == (0, 1)
    key = Key("k", "k")
    good = key.private.sign(b"m")
    assert verify.ed25519(key.typed[1:], good, b"m") and not verify.ed25519(key.typed[1:], good, b"n")
    high = good[:32] + (int.from_bytes(good[32:], "little") + verify.L).to_bytes(32, "little")
    assert not verify.ed25519(key.typed[1:], high, b"m"), "S + L"
    for small in (bytes(32), b"\1" + bytes(31), (p - 1).to_bytes(32, "little"), y8.to_bytes(32, "little"), (p + 1).to_bytes(32, "little")):
        assert not verify.ed25519(small, b"\1" + bytes(63), b"m"), "a key of small order signs everything"
    assert not verify.ed25519(key.typed[1:], good[:63], b"m") and not verify.ed25519(b"", good, b"m")


def test_proofs():
    """All trees up to 40 leaves, and every step changed, dropped or doubled."""
    from ledger import path, proof, root
    leaves = [sha(b"\0%d" % n) for n in range(40)]
    for size in range(1, 41):
        top = root(leaves[:size])
        for index in range(size):
            steps = path(index, leaves[:size])
            assert verify.included(leaves[index], index, size, list(steps)) == top
            assert index == 0 or lands(verify.included, leaves[index], index - 1, size, steps) != top
            for at in range(len(steps)):
                assert lands(verify.included, leaves[index], index, size, steps[:at] + steps[at + 1:]) != top
                assert lands(verify.included, leaves[index], index, size, steps[:at] + [sha(b"")] + steps[at + 1:]) != top
            assert lands(verify.included, leaves[index], index, size, [sha(b""), *steps]) != top
        for old in range(1, size + 1):
            steps, before = proof(old, leaves[:size]), root(leaves[:old])
            assert verify.consistent(old, size, before, list(steps)) == (before, top)
            for at in range(len(steps)):
                assert lands(verify.consistent, old, size, before, steps[:at] + [sha(b"")] + steps[at + 1:]) != (before, top)
                assert lands(verify.consistent, old, size, before, steps[:at] + steps[at + 1:]) != (before, top)


def lands(prove, *arguments):
    """Where a proof leads to; nowhere if it is too short or too long."""
    steps = list(arguments[-1])
    try:
        end = prove(*arguments[:-1], steps)
    except IndexError:
        return None
    return None if steps else end


def test_subjects_and_times():
    for good in ("model/x", "model/a/b@1", "image/r@sha256:0", "code/a%2Fb/.@c"):
        assert verify.subject_parts(good), good
    for bad in ("", "model", "model/", "zoo/x", "model/a/b/c", "model/x@1@2", "model/x@", "model/%41", "model/%2f", "model/%FF", "model/a@1/2",
                "model/é", "model/x\n", "model/" + "a" * 507, None, 7):
        assert not verify.subject_parts(bad), bad
    assert verify.subject_parts("model/" + "a" * 506)
    for text, wanted in (("2026-11-23T09:20:11.1234567+01:00", "2026-11-23T08:20:11.123456Z"), ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
                         ("2026-11-23T08:20:11-00:00", "2026-11-23T08:20:11.000000Z"), ("0001-01-01T00:00:00+00:01", None), ("2026-02-29T00:00:00Z", None),
                         ("2026-11-23t08:20:11Z", None), ("2026-11-23T08:20:60Z", None), ("2026-11-23T24:00:00Z", None), ("2026-11-23T08:20:11", None),
                         ("2026-11-23T08:20:11.Z", None), ("2026-11-23T08:20:11+24:00", None), ("\u0662026-11-23T08:20:11Z", None), (1, None)):
        assert verify.attempt(verify.utc, text) == wanted, text


def test_random_damage():
    """Whatever stands in a properly signed bundle, there is a verdict and no traceback."""
    chance = random.Random(3)
    for _ in range(150):
        lines = Honest.lines()
        line = chance.choice(lines)
        name = chance.choice([name for name in ("header", "record", "proof", "salt") if name in line])
        line[name] = chance.choice([None, 7, "", "x", [], {}, [7], "{}", "\x00", line[name][:-2] if isinstance(line[name], str) else line[name][1:]])
        refused(f"{name} = {line[name]!r:.40}", Honest.sealed(**{"entries.jsonl": jsonl(lines)}), Honest.pin)


def main(arguments):
    every = 1 if "--all" in arguments else 9
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            started = time.monotonic()
            test(*[every] if test.__code__.co_argcount else [])
            print(f"ok {name[5:].replace('_', ' ')} ({time.monotonic() - started:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
