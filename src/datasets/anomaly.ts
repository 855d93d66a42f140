import type { JsonValue } from "../kernel/index.ts";
import type { Distance } from "../profile/index.ts";
import type { AnomalyKind } from "./anomaly-kinds.ts";
import type { Severity } from "./checks.ts";

/** A row that breaks a limit. */
export interface OffendingRow {
  /** Among the rows of the snapshot, from 1. */
  readonly row: number;
  /** As a text; null where it is missing. */
  readonly value: string | null;
  /** Where it stands, when the snapshot has just been read from files of lines. */
  readonly file?: string;
  readonly line?: number;
}

/** A change of the options of `dataset()` after which the anomaly is none: the option at `path` gets the value. */
export interface SchemaChange {
  readonly path: readonly string[];
  readonly value: JsonValue;
}

/** One limit that a snapshot breaks. */
export interface Anomaly {
  readonly kind: AnomalyKind;
  readonly severity: Severity;
  /** Null where it is about the snapshot as a whole. */
  readonly column: string | null;
  /** In words. */
  readonly expected: string;
  readonly observed: string;
  /** How many rows, and their share of those that were judged; null where the anomaly is not about single rows. */
  readonly rows: number | null;
  readonly share: number | null;
  /** In the order of the snapshot, at most `FIRST_ROWS`. */
  readonly firstRows: readonly OffendingRow[];
  /** Of drift and skew: the number, and by which convention. */
  readonly distance?: Distance;
  readonly proposal: SchemaChange | null;
}

export const FIRST_ROWS = 5;

/** A check that cannot be judged, which is neither a pass nor a failure. */
export interface UnjudgedCheck {
  /** As in `drift` or `range`. */
  readonly check: string;
  readonly column: string | null;
  readonly reason: string;
}

export interface Findings {
  /** How many checks the dataset declares. */
  readonly checks: number;
  readonly anomalies: readonly Anomaly[];
  readonly unjudged: readonly UnjudgedCheck[];
}

export function countSeverity(findings: Pick<Findings, "anomalies">, severity: Severity): number {
  return findings.anomalies.filter((anomaly) => anomaly.severity === severity).length;
}

/** `origin: 12 values (0.3 %) outside the 5 of the domain, first "XXX" in row 17` */
export function describeAnomaly({ column, observed, expected, firstRows }: Anomaly): string {
  const [first] = firstRows;
  const value = first?.value == null ? "" : `${JSON.stringify(first.value)} `;
  const place =
    first?.file === undefined ? `in row ${first?.row}` : `in ${first.file}, line ${first.line ?? first.row}`;
  return `${column === null ? "" : `${column}: `}${observed}; expected ${expected}${first === undefined ? "" : `; first ${value}${place}`}`;
}
