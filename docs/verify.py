#!/usr/bin/env python3
"""Verify a Modeltrail bundle without Modeltrail:  verify.py BUNDLE VKEY-FILE
Written from docs/FORMAT.md alone, whose points and sections are named here. Needs Python 3.9 and `cryptography`, opens no socket. VKEY-FILE holds a
C2SP verifier key that you trust, any the ledger ever had. Exit: 0 all holds; 1 something doesn't; 2 no bundle, or not judged. verify_rest.py, when it
lies beside, adds signers, conflicts, further subjects, erasures, absent records, the clock. Left: reports, sizes, completeness from all headers."""
import base64, datetime, hashlib, io, itertools, json, re, sys, types, urllib.parse, zipfile
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
PUBLISHED = "sha256:36c6b6467565f649bed0ee547ee4edd1f78d592837ec49c309df783906c07155"  # the table of reading 1
class Unjudged(Exception): "A version, a reading or a table that this program does not know."
def fail(what): raise ValueError(what)
def need(holds, what, value=None): return value if holds else fail(what)
def attempt(run, *arguments):  # None where that fails, in whatever way
    try: return run(*arguments)
    except Exception: return None
def sha256(data): return hashlib.sha256(data).digest()
def unbase64(text, signs=b"+/"):
    return need(base64.b64encode(data := base64.b64decode(text, signs, validate=True), signs).decode() == text, "not canonical base64", data)
