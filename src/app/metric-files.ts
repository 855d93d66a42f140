import { readdirSync, rmSync } from "node:fs";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../kernel/index.ts";
import { type MetricSample, type MetricSnapshot, outlivesWorker, sumSamples } from "../telemetry/index.ts";
import { isNotFound, writeFileAtomically } from "./atomic-file.ts";
import { isAlive } from "./worker-status.ts";

/** What the workers of a machine have counted: a file for each, and one for all that have ended. */
export interface MachineMetrics {
  /** Of every worker whose counts are not in `retired`, dead ones included. */
  readonly snapshots: readonly MetricSnapshot[];
  readonly retired: readonly MetricSample[];
}

interface Retired {
  /** The workers whose counts are in it; their files, if they are still there, do not count. */
  readonly incarnations: readonly string[];
  readonly samples: readonly MetricSample[];
}

const RETIRED = "retired.json";
const NOTHING_RETIRED: Retired = { incarnations: [], samples: [] };
/** Remembered for readers that listed a file before it was removed. */
const REMEMBERED_INCARNATIONS = 256;
/** A process with the id of a worker that has not written for this long is another one. */
const LOST_MS = 10 * 60_000;
const STALE_MS = 10_000;

/** Replaces a worker's file; not flushed to the disk, which a loss of power may cost some counts. */
export async function writeMetricSnapshot(directory: string, snapshot: MetricSnapshot): Promise<void> {
  const path = join(directory, `${snapshot.incarnation}.json`);
  const draft = `${path}.tmp`;
  await writeFile(draft, JSON.stringify(snapshot), { mode: 0o600 });
  await rename(draft, path);
}

export async function readMachineMetrics(directory: string): Promise<MachineMetrics> {
  const names = await namesOf(directory);
  const snapshots = (
    await Promise.all(names.map((name) => readJson<MetricSnapshot>(join(directory, name))))
  ).filter((snapshot) => snapshot !== undefined);
  // After the files: what was removed since they were listed is in it.
  const retired = (await readJson<Retired>(join(directory, RETIRED))) ?? NOTHING_RETIRED;
  const known = new Set(retired.incarnations);
  return {
    snapshots: snapshots.filter(({ incarnation }) => !known.has(incarnation)),
    retired: retired.samples,
  };
}

/** Those that live: what describes a process is shown for them alone. */
export function isCounting({ pid, writtenAt }: MetricSnapshot, clock: Clock): boolean {
  return isAlive(pid) && clock() - writtenAt < STALE_MS;
}

/**
 * Adds the counts of ended workers to one file and removes theirs, so that counters never go back and files do not pile up.
 * For one process at a time: the supervisor.
 */
export async function retireEndedWorkers(directory: string, clock: Clock): Promise<void> {
  const before = (await readJson<Retired>(join(directory, RETIRED))) ?? NOTHING_RETIRED;
  const { snapshots } = await readMachineMetrics(directory);
  const ended = snapshots.filter(({ pid, writtenAt }) => !isAlive(pid) || clock() - writtenAt > LOST_MS);
  if (ended.length > 0) {
    const retired: Retired = {
      incarnations: [...before.incarnations, ...ended.map(({ incarnation }) => incarnation)].slice(
        -REMEMBERED_INCARNATIONS,
      ),
      samples: sumSamples(
        before.samples,
        ...ended.map(({ samples }) => samples.filter((sample) => outlivesWorker(sample))),
      ),
    };
    writeFileAtomically(join(directory, RETIRED), JSON.stringify(retired));
  }
  const known = new Set([...before.incarnations, ...ended.map(({ incarnation }) => incarnation)]);
  for (const name of await namesOf(directory))
    if (known.has(name.slice(0, -".json".length))) await rm(join(directory, name), { force: true });
}

/** Counting begins anew, as when a server is started and none was running. */
export function clearMetrics(directory: string): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { force: true });
}

async function namesOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith(".json") && name !== RETIRED);
}

/** Undefined for a file that is not there (any more). */
async function readJson<Value>(path: string): Promise<Value | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Value;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
