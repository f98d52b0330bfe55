#!/usr/bin/env python3
"""Writes a small honest bundle and its verifier keys, from docs/FORMAT.md alone:  make_bundle.py BUNDLE.zip VKEY-FILE

VKEY-FILE gets the newest key, VKEY-FILE.first the one before the rotation; both are good pins. The bundle has one entry of
nearly each kind that the format knows. Every run writes the same bytes.
"""
import base64
import json
import pathlib
import sys
import tomllib

from ledger import Key, Ledger, canonical, kafka_record, pack, record, sha

ORIGIN = "example.com/ml"
SELF, HTTP, KAFKA = "ledger/example.com%2Fml", "source/http", "source/ml-events"
MODEL, MODEL_TYPE = "model/risk/fraud@2.1.0", "modeltrail.model.version_registered.v1"
DATASET_TYPE, APPROVAL_TYPE = "modeltrail.dataset.version_registered.v1", "modeltrail.approval.granted.v1"
SHA = "sha256:" + "ab" * 32
CATALOGUE = pathlib.Path(__file__).resolve().parents[3] / "schemas" / "catalogue"


def published_table():
    """The table of reading 1 in its published form, from the catalogue's own tables."""
    with open(CATALOGUE / "events.toml", "rb") as events, open(CATALOGUE / "shapes.toml", "rb") as shapes:
        events, shapes = tomllib.load(events), tomllib.load(shapes)
    kept = ("subject", "touches")
    return {"common": {"touches": shapes["common"]["touches"]}, "kinds": shapes["kinds"], "own_groups": shapes["own_groups"], "reading": 1,
            "roles": [role["name"] for role in shapes["role"]],
            "types": {row["type"]: {name: row[name] for name in kept if row.get(name)} for row in events["event"]}}


TABLE = published_table()


def event(kind, id_, data, source="https://mlflow.bank.example", time="2026-11-23T09:00:00.5+01:00", **extensions):
    """A structured CloudEvent as bytes, and what the header says of it."""
    body = dict({"specversion": "1.0", "id": id_, "source": source, "type": kind, "time": time, "data": data}, **extensions)
    said = {"id": id_, "source": source, "time": "2026-11-23T08:00:00.500000Z", "type": kind}
    return json.dumps(body, ensure_ascii=False, indent=1).encode(), said


STRUCTURED = [(b"content-type", b"application/cloudevents+json; charset=utf-8"), (b"trace", None), (b"trace", b"\xff")]


def version_registered(name="fraud", version="2.1.0", **more):
    manifest = {
        "namespace": "risk", "name": name, "version": version, "provenance": "built", "author": "",
        "datasets": [{"namespace": "s3:claims", "name": "2026/q3.parquet", "digest": SHA}, {"name": None}, 7],
        "code": [{"repository": "git.bank.example/fraud", "path": "", "commit": "c0ffee"}],
        "artifacts": {"root_digest": SHA}, "environment": {"image": {"repository": "reg.bank.example/train", "digest": SHA}},
        "components": [{"role": "base", "kind": "artifact", "name": "left aside", "digest": SHA}, {"kind": "model", "name": True}],
        "run": {"source": "airflow", "id": "r é"}, "metrics": [{"name": "auc", "value": 0.913}, {"name": "p", "value": 1e-7}]}
    return dict({"manifest": manifest}, **more)


FRAUD_ROLES = {
    MODEL: "about", "model/risk/fraud": "whole", f"dataset/s3:claims/2026%2Fq3.parquet@{SHA}": "input",
    "dataset/s3:claims/2026%2Fq3.parquet": "whole", f"artifact/{SHA}": "component", "code/git.bank.example%2Ffraud/.@c0ffee": "code",
    "code/git.bank.example%2Ffraud/.": "whole", f"image/reg.bank.example%2Ftrain@{SHA}": "environment",
    "image/reg.bank.example%2Ftrain": "whole", "run/airflow/r%20%C3%A9": "run"}


def envelope(payload, *signed):
    """A DSSE envelope with (key id, signature or key) for each signer."""
    kind = b"application/cloudevents+json"
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signatures = [{"keyid": keyid, "sig": base64.b64encode(key if isinstance(key, bytes) else key.private.sign(pae)).decode()}
                  for keyid, key in signed]
    return json.dumps({"payloadType": kind.decode(), "payload": base64.b64encode(payload).decode(), "signatures": signatures}).encode()


def approval(id_, name="fraud", origin=ORIGIN):
    data = {"approval_id": id_, "about": {"kind": "model", "namespace": "risk", "name": name, "version": "2.1.0"},
            "for": [{"environment": "prod/eu", "service": "scoring"}]}
    body, said = event(APPROVAL_TYPE, id_, data, modeltrailorigin=origin)
    return body, said, {f"model/risk/{name}@2.1.0": "about", f"model/risk/{name}": "whole", "deployment/prod%2Feu/scoring": "target"}


