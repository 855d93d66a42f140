import { defineErrors } from "../kernel/index.ts";

export const clientErrors = defineErrors({
  CLIENT_UNREACHABLE: {
    kind: "unavailable",
    retryable: true,
    doc: "Nothing answers at the address of the server.",
  },
  CLIENT_BAD_ANSWER: {
    kind: "unavailable",
    doc: "What answers at the address is not a Slipway console, or one of another version.",
  },
  CLIENT_PREDICTION_REFUSED: {
    kind: "invalid",
    doc: "The prediction port refused a request; the message is the server's.",
  },
  CLIENT_FEEDBACK_REFUSED: {
    kind: "invalid",
    doc: "The prediction port refused a request with feedback; the message is the server's.",
  },
  CLIENT_CUT_OFF: {
    kind: "unavailable",
    retryable: true,
    doc: "The server ended the connection before it gave a result; whether the operation took place is not known.",
  },
});
