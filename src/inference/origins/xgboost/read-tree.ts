import type { EnsembleBuilder, OriginNode } from "../../ensemble/ensemble-builder.ts";
import { belowInFloat32 } from "../float32-threshold.ts";
import { type OriginFormat, unsupported } from "../origin-model.ts";
import type { JsonView } from "./json-view.ts";

const MOST_NODES = 50_000_000;
const MOST_CATEGORIES = 16_777_216;

/** Where a tree's leaves go and what they are multiplied with. */
export interface TreePlace {
  readonly format: OriginFormat;
  readonly sum: number;
  readonly weight: number;
  readonly features: number;
}

/**
 * Adds one tree of a `gbtree` model. A row goes left when `x < split_condition`, both as float32; in a categorical
 * split, when its category is not among the node's. Leaves hold their value in place of a condition.
 */
export function addTree(builder: EnsembleBuilder, tree: JsonView, place: TreePlace): void {
  const { format, sum, weight } = place;
  const parameters = tree.get("tree_param");
  const vector = parameters.has("size_leaf_vector") ? parameters.get("size_leaf_vector").count(1_000_000) : 0;
  if (vector > 1)
    throw unsupported(
      format,
      `trees with vector leaves (multi_strategy="multi_output_tree", ${vector} targets)`,
    );
  const nodes = parameters.get("num_nodes").count(MOST_NODES);
  if (nodes === 0) throw tree.bad("has no node");
  const child = { length: nodes, least: -1, most: nodes - 1 };
  const left = tree.get("left_children").integers(child);
  const right = tree.get("right_children").integers(child);
  const features = tree.get("split_indices").integers({ length: nodes, least: 0, most: 0xffffffff });
  const conditions = tree.get("split_conditions").numbers(nodes);
  const defaultLeft = tree.get("default_left").integers({ length: nodes, least: 0, most: 1 });
  const covers = tree.has("sum_hessian") ? tree.get("sum_hessian").numbers(nodes) : undefined;
  const categoriesOf = categorySets(tree, nodes);

  const nodeOf = (id: number): OriginNode => {
    const condition = conditions[id]!;
    if (left[id] === -1) {
      const value = Math.fround(Math.fround(condition) * weight);
      return { adds: [{ sum, value }], cover: covers?.[id] ?? 0 };
    }
    const feature = features[id]!;
    if (feature >= place.features) throw tree.bad(`asks for feature ${feature} of ${place.features}`);
    if (right[id] === -1) throw tree.bad(`has node ${id} without a right child`);
    const categories = categoriesOf(id);
    if (categories !== undefined) {
      // Members go right: the children change sides, and so does the default.
      const sides = { left: right[id]!, right: left[id]!, missingLeft: defaultLeft[id] === 0 };
      return { split: "category", feature, categories, ...sides };
    }
    const threshold = belowInFloat32(Math.fround(condition));
    if (threshold === undefined || Number.isNaN(threshold))
      throw tree.bad(`has the split condition ${condition} at node ${id}`);
    const sides = { left: left[id]!, right: right[id]!, missingLeft: defaultLeft[id] === 1 };
    return { split: "atMost", feature, threshold, ...sides };
  };
  builder.addTree(0, nodeOf, (id) => {
    throw tree.bad(`reaches node ${id} twice`);
  });
}

/** The categories of a node as bits, undefined for a node that splits by number. */
function categorySets(tree: JsonView, nodes: number): (id: number) => Uint32Array | undefined {
  const kinds = tree.has("split_type")
    ? tree.get("split_type").integers({ length: nodes, least: 0, most: 1 })
    : undefined;
  if (kinds === undefined || !Array.from(kinds).includes(1)) return () => undefined;
  const owners = tree.get("categories_nodes").integers({ least: 0, most: nodes - 1 });
  const length = owners.length;
  const categories = tree.get("categories").integers({ least: 0, most: MOST_CATEGORIES - 1 });
  const range = { length, least: 0, most: categories.length };
  const starts = tree.get("categories_segments").integers(range);
  const sizes = tree.get("categories_sizes").integers(range);
  const placeOf = new Map(Array.from(owners, (owner, at) => [owner, at]));
  return (id) => {
    if (kinds[id] === 0) return undefined;
    const at = placeOf.get(id);
    if (at === undefined) throw tree.bad(`has no categories for node ${id}`);
    const own: (number | undefined)[] = Array.from(
      { length: sizes[at]! },
      (_, i) => categories[starts[at]! + i],
    );
    if (own.includes(undefined)) throw tree.bad(`has fewer categories than node ${id} asks for`);
    return bitsOf(own as number[]);
  };
}

function bitsOf(categories: readonly number[]): Uint32Array {
  let largest = -1;
  for (const category of categories) if (category > largest) largest = category;
  const words = new Uint32Array(largest < 0 ? 0 : (largest >>> 5) + 1);
  for (const category of categories) words[category >>> 5] = words[category >>> 5]! | (1 << (category & 31));
  return words;
}
