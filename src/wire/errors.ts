import { defineErrors } from "../kernel/index.ts";

export const wireErrors = defineErrors({
  WIRE_BAD_INPUT: {
    kind: "invalid",
    doc: "The input of an operation lacks a field, has one too many, or one of the wrong type.",
  },
  WIRE_EMPTY_BODY: { kind: "invalid", doc: "The body of a prediction request is empty." },
  WIRE_NOT_JSON: { kind: "invalid", doc: "The body of a prediction request is not JSON." },
  WIRE_TOO_DEEP: {
    kind: "invalid",
    doc: "The body of a prediction request nests lists and objects deeper than the server reads.",
  },
  WIRE_BAD_REQUEST: {
    kind: "invalid",
    doc: "The body of a prediction request is JSON, but not of the form that its protocol asks for.",
  },
  WIRE_INEXACT_INTEGER: {
    kind: "invalid",
    doc: "An integer in a prediction request is too large to be represented exactly.",
  },
  WIRE_UNKNOWN_FIELD: {
    kind: "invalid",
    doc: "A prediction request has a field that the model does not read, and the server was told to refuse those.",
  },
  WIRE_BAD_CSV: {
    kind: "invalid",
    doc: "The body of a prediction request is not comma-separated values with the columns of its model.",
  },
  WIRE_BAD_TENSOR: {
    kind: "invalid",
    doc: "The bytes of a tensor are not those of as many elements of its type as its shape asks for.",
  },
  WIRE_UNKNOWN_OPERATION: { kind: "not-found", doc: "There is no control operation of this name." },
});
