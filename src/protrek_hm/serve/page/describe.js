import { h } from "./dom.js";
export function showDescription(description) { return [h("pre", {}, JSON.stringify(description, null, 2))]; }
