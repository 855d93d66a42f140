import type { FeatureKernel, FeaturePlan } from "../../src/features/index.ts";
import { hashText, mixHashes } from "../../src/features/text-hash.ts";
import { log1p, parseIsoTime, utcDayOfYear, utcHour, utcMonth, utcWeekday } from "../../src/kernel/index.ts";

type Constants = Readonly<Record<string, unknown>>;

/**
 * The features of the bench as a careful programmer would write them out for this one model, with the learned numbers
 * taken from the plan: what the generated code is to be compared with at best.
 */
export function createByHand(plan: FeaturePlan): FeatureKernel["evaluateRecord"] {
  const learned = (op: string, nth = 0): Constants =>
    plan.steps.filter((step) => step.op === op)[nth]!.with as Constants;
  const codesOf = (name: string): ReadonlyMap<string, number> => {
    const column = plan.columns.findIndex((candidate) => candidate.name === name);
    const slot = plan.slots.find((candidate) => candidate.read === "code" && candidate.column === column);
    const texts = slot?.read === "code" ? plan.dictionaries[slot.dictionary]! : [];
    return new Map(texts.map((text, code) => [text, code]));
  };
  const median = learned("fill").value as number;
  const { mean, deviation } = learned("standardized") as { mean: number; deviation: number };
  const bounds = learned("bucket").bounds as number[];
  const shares = learned("lookup").values as number[];
  const encoding = (learned("lookupByFold").blocks as number[][])[0]!;
  const carriers = codesOf("carrier");
  const origins = codesOf("origin");
  const since = parseIsoTime("2020-01-01");
  const sound = (value: number): number => (value - value === 0 ? value + 0 : Number.NaN);

  return (record, out) => {
    const { date, distance, price, weight, age, pieces, origin, destination, carrier, express } = record;
    const ms = typeof date === "string" ? parseIsoTime(date) : number(date);
    const miles = number(distance);
    const cost = number(price);
    const kilos = number(weight);
    const years = number(age);
    const count = number(pieces);
    const isExpress = typeof express === "boolean" ? (express ? 1 : 0) : number(express);
    const from = text(origin);
    const to = text(destination);
    const by = text(carrier);

    out[0] = utcHour(ms);
    out[1] = utcMonth(ms);
    out[2] = utcDayOfYear(ms);
    out[3] = utcWeekday(ms) - 1;
    out[4] = sound((ms - since) / 86_400_000);
    out[5] = miles;
    out[6] = sound(log1p(miles));
    out[7] = miles > 1500 ? 1 : miles <= 1500 ? 0 : Number.NaN;
    out[8] = Number.isNaN(cost) ? median : cost;
    out[9] = Number.isNaN(cost) ? 0 : 1;
    out[10] = sound(cost / (miles + 1));
    out[11] = sound((log1p(cost) - mean) / deviation);
    out[12] = Math.min(Math.max(kilos, 0), 1000);
    out[13] = sound(Math.sqrt(kilos / Math.max(count, 1)));
    out[14] = years > 120 ? Number.NaN : years;
    let bucket = 0;
    while (bucket < bounds.length && bounds[bucket]! <= years) bucket += 1;
    out[15] = Number.isNaN(years) ? Number.NaN : bucket;
    const heavy = kilos > 20 ? 1 : kilos <= 20 ? 0 : Number.NaN;
    out[16] = heavy === 0 || isExpress === 0 ? 0 : heavy === 1 && isExpress === 1 ? 1 : Number.NaN;
    for (let at = 17; at < 25; at++) out[at] = 0;
    const carrierCode = by === null ? undefined : carriers.get(by);
    if (carrierCode !== undefined) out[17 + carrierCode] = 1;
    const originCode = from === null ? Number.NaN : (origins.get(from) ?? -1);
    out[25] = originCode >= 0 ? originCode : Number.NaN;
    out[26] = originCode >= 0 ? shares[originCode]! : originCode === -1 ? 0 : Number.NaN;
    const { length } = encoding;
    out[27] =
      originCode >= 0 ? encoding[originCode]! : encoding[originCode === -1 ? length - 2 : length - 1]!;
    out[28] = from === null || to === null ? Number.NaN : mixHashes(hashText(from), hashText(to)) % 4096;
  };
}

function number(value: unknown): number {
  if (typeof value === "number" && value - value === 0) return value;
  if (value === null) return Number.NaN;
  throw new TypeError("a field must be a number");
}

function text(value: unknown): string | null {
  if (typeof value === "string" || value === null) return value;
  throw new TypeError("a field must be a string");
}
