// What is shown, as it stands in the address: a link gives the same page, and the back button works.
// It stands behind the #, which browsers do not send: no query ends up in a server's log.

const DEFAULTS = {
  q: "", by: "text", each: true, want: "sequence", k: 10, where: "", group: true, signals: "", fdr: "", name: "",
  a: "", b: "", scan: "", from: "", words: "", family: "", offset: 0,
};
const CLOSED = { a: "", b: "", scan: "", from: "", words: "", family: "" };
const SEARCHED = ["q", "by", "each", "want", "k", "where", "group", "signals", "fdr"];
const KINDS = ["text", "sequence", "structure"];
const LEVELS = ["0.05", "0.1", "0.2", "0.3", "0.5"];
const SIGNALS = ["words", "meaning", "model"];

/** Read a state from a hash; what is missing or makes no sense is as by default. */
export function parse(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const state = { ...DEFAULTS };
  for (const name of ["q", "where", "name", "a", "b", "scan", "from", "words", "family"]) state[name] = given.get(name) ?? "";
  if (KINDS.includes(given.get("by"))) state.by = given.get("by");
  if ([...KINDS, "describe"].includes(given.get("want"))) state.want = given.get("want");
  if (/^[0-9]{1,6}$/.test(given.get("k") ?? "")) state.k = Number(given.get("k"));
  if (SIGNALS.includes(given.get("signals"))) state.signals = given.get("signals");
  if (LEVELS.includes(given.get("fdr"))) state.fdr = given.get("fdr");
  if (/^-?[0-9]{1,5}$/.test(given.get("offset") ?? "")) state.offset = Number(given.get("offset"));
  for (const name of ["group", "each"]) state[name] = given.get(name) !== "0";
  return state;
}

/** Write a state as a hash that says only what differs from the default. */
export function format(state) {
  const said = new URLSearchParams();
  for (const [name, usual] of Object.entries(DEFAULTS)) {
    if (state[name] !== usual) said.set(name, state[name] === false ? "0" : String(state[name]));
  }
  return `#${said}`;
}

/** The same search without any dialog over it. */
export function closed(state) {
  return { ...state, ...CLOSED };
}

/** Whether both states ask the index the same. */
export function sameSearch(one, other) {
  return SEARCHED.every((name) => one[name] === other[name]);
}
