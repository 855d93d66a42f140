import type { FeatureMatrix } from "../kernel/index.ts";
import { type Forest, treeCount } from "./forest.ts";
import { type ForestWays, hasCodes, normalised, OTHER, ruleOf, type SlotRule } from "./slot-rule.ts";

/**
 * Sums the leaves that rows reach by walking from node to node: for trees of any size.
 *
 * Four walks go on at a time, four rows through one tree or one row through four trees, because a walk alone waits for every
 * load before it knows the next. They need no branch: nodes and leaves are numbered together, the two children of a node stand
 * side by side, and a leaf is its own child, so that a walk that has arrived waits there for the others. What is missing is
 * settled beforehand: every feature has a copy in which missing values go left wherever they are compared.
 */
export interface ForestWalk {
  scoreRow(row: Float64Array): number;
  /** The scores of the rows from `start` on, as many as `scores` has places: the same bits as of each row alone. */
  scoreRows(values: FeatureMatrix["values"], start: number, scores: Float64Array): void;
}

/** Rows that pass through a tree together. */
const BLOCK = 512;
const AT_ONCE = 4;

export function createForestWalk(forest: Forest, ways: ForestWays = {}): ForestWalk {
  const { rules = forest.features.map(ruleOf), single = false } = ways;
  const { thresholds, columns, children, leafValues, categoryNodes, roots } = layOut(forest, rules);
  const { base, nodeMissingLeft: missingLeft, nodeCategories: categories, categoryWords } = forest;
  const trees = roots.length;
  const width = rules.length;
  /** Values of a row and, behind them, their copies in which missing is −∞. */
  const stride = 2 * width;
  const wide = new Float64Array((BLOCK + AT_ONCE) * stride);
  const sums = new Float64Array(BLOCK + AT_ONCE);

  /** Where a walk goes from a place, for the row whose values begin at `offset`. */
  function step(place: number, offset: number): number {
    const category = categoryNodes[place]!;
    const value = wide[offset + columns[place]!]!;
    const left = category < 0 ? +(value <= thresholds[place]!) : isMember(category, value);
    return children[(place << 1) + left]!;
  }

  function isMember(node: number, code: number): 0 | 1 {
    if (Number.isNaN(code)) return missingLeft[node] === 1 ? 1 : 0;
    const word = categories[node]! + (code >> 5);
    if (code === OTHER || word >= categories[node + 1]!) return 0;
    return (categoryWords[word]! >>> (code & 31)) & 1 ? 1 : 0;
  }

  function lay(column: number, offset: number, given: number): void {
    const value = normalised(rules[column]!, given);
    wide[offset + column] = value;
    wide[offset + width + column] = Number.isNaN(value) ? Number.NEGATIVE_INFINITY : value;
  }

  function add(score: number, place: number): number {
    const sum = score + leafValues[place]!;
    return single ? Math.fround(sum) : sum;
  }

  function scoreRow(row: Float64Array): number {
    for (let column = 0; column < width; column++) lay(column, 0, row[column]!);
    let score = base;
    let tree = 0;
    for (; tree + AT_ONCE <= trees; tree += AT_ONCE) {
      let a = roots[tree]!;
      let b = roots[tree + 1]!;
      let c = roots[tree + 2]!;
      let d = roots[tree + 3]!;
      for (;;) {
        const nextA = step(a, 0);
        const nextB = step(b, 0);
        const nextC = step(c, 0);
        const nextD = step(d, 0);
        if (nextA === a && nextB === b && nextC === c && nextD === d) break;
        a = nextA;
        b = nextB;
        c = nextC;
        d = nextD;
      }
      score = add(add(add(add(score, a), b), c), d);
    }
    for (; tree < trees; tree++) {
      let place = roots[tree]!;
      for (let next = step(place, 0); next !== place; next = step(place, 0)) place = next;
      score = add(score, place);
    }
    return score;
  }

  function scoreBlock(rows: number): void {
    sums.fill(base);
    for (let tree = 0; tree < trees; tree++) {
      const root = roots[tree]!;
      // The last group may hold rows of the block before, whose scores nobody reads.
      for (let row = 0; row < rows; row += AT_ONCE) {
        const offset = row * stride;
        let a = root;
        let b = root;
        let c = root;
        let d = root;
        for (;;) {
          const nextA = step(a, offset);
          const nextB = step(b, offset + stride);
          const nextC = step(c, offset + 2 * stride);
          const nextD = step(d, offset + 3 * stride);
          if (nextA === a && nextB === b && nextC === c && nextD === d) break;
          a = nextA;
          b = nextB;
          c = nextC;
          d = nextD;
        }
        sums[row] = add(sums[row]!, a);
        sums[row + 1] = add(sums[row + 1]!, b);
        sums[row + 2] = add(sums[row + 2]!, c);
        sums[row + 3] = add(sums[row + 3]!, d);
      }
    }
  }

  return {
    scoreRow,
    scoreRows(values, start, scores) {
      for (let done = 0; done < scores.length; done += BLOCK) {
        const rows = Math.min(BLOCK, scores.length - done);
        for (let column = 0; column < width; column++) {
          const own = values[column]!;
          for (let row = 0; row < rows; row++) lay(column, row * stride, own[start + done + row]!);
        }
        scoreBlock(rows);
        scores.set(sums.subarray(0, rows), done);
      }
    },
  };
}

