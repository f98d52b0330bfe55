"""Reading 1 of a Modeltrail record: what an entry's header has to say, derived from the record alone.

Written from docs/FORMAT.md, sections 1 to 4, which it follows in order. Pure functions, used by verify.py. Whatever is malformed
raises an Exception: ValueError with a reason, or what Python says of it.
"""
import fnmatch, io, re, types, urllib.parse
from datetime import datetime, timezone
from formats import canonical, check, ed25519, json_object, sha256, strict_json, unbase64

KINDS = """model dataset run code image artifact deployment system usecase prompt config feature job supplier policy
    incident report party source key ledger""".split()
ROLES = "about target output input base component code environment run evidence whole".split()
OWN_TYPE, OWN_KIND = r"modeltrail\.(ledger|key|source|ingest|export|report|access|record)\..*", r"(ledger|key|source)/.*"
CONTROL, EMAIL = "[\0-\x1f\x7f-\x9f]", r"[^@/\t-\r ]+@[^@/\t-\r ]+\.[A-Za-z]{2,}"
HOURS = r"(?:[01]\d|2[0-3]):[0-5]\d"
TIME = rf"(\d{{4}}-\d\d-\d\dT{HOURS}:[0-5]\d)(?:\.(\d+))?(Z|[+-]{HOURS})"
DSSE, EVENT, BATCH = "application/vnd.dsse.envelope.v1+json", "application/cloudevents+json", "application/cloudevents-batch+json"
MAX_TEXT, MAX_SUBJECT, MAX_SIGNERS, MAX_TRAILS = 512, 512, 16, 64
NO_TRAIL = ("oversize", "malformed", "reserved", "personal-data")  # reasons that leave an entry on its source's trail alone
TRANSPORT = {"kafka": ("key timestamp timestamp-type", "key timestamp timestamp-type body-null"), "http": ("", "batch"), "ledger": ("",)}
VALUES = {"key": b"(?s:.*)", "timestamp": rb"-1|0|[1-9]\d*", "timestamp-type": b"none|create|append", "body-null": b"", "batch": rb"\d+/\d+"}

def record_parts(raw, via):
    """Section 2: the producer's attributes, names in lower case, and the body."""
    stream = io.BytesIO(raw)
    def take(size):
        part = stream.read(size)
        check(len(part) == size, "record is cut short")
        return part
    def number(width):
        return int.from_bytes(take(width), "big")
    def attributes():
        sizes = ((take(number(4)).decode("latin-1"), number(4)) for _ in range(number(2)))
        return [(name, None if size == 0xFFFFFFFF else take(size)) for name, size in sizes]
    check(number(1) == 1, "record has another version")
    transport, producer, body = attributes(), attributes(), stream.read()
    check(" ".join(name for name, _ in transport) in TRANSPORT[via]
          and all(re.fullmatch(VALUES[name], value or b"") for name, value in transport)
          and not (len(transport) == 4 and body) and not (via == "ledger" and producer), f"framing is not that of {via}")
    return [(name.lower() if name.isascii() else name, value) for name, value in producer], body

def utc(text):
    """An RFC 3339 time as headers write it; None for anything else."""
    found = re.fullmatch(TIME, text, re.ASCII) if isinstance(text, str) else None
    try:
        second, digits, zone = found.groups()
        time = datetime.fromisoformat(f"{second}.{(digits or '')[:6]:0<6}" + zone.replace("Z", "+00:00"))
        return time.astimezone(timezone.utc).isoformat(timespec="microseconds")[:-6] + "Z"
    except (AttributeError, ValueError, OverflowError):
        return None

def encode(text):
    return urllib.parse.quote(text, safe=":+")

def subject_parts(text):
    """Section 1: the kind and the decoded other parts of a subject; None if the text is none."""
    found = re.fullmatch(r"([a-z]+)/(?:([^/@]+)/)?([^/@]+)(?:@([^/@]+))?", text) if isinstance(text, str) else None
    if not found or found[1] not in KINDS or len(text) > MAX_SUBJECT:
        return None
    raw = [part for part in found.groups() if part]
    parts = [urllib.parse.unquote(part, errors="replace") for part in raw]
    return parts if [encode(part) for part in parts] == raw else None

def lookup(value, path):
    """What stands at a.b in nested objects: None if absent, False if something on the way is not an object."""
    for name in path.split("."):
        if not isinstance(value, dict):
            return None if value is None else False
        value = value.get(name)
        value = None if value == "" else value
    return value

