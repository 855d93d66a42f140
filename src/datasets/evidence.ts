import type { Distance } from "../profile/index.ts";
import type { Condition, Offences } from "./row-conditions.ts";

/** What was counted in the rows of a snapshot. A condition that is absent is met by none of them. */
export interface Evidence {
  /** By column and kind of anomaly. */
  readonly offences: ReadonlyMap<string, ReadonlyMap<Condition["kind"], Offences>>;
  /** By column, over the values present. */
  readonly uniqueness: ReadonlyMap<string, Uniqueness>;
  readonly key?: Uniqueness;
  /** By column, measured on the rows themselves. */
  readonly distances: ReadonlyMap<string, readonly Distance[]>;
}

export interface Uniqueness {
  readonly distinct: number;
  /** Rows that have what an earlier row has. */
  readonly repeated: Offences;
}

export const NO_EVIDENCE: Evidence = { offences: new Map(), uniqueness: new Map(), distances: new Map() };
