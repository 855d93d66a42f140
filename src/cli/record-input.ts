import { cliErrors } from "./errors.ts";

export type JsonRecord = Readonly<Record<string, unknown>>;

const HINT = `give an object such as '{"tenure": 3, "contract": "monthly"}', a list of them, or one per line`;

/**
 * Records from JSON text: one object, a list of objects, or one object per line.
 *
 * @throws CLI_BAD_RECORD naming the line
 */
export function parseRecords(text: string): readonly JsonRecord[] {
  if (text.trim() === "") throw cliErrors.CLI_BAD_RECORD.error("there is no record", { hint: HINT });
  const values = parseAsOne(text) ?? parseLines(text);
  return values.map((value, index) => {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonRecord;
    throw cliErrors.CLI_BAD_RECORD.error(`record ${index + 1} is not an object`, {
      details: { record: index + 1 },
      hint: HINT,
    });
  });
}

/** `undefined` when the text is not one JSON value: it may still be one per line. */
function parseAsOne(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [value];
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parseLines(text: string): unknown[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (cause) {
      throw cliErrors.CLI_BAD_RECORD.error(
        `line ${index + 1} is not JSON: ${cause instanceof Error ? cause.message : cause}`,
        {
          details: { line: index + 1 },
          hint: HINT,
          cause,
        },
      );
    }
  });
}
