import {
  type Json,
  readBoolean,
  readInteger,
  readList,
  readNumber,
  readNumberOrMissing,
  readNumbers,
  readObject,
  readRising,
  refusePlan,
} from "./plan-reader.ts";
import * as primitives from "./primitives.ts";

/** One operation of the kernel: what a plan's step may call. */
export interface Instruction {
  /** How many values it takes. */
  readonly arity: number;
  /** Checks what a plan says and makes the object the primitive gets as its last argument. */
  readonly constants?: (given: Json, where: string) => object;
  readonly run: (...given: never[]) => number;
}

const MOST_ENTRIES = 8_000_000;
const positive = { least: 1, most: Number.MAX_SAFE_INTEGER };

function plain(arity: number, run: (...given: number[]) => number): Instruction {
  return { arity, run };
}

function withConstants<Constants extends object>(
  arity: number,
  run:
    | ((constants: Constants) => number)
    | ((a: number, constants: Constants) => number)
    | ((a: number, b: number, constants: Constants) => number),
  constants: (given: Json, where: string) => Constants,
): Instruction {
  return { arity, run, constants };
}

function readConstant(given: Json, where: string): primitives.Constant {
  return { value: readNumberOrMissing(readObject(given, where, ["value"]).value, where) };
}

function readClip(given: Json, where: string): primitives.ClipLimits {
  const { low, high } = readObject(given, where, ["low", "high"]);
  return {
    low: low === undefined ? Number.NEGATIVE_INFINITY : readNumber(low, where),
    high: high === undefined ? Number.POSITIVE_INFINITY : readNumber(high, where),
  };
}

function readRounding(given: Json, where: string): primitives.Rounding {
  const { power, coarse } = readObject(given, where, ["power", "coarse"]);
  return { power: readInteger(power, where, positive), coarse: readBoolean(coarse, where) };
}

function readStandard(given: Json, where: string): primitives.Standard {
  const own = readObject(given, where, ["mean", "deviation"]);
  const deviation = readNumber(own.deviation, where);
  if (deviation < 0) throw refusePlan("must have a deviation of at least 0", where);
  return { mean: readNumber(own.mean, where), deviation };
}

function readBounds(given: Json, where: string): primitives.Bounds {
  return { bounds: readRising(readObject(given, where, ["bounds"]).bounds, where, MOST_ENTRIES) };
}

function readCodeTable(given: Json, where: string): primitives.CodeTable {
  const own = readObject(given, where, ["values", "unseen", "missing"]);
  return {
    values: readNumbers(own.values, where, MOST_ENTRIES),
    unseen: readNumberOrMissing(own.unseen, where),
    missing: readNumberOrMissing(own.missing, where),
  };
}

function readFoldTable(given: Json, where: string): primitives.FoldTable {
  const blocks = readList(readObject(given, where, ["blocks"]).blocks, where, 101);
  const rows = blocks.map((block) => readNumbers(block, where, MOST_ENTRIES));
  const width = rows[0]?.length ?? 0;
  if (width < 2 || rows.some((row) => row.length !== width)) {
    throw refusePlan("must have blocks of one length, at least 2", where);
  }
  const values = new Float64Array(rows.length * width);
  for (const [at, row] of rows.entries()) values.set(row, at * width);
  return { values, size: width - 2, folds: rows.length - 1 };
}

function readWidth(given: Json, where: string): primitives.Width {
  return { width: readInteger(readObject(given, where, ["width"]).width, where, positive) };
}

function readKeyTable(given: Json, where: string): primitives.KeyTable {
  const own = readObject(given, where, ["keys", "codes"]);
  const keys = readRising(own.keys, where, MOST_ENTRIES);
  const codes = readNumbers(own.codes, where, MOST_ENTRIES);
  if (codes.length !== keys.length) throw refusePlan("must have as many codes as keys", where);
  return { keys, codes };
}

function readBuckets(given: Json, where: string): primitives.Buckets {
  const buckets = readObject(given, where, ["buckets"]).buckets;
  return { buckets: readInteger(buckets, where, { least: 1, most: 0xffffffff }) };
}

/** Everything a plan may ask for. Names and meanings never change: old plans must keep giving the same bits. */
export const instructions = {
  add: plain(2, primitives.add),
  subtract: plain(2, primitives.subtract),
  multiply: plain(2, primitives.multiply),
  divide: plain(2, primitives.divide),
  minimum: plain(2, primitives.minimum),
  maximum: plain(2, primitives.maximum),
  negate: plain(1, primitives.negate),
  absolute: plain(1, primitives.absolute),
  log: plain(1, primitives.log),
  log1p: plain(1, primitives.log1p),
  squareRoot: plain(1, primitives.squareRoot),
  clip: withConstants(1, primitives.clip, readClip),
  round: withConstants(1, primitives.round, readRounding),
  above: plain(2, primitives.above),
  atLeast: plain(2, primitives.atLeast),
  below: plain(2, primitives.below),
  atMost: plain(2, primitives.atMost),
  equals: plain(2, primitives.equals),
  between: plain(3, primitives.between),
  when: plain(3, primitives.when),
  and: plain(2, primitives.and),
  or: plain(2, primitives.or),
  not: plain(1, primitives.not),
  isMissing: plain(1, primitives.isMissing),
  dayNumber: plain(1, primitives.dayNumber),
  civilDate: plain(1, primitives.civilDate),
  year: plain(1, primitives.year),
  month: plain(1, primitives.month),
  dayOfMonth: plain(1, primitives.dayOfMonth),
  dayOfWeek: plain(1, primitives.dayOfWeek),
  dayOfYear: plain(1, primitives.dayOfYear),
  hourOfDay: plain(2, primitives.hourOfDay),
  minuteOfHour: plain(2, primitives.minuteOfHour),
  hoursSince: plain(2, primitives.hoursSince),
  daysSince: plain(2, primitives.daysSince),
  constant: withConstants(0, primitives.constant, readConstant),
  fill: withConstants(1, primitives.fill, readConstant),
  standardized: withConstants(1, primitives.standardized, readStandard),
  bucket: withConstants(1, primitives.bucket, readBounds),
  codeIs: withConstants(1, primitives.codeIs, readConstant),
  lookup: withConstants(1, primitives.lookup, readCodeTable),
  lookupByFold: withConstants(2, primitives.lookupByFold, readFoldTable),
  codeOrMissing: plain(1, primitives.codeOrMissing),
  pairKey: withConstants(2, primitives.pairKey, readWidth),
  codeOfKey: withConstants(1, primitives.codeOfKey, readKeyTable),
  hashOfCode: plain(1, primitives.hashOfCode),
  mixedHash: plain(2, primitives.mixedHash),
  hashBucket: withConstants(1, primitives.hashBucket, readBuckets),
} as const satisfies Readonly<Record<string, Instruction>>;

export type InstructionName = keyof typeof instructions;

export function instructionOf(op: unknown): Instruction | undefined {
  return typeof op === "string" && Object.hasOwn(instructions, op)
    ? instructions[op as InstructionName]
    : undefined;
}
