import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import { predict, repository, scratchFolder, slipway, slipwayJson, slipwayUp } from "./command.ts";

interface Case {
  readonly title: string;
  readonly file: string | undefined;
  readonly target: string;
  readonly options?: readonly string[];
  readonly task: "binary" | "regression";
  /** A metric and the bound that any sensible model keeps. */
  readonly metric: string;
  readonly at: { readonly least?: number; readonly most?: number };
}

const cases: readonly Case[] = [
  {
    title: "the weather of the README",
    file: join(repository, "node_modules/vega-datasets/data/seattle-weather.csv"),
    target: "temp_max",
    task: "regression",
    metric: "rmse",
    at: { most: 4.5 },
  },
  {
    title: "telco churn",
    file: sharedData("telco-churn/Telco-Customer-Churn.csv"),
    target: "Churn",
    task: "binary",
    metric: "auc",
    at: { least: 0.8 },
  },
  {
    title: "adult census",
    file: sharedData("adult-census/AdultCensusIncomeOriginal.csv"),
    target: "income",
    task: "binary",
    metric: "auc",
    at: { least: 0.9 },
  },
  {
    title: "California housing",
    file: sharedData("california-housing/housing.csv"),
    target: "median_house_value",
    task: "regression",
    metric: "rmse",
    at: { most: 60_000 },
  },
  {
    title: "Upworthy headlines",
    file: sharedData("upworthy/upworthy_packages.csv"),
    target: "clicks",
    task: "regression",
    metric: "r2",
    at: { least: 0.3 },
  },
];

describe("init → train → up → curl, by these commands alone", () => {
  for (const one of cases) {
    it.skipIf(one.file === undefined)(one.title, async () => {
      const folder = scratchFolder("three-commands");
      afterAll(folder.remove);
      const cwd = folder.path;
      const init = await slipway(
        ["init", "--from", one.file ?? "", "--target", one.target, ...(one.options ?? [])],
        { cwd },
      );
      expect(init, init.stderr).toMatchObject({ code: 0 });

      const { models } = await slipwayJson<OperationOutput<"models.list">>(["models"], { cwd });
      const model = models[0]?.name ?? "";
      const trained = await slipwayJson<OperationOutput<"train">>(["train"], { cwd });
      expect(trained).toMatchObject({
        model,
        version: 1,
        status: "accepted",
        champion: true,
        task: one.task,
      });
      const value = trained.evaluation.metrics.find(({ name }) => name === one.metric)?.value ?? Number.NaN;
      expect(value).toBeGreaterThanOrEqual(one.at.least ?? Number.NEGATIVE_INFINITY);
      expect(value).toBeLessThanOrEqual(one.at.most ?? Number.POSITIVE_INFINITY);

      const server = await slipwayUp({ cwd });
      try {
        const detail = await slipwayJson<OperationOutput<"models.show">>(["model", "show", model], { cwd });
        const record = Object.fromEntries(detail.inputs.map(({ name, type }) => [name, exampleValue(type)]));
        const answer = await predict(server.predictions, model, { instances: [record] });
        expect(answer, JSON.stringify(answer.body)).toMatchObject({
          status: 200,
          body: { predictions: [expect.any(Number)] },
        });
        const id = answer.headers.get("x-slipway-prediction-id") ?? "";
        const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", id], { cwd });
        expect(replayed).toMatchObject({ predictions: 1, identical: 1 });
        const { [detail.inputs[0]?.name ?? ""]: _, ...incomplete } = record;
        const refused = await predict(server.predictions, model, { instances: [record, incomplete] });
        expect(refused.status).toBe(400);
        expect(refused.body.error).toContain(detail.inputs[0]?.name);
      } finally {
        expect(await server.stop()).toBe(0);
      }
    });
  }
});

function exampleValue(type: string): unknown {
  const examples: Readonly<Record<string, unknown>> = {
    int: 3,
    float: 2.5,
    bool: true,
    timestamp: "2015-06-01T00:00:00Z",
    category: "sun",
    text: "A short text",
  };
  return examples[type];
}
