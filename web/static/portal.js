// What the pages can do beyond showing: copy, narrow a table while typing, and check an entry against the signed checkpoint in this browser.
// Without it everything can still be read. It asks this server's API only, and believes nothing but the ledger's key, which it shows.
"use strict";

const make = (name, text, classes) => {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  if (classes) node.className = classes;
  return node;
};

// Copy buttons.
const copyButton = (text, what) => {
  const button = make("button", "Copy", "copy");
  button.type = "button";
  button.setAttribute("aria-label", "Copy " + what);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not allowed";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return button;
};
if (navigator.clipboard) {
  // In tables the digests stay without a button: a column of buttons would drown them; their own pages have one.
  for (const node of document.querySelectorAll("dd [data-copy]")) node.after(copyButton(() => node.dataset.copy, "the digest or name"));
  for (const node of document.querySelectorAll("[data-copy-all]")) node.before(copyButton(() => node.textContent, "this text"));
}

// Narrowing the rows that are on the page.
for (const table of document.querySelectorAll("table[data-filter]")) {
  const rows = [...table.tBodies[0].rows];
  const label = make("label", "", "narrow");
  const input = make("input");
  const said = make("span", "", "hidden");
  said.setAttribute("role", "status");
  input.type = "search";
  input.placeholder = "Narrow these rows";
  input.setAttribute("aria-label", "Narrow the rows shown here");
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    let left = 0;
    for (const row of rows) {
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) left += 1;
    }
    said.textContent = left + " of " + rows.length + " rows shown";
  });
  label.append(input, said);
  table.caption.firstElementChild.append(label);
}

// Checking.
const bytesOf = {
  hex: (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16)),
  base64: (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
  text: (text) => new TextEncoder().encode(text),
};
const hexOf = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const joined = (...parts) => {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const equal = (one, other) => hexOf(one) === hexOf(other);
const ask = async (path) => {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || "the server answers " + answer.status);
  return body;
};

// RFC 6962 as RFC 9162, section 2.1.3.2, walks it. Numbers of entries may pass 2^31: no bit operations.
const rootFrom = async (index, size, leaf, proof) => {
  const half = (number) => Math.floor(number / 2);
  const odd = (number) => number % 2 === 1;
  let [node, here, last] = [leaf, index, size - 1];
  for (const hash of proof) {
    if (last === 0) throw new Error("the proof is too long");
    if (odd(here) || here === last) {
      node = await sha256(Uint8Array.of(1), hash, node);
      while (!odd(here) && here !== 0) { here = half(here); last = half(last); }
    } else {
      node = await sha256(Uint8Array.of(1), node, hash);
    }
    here = half(here);
    last = half(last);
  }
  if (last !== 0) throw new Error("the proof is too short");
  return node;
};

// A signed note: the text, an empty line, and a line for each signature.
const parseNote = (note) => {
  const at = note.lastIndexOf("\n\n");
  if (at < 0) throw new Error("the checkpoint is no signed note");
  const text = note.slice(0, at + 1);
  const [origin, size, root] = text.split("\n");
  const signatures = note.slice(at + 2).split("\n").filter((line) => line.startsWith("\u2014 ")).map((line) => {
    const [, name, value] = line.split(" ");
    const bytes = bytesOf.base64(value);
    return { name, id: hexOf(bytes.slice(0, 4)), signature: bytes.slice(4) };
  });
  return { text, origin, size: Number(size), root: bytesOf.base64(root), signatures };
};

// A verifier key: name+id+base64(type and key). The id is a hash over name and key, so it cannot be another's.
const parseKey = async (text) => {
  const parts = /^(.*?)\+([0-9a-f]{8})\+(.*)$/.exec(text);
  if (!parts) throw new Error("the ledger's key can't be read");
  const key = bytesOf.base64(parts[3]);
  const id = hexOf((await sha256(bytesOf.text(parts[1] + "\n"), key)).slice(0, 4));
  if (id !== parts[2]) throw new Error("the ledger's key has another id than it says");
  return { text, name: parts[1], id, type: key[0], key: key.slice(1) };
};

const verdict = (good) => (good === null ? ["could not be judged", "neutral", "\u25cb"] : good ? ["holds", "good", "\u2713"] : ["does not hold", "critical", "\u2715"]);

const check = async (section, list) => {
  const step = (words, good, detail) => {
    const item = make("li");
    const [word, tone, shape] = verdict(good);
    const mark = make("span", "", "mark " + tone);
    const glyph = make("span", shape);
    glyph.setAttribute("aria-hidden", "true");
    mark.append(glyph, " " + word);
    item.append(mark, " " + words);
    if (detail) item.append(make("br"), make("code", detail));
    list.append(item);
    return good !== false;
  };
  let checkpoint;
  if (section.dataset.index === undefined) {
    checkpoint = await (await fetch("/checkpoint")).text();
  } else {
    const index = Number(section.dataset.index);
    const [entry, proof] = [await ask("/v1/entries/" + index), await ask("/v1/proofs/inclusion?index=" + index)];
    const leaf = await sha256(Uint8Array.of(0), bytesOf.text(entry.header));
    step("The leaf hash is computed from the header's bytes.", true, hexOf(leaf));
    const header = JSON.parse(entry.header);
    step("The header says that it is entry " + index + " of this ledger.", header.index === index && header.origin === section.dataset.origin);
    if (entry.record === undefined) {
      step("The record is not here (" + entry.absent + "): its commitment stands, and nobody can show what it covers.", null);
    } else {
      const commitment = await sha256(bytesOf.hex(entry.salt), bytesOf.base64(entry.record));
      step("The record opens the commitment in the header.", hexOf(commitment) === header.content.commitment, hexOf(commitment));
    }
    checkpoint = proof.checkpoint;
    const note = parseNote(checkpoint);
    const root = await rootFrom(index, note.size, leaf, proof.proof.map(bytesOf.hex));
    step("With " + proof.proof.length + " neighbouring hashes the leaf leads to the root of the checkpoint over " + note.size + " entries.", equal(root, note.root), hexOf(root));
  }
  const note = parseNote(checkpoint);
  step("The checkpoint is of " + note.origin + ", " + note.size + " entries.", note.origin === section.dataset.origin, hexOf(note.root));
  const keys = await ask("/v1/keys");
  const known = await Promise.all(keys.ledger.map((key) => parseKey(key.key)));
  let judged = false;
  for (const signed of note.signatures) {
    const key = known.find((one) => one.name === signed.name && one.id === signed.id);
    if (!key || key.type !== 1) continue;
    judged = true;
    try {
      const imported = await crypto.subtle.importKey("raw", key.key, { name: "Ed25519" }, false, ["verify"]);
      const good = await crypto.subtle.verify({ name: "Ed25519" }, imported, signed.signature, bytesOf.text(note.text));
      step("The ledger's signature on the checkpoint. Its key, to be compared with the one that you were given elsewhere:", good, key.text);
    } catch {
      step("This browser knows no Ed25519: the signature is not checked here. `modeltrail checkpoint verify` does. The key:", null, key.text);
    }
  }
  if (!judged) step("No signature on the checkpoint is by a key that this ledger names.", false);
};

for (const section of document.querySelectorAll("section.check")) {
  const [button, list] = [section.querySelector("button"), section.querySelector("ol")];
  if (!window.crypto || !crypto.subtle) continue;
  section.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    list.replaceChildren();
    try {
      await check(section, list);
    } catch (error) {
      list.append(make("li", "The check broke off: " + error.message));
    }
    button.disabled = false;
  });
}
