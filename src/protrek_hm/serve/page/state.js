// What is shown, as it stands in the address: a link gives the same page, and the back button works.
// It stands behind the #, which browsers do not send: no query ends up in a server's log.

const DEFAULTS = { q: "", by: "text", want: "sequence", k: 10, where: "", group: true, signals: "", fdr: "", a: "", b: "", scan: "", from: "", words: "" };
const SEARCHED = ["q", "by", "want", "k", "where", "group", "signals", "fdr"];
const KINDS = ["text", "sequence", "structure"];
const LEVELS = ["0.05", "0.1", "0.2", "0.3", "0.5"];
const SIGNALS = ["words", "meaning", "model"];

/** Read a state from a hash; what is missing or makes no sense is as by default. */
export function parse(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = { ...DEFAULTS };
  for (const name of ["q", "where", "a", "b", "scan", "from", "words"]) state[name] = given.get(name) ?? "";
  if (KINDS.includes(given.get("by"))) state.by = given.get("by");
  if ([...KINDS, "describe"].includes(given.get("want"))) state.want = given.get("want");
  if (/^[0-9]{1,6}$/.test(given.get("k") ?? "")) state.k = Number(given.get("k"));
  if (SIGNALS.includes(given.get("signals"))) state.signals = given.get("signals");
  if (LEVELS.includes(given.get("fdr"))) state.fdr = given.get("fdr");
  state.group = given.get("group") !== "0";
  return state;
}

/** Write a state as a hash that says only what differs from the default. */
export function format(state) {
  const said = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (state[name] !== usual) said.set(name, name === "group" ? "0" : String(state[name]));
  }
  return `#${said}`;
}

/** Whether both states ask the index the same. */
export function sameSearch(one, other) {
  return SEARCHED.every((name) => one[name] === other[name]);
}
