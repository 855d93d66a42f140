import { type MetricFamily, metricTable } from "./metric-table.ts";

const OVER: Readonly<Record<MetricFamily["over"], string>> = {
  sum: "added up",
  each: "each its own (`worker`)",
  same: "one",
};

/** The text of `docs/reference/metrics.md`. */
export function metricsReference(): string {
  const rows = Object.entries<MetricFamily>(metricTable).map(([name, { type, help, labels, over }]) =>
    [`\`${name}\``, type, labels.map((label) => `\`${label}\``).join(", "), OVER[over], help].join(" | "),
  );
  return `# Metrics

<!-- Written by scripts/generate-metrics-reference.ts from src/telemetry/metric-table.ts: change that table, not this page. -->

\`GET /metrics\` on the prediction port, in the text format 0.0.4 of Prometheus. Whichever worker answers, it answers for all
workers of the server: what they count is added up, and stays in the sum when a worker ends, so that counters only grow until the
server is started anew. What describes one process has its process id as the label \`worker\`.

| name | type | labels | several workers | meaning |
|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join("\n")}
`;
}
