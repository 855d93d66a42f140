import type { Table } from "../../kernel/index.ts";
import { cliErrors } from "../errors.ts";
import { formatCount } from "../format-values.ts";
import { printable } from "../terminal.ts";
import type { ColumnFacts } from "./column-facts.ts";
import { draftFeatures, type FeatureDraft } from "./feature-draft.ts";
import { findGiveaways } from "./giveaways.ts";
import { identifierFrom } from "./source-code.ts";
import { describeStrays, type StrayPlaces } from "./strays.ts";
import { requireColumn, type TargetDraft } from "./target.ts";

/** Everything that stands in the configuration, decided; writing it down is another matter. */
export interface ProjectDraft {
  readonly datasetName: string;
  readonly modelName: string;
  readonly rows: number;
  readonly target: TargetDraft;
  readonly columns: readonly ColumnDraft[];
  readonly features: readonly FeatureDraft[];
  readonly time: string | undefined;
  readonly split: SplitDraft;
  readonly slices: readonly string[];
}

/** What becomes of a column. */
export interface ColumnDraft {
  readonly facts: ColumnFacts;
  /** `feature`: known beforehand and used. `time`, `key`: declared for the split. */
  readonly role: "feature" | "target" | "giveaway" | "time" | "key" | "left-out";
  /** Why it is left out; of a feature, why one should think twice about it. */
  readonly reason: string;
}

export type SplitDraft =
  | { readonly by: "time"; readonly column: string }
  | { readonly by: "hash"; readonly key: string }
  | { readonly by: "random" };

export interface DraftChoices {
  /** Of the file, for the dataset's name. */
  readonly sourceName: string;
  readonly modelName: string | undefined;
  readonly time: string | undefined;
  /** The time column that the source suggests. */
  readonly suggestedTime: string | undefined;
  readonly strayPlaces: StrayPlaces;
}

const ID_NAME =
  /(?:^|[_\s-])(?:id|uuid|guid|key|no|nr|number|code|index|idx|rownum)$|[a-z](?:Id|ID|Uuid|UUID|Key)$/;
const ID_VALUE_SHARE = 0.9;
/** A key that groups rows has a few of them for each value. */
const ROWS_PER_KEY = 1.5;
const MOST_SLICE_VALUES = 8;
const SMALLEST_SLICE_SHARE = 0.02;

/** Decides what to do with each column. */
export function draftProject(
  facts: readonly ColumnFacts[],
  { table, target }: { readonly table: Table; readonly target: TargetDraft },
  choices: DraftChoices,
): ProjectDraft {
  const time = timeColumn(facts, target, choices);
  const giveaways = new Map(
    findGiveaways(facts, table, target).map((giveaway) => [giveaway.column, giveaway]),
  );
  const drafts = facts.map((column): ColumnDraft => {
    if (column.name === target.column) return { facts: column, role: "target", reason: "" };
    const giveaway = giveaways.get(column.name);
    if (giveaway?.degree === "certain") {
      const reason = `it gives the target away (${giveaway.measure} on its own): known only afterwards?`;
      return { facts: column, role: "giveaway", reason };
    }
    if (column.name === time) return { facts: column, role: "time", reason: "" };
    const reason = describeStrays(column, choices.strayPlaces) ?? reasonToLeaveOut(column);
    if (reason !== undefined) return { facts: column, role: "left-out", reason };
    const suspicion = giveaway && `it tells much on its own (${giveaway.measure}): is it known beforehand?`;
    return { facts: column, role: "feature", reason: suspicion ?? "" };
  });
  const key = time === undefined ? drafts.find(isGroupKey)?.facts.name : undefined;
  const columns = drafts.map((draft) =>
    draft.facts.name === key ? { ...draft, role: "key" as const } : draft,
  );
  const features = draftFeatures(columns);
  if (features.length === 0) {
    throw cliErrors.CLI_BAD_TARGET.error(
      `besides the target there is no column that a model could learn from`,
      {
        details: { column: target.column },
        hint: columns
          .map(({ facts: { name }, reason }) => `${printable(name)}: ${reason || "the target"}`)
          .join("\n"),
      },
    );
  }
  return {
    ...names(choices, target),
    rows: table.rowCount,
    target,
    columns,
    features,
    time,
    split:
      time !== undefined
        ? { by: "time", column: time }
        : key !== undefined
          ? { by: "hash", key }
          : { by: "random" },
    slices: sliceColumns(columns),
  };
}

