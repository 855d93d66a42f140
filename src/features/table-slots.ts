import type { NumberColumn, StringColumn, Table, TableColumn } from "../kernel/index.ts";
import { type CustomCall, type CustomColumn, customTableColumn } from "./custom/custom-column.ts";
import { computedColumn } from "./custom/training-columns.ts";
import { featuresErrors } from "./errors.ts";
import type { Layout } from "./generated-code.ts";
import type { CheckedPlan } from "./plan-check.ts";
import { codeOf, codesOf, hashOf, lengthOf, wordCountOf, wordsOf } from "./record-reader.ts";

/** Which rows of the table go to the first places of the slots. */
export interface Block {
  readonly start: number;
  readonly rows: number;
  readonly stride: number;
}

/** Writes a block of rows of one column into the places of one slot. */
type SlotFiller = (slots: Float64Array, block: Block) => void;

/** What one slot makes of the texts of a dictionary, filled in as rows ask for it. */
type ScoreCache = (dictionary: readonly string[]) => {
  readonly scores: Float64Array;
  readonly score: (text: string) => number;
};

/** Reads tables into the slots of one plan. */
export interface TableReader {
  /** @throws FEATURES_BAD_TABLE when the table lacks a column or has it in another form */
  open(table: Table, folds: Int32Array | undefined): (slots: Float64Array, block: Block) => void;
}

/** Not yet computed: no score is an infinity. */
const PENDING = Number.POSITIVE_INFINITY;

export function createTableReader(
  plan: CheckedPlan,
  { layout, calls }: { readonly layout: Layout; readonly calls: readonly CustomCall[] },
): TableReader {
  const fields = [...plan.columns, ...plan.custom];
  const scorers = plan.slots.map((slot) => {
    switch (slot.read) {
      case "code": {
        const codes = codesOf(plan.dictionaries[slot.dictionary]!);
        return keptScores((text) => codeOf(text, codes));
      }
      case "hash":
        return keptScores(hashOf);
      case "length":
        return keptScores(lengthOf);
      case "wordCount":
        return keptScores(wordCountOf);
      default:
        return undefined;
    }
  });
  const open = (table: Table, folds: Int32Array | undefined): SlotFiller => {
    if (folds !== undefined && folds.length !== table.rowCount) {
      throw badTable("folds", `there are ${folds.length} folds for ${table.rowCount} rows`);
    }
    const made = customTableColumns(plan, calls, table);
    const fillers = plan.slots.map((slot, at): SlotFiller => {
      const place = layout.slotPlaces[at]!;
      if (slot.read === "fold") return fillFolds(folds, place);
      const column = slot.read === "derived" ? plan.derived[slot.derived]! : fields[slot.column]!;
      const given = "function" in column ? made.get(column) : table.columns.get(column.name);
      if (given === undefined) {
        if ("optional" in column)
          return fillMissing(place, slot.read === "words" ? slot.buckets : 1, slot.read === "words");
        throw badTable(column.name, `the table has no column "${column.name}"`);
      }
      const length = given.kind === "number" ? given.values.length : given.codes.length;
      if (length !== table.rowCount) {
        throw badTable(
          column.name,
          `column "${column.name}" has ${length} values for ${table.rowCount} rows`,
        );
      }
      if ((given.kind === "number") !== (slot.read === "number" || slot.read === "derived")) {
        throw badTable(
          column.name,
          `column "${column.name}" should hold ${column.type} values, not ${given.kind}s`,
        );
      }
      if (given.kind === "number") return fillNumbers(given, place);
      if (slot.read === "words") return fillWords(given, place, slot.buckets);
      return fillScores(given, place, scorers[at]!);
    });
    return (slots, block) => {
      for (const fill of fillers) fill(slots, block);
    };
  };
  return { open };
}

/** What the custom functions give for the rows; a table for which it has been computed already brings it along. */
function customTableColumns(
  plan: CheckedPlan,
  calls: readonly CustomCall[],
  table: Table,
): ReadonlyMap<CustomColumn, TableColumn> {
  return new Map(
    plan.custom.map((column, at) => {
      const reads = column.reads.map((place) => {
        const { name, type, optional } = plan.columns[place]!;
        const given = table.columns.get(name);
        if (given === undefined && optional !== true)
          throw badTable(name, `the table has no column "${name}"`);
        const isString = type === "category" || type === "text";
        if (given !== undefined && (given.kind === "string") !== isString)
          throw badTable(name, `column "${name}" should hold ${type} values, not ${given.kind}s`);
        return given;
      });
      return [column, computedColumn(column, table) ?? customTableColumn(calls[at]!, reads, table)];
    }),
  );
}

function badTable(column: string, problem: string): Error {
  return featuresErrors.FEATURES_BAD_TABLE.error(problem, { details: { column } });
}

function fillFolds(folds: Int32Array | undefined, place: number): SlotFiller {
  return (slots, { start, rows, stride }) => {
    const to = place * stride;
    if (folds === undefined) slots.fill(-1, to, to + rows);
    else for (let i = 0; i < rows; i++) slots[to + i] = folds[start + i]!;
  };
}

function fillMissing(place: number, width: number, asZero: boolean): SlotFiller {
  return (slots, { rows, stride }) => {
    for (let at = place; at < place + width; at++) {
      slots.fill(asZero ? 0 : Number.NaN, at * stride, at * stride + rows);
    }
  };
}

function fillNumbers({ values }: NumberColumn, place: number): SlotFiller {
  return (slots, { start, rows, stride }) => {
    slots.set(values.subarray(start, start + rows), place * stride);
  };
}

function fillWords({ codes, dictionary }: StringColumn, place: number, buckets: number): SlotFiller {
  return (slots, { start, rows, stride }) => {
    for (let i = 0; i < rows; i++) {
      const code = codes[start + i]!;
      wordsOf(code < 0 ? null : dictionary[code]!, slots, { start: place * stride + i, stride, buckets });
    }
  };
}

function fillScores({ codes, dictionary }: StringColumn, place: number, scoresOf: ScoreCache): SlotFiller {
  const { scores, score } = scoresOf(dictionary);
  return (slots, { start, rows, stride }) => {
    const to = place * stride;
    for (let i = 0; i < rows; i++) {
      const code = codes[start + i]!;
      if (code < 0) slots[to + i] = Number.NaN;
      else {
        let value = scores[code]!;
        if (value === PENDING) {
          value = score(dictionary[code]!);
          scores[code] = value;
        }
        slots[to + i] = value;
      }
    }
  };
}

/** Batches of one dataset share their dictionaries, so the scores of one batch serve the next. */
function keptScores(score: (text: string) => number): ScoreCache {
  const kept = new WeakMap<readonly string[], Float64Array>();
  return (dictionary) => {
    let scores = kept.get(dictionary);
    if (scores === undefined || scores.length !== dictionary.length) {
      scores = new Float64Array(dictionary.length).fill(PENDING);
      kept.set(dictionary, scores);
    }
    return { scores, score };
  };
}
