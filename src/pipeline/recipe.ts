import type { SplitSpec, Task } from "../evaluation/index.ts";
import type { Expression } from "../features/index.ts";
import { type ColumnType, canonicalJson, type Digest } from "../kernel/index.ts";
import type { ModelSpec } from "../project/index.ts";
import type { SealedTrainerSpec, TrainerSpec } from "../training/index.ts";

/**
 * Everything a bundle depends on, and nothing else: the same recipe gives the same bundle digest on every machine.
 * Gates and slices judge a bundle and are not part of it.
 */
export interface Recipe {
  readonly format: "slipway.recipe/1";
  readonly snapshot: Digest;
  readonly columns: readonly {
    readonly name: string;
    readonly type: ColumnType;
    /** False when a record may leave the column out. */
    readonly required: boolean;
  }[];
  /** The dataset's time column, for splits by time. */
  readonly time?: string;
  readonly target: {
    readonly expression: Expression;
    readonly task: Task;
    /** The names of the numbers 0, 1, … that the expression gives, where a project names its classes. */
    readonly classes?: readonly string[];
  };
  /** In the order in which the model sees them. Lists, because canonical JSON does not keep the order of an object's members. */
  readonly features: readonly { readonly name: string; readonly expression: Expression }[];
  readonly weight?: Expression;
  readonly split: SplitSpec;
  readonly trainer: SealedTrainerSpec;
  readonly seed: number;
  /** What is recommended, for models that do. */
  readonly items?: { readonly key: string; readonly columns: readonly string[] };
  /** The module of the custom functions that the features call, where they call some. */
  readonly code?: Digest;
}

/**
 * The recipe of a model over a snapshot, as it will be read back from the registry: built and rebuilt from the same bytes.
 *
 * @param sealed what the recipe depends on beside the model: its trainer with the files of its program or model, and the module of
 *   its custom functions
 */
export function recipeOf(
  model: ModelSpec,
  snapshot: Digest,
  sealed: { readonly trainer?: SealedTrainerSpec; readonly code?: Digest | undefined } = {},
): Recipe {
  const { code, trainer = withoutFiles(model.trainer) } = sealed;
  const { columns, time } = model.from;
  const recipe: Recipe = {
    format: "slipway.recipe/1",
    snapshot,
    columns: Object.entries(columns).map(([name, { type, required }]) => ({
      name,
      type,
      required: required ?? true,
    })),
    ...(time === undefined ? {} : { time }),
    target: model.target,
    features: Object.entries(model.features).map(([name, expression]) => ({ name, expression })),
    ...(model.weight === undefined ? {} : { weight: model.weight }),
    split: model.split,
    trainer,
    seed: model.seed,
    ...(model.items === undefined ? {} : { items: model.items }),
    ...(code === undefined ? {} : { code }),
  };
  return JSON.parse(canonicalJson(recipe));
}

function withoutFiles(trainer: TrainerSpec): SealedTrainerSpec {
  if (trainer.kind === "pretrained") throw new Error("the file of a pretrained model is not sealed");
  return trainer.kind === "command" ? { ...trainer, files: [] } : trainer;
}

/** Type of each column by name. */
export function columnTypes(recipe: Recipe): Readonly<Record<string, ColumnType>> {
  return Object.fromEntries(recipe.columns.map(({ name, type }) => [name, type]));
}
