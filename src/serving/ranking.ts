import { type ModelWindows, withTime } from "../stream/index.ts";
import type { LoadedModel } from "./loaded-model.ts";

type InputRecord = Readonly<Record<string, unknown>>;

export interface RankingOptions {
  /** How many are wanted. */
  readonly n: number;
  /** Of a model with windows. */
  readonly windows: ModelWindows | undefined;
  /** When a record that has no time happens, epoch milliseconds. */
  readonly timeMs: number;
  /** Makes of what was thrown at a candidate the error to be thrown. */
  readonly fault: (thrown: unknown, place: number) => unknown;
}

/** One of the best. */
export interface Ranked {
  /** Among the candidates. */
  readonly place: number;
  readonly score: number;
  /** What the windows were asked about it and said. */
  readonly record: InputRecord;
  readonly timeMs: number;
  readonly derived: Float64Array;
}

const ROWS_AT_ONCE = 256;

/**
 * The candidates with the highest outputs, the best first, of equal ones the earlier. The windows are looked at in one turn of the
 * event loop, so that all candidates see the same past; the model is asked in several, so that others are
 * answered meanwhile.
 */
export async function rankCandidates(
  model: LoadedModel,
  candidates: readonly InputRecord[],
  options: RankingOptions,
): Promise<Ranked[]> {
  const { n, fault } = options;
  const looked = lookAtWindows(model, candidates, options);
  const best: Ranked[] = [];
  for (let place = 0; place < candidates.length; place++) {
    if (place > 0 && place % ROWS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    const { record, derived } = looked(place);
    let score: number;
    try {
      score = model.predict(record, derived);
    } catch (thrown) {
      throw fault(thrown, place);
    }
    if (!Number.isFinite(score)) throw fault(new RangeError(String(score)), place);
    if (best.length === n && score <= best[n - 1]!.score) continue;
    insert(best, { place, score, ...looked(place) });
    if (best.length > n) best.pop();
  }
  return best;
}

type Looked = Pick<Ranked, "record" | "timeMs" | "derived">;

function lookAtWindows(
  model: LoadedModel,
  candidates: readonly InputRecord[],
  { windows, timeMs, fault }: RankingOptions,
): (place: number) => Looked {
  const width = model.derivedNames.length;
  const none = new Float64Array(width);
  if (windows === undefined) {
    return (place) => ({ record: candidates[place]!, timeMs: Number.NaN, derived: none });
  }
  const derived = new Float64Array(width * candidates.length);
  const times = new Float64Array(candidates.length);
  const { time } = windows.program;
  const records = candidates.map((candidate, place) => {
    const record = withTime(candidate, { time, timeMs });
    try {
      times[place] = windows.resolve(record);
    } catch (thrown) {
      throw fault(thrown, place);
    }
    derived.set(windows.values, place * width);
    return record;
  });
  return (place) => ({
    record: records[place]!,
    timeMs: times[place]!,
    derived: derived.subarray(place * width, (place + 1) * width),
  });
}

/** Behind those that are as good. */
function insert(best: Ranked[], ranked: Ranked): void {
  let at = best.length;
  while (at > 0 && best[at - 1]!.score < ranked.score) at--;
  best.splice(at, 0, ranked);
}
