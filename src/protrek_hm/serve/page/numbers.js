// Numbers as people read them.

const SUPERSCRIPT = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const MINUS = "−";

/** A cosine with three decimals. */
export function score(value) {
  return value === null || value === undefined ? "–" : value.toFixed(3).replace("-", MINUS);
}

/** A difference without its sign, with two digits that count: 0.13, 0.0021. */
export function magnitude(value) {
  const size = Math.abs(value);
  return size < 0.00005 ? "0" : size < 0.095 ? String(Number(size.toPrecision(2))) : size.toFixed(3);
}

/** A difference with its sign: +0.13, −0.0021, 0. */
export function signed(value) {
  const size = magnitude(value);
  return size === "0" ? size : (value > 0 ? "+" : MINUS) + size;
}

/** A probability as per cent. */
export function percent(value) {
  if (value === null || value === undefined) return "–";
  if (value > 0 && value < 0.01) return "< 1 %";
  if (value < 1 && value > 0.99) return "> 99 %";
  return `${Math.round(100 * value)} %`;
}

/** A probability that says something; below a tenth it only says that the model cannot tell. */
export function likely(value) {
  return value === null || value === undefined || value < 0.1 ? null : percent(value);
}

/** [0.912, 0.99] → "91–99 % identical"; not rounded up to 100 %. */
export function identical(shares) {
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((share) => Math.floor(100 * share + 1e-9));
  return `${least === most ? least : `${least}–${most}`} % identical`;
}

/** A p or E-value: 0.03, 12, 2 × 10⁻⁵. */
export function tiny(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0 || (value >= 0.001 && value < 10000)) return String(Number(value.toPrecision(2)));
  const [digits, exponent] = value.toExponential(0).split("e");
  return `${digits} × 10${[...exponent.replace("+", "")].map((letter) => SUPERSCRIPT[letter]).join("")}`;
}

/** A difference in the manner of HGVS with other numbers: ("E102K", 2) → "E104K". */
export function renumbered(notation, offset) {
  return offset === 0 ? notation : notation.replace(/(?<=[A-Z])[0-9]+/g, (number) => String(Number(number) + offset).replace("-", MINUS));
}

/** 201 → "201", 12345 → "12,345". */
export function count(value) {
  return Number(value).toLocaleString("en");
}

/** (1, "hit") → "1 hit", (2, "hit") → "2 hits". */
export function counted(value, noun, plural = `${noun}s`) {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}
