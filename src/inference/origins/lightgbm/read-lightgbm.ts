import { MOST_SUMS, ZERO_UP_TO } from "../../ensemble/ensemble.ts";
import { EnsembleBuilder, type OriginNode } from "../../ensemble/ensemble-builder.ts";
import {
  badFile,
  distinctNames,
  featuresOf,
  type OriginInput,
  type OriginModel,
  soundModel,
  unsupported,
} from "../origin-model.ts";
import { objectiveOf } from "./objective.ts";
import { FieldReader, readSections, type TextSections } from "./text-sections.ts";

const bad = (what: string) => badFile("lightgbm", what);

const MOST_FEATURES = 1_000_000;
const MOST_LEAVES = 10_000_000;
const VERSIONS = ["v2", "v3", "v4"];

/** Bits of a node's decision_type. */
const CATEGORICAL = 1;
const DEFAULT_LEFT = 2;
const MISSING_SHIFT = 2;
const MISSING_NONE = 0;
const MISSING_ZERO = 1;

/**
 * Reads the text that LightGBM's `save_model` writes, versions v2 to v4 (LightGBM 2.1 and later).
 *
 * @throws INFERENCE_BAD_MODEL_FILE, INFERENCE_UNSUPPORTED_MODEL
 */
export function readLightgbm(bytes: Uint8Array): OriginModel {
  const sections = readSections(bytes);
  const header = new FieldReader(sections.header, "its header");
  if (!header.has("tree")) throw bad('it does not begin with the line "tree"');
  const version = header.text("version");
  if (!VERSIONS.includes(version))
    throw unsupported(
      "lightgbm",
      `format version "${version.slice(0, 40)}"`,
      "Versions v2, v3 and v4 are read.",
    );
  const sums = header.count("num_tree_per_iteration", MOST_SUMS);
  const { trees } = sections;
  if (header.has("tree_sizes")) {
    const sizes = header.text("tree_sizes").trim();
    const expected = sizes === "" ? 0 : sizes.split(" ").length;
    if (expected !== trees.length) throw bad(`it has ${trees.length} of ${expected} trees`);
  }
  if (sums === 0 || trees.length % sums !== 0)
    throw bad(`it has ${trees.length} trees, ${sums} an iteration`);
  const objectiveLine = header.has("objective") ? header.text("objective") : "";
  const { task, link } = objectiveOf(objectiveLine, sums);
  const averages = header.has("average_output");
  if (averages && version === "v2" && link.kind !== "identity")
    throw unsupported(
      "lightgbm",
      `average_output (a random forest) in a file of version v2: LightGBM itself has changed what its sums mean`,
      "Train it again with LightGBM 3 or later.",
    );
  const inputs = inputsOf(header, sections);
  const builder = new EnsembleBuilder();
  for (const [index, fields] of trees.entries()) {
    addTree(builder, new FieldReader(fields, `tree ${index}`), {
      index,
      sum: index % sums,
      features: inputs.length,
    });
  }
  return soundModel({
    format: "lightgbm",
    producer: `LightGBM (${version})`,
    objective: objectiveLine || "custom",
    inputs,
    ...(task === "multiclass" ? { classes: Array.from({ length: sums }, (_, k) => String(k)) } : {}),
    ensemble: {
      task,
      features: featuresOf(inputs),
      arithmetic: "float64",
      base: new Float64Array(sums),
      baseIs: "first",
      aggregate: "sum",
      divisor: averages ? Math.max(1, trees.length / sums) : 1,
      link,
      ...builder.arrays(),
    },
  });
}

