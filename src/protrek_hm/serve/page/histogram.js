// Where the hits stand among what this query scores with the rest of the index.

import { h, svg } from "./dom.js";
import { counted, score } from "./numbers.js";

const HEIGHT = 150;
const EDGE = { left: 8, right: 8, top: 30, bottom: 34 };

/** A figure of the background's scores with the hits marked; null without a background. */
export function histogram(background, families) {
  if (!background || families.length === 0) return null;
  const holder = h("div", { class: "histogram" });
  const draw = () => holder.replaceChildren(picture(background, families, Math.max(holder.clientWidth, 260)));
  new ResizeObserver(draw).observe(holder);
  return h(
    "figure",
    { class: "background" },
    holder,
    h("figcaption", {}, `Grey: ${background.whole ? "all" : "a sample of"} ${counted(sum(background.counts), "record")} of this index. Blue: your hits, a dot for the best of each family. `,
      "The further right of the grey, the less likely by chance."),
  );
}

function picture({ counts, edges }, families, width) {
  const hits = families.flatMap((family) => family.hits);
  const heads = new Set(families.map((family) => family.hits[0]));
  const scores = hits.map((hit) => hit.score);
  const [low, high] = [Math.min(edges[0], ...scores), Math.max(edges.at(-1), ...scores)];
  const inner = width - EDGE.left - EDGE.right;
  const x = (value) => EDGE.left + (inner * (value - low)) / (high - low || 1);
  const floor = HEIGHT - EDGE.bottom;
  const most = Math.max(...counts, 1);
  const bars = counts.map((number, bin) => {
    const tall = ((floor - EDGE.top) * number) / most;
    const [left, right] = [x(edges[bin]), x(edges[bin + 1])];
    return svg("rect", { class: "bar", x: left, y: floor - tall, width: Math.max(right - left - 1, 0.5), height: tall });
  });
  const marks = hits.map((hit) =>
    svg("g", { class: hit.rank === 1 ? "mark first" : heads.has(hit) ? "mark head" : "mark" },
      svg("line", { x1: x(hit.score), x2: x(hit.score), y1: heads.has(hit) ? EDGE.top - 4 : floor - 14, y2: floor }),
      heads.has(hit) && svg("circle", { cx: x(hit.score), cy: EDGE.top - 6, r: hit.rank === 1 ? 4.5 : 3.5 }),
      svg("title", {}, `${hit.rank}. ${hit.id}: ${score(hit.score)}`)),
  );
  const best = hits.reduce((one, other) => (other.score > one.score ? other : one));
  const end = x(best.score) > width / 2;
  const label = svg("text", { class: "best", x: x(best.score) + (end ? 4 : -4), y: 12, "text-anchor": end ? "end" : "start" },
    `${best.id} ${score(best.score)}`);
  const ticks = niceTicks(low, high).map((value) =>
    svg("text", { class: "tick", x: x(value), y: floor + 15, "text-anchor": "middle" }, String(value).replace("-", "−")));
  const axis = [
    svg("line", { class: "axis", x1: EDGE.left, x2: width - EDGE.right, y1: floor + 0.5, y2: floor + 0.5 }),
    svg("text", { class: "tick", x: EDGE.left, y: HEIGHT - 3 }, "score (cosine)"),
  ];
  const said = `Scores of the background from ${score(edges[0])} to ${score(edges.at(-1))}; hits from `
    + `${score(Math.min(...scores))} to ${score(Math.max(...scores))}.`;
  return svg("svg", { role: "img", "aria-label": said, viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT },
    bars, axis, ticks, marks.reverse(), label);
}

function niceTicks(low, high) {
  const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5].find((each) => (high - low) / each <= 6) ?? 1;
  const first = Math.ceil(low / step);
  const number = Math.floor(high / step) - first + 1;
  return Array.from({ length: Math.max(number, 0) }, (_, at) => Number(((first + at) * step).toFixed(2)));
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
