import { defineErrors } from "../kernel/index.ts";

export const configErrors = defineErrors({
  CONFIG_BAD_VALUE: {
    kind: "invalid",
    doc: "A setting has a value it cannot have; the message names the setting, where it was set and what is accepted.",
  },
});
