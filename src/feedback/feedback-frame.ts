import { feedbackErrors } from "./errors.ts";
import type { FeedbackItem, FeedbackValue } from "./feedback-item.ts";

/**
 * A frame of the feedback log: what was kept of one request, so that a request is kept as a whole or not at all. All
 * numbers are little-endian.
 *
 *     u8 kind = 1 | u8 layout = 1 | u16 zero | u32 items n | f64 time of receipt, epoch ms
 *     | JSON: a list of n lists [prediction id, name, value, epoch ms at which it became known]
 */
const KIND_FEEDBACK = 1;
const LAYOUT = 1;
const HEADER_BYTES = 16;

export interface FeedbackFrame {
  /** Epoch milliseconds; of two values for the same thing the later one holds. */
  readonly receivedAt: number;
  readonly items: readonly FeedbackItem[];
}

export function encodeFeedback({ receivedAt, items }: FeedbackFrame): Buffer {
  const list = JSON.stringify(
    items.map(({ predictionId, name, value, at }) => [predictionId, name, value, at]),
  );
  const frame = Buffer.alloc(HEADER_BYTES + Buffer.byteLength(list));
  frame.writeUInt8(KIND_FEEDBACK, 0);
  frame.writeUInt8(LAYOUT, 1);
  frame.writeUInt32LE(items.length, 4);
  frame.writeDoubleLE(receivedAt, 8);
  frame.write(list, HEADER_BYTES);
  return frame;
}

/** @throws FEEDBACK_BAD_FRAME */
export function decodeFeedback(frame: Buffer): FeedbackFrame {
  if (frame.length < HEADER_BYTES || frame.readUInt8(0) !== KIND_FEEDBACK || frame.readUInt8(1) !== LAYOUT)
    throw badFrame("it is no feedback of a layout that this version reads");
  const count = frame.readUInt32LE(4);
  const list = parse(frame.toString("utf8", HEADER_BYTES));
  if (!Array.isArray(list) || list.length !== count || !list.every(isEntry))
    throw badFrame(`it does not hold the list of ${count} items that its header says`);
  return {
    receivedAt: frame.readDoubleLE(8),
    items: list.map(([predictionId, name, value, at]) => ({ predictionId, name, value, at })),
  };
}

function isEntry(entry: unknown): entry is [string, string, FeedbackValue, number] {
  if (!Array.isArray(entry) || entry.length !== 4) return false;
  const [id, name, value, at] = entry;
  return (
    typeof id === "string" &&
    typeof name === "string" &&
    typeof at === "number" &&
    (value === null || ["number", "boolean", "string"].includes(typeof value))
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function badFrame(fault: string): Error {
  return feedbackErrors.FEEDBACK_BAD_FRAME.error(`bad frame in the feedback log: ${fault}`, {
    details: { fault },
  });
}
