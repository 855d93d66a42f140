import { exactOrBig } from "../wire/index.ts";

/** A 64-bit integer as protobufjs decodes it: an object of the package `long`. */
export type WireInteger = number | LongInteger;

interface LongInteger {
  readonly high: number;
  readonly unsigned: boolean;
  toNumber(): number;
  toBigInt(): bigint;
}

/** A number, or a bigint where a double cannot hold it. */
export function elementOf(value: WireInteger): number | bigint {
  if (typeof value === "number") return value;
  if (value.high === 0 || value.high === -1) return value.toNumber();
  return exactOrBig(value.unsigned ? BigInt.asUintN(64, value.toBigInt()) : value.toBigInt());
}

export function numberOf(value: WireInteger): number {
  return typeof value === "number" ? value : value.toNumber();
}
