import { latencyBounds } from "./latency-buckets.ts";
import type { ShownSample } from "./merge-samples.ts";
import { type MetricFamily, metricTable } from "./metric-table.ts";

/** The content type of what `writeExposition` writes. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Metrics in the text format 0.0.4 of Prometheus; families in the order of the table. */
export function writeExposition(samples: readonly ShownSample[]): string {
  const lines: string[] = [];
  for (const [name, family] of Object.entries<MetricFamily>(metricTable)) {
    const own = samples.filter(({ sample }) => sample.name === name);
    if (own.length === 0) continue;
    lines.push(`# HELP ${name} ${family.help.replaceAll("\\", "\\\\")}`, `# TYPE ${name} ${family.type}`);
    for (const { sample, worker } of own) {
      const labels = labelTexts(family.labels, sample.labels);
      if (worker !== undefined) labels.push(`worker="${worker}"`);
      if ("value" in sample) lines.push(`${name}${braced(labels)} ${sample.value}`);
      else writeHistogram(lines, { name, labels, buckets: sample.buckets, sum: sample.sum });
    }
  }
  return lines.map((line) => `${line}\n`).join("");
}

function writeHistogram(
  lines: string[],
  given: {
    readonly name: string;
    readonly labels: readonly string[];
    readonly buckets: readonly number[];
    readonly sum: number;
  },
): void {
  const { name, labels, buckets, sum } = given;
  let cumulative = 0;
  for (const [bucket, bound] of latencyBounds.entries()) {
    cumulative += buckets[bucket]!;
    lines.push(`${name}_bucket${braced([...labels, `le="${bound}"`])} ${cumulative}`);
  }
  cumulative += buckets[latencyBounds.length]!;
  lines.push(
    `${name}_bucket${braced([...labels, 'le="+Inf"'])} ${cumulative}`,
    `${name}_sum${braced(labels)} ${sum}`,
    `${name}_count${braced(labels)} ${cumulative}`,
  );
}

function labelTexts(names: readonly string[], values: readonly string[]): string[] {
  return names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n" };

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => ESCAPES[character]!);
}

function braced(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `{${labels.join(",")}}`;
}
