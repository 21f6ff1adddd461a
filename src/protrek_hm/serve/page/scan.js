// Every single substitution of a protein, scored towards the words: drawn piece by piece as the server scores them.

import { ask, Problem, sentence } from "./api.js";
import { fileName, save } from "./download.js";
import { announce, h } from "./dom.js";
import { count, counted, signed } from "./numbers.js";

const ORDER = "GAVLIMCPFYWHKRDENQST"; // small and aliphatic, aromatic, charged, polar
const CELL = 11;
const LEFT = 18;
const ABOVE = 14;
const BELOW = 14;
const RIGHT = 8; // half of a number at the last residue
const FULL = 0.99; // share of the values that have colours of their own
const LISTED = 10;
const NAMES = { model: "By the model's vectors: change of the score", head: "By the twin head: preference over the protein itself, in log odds" };

let running = new AbortController();
let asked = "";

/** Open the dialog on `state.scan`; `leave()` closes it, `leave(words, from)` asks again with other words. */
export async function showScan(dialog, state, info, leave) {
  const text = state.words || (state.by === "text" ? state.q : "");
  const key = JSON.stringify([state.scan, text, state.from]);
  if (dialog.open && key === asked) return;
  asked = key;
  running.abort();
  running = new AbortController();
  const close = () => {
    running.abort();
    leave();
  };
  dialog.oncancel = (event) => {
    event.preventDefault();
    close();
  };
  const body = h("div", { class: "body" });
  dialog.replaceChildren(head(state.scan, close), wordsForm(text, state.from, leave), body);
  if (!dialog.open) dialog.showModal();
  if (!text) {
    body.replaceChildren(h("p", { class: "hint" }, "Your query was no text. Write what the protein should do, and see which substitutions lead there."));
    return;
  }
  const scan = new Scan(body, { text, protein: state.scan, from_text: state.from || null }, info);
  try {
    await scan.run(running.signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) throw error;
    scan.told.replaceChildren(h("p", { class: "notice bad", role: "alert" }, h("b", {}, error.message), ` ${error.remedy}`));
  }
}

/** Stop what still runs; the dialog is closed. */
export function leaveScan(dialog) {
  running.abort();
  asked = "";
  if (dialog.open) dialog.close();
}

function head(name, close) {
  return h("div", { class: "dialog-head" },
    h("h2", { id: "scan-title", tabindex: "-1", autofocus: true }, "Every substitution of ", h("span", { class: "side-a" }, name.length > 40 ? "your sequence" : name)),
    h("button", { type: "button", class: "quiet", "aria-label": "Close the scan", onclick: close }, "Close"));
}

function wordsForm(text, from, leave) {
  const towards = h("input", { id: "scan-words", type: "text", value: text, autocomplete: "off" });
  const away = h("input", { id: "scan-from", type: "text", value: from, autocomplete: "off", placeholder: "another function, or nothing" });
  const again = (event) => {
    event.preventDefault();
    if (towards.value.trim()) leave(towards.value.trim(), away.value.trim());
  };
  return h("form", { class: "words row", onsubmit: again },
    h("label", { for: "scan-words" }, "Towards"), towards, h("label", { for: "scan-from" }, "from"), away,
    h("button", { type: "submit", class: "quiet" }, "Scan"));
}

/** What is known so far, and its place on the page. */
class Scan {
  constructor(body, request, info) {
    this.request = request;
    this.most = Math.max(1, Math.floor(info.limits.max_variants / 19));
    this.signals = info.twin_head ? ["head", "model"] : ["model"];
    this.maps = new Map();
    this.told = h("div", { role: "status" }, h("p", { class: "hint" }, "Scanning…"));
    this.drawn = h("div", {});
    this.read = h("p", { class: "hint readout" }, "Point at a cell to read it.");
    this.lists = h("div", {});
    body.replaceChildren(this.told, this.lists, this.drawn, this.read);
  }

