/**
 * What goes through windows, in the order of one stream. Events are plain JSON and carry all that their windows need.
 * `keys` and `values` have one entry for each window of the program that made the event.
 */
export type WindowEvent = RowEvent | LabelEvent;

/** A row of a dataset, or the record of a prediction. */
export interface RowEvent {
  readonly kind: "row";
  /** When the row happened, epoch milliseconds; null where its time is missing: then no window knows the row. */
  readonly timeMs: number | null;
  /** The key under which each window looks at its past; null where a part of it is missing. */
  readonly keys: readonly (string | null)[];
  /** What the row itself puts into each window; null where that is nothing. */
  readonly values: readonly (number | null)[];
}

/** What turned out later about a row. */
export interface LabelEvent {
  readonly kind: "label";
  /** When its row happened. */
  readonly timeMs: number | null;
  /** When it became known; windows do not show it before their `knownAfter` has passed since the row. */
  readonly atMs: number;
  readonly keys: readonly (string | null)[];
  readonly values: readonly (number | null)[];
}
