import type { KnownItems } from "../bundle/index.ts";
import { servingErrors } from "./errors.ts";
import type { LoadedModel } from "./loaded-model.ts";

type InputRecord = Readonly<Record<string, unknown>>;

/** Which of many records are the best ones? */
export interface RecommendRequest {
  /** The fields that all candidates share. */
  readonly context: InputRecord;
  /** Keys of known items, or objects of fields of their own; without it all known items. */
  readonly candidates?: readonly unknown[];
  /** Keys of items that are not wanted. */
  readonly exclude?: readonly unknown[];
  /** How many answers at most. */
  readonly n: number;
}

export interface Candidate {
  /** What the answer calls it: the key of a known item, or the candidate as it was given. */
  readonly item: unknown;
  readonly record: InputRecord;
}

/** More would keep a worker from its other requests for too long. */
export const MOST_CANDIDATES = 50_000;

/** Fields of known items by key. */
const indexed = new WeakMap<KnownItems, ReadonlyMap<unknown, InputRecord>>();

function itemsByKey(items: KnownItems): ReadonlyMap<unknown, InputRecord> {
  let byKey = indexed.get(items);
  if (byKey === undefined) {
    const fields = (row: KnownItems["rows"][number]): InputRecord =>
      Object.fromEntries(items.columns.map((name, at) => [name, row[at]]));
    byKey = new Map(items.rows.map((row) => [row[0], fields(row)]));
    indexed.set(items, byKey);
  }
  return byKey;
}

/**
 * The records that a request asks about, in its order or that of the known items. An item that training did not know has its
 * key and nothing else.
 *
 * @throws SERVING_BAD_CANDIDATES
 */
export function candidatesOf(model: Pick<LoadedModel, "items">, request: RecommendRequest): Candidate[] {
  const { context, exclude = [] } = request;
  const { items } = model;
  const unwanted = new Set(exclude);
  const given = request.candidates ?? (items === undefined ? undefined : [...itemsByKey(items).keys()]);
  if (given === undefined) {
    throw bad("the model knows no items of its own, so the request must have candidates", {
      hint: 'Send "candidates": [{…}, {…}], or declare the items of the model in slipway.config.ts.',
    });
  }
  const candidates: Candidate[] = [];
  for (const [place, item] of given.entries()) {
    const own = fieldsOf(item, items, place);
    if (unwanted.size > 0 && unwanted.has(items === undefined ? item : own[items.key])) continue;
    candidates.push({ item, record: { ...context, ...own } });
  }
  if (candidates.length === 0) throw bad("no candidate is left", {});
  if (candidates.length > MOST_CANDIDATES) {
    throw bad(`there are ${candidates.length} candidates; at most ${MOST_CANDIDATES} are ranked at once`, {
      hint: "Choose among them before, and send those as candidates.",
    });
  }
  return candidates;
}

function fieldsOf(item: unknown, items: KnownItems | undefined, place: number): InputRecord {
  if (typeof item === "object" && item !== null && !Array.isArray(item)) return item as InputRecord;
  if (items === undefined || (typeof item !== "string" && typeof item !== "number")) {
    const wanted =
      items === undefined ? "an object of fields" : `a value of "${items.key}" or an object of fields`;
    throw bad(`candidate ${place} must be ${wanted}`, { place });
  }
  const known = itemsByKey(items).get(item);
  if (known !== undefined) return known;
  return Object.fromEntries(items.columns.map((name) => [name, name === items.key ? item : null]));
}

function bad(problem: string, { hint, place }: { readonly hint?: string; readonly place?: number }): Error {
  return servingErrors.SERVING_BAD_CANDIDATES.error(problem, {
    details: place === undefined ? {} : { candidate: place },
    ...(hint === undefined ? {} : { hint }),
  });
}
