import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { type FeatureColumn, selectRows, type Table, type TableColumn } from "../../src/kernel/index.ts";
import type { TrainingSet } from "../../src/training/index.ts";
import { sharedData } from "../../test/shared-data.ts";
import type { Aim, BenchMatrix } from "./matrix-file.ts";

/** How a data set becomes a matrix: SQL that yields numbers and texts, the target last as `target`. */
interface Source extends Aim {
  readonly name: string;
  readonly sql: string;
  /** Which rows are for testing; by row number. */
  readonly isTest: (row: number, rows: number) => boolean;
}

const everyFifth = (row: number): boolean => row % 5 === 4;

/** The data sets of the comparison that are there: the flights always, the others where the shared data lie. */
export async function benchMatrices(): Promise<BenchMatrix[]> {
  return await Promise.all(sources().map(load));
}

function sources(): Source[] {
  const require = createRequire(import.meta.url);
  const flights = join(dirname(require.resolve("vega-datasets")), "../data/flights-3m.parquet");
  const adult = ["AdultCensusIncomeOriginal.csv", "adult-test.csv"].map((file) =>
    sharedData(`adult-census/${file}`),
  );
  const telco = sharedData("telco-churn/Telco-Customer-Churn.csv");
  const housing = sharedData("california-housing/housing.csv");
  const all: (Source | undefined)[] = [
    {
      name: "flights-1m",
      task: "binary",
      sql: `SELECT hour(date) + minute(date) / 60 AS hour, isodow(date) AS weekday, distance, origin, destination,
              (delay > 15)::INT AS target
            FROM (SELECT * FROM '${flights}' LIMIT 1250000)`,
      isTest: everyFifth,
    },
    adult[0] && adult[1]
      ? {
          name: "adult-census",
          task: "binary",
          sql: `SELECT * EXCLUDE (income, education_num), education_num::DOUBLE AS years,
                  (trim(income) LIKE '>50K%')::INT AS target
                FROM read_csv(['${adult[0]}', '${adult[1]}'], header = false, skip = 1, nullstr = ' ?', all_varchar = false,
                  names = ['age', 'workclass', 'fnlwgt', 'education', 'education_num', 'marital', 'occupation',
                           'relationship', 'race', 'sex', 'gain', 'loss', 'hours', 'country', 'income'])
                WHERE income IS NOT NULL`,
          isTest: (row) => row >= 32_561,
        }
      : undefined,
    telco
      ? {
          name: "telco-churn",
          task: "binary",
          sql: `SELECT * EXCLUDE (customerID, TotalCharges, Churn), try_cast(trim(TotalCharges) AS DOUBLE) AS total,
                  (Churn = 'Yes')::INT AS target
                FROM read_csv('${telco}', types = {'TotalCharges': 'VARCHAR'})`,
          isTest: everyFifth,
        }
      : undefined,
    housing
      ? {
          name: "california-housing",
          task: "regression",
          sql: `SELECT * EXCLUDE (median_house_value), median_house_value::DOUBLE AS target FROM read_csv('${housing}')`,
          isTest: everyFifth,
        }
      : undefined,
  ];
  return all.filter((source) => source !== undefined);
}

/** The objectives beyond log-loss and squared errors, on the real data that suit them; none without the shared data. */
export async function objectiveMatrices(): Promise<BenchMatrix[]> {
  return await Promise.all(objectiveSources().map(load));
}

