import { type Forest, treeCount } from "./forest.ts";
import { type ForestWays, hasCodes, normalised, OTHER, ruleOf, type SlotRule } from "./slot-rule.ts";

/** A tree's leaves are the bits of one mask, or of two. */
const LARGEST_TREE = 64;
/** Words all tables together may have: 32 MB. Beyond that, walking is kinder to the cache. */
const LARGEST_TABLES = 8_388_608;
const ALL_LEAVES = -1;

/**
 * Scores a row without walking: every feature value rules out leaves in every tree, and what remains after all
 * features is, in each tree, the reached leaf.
 *
 * After QuickScorer (Lucchese et al., "QuickScorer: a Fast Algorithm to Rank Documents with Additive Ensembles of
 * Regression Trees", SIGIR 2015), with the masks of one feature combined beforehand: for every interval between two
 * neighbouring thresholds (or every category) there is one row of masks, one per tree that asks for the feature.
 * Leaf i, counted from the left, is bit 31 − i, of the second mask bit 63 − i; the reached leaf is the highest bit left.
 */
export interface ForestMasks {
  scoreRow(row: Float64Array): number;
}

/** Masks that a feature applies, by the slot its value falls into. */
interface FeatureTable {
  readonly feature: number;
  readonly rule: SlotRule;
  /** Ascending distinct thresholds; the slot of x is the number of thresholds below x. Empty for categories. */
  readonly thresholds: Float64Array;
  /** Of categories that are in no set: the slot behind those of the codes. */
  readonly otherSlot: number;
  readonly missingSlot: number;
  /** The masks that the table has words for, ascending; a tree has one or two, one after the other. */
  readonly columns: Int32Array;
  /** `columns.length` words per slot. */
  readonly masks: Int32Array;
}

/** Tables that are combined in one pass over the trees. */
const LANES = 4;

/** @returns undefined when the forest's trees or tables are too large for masks. */
export function createForestMasks(forest: Forest, ways: ForestWays = {}): ForestMasks | undefined {
  const { single = false, rules = forest.features.map(ruleOf) } = ways;
  const trees = treeCount(forest);
  let largest = 0;
  for (let tree = 0; tree < trees; tree++)
    largest = Math.max(largest, forest.treeLeaves[tree + 1]! - forest.treeLeaves[tree]!);
  if (largest > LARGEST_TREE) return undefined;
  const words = largest <= 32 ? 1 : 2;
  const { leftLeaves, leaves } = orderLeaves(forest, words);
  const tables = buildTables(forest, { rules, leftLeaves, words });
  if (tables === undefined) return undefined;

  const { base } = forest;
  const columns = trees * words;
  const alive = new Int32Array(columns);
  const sparse = tables.filter((table) => table.columns.length < columns);
  // Tables with a mask for every tree lie in one array, so that several are combined in one pass. A row of masks that
  // rule nothing out, at 0, fills up the last pass.
  const denseTables = tables.filter((table) => table.columns.length === columns);
  const dense = denseTables.map((table) => ({ ...table, masks: new Int32Array(0) }));
  const passes = Math.max(1, Math.ceil(dense.length / LANES));
  const rows = new Int32Array(passes * LANES);
  const denseStarts = new Int32Array(dense.length);
  let end = columns;
  for (const [i, table] of denseTables.entries()) {
    denseStarts[i] = end;
    end += table.masks.length;
  }
  const masks = new Int32Array(end).fill(ALL_LEAVES, 0, columns);
  for (const [i, table] of denseTables.entries()) masks.set(table.masks, denseStarts[i]);

  function scoreRow(row: Float64Array): number {
    for (let i = 0; i < dense.length; i++) {
      const table = dense[i]!;
      rows[i] = denseStarts[i]! + slotOf(table, row[table.feature]!) * columns;
    }
    for (let pass = 0; pass < passes; pass++) {
      const first = pass * LANES;
      const a = rows[first]!;
      const b = rows[first + 1]!;
      const c = rows[first + 2]!;
      const d = rows[first + 3]!;
      if (pass === 0) {
        for (let at = 0; at < columns; at++)
          alive[at] = masks[a + at]! & masks[b + at]! & masks[c + at]! & masks[d + at]!;
      } else {
        for (let at = 0; at < columns; at++)
          alive[at] = alive[at]! & masks[a + at]! & masks[b + at]! & masks[c + at]! & masks[d + at]!;
      }
    }
    for (let i = 0; i < sparse.length; i++) {
      const table = sparse[i]!;
      const members = table.columns;
      let at = slotOf(table, row[table.feature]!) * members.length;
      for (let j = 0; j < members.length; j++) {
        const column = members[j]!;
        alive[column] = alive[column]! & table.masks[at++]!;
      }
    }
    return words === 1 ? addUp() : addUpPairs();
  }

  function addUp(): number {
    let score = base;
    if (single) {
      for (let tree = 0; tree < trees; tree++)
        score = Math.fround(score + leaves[(tree << 5) + Math.clz32(alive[tree]!)]!);
    } else {
      for (let tree = 0; tree < trees; tree++) score += leaves[(tree << 5) + Math.clz32(alive[tree]!)]!;
    }
    return score;
  }

  function addUpPairs(): number {
    let score = base;
    for (let tree = 0; tree < trees; tree++) {
      const first = alive[tree << 1]!;
      const leaf = first !== 0 ? Math.clz32(first) : 32 + Math.clz32(alive[(tree << 1) + 1]!);
      const sum = score + leaves[(tree << 6) + leaf]!;
      score = single ? Math.fround(sum) : sum;
    }
    return score;
  }

  return { scoreRow };
}