function names(choices: DraftChoices, target: TargetDraft): { datasetName: string; modelName: string } {
  const modelName = choices.modelName ?? identifierFrom(target.column, "target");
  const datasetName = identifierFrom(choices.sourceName, "rows");
  return { modelName, datasetName: datasetName === modelName ? `${datasetName}Rows` : datasetName };
}

/** @throws CLI_NO_SUCH_COLUMN, CLI_BAD_TIME */
function timeColumn(
  facts: readonly ColumnFacts[],
  target: TargetDraft,
  { time, suggestedTime }: DraftChoices,
): string | undefined {
  if (time === undefined) {
    const suggested = facts.find(({ name }) => name === suggestedTime);
    return suggested !== undefined && suggested.missing === 0 && suggested.distinct > 2
      ? suggested.name
      : undefined;
  }
  const column = requireColumn(facts, time, "--time");
  const bad = (why: string): Error =>
    cliErrors.CLI_BAD_TIME.error(`--time: "${printable(time)}" ${why}`, {
      details: { column: time },
      hint: `columns that hold times: ${
        facts
          .filter(({ type }) => type === "timestamp")
          .map(({ name }) => printable(name))
          .join(", ") || "none"
      }`,
    });
  if (time === target.column) throw bad("is the target");
  if (column.type !== "timestamp") throw bad(`holds ${kindInWords(column)}, not times`);
  if (column.missing > 0) throw bad(`is missing in ${formatCount(column.missing)} rows`);
  if (column.distinct < 3) throw bad(`has only ${column.distinct} different times`);
  return time;
}

function kindInWords({ type }: ColumnFacts): string {
  return {
    int: "whole numbers",
    float: "numbers",
    bool: "true and false",
    category: "categories",
    text: "texts",
    image: "images",
    timestamp: "times",
  }[type];
}

function reasonToLeaveOut(facts: ColumnFacts): string | undefined {
  const present = facts.rows - facts.missing;
  if (present === 0) return "it has no values";
  if (facts.distinct === 1) return facts.missing === 0 ? "one value in every row" : undefined;
  if (facts.type === "int" && facts.distinct === facts.rows && ID_NAME.test(facts.name)) {
    return "a number of the row, different in every one";
  }
  if (facts.type === "int" && facts.distinct === facts.rows && isConsecutive(facts))
    return "it counts the rows";
  const isText = facts.type === "category" || facts.type === "text";
  if (isText && facts.averageWords < 2 && facts.distinct >= present * ID_VALUE_SHARE) {
    return "a name of the row, different in (almost) every one";
  }
  return undefined;
}

function isConsecutive({ range, rows }: ColumnFacts): boolean {
  return range !== undefined && rows > 2 && range.max - range.min === rows - 1;
}

/** A column such as `customerId` that several rows share: they belong on the same side of a split. */
function isGroupKey({ facts, role }: ColumnDraft): boolean {
  if (role !== "feature" || !ID_NAME.test(facts.name)) return false;
  if (facts.missing > 0 || (facts.type !== "category" && facts.type !== "text" && facts.type !== "int"))
    return false;
  return facts.distinct * ROWS_PER_KEY <= facts.rows && facts.distinct * 100 >= facts.rows;
}

/** Up to two categories of few values, none of them tiny: results are told for each value. */
function sliceColumns(columns: readonly ColumnDraft[]): string[] {
  return columns
    .filter(({ facts, role }) => {
      if (role !== "feature" || facts.type !== "category") return false;
      if (facts.distinct < 2 || facts.distinct > MOST_SLICE_VALUES) return false;
      return facts.top.at(-1)!.count >= facts.rows * SMALLEST_SLICE_SHARE;
    })
    .sort((a, b) => b.facts.distinct - a.facts.distinct)
    .slice(0, 2)
    .map(({ facts }) => facts.name);
}