def start(key=None, table=None, reading=(1, 1)):
    """Genesis, opened, the source and the producer's registration; `reading` as these headers name it, and as opened does."""
    def read_by(header):
        header["content"]["reading"] = reading[0]
    key, table = key or Key(ORIGIN, "ledger key 1"), table or TABLE
    ledger, producer = Ledger(ORIGIN, key), Key("producer", "producer key")
    ledger.own("ledger.genesis", {"clock": "simulated", "created_at": "2026-11-23T08:00:00.000000Z", "format": 1, "key_id": key.id,
                                  "origin": ORIGIN, "public_key": key.vkey}, {SELF: "about", f"key/{key.id}": "target"}, read_by)
    ledger.own("ledger.opened", {"after": "init", "epoch": 1, "reading": reading[1], "reading_digest": "sha256:" + sha(canonical(table)).hex(),
                                 "software": "stranger"}, {SELF: "about"}, read_by)
    ledger.own("source.opened", {"cluster": "c", "partitions": [{"first": 99, "generation": 1, "partition": 3}], "source": "ml-events",
                                 "topic": "ml", "topic_id": "unknown"}, {KAFKA: "about"}, read_by)
    registration = {"alg": "ed25519", "entitlement": {"subjects": ["model/risk/fraud@*"], "types": ["modeltrail.approval.*"]},
                    "key_id": producer.id, "party": "p-17", "public_key": base64.b64encode(producer.typed).decode(),
                    "valid_from": "2026-01-01T01:00:00+01:00"}
    ledger.own("key.producer_registered", registration, {f"key/{producer.id}": "about", "party/p-17": "target"}, read_by)
    return ledger, producer


def plain_events(ledger):
    """Structured, binary, batch, unknown type; a duplicate's position. The index of the erasable one."""
    body, said = event(MODEL_TYPE, "e-1", version_registered())
    first = ledger.append("kafka", kafka_record(STRUCTURED, body), "cloudevents+json", FRAUD_ROLES, said, received={"skipped": 1})
    binary = [(b"ce_specversion", b"1.0"), (b"CE_id", b"b-1"), (b"ce_source", b"urn:x"), (b"ce_type", DATASET_TYPE.encode()),
              (b"content-type", b"application/json")]
    roles = {"dataset/claims@v%401": "about", "dataset/claims": "whole"}
    said = {"id": "b-1", "source": "urn:x", "type": DATASET_TYPE}
    ledger.append("kafka", kafka_record(binary, b'{"name":"claims","version":"v@1"}', None), "cloudevents-binary", roles, said)
    ranges = [{"class": "duplicate", "first": 103, "last": 103, "of": first}]
    ledger.own("ingest.positions", {"generation": 1, "partition": 3, "ranges": ranges, "source": "ml-events"}, {KAFKA: "about"})
    ledger.offset += 1
    body, said = event("com.example.other", "u-1", {}, subject="job/nightly")
    batch = [(b"content-type", b"application/cloudevents-batch+json")]
    erasable = ledger.append("http", record([(b"batch", b"0/2")], batch, body), "cloudevents+json", {"job/nightly": "about"}, said)
    body, said = event("com.example.other", "u-2", 5, subject="no subject", time="yesterday")
    del said["time"]
    ledger.append("http", record([(b"batch", b"1/2")], batch, body), "cloudevents+json", {HTTP: "about"}, said)
    http = [(b"ce-specversion", b"1.0"), (b"ce-id", b"%C3%A9 1"), (b"ce-source", b"urn:y"), (b"ce-type", b"com.example.other"),
            (b"ce-time", b"2016-12-31T23:59:60Z"), (b"content-type", b"application/x+json")]
    said = {"id": "é 1", "source": "urn:y", "type": "com.example.other"}
    ledger.append("http", record([], http, b""), "cloudevents-binary", {HTTP: "about"}, said)
    return erasable


def signed_events(ledger, producer):
    """One signer in each status but `revoked`."""
    def add(id_, status, *signers, name="fraud", origin=ORIGIN, typed=True):
        body, said, roles = approval(id_, name, origin)
        headers = [(b"content-type", b"application/vnd.dsse.envelope.v1+json")] if typed else []
        signed = [dict({"key": key, "status": state}, **{} if state == "unknown" else {"alg": "ed25519"}) for key, state in status]
        ledger.append("kafka", kafka_record(headers, envelope(body, *signers)), "dsse+json", roles, said, signed)
    stranger = Key("x", "a stranger's key")
    add("s-1", [(producer.id, "valid"), (sha(b"me").hex(), "unknown")], (producer.id, producer), ("me", stranger))
    add("s-2", [(producer.id, "bad")], (producer.id, bytes(64)), typed=False)
    add("s-3", [(producer.id, "unbound"), (stranger.id, "unknown")], (producer.id, producer), (stranger.id, stranger), origin="other")
    add("s-4", [(producer.id, "not-entitled")], (producer.id, producer), name="credit")