def strict_json(data):  # section 3
    def number(text, kind): return need(abs(value := kind(text)) < (2**53 if kind is int else float("inf")), "a number is out of range", value)
    without_texts = re.sub(rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', b"", data)
    need(max(itertools.accumulate((byte in b"[{") - (byte in b"]}") for byte in without_texts), default=0) <= 64, "nested too deeply")
    value = json.loads(data.decode(), object_pairs_hook=lambda pairs: need(len(dict(pairs)) == len(pairs), "a name occurs twice", dict(pairs)),
                       parse_constant=int, parse_int=lambda text: number(text[:18], int), parse_float=lambda text: number(text, float))
    return need(json.dumps(value, ensure_ascii=False).encode(), "a lone surrogate fails to encode", value)
def json_object(data): return value if isinstance(value := attempt(strict_json, data), dict) else {}
def canonical(value): return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()  # RFC 8785 for what is ours
def pick(value, names): return {name.strip("?"): value[name.strip("?")] for name in names.split() if name[-1] != "?" or name[:-1] in value}
def document(data, names, what):  # one of ours: canonical, with these members, `?` optional
    if at(value := strict_json(data), "v", 1) != 1: raise Unjudged(f"{what} has a later version")
    return need(canonical(value) == data and pick(value, names) == value, f"{what} is not canonical JSON of {names}", value)
def lines_of(data, names, what): return [document(line, names, what) for line in need(data[-1:] in (b"", b"\n"), what, data.split(b"\n")[:-1])]
P, L, Y8 = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493, 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
def strong(point): return (y := int.from_bytes(point, "little") % 2**255) < P and y not in (0, 1, P - 1, Y8, P - Y8)  # canonical, not of small order
def ed25519(public, signature, message):
    good = attempt(lambda: Ed25519PublicKey.from_public_bytes(public).verify(signature, message) is None)
    return good and strong(public) and strong(signature[:32]) and int.from_bytes(signature[32:], "little") < L
def key_id(verifier_key):  # C2SP verifier keys and signed notes: section 5
    name, short, raw = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", verifier_key).groups()
    return need((raw := unbase64(raw))[0] == 1 and sha256(f"{name}\n".encode() + raw)[:4].hex() == short, "not a key", (name, sha256(raw).hex()))
def check_note(note, text, keys):
    lines = need(note.startswith(text + "\n") and note[-1:] == "\n" and note.count("\n") <= 68, f"a note isn't {text!r:.200}", note[len(text) + 1:])
    for name, short, raw in (key.split("+", 2) for key in keys):
        blobs = (unbase64(line) for who, line in re.findall("^\u2014 (\\S+) (\\S+)$", lines, re.M) if who == name)
        good = [ed25519(unbase64(raw)[1:], blob[4:], text.encode()) for blob in blobs if blob[:4].hex() == short]
        need(good and all(good), f"no good signature by {name}+{short}")
def node(left, right): return sha256(b"\x01" + left + right)  # RFC 6962; proofs are used up from the root down
def included(leaf, index, size, proof):
    if size == 1: return leaf
    step, half = proof.pop(), 1 << (size - 1).bit_length() - 1
    return node(included(leaf, index, half, proof), step) if index < half else node(step, included(leaf, index - half, size - half, proof))
def consistent(old, new, root, proof, whole=True):  # the roots of both sizes
    if old == new: return (root, root) if whole else (proof[-1], proof.pop())
    step, half = proof.pop(), 1 << (new - 1).bit_length() - 1
    left, right = consistent(old, half, root, proof, whole) if old <= half else consistent(old - half, new - half, root, proof, False)
    return (left, node(right, step)) if old <= half else (node(step, left), node(step, right))
KINDS = "model|dataset|run|code|image|artifact|deployment|system|usecase|prompt|config|feature|job|supplier|policy|incident|report|party|source|key"
OWN_TYPE, OWN_KIND = r"modeltrail\.(?:ledger|key|source|ingest|export|report|access|record)\.", "(?:ledger|key|source)/"
EMAIL, CLOCK = re.compile(r"[^@/\t-\r ]+@[^@/\t-\r ]+\.[A-Za-z]{2,}"), r"(?:[01]\d|2[0-3]):[0-5]\d"
SPECIAL = {"artifact": "artifact/{digest}", "image": "image/{name}@{digest?}", "code": "code/{namespace}/{name}@{version?}"}
DSSE, EVENT, BATCH = "application/vnd.dsse.envelope.v1+json", "application/cloudevents+json", "application/cloudevents-batch+json"
TRANSPORT = {"kafka": ("key timestamp timestamp-type", "key timestamp timestamp-type body-null"), "http": ("", "batch"), "ledger": ("",)}
def record_parts(stream, via):  # the producer's attributes, A to Z lowered in names; the body, None of a tombstone
    def take(size): return need(len(part := stream.read(size)) == size, "a record is cut short", part)
    def number(width): return int.from_bytes(take(width), "big")
    def pair(): return take(number(4)).lower().decode("latin-1"), None if (size := number(4)) == 2**32 - 1 else take(size)
    version, transport, producer = number(1), " ".join(pair()[0] for _ in range(number(2))), [pair() for _ in range(number(2))]
    good = version == 1 and transport in TRANSPORT[via] and not (producer and via == "ledger")
    return need(good, f"the framing of a record is not that of {via}", (producer, None if "body-null" in transport else stream.read()))
def utc(text):  # as headers write it
    second, digits, zone = re.fullmatch(rf"(\d{{4}}-\d\d-\d\dT{CLOCK}:[0-5]\d)(?:\.(\d+))?(Z|[+-]{CLOCK})", text, re.ASCII).groups("")
    time = datetime.datetime.fromisoformat(f"{second}.{digits:0<6.6}{zone.replace('Z', '+00:00')}").astimezone(datetime.timezone.utc)
    return time.isoformat(timespec="microseconds")[:-6] + "Z"
def encode(text): return urllib.parse.quote(text, safe=":+")
def subject_parts(text):  # decoded, without the kind; none if the text is no subject
    good = isinstance(text, str) and len(text) <= 512 and re.fullmatch(f"(?:{KINDS}|ledger)/(?:([^/@]+)/)?([^/@]+)(?:@([^/@]+))?", text)
    return parts if good and [*map(encode, parts := [*map(urllib.parse.unquote, good.groups(""))])] == [*good.groups("")] else []
def at(value, path, absent=None):  # what stands at a.b in nested objects; False if a step leads into what is no object
    for name in path.split("."): value = None if (value := value.get(name) if isinstance(value, dict) else value and False) == "" else value
    return absent if value is None else value
def build(template, value, source):  # the subject that a template makes of a value, or None
    if re.fullmatch(r"\{[a-z_.]*[a-z]\}", template): value, template = at(value, template[1:-1]), "{kind}/{namespace?}/{name}@{version?}"
    if template.startswith("{kind}"): template = SPECIAL.get(str(at(value, "kind")), template)
    def fill(found):
        texts = (source if each == "$source" else each[1:-1] if each[0] == '"' else at(value, each) for each in found[2].split("|"))
        text = next((text for text in texts if text is not None), "" if found[3] else None)
        return "" if text == "" else found[1] + encode(text)  # what is no text fails to encode
    return text if subject_parts(text := value if template == "{.}" else attempt(re.sub, r"([/@]?)\{(.*?)(\??)\}", fill, template)) else None
def pointed(value, steps):  # the values that a JSON pointer leads to, `*` being every element of a list
    if not steps: return [value]
    found = (value if isinstance(value, list) else []) if steps[0] == "*" else [at(value, steps[0])] if isinstance(value, dict) else []
    return [each for item in found if item is not None and item != "" for each in pointed(item, steps[1:])]
def unwrap(fields):
    pairs = [(at(each, "keyid", ""), at(each, "sig")) for each in fields["signatures"]]
    good = fields["payloadType"] == EVENT and 0 < len(pairs) <= 16 and all(isinstance(text, str) for pair in pairs for text in pair)
    return json_object(unbase64(need(good, "no envelope of an event", fields["payload"]), b"-_" if set(fields["payload"]) & set("-_") else b"+/"))
def event_of(h, via, kinds, ce, body):  # the format, and the event's members
    media, fields = b"".join(kinds).split(b";")[0].strip(b" \t").lower().decode("latin-1"), json_object(body or b"")
    if via == "ledger": return "ledger+json", dict(fields, specversion="1.0", id=str(h["index"]), source=h["origin"], time=h["received"]["at"])
    if len(kinds) > 1: return "unknown", {}
    signed = media == DSSE or not media and None not in (at(fields, "payloadType"), at(fields, "signatures"))
    if signed: return "dsse+json", attempt(unwrap, fields) or {}
    if media in (EVENT, BATCH) or not media and at(fields, "specversion") is not None: return "cloudevents+json", fields
    if "specversion" not in ce or media != "application/json" and not media.endswith("+json"): return "unknown", {}
    return "cloudevents-binary", attempt(lambda: dict(ce, data=strict_json(body) if body else None)) or {}
def read(h, record, table):  # what a header has to say: format, event, reason of quarantine, roles by subject
    via, (attributes, body) = h["received"]["via"], record_parts(io.BytesIO(record), h["received"]["via"])
    values = [(name[3:], value or b"") for name, value in attributes if name.startswith("ce-" if via == "http" else "ce_")]
    ce = {name: attempt((urllib.parse.unquote_to_bytes(value) if via == "http" else value).decode) for name, value in values}
    form, fields = event_of(h, via, [value or b"" for name, value in attributes if name == "content-type"], ce, body)
    fields = fields if len(ce) == len(values) and body is not None and at(fields, "specversion") == "1.0" else {}
    event, source = {name: at(fields, name) for name in ("id", "source", "type")}, {"source/" + encode(h["received"].get("source", "http")): "about"}
    if not all(isinstance(text, str) and len(text.encode()) <= 512 and not re.search("[\0-\x1f\x7f-\x9f]", text) for text in event.values()):
        return form, None, "malformed", source
    row, time = table["types"].get(event["type"]), attempt(utc, at(fields, "time"))
    about = build(row["subject"], at(fields, "data"), event["source"]) if row else at(fields, "subject")
    pairs = [("about", about)] if subject_parts(about) else []
    for touch in row.get("touches", []) + table["common"]["touches"] if row else []:
        built = (build(touch["build"], value, event["source"]) for value in pointed(fields, touch["from"].split("/")[1:]))
        pairs += [(touch["role"], text) for text in built if text and (via == "ledger" or not re.match(OWN_KIND, text))]
    pairs += [("whole", text.split("@")[0]) for _, text in pairs if "@" in text]
    parts = [part for _, text in pairs for part in subject_parts(text) if text[:5] not in ("code/", "image")]
    named, personal = (any(map(EMAIL.fullmatch, texts)) for texts in (event.values(), [*event.values(), *parts]))
    own = re.match(OWN_TYPE, event["type"]) or event["source"] == h["origin"] or ("about", about) in pairs and re.match(OWN_KIND, about)
    reason = "reserved" if own and via != "ledger" else "personal-data" if personal else "subject" if row and ("about", about) not in pairs else None
    roles = {text: role for role, text in sorted(pairs, key=lambda pair: -table["roles"].index(pair[0]))} if reason in (None, "subject") else {}
    return form, None if named or reason == "personal-data" else dict(event, time=time) if time else event, reason, roles or source
def check_files(b):  # section 9, point 1
    m = b.manifest = document(b.files["MANIFEST.json"], "files origin root scope trails tree_size v", "MANIFEST.json")
    b.origin, b.size, b.root, listed = m["origin"], m["tree_size"], bytes.fromhex(m["root"]), m["files"]
    here = {name for name in b.files if not name.startswith("later/")} - {"MANIFEST.json", "MANIFEST.note", "checkpoint"}
    wrong = [name for name in {*here, *listed} if name not in here or "sha256:" + sha256(b.files[name]).hex() != listed.get(name)]
    need(not wrong, f"{sorted(wrong)} are not what MANIFEST.json lists")
    here = " ".join(sorted(name for name in here if not name.startswith(("report/", "readings/"))))
    need(here == "VERIFY.md consistency.jsonl entries.jsonl keys.json", f"there is a file too many, or one is missing: {here}")
def check_entries(b):  # points 4 to 8
    table, e, b.entries = strict_json(b.files["readings/1.json"]), types.SimpleNamespace(i=-1), {}
    for line in lines_of(b.files["entries.jsonl"], "absent? header proof record? salt?", "entries.jsonl"):
        h = document(raw := line["header"].encode(), "content event? index origin prev quarantine? received signers? trails v", f"header {e.i}+")
        last, e = e, types.SimpleNamespace(h=h, i=h["index"], leaf=sha256(b"\0" + raw), own=None, data={}, absent=line.get("absent"))
        i, via, mine, proof = e.i, h["received"]["via"], {trail["subject"]: trail for trail in h["trails"]}, [*map(bytes.fromhex, line["proof"])]
        b.entries[i] = need(last.i < i < b.size and included(e.leaf, i, b.size, proof) == b.root and not proof, f"entry {i} is not in the tree", e)
        need(last.i != i - 1 or h["prev"] == (last.leaf.hex() if i else "0" * 64), f"entry {i}: prev is not the entry before")
        need(len(line) == 4 - bool(e.absent) and h["origin"] == b.origin and not (e.absent and via == "ledger"), f"entry {i}: something is missing")
        if h["content"]["reading"] != 1:  # which is in force until a later one is named
            named = i == 0 or via == "ledger" and at(h, "event.type", "")[11:-3] in ("ledger.opened", "ledger.reading_changed")
            raise Unjudged(f"entry {i} names a later reading") if named else ValueError(f"entry {i} was read by a reading that is not in force")
        if not e.absent:
            form, event, reason, roles = read(h, record := unbase64(line["record"]), table)
            why, ranked = at(h, "quarantine.reason"), sorted(roles.items(), key=lambda pair: (table["roles"].index(pair[1]), pair[0]))[:64]
            said = {"content": {"commitment": sha256(bytes.fromhex(line["salt"]) + record).hex(), "format": form, "reading": 1, "size": len(record)},
                    "event": event, "quarantine": {"reason": reason} if reason else h.get("quarantine") if why == "conflict" else None,
                    "trails": [dict(mine.get(text, {}), role=role, subject=text) for text, role in sorted(ranked)]}
            for name in said: need(canonical(said[name]) == canonical(h.get(name)), f"entry {i}: its record says {said[name]}, not {h.get(name)}")
            if via == "ledger":
                need("quarantine" not in h and event["type"] in table["types"] and re.match(OWN_TYPE, event["type"]), f"entry {i} isn't an own one")
                e.own, e.data = event["type"][11:-3], strict_json(record_parts(io.BytesIO(record), via)[1])["data"]
def check_keys(b):  # points 2 and 3
    genesis, rotations, sizes = b.entries[0], [(i + 1, e.data) for i, e in b.entries.items() if e.own == "key.rotated"], [0]
    keys = [(0, genesis.data["public_key"]), *((size, data["public_key"]) for size, data in rotations)]
    need(canonical([{"from": size, "key": key} for size, key in keys]) == b.files["keys.json"], "keys.json is not what genesis and rotations say")
    names, ids = zip(*(key_id(need(b.pin in dict(map(reversed, keys)), "the given key is none of this ledger's", key)) for _, key in keys))
    need(genesis.own == "ledger.genesis" and (b.size == 1 or b.entries[1].own == "ledger.opened"), "no genesis, or no opened behind it")
    need({*names, genesis.data["origin"]} == {b.origin} and len({*ids}) == len(ids) and genesis.data["key_id"] == ids[0] and
         [(data["old"], data["new"]) for _, data in rotations] == [*zip(ids, ids[1:])], "genesis or a rotation names another key, or one twice")
    earlier = [(each["checkpoint"], each["proof"]) for each in lines_of(b.files["consistency.jsonl"], "checkpoint proof", "consistency.jsonl")]
    for note, steps in [*earlier, (b.files["checkpoint"].decode(), [])]:
        size, root, proof = int(note.split("\n")[1]), unbase64(note.split("\n")[2]), [*map(bytes.fromhex, steps)]
        good = sizes[-1] < size <= b.size and consistent(size, b.size, root, proof) == (root, b.root) and not proof
        last = need(good, f"the checkpoint of size {size} is of another tree", max(n for n, (start, _) in enumerate(keys) if start <= size))
        governing, sizes = [key for _, key in keys[max(0, last - (keys[last][0] == size)):last + 1]], [*sizes, size]
        check_note(note, f"{b.origin}\n{size}\n{base64.b64encode(root).decode()}\n", governing)
    need(size == b.size and {start for start, _ in keys} <= {*sizes}, "a key is introduced by no checkpoint")
    check_note(b.files["MANIFEST.note"].decode(), f"modeltrail bundle v1\n{b.origin}\nsha256:{b.digest}\n", governing[-1:])
def check_trails(b):  # point 9, and whether the table of reading 1 is the published one
    names, scope = [claim["subject"] for claim in b.manifest["trails"]], b.manifest["scope"]
    for name, claim in zip(names, b.manifest["trails"]):
        steps = [(i, trail) for i, e in b.entries.items() for trail in e.h["trails"] if trail["subject"] == name]
        wanted = {"count": len(steps), "subject": name, **({"last": steps[-1][0]} if steps else {})}
        good = [{"n": n, "role": step["role"], "subject": name, **({"prev": steps[n - 1][0]} if n else {})} for n, (_, step) in enumerate(steps)]
        need(canonical([claim, [step for _, step in steps]]) == canonical([wanted, good]) and subject_parts(name), f"{name} is not as claimed")
    need(names == sorted({*names}) and {*scope["subjects"]} <= {*names} and scope["as_of"] <= b.size, "a trail asked for is missing, or there twice")
    if (digest := b.manifest["files"]["readings/1.json"]) != PUBLISHED: raise Unjudged(f"the table {digest} is not the published one of reading 1")
def unpack(path):  # section 8
    with zipfile.ZipFile(path) as archive: infos, files = archive.infolist(), {name: archive.read(name) for name in archive.namelist()}
    odd, names = [i for i in infos if i.external_attr >> 28 == 0o12 or i.compress_type not in (0, 8)], "((readings|later|report)/)?([\\w-][\\w.-]*)?"
    need(len(files) == len(infos) and not odd and all(re.fullmatch(names, name, re.ASCII) for name in files), "a name is refused, or there twice")
    return need({"MANIFEST.json", "MANIFEST.note", "checkpoint"} <= {*files}, "no manifest", {name: files[name] for name in files if name[-1] != "/"})
def verify(files, pin, say=print, rest=None):  # `rest` is verify_rest.py's check
    b = types.SimpleNamespace(files=files, pin=pin, digest=sha256(files.get("MANIFEST.json", b"")).hex())
    for name, run in (("files", check_files), ("entries", check_entries), ("keys", check_keys), ("rest", rest), ("trails", check_trails)):
        try: say(f"{name}: {run and (run(b) or 'holds') or 'not judged, there is no verify_rest.py: signers, conflicts, absent records'}")
        except Unjudged as error: return say(f"{name}: could not be judged: {error}") or 2
        except Exception as error: return say(f"{name}: does not hold: {error if type(error) is ValueError else repr(error)}") or 1
    return 0
def main(arguments):
    files, pin = attempt(lambda: unpack(arguments[0])), attempt(lambda: open(arguments[1], encoding="utf-8").read().strip())
    if not files or not attempt(key_id, pin): return print("not a bundle, or no verifier key") or 2
    return verify(files, pin, rest=attempt(lambda: __import__("verify_rest").check_rest))
if __name__ == "__main__": sys.exit(__import__("verify").main(sys.argv[1:]))
