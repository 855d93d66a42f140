import { defineErrors } from "../kernel/index.ts";

export const projectErrors = defineErrors({
  PROJECT_NOT_FOUND: { kind: "not-found", doc: "A folder holds no slipway.config.ts." },
  PROJECT_CONFIG_FAILED: {
    kind: "invalid",
    doc: "The config file cannot be parsed, or threw while it was loaded. The message names file, line and column.",
  },
  PROJECT_EMPTY: { kind: "invalid", doc: "The config file exports neither a dataset nor a model." },
  PROJECT_BAD_NAME: {
    kind: "invalid",
    doc: "A dataset or model is exported under a name that cannot be its name, or under two.",
  },
  PROJECT_DATASET_NOT_EXPORTED: {
    kind: "invalid",
    doc: "A model is made from a dataset that the config file does not export.",
  },
  PROJECT_BAD_DATASET: {
    kind: "invalid",
    doc: "An option of dataset() is missing or not what it should be.",
  },
  PROJECT_BAD_MODEL: { kind: "invalid", doc: "An option of model() is missing or not what it should be." },
  PROJECT_BAD_CUSTOM: {
    kind: "invalid",
    doc: "A custom function cannot come with the model: it uses what is not its own, or what differs by machine or moment.",
  },
  PROJECT_UNKNOWN_COLUMN: { kind: "invalid", doc: "A column is named that the dataset does not declare." },
  PROJECT_LEAK: {
    kind: "invalid",
    doc: "A feature reads a column that is not known yet when a prediction is made, or that the target is made of.",
  },
  PROJECT_WRONG_KIND: {
    kind: "invalid",
    doc: "A method is called on a value of a kind that does not have it.",
  },
});
