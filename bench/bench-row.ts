/** One measured claim: our figure, and where there is one a peer's beside it, taken in the same run on the same machine. */
export type BenchRow = ComparedRow | FigureRow | AbsentRow;

export interface ComparedRow {
  readonly claim: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  /** ours ÷ peer. */
  readonly ratio: number;
  readonly unit: string;
  /** What the ratio should be. */
  readonly aim?: Aim;
}

/** A figure that stands for itself. */
export interface FigureRow {
  readonly claim: string;
  readonly ours: number;
  readonly unit: string;
  /** What the figure should be. */
  readonly aim?: Aim;
}

/** A comparison that could not be made here. */
export interface AbsentRow {
  readonly claim: string;
  readonly peerName: string;
  /** Why not: `not installed: …`. */
  readonly absent: string;
}

export type Aim = { readonly atLeast: number } | { readonly atMost: number };

export interface BenchOptions {
  /** A run of seconds, to see that everything works; its figures mean little. */
  readonly short: boolean;
  /** The parts of the bench that were asked for; none means all. */
  readonly parts: readonly string[];
}
