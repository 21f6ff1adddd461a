// What this index is, from its own description.

import { h } from "./dom.js";
import { count } from "./numbers.js";

/** Fill the footer's box. */
export function showAbout(holder, info) {
  const counts = Object.entries(info.counts).map(([name, number]) => `${count(number)} ${name}`);
  const rows = [
    ["Model", info.model],
    ["Holds", counts.join(", ")],
    ["Built", info.created],
    ["Columns", info.columns.map((column) => column.name).join(", ")],
    ["Fingerprint", info.model_sha256],
  ];
  holder.replaceChildren(
    h("dl", { class: "keys" }, rows.filter(([, value]) => value).map(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))])),
    h("p", { class: "hint" }, "From a program: ", h("a", { href: "docs" }, "REST interface"), ", or for assistants that speak the Model Context Protocol ", h("code", {}, new URL("mcp", document.baseURI).href), "."));
}
