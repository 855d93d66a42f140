import type { TableColumn } from "../kernel/index.ts";
import type { Distance } from "../profile/index.ts";
import { jensenShannonDistance, largestShareDifference, sampleDistances } from "../stats/index.ts";

/** Distances of the values present in two columns of rows; empty where one of them has none. */
export function distancesOfRows(reference: TableColumn, current: TableColumn): readonly Distance[] {
  if (reference.kind === "number" && current.kind === "number") {
    const [first, second] = [reference, current].map(({ values }) =>
      values.filter((value) => !Number.isNaN(value)),
    );
    return first!.length === 0 || second!.length === 0 ? [] : distancesOfNumbers(first!, second!);
  }
  if (reference.kind === "string" && current.kind === "string") {
    const [first, second] = [countTexts(reference), countTexts(current)];
    if (first.size === 0 || second.size === 0) return [];
    const texts = [...new Set([...first.keys(), ...second.keys()])];
    const r = texts.map((text) => first.get(text) ?? 0);
    const c = texts.map((text) => second.get(text) ?? 0);
    return [
      { measure: "l-infinity", value: largestShareDifference(r, c), convention: "over all values" },
      {
        measure: "jensen-shannon",
        value: jensenShannonDistance(r, c),
        convention: "distance to base 2 over all values",
      },
    ];
  }
  return [];
}

function distancesOfNumbers(reference: Float64Array, current: Float64Array): readonly Distance[] {
  const { jensenShannon, psi, kolmogorovSmirnov, bins } = sampleDistances(reference, current);
  const over = `${bins} bins of the rows of both (equal widths by Sturges' rule, or single values where the first snapshot has at most 20)`;
  return [
    { measure: "jensen-shannon", value: jensenShannon, convention: `distance to base 2 over ${over}` },
    { measure: "psi", value: psi, convention: `natural logarithm over ${over}` },
    { measure: "kolmogorov-smirnov", value: kolmogorovSmirnov, convention: "of the rows themselves" },
  ];
}

function countTexts({
  codes,
  dictionary,
}: {
  readonly codes: Int32Array;
  readonly dictionary: readonly string[];
}): Map<string, number> {
  const counts = new Map<string, number>();
  const byCode = new Float64Array(dictionary.length);
  for (const code of codes) if (code >= 0) byCode[code]! += 1;
  for (const [code, text] of dictionary.entries()) if (byCode[code]! > 0) counts.set(text, byCode[code]!);
  return counts;
}
