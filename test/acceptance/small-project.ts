import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDigest } from "../../src/kernel/index.ts";
import { createRegistry } from "../../src/registry/index.ts";
import { openDatabase } from "../../src/storage/index.ts";
import { scratchFolder } from "./command.ts";

export interface SmallProject {
  readonly path: string;
  /** A folder for the temporary files of commands, to be passed as `TMPDIR`. */
  readonly temporary: string;
  readonly config: string;
  readonly data: string;
  /** Its text as it was written first. */
  readonly goodConfig: string;
  readonly goodData: string;
  remove(): void;
}

/** A project that trains in about a second: 300 rows of four columns. */
export function smallProject(name: string): SmallProject {
  const folder = scratchFolder(name);
  const path = join(folder.path, "project");
  const temporary = join(folder.path, "tmp");
  mkdirSync(path);
  mkdirSync(temporary);
  const config = join(path, "slipway.config.ts");
  const data = join(path, "ads.csv");
  writeFileSync(config, CONFIG);
  writeFileSync(data, DATA);
  return { path, temporary, config, data, goodConfig: CONFIG, goodData: DATA, remove: folder.remove };
}

/** A record as the model of the small project reads it. */
export const goodRecord = { at: "2023-11-15T03:12:20Z", site: "mail", price: 2.45, position: 3 } as const;

/** What a project's state holds, so that it can be compared with what it held before. */
export interface Kept {
  readonly snapshots: readonly string[];
  readonly versions: readonly string[];
  readonly aliases: readonly string[];
  readonly blobs: readonly string[];
  readonly temporaryFiles: readonly string[];
  /** Files that only a running server has. */
  readonly runningServer: readonly string[];
}

export async function whatIsKept(
  project: SmallProject,
  state = join(project.path, ".slipway"),
): Promise<Kept> {
  return {
    ...(await registered(join(state, "slipway.db"))),
    blobs: namesBelow(join(state, "blobs/sha256")).filter(isDigest).sort(),
    temporaryFiles: [
      ...namesBelow(join(state, "blobs/tmp")),
      ...namesBelow(project.temporary).filter((name) => !name.startsWith("node-compile-cache")),
      ...namesBelow(state).filter((name) => name.endsWith(".tmp")),
    ],
    runningServer: [
      ...["supervisor.json", "control.json"].filter((name) => existsSync(join(state, name))),
      ...namesBelow(join(state, "workers")),
    ],
  };
}

async function registered(path: string): Promise<Pick<Kept, "snapshots" | "versions" | "aliases">> {
  if (!existsSync(path)) return { snapshots: [], versions: [], aliases: [] };
  const database = await openDatabase({ sqlitePath: path });
  try {
    const registry = createRegistry(database, { clock: () => 0 });
    const models = await registry.models();
    const versions = await Promise.all(models.map(({ name }) => registry.versions(name)));
    const { models: routed } = await registry.routing();
    return {
      snapshots: (await registry.snapshots()).map(({ dataset, digest }) => `${dataset} ${digest}`),
      versions: versions.flat().map(({ model, version, bundle }) => `${model}@${version} ${bundle}`),
      aliases: routed.flatMap((model) =>
        Object.entries(model.aliases).map(([alias, version]) => `${model.name} ${alias} ${version}`),
      ),
    };
  } finally {
    await database.close();
  }
}

function namesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

/** Where the state keeps a file of a version's bundle. */
export function bundleFilePath(
  state: string,
  bundle: string,
  file: "model" | "features" | "signature",
): string {
  const blob = (digest: string): string => join(state, "blobs/sha256", digest.slice(0, 2), digest);
  const { files } = JSON.parse(readFileSync(blob(bundle), "utf8")) as {
    files: Record<string, { digest: string }>;
  };
  return blob(files[file]?.digest ?? "");
}

const SITES = ["news", "mail", "games"];

const DATA = [
  "at,site,price,position,clicked",
  ...Array.from({ length: 300 }, (_, row) => {
    const at = new Date(1_700_000_000_000 + row * 60_000).toISOString();
    return `${at},${SITES[row % 3]},${((row * 7) % 50) / 10},${row % 8},${row % 3 === 0 || row % 7 === 0 ? 1 : 0}`;
  }),
  "",
].join("\n");

const CONFIG = `import { byTime, csv, dataset, gbdt, model } from "slipway";

export const ads = dataset({
  source: csv("ads.csv"),
  columns: {
    at: "timestamp",
    site: "category",
    price: "float",
    position: "int",
    clicked: { type: "int", known: "after" },
  },
  time: "at",
});

export const clicked = model({
  from: ads,
  target: (row) => row.clicked.atLeast(1),
  features: (c) => ({ hour: c.at.hourOfDay(), site: c.site, price: c.price, position: c.position }),
  split: byTime({ evaluateFrom: { share: 0.2 } }),
  trainer: gbdt({ trees: 5, leaves: 4 }),
});
`;
