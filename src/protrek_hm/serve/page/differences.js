// What differs between two near-identical sequences, for the list of a family; the comparison aligns exactly.

/**
 * Differences of `b` from `a`, numbered by `a`: [{label, at}].
 *
 * What both share at their ends is set aside. If the rest is of one length, each differing letter is a
 * substitution ("E104K"); otherwise the rest is one change of a stretch.
 */
export function differences(a, b) {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (left.length === right.length) {
    return [...left].flatMap((letter, offset) =>
      letter === right[offset] ? [] : [{ label: `${letter}${start + offset + 1}${right[offset]}`, at: start + offset + 1 }],
    );
  }
  return [{ label: stretch(left, right, start), at: start + 1 }];
}

function stretch(left, right, start) {
  const place = left.length > 1 ? `${start + 1}–${start + left.length}` : `${start + 1}`;
  if (right === "") return `${place} missing`;
  const brief = right.length > 6 ? `${right.length} residues` : right;
  return left === "" ? `${brief} inserted after ${start}` : `${place} → ${brief}`;
}
