import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ColumnType, Table, TableColumn } from "../../kernel/index.ts";
import { describeColumns } from "./column-facts.ts";
import { configText } from "./config-text.ts";
import { type DraftChoices, draftProject } from "./project-draft.ts";
import { draftTarget } from "./target.ts";

type Values = readonly (number | string | boolean | null)[];

function tableOf(columns: Readonly<Record<string, readonly [ColumnType, Values]>>) {
  const built = new Map<string, TableColumn>();
  let rowCount = 0;
  for (const [name, [type, values]] of Object.entries(columns)) {
    rowCount = values.length;
    built.set(name, type === "category" || type === "text" ? strings(values) : numbers(values));
  }
  const table: Table = { rowCount, columns: built };
  const types = Object.fromEntries(Object.entries(columns).map(([name, [type]]) => [name, type]));
  return { table, types };
}

const numbers = (values: Values): TableColumn => ({
  kind: "number",
  values: Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value))),
});

function strings(values: Values): TableColumn {
  const dictionary = [...new Set(values.filter((value) => value !== null).map(String))];
  return {
    kind: "string",
    codes: Int32Array.from(values, (value) => (value === null ? -1 : dictionary.indexOf(String(value)))),
    dictionary,
  };
}

const ROWS = 400;
const rows = <Value>(make: (row: number) => Value): Value[] =>
  Array.from({ length: ROWS }, (_, row) => make(row));
/** Scattered, but the same every time. */
const scattered = (row: number): number => ((row * 7919) % 1009) / 1009;

function draft(
  columns: Readonly<Record<string, readonly [ColumnType, Values]>>,
  given: Partial<DraftChoices> & { readonly target: string; readonly positive?: string },
) {
  const { table, types } = tableOf(columns);
  const facts = describeColumns(types, table);
  const target = draftTarget(facts, table, {
    column: given.target,
    positive: given.positive,
    firstMissing: "line 3 of a.csv",
    strayPlaces: new Map([["y", "line 9 of a.csv"]]),
  });
  const project = draftProject(
    facts,
    { table, target },
    {
      sourceName: "a",
      modelName: undefined,
      time: undefined,
      suggestedTime: undefined,
      strayPlaces: new Map([["size", "line 9 of a.csv"]]),
      ...given,
    },
  );
  return { project, text: configText(project, { format: "csv", path: "data/a.csv", options: {} }) };
}

const score: readonly [ColumnType, Values] = ["float", rows(scattered)];
const answer: readonly [ColumnType, Values] = [
  "category",
  rows((row) => (scattered(row * 3 + 1) > 0.7 ? "yes" : "no")),
];

