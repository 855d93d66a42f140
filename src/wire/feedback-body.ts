import { wireErrors } from "./errors.ts";
import { type BodyLimits, bodyText, isObject, parseJson } from "./prediction-body.ts";

/** The body of `POST /v1/feedback`, its items not checked yet. */
export interface FeedbackBody {
  /** `single`: the body was one item, and is answered by one outcome. */
  readonly form: "single" | "bulk";
  readonly items: readonly unknown[];
}

/**
 * Reads one item, a list of items, `{"feedback": [items]}`, or one item per line.
 *
 * @throws WIRE_EMPTY_BODY, WIRE_NOT_JSON, WIRE_TOO_DEEP, WIRE_BAD_REQUEST
 */
export function parseFeedbackBody(body: Buffer, limits: BodyLimits): FeedbackBody {
  const text = bodyText(body, limits);
  const document = parseLines(text) ?? parseJson(text);
  if (Array.isArray(document)) return { form: "bulk", items: document };
  if (!isObject(document) || !Object.hasOwn(document, "feedback"))
    return { form: "single", items: [document] };
  const { feedback, ...others } = document;
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`besides "feedback" the body has "${other.slice(0, 200)}"`);
  if (!Array.isArray(feedback)) throw bad('"feedback" must be a list of items');
  return { form: "bulk", items: feedback };
}

/** The items of newline-delimited JSON; undefined when the text is something else. */
function parseLines(text: string): unknown[] | undefined {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const [first = ""] = lines;
  // A document that is spread over lines has no whole object on its first one.
  if (lines.length < 2 || !first.trim().startsWith("{") || !first.trim().endsWith("}")) return undefined;
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as unknown;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw wireErrors.WIRE_NOT_JSON.error(`line ${index + 1} of the body is not JSON: ${reason}`, {
        details: { line: index + 1 },
        cause: thrown,
      });
    }
  });
}

function bad(fault: string): Error {
  return wireErrors.WIRE_BAD_REQUEST.error(`bad feedback: ${fault}`, { details: { field: "feedback" } });
}
