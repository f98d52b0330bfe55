"""The rest of docs/FORMAT.md section 9, for verify.py, which loads this file when it lies beside it.

Who signed and with which status, conflicts, subjects beyond 64, erasures, headers without a record, trails that nobody claims,
the clock, the form of `received`, and the values of transport attributes. Written from docs/FORMAT.md alone, as verify.py is.
"""
import fnmatch, io, re, urllib.parse

import verify
from verify import at, attempt, canonical, ed25519, need, pick, record_parts, sha256, strong, unbase64, utc

MAX_TRAILS, ADDED, MAX_HEADER = 64, 31, 65_535
RECEIVED = {"kafka": "at generation offset partition skipped? source via", "http": "at producer via", "ledger": "at via"}
NO_TRAIL = ("oversize", "malformed", "reserved", "personal-data")  # such an entry is on its source's trail alone
STATUS = ("unknown", "bad", "revoked", "unbound", "not-entitled", "valid")
TRANSPORT = {"kafka": r"-1 none|(?:0|-?[1-9]\d*) (?:create|append)", "http": r"(?:(0|[1-9]\d{0,2})/([1-9]\d{0,3}))?", "ledger": ""}


def either64(text):
    return unbase64(text, b"-_" if set(text) & set("-_") else b"+/")


def learn(known, own, data):
    """Keeps in `known` what an own entry says of a key (section 4); of the ledger's own keys, that they are no producer's."""
    id_, raw = at(data, "key_id"), attempt(unbase64, at(data, "public_key")) or b""
    since, until = (attempt(utc, at(data, name)) for name in ("valid_from", "valid_until"))
    if own in ("ledger.genesis", "key.rotated"):
        known[at(data, "new", id_)] = {}
    elif own == "key.producer_registered" and id_ not in known and data["alg"] == "ed25519" and on_curve(raw):
        if sha256(raw).hex() == id_:
            known[id_] = dict(data["entitlement"], raw=raw[1:], revoked=False, since=since, until=until)
    elif own == "key.producer_changed" and known.get(id_):
        known[id_].update(data["new"], until=until or known[id_]["until"])
    elif own == "key.producer_revoked" and known.get(id_):
        known[id_]["revoked"] = True


def on_curve(typed):
    """Whether these are the type byte and a point of the curve that strict verification takes."""
    if len(typed) != 33 or typed[0] != 1 or not strong(typed[1:]):
        return False
    y = int.from_bytes(typed[1:], "little") % 2**255
    square = (y * y - 1) * pow(1 - 121665 * pow(121666, -1, verify.P) * y * y, -1, verify.P)
    return pow(square, verify.P // 2, verify.P) == 1


def signer(known, h, about, fields, payload, keyid, sig):
    """What the header has to say of one signature."""
    key = known.get(keyid)
    if not key:
        return {"key": keyid if re.fullmatch("[0-9a-f]{64}", keyid) else sha256(keyid.encode()).hex(), "status": "unknown"}

    def covers(name, text):
        return any(fnmatch.fnmatchcase(text, re.sub(r"([\[?])", r"[\1]", pattern)) for pattern in key[name])
    kind, now = verify.EVENT.encode(), h["received"]["at"]
    good = ed25519(key["raw"], attempt(either64, sig) or b"", b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload))
    entitled = about and covers("types", h["event"]["type"]) and covers("subjects", about)
    entitled = entitled and (key["since"] or now) <= now < (key["until"] or "~")
    unbound = at(fields, "modeltrailorigin") != h["origin"]
    status = "bad" if not good else "revoked" if key["revoked"] else "unbound" if unbound else "valid" if entitled else "not-entitled"
    return {"alg": "ed25519", "key": keyid, "status": status}


def said_of(h, record):
    """The signed event's members, its payload, its (keyid, sig) pairs; and the content of an event (section 3)."""
    via = h["received"]["via"]
    attributes, body = record_parts(io.BytesIO(record), via)
    prefix = "ce-" if via == "http" else "ce_"
    values = {name[3:]: urllib.parse.unquote_to_bytes(value or b"") if via == "http" else value or b""
              for name, value in attributes if name.startswith(prefix)}
    there = {name: text for name, text in ((name, attempt(value.decode)) for name, value in values.items()) if text}
    if h["content"]["format"] != "dsse+json":
        binary = h["content"]["format"] == "cloudevents-binary"
        return {}, b"", [], (h["content"]["format"], body, sorted(there.items()) if binary else None)
    fields = verify.json_object(body)
    pairs, payload = [(at(each, "keyid", ""), each["sig"]) for each in fields["signatures"]], either64(fields["payload"])
    return verify.json_object(payload), payload, pairs, ("dsse+json", payload, sorted(set(pairs)))


