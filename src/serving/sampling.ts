import { decodeBase32Tail, type PredictionId } from "./prediction-id.ts";

/** What the log kept of a request: all of it, its header only because the model's log is a sample, or nothing. */
export type Kept = "full" | "sampled-out" | "unlogged";

const RANGE = 0x1_0000_0000;

/**
 * The place of a request among all, from 0 to 1: a share s of a model's log holds those below s, so that a smaller share
 * is part of a larger one. A function of the id alone: the finaliser of MurmurHash3 over worker and sequence number.
 */
export function sampleDraw({
  incarnationTail,
  sequence,
}: Pick<PredictionId, "incarnationTail" | "sequence">): number {
  return drawOf(workerSeed(incarnationTail), sequence);
}

/** What `drawOf` needs to know of a worker. */
export function workerSeed(incarnationTail: string): number {
  return mixed(decodeBase32Tail(incarnationTail) | 0);
}

/** `sampleDraw` for the hot path. */
export function drawOf(seed: number, sequence: number): number {
  return (mixed(seed ^ (sequence | 0) ^ Math.imul((sequence / RANGE) | 0, 0x9e3779b1)) >>> 0) / RANGE;
}

function mixed(value: number): number {
  let mix = value;
  mix = Math.imul(mix ^ (mix >>> 16), 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