def build(template, value, source):
    """Section 3: the subject that a template makes of a value; None if it can't be built."""
    if template != "{.}" and re.fullmatch(r"\{[^}]*\}", template):
        return build("{kind}/{namespace?}/{name}@{version?}", lookup(value, template[1:-1]), source)
    if template.startswith("{kind}"):
        special = {"artifact": "artifact/{digest}", "image": "image/{name}@{digest?}", "code": "code/{namespace}/{name}@{version?}"}
        template = special.get(str(lookup(value, "kind")), template)
    def fill(found):
        mark, choices, optional = found.groups()
        values = (source if choice == "$source" else choice[1:-1] if choice[0] == '"' else lookup(value, choice)
                  for choice in choices.split("|"))
        chosen = next((each for each in values if each is not None), None)
        check(type(chosen) in (str, int, float) or chosen is None and optional, "can't be built")
        return "" if chosen is None else mark + encode(chosen if isinstance(chosen, str) else canonical(chosen))
    try:
        text = value if template == "{.}" else re.sub(r"([/@]?)\{(.*?)(\??)\}", fill, template)
    except ValueError:
        return None
    return text if subject_parts(text) else None

def pointed(value, steps):
    """The values that the steps of a pointer lead to; `*` is every element of a list."""
    if not steps:
        return [value]
    if steps[0] == "*":
        items = [item for item in value if item is not None and item != ""] if isinstance(value, list) else []
        return [each for item in items for each in pointed(item, steps[1:])]
    inner = lookup(value, steps[0]) if isinstance(value, dict) else None
    return [] if inner is None else pointed(inner, steps[1:])

def either_base64(text):
    return unbase64(text, b"-_" if set(text) & set("-_") else b"+/")

def envelope(fields):
    """The event's bytes and the signatures, as (key id, signature), of a DSSE envelope; ValueError if it isn't one of an event."""
    payload, signatures = lookup(fields, "payload"), lookup(fields, "signatures")
    check(fields.get("payloadType") == EVENT and isinstance(payload, str) and isinstance(signatures, list)
          and 0 < len(signatures) <= MAX_SIGNERS, "not an envelope of an event")
    pairs = [(lookup(each, "keyid") or "", lookup(each, "sig")) for each in signatures]
    check(all(isinstance(text, str) for pair in pairs for text in pair), "not an envelope's signatures")
    return either_base64(payload), pairs

def unescaped(value, via):
    """The text of a `ce` attribute; None where it is absent or not UTF-8."""
    try:
        return (urllib.parse.unquote_to_bytes(value or b"") if via == "http" else value or b"").decode()
    except ValueError:
        return None

def event_of(via, attributes, body, own):
    """Section 3, Format, Event and Content: the format, the event's members, its content and its signatures."""
    fields, kinds = json_object(body), [value or b"" for name, value in attributes if name == "content-type"]
    media = kinds[0].decode("latin-1").split(";")[0].strip(" \t") if kinds else ""
    media = media.lower() if media.isascii() else media
    ce = {name[3:]: unescaped(value, via) for name, value in attributes if name.startswith("ce-" if via == "http" else "ce_")}
    if via == "ledger":
        return "ledger+json", dict(fields, specversion="1.0", **own), None, []
    if len(kinds) > 1:
        return "unknown", {}, None, []
    if media == DSSE or not media and None not in (lookup(fields, "payloadType"), lookup(fields, "signatures")):
        try:
            payload, signatures = envelope(fields)
            return "dsse+json", json_object(payload), ("dsse", payload, sorted(set(signatures))), signatures
        except ValueError:
            return "dsse+json", {}, None, []
    if media in (EVENT, BATCH) or not media and lookup(fields, "specversion") is not None:
        return "cloudevents+json", fields, ("structured", body), []
    if "specversion" not in ce or media != "application/json" and not media.endswith("+json"):
        return "unknown", {}, None, []
    try:
        fields = dict(ce, data=strict_json(body) if body else None)
    except ValueError:
        fields = {}
    return "cloudevents-binary", fields, ("binary", sorted(ce.items(), key=str), body), []

def source_trail(header):
    return "source/" + encode(header["received"].get("source", "http"))