def check_transport(record, via):
    """Section 2: the values of the transport attributes; over http the producer's names."""
    transport, producer, stream = [], [], io.BytesIO(record[1:])

    def number(width):
        return int.from_bytes(stream.read(width), "big")
    for found in (transport, producer):
        for _ in range(number(2)):
            name = stream.read(number(4)).decode("latin-1")
            size = number(4)
            found.append((name, None if size == 2**32 - 1 else stream.read(size)))
    need(all(name == name.lower() and (value is not None or name == "key") for name, value in transport), "transport attributes can't be")
    text = " ".join(value.decode("latin-1") for name, value in transport if name not in ("key", "body-null"))
    found = re.fullmatch(TRANSPORT[via], text)
    need(found and all(value == b"" for name, value in transport if name == "body-null"), f"transport attributes say {text!r}")
    need(via != "http" or not transport or int(found[1]) < int(found[2]) <= 1_000, "a batch has no such element")
    for name, value in producer if via == "http" else []:
        need(re.fullmatch("content-type|ce-[^A-Z]*", name) and value == value.strip(b" \t"), f"an attribute {name!r} over http")
    need(not transport or transport[-1][0] != "body-null" or not stream.read(), "a tombstone has a body")


def check_alone(h, why):
    """What sections 3 and 4 say of a header by itself; of one without a record all that can be said."""
    content, reason, trails, received = h["content"], at(h, "quarantine.reason"), h["trails"], h["received"]
    for name, names in (("content", "commitment format kept? reading size"), ("event", "id source time? type"), ("quarantine", "of? reason"),
                        ("received", RECEIVED[received["via"]])):
        need(name not in h or pick(h[name], names) == h[name], f"`{name}` has other members")
    need(utc(received["at"]) == received["at"] and received.get("skipped", 1) > 0 and received.get("source") != "http", "`received` can't be")
    need(all(type(value) is int for name, value in received.items() if name in ("generation", "offset", "partition", "skipped")), "not numbers")
    for trail in trails:
        need(pick(trail, "n prev? role subject") == trail and type(trail["n"]) is int and ("prev" in trail) == (trail["n"] > 0), "a trail is malformed")
    for each in h.get("signers", []):
        need(pick(each, "alg? key status") == each and each["status"] in STATUS and len(each["key"]) == 64, "a signer is malformed")
    need(why in (None, "erased", "withheld", "not-kept") and (content.get("kept", True) is False) == (why == "not-kept"), "absent, but says not why")
    need(why != "not-kept" or reason in ("oversize", "malformed"), "not kept, but neither oversize nor over a quota")
    need(reason != "oversize" or why == "not-kept", "oversize, but kept")
    roles, source = {trail["subject"]: trail["role"] for trail in trails}, "source/" + verify.encode(received.get("source", "http"))
    need(reason not in NO_TRAIL or roles == {source: "about"}, "quarantined, but on other trails")
    need("event" in h if reason not in NO_TRAIL else reason == "reserved" or "event" not in h, "quarantine and event disagree")
    need("event" in h or "signers" not in h, "signers without an event")
    need(reason in (None, "subject", "conflict", *NO_TRAIL) and 0 < len(trails) == len(roles) <= MAX_TRAILS, "trails are malformed")
    need(list(roles) == sorted(roles) and all(map(verify.subject_parts, roles)), "trails are not sorted subjects")