def quarantined(ledger):
    """One entry for each reason."""
    def add(headers, body, form, roles, said, reason, **more):
        ledger.append("kafka", kafka_record(headers, body), form, roles, said, quarantine=dict({"reason": reason}, **more))
    source = {KAFKA: "about"}
    add([], b"\x00garbage", "unknown", source, None, "malformed")
    add(STRUCTURED, b'{"specversion":"1.0","id":"a","id":"b","source":"s","type":"t"}', "cloudevents+json", source, None, "malformed")
    add(STRUCTURED + STRUCTURED, event("t", "i", 1)[0], "unknown", source, None, "malformed")
    body, said = event("modeltrail.key.producer_registered.v1", "r-1", {"key_id": "00" * 32})
    add(STRUCTURED, body, "cloudevents+json", source, said, "reserved")
    add(STRUCTURED, event("t", "jane@bank.example", 1)[0], "cloudevents+json", source, None, "personal-data")
    body, said = event(MODEL_TYPE, "q-1", {"manifest": {"name": "fraud"}, "evidence": [{"digest": SHA}]})
    add(STRUCTURED, body, "cloudevents+json", {f"artifact/{SHA}": "evidence"}, said, "subject")
    body, said = event(MODEL_TYPE, "e-1", version_registered(version="2.1.0", reason="other content"))
    add(STRUCTURED, body, "cloudevents+json", FRAUD_ROLES, said, "conflict", of=4)
    ledger.append("kafka", bytes(1 << 21), "unknown", source, quarantine={"reason": "oversize"}, kept=False)


def many_subjects(ledger):
    """An event on 70 trails, the last six in an entry of their own."""
    names = [f"d{number:02}" for number in range(34)]
    manifest = {"name": "big", "version": "1", "datasets": [{"name": name, "version": "1"} for name in names]}
    body, said = event(MODEL_TYPE, "m-1", {"manifest": manifest})
    ranked = [("model/big@1", "about")] + [(f"dataset/{name}@1", "input") for name in names]
    ranked += [(subject, "whole") for subject in sorted([f"dataset/{name}" for name in names] + ["model/big"])]
    index = ledger.append("http", record([], [(b"content-type", b"application/cloudevents+json")], body), "cloudevents+json",
                          dict(ranked[:64]), said)
    rest = [subject for subject, _ in ranked[64:]]
    ledger.own("ledger.trails_added", {"of": index, "reading": 1, "whole": rest}, dict({subject: "whole" for subject in rest}, **{SELF: "about"}))


def honest():
    """The ledger whose bundle is the cross-check, and its producer's key."""
    ledger, producer = start()
    erasable = plain_events(ledger)
    signed_events(ledger, producer)
    quarantined(ledger)
    many_subjects(ledger)
    ledger.own("key.producer_revoked", {"key_id": producer.id, "why": "superseded"}, {f"key/{producer.id}": "about"})
    body, said, roles = approval("s-5")
    dsse = kafka_record([], envelope(body, (producer.id, producer)))
    ledger.append("kafka", dsse, "dsse+json", roles, said, [{"alg": "ed25519", "key": producer.id, "status": "revoked"}])
    ledger.rotate(Key(ORIGIN, "ledger key 2"))
    erased = {"entries": [erasable], "erased_at": "2026-11-23T08:30:00.000000Z", "ground": "test", "subjects": ["job/nightly"]}
    ledger.own("record.erased", erased, {SELF: "about", "job/nightly": "target"})
    ledger.absent[erasable] = "erased"
    steps = {"from": "2026-11-23T08:30:00.000000Z", "to": "2026-11-23T08:00:00.000000Z"}
    ledger.own("ledger.clock_stepped", steps, {SELF: "about"}, received={"at": "2026-11-23T08:00:00.000000Z"})
    return ledger, producer


SUBJECTS = [MODEL, "model/risk/fraud", "dataset/d33", "model/never-heard-of@1"]


def main(bundle, vkey):
    ledger, _ = honest()
    pack(ledger.files(TABLE, SUBJECTS), bundle)
    for name, (_, key) in ((vkey + ".first", ledger.keys[0]), (vkey, ledger.keys[-1])):
        with open(name, "w", encoding="utf-8") as file:
            file.write(key.vkey + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
