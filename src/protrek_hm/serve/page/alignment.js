// Two aligned sequences in lines, what differs marked, long stretches without a difference left out.

import { h } from "./dom.js";
import { counted } from "./numbers.js";

/** Columns, from 0, in which two gapped sequences differ. */
export function differingColumns(a, b) {
  return [...a].flatMap((letter, column) => (letter === b[column] ? [] : [column]));
}

/** Blocks of `width` columns that hold a difference: [{start, stop, skipped}], and how many columns follow the last. */
export function chooseBlocks(a, b, width, most = 12) {
  const starts = Array.from({ length: Math.ceil(a.length / width) }, (_, at) => at * width);
  const busy = new Set(differingColumns(a, b).map((column) => Math.floor(column / width) * width));
  const kept = starts.length > 4 ? starts.filter((start) => busy.has(start)).slice(0, most) : starts;
  let end = 0;
  const blocks = (kept.length ? kept : starts.slice(0, 1)).map((start) => {
    const block = { start, stop: Math.min(start + width, a.length), skipped: start - end };
    end = block.stop;
    return block;
  });
  return { blocks, after: a.length - end };
}

/** The alignment as a `pre`; the letters that differ carry the number of their column. */
export function showAlignment({ a, b }, names, width) {
  const { blocks, after } = chooseBlocks(a, b, width);
  const columns = differingColumns(a, b);
  const wide = Math.min(Math.max(...names.map((name) => name.length)), 12);
  const label = `Alignment of ${names[0]} with ${names[1]}: ${counted(columns.length, "column")} of ${a.length} differ and are marked.`;
  const lines = blocks.flatMap((block) => [
    block.skipped ? left(block.skipped) : null,
    h("div", { class: "block" }, [a, b].map((whole, at) => line(whole, [a, b][1 - at], names[at], block, wide)), marks(a, b, block, wide)),
  ]);
  return h("div", { class: "alignment", tabindex: "0", role: "group", "aria-label": label }, lines, after ? left(after) : null);
}

function line(own, other, name, { start, stop }, wide) {
  const before = own.slice(0, start).replaceAll("-", "").length;
  const head = `${name.slice(0, wide).padEnd(wide)} ${String(before + 1).padStart(4)} `;
  const letters = [...own.slice(start, stop)].map((letter, offset) =>
    letter === other[start + offset] ? letter : h("mark", { "data-column": start + offset + 1 }, letter));
  return h("div", { class: "line" }, h("span", { class: "head" }, head), letters);
}

function marks(a, b, { start, stop }, wide) {
  const row = [...a.slice(start, stop)].map((letter, offset) => {
    const other = b[start + offset];
    return letter === other ? " " : letter === "-" || other === "-" ? "-" : "*";
  });
  return h("div", { class: "line marks", "aria-hidden": "true" }, " ".repeat(wide + 6) + row.join(""));
}

function left(number) {
  return h("p", { class: "hint" }, `… ${counted(number, "column")} not shown`);
}
