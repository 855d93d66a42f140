import { type CommandSpec, checkCommand, type SealedCommandSpec } from "./command-spec.ts";
import { trainingErrors } from "./errors.ts";
import { checkFtrl, type FtrlSpec } from "./ftrl-spec.ts";
import {
  type ClassWeights,
  checkObjectiveOptions,
  type GbdtObjective,
  type MonotoneDirection,
  objectiveOptions,
} from "./objective-options.ts";
import {
  ANY,
  badOption,
  COUNT,
  checkOptionNames,
  describeRange,
  isInRange,
  type OptionRange,
} from "./option-range.ts";
import { checkPretrained, type PretrainedSpec, type SealedPretrainedSpec } from "./pretrained-spec.ts";

/**
 * Gradient boosted decision trees. Names and meanings follow LightGBM, whose defaults these are; the name it uses is
 * given where it differs.
 */
export interface GbdtSpec {
  readonly kind: "gbdt";
  /** Number of boosting iterations (num_iterations), ≥ 1. */
  readonly trees: number;
  /** What each tree's leaves are multiplied with, in (0, 1]. */
  readonly learningRate: number;
  /** Most leaves of a tree (num_leaves), 2 to 4096. */
  readonly leaves: number;
  /** Deepest a leaf may lie, the root being at 0; −1 for no limit. */
  readonly maxDepth: number;
  /** Fewest training rows of a leaf (min_data_in_leaf), ≥ 1. Counted exactly. */
  readonly minRowsPerLeaf: number;
  /** Smallest sum of second derivatives of a leaf (min_sum_hessian_in_leaf), ≥ 0. */
  readonly minHessianPerLeaf: number;
  /** L1 penalty on leaf values (lambda_l1), ≥ 0. */
  readonly l1: number;
  /** L2 penalty on leaf values (lambda_l2), ≥ 0. */
  readonly l2: number;
  /** Least gain of a split (min_gain_to_split), ≥ 0. */
  readonly minSplitGain: number;
  /** Share of the rows drawn anew for every tree (bagging_fraction with bagging_freq = 1), in (0, 1]. */
  readonly rowShare: number;
  /** Share of the features drawn anew for every tree (feature_fraction), in (0, 1]. */
  readonly columnShare: number;
  /** Most bins of a feature (max_bin), 2 to 255. Categories beyond it share the bin of missing values. */
  readonly maxBins: number;
  /** Stop when the validation metric has not improved for this many trees, and keep the best number of trees. */
  readonly earlyStoppingRounds?: number;
  /** Pulls the order of rare categories towards the middle (cat_smooth), ≥ 0; categories with fewer rows are not split off. */
  readonly categorySmoothing: number;
  /** Additional L2 penalty in categorical splits (cat_l2), ≥ 0. */
  readonly categoryL2: number;
  /** Most categories on the smaller side of a split (max_cat_threshold), ≥ 1. */
  readonly maxCategoriesPerSplit: number;
  /** With fewer categories than this, one is split from the rest (max_cat_to_onehot, which counts one for missing), ≥ 1. */
  readonly maxCategoriesOneHot: number;
  /** Fewest rows of a group of categories (min_data_per_group), ≥ 1. */
  readonly minRowsPerCategoryGroup: number;
  /** What a regression minimises; squared errors when absent. Yes/no targets and classes always have their log-loss. */
  readonly objective?: GbdtObjective;
  /** "quantile": which one, in (0, 1). "huber": up to which error squares count, in units of the target, > 0. */
  readonly alpha?: number;
  /** Features with which predictions may only rise, or only fall (monotone_constraints, method "basic"). */
  readonly monotone?: Readonly<Record<string, MonotoneDirection>>;
  /** See `ClassWeights`. */
  readonly classWeights?: ClassWeights;
  /**
   * The score before the first tree: log-odds, the logarithm of a count, or a value of the target. When absent, the
   * constant that fits the training rows best (boost_from_average).
   */
  readonly init?: number;
}

/** What a project may put after `trainer:`. */
export type TrainerSpec = GbdtSpec | FtrlSpec | CommandSpec | PretrainedSpec;

/** The same, with the files that a program consists of, or the file that a model was trained to: what a recipe holds. */
export type SealedTrainerSpec = GbdtSpec | FtrlSpec | SealedCommandSpec | SealedPretrainedSpec;

export {
  type CodeFile,
  type CommandOptions,
  type CommandSpec,
  command,
  type SealedCommandSpec,
} from "./command-spec.ts";