function slotOf(table: FeatureTable, given: number): number {
  const value = normalised(table.rule, given);
  if (Number.isNaN(value)) return table.missingSlot;
  if (!hasCodes(table.rule)) return placeOf(table.thresholds, value);
  return value === OTHER ? table.otherSlot : value | 0;
}

/** The number of thresholds below a value. */
function placeOf(thresholds: Float64Array, value: number): number {
  let low = 0;
  let high = thresholds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value <= thresholds[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Leaves of every tree from left to right, 32 places for each of its masks; and per node the leaves on its left. */
function orderLeaves(
  forest: Forest,
  words: number,
): { leftLeaves: { from: Int32Array; to: Int32Array }; leaves: Float64Array } {
  const trees = treeCount(forest);
  const places = 32 * words;
  const leaves = new Float64Array(trees * places);
  const from = new Int32Array(forest.nodeFeature.length);
  const to = new Int32Array(forest.nodeFeature.length);
  for (let tree = 0; tree < trees; tree++) {
    const firstNode = forest.treeNodes[tree]!;
    const firstLeaf = forest.treeLeaves[tree]!;
    let placed = 0;
    const visit = (child: number): void => {
      if (child < 0) {
        leaves[tree * places + placed++] = forest.leafValue[firstLeaf + ~child]!;
        return;
      }
      const node = firstNode + child;
      from[node] = placed;
      visit(forest.nodeLeft[node]!);
      to[node] = placed;
      visit(forest.nodeRight[node]!);
    };
    visit(forest.treeNodes[tree + 1] === firstNode ? ~0 : 0);
  }
  return { leftLeaves: { from, to }, leaves };
}

/** The bits of the leaves in [from, to) that stand in a word. */
function leafBits(word: number, { from, to }: { readonly from: number; readonly to: number }): number {
  const first = Math.max(from - 32 * word, 0);
  const end = Math.min(to - 32 * word, 32);
  if (first >= end) return 0;
  const length = end - first;
  return length === 32 ? ALL_LEAVES : ((1 << length) - 1) << (32 - end);
}

interface TableParts {
  readonly rules: readonly SlotRule[];
  readonly leftLeaves: { readonly from: Int32Array; readonly to: Int32Array };
  /** Masks of a tree. */
  readonly words: number;
}

function buildTables(forest: Forest, parts: TableParts): FeatureTable[] | undefined {
  const { rules, words } = parts;
  const nodesOf: { node: number; tree: number }[][] = forest.features.map(() => []);
  for (let tree = 0; tree < treeCount(forest); tree++) {
    for (let node = forest.treeNodes[tree]!; node < forest.treeNodes[tree + 1]!; node++)
      nodesOf[forest.nodeFeature[node]!]!.push({ node, tree });
  }
  const tables: FeatureTable[] = [];
  let size = 0;
  for (const [feature, nodes] of nodesOf.entries()) {
    if (nodes.length === 0) continue;
    const rule = rules[feature]!;
    const asking = new Set(nodes.map(({ tree }) => tree));
    // Where most trees ask, masks for all are quicker than a list of those that do.
    const all = treeCount(forest);
    const trees = asking.size * 2 >= all ? Array.from({ length: all }, (_, tree) => tree) : [...asking];
    const columns = Int32Array.from(
      trees.flatMap((tree) => Array.from({ length: words }, (_, word) => tree * words + word)),
    );
    const thresholds = hasCodes(rule)
      ? new Float64Array(0)
      : Float64Array.from(new Set(nodes.map(({ node }) => forest.nodeThreshold[node]!))).sort();
    const otherSlot = hasCodes(rule) ? rule.codes : thresholds.length;
    const missingSlot = otherSlot + 1;
    size += (missingSlot + 1) * columns.length;
    if (size > LARGEST_TABLES) return undefined;
    const masks = new Int32Array((missingSlot + 1) * columns.length).fill(ALL_LEAVES);
    const table = { feature, rule, thresholds, otherSlot, missingSlot, columns, masks };
    const places = new Map(trees.map((tree, place) => [tree, place * words]));
    for (const { node, tree } of nodes) {
      const leaves = { from: parts.leftLeaves.from[node]!, to: parts.leftLeaves.to[node]! };
      for (let word = 0; word < words; word++) {
        const left = leafBits(word, leaves);
        if (left !== 0) fillNode(forest, table, { node, place: places.get(tree)! + word, left });
      }
    }
    tables.push(table);
  }
  return tables;
}

/** Where `node` sends a value to the right, its left leaves are ruled out. */
function fillNode(
  forest: Forest,
  table: FeatureTable,
  at: { readonly node: number; readonly place: number; readonly left: number },
): void {
  const { node, place, left } = at;
  const withoutLeft = ~left;
  const stride = table.columns.length;
  const ruleOut = (slot: number) => {
    const index = slot * stride + place;
    table.masks[index] = table.masks[index]! & withoutLeft;
  };
  if (forest.nodeMissingLeft[node] === 0) ruleOut(table.missingSlot);
  if (!hasCodes(table.rule)) {
    const first = placeOf(table.thresholds, forest.nodeThreshold[node]!) + 1;
    for (let slot = first; slot <= table.thresholds.length; slot++) ruleOut(slot);
    return;
  }
  const start = forest.nodeCategories[node]!;
  const bits = (forest.nodeCategories[node + 1]! - start) * 32;
  // What is in no set goes right at every node.
  for (let code = 0; code <= table.otherSlot; code++) {
    const member = code < bits && (forest.categoryWords[start + (code >>> 5)]! >>> (code & 31)) & 1;
    if (!member) ruleOut(code);
  }
}
