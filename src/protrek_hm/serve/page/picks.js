// Two hits to be compared: chosen in the table, kept in a tray at the foot of the page.

import { announce, h } from "./dom.js";

/** At most two ids; the third choice takes the place of the first. `open(a, b, words)` compares them, for the words they answered. */
export class Picks {
  constructor(tray, open) {
    this.ids = [];
    this.tray = tray;
    this.open = open;
  }

  has(id) {
    return this.ids.includes(id);
  }

  toggle(id, chosen, words) {
    this.words = words;
    this.ids = this.ids.filter((each) => each !== id);
    if (chosen) this.ids = [...this.ids, id].slice(-2);
    this.#show();
  }

  clear() {
    this.ids = [];
    this.#show();
  }

  #show() {
    for (const box of document.querySelectorAll("input[data-id]")) box.checked = this.has(box.dataset.id);
    this.tray.hidden = this.ids.length === 0;
    const [a, b] = this.ids;
    const words = b ? [h("b", {}, a), " and ", h("b", {}, b)] : [h("b", {}, a ?? ""), " – choose one more"];
    this.tray.replaceChildren(
      h("span", {}, words),
      h("span", { class: "row" },
        h("button", { type: "button", class: "primary", disabled: !b, onclick: () => this.open(a, b, this.words) }, "Compare"),
        h("button", { type: "button", class: "quiet", onclick: () => this.clear() }, "Clear")));
    if (a) announce(b ? `${a} and ${b} are chosen; Compare stands at the foot of the page.` : `${a} is chosen; choose one more to compare.`);
  }
}
