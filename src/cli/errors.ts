import { defineErrors } from "../kernel/index.ts";

export const cliErrors = defineErrors({
  CLI_USAGE: {
    kind: "invalid",
    doc: "The command line has an argument or option that the command does not take.",
  },
  CLI_NO_PROJECT: { kind: "not-found", doc: "No slipway.config.ts was found where the command was run." },
  CLI_TOKEN_WANTED: { kind: "denied", doc: "A server was named with --server, but no token for it." },
  CLI_BAD_RECORD: {
    kind: "invalid",
    doc: "The record to predict for is not JSON, or not an object or a list of objects.",
  },
  CLI_BAD_CONTROL_FILE: { kind: "internal", doc: "The file that names the running server cannot be read." },
  CLI_NOT_SERVING: {
    kind: "unavailable",
    doc: "A prediction was asked for, but nothing serves predictions.",
  },
  CLI_INTERRUPTED: { kind: "unavailable", doc: "The command was stopped from the keyboard or by a signal." },
  CLI_PROJECT_EXISTS: { kind: "conflict", doc: "`slipway init` would overwrite a configuration." },
  CLI_NO_SOURCE: { kind: "not-found", doc: "`slipway init` was pointed at a file that does not exist." },
  CLI_NO_SUCH_COLUMN: {
    kind: "not-found",
    doc: "`slipway init` was given a column that the file does not have.",
  },
  CLI_BAD_TARGET: {
    kind: "invalid",
    doc: "`slipway init` was given a target that nothing can be learned from.",
  },
  CLI_NO_MODEL_FILE: {
    kind: "invalid",
    doc: "The model file to import does not exist, is no file, or is larger than an import may be.",
  },
  CLI_BAD_TIME: { kind: "invalid", doc: "`slipway init` was given a time column that holds no times." },
  CLI_BAD_NAME: { kind: "invalid", doc: "`slipway init` was given a model name that cannot be one." },
});
