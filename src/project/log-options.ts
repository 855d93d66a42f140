import { suggest } from "./closest-name.ts";
import { projectErrors } from "./errors.ts";

/** What of a model's predictions is logged, and for how long. It is no part of what is trained. */
export interface LogSpec {
  /** The share of requests that is logged in full, above 0 and at most 1. Default 1. */
  readonly sample?: number;
  /** Predictions older than so many days are removed, at least 1. Default: they are kept until there is no more room. */
  readonly keepDays?: number;
}

const OPTIONS = ["sample", "keepDays"] as const;
const MOST_DAYS = 36_500;
const HINT = "log: { sample: 0.1, keepDays: 30 }";

/** @throws PROJECT_BAD_MODEL naming what is wrong */
export function readLogOptions(given: unknown): LogSpec {
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw bad("log must be an object");
  const { sample, keepDays, ...others } = given as Readonly<Record<string, unknown>>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw bad(`log has no option "${other}"`, suggest(other, OPTIONS));
  if (sample !== undefined && !isWithin(sample, Number.MIN_VALUE, 1))
    throw bad("log: sample must be a number above 0 and at most 1");
  if (keepDays !== undefined && !isWithin(keepDays, 1, MOST_DAYS))
    throw bad(`log: keepDays must be a number from 1 to ${MOST_DAYS}`);
  return {
    ...(sample === undefined ? {} : { sample }),
    ...(keepDays === undefined ? {} : { keepDays }),
  };
}

function isWithin(value: unknown, low: number, high: number): value is number {
  return typeof value === "number" && value >= low && value <= high;
}

function bad(problem: string, hint = HINT): Error {
  return projectErrors.PROJECT_BAD_MODEL.error(problem, { details: { option: "log" }, hint });
}
