/** The name that was probably meant: the one at the least edit distance, if that is at most a third of its length, and at most 3. */
export function nearestName(given: string, known: readonly string[]): string | undefined {
  if (given.length > 200) return undefined;
  const wanted = given.toLowerCase();
  let nearest: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < least && distance <= Math.min(3, Math.ceil(name.length / 3))) {
      nearest = name;
      least = distance;
    }
  }
  return nearest;
}

/** Levenshtein distance: insertions, deletions and replacements of one code unit each. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
