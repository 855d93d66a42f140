import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { OperationOutput } from "../../src/wire/index.ts";
import {
  predict,
  type RunningServer,
  repository,
  scratchFolder,
  slipwayJson,
  slipwayUp,
} from "../acceptance/command.ts";

const example = join(repository, "examples/trainers");

function hasPython(): boolean {
  try {
    execFileSync("python3", ["-c", "import sys, venv; assert sys.version_info >= (3, 11)"], {
      stdio: "ignore",
    });
    return true;
  } catch {
    return false;
  }
}

const python = hasPython();
if (!python) console.warn("SKIPPED: examples/trainers, because there is no python3 of 3.11 or later");

const models = [
  { name: "damageTrees", made: /^\d+ trees from model\.txt \(LightGBM/ },
  { name: "damageLogistic", made: /^a graph of [\d,]+ bytes from model\.onnx$/ },
  { name: "clicked", made: /^a graph of [\d,]+ bytes from model\.onnx$/ },
] as const;

const strike = {
  "Aircraft Make Model": "B-737-300",
  "Origin State": "Texas",
  "Phase of flight": "Climb",
  "Wildlife Size": "Large",
  "Wildlife Species": "Turkey vulture",
  "Time of day": "Day",
};
/** A bright ring of five by five pixels, or a bar of three by five. */
const banner = (isLit: (x: number, y: number) => boolean) => ({
  device: "phone",
  hour: 20,
  ...Object.fromEntries(
    Array.from({ length: 64 }, (_, i) => {
      const [x, y] = [i % 8, Math.floor(i / 8)];
      return [`p${y}${x}`, x < 5 && y < 5 && isLit(x, y) ? 190 : 40];
    }),
  ),
});
const ring = banner((x, y) => x === 0 || x === 4 || y === 0 || y === 4);
const bar = banner((x) => x >= 1 && x <= 3);

describe.skipIf(!python)("the example of trainers in Python", () => {
  const scratch = scratchFolder("python");
  const environment = join(scratch.path, "venv");
  const options = {
    cwd: example,
    env: {
      PATH: `${join(environment, "bin")}:${process.env.PATH}`,
      SLIPWAY_STATE_DIR: join(scratch.path, "state"),
    },
  };
  let server: RunningServer | undefined;

  beforeAll(() => {
    execFileSync(join(example, "setup.sh"), [environment], { stdio: "inherit" });
    execFileSync(process.execPath, [join(example, "make-impressions.ts")]);
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(join(example, "impressions.csv"), { force: true });
    scratch.remove();
  });

  for (const { name, made } of models) {
    it(`${name} is trained, passes its gate and is reproduced to the last bit`, async () => {
      const trained = await slipwayJson<OperationOutput<"train">>(["train", name], options);
      expect(trained).toMatchObject({
        status: "accepted",
        champion: true,
        summary: expect.stringMatching(made),
      });
      expect(trained.importance[0]!.gain).toBeGreaterThan(0.01);
      const again = await slipwayJson<OperationOutput<"reproduce">>(["reproduce", name], options);
      expect(again).toMatchObject({ verdict: "identical", differences: [] });
    });
  }

  it("all of them answer, and what they answered is replayed", async () => {
    server = await slipwayUp(options);
    const answers = async (model: string, instances: readonly object[]): Promise<number[]> => {
      const { status, body } = await predict(server!.predictions, model, { instances });
      expect(status, JSON.stringify(body)).toBe(200);
      return body.predictions as number[];
    };
    const small = { ...strike, "Wildlife Size": "Small", "Wildlife Species": "European starling" };
    for (const model of ["damageTrees", "damageLogistic"]) {
      const [large = 0, little = 1] = await answers(model, [strike, { ...small, "Speed IAS in knots": 120 }]);
      expect(large, model).toBeGreaterThan(3 * little);
    }
    const rows = join(scratch.path, "rows.ndjson");
    const out = join(scratch.path, "predicted.ndjson");
    writeFileSync(rows, `${JSON.stringify(strike)}\n`);
    for (const model of ["damageTrees", "damageLogistic"]) {
      await slipwayJson(["predict", model, "--file", rows, "--out", out], options);
      const { prediction } = JSON.parse(readFileSync(out, "utf8"));
      expect(Math.abs(prediction - (await answers(model, [strike]))[0]!), model).toBeLessThan(1e-6);
    }
    const [onRing = 0, onBar = 1] = await answers("clicked", [ring, bar]);
    expect(onRing).toBeGreaterThan(1.3 * onBar);
    const replayed = await slipwayJson<OperationOutput<"replay">>(["replay", "--all"], options);
    expect(replayed).toMatchObject({ predictions: 8, different: 0, unavailable: 0 });
  });
});
