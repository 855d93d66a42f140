import { openMatrixPredictor } from "../inference/index.ts";
import { channelColumns } from "./command/job-layout.ts";
import { trainingErrors } from "./errors.ts";
import { fitForeignModel } from "./foreign/foreign-model.ts";
import { permutationImportance } from "./permutation-importance.ts";
import type { TrainedModel, TrainingData, TrainingOptions } from "./trainer.ts";

/**
 * "Trains" by a model that was trained elsewhere: its inputs become the features of the plan.
 *
 * @throws TRAINING_MODEL_MISMATCH, INFERENCE_* for a graph that onnxruntime does not load or that does not fit
 */
export async function trainPretrained(data: TrainingData, options: TrainingOptions): Promise<TrainedModel> {
  const { task, classes, train } = data;
  const { pretrained: model, seed } = options;
  if (model === undefined)
    throw trainingErrors.TRAINING_BAD_OPTION.error("the model's file is not at hand here", {
      details: { option: "trainer" },
    });
  const outputs = classes?.length ?? 1;
  const features = train.matrix.columns;
  const columns = channelColumns(features, false);
  const fitted = fitForeignModel(model, { task, outputs, columns }, { trained: "elsewhere", classes });
  const engine = await openMatrixPredictor({ ...fitted, features, task, outputs });
  try {
    return {
      engine: fitted.engine,
      bytes: fitted.bytes,
      iterations: fitted.trees,
      bestIteration: fitted.trees,
      importance: await permutationImportance(engine, data, { seed, splits: fitted.splits }),
      metric: "none",
      summary: fitted.summary,
      history: [],
    };
  } finally {
    await engine.close();
  }
}
