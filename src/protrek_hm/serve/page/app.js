// The page's flow: the address says what is shown; the form and the buttons only change the address.

import { showAbout } from "./about.js";
import { ask, Problem, setKey } from "./api.js";
import { showComparison } from "./compare.js";
import { showDescriptions } from "./describe.js";
import { announce, byId, h } from "./dom.js";
import { adapt, clearProblems, equip, holds, readForm, showProblem, withAlso, without, writeForm, writeName } from "./form.js";
import { showFamily } from "./family.js";
import { Picks } from "./picks.js";
import { showResults, summary } from "./results.js";
import { leaveScan, showScan } from "./scan.js";
import { queriesOf } from "./sequences.js";
import { closed, format, parse, sameSearch } from "./state.js";
import { forgetFile, listenForFiles } from "./upload.js";

let shown = parse("");
let running = new AbortController();
let info = null;
let answers = [];
const picks = new Picks(byId("tray"), compare);

function go(state) {
  const hash = format(state);
  if (hash === (location.hash || "#")) render({ again: true });
  else location.hash = hash;
}

function compare(a, b, words = "") {
  go({ ...closed(parse(location.hash)), a, b, words });
}

function align(family, words = "") {
  go({ ...closed(parse(location.hash)), family, words });
}

function scan(id, words = "") {
  go({ ...closed(parse(location.hash)), scan: id, words });
}

function refine(condition) {
  const state = closed(parse(location.hash));
  const change = holds(state.where, condition) ? without : withAlso;
  go({ ...state, where: change(state.where, condition) });
}

async function render({ again = false } = {}) {
  const state = parse(location.hash);
  const same = sameSearch(state, shown) && !again;
  const renamed = state.name !== shown.name;
  shown = state;
  if (!same) {
    writeForm(state);
    picks.clear();
    await guarded(() => search(state));
  } else if (renamed) {
    writeName(state);
    draw(state);
  }
  const leave = (change) => go(change ? { ...state, ...change } : closed(state));
  if (state.a && state.b) await guarded(() => showComparison(byId("compare"), state, leave));
  else if (byId("compare").open) byId("compare").close();
  const members = state.family ? membersOf(state) : [];
  if (members.length > 1) await guarded(() => showFamily(byId("family"), state, members, leave));
  else if (byId("family").open) byId("family").close();
  const other = (words = "", from = "") => go(words ? { ...state, words, from } : closed(state));
  if (state.scan && info) await guarded(() => showScan(byId("scan"), state, info, other));
  else leaveScan(byId("scan"));
}

/** Ids of the family of which `state.family` is the best hit, where the words are answered that the state names. */
function membersOf({ family, words }) {
  const asked = answers.filter(({ query }) => query === words);
  const families = (asked.length ? asked : answers).flatMap((answer) => answer.families);
  return families.find(({ hits }) => hits[0].id === family)?.hits.map(({ id }) => id) ?? [];
}

async function search(state) {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  clearProblems();
  byId("alert").replaceChildren();
  answers = [];
  const results = byId("results");
  byId("welcome").hidden = state.q !== "";
  if (!state.q) {
    results.replaceChildren();
    document.title = "ProTrek-HM";
    return;
  }
  document.title = `${state.q.slice(0, 60)} – ProTrek-HM`;
  byId("submit").setAttribute("aria-busy", "true");
  results.setAttribute("aria-busy", "true");
  announce("Searching.");
  const asked = queriesOf(state);
  const queries = asked.map(({ query }) => query);
  try {
    if (state.want === "describe") {
      const { descriptions } = await ask("v1/describe", { sequences: queries, k: 5 }, { signal });
      results.replaceChildren(...showDescriptions(descriptions.map((each, at) => ({ ...each, name: asked[at].name })), compare));
      announce("The description is here.");
    } else {
      const { by, want, k, where, group, signals, fdr } = state;
      const found = await ask("v1/batch", { queries, by, want, k, where: where || null, group, ...(signals ? { signals: [signals] } : {}), ...(fdr ? { fdr: Number(fdr) } : {}) }, { signal });
      answers = found.results.map((each, at) => ({ name: asked[at].name, ...each }));
      draw(state);
      announce(summary(answers));
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    results.replaceChildren();
    const which = /^(queries|sequences)\[([0-9]+)\]$/.exec(error.field ?? "");
    if (which && asked.length > 1) error.message = `${asked[which[2]].name}: ${error.message}`;
    throw error;
  } finally {
    if (!signal.aborted) {
      byId("submit").removeAttribute("aria-busy");
      results.removeAttribute("aria-busy");
    }
  }
}

/** Show the answers as they are; nothing is asked again. */
function draw(state) {
  if (answers.length) byId("results").replaceChildren(...showResults(answers, { state, info, picks, align, scan, refine }));
}

async function guarded(action) {
  try {
    await action();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof Problem)) throw error;
    report(error);
  }
}

function report(problem) {
  announce("");
  if (problem.status === 401) {
    byId("key-form").hidden = false;
    byId("key").focus();
  }
  if (showProblem(problem)) return;
  const again = h("button", { type: "button", class: "quiet small", onclick: () => render({ again: true }) }, "Try again");
  byId("alert").replaceChildren(h("p", { class: "notice bad" }, h("b", {}, problem.message), ` ${problem.remedy} `, again));
}

async function begin() {
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    const asked = readForm(parse(location.hash));
    const empty = { text: "Write what the protein should do.", sequence: "Paste a sequence or open a file.", structure: "Paste 3Di letters or open a structure file." };
    clearProblems();
    if (asked.q) go(asked);
    else showProblem(new Problem("The query is empty.", empty[asked.by], { field: "query" }));
  });
  byId("form").addEventListener("change", adapt);
  byId("name").addEventListener("change", () => go({ ...parse(location.hash), name: byId("name").value }));
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
  });
  byId("query").addEventListener("input", () => {
    forgetFile();
    adapt();
  });
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    setKey(byId("key").value);
    byId("key-form").hidden = true;
    running.abort();
    start();
  });
  listenForFiles(report, () => info.limits);
  listenForTheme();
  addEventListener("hashchange", () => render());
  await start();
}

async function start() {
  await guarded(async () => {
    info = await ask("v1/index");
    equip(info);
    showAbout(byId("about-content"), info);
  });
  await render({ again: true });
}

function listenForTheme() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const name = () => (byId("theme").textContent = dark() ? "Light" : "Dark");
  byId("theme").addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("theme", root.dataset.theme);
    } catch {
      // storage can be forbidden: the choice holds for this page
    }
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
}

begin();
