import { formatCount } from "../format-values.ts";
import { checkLines } from "./check-lines.ts";
import type { ColumnFacts } from "./column-facts.ts";
import type { FeatureDraft } from "./feature-draft.ts";
import type { ColumnDraft, ProjectDraft } from "./project-draft.ts";
import { comment, memberName, quote } from "./source-code.ts";
import { formatNumber, shown } from "./target.ts";

/** What the configuration says about the files, in the form of the project language. */
export interface SourceDraft {
  readonly format: "csv" | "ndjson" | "parquet";
  /** Path or pattern, relative to the project's folder. */
  readonly path: string;
  /** Options of the constructor, such as `trim` and `nullValues`. */
  readonly options: Readonly<Record<string, unknown>>;
}

const WIDTH = 108;

/** The text of `slipway.config.ts`. */
export function configText(draft: ProjectDraft, source: SourceDraft): string {
  return `${header(draft, source)}
import { ${importedNames(draft, source).join(", ")} } from "slipway";

/** Where the rows come from, and what their columns are. Columns that are not named here are not read. */
export const ${draft.datasetName} = dataset({
  source: ${sourceCode(source)},
  columns: {
${draft.columns.map(columnLines).join("")}  },
${draft.time === undefined ? "" : `  time: ${quote(draft.time)},\n`}${checkLines(draft)}});

/** ${comment(draft.target.question)} */
export const ${draft.modelName} = model({
  from: ${draft.datasetName},
  target: (row) => ${draft.target.code}, // ${comment(shorten(draft.target.values, 60))}
${targetNote(draft)}
  // What the model sees of a row, while training and for every prediction. Columns that are known only
  // afterwards do not exist on \`c\`, so that the answer cannot leak into the question.
  features: (c) => ({
${draft.features.map(featureLine).join("")}  }),

${splitLines(draft)}
${trainerLines(draft)}

${gateLines(draft)}${sliceLines(draft)}});
`;
}

function header({ rows, modelName }: ProjectDraft, { path }: SourceDraft): string {
  return `/**
 * A Slipway project: what the data is, what is predicted from it, and how good a model must be to be used.
 * Written by \`slipway init\` after a look at ${comment(path)} (${formatCount(rows)} rows); yours from here on.
 *
 *   slipway train    learn from the data, evaluate, register a version of \`${modelName}\`
 *   slipway up       answer predictions over HTTP
 */`;
}

function importedNames({ split, target }: ProjectDraft, { format, options }: SourceDraft): string[] {
  const splits = { time: "byTime", hash: "byHash", random: "byRandom" } as const;
  return [
    "atLeast",
    ...(target.code.startsWith("classes(") ? ["classes"] : []),
    splits[split.by],
    format === "csv" && options.delimiter === "\t" ? "tsv" : format,
    "dataset",
    "gbdt",
    "model",
    "notWorseThanChampion",
  ].sort();
}

function sourceCode({ format, path, options }: SourceDraft): string {
  const tabs = format === "csv" && options.delimiter === "\t";
  const members = Object.entries(options)
    .filter(([name]) => !(tabs && name === "delimiter"))
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const rest = members.length === 0 ? "" : `, { ${members.join(", ")} }`;
  return `${tabs ? "tsv" : format}(${quote(path)}${rest})`;
}

function columnLines({ facts, role, reason }: ColumnDraft): string {
  const name = memberName(facts.name);
  switch (role) {
    case "left-out":
      return `    // ${comment(facts.name)} is left out: ${reason}.\n`;
    case "target": {
      // Only categories can be compared with a value.
      const type = facts.type === "text" ? "category" : facts.type;
      return line(`${name}: { type: "${type}", known: "after" }`, "the target");
    }
    case "giveaway":
      return line(`${name}: { type: "${facts.type}", known: "after" }`, reason);
    case "key":
      return line(`${name}: "${facts.type}"`, `${formatCount(facts.distinct)} different; for the split`);
    case "time":
    case "feature":
      return `${reason === "" ? "" : `    // ${comment(reason)}\n`}${line(`${name}: "${facts.type}"`, valuesNote(facts))}`;
  }
}

function featureLine({ name, code, note }: FeatureDraft): string {
  const written = `    ${memberName(name)}: ${code},`;
  if (note === undefined) return `${written}\n`;
  return written.length + note.length + 4 <= WIDTH
    ? `${written} // ${note}\n`
    : `    // ${note}\n${written}\n`;
}

function line(code: string, note: string): string {
  const head = `    ${code},`;
  return `${head} // ${comment(shorten(note, Math.max(30, WIDTH - head.length - 4)))}\n`;
}

/** `11 missing; 3 values: "Month-to-month", "Two year", …` */
function valuesNote(facts: ColumnFacts): string {
  const missing = facts.missing === 0 ? "" : `${formatCount(facts.missing)} missing`;
  return [missing, describeValues(facts)].filter((part) => part !== "").join("; ");
}

