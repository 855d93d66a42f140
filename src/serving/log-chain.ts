import { hash } from "node:crypto";
import { listSegments, readSegments } from "../storage/index.ts";
import { decodePrediction, decodeSeal, KIND_SEAL, peekFrame } from "./prediction-frame.ts";
import { PREDICTION_LOG } from "./prediction-log.ts";

export interface ChainReport {
  /** Predictions covered by a seal that holds. */
  readonly sealed: number;
  /** Predictions without a seal: their write failed half-way, so that they were never acknowledged, or is going on. */
  readonly unsealed: number;
  /** Where headers have been altered, removed or inserted. */
  readonly broken: readonly string[];
}

/**
 * Verifies the hash chains of a prediction log: that no header of an acknowledged prediction has been altered, removed
 * or inserted since it was written. Payloads may have been forgotten. Segments removed at the beginning of an
 * incarnation are no breach.
 *
 * @throws STORAGE_LOG_DAMAGED, SERVING_BAD_FRAME
 */
export async function verifyLogChain(directory: string): Promise<ChainReport> {
  const incarnations = new Set(
    (await listSegments(directory, { prefix: PREDICTION_LOG })).map(({ incarnation }) => incarnation),
  );
  const report = { sealed: 0, unsealed: 0, broken: [] as string[] };
  for (const incarnation of incarnations) await verifyIncarnation(directory, incarnation, report);
  return report;
}

async function verifyIncarnation(
  directory: string,
  incarnation: string,
  report: { sealed: number; unsealed: number; broken: string[] },
): Promise<void> {
  let chain: Buffer | undefined;
  let group: { sequence: number; header: Buffer }[] = [];
  for await (const { frame, segment, offset } of readSegments(directory, {
    prefix: PREDICTION_LOG,
    incarnation,
  })) {
    if (peekFrame(frame).kind !== KIND_SEAL) {
      const { sequence, header } = decodePrediction(frame);
      group.push({ sequence, header });
      continue;
    }
    const seal = decodeSeal(frame);
    const sealed = group.filter(({ sequence }) => sequence >= seal.firstSequence);
    const headers = sealed.map(({ header }) => header);
    const value = Buffer.from(hash("sha256", Buffer.concat([seal.before, ...headers]), "hex"), "hex");
    const follows = chain === undefined || chain.equals(seal.before);
    if (follows && sealed.length === seal.predictions && value.equals(seal.after))
      report.sealed += sealed.length;
    else report.broken.push(`the seal at byte ${offset} of ${segment} does not hold`);
    report.unsealed += group.length - sealed.length;
    chain = seal.after;
    group = [];
  }
  report.unsealed += group.length;
}
