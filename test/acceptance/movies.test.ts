import { cpSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { sharedData } from "../shared-data.ts";
import { predict, type RunningServer, repository, scratchFolder, slipwayJson, slipwayUp } from "./command.ts";

/** examples/movies, as its reader would run it. */
const file = sharedData("movielens-latest-small/ratings.csv");

interface Recommended {
  readonly recommendations: readonly { readonly item: string; readonly score: number }[];
  readonly candidates: number;
}

describe.skipIf(file === undefined)("a recommender of movies", () => {
  const folder = scratchFolder("movies");
  const options = { cwd: folder.path, env: { MOVIELENS: dirname(file ?? "") } };
  let server: RunningServer;
  beforeAll(async () => {
    cpSync(join(repository, "examples/movies/slipway.config.ts"), join(folder.path, "slipway.config.ts"));
    const trained = await slipwayJson<OperationOutput<"train">>(["train"], options);
    expect(trained).toMatchObject({ version: 1, status: "accepted" });
    server = await slipwayUp(options);
  });
  afterAll(async () => {
    await server?.stop();
    folder.remove();
  });

  async function recommend(
    body: object,
  ): Promise<Recommended & { readonly id: string; readonly sequence: number }> {
    const response = await fetch(`${server.predictions}/v1/models/liked:recommend`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    expect(response.status, answer).toBe(200);
    return {
      ...(JSON.parse(answer) as Recommended),
      id: response.headers.get("x-slipway-prediction-id") ?? "",
      sequence: Number(response.headers.get("x-slipway-stream-sequence")),
    };
  }

  /** The user rates a movie: the server is told that it happened, and what it was. */
  async function rate(
    userId: string,
    movieId: string,
    given: { timestamp: string; rating: number },
  ): Promise<void> {
    const { timestamp, rating } = given;
    const { status, headers } = await predict(server.predictions, "liked", {
      instances: [{ userId, movieId, timestamp }],
    });
    expect(status).toBe(200);
    const feedback = await fetch(`${server.predictions}/v1/feedback`, {
      method: "POST",
      body: JSON.stringify({
        predictionId: headers.get("x-slipway-prediction-id"),
        name: "rating",
        value: rating,
        at: timestamp,
      }),
    });
    expect(feedback.status, await feedback.text()).toBe(200);
  }

  it("names the best of all movies, with the scores of single predictions", async () => {
    const context = { userId: "1", timestamp: "2018-10-01T00:00:00Z" };
    const best = await recommend({ context, n: 20 });
    expect(best.candidates).toBe(9_724);
    const scores = best.recommendations.map(({ score }) => score);
    expect(scores).toHaveLength(20);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    const instances = best.recommendations.map(({ item }) => ({ ...context, movieId: item }));
    const { body } = await predict(server.predictions, "liked", { instances });
    expect(body.predictions).toEqual(scores);
    const others = await recommend({ context, n: 20, exclude: best.recommendations.map(({ item }) => item) });
    expect(others.candidates).toBe(9_704);
    expect(others.recommendations[0]!.score).toBeLessThanOrEqual(scores.at(-1)!);
  });

  it("learns from what a user says, within moments", async () => {
    const context = { userId: "a newcomer", timestamp: "2018-10-01T01:00:00Z" };
    const before = await recommend({ context, n: 5 });
    for (const [at, movieId] of ["1", "2", "3", "260", "318"].entries()) {
      await rate("a newcomer", movieId, { timestamp: `2018-10-01T00:0${at}:00Z`, rating: 0.5 });
    }
    const isHumbled = ({ recommendations }: Recommended): boolean =>
      recommendations[0]!.score < before.recommendations[0]!.score - 0.1;
    let after = await recommend({ context, n: 5 });
    // Five rows and five labels; what came first may already have said enough.
    const isWhole = (): boolean => isHumbled(after) && after.sequence >= before.sequence + 10;
    for (let tries = 0; tries < 400 && !isWhole(); tries++) {
      await pause(250);
      after = await recommend({ context, n: 5 });
    }
    expect(isHumbled(after), JSON.stringify([before, after])).toBe(true);
    expect(after.sequence).toBeGreaterThanOrEqual(before.sequence + 10);
  });

  it("is replayed from its id: the request, all candidates and the past", async () => {
    const { id } = await recommend({ context: { userId: "7", timestamp: "2018-10-03T00:00:00Z" }, n: 3 });
    const one = await slipwayJson<OperationOutput<"replay">>(["replay", id, "--recompute-windows"], options);
    expect(one).toMatchObject({ predictions: 3, identical: 3, windows: { recomputed: 3, unavailable: 0 } });
    const all = await slipwayJson<OperationOutput<"replay">>(
      ["replay", "--all", "--recompute-windows"],
      options,
    );
    expect(all.identical).toBe(all.predictions);
    expect(all.predictions).toBeGreaterThan(60);
  });

  it("is the same bundle when it is made again", async () => {
    const verdict = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", "liked@1"], options);
    expect(verdict).toMatchObject({ verdict: "identical", differences: [] });
  });
});
