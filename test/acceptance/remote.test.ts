import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import { ownPostgresDatabase } from "../databases.ts";
import {
  errorOf,
  predict,
  type RunningServer,
  scratchFolder,
  slipway,
  slipwayJson,
  slipwayUp,
} from "./command.ts";
import { goodRecord, smallProject } from "./small-project.ts";

describe("commands to a server, from a folder that holds no project", () => {
  const project = smallProject("remote");
  const elsewhere = scratchFolder("elsewhere");
  const token = "a-token-that-is-long-enough";
  let server: RunningServer;
  let reach: readonly string[];

  beforeAll(async () => {
    server = await slipwayUp({ cwd: project.path, args: ["--token", token] });
    reach = ["--server", server.console, "--token", token];
  });
  afterAll(async () => {
    await server.stop();
    project.remove();
    elsewhere.remove();
  });

  const here = { cwd: elsewhere.path };
  const ask = <Answer>(...args: readonly string[]) => slipwayJson<Answer>([...args, ...reach], here);

  it("train, show, predict, replay and reproduce there", async () => {
    const trained = await ask<OperationOutput<"train">>("train", "--reason", "from afar");
    expect(trained).toMatchObject({ model: "clicked", version: 1, champion: true });
    expect(await ask("status")).toMatchObject({ running: true, project: { root: project.path } });
    expect(await ask("data", "log")).toMatchObject({ snapshots: [{ dataset: "ads", rowCount: 300 }] });
    const record = JSON.stringify(goodRecord);
    const { predictionId } = await ask<{ predictionId: string }>("predict", "--json-record", record);
    expect(await ask("replay", predictionId)).toMatchObject({ predictions: 1, identical: 1 });
    expect(await ask("reproduce", "clicked@1")).toMatchObject({ verdict: "identical" });
    const { entries } = await ask<OperationOutput<"journal">>("journal");
    expect(entries.map(({ reason }) => reason)).toContain("from afar");
  });

  it("shows the progress of what the server does", async () => {
    const { code, stderr, stdout } = await slipway(["train", ...reach], here);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/snapshot[\s\S]*train[\s\S]*evaluate[\s\S]*register/);
    expect(stdout).toContain("clicked v1");
  });

  it("also as the environment says", async () => {
    const env = { SLIPWAY_SERVER: server.console, SLIPWAY_TOKEN: token };
    const answer = await slipwayJson<OperationOutput<"models.list">>(["models"], { ...here, env });
    expect(answer.models).toMatchObject([{ name: "clicked" }]);
  });

  const refusals = [
    {
      title: "a wrong token",
      args: () => reach.with(3, "another-token-of-that-length"),
      code: "HTTP_TOKEN_WRONG",
    },
    { title: "no token", args: () => reach.slice(0, 2), code: "CLI_TOKEN_WANTED" },
    {
      title: "an address where nothing answers",
      args: () => reach.with(1, "http://127.0.0.1:9"),
      code: "CLIENT_UNREACHABLE",
    },
    {
      title: "the address of something else",
      args: () => reach.with(1, server.predictions),
      code: "CLIENT_BAD_ANSWER",
    },
  ];
  for (const { title, args, code } of refusals) {
    it(`${title} is ${code}, and the token is never repeated`, async () => {
      const finished = await slipway(["models", ...args(), "--json"], here);
      expect(finished, finished.stderr).toMatchObject({ code: 1 });
      expect(errorOf(finished)).toMatchObject({ code });
      expect(finished.stdout + finished.stderr).not.toMatch(/token-that-is|another-token/);
    });
  }

  it("an error of the server is told as one of a command here would be", async () => {
    const finished = await slipway(["model", "show", "clickt@1", ...reach, "--json"], here);
    expect(finished.code).toBe(2);
    expect(errorOf(finished)).toMatchObject({ code: "REGISTRY_UNKNOWN_MODEL" });
  });
});

const database = await ownPostgresDatabase();

describe.skipIf(database === undefined)("a project whose registry is a PostgreSQL database", () => {
  const project = smallProject("postgresql");
  const options = { cwd: project.path, env: { SLIPWAY_DATABASE_URL: database?.url ?? "" } };

  afterAll(async () => {
    project.remove();
    await database?.remove();
  });

  it("trains, serves, and serves again after a restart; nothing of it is in SQLite", async () => {
    const trained = await slipwayJson<OperationOutput<"train">>(["train"], options);
    expect(trained).toMatchObject({ version: 1, champion: true });
    const answers: unknown[] = [];
    for (const lifetime of [1, 2]) {
      const server = await slipwayUp(options);
      try {
        const status = await slipwayJson<OperationOutput<"status">>(["status"], options);
        expect(status).toMatchObject({ running: true, database: "postgresql", models: [{ state: "ready" }] });
        answers.push((await predict(server.predictions, "clicked", { instances: [goodRecord] })).body);
        expect(await slipwayJson(["replay", "--all"], options)).toMatchObject({ identical: lifetime });
      } finally {
        expect(await server.stop()).toBe(0);
      }
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(await slipwayJson(["reproduce", "clicked@1"], options)).toMatchObject({ verdict: "identical" });
    expect(() => readFileSync(join(project.path, ".slipway/slipway.db"))).toThrow("ENOENT");
  });

  it("is named when it cannot be reached, without its password", async () => {
    const env = { SLIPWAY_DATABASE_URL: "postgresql://slipway:s3cret@127.0.0.1:9/none" };
    const finished = await slipway(["models", "--json"], { ...options, env });
    expect(finished.code).toBe(1);
    expect(errorOf(finished).message).toContain("127.0.0.1:9");
    expect(finished.stdout + finished.stderr).not.toContain("s3cret");
  });
});
