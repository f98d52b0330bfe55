"""A small ledger in memory that writes bundles, made from docs/FORMAT.md alone.

It shares no code with verify.py or with the ledger itself, and derives nothing: whoever appends says what the header is to
say, so that a wrong reading of the format on either side shows up as a disagreement.
"""
import base64
import hashlib
import json
import struct
import zipfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = ["about", "target", "output", "input", "base", "component", "code", "environment", "run", "evidence", "whole"]
MAX_TRAILS = 64


def sha(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    """RFC 8785 for what is written here: no fractions, only ASCII names."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Key:
    """An Ed25519 key with a name, from a seed, so that every run makes the same bundle."""

    def __init__(self, name, seed):
        self.name, self.private = name, Ed25519PrivateKey.from_private_bytes(sha(seed.encode()))
        raw, plain = serialization.Encoding.Raw, serialization.PublicFormat.Raw
        self.typed = b"\x01" + self.private.public_key().public_bytes(raw, plain)
        self.id = sha(self.typed).hex()
        self.short = sha(name.encode() + b"\n" + self.typed)[:4]
        self.vkey = f"{name}+{self.short.hex()}+{base64.b64encode(self.typed).decode()}"

    def line(self, text):
        blob = self.short + self.private.sign(text.encode())
        return f"\u2014 {self.name} {base64.b64encode(blob).decode()}\n"


def note(text, *keys):
    return text + "\n" + "".join(key.line(text) for key in keys)


def root(leaves):
    """MTH of RFC 6962, by its definition."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha(b"")
    k = largest_power_below(len(leaves))
    return sha(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def largest_power_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m, leaves):
    """PATH of RFC 6962, by its definition."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    return path(m, leaves[:k]) + [root(leaves[k:])] if m < k else path(m - k, leaves[k:]) + [root(leaves[:k])]


def proof(m, leaves, whole=True):
    """SUBPROOF of RFC 6962, by its definition."""
    if m == len(leaves):
        return [] if whole else [root(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return proof(m, leaves[:k], whole) + [root(leaves[k:])]
    return proof(m - k, leaves[k:], False) + [root(leaves[:k])]


def record(transport, producer, body):
    """The framing of section 2."""
    def attributes(pairs):
        framed = struct.pack(">H", len(pairs))
        for name, value in pairs:
            framed += struct.pack(">I", len(name)) + name
            framed += b"\xff\xff\xff\xff" if value is None else struct.pack(">I", len(value)) + value
        return framed
    return b"\x01" + attributes(transport) + attributes(producer) + body


def kafka_record(headers, body, key=b"k", timestamp=b"1795422000000"):
    return record([(b"key", key), (b"timestamp", timestamp), (b"timestamp-type", b"create")], headers, body)


class Ledger:
    """Entries by appending; what the header is to say is said by the caller."""

    def __init__(self, origin, key):
        self.origin, self.keys = origin, [(0, key)]
        self.headers, self.leaves, self.openings, self.absent, self.heads = [], [], [], {}, {}
        self.clock = 0
        self.offset = 100

    def append(self, via, framed, form, roles, event=None, signers=None, quarantine=None, kept=True, received=None, change=None):
        """One entry; `roles` is {subject: role}, `change` a last hand on the header for tests that lie. Its index."""
        index = len(self.headers)
        self.clock += 1
        salt = sha(b"salt%d" % index)[:16]
        content = {"commitment": sha(salt + framed).hex(), "format": form, "reading": 1, "size": len(framed)}
        if not kept:
            content["kept"] = False
        header = {"content": content, "index": index, "origin": self.origin, "prev": self.leaves[-1].hex() if index else "0" * 64,
                  "received": dict(self.where(via), **received or {}), "trails": [], "v": 1}
        header.update({name: value for name, value in (("event", event), ("signers", signers), ("quarantine", quarantine)) if value})
        for subject in sorted(roles):
            n, before = self.heads.get(subject, (-1, None))
            trail = {"n": n + 1, "role": roles[subject], "subject": subject}
            header["trails"].append(trail if before is None else dict(trail, prev=before))
            self.heads[subject] = (n + 1, index)
        if change:
            change(header)
        raw = canonical(header)
        self.headers.append(raw)
        self.leaves.append(sha(b"\x00" + raw))
        self.openings.append((salt, framed))
        if not kept:
            self.absent[index] = "not-kept"
        return index

    def where(self, via):
        at = {"at": f"2026-11-23T08:{self.clock // 60:02}:{self.clock % 60:02}.000000Z", "via": via}
        if via == "http":
            return dict(at, producer="local")
        if via == "kafka":
            self.offset += 1
            return dict(at, generation=1, offset=self.offset, partition=3, source="ml-events")
        return at

    def own(self, kind, data, roles, change=None, received=None):
        """An entry of the ledger's own; `kind` as FORMAT.md shortens types."""
        kind = f"modeltrail.{kind}.v1"
        at = f"2026-11-23T08:{(self.clock + 1) // 60:02}:{(self.clock + 1) % 60:02}.000000Z"
        event = {"id": str(len(self.headers)), "source": self.origin, "time": (received or {}).get("at", at), "type": kind}
        framed = record([], [], canonical({"data": data, "type": kind}))
        return self.append("ledger", framed, "ledger+json", roles, event, change=change, received=received)

    def rotate(self, key):
        old = self.keys[-1][1]
        data = {"new": key.id, "old": old.id, "public_key": key.vkey, "why": "scheduled"}
        index = self.own("key.rotated", data, {f"key/{key.id}": "about", f"key/{old.id}": "base"})
        self.keys.append((index + 1, key))

    def signers(self, size):
        """The keys that sign the checkpoint of this size, the one that governs last."""
        last = max(i for i, (start, _) in enumerate(self.keys) if start <= size)
        both = last > 0 and self.keys[last][0] == size
        return [key for _, key in self.keys[last - both:last + 1]]

    def checkpoint(self, size):
        text = f"{self.origin}\n{size}\n{base64.b64encode(root(self.leaves[:size])).decode()}\n"
        return note(text, *self.signers(size))

    def files(self, table, subjects, size=None, change=None):
        """The files of a bundle of all entries up to `size`; `change` a last hand on the manifest."""
        size = size or len(self.headers)
        leaves, lines = self.leaves[:size], []
        for index, raw in enumerate(self.headers[:size]):
            line = {"header": raw.decode(), "proof": [step.hex() for step in path(index, leaves)]}
            salt, framed = self.openings[index]
            opened = {"record": base64.b64encode(framed).decode(), "salt": salt.hex()}
            lines.append(dict(line, absent=self.absent[index]) if index in self.absent else dict(line, **opened))
        sizes = sorted({2, size // 2} | {start for start, _ in self.keys if 0 < start < size})
        earlier = [{"checkpoint": self.checkpoint(n), "proof": [step.hex() for step in proof(n, leaves)]} for n in sizes if 0 < n < size]
        keys = [{"from": start, "key": key.vkey} for start, key in self.keys if start <= size]
        files = {"VERIFY.md": b"See docs/FORMAT.md.\n", "consistency.jsonl": jsonl(earlier), "entries.jsonl": jsonl(lines),
                 "keys.json": canonical(keys), "readings/1.json": canonical(table)}
        return self.seal(files, subjects, size, change)

    def seal(self, files, subjects, size, change=None):
        """Adds manifest, note and checkpoint to the listed files."""
        headers = [json.loads(raw) for raw in self.headers[:size]]
        named = {"key/" + signer["key"] for header in headers for signer in header.get("signers", [])}
        trails = []
        for subject in sorted(named | set(subjects)):
            on = [header["index"] for header in headers if any(trail["subject"] == subject for trail in header["trails"])]
            trails.append(dict({"count": len(on), "subject": subject}, **{"last": on[-1]} if on else {}))
        manifest = {"files": {name: "sha256:" + sha(data).hex() for name, data in files.items()}, "origin": self.origin,
                    "root": root(self.leaves[:size]).hex(), "scope": {"as_of": size, "subjects": sorted(subjects)}, "trails": trails,
                    "tree_size": size, "v": 1}
        if change:
            change(manifest)
        raw = canonical(manifest)
        text = f"modeltrail bundle v1\n{self.origin}\nsha256:{sha(raw).hex()}\n"
        return dict(files, **{"MANIFEST.json": raw, "MANIFEST.note": note(text, self.signers(size)[-1]).encode(),
                              "checkpoint": self.checkpoint(size).encode()})


def jsonl(values):
    return b"".join(canonical(value) + b"\n" for value in values)


def pack(files, target):
    """Writes the files as a zip, in order and without the time of day."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), files[name])