  async run(signal) {
    const notes = new Set();
    for (const name of this.signals) {
      for (let first = 1; first <= (this.length ?? 1);) {
        const some = name === "head" ? null : [first, Math.min(first + this.#step(first) - 1, this.length ?? first)];
        const found = await ask("v1/scan", { ...this.request, region: some, signals: [name] }, { signal });
        this.#keep(name, found);
        for (const note of found.notes) notes.add(note);
        this.#draw();
        first = found.last + 1;
        const done = name === "head" ? "" : ` ${count(found.last)} of ${counted(this.length, "residue")} are scored by the model.`;
        this.told.replaceChildren(h("p", { class: "hint" }, `Scanning…${done}`));
      }
    }
    if (!this.signals.includes("head")) notes.add("this model has no twin head: substitutions are scored by its vectors alone");
    this.#end([...notes]);
  }

  /** One residue first, which tells the length; then few, so that others are answered in between. */
  #step(first) {
    return first === 1 && this.length === undefined ? 1 : Math.min(this.most, 16);
  }

  #keep(name, found) {
    this.protein = found.protein;
    this.length = found.protein.sequence.length;
    this.letters = found.residues;
    this.known ??= new Map();
    for (const each of found.known) this.known.set(`${each.position}${each.residue}`, each.ids);
    if (!this.maps.has(name)) this.maps.set(name, Array(this.length).fill(null));
    found[name].forEach((row, at) => (this.maps.get(name)[found.first - 1 + at] = row));
  }

  #draw() {
    const width = Math.max(10, Math.floor((this.drawn.clientWidth - LEFT - RIGHT) / CELL / 10) * 10);
    this.drawn.replaceChildren(...[...this.maps].map(([name, rows]) => this.#map(name, rows, width)));
  }

  #map(name, rows, width) {
    const limit = highest(rows);
    const lines = [];
    for (let start = 0; start < this.length; start += width) lines.push(this.#line(name, rows, start, Math.min(start + width, this.length), limit));
    return h("figure", { class: "heatmap" }, h("figcaption", {}, NAMES[name], ". ", legend(limit)), lines);
  }

  #line(name, rows, start, stop, limit) {
    const canvas = h("canvas", { role: "img", "aria-label": `Residues ${start + 1} to ${stop}; the strongest substitutions are listed above` });
    const [width, height] = [LEFT + (stop - start) * CELL + RIGHT, ABOVE + ORDER.length * CELL + BELOW];
    const scale = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    paint(pen, { rows, start, stop, limit, sequence: this.protein.sequence, letters: this.letters, known: this.known });
    const point = (event) => {
      const site = start + Math.floor((event.offsetX - LEFT) / CELL);
      const residue = ORDER[Math.floor((event.offsetY - ABOVE) / CELL)];
      if (site >= start && site < stop && residue) this.read.textContent = this.#tell(site, residue);
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    return canvas;
  }

  #tell(site, residue) {
    const own = this.protein.sequence[site];
    const place = this.letters.indexOf(residue);
    if (own === residue) return `${own}${site + 1}: the protein's own residue.`;
    const said = [...this.maps].filter(([, rows]) => rows[site]).map(([name, rows]) => `${name} ${signed(rows[site][place])}`);
    const ids = this.known.get(`${site + 1}${residue}`);
    return `${own}${site + 1}${residue}: ${said.join(", ") || "not scored yet"}${ids ? `; known as ${ids.join(", ")}` : ""}.`;
  }

  /** All scored substitutions: [{notation, known, model, head}]. */
  #all() {
    const found = [];
    for (let site = 0; site < this.length; site += 1) {
      for (const [place, residue] of [...this.letters].entries()) {
        const own = this.protein.sequence[site];
        if (own === residue) continue;
        const values = Object.fromEntries([...this.maps].map(([name, rows]) => [name, rows[site]?.[place] ?? null]));
        found.push({ position: site + 1, wild_type: own, residue, model: null, head: null, ...values, known: this.known.get(`${site + 1}${residue}`) ?? [] });
      }
    }
    return found;
  }

  #end(notes) {
    const all = this.#all();
    const by = this.maps.has("head") ? "head" : "model";
    const order = [...all].sort((one, other) => other[by] - one[by] || one.position - other.position);
    this.told.replaceChildren(...(notes.length ? [h("ul", { class: "notice warn" }, notes.map((note) => h("li", {}, sentence(note))))] : []));
    const keep = () => save(fileName(`scan ${this.protein.id ?? "protein"} ${this.request.text}`, "tsv"), "text/tab-separated-values", asTsv(all));
    this.lists.replaceChildren(
      h("div", { class: "headline" }, h("h3", {}, "What stands out"), h("button", { type: "button", class: "quiet small", onclick: keep }, "TSV")),
      h("div", { class: "duel lists" }, list("Towards these words", order.slice(0, LISTED), this.maps), list("Away from them", order.slice(-LISTED).reverse(), this.maps)),
      h("p", { class: "hint" }, "A dot marks the protein's own residue, a frame a variant that this index holds. A score is the model's opinion, and a lead for an experiment."));
    announce(`The scan is here: ${order[0].wild_type}${order[0].position}${order[0].residue} stands first.`);
  }
}

