import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { writeGraph } from "../../src/inference/testing/write-graph.ts";
import type { OperationOutput } from "../../src/wire/index.ts";
import { slipwayJson, slipwayUp } from "../acceptance/command.ts";
import { model, recordOf, type SoakProject, trainChampion, writeProject } from "./project.ts";
import { clientOf, killAllOf, requireLogged } from "./running-project.ts";
import { between, type LoadedModel, p99, startTimedLoad, type TimedAnswer } from "./timed-load.ts";

/** A deployment, from its call to its acknowledgement. */
interface Deployment {
  readonly model: string;
  readonly version: number;
  readonly calledAt: number;
  readonly acknowledgedAt: number;
}

/**
 * Swaps the champions of a forest and of an ONNX graph again and again while two workers answer a constant load: no request may
 * fail, and none that is sent after a deployment was acknowledged may be answered by the version before.
 */
export async function swapUnderLoad({
  swaps,
  quietMs,
  perSecond,
}: {
  readonly swaps: number;
  /** How long there is load without swaps, before and after them. */
  readonly quietMs: number;
  readonly perSecond: number;
}): Promise<string> {
  const project = writeProject(4_000);
  try {
    await trainChampion(project);
    await trainAnother(project);
    for (const slope of [2, 3]) await importGraph(project, slope);
    const server = await slipwayUp({ cwd: project.path, args: ["--workers", "2", "--max-workers", "2"] });
    const client = clientOf(project);
    const load = startTimedLoad({
      base: server.predictions,
      models: both,
      perSecond,
      connections: 16,
      retry: false,
    });
    const deployments: Deployment[] = [];
    const quiet: [number, number][] = [];
    let swapping: [number, number] = [0, 0];
    const beQuiet = async () => {
      const from = performance.now();
      await pause(quietMs);
      quiet.push([from, performance.now()]);
    };
    try {
      await pause(1_000);
      await beQuiet();
      const from = performance.now();
      for (let swap = 0; swap < swaps; swap++) {
        const wanted = {
          model: swap % 2 === 0 ? model : graph,
          version: 1 + ((swap >> 1) % 2 === 0 ? 1 : 0),
        };
        const calledAt = performance.now();
        const { takenUp } = await client.call("deploy", { ...wanted, reason: "soak", force: false });
        deployments.push({ ...wanted, calledAt, acknowledgedAt: performance.now() });
        assert.deepEqual(takenUp, { workers: 2, behind: [], problems: [] });
      }
      swapping = [from, performance.now()];
      await beQuiet();
    } finally {
      await load.stop();
      await server.stop();
    }
    const { answers, failed } = load;
    assert.deepEqual(failed.slice(0, 3), [], `${failed.length} requests failed`);
    const wrong = wrongVersions(answers, deployments);
    assert.deepEqual(
      wrong.slice(0, 3),
      [],
      `${wrong.length} answers came from a version that was not served any more`,
    );
    const logged = await requireLogged(
      project,
      answers.map(({ id }) => id),
    );
    const during = p99(between(answers, swapping));
    const without = p99(quiet.flatMap((span) => between(answers, span)));
    const each = (swapping[1] - swapping[0]) / swaps;
    return `${swaps} swaps, ${each.toFixed(0)} ms each until both workers served; ${logged.toLocaleString("en")} answers, 0 failed, 0 of a wrong version, all logged; p99 ${during.toFixed(1)} ms during swaps, ${without.toFixed(1)} ms without: ratio ${(during / without).toFixed(2)} (wanted ≤ 2)`;
  } finally {
    killAllOf(project);
    project.remove();
  }
}

/**
 * Answers of a version that no deployment allowed: the last one acknowledged before a request was sent is allowed, and each
 * that was on its way while the request was.
 */
export function wrongVersions(
  answers: readonly Pick<TimedAnswer, "model" | "version" | "sentAt" | "doneAt">[],
  deployments: readonly Deployment[],
): readonly string[] {
  const wrong: string[] = [];
  for (const { model, version, sentAt, doneAt } of answers) {
    const own = deployments.filter((deployment) => deployment.model === model);
    const before = own.findLast(({ acknowledgedAt }) => acknowledgedAt <= sentAt);
    const meanwhile = own.filter(
      ({ calledAt, acknowledgedAt }) => acknowledgedAt > sentAt && calledAt <= doneAt,
    );
    const allowed = [before?.version ?? 1, ...meanwhile.map((deployment) => deployment.version)];
    if (!allowed.includes(version))
      wrong.push(`${model} v${version} where ${allowed.join(" or ")} was served`);
  }
  return wrong;
}

export const graph = "slope";

/** The forest and the graph in turn. */
export const both: readonly LoadedModel[] = [
  { model, instances: (number) => [recordOf(number)] },
  { model: graph, instances: (number) => [{ x: [number % 100, 1] }] },
];

/** Another version of the model: the config with fewer trees. */
export async function trainAnother(project: SoakProject): Promise<void> {
  const config = join(project.path, "slipway.config.ts");
  writeFileSync(config, readFileSync(config, "utf8").replace(/trees: \d+/, "trees: 40"));
  const { version } = await slipwayJson<OperationOutput<"train">>(["train"], { cwd: project.path });
  assert.equal(version, 2);
}

/** A version of a graph of one number for rows of two: `slope` · x − y. */
export async function importGraph(project: SoakProject, slope: number): Promise<void> {
  const file = join(project.path, `slope-${slope}.onnx`);
  const bytes = writeGraph({
    inputs: [{ name: "x", type: "float", shape: ["n", 2] }],
    outputs: [{ name: "y", type: "float", shape: ["n", 1] }],
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
    constants: [{ name: "w", shape: [2, 1], values: Float32Array.of(slope, -1) }],
  });
  writeFileSync(file, bytes);
  await slipwayJson(["model", "import", file, "--name", graph], { cwd: project.path });
}
