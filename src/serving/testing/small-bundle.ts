import { writeBundle } from "../../bundle/index.ts";
import { compilePlan, type FeatureSpec, fitPlan } from "../../features/index.ts";
import { encodeForest, type Forest } from "../../inference/index.ts";
import type { Digest, FeatureColumn, Table } from "../../kernel/index.ts";
import type { BlobStore } from "../../storage/index.ts";
import type { RoutingSnapshot } from "../routing.ts";

/** Twelve flights to fit the features of the small models on. */
const TABLE: Table = {
  rowCount: 12,
  columns: new Map([
    [
      "date",
      { kind: "number", values: Float64Array.from({ length: 12 }, (_, i) => 986_000_000_000 + i * 9e6) },
    ],
    ["distance", { kind: "number", values: Float64Array.from({ length: 12 }, (_, i) => 100 + i * 211) }],
    ["miles", { kind: "number", values: Float64Array.from({ length: 12 }, (_, i) => 62.25 + i * 131.5) }],
    ["nonstop", { kind: "number", values: Float64Array.from({ length: 12 }, (_, i) => i % 2) }],
    [
      "origin",
      {
        kind: "string",
        codes: Int32Array.from({ length: 12 }, (_, i) => i % 3),
        dictionary: ["ATL", "DFW", "ORD"],
      },
    ],
  ]),
};

const SPEC: FeatureSpec = {
  columns: { date: "timestamp", distance: "int", miles: "float", nonstop: "bool", origin: "category" },
  features: {
    hour: { op: "hourOfDay", args: [{ op: "column", name: "date" }] },
    distance: { op: "column", name: "distance" },
    logMiles: { op: "log1p", args: [{ op: "column", name: "miles" }] },
    nonstop: { op: "column", name: "nonstop" },
    origin: { op: "column", name: "origin" },
  },
};

const ONE_COLUMN: FeatureSpec = {
  columns: { distance: "int" },
  features: { distance: { op: "column", name: "distance" } },
};

export interface SmallBundle {
  /** Added to every prediction, so that bundles differ. */
  readonly base: number;
  readonly task?: "binary" | "regression";
  /** A model that reads `distance` alone. */
  readonly oneColumn?: boolean;
}

/** A real bundle, made by the real rooms, with a forest small enough to write by hand. */
export async function writeSmallBundle(blobs: BlobStore, options: SmallBundle): Promise<Digest> {
  const { base, task = "binary", oneColumn = false } = options;
  const { plan } = fitPlan(oneColumn ? ONE_COLUMN : SPEC, TABLE, { seed: 7 });
  const kernel = compilePlan(plan);
  const { digest } = await writeBundle(blobs, {
    engine: "forest",
    model: encodeForest(stumps(kernel.outputs, { base, task })),
    plan,
    signature: { inputs: kernel.inputs, output: { name: "late", task } },
    profile: {},
  });
  return digest;
}

/** One split on each numeric feature: at 500, 1,000, … in the order of the features. */
function stumps(
  features: readonly FeatureColumn[],
  { base, task }: Required<Pick<SmallBundle, "base" | "task">>,
): Forest {
  const numeric = features.flatMap(({ kind }, index) => (kind === "numeric" ? [index] : []));
  const trees = numeric.length;
  return {
    task,
    features,
    base,
    treeNodes: Int32Array.from({ length: trees + 1 }, (_, tree) => tree),
    treeLeaves: Int32Array.from({ length: trees + 1 }, (_, tree) => tree * 2),
    nodeFeature: Int32Array.from(numeric),
    nodeMissingLeft: new Uint8Array(trees).fill(1),
    nodeThreshold: Float64Array.from({ length: trees }, (_, tree) => [11, 500, 6.25, 0.5][tree] ?? 0),
    nodeLeft: new Int32Array(trees).fill(-1),
    nodeRight: new Int32Array(trees).fill(-2),
    nodeCategories: new Int32Array(trees + 1),
    categoryWords: new Uint32Array(0),
    leafValue: Float64Array.from(
      { length: trees * 2 },
      (_, leaf) => (leaf % 2 === 0 ? -0.1 : 0.1) * (leaf + 1),
    ),
    leafCover: new Float64Array(trees * 2).fill(6),
  };
}

/** A record that the small model answers. */
export const FLIGHT = {
  date: "2001-06-03T10:15:00Z",
  distance: 1234,
  miles: 766.8,
  nonstop: true,
  origin: "ATL",
} as const;

/** A routing snapshot with one model. */
export function routingOf(
  generation: number,
  versions: readonly Digest[],
  { name = "late", champion = versions.length }: { name?: string; champion?: number } = {},
): RoutingSnapshot {
  return {
    format: "slipway.routing/1",
    generation,
    models: [{ name, champion, versions: versions.map((bundle, index) => ({ version: index + 1, bundle })) }],
  };
}
