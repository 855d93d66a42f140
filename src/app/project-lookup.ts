import type { DatasetSpec, ModelSpec, Project } from "../project/index.ts";
import { appErrors } from "./errors.ts";

/** @throws APP_UNKNOWN_MODEL with the names there are */
export function requireModel(project: Project, name: string): ModelSpec {
  const model = project.models.get(name);
  if (model !== undefined) return model;
  throw appErrors.APP_UNKNOWN_MODEL.error(`the project has no model "${name}"`, {
    details: { model: name, known: [...project.models.keys()] },
    hint: `it has: ${[...project.models.keys()].join(", ") || "none"}`,
  });
}

/** @throws APP_UNKNOWN_DATASET with the names there are */
export function requireDataset(project: Project, name: string): DatasetSpec {
  const dataset = project.datasets.get(name);
  if (dataset !== undefined) return dataset;
  throw appErrors.APP_UNKNOWN_DATASET.error(`the project has no dataset "${name}"`, {
    details: { dataset: name, known: [...project.datasets.keys()] },
    hint: `it has: ${[...project.datasets.keys()].join(", ") || "none"}`,
  });
}