function describeValues(facts: ColumnFacts): string {
  const { type, range, distinct, top } = facts;
  switch (type) {
    case "int":
    case "float":
      return range === undefined ? "" : `${formatNumber(range.min)} to ${formatNumber(range.max)}`;
    case "timestamp":
      return range === undefined ? "" : `${day(range.min)} to ${day(range.max)}`;
    case "bool":
      return `${formatCount(top.find(({ value }) => value === "1")?.count ?? 0)} × true`;
    case "category": {
      const values = top.slice(0, 4).map(({ value }) => shown(facts, value));
      return `${formatCount(distinct)} values: ${values.join(", ")}${distinct > values.length ? ", …" : ""}`;
    }
    case "text":
      return `text, about ${Math.round(facts.averageWords)} words`;
  }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`;
}

function splitLines({ split }: ProjectDraft): string {
  switch (split.by) {
    case "time":
      return `  // The past teaches, the latest fifth of the rows judges, as it will be with new rows.
  split: byTime({ evaluateFrom: { share: 0.2 }, validateShare: 0.1 }),
`;
    case "hash":
      return `  // A fifth of the rows judges what was learned from the others. Rows of one ${comment(split.key)} stay together.
  split: byHash({ key: ${quote(split.key)}, evaluateShare: 0.2, validateShare: 0.1 }),
`;
    case "random":
      return `  // A random fifth of the rows, always the same, judges what was learned from the others.
  split: byRandom({ evaluateShare: 0.2, validateShare: 0.1, seed: 1 }),
`;
  }
}

/** What else the target could be, where its values do not say. */
function targetNote({ target }: ProjectDraft): string {
  if (target.counts) {
    return `  // Whole numbers from 0 up, taken for counts. Codes of classes would be: target: (row) => classes(${target.code})
`;
  }
  if (target.task !== "multiclass") return "";
  const quantity = target.code.startsWith("classes(") ? target.code.slice("classes(".length, -1) : undefined;
  return quantity === undefined
    ? `  // One of several classes; yes or no to one of them would be: ${target.code}.is("…")
`
    : `  // Every number is a class of its own. A quantity would be: target: (row) => ${quantity}
`;
}

/** The share of rows below which a class is easily overlooked. */
const RARE_SHARE = 0.05;

/** Few rows carry few leaves. */
function trainerLines({ rows, target }: ProjectDraft): string {
  const leaves = rows < 2_000 ? 7 : rows < 10_000 ? 15 : 31;
  const options = [
    ...(target.counts ? [`objective: "poisson"`] : []),
    "trees: 500",
    "learningRate: 0.05",
    `leaves: ${leaves}`,
    "earlyStoppingRounds: 30",
  ];
  const rare =
    target.task === "multiclass" && rarestShare(target.labels) < RARE_SHARE
      ? `  // Some classes are rare: classWeights: "balanced" would make them count as much as the others.\n`
      : "";
  return `${rare}  trainer: gbdt({ ${options.join(", ")} }),`;
}

function rarestShare(labels: Float64Array): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.min(...counts.values()) / labels.length;
}

function gateLines({ target, slices }: ProjectDraft): string {
  const [slice] = slices;
  const perSlice = (gate: (options: string) => string): string =>
    slice === undefined
      ? ""
      : `    // ${comment(gate(`{ per: ${quote(slice)}, minimumRows: 200 }`))} // for each value of it\n`;
  if (target.task === "binary") {
    return `  // What a version must pass before it may be deployed. An AUC of 0.5 is a coin, 1 is perfect.
  gates: [
    atLeast("auc", 0.5, { confidence: 0.95 }),
    notWorseThanChampion("logLoss", { margin: 0.01 }),
${perSlice((options) => `atLeast("auc", 0.6, ${options}),`)}  ],
`;
  }
  if (target.task === "multiclass") {
    return `  // What a version must pass before it may be deployed. An AUC (of each class against the rest) of 0.5 is a coin.
  gates: [
    atLeast("auc", 0.5, { confidence: 0.95 }),
    notWorseThanChampion("logLoss", { margin: 0.01 }),
${perSlice((options) => `atLeast("auc", 0.6, ${options}),`)}  ],
`;
  }
  return `  // What a version must pass before it may be deployed. An R² of 0 is always saying the mean, 1 is perfect.
  gates: [
    atLeast("r2", 0, { confidence: 0.95 }),
    notWorseThanChampion("rmse", { margin: ${margin(target.labels)} }),
${perSlice((options) => `atLeast("r2", 0.2, ${options}),`)}  ],
`;
}

/** A hundredth of the target's standard deviation, to one digit. */
function margin(labels: Float64Array): number {
  const mean = labels.reduce((sum, value) => sum + value, 0) / labels.length;
  const variance = labels.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / labels.length;
  return Number((Math.sqrt(variance) / 100).toPrecision(1));
}

function sliceLines({ slices }: ProjectDraft): string {
  if (slices.length === 0) return "";
  return `
  // Columns for whose values the results are told one by one.
  slices: [${slices.map(quote).join(", ")}],
`;
}
