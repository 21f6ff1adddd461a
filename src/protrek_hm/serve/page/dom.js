// Elements without templates: text goes in as text, so nothing that a table holds can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an HTML element; attributes that are false or null are left out, `on…` are listeners. */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Make an SVG element in the same way. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

/** One of many answers: its name and gist, and behind them what `make()` gives when it is opened first. */
export function unfolding(name, gist, make, open) {
  const body = h("div", {});
  const fill = () => body.childElementCount || body.append(...make());
  if (open) fill();
  return h("details", { class: "answer", open, ontoggle: fill },
    h("summary", {}, h("b", {}, name), " ", h("span", { class: "hint" }, gist)), body);
}

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Say it to a screen reader. */
export function announce(words) {
  byId("status").textContent = words;
}

/** Copy a text and say so on the button; without a secure connection browsers refuse. */
export async function copy(button, text, otherwise) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = otherwise;
  }
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
