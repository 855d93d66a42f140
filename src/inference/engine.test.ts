import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FeatureMatrix, sigmoid } from "../kernel/index.ts";
import { type Forest, problemOf, treeCount } from "./forest.ts";
import { createForestMasks } from "./forest-masks.ts";
import { createForestWalk } from "./forest-walk.ts";
import { createForestEngine, encodeForest, openEngine } from "./index.ts";
import { randomForest, randomMatrix } from "./testing/random-forest.ts";

/** The rules of the format, word for word. */
function scoreByTheBook(forest: Forest, row: Float64Array): number {
  let score = forest.base;
  for (let tree = 0; tree < treeCount(forest); tree++) {
    const first = forest.treeNodes[tree]!;
    let child = forest.treeNodes[tree + 1] === first ? -1 : 0;
    while (child >= 0) {
      const node = first + child;
      child = goesLeft(forest, node, row) ? forest.nodeLeft[node]! : forest.nodeRight[node]!;
    }
    score += forest.leafValue[forest.treeLeaves[tree]! + ~child]!;
  }
  return score;
}

function goesLeft(forest: Forest, node: number, row: Float64Array): boolean {
  const feature = forest.nodeFeature[node]!;
  const { kind, cardinality } = forest.features[feature]!;
  const value = row[feature]!;
  const missing =
    kind === "numeric" ? Number.isNaN(value) : !Number.isInteger(value) || value < 0 || value >= cardinality;
  if (missing) return forest.nodeMissingLeft[node] === 1;
  if (kind === "numeric") return value <= forest.nodeThreshold[node]!;
  const words = forest.categoryWords.subarray(forest.nodeCategories[node]!, forest.nodeCategories[node + 1]!);
  return ((words[Math.floor(value / 32)] ?? 0) & (1 << (value % 32))) !== 0;
}

function rowOf(matrix: FeatureMatrix, row: number): Float64Array {
  return Float64Array.from(matrix.values, (values) => values[row]!);
}

const shapes = fc.record({
  seed: fc.integer(),
  trees: fc.integer({ min: 0, max: 12 }),
  mostLeaves: fc.constantFrom(1, 3, 31, 32, 33, 64, 65, 80),
});

describe("the forest engine", () => {
  it("predicts a row and a batch to the same bits, by the rules of the format", () => {
    fc.assert(
      fc.property(shapes, ({ seed, ...shape }) => {
        const forest = randomForest(seed, shape);
        expect(problemOf(forest)).toBeUndefined();
        const engine = openEngine("forest", encodeForest(forest));
        const matrix = randomMatrix(seed + 1, forest.features, 40);
        const batch = engine.predictMatrix(matrix);
        for (let i = 0; i < matrix.rowCount; i++) {
          const row = rowOf(matrix, i);
          const score = scoreByTheBook(forest, row);
          const expected = forest.task === "binary" ? sigmoid(score) : score + 0;
          expect(Object.is(engine.predictRow(row), expected)).toBe(true);
          expect(Object.is(batch[i], expected)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("scores with masks what it scores by walking", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const forest = randomForest(seed, { trees: 20, mostLeaves: seed % 2 === 0 ? 32 : 64 });
        const masks = createForestMasks(forest)!;
        const walk = createForestWalk(forest);
        const matrix = randomMatrix(seed + 1, forest.features, 20);
        for (let i = 0; i < matrix.rowCount; i++) {
          const row = rowOf(matrix, i);
          expect(Object.is(masks.scoreRow(row), walk.scoreRow(row))).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("walks where trees have more leaves than a mask has bits", () => {
    const forest = randomForest(3, { trees: 4, mostLeaves: 400 });
    expect(createForestMasks(forest)).toBeUndefined();
    const matrix = randomMatrix(4, forest.features, 1200);
    const engine = createForestEngine(forest);
    const batch = engine.predictMatrix(matrix);
    expect(Array.from({ length: 1200 }, (_, i) => engine.predictRow(rowOf(matrix, i)))).toEqual([...batch]);
  });

  it("predicts its base without trees, and never −0", () => {
    const empty = { ...randomForest(1, { trees: 0, mostLeaves: 1 }), task: "regression", base: -0 } as const;
    expect(Object.is(createForestEngine(empty).predictRow(new Float64Array(9)), 0)).toBe(true);
    const even = createForestEngine({ ...empty, task: "binary" });
    expect(even.predictRow(new Float64Array(9))).toBe(0.5);
  });

  it("refuses a matrix whose columns are not those of the model, naming the first", () => {
    const forest = randomForest(5, { trees: 2, mostLeaves: 4 });
    const engine = createForestEngine(forest);
    const matrix = randomMatrix(6, forest.features, 2);
    const renamed = { ...matrix, columns: matrix.columns.map((column) => ({ ...column, name: "other" })) };
    expect(() => engine.predictMatrix(renamed)).toThrow(/column 0 .*"other".*expects/);
    const narrower = { ...matrix, columns: matrix.columns.slice(1), values: matrix.values.slice(1) };
    expect(() => engine.predictMatrix(narrower)).toThrow(/the model expects/);
  });

  it("does not know other engines", () => {
    expect(() => openEngine("onnx", new Uint8Array(0))).toThrow('there is no engine called "onnx"');
  });
});
