import { targetName } from "../features/index.ts";
import { parseIsoTime, type SlipwayError } from "../kernel/index.ts";
import { parsePredictionId } from "../serving/index.ts";
import { feedbackErrors } from "./errors.ts";

/** What a feedback may say. `null`: it turned out that nobody will know. */
export type FeedbackValue = number | boolean | string | null;

/** What later turned out to be true about one prediction. */
export interface FeedbackItem {
  /** Of an answered instance: `<id>`, or `<id>.<index>` for one of several. */
  readonly predictionId: string;
  /** What it is about; `target` is what the model predicts. */
  readonly name: string;
  readonly value: FeedbackValue;
  /** When it became known, epoch milliseconds. */
  readonly at: number;
}

const FIELDS = ["predictionId", "name", "value", "at"] as const;
const MAX_NAME_LENGTH = 200;
const MAX_TEXT_LENGTH = 1_000;
const CONTROL_CHARACTER = /\p{Cc}/u;

/**
 * Checks one item as it came from a client.
 *
 * @param now stands for a time that is not given, epoch milliseconds
 * @throws FEEDBACK_BAD_ITEM, SERVING_BAD_PREDICTION_ID, FEEDBACK_BAD_NAME, FEEDBACK_BAD_VALUE, FEEDBACK_BAD_TIME
 */
export function checkFeedbackItem(given: unknown, now: number): FeedbackItem {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw badItem(`an object with "predictionId" and "value" is expected, not ${kindOf(given)}`);
  const item = given as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(item).find((field) => !FIELDS.some((known) => known === field));
  if (unknown !== undefined)
    throw badItem(`there is no field ${quoted(unknown)}; an item has ${FIELDS.join(", ")}`, unknown);
  if (!Object.hasOwn(item, "predictionId")) throw badItem(`"predictionId" is missing`, "predictionId");
  if (!Object.hasOwn(item, "value")) throw badItem(`"value" is missing`, "value");
  if (typeof item.predictionId !== "string")
    throw badItem(`"predictionId" must be a text, not ${kindOf(item.predictionId)}`, "predictionId");
  parsePredictionId(item.predictionId);
  return {
    predictionId: item.predictionId,
    name: checkName(item.name),
    value: checkValue(item.value),
    at: checkTime(item.at, now),
  };
}

/** Two feedbacks of the same key are about the same thing: the later one corrects the earlier one. */
export function feedbackKey({ predictionId, name }: Pick<FeedbackItem, "predictionId" | "name">): string {
  return `${predictionId.includes(".") ? predictionId : `${predictionId}.0`} ${name}`;
}

function checkName(name: unknown): string {
  if (name === undefined) return targetName;
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH || !isPlainText(name)) {
    throw feedbackErrors.FEEDBACK_BAD_NAME.error(
      `"name" must be a text of 1 to ${MAX_NAME_LENGTH} characters without line breaks, not ${shown(name)}`,
      { details: { field: "name" }, hint: `Leave it out to say what the model's target turned out to be.` },
    );
  }
  return name;
}

function isPlainText(text: string): boolean {
  return text.isWellFormed() && !CONTROL_CHARACTER.test(text);
}

function checkValue(value: unknown): FeedbackValue {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value + 0;
  if (typeof value === "string" && value.length <= MAX_TEXT_LENGTH && value.isWellFormed()) return value;
  throw feedbackErrors.FEEDBACK_BAD_VALUE.error(
    `"value" must be a finite number, true, false, a text of at most ${MAX_TEXT_LENGTH} characters or null, not ${shown(value)}`,
    { details: { field: "value" } },
  );
}

function checkTime(at: unknown, now: number): number {
  if (at === undefined) return now;
  const ms = typeof at === "string" ? parseIsoTime(at) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw feedbackErrors.FEEDBACK_BAD_TIME.error(
    `"at" must be an ISO 8601 time such as 2026-01-31T12:00:00Z, not ${shown(at)}`,
    { details: { field: "at" } },
  );
}

function badItem(fault: string, field?: string): SlipwayError {
  return feedbackErrors.FEEDBACK_BAD_ITEM.error(`bad feedback: ${fault}`, {
    details: field === undefined ? {} : { field: field.slice(0, 200) },
  });
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80).toWellFormed());
}

function shown(value: unknown): string {
  if (typeof value === "string")
    return value.length > 80 ? `a text of ${value.length} characters` : quoted(value);
  return typeof value === "number" ? String(value) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