export { type FtrlOptions, type FtrlSpec, ftrl } from "./ftrl-spec.ts";

export {
  type PretrainedOptions,
  type PretrainedSpec,
  pretrained,
  type SealedPretrainedSpec,
} from "./pretrained-spec.ts";

export type GbdtOptions = Partial<Omit<GbdtSpec, "kind">>;

type NumericOption = Exclude<keyof GbdtSpec, "kind" | "objective" | "alpha" | "monotone" | "classWeights">;
/** Absent unless it is given. */
const OPTIONAL: ReadonlySet<string> = new Set<NumericOption>(["earlyStoppingRounds", "init"]);

const RANGES: Readonly<Record<NumericOption, OptionRange>> = {
  trees: { least: 1, most: 100_000, integer: true },
  learningRate: { least: 0, most: 1, exclusive: true },
  leaves: { least: 2, most: 4096, integer: true },
  maxDepth: { least: -1, most: COUNT, integer: true },
  minRowsPerLeaf: { least: 1, most: COUNT, integer: true },
  minHessianPerLeaf: { least: 0, most: ANY },
  l1: { least: 0, most: ANY },
  l2: { least: 0, most: ANY },
  minSplitGain: { least: 0, most: ANY },
  rowShare: { least: 0, most: 1, exclusive: true },
  columnShare: { least: 0, most: 1, exclusive: true },
  maxBins: { least: 2, most: 255, integer: true },
  earlyStoppingRounds: { least: 1, most: COUNT, integer: true },
  categorySmoothing: { least: 0, most: ANY },
  categoryL2: { least: 0, most: ANY },
  maxCategoriesPerSplit: { least: 1, most: 255, integer: true },
  maxCategoriesOneHot: { least: 1, most: 255, integer: true },
  minRowsPerCategoryGroup: { least: 1, most: COUNT, integer: true },
  init: { least: -ANY, most: ANY },
};

const DEFAULTS: GbdtSpec = {
  kind: "gbdt",
  trees: 100,
  learningRate: 0.1,
  leaves: 31,
  maxDepth: -1,
  minRowsPerLeaf: 20,
  minHessianPerLeaf: 1e-3,
  l1: 0,
  l2: 0,
  minSplitGain: 0,
  rowShare: 1,
  columnShare: 1,
  maxBins: 255,
  categorySmoothing: 10,
  categoryL2: 10,
  maxCategoriesPerSplit: 32,
  maxCategoriesOneHot: 4,
  minRowsPerCategoryGroup: 100,
};

/**
 * A gradient boosting trainer.
 *
 *     trainer: gbdt({ trees: 200, leaves: 63, learningRate: 0.05, earlyStoppingRounds: 20 })
 *
 * @throws TRAINING_BAD_OPTION
 */
export function gbdt(options: GbdtOptions = {}): GbdtSpec {
  checkOptionNames("gbdt", options, [...Object.keys(RANGES), ...objectiveOptions]);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return checkGbdt({ ...DEFAULTS, ...given });
}

/**
 * Checks a trainer that came as data, and gives it back.
 *
 * @throws TRAINING_BAD_OPTION
 */
export function checkTrainer<Spec extends TrainerSpec>(spec: Spec): Spec {
  switch (spec.kind) {
    case "gbdt":
      checkGbdt(spec);
      break;
    case "ftrl":
      checkFtrl(spec);
      break;
    case "command":
      checkCommand(spec);
      break;
    case "pretrained":
      checkPretrained(spec);
      break;
    default:
      throw unknownTrainer(spec);
  }
  return spec;
}

function checkGbdt(spec: GbdtSpec): GbdtSpec {
  for (const name of Object.keys(RANGES) as NumericOption[]) {
    const value = spec[name];
    if (value !== undefined || !OPTIONAL.has(name)) checkOption(name, value);
  }
  checkObjectiveOptions(spec);
  return spec;
}

function unknownTrainer({ kind }: never | { readonly kind?: unknown }): Error {
  return trainingErrors.TRAINING_BAD_OPTION.error(`there is no trainer "${String(kind)}"`, {
    details: { option: "kind" },
    hint: 'The trainers of this version are "gbdt", "ftrl", "command" and "pretrained".',
  });
}

function checkOption(name: NumericOption, value: unknown): void {
  const range = RANGES[name];
  if (isInRange(value, range) && !(name === "maxDepth" && value === 0)) return;
  const wanted = name === "maxDepth" ? "a positive integer, or −1 for no limit" : describeRange(range);
  throw badOption("gbdt", { name, value }, wanted);
}
