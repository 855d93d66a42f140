import type { Forest } from "../forest.ts";
import { type Ensemble, type EnsembleTask, type Link, splitKinds } from "./ensemble.ts";

/**
 * Several forests over the same features as one ensemble: forest i adds up to sum i, in the order of its trees.
 *
 * @param forests at least one
 */
export function forestsAsEnsemble(
  forests: readonly Forest[],
  as: { readonly task: EnsembleTask; readonly link: Link },
): Ensemble {
  const { features } = forests[0]!;
  const floats = (pick: (forest: Forest) => Float64Array) => Float64Array.from(forests.flatMap(spread(pick)));
  const integers = (pick: (forest: Forest) => Int32Array) => Int32Array.from(forests.flatMap(spread(pick)));
  const nodeFeature = integers((forest) => forest.nodeFeature);
  const leafCover = floats((forest) => forest.leafCover);
  return {
    task: as.task,
    features,
    arithmetic: "float64",
    base: Float64Array.from(forests, ({ base }) => base),
    baseIs: "first",
    aggregate: "sum",
    divisor: 1,
    link: as.link,
    treeNodes: joinedOffsets(forests, (forest) => forest.treeNodes),
    treeLeaves: joinedOffsets(forests, (forest) => forest.treeLeaves),
    nodeKind: Uint8Array.from(nodeFeature, (feature) =>
      features[feature]!.kind === "numeric" ? splitKinds.atMost : splitKinds.category,
    ),
    nodeFeature,
    nodeMissingLeft: Uint8Array.from(forests.flatMap(spread((forest) => forest.nodeMissingLeft))),
    nodeThreshold: floats((forest) => forest.nodeThreshold),
    nodeLeft: integers((forest) => forest.nodeLeft),
    nodeRight: integers((forest) => forest.nodeRight),
    nodeCategories: joinedOffsets(forests, (forest) => forest.nodeCategories),
    categoryWords: Uint32Array.from(forests.flatMap(spread((forest) => forest.categoryWords))),
    nodeMembers: new Int32Array(nodeFeature.length + 1),
    memberValues: new Float64Array(0),
    leafEntries: Int32Array.from({ length: leafCover.length + 1 }, (_, leaf) => leaf),
    entrySum: Int32Array.from(forests.flatMap(({ leafValue }, sum) => [...leafValue].fill(sum))),
    entryValue: floats((forest) => forest.leafValue),
    leafCover,
  };
}

function spread(pick: (forest: Forest) => Iterable<number>): (forest: Forest) => number[] {
  return (forest) => [...pick(forest)];
}

/** 0, …, end of the first, …, end of all. */
function joinedOffsets(forests: readonly Forest[], pick: (forest: Forest) => Int32Array): Int32Array {
  const joined = [0];
  for (const forest of forests) {
    const start = joined.at(-1)!;
    for (const offset of pick(forest).subarray(1)) joined.push(start + offset);
  }
  return Int32Array.from(joined);
}