function list(title, found, maps) {
  const names = [...maps.keys()];
  const known = found.some((each) => each.known.length > 0);
  return h("table", { class: "worth" }, h("caption", {}, title),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Substitution"), names.map((name) => h("th", { scope: "col" }, name)), known && h("th", { scope: "col" }, "known as"))),
    h("tbody", {}, found.map((each) => h("tr", {},
      h("th", { scope: "row" }, `${each.wild_type}${each.position}${each.residue}`),
      names.map((name) => h("td", {}, signed(each[name]))), known && h("td", {}, each.known.join(", "))))));
}

function highest(rows) {
  const sizes = rows.filter(Boolean).flat().map(Math.abs).sort((one, other) => one - other);
  return Math.max(sizes[Math.floor(FULL * (sizes.length - 1))] ?? 0, 1e-6);
}

function legend(limit) {
  return h("span", { class: "legend" }, h("i", { class: "low" }), ` ${signed(-limit)} or less `, h("i", { class: "high" }), ` ${signed(limit)} or more`);
}

function paint(pen, { rows, start, stop, limit, sequence, letters, known }) {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, low, high, empty] = ["--ink", "--soft", "--b-bar", "--a-bar", "--band"].map((name) => style.getPropertyValue(name).trim());
  pen.font = "9px ui-monospace, 'DejaVu Sans Mono', monospace";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let site = start; site < stop; site += 1) {
    const left = LEFT + (site - start) * CELL;
    pen.fillStyle = ink;
    pen.fillText(sequence[site], left + CELL / 2, ABOVE / 2);
    if ((site + 1) % 10 === 0 || site === start) {
      pen.fillStyle = soft;
      pen.fillText(String(site + 1), left + CELL / 2, ABOVE + ORDER.length * CELL + BELOW / 2);
    }
    for (const [line, residue] of [...ORDER].entries()) {
      const top = ABOVE + line * CELL;
      const value = rows[site]?.[letters.indexOf(residue)] ?? null;
      pen.globalAlpha = 1;
      pen.fillStyle = empty;
      if (value !== null) {
        pen.globalAlpha = Math.min(1, Math.abs(value) / limit);
        pen.fillStyle = value < 0 ? low : high;
      }
      pen.fillRect(left, top, CELL - 0.5, CELL - 0.5);
      pen.globalAlpha = 1;
      if (sequence[site] === residue) {
        pen.fillStyle = ink;
        pen.beginPath();
        pen.arc(left + CELL / 2, top + CELL / 2, 1.8, 0, 2 * Math.PI);
        pen.fill();
      }
      if (known.has(`${site + 1}${residue}`)) {
        pen.strokeStyle = ink;
        pen.lineWidth = 1.2;
        pen.strokeRect(left + 0.3, top + 0.3, CELL - 1.1, CELL - 1.1);
      }
    }
  }
  pen.fillStyle = soft;
  for (const [line, residue] of [...ORDER].entries()) pen.fillText(residue, LEFT / 2, ABOVE + line * CELL + CELL / 2);
}

/** The table that `protrek-hm scan` writes. */
function asTsv(found) {
  const columns = ["position", "wild_type", "residue", "model", "head", "known"];
  const lines = found.map((each) => columns.map((name) => (name === "known" ? each.known.join(" ") : each[name] ?? "")));
  return [columns, ...lines].map((line) => `${line.map((cell) => String(cell).replace(/[\t\r\n]/g, " ")).join("\t")}\n`).join("");
}
