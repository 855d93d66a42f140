import { allowedGlobals, exactMath, kernelMath } from "./custom/language-limits.ts";
import type { ValueKind } from "./expression.ts";
import { type OptionRule, type Signature, signatures } from "./signatures.ts";
import { mostKeys, type WindowStatistic, windowStatistics } from "./windows/window-spec.ts";

/** Which columns and operations make a value of each kind, in the order of the page. */
const KINDS: Readonly<Record<ValueKind, { readonly title: string; readonly doc: string }>> = {
  number: {
    title: "Numbers",
    doc: "`int` and `float` columns. A number that is not finite is missing, in columns and in results alike.",
  },
  category: {
    title: "Categories",
    doc: "`category` columns. Used as it is, a category goes to the trainer as a categorical feature with at most 1,000 of its values, the most frequent ones of the training rows; `limited` sets other bounds. A value that was not seen in training, or was not kept, is *unseen*.",
  },
  flag: {
    title: "Flags",
    doc: "`bool` columns: true, false or missing. As a feature they are 1, 0 or missing.",
  },
  time: { title: "Times", doc: "`timestamp` columns, in UTC. A time is not a feature by itself." },
  text: { title: "Texts", doc: "`text` columns. A text is not a feature by itself." },
  vector: {
    title: "Vectors",
    doc: "What becomes several inputs of the model at once. Nothing is computed with vectors.",
  },
};

/** docs/reference/features.md, from the table of operations. */
export function featuresReference(): string {
  const lines = [
    "# Features",
    "",
    "<!-- Written by scripts/generate-features-reference.ts from src/features/signatures.ts: change that table, not this page. -->",
    "",
    "What can stand in `features`, `target` and `weight` of a model. Everything is computed by one kernel, over the rows",
    "of a snapshot for training and over the record of a request for prediction, with the same bits as the result.",
    "",
    "Operations marked *learned* take what they need from the training rows, once, and keep it in the feature plan; they",
    "cannot stand in a target or a weight. Null, an absent optional field and NaN are the same: missing.",
    "",
    `Everything begins with a column: \`${signatures.column.written}\`. ${signatures.column.doc}`,
    "",
  ];
  for (const [kind, { title, doc }] of Object.entries(KINDS)) {
    lines.push(`## ${title}`, "", doc, "");
    const rows = Object.entries<Signature>(signatures).filter(
      ([op, signature]) => op !== "window" && op !== "custom" && isOf(signature, kind as ValueKind),
    );
    if (rows.length === 0) continue;
    lines.push("| operation | gives | meaning | options |", "|---|---|---|---|");
    for (const [, signature] of rows) lines.push(row(signature));
    lines.push("");
  }
  return [...lines, ...customReference(), ...pastReference()].join("\n");
}

function customReference(): string[] {
  const { written, doc } = signatures.custom;
  return [
    "## Functions of your own",
    "",
    `\`${written}\`. ${doc}`,
    "",
    `They may use ${allowedGlobals.map((name) => `\`${name}\``).join(", ")}; of \`Math\` ${[...exactMath, ...kernelMath].map((name) => `\`${name}\``).join(", ")}.`,
    "",
  ];
}

function pastReference(): string[] {
  const statistics: Readonly<Record<WindowStatistic, string>> = {
    count: "How many items there are; 0 without any, never missing.",
    sum: "Of their values; of a flag how often it was true.",
    mean: "Of their values. Of a flag also written `rate`: how large the share of true was.",
    minimum: "The smallest value. Numbers only.",
    maximum: "The largest value. Numbers only.",
    hoursSinceLast: "From when the last item was known to the row's time, with a fraction.",
  };
  return [
    "## The past",
    "",
    "`features` gets a second argument where the dataset has a `time`: what was known before a row, as numbers.",
    `\`${signatures.window.written}\``,
    "",
    "| collected | items |",
    "|---|---|",
    "| `past.rows` | every row |",
    '| `past.column("price")` | the values of an `int`, `float` or `bool` column; one that is known later needs `knownAfter` |',
    "| `past.value((c) => c.price.multiply(2))` | a number or flag of what is known with the row |",
    "| `past.target` | the target of the model; needs `knownAfter` |",
    "| `past.label((row) => row.delay.above(60))` | a number or flag of what is known later; needs `knownAfter` |",
    "",
    "| statistic | meaning |",
    "|---|---|",
    ...windowStatistics.map((name) => `| \`${name}\` | ${statistics[name]} |`),
    "",
    "Without items everything but the count is missing, as are all of them where the time or a key of the row is missing.",
    "Where a value is missing there is no item.",
    "",
    "| option | meaning |",
    "|---|---|",
    "| `over` | how far back: a number and `s`, `m`, `h` or `d`, from 1 second to 36,500 days |",
    `| \`by\` | only items of the same key: a category, number or flag that is not learned, or a list of up to ${mostKeys}; without it one window for all rows |`,
    "| `knownAfter` | how long after its row an item is known; nothing sees it before. Default 0 for what is known with the row |",
    "",
    "Windows are made of panes that begin with the epoch, the smallest round duration of which at most 60 make the window",
    "(5 minutes for `3h`, half an hour for `24h`, 3 hours for `7d`). A row sees the newest of them, its own included as far as",
    "the past has come; so nothing older than `over` is seen, and of the pane that is cut by its old edge nothing.",
    "",
  ];
}

/** An operation stands with the kind of its first argument. */
function isOf(signature: Signature, kind: ValueKind): boolean {
  const [first] = signature.takes;
  return first?.includes(kind) ?? signature.gives === kind;
}

function row({ written, gives, doc, options, fitted }: Signature): string {
  const names = Object.entries<OptionRule>(options).map(([name, rule]) => `\`${name}\`: ${meaning(rule)}`);
  const kind = gives === "the same" ? "the same kind" : gives;
  const cells = [`\`${written}\``, kind, `${fitted ? "*Learned.* " : ""}${doc}`, names.join("; ")];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function meaning(rule: OptionRule): string {
  switch (rule.type) {
    case "integer":
      return `${rule.least.toLocaleString("en")} to ${rule.most.toLocaleString("en")}`;
    case "number":
      return rule.least === undefined ? "a number" : `a number from ${rule.least} up`;
    case "text":
      return "a text";
    case "texts":
      return "different texts";
    case "time":
      return "an ISO 8601 time";
    case "statistic":
      return windowStatistics.join(", ");
    case "window":
      return "a window";
    case "identifier":
      return "a name";
    case "returns":
      return '`"number"`, `"flag"` or `"category"`';
    case "fill":
      return 'a constant, `"mean"`, `"median"` or `"mostFrequent"`';
  }
}
