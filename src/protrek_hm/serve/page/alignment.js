// Aligned sequences in lines, what differs marked, long stretches without a difference left out.

import { h } from "./dom.js";
import { counted } from "./numbers.js";

/** Columns, from 0, in which a row differs from the first. */
export function differingColumns([first, ...others]) {
  return [...first].flatMap((letter, column) => (others.some((row) => row[column] !== letter) ? [column] : []));
}

/** Blocks of `width` columns that hold one of `columns`: [{start, stop, skipped}], and how many follow the last. */
export function chooseBlocks(columns, length, width, most = 12) {
  const starts = Array.from({ length: Math.ceil(length / width) }, (_, at) => at * width);
  const busy = new Set(columns.map((column) => Math.floor(column / width) * width));
  const kept = starts.length > 4 ? starts.filter((start) => busy.has(start)).slice(0, most) : starts;
  let end = 0;
  const blocks = (kept.length ? kept : starts.slice(0, 1)).map((start) => {
    const block = { start, stop: Math.min(start + width, length), skipped: start - end };
    end = block.stop;
    return block;
  });
  return { blocks, after: length - end };
}

/**
 * The alignment as elements; letters that differ from the first row, and those of the first that others differ from, carry the number of their column.
 *
 * `offset` is added to the numbers of residues; below, `*` marks a substitution and `-` a gap. Of more than two rows, a dot stands for the first row's letter.
 */
export function showAlignment(rows, names, { width, offset = 0, deciding = new Set() }) {
  const columns = new Set(differingColumns(rows));
  const { blocks, after } = chooseBlocks([...columns], rows[0].length, width);
  const wide = Math.min(Math.max(...names.map((name) => name.length)), 12);
  const label = `Alignment of ${rows.length > 2 ? `${rows.length} proteins` : names.join(" with ")}: ${columns.size} of ${counted(rows[0].length, "column")} differ and are marked.`;
  const lines = blocks.flatMap((block) => [
    block.skipped ? left(block.skipped) : null,
    h("div", { class: "block" },
      rows.map((row, at) => line(rows, at, names[at], block, { wide, offset, columns, deciding })),
      marks(rows, block, wide)),
  ]);
  return h("div", { class: "alignment", tabindex: "0", role: "group", "aria-label": label }, lines, after ? left(after) : null);
}

function line(rows, at, name, { start, stop }, { wide, offset, columns, deciding }) {
  const [first, own] = [rows[0], rows[at]];
  const before = own.slice(0, start).replaceAll("-", "").length;
  const head = `${name.slice(0, wide).padEnd(wide)} ${String(before + 1 + offset).padStart(5)} `;
  const letters = [...own.slice(start, stop)].map((letter, place) => {
    const column = start + place;
    const same = letter === first[column];
    if (at === 0 ? columns.has(column) : !same) return h("mark", { "data-column": column + 1, class: deciding.has(column + 1) ? "deciding" : null }, letter);
    return at > 0 && rows.length > 2 && same && letter !== "-" ? "·" : letter;
  });
  return h("div", { class: "line" }, h("span", { class: "head" }, head), letters);
}

function marks(rows, { start, stop }, wide) {
  const row = Array.from({ length: stop - start }, (_, place) => {
    const letters = new Set(rows.map((each) => each[start + place]));
    return letters.size === 1 ? " " : letters.has("-") ? "-" : "*";
  });
  return h("div", { class: "line marks", "aria-hidden": "true" }, " ".repeat(wide + 7) + row.join(""));
}

function left(number) {
  return h("p", { class: "hint" }, `… ${counted(number, "column")} not shown`);
}

/** Mark a column that was pointed at, and bring it into view. */
export function point(aligned, column) {
  for (const mark of aligned.querySelectorAll("mark")) {
    const here = mark.dataset.column === String(column);
    mark.classList.toggle("pointed", here);
    if (here) mark.scrollIntoView({ block: "nearest", inline: "center" });
  }
}

/** Letters that fit beside each other in a dialog. */
export function lineWidth(dialog) {
  return dialog.clientWidth < 560 ? 20 : dialog.clientWidth < 900 ? 40 : 60;
}