describe("the target", () => {
  it.each([
    [
      "two categories, one of which says yes",
      ["category", rows((row) => (row % 3 ? "Yes" : "No"))],
      "binary",
      'row.y.is("Yes")',
    ],
    [
      "two categories that do not: the rarer",
      ["category", rows((row) => (row % 3 ? "<=50K" : ">50K"))],
      "binary",
      'row.y.is(">50K")',
    ],
    ["0 and 1", ["int", rows((row) => row % 2)], "binary", "row.y.atLeast(1)"],
    ["1 and 2", ["int", rows((row) => 1 + (row % 2))], "binary", "row.y.atLeast(2)"],
    ["true and false", ["bool", rows((row) => row % 2 === 0)], "binary", "row.y"],
    ["numbers", ["float", rows((row) => scattered(row + 5))], "regression", "row.y"],
    ["whole numbers", ["int", rows((row) => 20 + (row % 50))], "regression", "row.y"],
    [
      "several categories",
      ["category", rows((row) => ["red", "green", "blue"][row % 3]!)],
      "multiclass",
      "row.y",
    ],
  ] as const)("of %s", (_what, y, task, code) => {
    const { project } = draft({ score, y: y as readonly [ColumnType, Values] }, { target: "y" });
    expect([project.target.task, project.target.code]).toEqual([task, code]);
  });

  it("of counts is learned as such, of codes as classes, and the other way stands beside it", () => {
    const visits = ["int", rows((row) => Math.floor(1 / (0.08 + scattered(row))))] as const;
    const counted = draft({ score, visits }, { target: "visits" });
    expect(counted.project.target).toMatchObject({ task: "regression", counts: true, code: "row.visits" });
    expect(counted.text).toContain('trainer: gbdt({ objective: "poisson", trees: 500');
    expect(counted.text).toContain("// Whole numbers from 0 up, taken for counts.");
    for (const name of ["class", "errorType", "digit_label"]) {
      const codes = ["int", rows((row) => row % 4)] as const;
      const { project, text } = draft({ score, [name]: codes }, { target: name });
      expect(project.target).toMatchObject({ task: "multiclass", code: `classes(row.${name})` });
      expect(text).toMatch(/import \{ atLeast, byRandom, classes, csv/);
    }
    const year = ["int", rows((row) => 1990 + (row % 30))] as const;
    expect(draft({ score, year }, { target: "year" }).project.target.counts).toBeUndefined();
  });

  it("of classes brings their gates, a word on rare ones, and finds what gives them away", () => {
    const kind = ["category", rows((row) => (row % 40 === 0 ? "rare" : row % 2 ? "odd" : "even"))] as const;
    const copy = ["category", rows((row) => `k${row % 40 === 0 ? 2 : row % 2}`)] as const;
    const { project, text } = draft({ score, copy, kind }, { target: "kind" });
    expect(project.columns.find(({ facts }) => facts.name === "copy")).toMatchObject({ role: "giveaway" });
    expect(text).toContain('notWorseThanChampion("logLoss", { margin: 0.01 })');
    expect(text).toContain('classWeights: "balanced"');
    expect(text).toContain('row.kind.is("…")');
  });

  it("of several values is one of them against the rest where one is named", () => {
    const y = ["category", rows((row) => ["red", "green", "blue"][row % 3]!)] as const;
    expect(draft({ score, y }, { target: "y", positive: "green" }).project.target.code).toBe(
      'row.y.is("green")',
    );
    expect(() => draft({ score, y }, { target: "y", positive: "black" })).toThrow("never");
    const n = ["int", rows((row) => row % 5)] as const;
    expect(draft({ score, n }, { target: "n", positive: "3" }).project.target.code).toBe("row.n.equals(3)");
  });

  it("that nothing can be learned from is refused, with what to do", () => {
    const refuse = (y: readonly [ColumnType, Values], message: RegExp) =>
      expect(() => draft({ score, y }, { target: "y" })).toThrow(message);
    refuse(["category", rows(() => "same")], /"same" in all 400 rows: there is nothing to learn/);
    refuse(
      ["int", rows((row) => (row > 1 && row < 5 ? null : row))],
      /missing in 3 of 400 rows, first in line 3 of a\.csv/,
    );
    refuse(["float", rows(() => null)], /no values at all/);
    refuse(["category", rows((row) => (row === 7 ? "n.a." : String(row)))], /cannot be used as it is/);
    refuse(["timestamp", rows((row) => row * 1000)], /is a time/);
    refuse(["category", rows((row) => `name ${row}`)], /400 different values .* too many to be classes/);
  });

  it("that does not exist is refused with the nearest name", () => {
    expect(() => draft({ score, median_value: answer }, { target: "MedianValue" })).toThrow(
      'no column "MedianValue"',
    );
    try {
      draft({ score, median_value: answer }, { target: "MedianValue" });
    } catch (error) {
      expect(error).toMatchObject({ code: "CLI_NO_SUCH_COLUMN", hint: 'did you mean "median_value"?' });
    }
  });
});

describe("the columns", () => {
  const roles = (columns: Readonly<Record<string, readonly [ColumnType, Values]>>) =>
    Object.fromEntries(
      draft({ score, ...columns, answer }, { target: "answer" }).project.columns.map(({ facts, role }) => [
        facts.name,
        role,
      ]),
    );

  it("that name or count rows are left out, and so are those without information", () => {
    expect(
      roles({
        customerID: ["category", rows((row) => `c-${row}`)],
        instant: ["int", rows((row) => row + 1)],
        order_id: ["int", rows((row) => row * 17 + 3)],
        country: ["category", rows(() => "AT")],
        empty: ["float", rows(() => null)],
        age: ["int", rows((row) => 20 + (row % 50))],
      }),
    ).toEqual({
      score: "feature",
      customerID: "left-out",
      instant: "left-out",
      order_id: "left-out",
      country: "left-out",
      empty: "left-out",
      age: "feature",
      answer: "target",
    });
  });

  it("that give the target away are known afterwards, and those that nearly do are doubted", () => {
    const noisy = rows((row) => (answer[1][row] === "yes" ? 0.45 : 0) + scattered(row * 5) * 0.6);
    const { project, text } = draft(
      {
        score,
        outcome: ["int", rows((row) => (answer[1][row] === "yes" ? 7 : 3))],
        reason: [
          "category",
          rows((row) => (answer[1][row] === "yes" ? ["price", "service"][row % 2]! : "none")),
        ],
        noisy: ["float", noisy],
        answer,
      },
      { target: "answer" },
    );
    expect(project.columns.map(({ role }) => role)).toEqual([
      "feature",
      "giveaway",
      "giveaway",
      "feature",
      "target",
    ]);
    expect(text).toContain(
      'outcome: { type: "int", known: "after" }, // it gives the target away (AUC 1.000 on its own)',
    );
    expect(text).toMatch(
      /\/\/ it tells much on its own \(AUC 0\.9\d\d\): is it known beforehand\?\n {4}noisy: "float"/,
    );
    expect(project.features.map(({ name }) => name)).toEqual(["score", "noisy"]);
  });

  it("become features by their kind", () => {
    const hours = rows((row) => Date.parse("2025-01-01T00:00:00Z") + row * 3_600_000 * 30);
    const { project } = draft(
      {
        score,
        city: ["category", rows((row) => `city ${row % 130}`)],
        plan: ["category", rows((row) => `plan ${row % 4}`)],
        title: ["text", rows((row) => `some words about number ${row % 300}`)],
        day: ["timestamp", hours.map((ms) => ms - (ms % 86_400_000))],
        sent: ["timestamp", hours],
        active: ["bool", rows((row) => row % 3 === 0)],
        "loan amount (€)": ["float", rows(scattered)],
        answer,
      },
      { target: "answer" },
    );
    expect(project.features.map(({ name, code }) => `${name}: ${code}`)).toEqual([
      "score: c.score",
      "city: c.city.targetEncoded({ smoothing: 20 })",
      "plan: c.plan",
      "titleLength: c.title.length()",
      "titleWords: c.title.wordsHashed(64)",
      "dayWeekday: c.day.dayOfWeek()",
      "dayMonth: c.day.month()",
      "sentHour: c.sent.hourOfDay()",
      "sentWeekday: c.sent.dayOfWeek()",
      "sentMonth: c.sent.month()",
      "active: c.active",
      'loan amount ___: c["loan amount (€)"]',
    ]);
  });

  it("that would be numbers but for a mistake are left out, and the mistake is named", () => {
    const size = rows((row) => (row === 7 ? "12O" : String(row % 40)));
    const { text } = draft({ score, size: ["category", size], answer }, { target: "answer" });
    expect(text).toContain(
      '// size is left out: it holds numbers but for "12O" in line 9 of a.csv: correct it',
    );
    const mixed = rows((row) => (row % 4 ? String(row % 40) : "none"));
    expect(roles({ mixed: ["category", mixed] })).toMatchObject({ mixed: "feature" });
  });

  it("must leave something to learn from", () => {
    expect(() => draft({ id: ["category", rows((row) => `c${row}`)], answer }, { target: "answer" })).toThrow(
      "no column that a model could learn from",
    );
  });
});

describe("the split", () => {
  const when: readonly [ColumnType, Values] = ["timestamp", rows((row) => row * 86_400_000)];

  it("goes by time where there is one", () => {
    expect(draft({ score, when, answer }, { target: "answer", suggestedTime: "when" }).text).toContain(
      "split: byTime({ evaluateFrom: { share: 0.2 }, validateShare: 0.1 })",
    );
    expect(draft({ score, when, answer }, { target: "answer", time: "when" }).text).toContain('time: "when"');
  });

  it("keeps the rows of one key together", () => {
    const user_id: readonly [ColumnType, Values] = ["category", rows((row) => `u${row % 90}`)];
    const { project, text } = draft({ score, user_id, answer }, { target: "answer" });
    expect(text).toContain('split: byHash({ key: "user_id"');
    expect(project.features.map(({ name }) => name)).toEqual(["score"]);
  });

  it("is random otherwise", () => {
    expect(draft({ score, answer }, { target: "answer" }).text).toContain("split: byRandom(");
  });

  it("refuses a time column that is none", () => {
    const bad = (
      columns: Readonly<Record<string, readonly [ColumnType, Values]>>,
      time: string,
      message: string,
    ) =>
      expect(() => draft({ score, when, ...columns, answer }, { target: "answer", time })).toThrow(message);
    bad({}, "score", "holds numbers, not times");
    bad({}, "answer", "is the target");
    bad({}, "wen", 'no column "wen"');
    bad({ gap: ["timestamp", rows((row) => (row ? row : null))] }, "gap", "missing in 1 rows");
  });
});

/** Runs the text with a language that only writes down what is asked of it. */
function evaluate(text: string): { columns: string[]; features: unknown[] } {
  const body = text.replace(/^import .*$/m, "").replaceAll(/^export const /gm, "const ");
  const named = /^import \{ (.*) \} from "slipway";$/m.exec(text)![1]!.split(", ");
  let columns: string[] = [];
  let features: unknown[] = [];
  const record = new Proxy({}, { get: (_target, name) => ({ is: () => name, name }) });
  const language: Record<string, unknown> = {
    dataset: (spec: { columns: object }) => {
      columns = Object.keys(spec.columns);
    },
    model: (spec: {
      features: (c: object) => Record<string, { name: string }>;
      target: (row: object) => unknown;
    }) => {
      features = Object.values(spec.features(record)).map(({ name }) => name);
      spec.target(record);
    },
  };
  new Function(...named, `"use strict";${body}`)(...named.map((name) => language[name] ?? (() => ({}))));
  return { columns, features };
}

describe("the text", () => {
  it("says what was meant and does nothing else, whatever the names and values are", () => {
    const nasty = fc.oneof(
      fc.string({ unit: "binary", minLength: 1, maxLength: 12 }),
      fc.constantFrom(
        "__proto__",
        "constructor",
        "*/ boom() //",
        "\u2028boom()",
        "\n boom()",
        "`$`$&$1",
        '"\\',
        "class",
      ),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(nasty, { minLength: 3, maxLength: 3 }),
        nasty,
        ([name, other, goal], value) => {
          fc.pre(value.trim() !== "" && value !== "no");
          const { text } = draft(
            {
              [`c${name}`]: ["category", rows((row) => `${value}${row % 3}`)],
              [`f${other}`]: score,
              [`t${goal}`]: ["category", rows((row) => (scattered(row * 3 + 1) > 0.7 ? value : "no"))],
            },
            { target: `t${goal}` },
          );
          expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\p{Zl}|\p{Zp}/u);
          const { columns, features } = evaluate(text);
          expect(columns).toEqual([`c${name}`, `f${other}`, `t${goal}`]);
          expect(features).toEqual([`c${name}`, `f${other}`]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("begins with a few limits that its own rows keep", () => {
    const same: readonly [ColumnType, Values] = ["category", rows(() => "x")];
    const kind: readonly [ColumnType, Values] = [
      "category",
      rows((row) => ["b", 'a"', null][row % 3] ?? null),
    ];
    const many: readonly [ColumnType, Values] = ["category", rows((row) => `v${row % 9}`)];
    const signed: readonly [ColumnType, Values] = ["float", rows((row) => scattered(row) - 0.5)];
    const { text } = draft({ same, kind, many, score, signed, answer }, { target: "answer" });
    expect(text).toContain(`  checks: {
    rows: { min: 200 }, // a file that was cut off
    rowsOfPrevious: { min: 0.5, max: 2 },
    unexpectedColumns: { allowed: ["same"] },
    columns: {
      kind: { domain: { values: ["a\\"", "b"], severity: "warning" }, drift: { lInfinity: 0.1 } },
      score: { range: { min: 0, severity: "warning" } },
    },
  },
});
`);
  });

  it("keeps its lines short", () => {
    const long: readonly [ColumnType, Values] = [
      "category",
      rows((row) => `${"a long value ".repeat(6)}${row % 5}`),
    ];
    const { text } = draft({ score, long, answer }, { target: "answer" });
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(115);
  });
});
