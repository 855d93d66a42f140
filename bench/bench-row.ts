/** One measured claim: our figure beside a peer's, taken in the same run on the same machine. */
export interface BenchRow {
  readonly claim: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  /** ours ÷ peer. */
  readonly ratio: number;
  readonly unit: string;
}
