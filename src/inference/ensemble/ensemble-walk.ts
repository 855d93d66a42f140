import { type Ensemble, splitKinds, ZERO_UP_TO } from "./ensemble.ts";

/** Aggregates the leaves that a row reaches into its sums, in the order of the trees. */
export interface EnsembleWalk {
  /** @param row featureCount values from `offset` on; `sums` is overwritten */
  addUp(row: Float64Array, offset: number, sums: Float64Array): void;
}

export function createEnsembleWalk(ensemble: Ensemble): EnsembleWalk {
  const { nodeKind, nodeFeature, nodeThreshold, nodeMissingLeft, leafEntries, entrySum, entryValue } =
    ensemble;
  const { nodeCategories, categoryWords, nodeMembers, memberValues, base, divisor } = ensemble;
  const { left, right, roots } = globalChildren(ensemble);
  const cardinality = Int32Array.from(ensemble.features, (column) =>
    column.kind === "categorical" ? column.cardinality : -1,
  );
  const single = ensemble.arithmetic === "float32";
  const { fround } = Math;
  const isLast = ensemble.baseIs === "last";

  function goesLeft(node: number, value: number): boolean {
    switch (nodeKind[node]) {
      case splitKinds.atMostZeroMissing:
        if (!(value > ZERO_UP_TO || value < -ZERO_UP_TO)) return nodeMissingLeft[node] === 1;
        return value <= nodeThreshold[node]!;
      case splitKinds.category:
        return isInSet(node, value);
      case splitKinds.member:
        return isMember(node, value);
      default:
        return value <= nodeThreshold[node]! || (nodeMissingLeft[node] === 1 && Number.isNaN(value));
    }
  }

  function isInSet(node: number, given: number): boolean {
    const codes = cardinality[nodeFeature[node]!]!;
    if (Number.isNaN(given) || (codes >= 0 && isMissingCode(given, codes)))
      return nodeMissingLeft[node] === 1;
    const value = single ? fround(given) : given;
    // A fraction below zero is cut to category 0 by LightGBM's conversion to int; XGBoost refuses what is negative.
    if (!((single ? value >= 0 : value > -1) && value < 2_147_483_648)) return false;
    const code = Math.trunc(value);
    const word = nodeCategories[node]! + (code >>> 5);
    return word < nodeCategories[node + 1]! && ((categoryWords[word]! >>> (code & 31)) & 1) === 1;
  }

  function isMember(node: number, given: number): boolean {
    if (Number.isNaN(given)) return nodeMissingLeft[node] === 1;
    const value = single ? fround(given) : given;
    for (let at = nodeMembers[node]!; at < nodeMembers[node + 1]!; at++)
      if (memberValues[at] === value) return true;
    return false;
  }

  function reachedLeaf(root: number, row: Float64Array, offset: number): number {
    let node = root;
    while (node >= 0) {
      const value = row[offset + nodeFeature[node]!]!;
      node = (
        nodeKind[node] === splitKinds.atMost
          ? value <= nodeThreshold[node]! || (nodeMissingLeft[node] === 1 && Number.isNaN(value))
          : goesLeft(node, value)
      )
        ? left[node]!
        : right[node]!;
    }
    return ~node;
  }

  const finish = (sums: Float64Array): void => {
    if (divisor !== 1) {
      for (let i = 0; i < sums.length; i++)
        sums[i] = single ? fround(sums[i]! / divisor) : sums[i]! / divisor;
    }
    if (isLast) {
      for (let i = 0; i < sums.length; i++) {
        const total = sums[i]! + base[i]!;
        sums[i] = single ? fround(total) : total;
      }
    }
  };

  function addSums(row: Float64Array, offset: number, sums: Float64Array): void {
    if (isLast) sums.fill(0);
    else sums.set(base);
    for (let tree = 0; tree < roots.length; tree++) {
      const leaf = reachedLeaf(roots[tree]!, row, offset);
      for (let entry = leafEntries[leaf]!; entry < leafEntries[leaf + 1]!; entry++) {
        const sum = entrySum[entry]!;
        const total = sums[sum]! + entryValue[entry]!;
        sums[sum] = single ? fround(total) : total;
      }
    }
    finish(sums);
  }

  /** A sum that no leaf speaks of is 0, whatever the others are. */
  function takeExtremes(row: Float64Array, offset: number, sums: Float64Array): void {
    sums.fill(Number.NaN);
    const sign = ensemble.aggregate === "minimum" ? -1 : 1;
    for (let tree = 0; tree < roots.length; tree++) {
      const leaf = reachedLeaf(roots[tree]!, row, offset);
      for (let entry = leafEntries[leaf]!; entry < leafEntries[leaf + 1]!; entry++) {
        const sum = entrySum[entry]!;
        const value = entryValue[entry]!;
        if (!(sums[sum]! * sign >= value * sign)) sums[sum] = value;
      }
    }
    for (let i = 0; i < sums.length; i++) if (Number.isNaN(sums[i]!)) sums[i] = 0;
    finish(sums);
  }

  return { addUp: ensemble.aggregate === "sum" ? addSums : takeExtremes };
}

/** A categorical value that is no code of its column counts as missing. */
function isMissingCode(value: number, cardinality: number): boolean {
  return !(value >= 0 && value < cardinality && (value | 0) === value);
}

/** Children and roots numbered over the whole ensemble instead of within a tree. */
function globalChildren(ensemble: Ensemble): { left: Int32Array; right: Int32Array; roots: Int32Array } {
  const { treeNodes, treeLeaves } = ensemble;
  const left = new Int32Array(ensemble.nodeLeft.length);
  const right = new Int32Array(ensemble.nodeRight.length);
  const roots = new Int32Array(treeNodes.length - 1);
  for (let tree = 0; tree < roots.length; tree++) {
    const firstNode = treeNodes[tree]!;
    const firstLeaf = treeLeaves[tree]!;
    const globally = (child: number) => (child >= 0 ? child + firstNode : ~(~child + firstLeaf));
    roots[tree] = firstNode === treeNodes[tree + 1] ? ~firstLeaf : firstNode;
    for (let node = firstNode; node < treeNodes[tree + 1]!; node++) {
      left[node] = globally(ensemble.nodeLeft[node]!);
      right[node] = globally(ensemble.nodeRight[node]!);
    }
  }
  return { left, right, roots };
}
