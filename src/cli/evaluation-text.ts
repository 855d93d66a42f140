import type { Evaluation, Gate, Metric } from "../wire/index.ts";
import { formatCount, formatMetric } from "./format-values.ts";
import { type Column, renderTable } from "./table.ts";
import { type Output, printable } from "./terminal.ts";

/** `0.8421 (0.8210 to 0.8617)` */
export function metricText({ value, low, high }: Metric): string {
  return low === null || high === null
    ? formatMetric(value)
    : `${formatMetric(value)} (${formatMetric(low)} to ${formatMetric(high)})`;
}

/** `auc 0.8421  logLoss 0.4210` */
export function metricsInLine(metrics: readonly Metric[], limit = 2): string {
  return metrics
    .slice(0, limit)
    .map(({ name, value }) => `${name} ${formatMetric(value)}`)
    .join("  ");
}

export function renderMetrics(evaluation: Evaluation, out: Output): string {
  const interval = `${Math.round(evaluation.confidence * 100)} % interval`;
  const columns: readonly Column<Metric>[] = [
    { title: "  metric", cell: ({ name }) => `  ${name}` },
    { title: "value", align: "right", cell: ({ value }) => formatMetric(value) },
    {
      title: interval,
      cell: ({ low, high }) =>
        low === null || high === null ? null : `${formatMetric(low)} to ${formatMetric(high)}`,
    },
  ];
  return renderTable(columns, evaluation.metrics, out);
}

export function renderSlices(evaluation: Evaluation, out: Output): string {
  const [first] = evaluation.metrics;
  if (evaluation.slices.length === 0 || first === undefined) return "";
  const columns: readonly Column<Evaluation["slices"][number]>[] = [
    { title: "  slice", cell: ({ column, value }) => `  ${column} = ${value}`, shrinks: true },
    { title: "rows", align: "right", cell: ({ rows }) => formatCount(rows) },
    ...evaluation.metrics.slice(0, 3).map(({ name }) => ({
      title: name,
      align: "right" as const,
      cell: ({ metrics }: Evaluation["slices"][number]) =>
        formatMetric(metrics.find((metric) => metric.name === name)?.value ?? null),
    })),
  ];
  return renderTable(columns, evaluation.slices, out);
}

type ClassRecord = NonNullable<Evaluation["classes"]>[number];

/** Classes that are shown, those with the most rows first; and the most of them whose confusion fits a terminal. */
const MOST_CLASSES = 30;
const MOST_CONFUSED = 10;

/** What is known of each class, who is taken for whom, and which classes the model could not know. */
export function renderClasses({ classes, confusion, unseenClasses }: Evaluation, out: Output): string {
  if (classes === undefined) return "";
  const number = (title: string, pick: (own: ClassRecord) => number | null): Column<ClassRecord> => ({
    title,
    align: "right",
    cell: (own) => formatMetric(pick(own)),
  });
  const columns: readonly Column<ClassRecord>[] = [
    { title: "  class", cell: ({ name }) => `  ${printable(name)}`, shrinks: true },
    { title: "rows", align: "right", cell: ({ rows }) => formatCount(rows) },
    number("precision", ({ precision }) => precision),
    number("recall", ({ recall }) => recall),
    number("f1", ({ f1 }) => f1),
    number("auc", ({ auc }) => auc),
    {
      title: "mistaken for",
      cell: ({ mistakenFor, rows }) =>
        mistakenFor === undefined
          ? null
          : `${printable(mistakenFor.name)} (${formatCount(mistakenFor.rows)} of ${formatCount(rows)})`,
      shrinks: true,
    },
  ];
  const shown = classes.length > MOST_CLASSES ? classes.toSorted((a, b) => b.rows - a.rows) : classes;
  const left = classes.length - MOST_CLASSES;
  return [
    renderTable(columns, shown.slice(0, MOST_CLASSES), out),
    left > 0 ? `  … and ${formatCount(left)} classes with fewer rows\n` : "",
    confusion === undefined ? "" : renderConfusion(confusion, out),
    unseenClasses === undefined ? "" : unseenText(unseenClasses, out),
  ].join("");
}

function renderConfusion(
  { actual, predicted, rows }: NonNullable<Evaluation["confusion"]>,
  out: Output,
): string {
  if (predicted.length > MOST_CONFUSED) return "";
  const columns: readonly Column<number>[] = [
    { title: "  actual \\ predicted", cell: (a) => `  ${printable(actual[a]!)}`, shrinks: true },
    ...predicted.map(
      (name, p): Column<number> => ({
        title: printable(name),
        align: "right",
        cell: (a) => formatCount(rows[a]![p]!),
      }),
    ),
  ];
  return `\n${renderTable(columns, [...actual.keys()], out)}`;
}

function unseenText(unseen: NonNullable<Evaluation["unseenClasses"]>, { paint }: Output): string {
  const names = unseen
    .slice(0, 5)
    .map(({ name, rows }) => `${JSON.stringify(printable(name))} (${formatCount(rows)} rows)`)
    .join(", ");
  const more = unseen.length > 5 ? `, and ${formatCount(unseen.length - 5)} more` : "";
  return paint(
    "yellow",
    `  No training row has ${names}${more}: the model cannot say so, and these rows count as wrong.\n`,
  );
}

const MARKS = { passed: ["green", "✓"], failed: ["red", "✗"], "not-evaluated": ["yellow", "?"] } as const;

export function renderGates(gates: readonly Gate[], { paint }: Pick<Output, "paint">): string {
  return gates
    .map(({ gate, outcome, reason, slice }) => {
      const [style, mark] = MARKS[outcome];
      const where = slice === undefined ? "" : ` [${printable(slice)}]`;
      return `  ${paint(style, mark)} ${printable(gate)}${where}: ${printable(reason)}\n`;
    })
    .join("");
}

export function rowsText({ rows }: Evaluation): string {
  return `train ${formatCount(rows.train)}, validate ${formatCount(rows.validate)}, evaluate ${formatCount(rows.evaluate)}`;
}

/** `Contract 34 %, tenure 18 %, …`: shares of the total gain. */
export function importanceInLine(
  importance: readonly { readonly feature: string; readonly gain: number }[],
  limit = 5,
): string {
  const total = importance.reduce((sum, { gain }) => sum + gain, 0);
  if (total <= 0) return "";
  return importance
    .toSorted((a, b) => b.gain - a.gain)
    .slice(0, limit)
    .filter(({ gain }) => gain / total >= 0.005)
    .map(({ feature, gain }) => `${printable(feature)} ${Math.round((gain / total) * 100)} %`)
    .join(", ");
}