/** Nodes and leaves of all trees in one numbering. */
interface Places {
  readonly thresholds: Float64Array;
  /** Which value of a row is looked at. */
  readonly columns: Int32Array;
  /** Right and left child of each place. */
  readonly children: Int32Array;
  /** 0 for nodes. */
  readonly leafValues: Float64Array;
  /** The node of a place that looks up a category; −1 for others. */
  readonly categoryNodes: Int32Array;
  readonly roots: Int32Array;
}

function layOut(forest: Forest, rules: readonly SlotRule[]): Places {
  const trees = treeCount(forest);
  const count = forest.nodeFeature.length + forest.leafValue.length;
  const places: Places = {
    thresholds: new Float64Array(count),
    columns: new Int32Array(count),
    children: new Int32Array(2 * count),
    leafValues: new Float64Array(count),
    categoryNodes: new Int32Array(count).fill(-1),
    roots: new Int32Array(trees),
  };
  let first = 0;
  for (let tree = 0; tree < trees; tree++) {
    const firstNode = forest.treeNodes[tree]!;
    const nodes = forest.treeNodes[tree + 1]! - firstNode;
    const firstLeaf = forest.treeLeaves[tree]!;
    const leaves = forest.treeLeaves[tree + 1]! - firstLeaf;
    const start = first;
    const placeOf = (child: number): number => start + (child >= 0 ? child : nodes + ~child);
    for (let i = 0; i < nodes; i++) {
      const node = firstNode + i;
      const place = start + i;
      const feature = forest.nodeFeature[node]!;
      const isCategory = hasCodes(rules[feature]!);
      if (isCategory) places.categoryNodes[place] = node;
      const isMissingLeft = !isCategory && forest.nodeMissingLeft[node] === 1;
      places.columns[place] = feature + (isMissingLeft ? rules.length : 0);
      places.thresholds[place] = forest.nodeThreshold[node]!;
      places.children[2 * place] = placeOf(forest.nodeRight[node]!);
      places.children[2 * place + 1] = placeOf(forest.nodeLeft[node]!);
    }
    for (let leaf = 0; leaf < leaves; leaf++) {
      const place = start + nodes + leaf;
      places.children.fill(place, 2 * place, 2 * place + 2);
      places.leafValues[place] = forest.leafValue[firstLeaf + leaf]!;
    }
    places.roots[tree] = start;
    first += nodes + leaves;
  }
  return places;
}