function addTree(
  builder: EnsembleBuilder,
  fields: FieldReader,
  tree: { readonly index: number; readonly sum: number; readonly features: number },
): void {
  const where = `tree ${tree.index}`;
  const leaves = fields.count("num_leaves", MOST_LEAVES);
  if (leaves < 1) throw bad(`${where} has no leaf`);
  if (fields.has("is_linear") && fields.count("is_linear", 1) === 1)
    throw unsupported("lightgbm", `${where} is a linear tree (linear_tree=true)`);
  const values = fields.numbers("leaf_value", leaves);
  const covers =
    fields.has("leaf_count") && fields.text("leaf_count") !== ""
      ? fields.numbers("leaf_count", leaves)
      : new Float64Array(leaves);
  const leafOf = (leaf: number): OriginNode => ({
    adds: [{ sum: tree.sum, value: values[leaf]! }],
    cover: covers[leaf]!,
  });
  const shared = (id: number): never => {
    throw bad(`${where} reaches ${id < 0 ? `leaf ${~id}` : `node ${id}`} twice`);
  };
  if (leaves === 1) {
    builder.addTree(~0, () => leafOf(0), shared);
    return;
  }
  const nodes = leaves - 1;
  const child = { least: -leaves, most: nodes - 1 };
  const left = fields.integers("left_child", nodes, child);
  const right = fields.integers("right_child", nodes, child);
  const features = fields.integers("split_feature", nodes, { least: 0, most: tree.features - 1 });
  const thresholds = fields.numbers("threshold", nodes);
  const decisions = fields.integers("decision_type", nodes, { least: -128, most: 255 });
  const categories = categoriesOf(fields, where);
  const nodeOf = (id: number): OriginNode => {
    if (id < 0) return leafOf(~id);
    const at = { feature: features[id]!, left: left[id]!, right: right[id]! };
    const decision = decisions[id]! & 0xff;
    const threshold = thresholds[id]!;
    if ((decision & CATEGORICAL) !== 0)
      return { ...at, split: "category", missingLeft: false, categories: categories(threshold) };
    const defaultLeft = (decision & DEFAULT_LEFT) !== 0;
    switch ((decision >> MISSING_SHIFT) & 3) {
      case MISSING_NONE:
        // A missing value is taken for zero.
        return { ...at, split: "atMost", threshold, missingLeft: threshold >= 0 };
      case MISSING_ZERO: {
        // Where zero goes the default way anyhow, the simpler split is the same.
        const same = defaultLeft ? threshold >= ZERO_UP_TO : threshold < -ZERO_UP_TO;
        return { ...at, split: same ? "atMost" : "atMostZeroMissing", threshold, missingLeft: defaultLeft };
      }
      default:
        return { ...at, split: "atMost", threshold, missingLeft: defaultLeft };
    }
  };
  builder.addTree(0, nodeOf, shared);
}

/** The bits of a tree's categorical splits, by their number, which stands where numeric splits have their threshold. */
function categoriesOf(fields: FieldReader, where: string): (split: number) => Uint32Array {
  const splits = fields.has("num_cat") ? fields.count("num_cat", MOST_LEAVES) : 0;
  if (splits === 0) {
    return () => {
      throw bad(`${where} has a categorical split and num_cat=0`);
    };
  }
  const bounds = fields.integers("cat_boundaries", splits + 1, { least: 0, most: 0x7fffffff });
  if (bounds[0] !== 0 || bounds.some((bound, at) => at > 0 && bound < bounds[at - 1]!))
    throw bad(`${where}: cat_boundaries do not rise from 0`);
  const words = Uint32Array.from(
    fields.integers("cat_threshold", bounds[splits]!, { least: 0, most: 0xffffffff }),
  );
  return (split) => {
    if (!(Number.isInteger(split) && split >= 0 && split < splits))
      throw bad(`${where} asks for categorical split ${split} of ${splits}`);
    return words.subarray(bounds[split]!, bounds[split + 1]!);
  };
}

/** A feature that LightGBM treated as categorical has a list of its codes here, a numeric one its range. */
const isCategoricalInfo = (info: string): boolean => /^-?\d+(:-?\d+)*$/.test(info);

function inputsOf(header: FieldReader, { pandasCategories }: TextSections): OriginInput[] {
  const count = header.count("max_feature_idx", MOST_FEATURES - 1) + 1;
  const given = header.text("feature_names").trim().split(" ");
  if (given.length !== count) throw bad(`it names ${given.length} of ${count} features`);
  const names = distinctNames(given, (index) => `Column_${index}`);
  const infos = header.has("feature_infos") ? header.text("feature_infos").trim().split(" ") : [];
  const categorical = infos.flatMap((info, index) => (isCategoricalInfo(info) ? [index] : []));
  const labels = labelsOf(pandasCategories, categorical.length);
  return names.map((name, index) => {
    const place = categorical.indexOf(index);
    if (place === -1) return { name, type: "float" };
    const categories = labels?.[place];
    return categories === undefined ? { name, type: "int" } : { name, type: "category", categories };
  });
}

/**
 * The labels of the categorical features, when the model was trained from a pandas table and it is certain which list
 * belongs to which of them. Otherwise categories are given as their codes.
 */
function labelsOf(pandas: unknown, categorical: number): string[][] | undefined {
  if (!Array.isArray(pandas) || pandas.length !== categorical) return undefined;
  const lists = pandas.map((list: unknown) => (Array.isArray(list) ? list.map(String) : []));
  return lists.every((list) => list.length > 0 && new Set(list).size === list.length) ? lists : undefined;
}
