import { defineErrors } from "../kernel/index.ts";

export const registryErrors = defineErrors({
  REGISTRY_BAD_NAME: {
    kind: "invalid",
    doc: "The name of a model, a dataset, an alias or an actor is empty, too long or has characters it may not have.",
  },
  REGISTRY_BAD_RECORD: {
    kind: "invalid",
    doc: "Something to be recorded has a field with a value that it may not have.",
  },
  REGISTRY_UNKNOWN_SNAPSHOT: {
    kind: "not-found",
    doc: "No snapshot of this dataset and digest is recorded.",
  },
  REGISTRY_UNKNOWN_TAG: { kind: "not-found", doc: "The dataset has no tag of this name." },
  REGISTRY_UNKNOWN_RUN: { kind: "not-found", doc: "No run of this id is recorded." },
  REGISTRY_UNKNOWN_MODEL: { kind: "not-found", doc: "No version of this model is registered." },
  REGISTRY_UNKNOWN_VERSION: { kind: "not-found", doc: "The model has no version of this number." },
  REGISTRY_UNKNOWN_ALIAS: { kind: "not-found", doc: "The model has no alias of this name." },
  REGISTRY_AMBIGUOUS: { kind: "invalid", doc: "A shortened digest or id fits more than one record." },
  REGISTRY_REJECTED_VERSION: {
    kind: "conflict",
    doc: "A version that failed its gates was to become champion without force.",
  },
  REGISTRY_NO_PREVIOUS: {
    kind: "conflict",
    doc: "An alias was to go back to what it named before, and it has named nothing before.",
  },
  REGISTRY_RUN_EXISTS: { kind: "conflict", doc: "A run of this id is recorded already." },
  REGISTRY_RUN_STATE: {
    kind: "conflict",
    doc: "A run was to change in a way that its state does not allow, for instance after it had finished.",
  },
});
