import { z } from "zod";
import { controlOperations } from "./control.ts";

/** The text of `docs/reference/control-operations.md`. */
export function operationsReference(): string {
  const sections = Object.entries(controlOperations).map(([name, operation]) => {
    const schema = z.toJSONSchema(operation.input, { io: "input" }) as InputSchema;
    const alternatives = schema.anyOf ?? [schema];
    const tables = alternatives.map(fieldTable).join("\n\nor\n\n");
    return `## ${name}\n\n${operation.doc}${operation.reads ? " Changes nothing." : ""}\n\n${tables}`;
  });
  return `# Control operations

<!-- Written by scripts/generate-operations-reference.ts from src/wire/control.ts: change that table, not this page. -->

Each is called on the console port as \`POST /api/v1/<operation>\` with \`Authorization: Bearer <token>\` and a JSON
object as body; fields that are not named here are refused. The answer is \`application/x-ndjson\`: any number of lines
\`{"progress": {…}}\` and \`{}\`, then one line \`{"result": {…}}\` or \`{"error": {…}}\`. An operation that fails before
it reports progress answers with the status of its error and the body \`{"error": {…}}\`. The shapes of results stand in
\`src/wire/control-records.ts\`.

${sections.join("\n\n")}
`;
}

interface FieldSchema {
  readonly type?: string;
  readonly format?: string;
  readonly anyOf?: readonly FieldSchema[];
  readonly default?: unknown;
  readonly description?: string;
}

interface InputSchema {
  readonly anyOf?: readonly InputSchema[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

function fieldTable({ properties = {}, required = [] }: InputSchema): string {
  const rows = Object.entries(properties).map(([name, field]) => {
    const need = required.includes(name)
      ? "required"
      : field.default === undefined
        ? ""
        : `default \`${JSON.stringify(field.default)}\``;
    return `| \`${name}\` | ${typeOf(field)} | ${need} | ${field.description ?? ""} |`;
  });
  if (rows.length === 0) return "No fields: the body is `{}`.";
  return `| field | type | | |\n|---|---|---|---|\n${rows.join("\n")}`;
}

function typeOf({ type, format, anyOf }: FieldSchema): string {
  if (anyOf !== undefined) return anyOf.map(typeOf).join(" or ");
  return format === "date-time" ? "ISO 8601 time with a zone" : (type ?? "any");
}