function objectiveSources(): Source[] {
  // LightGBM's examples are split anew: on the 500 rows of their own test files, 1 % is within chance.
  const example = (folder: string, name: string, endings: readonly string[]) =>
    endings.map((ending) => sharedData(`lightgbm-examples/${folder}/${name}.${ending}`));
  const read = (file: string) => `read_csv('${file}', header = false, delim = '\t', all_varchar = false)`;
  const multiclass = example("multiclass_classification", "multiclass", ["train", "test"]);
  const binary = example("binary_classification", "binary", ["train", "test", "train.weight", "test.weight"]);
  const regression = example("regression", "regression", ["train", "test"]);
  const hours = sharedData("bike-sharing/hour.csv");
  const ratings = `SELECT * EXCLUDE (column00), column00::DOUBLE AS target FROM`;
  const weighted = (file: string, weights: string) =>
    `(SELECT r.*, w.column0 AS weight FROM ${read(file)} r POSITIONAL JOIN read_csv('${weights}', header = false) w)`;
  const rides = `SELECT mnth, hr, weekday, workingday, holiday, weathersit, temp, atemp, hum, windspeed, cnt::DOUBLE AS target
                 FROM read_csv('${hours}')`;
  const bikes: Source[] = hours
    ? [
        {
          name: "bike-hours, Poisson",
          task: "regression",
          objective: { ours: { objective: "poisson" }, theirs: { objective: "poisson" } },
          metric: "poissonDeviance",
          sql: rides,
          isTest: everyFifth,
        },
        ...[0.1, 0.9].map(
          (alpha): Source => ({
            name: `bike-hours, quantile ${alpha}`,
            task: "regression",
            objective: {
              ours: { objective: "quantile", alpha },
              theirs: { objective: "quantile", alpha },
            },
            metric: "pinball",
            sql: rides,
            isTest: everyFifth,
          }),
        ),
        {
          name: "bike-hours, absolute errors",
          task: "regression",
          objective: { ours: { objective: "absolute" }, theirs: { objective: "regression_l1" } },
          metric: "mae",
          sql: rides,
          isTest: everyFifth,
        },
        {
          name: "bike-hours, Huber",
          task: "regression",
          objective: { ours: { objective: "huber", alpha: 50 }, theirs: { objective: "huber", alpha: 50 } },
          metric: "mae",
          sql: rides,
          isTest: everyFifth,
        },
        {
          name: "bike-hours, monotone",
          task: "regression",
          objective: {
            ours: { monotone: { temp: "increasing", windspeed: "decreasing" } },
            theirs: { monotone_constraints: [0, 0, 0, 0, 0, 0, 1, 0, 0, -1] },
          },
          sql: rides,
          isTest: everyFifth,
        },
      ]
    : [];
  const all: (Source | undefined)[] = [
    multiclass[0] && multiclass[1]
      ? {
          name: "lightgbm-multiclass",
          task: "multiclass",
          classes: 5,
          sql: `${ratings} (SELECT * FROM ${read(multiclass[0])} UNION ALL SELECT * FROM ${read(multiclass[1])})`,
          isTest: everyFifth,
        }
      : undefined,
    binary[0] && binary[1] && binary[2] && binary[3]
      ? {
          name: "lightgbm-binary, weighted",
          task: "binary",
          sql: `${ratings} (SELECT * FROM ${weighted(binary[0], binary[2])}
                            UNION ALL SELECT * FROM ${weighted(binary[1], binary[3])})`,
          isTest: everyFifth,
        }
      : undefined,
    regression[0] && regression[1]
      ? {
          name: "lightgbm-regression",
          task: "regression",
          sql: `${ratings} (SELECT * FROM ${read(regression[0])} UNION ALL SELECT * FROM ${read(regression[1])})`,
          isTest: everyFifth,
        }
      : undefined,
    ...bikes,
  ];
  return all.filter((source) => source !== undefined);
}

async function load(source: Source): Promise<BenchMatrix> {
  const table = await query(source.sql);
  const rows = [...Array(table.rowCount).keys()];
  const part = (test: boolean): TrainingSet =>
    toSet(
      selectRows(table, Int32Array.from(rows.filter((row) => source.isTest(row, table.rowCount) === test))),
    );
  const { sql: _sql, isTest: _isTest, ...aim } = source;
  return { ...aim, train: part(false), test: part(true) };
}

async function query(sql: string): Promise<Table> {
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  const result = await connection.runAndReadAll(sql);
  const names = result.columnNames();
  const columns = new Map<string, TableColumn>();
  for (const [i, values] of result.getColumnsJS().entries()) columns.set(names[i]!, toColumn(values));
  connection.closeSync();
  return { rowCount: result.currentRowCount, columns };
}

function toColumn(values: readonly unknown[]): TableColumn {
  if (!values.some((value) => typeof value === "string" || typeof value === "boolean")) {
    return {
      kind: "number",
      values: Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value))),
    };
  }
  const dictionary = [...new Set(values.filter((value) => value !== null).map(String))].sort();
  const codes = new Map(dictionary.map((text, code) => [text, code]));
  return {
    kind: "string",
    dictionary,
    codes: Int32Array.from(values, (value) => (value === null ? -1 : codes.get(String(value))!)),
  };
}

function toSet(table: Table): TrainingSet {
  const columns: FeatureColumn[] = [];
  const values: Float64Array[] = [];
  let target: Float64Array | undefined;
  let weights: Float64Array | undefined;
  for (const [name, column] of table.columns) {
    if (name === "target" && column.kind === "number") target = column.values;
    else if (name === "weight" && column.kind === "number") weights = column.values;
    else if (column.kind === "number") {
      columns.push({ name, kind: "numeric", cardinality: 0 });
      values.push(column.values);
    } else {
      columns.push({ name, kind: "categorical", cardinality: column.dictionary.length });
      values.push(Float64Array.from(column.codes, (code) => (code < 0 ? Number.NaN : code)));
    }
  }
  if (target === undefined) throw new Error("the query of a bench data set yields no target");
  const matrix = { rowCount: table.rowCount, columns, values };
  return { matrix, target, ...(weights === undefined ? {} : { weights }) };
}