def read(header, raw, table):
    """What the header has to say of a record: format, event, reason (of quarantine), roles by subject; and what `signer` needs.

    Of the header only `received`, `index` and `origin` are used, which the record can't say.
    """
    received, origin = header["received"], header["origin"]
    via, outside = received["via"], received["via"] != "ledger"
    attributes, body = record_parts(raw, via)
    own = {"id": str(header["index"]), "source": origin, "time": received["at"]}
    form, fields, content, signatures = event_of(via, attributes, body, own)
    used = [name for name, _ in attributes if name == "content-type" or name.startswith("ce-" if via == "http" else "ce_")]
    event = {name: lookup(fields, name) for name in ("id", "source", "type")}
    found = types.SimpleNamespace(format=form, event=None, reason="malformed", about=None, signatures=[], fields=fields, content=content,
                                  roles={source_trail(header): "about"})
    if len(set(used)) < len(used) or lookup(fields, "specversion") != "1.0" or not all(
            isinstance(text, str) and len(text.encode()) <= MAX_TEXT and not re.search(CONTROL, text) for text in event.values()):
        return found
    row, pairs = table["types"].get(event["type"]), []
    if row and "subject" in row:
        found.about = build(row["subject"], lookup(fields, "data"), event["source"])
    elif not row and subject_parts(lookup(fields, "subject")):
        found.about = fields["subject"]
    for touch in row.get("touches", []) + table["common"]["touches"] if row else []:
        built = [build(touch["build"], value, event["source"]) for value in pointed(fields, touch["from"].split("/")[1:])]
        pairs += [(touch["role"], subject) for subject in built if subject and not (outside and re.match(OWN_KIND, subject))]
    pairs += [("about", found.about)] if found.about else []
    pairs += [("whole", subject.split("@")[0]) for _, subject in pairs if "@" in subject]
    reserved = re.match(OWN_TYPE, event["type"]) or event["source"] == origin or re.match(OWN_KIND, found.about or "")
    parts = [part for _, subject in pairs for part in subject_parts(subject) if not subject.startswith(("code/", "image/"))]
    if outside and not reserved and any(re.fullmatch(EMAIL, text) for text in [*event.values(), *parts]):
        found.reason = "personal-data"
        return found
    time = utc(lookup(fields, "time"))
    found.event, found.signatures = dict(event, **{"time": time} if time else {}), signatures
    found.reason = "reserved" if outside and reserved else "subject" if row and "subject" in row and not found.about else None
    if pairs and found.reason != "reserved":
        found.roles = {subject: role for role, subject in sorted(pairs, key=lambda pair: -ROLES.index(pair[0]))}
    return found

def learn(known, own, data, ledger_keys):
    """Keeps in `known` what an own entry of type `own` says about a producer's key."""
    key = known.get(data.get("key_id"))
    if own == "key.producer_registered" and data["alg"] == "ed25519" and not key:
        raw = unbase64(data["public_key"])
        if len(raw) == 33 and raw[0] == 1 and sha256(raw).hex() == data["key_id"] not in ledger_keys:
            known[data["key_id"]] = dict(data["entitlement"], raw=raw[1:], since=data.get("valid_from"), until=data.get("valid_until"))
    elif own == "key.producer_changed" and key:
        key.update(data["new"], until=data.get("valid_until", key["until"]))
    elif own == "key.producer_revoked" and key:
        key["revoked"] = True

def signer(known, header, found, keyid, sig):
    """What the header has to say of one signature: section 4, Signers."""
    shaped, at = re.fullmatch("[0-9a-f]{64}", keyid), header["received"]["at"]
    if not shaped or keyid not in known:
        return {"key": keyid if shaped else sha256(keyid.encode()).hex(), "status": "unknown"}
    key = known[keyid]
    def covered(patterns, text):
        return any(fnmatch.fnmatchcase(text, re.sub(r"([\[?])", r"[\1]", pattern)) for pattern in patterns)
    entitled = found.about and covered(key["types"], found.event["type"]) and covered(key["subjects"], found.about) and (
        not key["since"] or utc(key["since"]) <= at) and (not key["until"] or at < utc(key["until"]))
    try:
        sig = either_base64(sig)
    except ValueError:
        sig = b""
    payload = found.content[1]
    good = ed25519(key["raw"], sig, b"DSSEv1 %d %s %d %s" % (len(EVENT), EVENT.encode(), len(payload), payload))
    unbound = lookup(found.fields, "modeltrailorigin") != header["origin"]
    status = "bad" if not good else "revoked" if "revoked" in key else "unbound" if unbound else "valid" if entitled else "not-entitled"
    return {"alg": "ed25519", "key": keyid, "status": status}

def fits(h, e):
    """Whether the parts of a header and of its line go together, of which section 4 says more than the closed form can."""
    reason, kept, trails = h.get("quarantine", {}).get("reason"), "kept" not in h["content"], h["trails"]
    return all((
        (e.record is None) == (e.absent is not None), kept == (e.absent != "not-kept"), kept or reason in ("oversize", "malformed"),
        reason != "oversize" or not kept, h["received"].get("source") != "http", h["received"].get("skipped", 1) > 0,
        0 < len(trails) <= MAX_TRAILS, [t["subject"] for t in trails] == sorted({t["subject"] for t in trails}),
        all(subject_parts(t["subject"]) and t["role"] in ROLES and ("prev" in t) == (t["n"] > 0) for t in trails),
        reason not in NO_TRAIL or [(t["subject"], t["role"]) for t in trails] == [(source_trail(h), "about")],
        reason not in NO_TRAIL or (reason == "reserved") == ("event" in h), "event" in h or "signers" not in h))