def check_rest(b):
    """Points 4 to 9 where verify.py stops; what it judges itself has passed."""
    table, known, first, owed, before = verify.strict_json(b.files["readings/1.json"]), {}, {}, {}, None
    need([name for name in b.files if name.startswith("readings/")] == ["readings/1.json"], "the table of a reading that no header names")
    lines = verify.lines_of(b.files["entries.jsonl"], "absent? header proof record? salt?", "entries.jsonl")
    for line, (i, e) in zip(lines, b.entries.items()):
        try:
            need(len(line["header"].encode()) <= MAX_HEADER, "is too long")
            check_alone(e.h, e.absent)
            forward = before is None or before.i != i - 1 or e.h["received"]["at"] >= before.h["received"]["at"]
            need(forward or e.own == "ledger.clock_stepped", "was received before the entry before it")
            content, ranked = (None, []) if e.absent else check_record(unbase64(line["record"]), e, known, table)
            check_conflict(e, first, content)
            check_added(b, e, owed, ranked, table)
            if e.own:
                learn(known, e.own, e.data)
                named = {"ledger.opened": ("reading", "reading_digest"), "ledger.reading_changed": ("new", "new_digest")}.get(e.own, ())
                force = [1, b.manifest["files"]["readings/1.json"]]
                need(not named or [e.data[name] for name in named] == force, "names another reading than headers do, or another table")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise ValueError(f"entry {i}: {error!r}") from error
        before = e
    need(not owed, f"further trails are not added at {sorted(owed)}")
    erased = {(n, i) for i, e in b.entries.items() if e.own == "record.erased" for n in e.data["entries"]}
    gone = [i for i, e in b.entries.items() if e.absent == "erased"]
    need(all(any(n == i < later for n, later in erased) for i in gone), "a record is erased, but no later entry says so")
    check_steps(b)
    keys = {"key/" + each["key"] for e in b.entries.values() for each in e.h.get("signers", [])}
    need(keys <= {claim["subject"] for claim in b.manifest["trails"]}, "the trail of a signer's key is missing")


def check_record(record, e, known, table):
    """Transport and signers of an entry whose record is there; its content, and its subjects as a header takes them."""
    check_transport(record, e.h["received"]["via"])
    _, event, reason, roles = verify.read(e.h, record, table)
    ranked = sorted(roles.items(), key=lambda pair: (table["roles"].index(pair[1]), pair[0]))
    fields, payload, pairs, content = said_of(e.h, record) if event else ({}, b"", [], None)
    about = next((text for text, role in ranked if role == "about" and reason in (None, "subject")), "")
    about = "" if about.startswith("source/") else about
    signers = [signer(known, e.h, about, fields, payload, *pair) for pair in pairs]
    need(canonical(signers) == canonical(e.h.get("signers", [])) and e.h.get("signers") != [], f"signers are {signers} by the record")
    body = verify.json_object(record_parts(io.BytesIO(record), "ledger")[1]) if e.own else None
    need(body is None or body == {"data": e.data, "type": e.h["event"]["type"]}, "its record has other members")
    return content, ranked


def check_conflict(e, first, content):
    """Point 7: the first admitted entry with a source and id, and what comes after it."""
    h, of, reason = e.h, None, at(e.h, "quarantine.reason")
    if "event" in h and h["received"]["via"] != "ledger" and reason in (None, "conflict"):
        of, before = first.setdefault((h["event"]["id"], h["event"]["source"]), (e.i, content))
        need(of == e.i or None in (before, content) or before != content, f"is the same event as entry {of}")
    wanted = {"of": of, "reason": "conflict"} if of not in (None, e.i) else {"reason": reason} if reason else None
    need(h.get("quarantine") == wanted, f"quarantine is {h.get('quarantine')}, not {wanted}")


def check_added(b, e, owed, ranked, table):
    """Section 4: the subjects beyond 64 are in the entries directly behind, 31 each."""
    rest = ranked[MAX_TRAILS:]
    owed.update({e.i + 1 + n // ADDED: (e.i, rest[n:n + ADDED]) for n in range(0, len(rest), ADDED)})
    if e.own == "ledger.trails_added":
        of = e.data["of"]
        added = [(text, role) for role in table["roles"] for text in e.data.get("evidence_subjects" if role == "evidence" else role, [])]
        stated = b.entries[of].absent and all(b.entries[n].own == e.own for n in range(of + 1, e.i))
        need(owed.pop(e.i, None) == (of, added) or stated, "adds other trails than are wanting")


def check_steps(b):
    """Point 9, the neighbours on every trail."""
    trails = {}
    for i, e in b.entries.items():
        for trail in e.h["trails"]:
            steps, n, prev = trails.setdefault(trail["subject"], [(-1, -1)]), trail["n"], trail.get("prev", -1)
            before, m = steps[-1]
            fits = prev == before if n == m + 1 else n > m and before < prev < i
            need(fits and n - m <= i - before, f"entry {i}: n or prev on {trail['subject']} can't be")
            steps.append((i, n))
