/** The name most like the wrong one, if one is like it at all. */
export function closestName(wrong: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean "x"?`, or what there is to choose from. */
export function suggest(wrong: string, names: readonly string[]): string {
  const closest = closestName(wrong, names);
  return closest === undefined ? `there are: ${names.join(", ")}` : `did you mean "${closest}"?`;
}

/** Insertions, deletions and substitutions from one text to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const line = [row];
    for (let column = 1; column <= to.length; column++) {
      const substituted = above[column - 1]! + (from[row - 1] === to[column - 1] ? 0 : 1);
      line.push(Math.min(above[column]! + 1, line[column - 1]! + 1, substituted));
    }
    above = line;
  }
  return above[to.length]!;
}
