import type { ColumnType } from "../kernel/index.ts";
import { type ModelOutput, modelOutputs } from "./output-tensors.ts";
import type { InputColumn, InputRules } from "./prediction-body.ts";
import type { AnswerTensor } from "./tensor-answers.ts";
import { sizeOf } from "./tensor-values.ts";
import { DATATYPES } from "./v2-request.ts";

/** What an OpenAPI document says of a model. */
export interface DescribedModel {
  readonly name: string;
  readonly version: number;
  readonly output: ModelOutput & { readonly width?: number };
}

type Schema = Readonly<Record<string, unknown>>;

/**
 * The OpenAPI 3.1 document of a model's calls, made from its signature: what V1, V2 and MLflow's protocol take and answer,
 * with an example that the model answers.
 */
export function openapiDocument(model: DescribedModel, rules: InputRules): object {
  const name = encodeURIComponent(model.name);
  const instance = Object.fromEntries(rules.columns.map((column) => [column.name, exampleOf(column)]));
  return {
    openapi: "3.1.0",
    info: {
      title: model.name,
      version: String(model.version),
      description: `Predictions of the model ${model.name}, version ${model.version}.`,
    },
    paths: {
      [`/v1/models/${name}:predict`]: {
        post: call("predict", {
          summary: "Predict from records (TensorFlow Serving, KServe V1)",
          request: "PredictRequest",
          example: { instances: [instance] },
          answer: "PredictAnswer",
        }),
      },
      "/invocations": {
        post: {
          ...call("invocations", {
            summary: "Predict from records (MLflow, SageMaker)",
            request: "InvocationsRequest",
            example: { dataframe_records: [instance] },
            answer: "PredictAnswer",
          }),
          parameters: [
            { name: "model", in: "query", schema: { type: "string" }, example: model.name },
            { name: "version", in: "query", schema: { type: "string" } },
          ],
        },
      },
      [`/v2/models/${name}/infer`]: {
        post: call("infer", {
          summary: "Predict from tensors (Open Inference Protocol V2)",
          request: "InferRequest",
          example: { inputs: rules.columns.map((column) => exampleTensor(column, rules)) },
          answer: "InferAnswer",
        }),
      },
    },
    components: { schemas: schemasOf(model, rules) },
  };
}

function call(
  operationId: string,
  described: { summary: string; request: string; example: object; answer: string },
): Schema {
  const json = (schema: string) => ({
    "application/json": { schema: { $ref: `#/components/schemas/${schema}` } },
  });
  return {
    operationId,
    summary: described.summary,
    requestBody: {
      required: true,
      content: {
        "application/json": { ...json(described.request)["application/json"], example: described.example },
      },
    },
    responses: {
      200: {
        description: "The predictions, which are in the log.",
        headers: {
          "x-slipway-prediction-id": {
            description: "Names the request in the prediction log.",
            schema: { type: "string" },
          },
        },
        content: json(described.answer),
      },
      400: { description: "The request is not of the form that the model reads.", content: json("Error") },
      default: { description: "The request cannot be answered.", content: json("Error") },
    },
  };
}

function schemasOf(model: DescribedModel, rules: InputRules): Readonly<Record<string, Schema>> {
  const outputs = modelOutputs(model.output);
  const each = outputs.map((output) => [output.name, outputSchema(output)] as const);
  const prediction = each.length === 1 ? each[0]![1] : objectOf(each);
  const list = (items: Schema): Schema => ({ type: "array", minItems: 1, items });
  const instances = list({ $ref: "#/components/schemas/Instance" });
  const form = (key: string): Schema => ({ ...objectOf([[key, instances]]), title: key });
  return {
    Instance: objectOf(rules.columns.map((column) => [column.name, columnSchema(column)])),
    PredictRequest: form("instances"),
    InvocationsRequest: {
      oneOf: [
        form("dataframe_records"),
        form("instances"),
        form("inputs"),
        {
          title: "dataframe_split",
          ...objectOf([
            [
              "dataframe_split",
              objectOf([
                ["columns", list({ enum: rules.columns.map(({ name }) => name) })],
                ["data", list({ type: "array" })],
              ]),
            ],
          ]),
        },
      ],
    },
    PredictAnswer: objectOf([["predictions", list(prediction)]]),
    InferRequest: {
      ...objectOf([
        [
          "inputs",
          list({
            oneOf: rules.columns.map(({ name, type }) =>
              objectOf([
                ["name", { const: name }],
                ["datatype", { enum: DATATYPES[type] }],
                ["shape", { type: "array", items: { type: "integer", minimum: 0 } }],
                ["data", { type: "array" }],
              ]),
            ),
          }),
        ],
      ]),
    },
    InferAnswer: objectOf([
      ["model_name", { type: "string" }],
      ["model_version", { type: "string" }],
      [
        "outputs",
        list(
          objectOf([
            ["name", { enum: outputs.map(({ name }) => name) }],
            ["datatype", { type: "string" }],
            ["shape", { type: "array", items: { type: "integer" } }],
            ["data", { type: "array" }],
          ]),
        ),
      ],
    ]),
    Error: {
      type: "object",
      properties: {
        error: { type: "string" },
        code: { type: "string", description: "Stable." },
        details: { type: "object" },
        hint: { type: "string" },
      },
      required: ["code"],
    },
  };
}

function objectOf(properties: readonly (readonly [string, Schema])[]): Schema {
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    required: properties.map(([name]) => name),
  };
}

const TYPES: Readonly<Record<ColumnType, Schema>> = {
  int: { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
  float: { type: "number" },
  bool: { type: "boolean" },
  timestamp: {
    type: ["string", "number"],
    description: "ISO 8601, or milliseconds since 1970",
  },
  category: { type: "string" },
  text: { type: "string" },
};

/** A field has to be there even where it may be null. */
function columnSchema({ type, required, shape }: InputColumn): Schema {
  const schema = nestedSchema(TYPES[type], shape ?? []);
  return required ? schema : { anyOf: [schema, { type: "null" }] };
}

function outputSchema({ type, shape }: AnswerTensor): Schema {
  return nestedSchema(type === "int" ? { type: "integer" } : TYPES[type], shape);
}

function nestedSchema(element: Schema, shape: readonly number[]): Schema {
  const [extent, ...inner] = shape;
  if (extent === undefined) return element;
  const length = extent === -1 ? {} : { minItems: extent, maxItems: extent };
  return { type: "array", items: nestedSchema(element, inner), ...length };
}

const EXAMPLES: Readonly<Record<ColumnType, string | number | boolean>> = {
  int: 1,
  float: 0.5,
  bool: true,
  timestamp: "2024-02-29T12:00:00Z",
  category: "a",
  text: "a",
};

/** Extents that may be any are 1 in the example. */
function exampleShape({ shape = [] }: InputColumn): number[] {
  return shape.map((extent) => (extent === -1 ? 1 : extent));
}

function exampleOf(column: InputColumn): unknown {
  const nest = ([extent, ...inner]: readonly number[]): unknown =>
    extent === undefined ? EXAMPLES[column.type] : Array.from({ length: extent }, () => nest(inner));
  return nest(exampleShape(column));
}

function exampleTensor(column: InputColumn, { unbatched }: InputRules): object {
  const shape = exampleShape(column);
  return {
    name: column.name,
    datatype: DATATYPES[column.type][0],
    shape: unbatched ? shape : [1, ...shape],
    data: new Array(sizeOf(shape)).fill(EXAMPLES[column.type]),
  };
}
