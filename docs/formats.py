"""What verify.py reads with: strict JSON and our closed documents, the zip, strict Ed25519, signed notes, Merkle proofs.

Sources: docs/FORMAT.md (sections 3 to 5 and 8), RFC 8785, RFC 8032, RFC 6962, C2SP signed-note. Needs `cryptography`.
Whatever is malformed raises an Exception: ValueError with a reason, or what Python says of it.
"""
import base64, hashlib, itertools, json, math, re, zipfile
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from decimal import Decimal

MAX_DEPTH, MAX_FILES, MAX_BYTES = 64, 10_000, 16 << 30
FILE_NAME = r"((readings|later|report)/)?[A-Za-z0-9_-][A-Za-z0-9._-]*"
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER = (0, 1, P - 1, Y8, P - Y8)  # the y of the eight points whose order divides 8

def sha256(data):
    return hashlib.sha256(data).digest()

def check(holds, what):
    if not holds:
        raise ValueError(what)

def unbase64(text, alphabet=b"+/"):
    data = base64.b64decode(text, alphabet, validate=True)
    check(base64.b64encode(data, alphabet).decode() == text, "base64 is not canonical")
    return data

def canonical(value):
    """The RFC 8785 text of a JSON value."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if not isinstance(value, float):
        return json.dumps(value, ensure_ascii=False)
    # Python's repr has the digits that ECMAScript has, but turns to exponents elsewhere.
    if 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)).normalize():f}"
    return repr(value).replace("e-0", "e-") if value else "0"

def strict_json(data):
    """The value of JSON bytes, by section 3's rules."""
    def members(pairs):
        check(len(dict(pairs)) == len(pairs), "a name occurs twice")
        return dict(pairs)
    def number(text, type):
        check(len(text) <= 17 and abs(int(text)) < 2**53 if type is int else math.isfinite(float(text)), "a number is out of range")
        return type(text)
    outside_texts = re.sub(rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', b"", data)
    depths = itertools.accumulate((byte in b"[{") - (byte in b"]}") for byte in outside_texts)
    check(max(depths, default=0) <= MAX_DEPTH, "nested too deeply")
    value = json.loads(data.decode(), object_pairs_hook=members, parse_constant=lambda text: check(False, text),
                       parse_int=lambda text: number(text, int), parse_float=lambda text: number(text, float))
    json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError, a ValueError, on a lone surrogate
    return value

def json_object(data):
    """The object that the bytes are in strict JSON; else one without members."""
    try:
        value = strict_json(data)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {}

MARKS = {
    "<n>": r"(?:0|[1-9]\d{0,15})", "<h>": '"[0-9a-f]{64}"', "<sha256>": '"sha256:[0-9a-f]{64}"', "<salt>": '"[0-9a-f]{32}"',
    "<t>": r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"',
    "<s>": r'"[^"\\]*(?:\\.[^"\\]*)*"', "<name>": r'"(?:[!#-*,-\[\]-~]|\\["\\]){1,255}"'}

def grammar(text):
    """A pattern of canonical JSON: <n> a number, <s> a text, <name> one of section 4, <h> a hash, <t> a time, [x] a list of x."""
    text = re.sub(r"\[(.*?)\]", r"\\[(?:\1(?:,\1)*)?\\]", re.sub(r"([{}])", r"\\\1", text.replace("\n", "")))
    for mark, pattern in MARKS.items():
        text = text.replace(mark, pattern)
    return re.compile(text, re.ASCII)

HEADER = grammar('''{"content":{"commitment":<h>,"format":<s>,(?:"kept":false,)?"reading":<n>,"size":<n>},
(?:"event":{"id":<s>,"source":<s>,(?:"time":<t>,)?"type":<s>},)?"index":<n>,"origin":<name>,"prev":<h>,
(?:"quarantine":{(?:"of":<n>,"reason":"conflict"|"reason":"(?:oversize|malformed|reserved|personal-data|subject)")},)?
"received":{"at":<t>,(?:"generation":<n>,"offset":<n>,"partition":<n>,(?:"skipped":<n>,)?"source":<name>,"via":"kafka"
|"producer":<name>,"via":"http"|"via":"ledger")},
(?:"signers":[{(?:"alg":"ed25519",)?"key":<h>,"status":"(?:unknown|bad|revoked|unbound|not-entitled|valid)"}],)?
"trails":[{"n":<n>,(?:"prev":<n>,)?"role":<s>,"subject":<s>}],"v":<n>}''')
MANIFEST = grammar('''{"files":{(?:<s>:<sha256>,?)+},"origin":<name>,"root":<h>,"scope":{"as_of":<n>,"subjects":[<s>]},
"trails":[{"count":<n>,(?:"last":<n>,)?"subject":<s>}],"tree_size":<n>,"v":<n>}''')
ENTRY = grammar('{(?:"absent":"(?:erased|withheld|not-kept)",)?"header":<s>,"proof":[<h>](?:,"record":<s>,"salt":<salt>)?}')
EARLIER, KEYS = grammar('{"checkpoint":<s>,"proof":[<h>]}'), grammar('[{"from":<n>,"key":<s>}]')

class Unjudged(Exception):
    """A version or a reading that this program does not know."""

def document(data, pattern, what):
    """A document or line of ours: canonical JSON of a closed form."""
    value = strict_json(data)
    if isinstance(value, dict) and value.get("v", 1) != 1:
        raise Unjudged(f"{what} has version {value['v']!r:.20}")
    check(canonical(value).encode() == data and pattern.fullmatch(data.decode()), f"{what} is not canonical JSON of its closed form")
    return value

def unpack(path):
    """The files of a bundle's zip by name, as the central directory lists them."""
    with zipfile.ZipFile(path) as archive:
        infos = [info for info in archive.infolist() if info.filename not in ("readings/", "later/", "report/")]
        names = {info.filename for info in infos}
        check(len(names) == len(infos) <= MAX_FILES and sum(info.file_size for info in infos) <= MAX_BYTES, "a name twice, or too much")
        for info in infos:
            link = info.external_attr >> 28 == 0o12
            check(re.fullmatch(FILE_NAME, info.filename) and info.compress_type in (0, 8) and not link, f"{info.filename!r} is refused")
        check({"MANIFEST.json", "MANIFEST.note", "checkpoint"} <= names, "no MANIFEST.json, MANIFEST.note or checkpoint")
        return {info.filename: archive.read(info) for info in infos}

def ed25519(public, signature, message):
    """Strict: S < L, A and R canonical and not one of the eight points of small order."""
    points = [int.from_bytes(point, "little") % 2**255 for point in (public, signature[:32])]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except Exception:  # every way in which the library says no
        return False
    return int.from_bytes(signature[32:], "little") < L and not any(y >= P or y in SMALL_ORDER for y in points)

def key_id(verifier_key):
    """The name of a C2SP verifier key, and its key id in the sense of section 4."""
    name, short, raw = re.fullmatch(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)", verifier_key).groups()
    raw = unbase64(raw)
    check(len(raw) == 33 and raw[0] == 1 and sha256(f"{name}\n".encode() + raw)[:4].hex() == short, "verifier key is malformed")
    return name, sha256(raw).hex()

def check_note(note, text, keys):
    """The signed note has this text and is signed by each verifier key; lines of other keys are ignored."""
    head, _, lines = note.rpartition("\n\n")
    check(head + "\n" == text and lines.endswith("\n"), f"note says {head!r:.200}, not {text!r:.200}")
    check(lines.count("\n") <= 64, "too many signatures")
    lines = [re.fullmatch("\u2014 (\\S+) (\\S+)", line) for line in lines[:-1].split("\n")]
    check(all(lines), "a signature line is malformed")
    for name, short, raw in (key.split("+", 2) for key in keys):
        blobs = [unbase64(line[2]) for line in lines if line[1] == name]
        blobs = [blob[4:] for blob in blobs if blob[:4].hex() == short]
        check(blobs and all(ed25519(unbase64(raw)[1:], blob, text.encode()) for blob in blobs), f"no good signature by {name}+{short}")

def node(left, right):
    return sha256(b"\x01" + left + right)

def included(leaf, index, size, proof):
    """The root that an inclusion proof leads to; takes its steps off the end, from the root down (RFC 6962 2.1.1)."""
    if size == 1:
        return leaf
    step, half = proof.pop(), 1 << (size - 1).bit_length() - 1
    return node(included(leaf, index, half, proof), step) if index < half else node(step, included(leaf, index - half, size - half, proof))

def consistent(old, new, root, proof, whole=True):
    """The roots of sizes `old` and `new` that a consistency proof leads to, given that of `old` (RFC 6962 2.1.2)."""
    if old == new:
        return (root, root) if whole else (proof[-1], proof.pop())
    step, half = proof.pop(), 1 << (new - 1).bit_length() - 1
    left, right = consistent(old, half, root, proof, whole) if old <= half else consistent(old - half, new - half, root, proof, False)
    return (left, node(right, step)) if old <= half else (node(step, left), node(step, right))
